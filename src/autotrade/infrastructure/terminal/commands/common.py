"""What several commands need: settings from their arguments, and the data folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from autotrade.config.config_loader import data_folder, load_settings, read_layers
from autotrade.config.errors import ConfigurationError
from autotrade.infrastructure.terminal.redaction import protect

if TYPE_CHECKING:
    from autotrade.config.settings import Settings

Overrides = dict[str, tuple[str, object]]


def command_line_overrides(arguments: argparse.Namespace) -> Overrides:
    """Settings that the command line sets. Its paths start at the current folder."""
    found: Overrides = {}
    if arguments.data_dir is not None:
        found["data_dir"] = ("--data-dir", str(arguments.data_dir.absolute()))
    for path, name in (
        ("exchange.speed", "speed"),
        ("exchange.venue", "venue"),
        ("exchange.mode", "mode"),
        ("exchange.market_source", "market"),
        ("exchange.recording_start", "recording_start"),
        ("exchange.recording_minutes", "recording_minutes"),
    ):
        value = getattr(arguments, name, None)
        if value is not None:
            found[path] = (f"--{name.replace('_', '-')}", value)
    if getattr(arguments, "attach", None) is not None:
        found["exchange.attach"] = ("--attach", str(arguments.attach.absolute()))
    if getattr(arguments, "recording", None):
        files = [str(path.absolute()) for path in arguments.recording]
        found["exchange.recordings"] = ("--recording", files)
    elif "exchange.market_source" in found:
        # The command line is stronger: a seed given there sets recordings of config.json aside.
        found["exchange.recordings"] = ("--market", [])
    return found


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The whole configuration; what is secret in it is erased from all text from now on."""
    settings = load_settings(
        config_file=arguments.config,
        env_file=arguments.env_file,
        overrides=command_line_overrides(arguments),
    )
    keys = settings.keys
    for secret in (
        keys.binance_sandbox_api_key,
        keys.binance_sandbox_secret,
        keys.binance_prod_api_key,
        keys.binance_prod_secret,
    ):
        protect(secret.get_secret_value() if secret else None)
    return settings


def data_folder_of(arguments: argparse.Namespace) -> Path:
    """The data folder, found without validating the rest (which takes a while)."""
    layers = read_layers(
        config_file=arguments.config,
        env_file=arguments.env_file,
        overrides=command_line_overrides(arguments),
    )
    return data_folder(layers)


def require_folder(folder: Path) -> Path:
    """The folder, or the refusal that there is nothing to read."""
    if not (folder / "journal.jsonl").exists():
        raise ConfigurationError(
            f"expected a data folder with a journal, was {folder} without one; "
            "run `python main.py` first or name the folder with --data-dir"
        )
    return folder
