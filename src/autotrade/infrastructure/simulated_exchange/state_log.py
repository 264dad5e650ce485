"""StateLog: the exchange's accounts on disk, so that a restart continues them.

`exchange/state.jsonl` in the data folder: a snapshot, then a row for every change, handed to
the operating system before the reply that tells of it leaves (no fsync: the exchange is a
simulation, its machine may not crash, its process may). `exchange/market.json` is where the
market stood, for sources that can go on from there.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import Output
from autotrade.infrastructure.simulated_exchange.state_changes import (
    StateMerger,
    account_changes,
)

logger = logging.getLogger(__name__)

FOLDER = "exchange"
STATE_FILE = "state.jsonl"
MARKET_FILE = "market.json"
_MERGE_ERRORS = (KeyError, TypeError, ValueError, IndexError, AttributeError)


class StateDamaged(Exception):
    """The stored accounts cannot be read; says the file, the line and what to do."""


class StateLog:
    """The stored accounts of one exchange."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER
        self._path = self._folder / STATE_FILE
        self._market_path = self._folder / MARKET_FILE
        self._file: io.FileIO | None = None
        self.rows = 0

    def load(self) -> dict[str, Any] | None:
        """The accounts as last written; None when there are none. A torn last line is cut."""
        if not self._path.exists():
            return None
        lines = self._path.read_bytes().split(b"\n")
        whole, torn = lines[:-1], lines[-1]
        if torn:
            logger.warning("the last line of %s was torn and is left out", self._path)
        if not whole:
            return None
        number = 0
        try:
            merger = StateMerger(orjson.loads(whole[0])["snapshot"])
            for number, line in enumerate(whole[1:], start=1):  # noqa: B007 - named in the error
                merger.add(orjson.loads(line)["changes"])
            return merger.state()
        except _MERGE_ERRORS as error:
            raise StateDamaged(
                f"expected a whole line {number + 1} of {self._path}, was a damaged one "
                f"({error}): restore a backup of it or delete it to begin with fresh accounts"
            ) from error

    def open(self, exchange: SimulatedExchange) -> None:
        """Begin a new file with the exchange's present state as its snapshot."""
        self._folder.mkdir(parents=True, exist_ok=True)
        _replace(self._path, orjson.dumps({"snapshot": exchange.export_state()}) + b"\n")
        self._file = io.FileIO(self._path, "ab")

    def on_outputs(self, exchange: SimulatedExchange, outputs: Sequence[Output]) -> None:
        """Write a row when an account changed."""
        changes = account_changes(exchange, outputs)
        if changes is None or self._file is None:
            return
        self._file.write(orjson.dumps({"changes": changes}) + b"\n")
        self.rows += 1

    def load_market(self) -> dict[str, Any] | None:
        """Where the market stood; None when it is not known."""
        try:
            stored = orjson.loads(self._market_path.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return None
        return stored if isinstance(stored, dict) else None

    def save_market(self, checkpoint: Mapping[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        _replace(self._market_path, orjson.dumps(checkpoint))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    os.replace(temporary, path)  # noqa: PTH105 - the atomic one on every platform
