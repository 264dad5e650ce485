"""CandleStore: candle files by exchange, pair and timeframe, merged when saved."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autotrade.infrastructure.journal.files import REAL_FILES, store_faults, write_atomically
from autotrade.infrastructure.market_history.candle_files import (
    FileFacts,
    encode,
    read_facts,
    read_series,
)
from autotrade.infrastructure.market_history.errors import (
    MarketHistoryError,
    MarketHistoryRefused,
)
from autotrade.infrastructure.market_history.integrity import time_text
from autotrade.infrastructure.market_history.merging import Merge, merged, tidied
from autotrade.infrastructure.market_history.names import (
    exchange_name,
    file_name,
    market_id,
    pair_name,
)
from autotrade.infrastructure.market_history.timeframes import TIMEFRAMES, timeframe_of

if TYPE_CHECKING:
    from autotrade.infrastructure.market_history.series import CandleSeries

DEFAULT_ROOT = Path("data/candles")
_LOCK_NAME = ".writing.lock"
LOCK_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class StoredCandles:
    """One file of the store; `fault` is the sentence where it cannot be read (`facts` is None)."""

    path: Path
    bytes: int
    facts: FileFacts | None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class SaveResult:
    """What `save` did: candles that were new, that replaced others, that were there already."""

    path: Path
    added: int
    replaced: int
    known: int
    candles: int
    """In the file now."""


class CandleStore:
    """`root/{exchange}/{BTCUSDT}/{timeframe}.parquet`.

    Pairs are named BTC/USDT or BTCUSDT. Errors are `MarketHistoryError`s, `StoreFault` when the
    disk refuses.
    """

    def __init__(self, root: Path = DEFAULT_ROOT, lock_seconds_max: float = LOCK_SECONDS_MAX):
        self.root = root
        self._lock_seconds_max = lock_seconds_max

    def path(self, exchange: str, symbol: str, timeframe: str) -> Path:
        folder = self.root / exchange_name(exchange) / market_id(pair_name(symbol))
        return folder / file_name(timeframe_of(timeframe))

    def exists(self, exchange: str, symbol: str, timeframe: str) -> bool:
        return self.path(exchange, symbol, timeframe).exists()

    def load(
        self,
        exchange: str,
        symbol: str,
        timeframe: str,
        from_ms: int | None = None,
        to_ms: int | None = None,
        *,
        with_extras: bool = False,
    ) -> CandleSeries:
        """The stored candles that open from `from_ms` until before `to_ms` (ms UTC).

        Quote volume and trade counts only `with_extras`. Raises `MarketHistoryRefused` when there
        are none.
        """
        path = self.path(exchange, symbol, timeframe)
        if not path.exists():
            raise MarketHistoryRefused(self._missing(exchange, symbol, timeframe))
        series = read_series(path, from_ms, to_ms, with_extras=with_extras)
        if not len(series):
            facts = read_facts(path)
            raise MarketHistoryRefused(
                f"expected candles of {exchange} {symbol} {timeframe} from "
                f"{_bound(from_ms, 'the beginning')} until before {_bound(to_ms, 'the end')} UTC, "
                f"was none; the store has them from {time_text(facts.first_ms)} to "
                f"{time_text(facts.last_ms)}"
            )
        return series

    def facts(self, exchange: str, symbol: str, timeframe: str) -> FileFacts | None:
        """What the store has of this series; None for nothing. Reads no candles."""
        path = self.path(exchange, symbol, timeframe)
        return read_facts(path) if path.exists() else None

    def save(
        self,
        series: CandleSeries,
        *,
        sources: Sequence[str] = (),
        replace: bool = False,
    ) -> SaveResult:
        """Merge the series into its file; the same candles again change no byte.

        `sources` say where the candles come from. A candle that is stored with other values raises
        `CandleConflict` and nothing is written; with `replace` the new one wins. Candles that
        cannot be (high below low, open times between two candles) raise `MarketHistoryError`.
        """
        path = self.path(series.exchange, series.symbol, series.timeframe)
        new = tidied(series, replace=replace)
        if not len(new):
            raise MarketHistoryRefused(
                f"expected candles of {series.exchange} {series.symbol} {series.timeframe}, "
                "was an empty series; look at the file or the range"
            )
        with self._writing():
            facts = read_facts(path) if path.exists() else None
            if facts is None:
                merge = Merge(new, added=len(new), replaced=0, known=0)
            else:
                if facts.symbol != series.symbol:
                    raise MarketHistoryRefused(
                        f"expected the pair {facts.symbol} in {path}, was {series.symbol}; "
                        "name the pair as it is stored"
                    )
                stored = read_series(path, None, None, with_extras=True)
                merge = merged(stored, new, replace=replace)
            known = () if facts is None else facts.sources
            data = encode(merge.series, tuple(sorted({*known, *sources})))
            with store_faults(path, "write"):
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(REAL_FILES, path, data)
        return SaveResult(path, merge.added, merge.replaced, merge.known, len(merge.series))

    def delete(self, exchange: str, symbol: str, timeframe: str) -> None:
        """Forget a series; nothing happens when there is none."""
        path = self.path(exchange, symbol, timeframe)
        if path.exists():
            with self._writing(), store_faults(path, "delete"):
                path.unlink(missing_ok=True)

    def list(self) -> list[StoredCandles]:
        """Every file of the store, by exchange, pair and length of the timeframe."""
        found = [_look(path) for path in self.root.glob("*/*/*.parquet") if path.is_file()]
        return sorted(found, key=_order)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time; readers need no lock, files are replaced in one step."""
        import filelock

        with store_faults(self.root, "make"):
            self.root.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.root / _LOCK_NAME, timeout=self._lock_seconds_max)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise MarketHistoryError(
                f"expected to be the only writer of {self.root}, was another one for "
                f"{self._lock_seconds_max:g} s; wait until its import has ended"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def _missing(self, exchange: str, symbol: str, timeframe: str) -> str:
        stored = [entry.facts for entry in self.list() if entry.facts is not None]
        name = pair_name(symbol)
        near = [
            f"{facts.exchange} {facts.symbol} {facts.timeframe}"
            for facts in stored
            if market_id(facts.symbol) == market_id(name)
        ] or [f"{facts.exchange} {facts.symbol} {facts.timeframe}" for facts in stored][:10]
        has = f"the store has {', '.join(near)}" if near else "the store is empty"
        return (
            f"expected stored candles of {exchange} {name} {timeframe}, was none; {has}; get them "
            "with `python main.py candles import` or `python main.py candles download`"
        )


def _bound(ts_ms: int | None, word: str) -> str:
    return word if ts_ms is None else time_text(ts_ms)


def _look(path: Path) -> StoredCandles:
    try:
        return StoredCandles(path, path.stat().st_size, read_facts(path))
    except (MarketHistoryError, OSError) as error:
        return StoredCandles(path, 0, None, str(error))


def _order(entry: StoredCandles) -> tuple[str, str, int, str]:
    facts = entry.facts
    if facts is None:
        return (entry.path.parts[-3], entry.path.parts[-2], 0, entry.path.name)
    length = TIMEFRAMES.get(facts.timeframe, 0) or 1 << 60
    return (facts.exchange, market_id(facts.symbol), length, facts.timeframe)
