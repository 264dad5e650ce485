"""The account's worth over time, from its fills and the candles' closes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.runner import Fill
from autotrade.infrastructure.statistics import equal_weight_index

HOUR_MS = 3_600_000
Floats = NDArray[np.float64]
Times = NDArray[np.int64]


def equity_curve(
    fills: Sequence[Fill],
    markets: Sequence[PairMarket],
    start_ts: int,
    end_ts: int,
    *,
    balance: Decimal,
    candle_ms: int,
) -> tuple[Times, Floats]:
    """(times, worth in quote): a point an hour, or a candle where candles are longer; what is held
    is valued at the last close that was known."""
    times = points(start_ts, end_ts, candle_ms)
    worth = np.full(len(times), float(balance))
    for market in markets:
        own = [fill for fill in fills if fill.symbol == market.symbol]
        if not own:
            continue
        ts = np.array([fill.ts for fill in own], dtype=np.int64)
        held = np.concatenate(([0.0], np.cumsum([float(fill.base) for fill in own])))
        paid = np.concatenate(([0.0], np.cumsum([float(fill.quote) for fill in own])))
        known = ts.searchsorted(times, side="right")
        worth += paid[known] + held[known] * prices_at(market, times, candle_ms)
    return times, worth


def market_index(
    markets: Sequence[PairMarket], start_ts: int, end_ts: int, candle_ms: int
) -> tuple[Times, Floats]:
    """What the pairs themselves did, each with the same weight."""
    times = points(start_ts, end_ts, candle_ms)
    prices = [prices_at(market, times, candle_ms) for market in markets]
    if len(prices) == 1:
        return times, prices[0]
    return equal_weight_index([(times, column) for column in prices])


def points(start_ts: int, end_ts: int, candle_ms: int) -> Times:
    step = max(HOUR_MS, candle_ms)
    times = np.arange(start_ts, end_ts, step, dtype=np.int64)
    return np.append(times, np.int64(end_ts))


def prices_at(market: PairMarket, times: Times, candle_ms: int) -> Floats:
    """The close of the last candle that was over at each time; the first open before any was."""
    number = (market.series.open_ts + candle_ms).searchsorted(times, side="right") - 1
    closes = market.series.close[np.maximum(number, 0)]
    return np.where(number >= 0, closes, market.series.open[0])
