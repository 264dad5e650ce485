"""Candles made for the checks of a strategy: five markets, the same at every run.

They are no model of any market. Each has what tends to break strategies: drifts and sudden jumps,
a price that stands still, minutes that are missing, a price near zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from autotrade.domain.entities.candle import Candle

START_MS = 1_704_067_200_000 + 7 * 3_600_000
"""2024-01-01T07:00Z: in the middle of a day."""
DEAD_CANDLES = 300
MISSING_PART = 0.02


@dataclass(frozen=True, slots=True)
class Columns:
    """Candles as `Strategy.scan` takes them."""

    open_ts: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.open_ts)

    def rows(self, which: slice | NDArray[np.bool_]) -> Columns:
        return Columns(*(getattr(self, item.name)[which] for item in fields(self)))

    def candles(self) -> list[Candle]:
        lists = (getattr(self, item.name).tolist() for item in fields(self))
        return [Candle(*row) for row in zip(*lists, strict=True)]


@dataclass(frozen=True, slots=True)
class SyntheticMarket:
    name: str
    columns: Columns


def synthetic_markets(candle_ms: int, count: int) -> list[SyntheticMarket]:
    """All five, `count` candles each (a little fewer where some are missing)."""
    plain = _walk(candle_ms, count, seed=1, scale=0.0008, price=100.0)
    return [
        SyntheticMarket("a walk", plain),
        SyntheticMarket("drifts and jumps", _drifting(candle_ms, count)),
        SyntheticMarket("long silences", _with_silences(candle_ms, count)),
        SyntheticMarket("missing candles", _with_gaps(candle_ms, count)),
        SyntheticMarket("a price near zero", _walk(candle_ms, count, 5, 0.002, 0.00001234)),
    ]


def columns_of_closes(closes: Sequence[float], candle_ms: int = 60_000) -> Columns:
    """Candles that open where the one before closed and go straight to these closes."""
    close = np.asarray(closes, dtype=np.float64)
    return _candles(close, candle_ms, np.zeros((2, len(close))))


def disturbed_after(columns: Columns, cut: int) -> Columns:
    """The same up to `cut`, another market afterwards."""
    factors = np.ones(len(columns))
    factors[cut:] = np.linspace(1.7, 0.4, len(columns) - cut)
    prices = (getattr(columns, name) * factors for name in ("open", "high", "low", "close"))
    return Columns(columns.open_ts, *prices, columns.volume)


def _walk(candle_ms: int, count: int, seed: int, scale: float, price: float) -> Columns:
    random = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(random.normal(0.0, scale, count)))
    return _candles(close, candle_ms, random.exponential(scale / 2, (2, count)))


def _drifting(candle_ms: int, count: int) -> Columns:
    random = np.random.default_rng(2)
    steps = random.normal(0.0, 0.0006, count)
    for begin in range(0, count, 400):
        steps[begin : begin + 400] += random.choice([-0.0004, 0.0, 0.0004])
    steps[random.integers(0, count, max(3, count // 1_000))] += random.choice([-0.04, 0.04])
    close = 27_000.0 * np.exp(np.cumsum(steps))
    return _candles(close, candle_ms, random.exponential(0.0004, (2, count)))


def _with_silences(candle_ms: int, count: int) -> Columns:
    random = np.random.default_rng(3)
    steps = random.normal(0.0, 0.001, count)
    steps[np.arange(count) // DEAD_CANDLES % 3 == 1] = 0.0
    wicks = random.exponential(0.0005, (2, count)) * (steps != 0.0)
    return _candles(1.5 * np.exp(np.cumsum(steps)), candle_ms, wicks)


def _with_gaps(candle_ms: int, count: int) -> Columns:
    columns = _walk(candle_ms, count, seed=4, scale=0.001, price=2_000.0)
    random = np.random.default_rng(40)
    present = random.random(count) > MISSING_PART
    present[count // 2 : count // 2 + 200] = False
    return columns.rows(present)


def _candles(close: NDArray[np.float64], candle_ms: int, wicks: NDArray[np.float64]) -> Columns:
    """`wicks`: parts of the price beyond open and close, above and below."""
    opens = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(opens, close) * (1.0 + wicks[0])
    low = np.minimum(opens, close) * (1.0 - wicks[1])
    open_ts = START_MS // candle_ms * candle_ms + np.arange(len(close)) * candle_ms
    volume = 1.0 + np.abs(close - opens) / close * 1_000.0
    return Columns(open_ts.astype(np.int64), opens, high, low, close, volume)
