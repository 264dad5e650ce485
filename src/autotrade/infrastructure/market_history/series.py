"""CandleSeries: the candles of one pair and timeframe as columns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotrade.infrastructure.market_history.decimals import exact_decimal, whole_units

PRICE_COLUMNS = ("open", "high", "low", "close")
FLOAT_COLUMNS = (*PRICE_COLUMNS, "volume")
NO_TRADES_KNOWN = -1
"""In `trades`: how many there were is not known. In `quote_volume` NaN says the same."""


@dataclass(frozen=True, slots=True, eq=False)
class CandleSeries:
    """Closed candles, oldest first. The arrays cannot be written to.

    `open_ts` is in milliseconds UTC; prices in quote, volume in base currency. Every price has at
    most `price_decimals` decimal places and every volume `amount_decimals`: `decimal` and `units`
    give the exact numbers back. `quote_volume` and `trades` are there where the source had them.
    """

    open_ts: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    symbol: str
    """BASE/QUOTE."""
    timeframe: str
    exchange: str
    price_decimals: int
    amount_decimals: int
    quote_volume: NDArray[np.float64] | None = None
    trades: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        kinds: dict[str, Any] = {"open_ts": np.int64, "trades": np.int64}
        for name in ("open_ts", *FLOAT_COLUMNS, "quote_volume", "trades"):
            values = getattr(self, name)
            if values is None:
                continue
            column = np.ascontiguousarray(values, dtype=kinds.get(name, np.float64)).view()
            if column.ndim != 1 or len(column) != len(self.open_ts):
                raise ValueError(
                    f"expected {len(self.open_ts)} values in {name}, was shape {column.shape}"
                )
            column.flags.writeable = False
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.open_ts)

    def slice(self, from_ms: int | None = None, to_ms: int | None = None) -> CandleSeries:
        """Candles that open at `from_ms` or later and before `to_ms`. Shares the memory."""
        first = 0 if from_ms is None else int(self.open_ts.searchsorted(from_ms))
        end = len(self) if to_ms is None else int(self.open_ts.searchsorted(to_ms))
        return self.rows(slice(first, max(first, end)))

    def rows(self, which: Any) -> CandleSeries:
        """These rows: a slice, a mask or indices as numpy takes them."""
        columns = {
            name: column[which] for name, column in self.columns().items() if column is not None
        }
        return replace(self, **columns)

    def columns(self) -> dict[str, NDArray[Any] | None]:
        """Every column by name; None where the source had none."""
        return {
            name: getattr(self, name)
            for name in ("open_ts", *FLOAT_COLUMNS, "quote_volume", "trades")
        }

    def decimal(self, column: str, index: int) -> Decimal:
        """The exact number in `open`, `high`, `low`, `close` or `volume`."""
        return exact_decimal(getattr(self, column)[index], self._places(column))

    def units(self, column: str) -> NDArray[np.int64]:
        """The column in whole units of its last decimal place."""
        return whole_units(getattr(self, column), self._places(column))

    def _places(self, column: str) -> int:
        if column not in FLOAT_COLUMNS:
            raise ValueError(f"expected one of {', '.join(FLOAT_COLUMNS)}, was {column}")
        return self.amount_decimals if column == "volume" else self.price_decimals

    def content_sha256(self) -> str:
        """Of everything a backtest depends on: names, decimals, times, prices and volumes."""
        digest = hashlib.sha256(
            f"{self.exchange}|{self.symbol}|{self.timeframe}|{self.price_decimals}|"
            f"{self.amount_decimals}|{len(self)}".encode()
        )
        digest.update(self.open_ts.astype("<i8", copy=False).tobytes())
        for name in FLOAT_COLUMNS:
            digest.update(getattr(self, name).astype("<f8", copy=False).tobytes())
        return digest.hexdigest()


def joined(parts: list[CandleSeries]) -> CandleSeries:
    """Series of one pair and timeframe, one behind the other, with the decimals of the finest."""
    first = parts[0]
    if len(parts) == 1:
        return first
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("open_ts", *FLOAT_COLUMNS)
    }
    if any(part.quote_volume is not None for part in parts):
        columns["quote_volume"] = np.concatenate([known_quote_volume(part) for part in parts])
    if any(part.trades is not None for part in parts):
        columns["trades"] = np.concatenate([known_trades(part) for part in parts])
    return replace(
        first,
        **columns,
        price_decimals=max(part.price_decimals for part in parts),
        amount_decimals=max(part.amount_decimals for part in parts),
    )


def known_quote_volume(series: CandleSeries) -> NDArray[np.float64]:
    """The column, NaN where nothing is known."""
    return np.full(len(series), np.nan) if series.quote_volume is None else series.quote_volume


def known_trades(series: CandleSeries) -> NDArray[np.int64]:
    """The column, -1 where nothing is known."""
    if series.trades is None:
        return np.full(len(series), NO_TRADES_KNOWN, dtype=np.int64)
    return series.trades
