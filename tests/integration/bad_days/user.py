"""The command line as a user has it, in a thread of its own, against an exchange that the test
holds in its hands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from autotrade import bootstrap
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange
from autotrade.infrastructure.simulated_exchange.process import announcement
from autotrade.infrastructure.terminal import redaction
from autotrade.infrastructure.terminal.entry import main

CONFIG: dict[str, Any] = {
    "currency_pair": {
        "base_currency": "ETH",
        "quote_currency": "USDT",
        "deal_quota": 100,
        "profit_markup": 0.9,
        "deal_count": 1,
    },
    "strategy": {
        "macd_fast": 2,
        "macd_slow": 3,
        "macd_signal": 2,
        "sma_fast": 1,
        "sma_slow": 2,
        "min_candles": 10,
    },
    "orderbook_analyzer": {"max_book_age_seconds": 1000000000},
    "signal_cooldown": {
        "after_signal_seconds": 0,
        "after_loss_seconds": 0,
        "min_entry_distance_percent": 0,
    },
}
"""One pair, and a strategy that sees every rise."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def sentences(self) -> list[str]:
        """What is said to the user when a command fails."""
        return [line for line in self.err.splitlines() if line.startswith("autotrade: ")]

    def refusal(self, code: int) -> str:
        """The one sentence of a command that failed; nothing half-said may stand on stdout."""
        assert self.code == code, self.err
        assert self.out == ""
        assert "Traceback" not in self.err
        assert len(self.sentences) == 1, self.err
        return self.sentences[0]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class User:
    """Somebody at a terminal, with a folder of their own."""

    def __init__(self, home: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.home, self._capture = home, capture
        self.data = home / "data"
        self.config, self.env_file = home / "config.json", home / "test.env"
        self.config.write_text(json.dumps(CONFIG), encoding="utf-8")
        self.env_file.write_text("", encoding="utf-8")

    def types(self, *words: object) -> Said:
        """Run one command to its end."""
        self._capture.readouterr()
        places = ["--config", self.config, "--env-file", self.env_file, "--data-dir", self.data]
        given = {str(word) for word in words}
        for name, value in zip(places[::2], places[1::2], strict=True):
            words = words if str(name) in given else (*words, name, value)
        code = main([str(word) for word in words])
        captured = self._capture.readouterr()
        return Said(code, captured.out, captured.err)

    async def trades(self, *words: object) -> Said:
        """`trade --json ...` beside the test's own loop, in which the exchange lives."""
        return await asyncio.to_thread(self.types, "trade", "--json", *words)

    def announces(self, exchange: EmbeddedExchange, **changes: object) -> Path:
        """The announce file of an exchange, for --attach."""
        path = self.home / "exchange.json"
        path.write_bytes(orjson.dumps({**announcement(exchange), **changes}))
        return path

    def journal(self) -> bytes:
        """What the journal holds now."""
        journal = self.data / "journal.jsonl"
        return journal.read_bytes() if journal.exists() else b""

    def log(self) -> str:
        file = self.data / "logs" / "autotrade.jsonl"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def journal_rows(self) -> int:
        return self.journal().count(b"\n")


@contextmanager
def user_at(
    home: Path, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[User]:
    """Signals belong to the main thread, where no command runs here."""
    monkeypatch.setattr(bootstrap, "_stop_signals", lambda request_stop: nullcontext())
    monkeypatch.setattr(redaction, "_known", [])
    home.mkdir(exist_ok=True)
    yield User(home, capture)
