"""A folder with a config.json and an .env of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrade.config.config_loader import load_settings
from autotrade.config.errors import ConfigurationError
from autotrade.config.settings import Settings

PAIR = {"base_currency": "BTC", "quote_currency": "USDT"}


class Home:
    """Where configuration files are written, and the loader on top of them."""

    def __init__(self, folder: Path) -> None:
        self.config_file = folder / "config.json"
        self.env_file = folder / ".env"
        self.write_config({"currency_pairs": [PAIR]})
        self.env_file.write_text("", encoding="utf-8")

    def write_config(self, content: Any) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        self.config_file.write_text(text, encoding="utf-8")

    def write_env(self, *lines: str) -> None:
        self.env_file.write_text("\n".join(lines), encoding="utf-8")

    def load(self, environ: dict[str, str] | None = None, **overrides: object) -> Settings:
        return load_settings(
            config_file=self.config_file,
            env_file=self.env_file,
            environ=environ or {},
            overrides={
                path.replace("__", "."): (f"--{path}", value) for path, value in overrides.items()
            },
        )

    def problems(self, environ: dict[str, str] | None = None, **overrides: object) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            self.load(environ, **overrides)
        return list(caught.value.problems)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def write_key(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "key.pem"
        path.write_bytes(content)
        return path

    return write
