"""Candles for tests: possible ones, from a few numbers or from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from autotrade.infrastructure.market_history import CandleSeries
from autotrade.infrastructure.market_history.timeframes import MINUTE_MS

START_MS = 1_704_067_200_000
"""2024-01-01T00:00Z, a Monday."""


def series(
    count: int = 10,
    *,
    start_ms: int = START_MS,
    step_ms: int = MINUTE_MS,
    seed: int = 1,
    **changes: Any,
) -> CandleSeries:
    """Candles in ticks of 0.01 and lots of 0.001 around 100."""
    rng = np.random.default_rng(seed)
    ticks = 10_000 + np.cumsum(rng.integers(-9, 10, count + 1))
    opened, close = ticks[:-1], ticks[1:]
    values: dict[str, Any] = {
        "open_ts": start_ms + np.arange(count, dtype=np.int64) * step_ms,
        "open": opened / 100,
        "high": (np.maximum(opened, close) + rng.integers(0, 5, count)) / 100,
        "low": (np.minimum(opened, close) - rng.integers(0, 5, count)) / 100,
        "close": close / 100,
        "volume": rng.integers(0, 50_000, count) / 1000,
        "symbol": "BTC/USDT",
        "timeframe": "1m",
        "exchange": "binance",
        "price_decimals": 2,
        "amount_decimals": 3,
    }
    return CandleSeries(**(values | changes))


def rows_of(one: CandleSeries) -> list[tuple[float, ...]]:
    return list(
        zip(
            one.open_ts.tolist(),
            one.open.tolist(),
            one.high.tolist(),
            one.low.tolist(),
            one.close.tolist(),
            one.volume.tolist(),
            strict=True,
        )
    )


def same(one: CandleSeries, other: CandleSeries) -> bool:
    return (
        rows_of(one) == rows_of(other)
        and one.content_sha256() == other.content_sha256()
        and (one.symbol, one.timeframe) == (other.symbol, other.timeframe)
    )


@st.composite
def gappy_series(draw: st.DrawFn, count_max: int = 400) -> CandleSeries:
    """Minutes from any moment of some years, some of them missing."""
    count = draw(st.integers(1, count_max))
    first = draw(st.integers(0, 3 * 525_600))
    stride = draw(st.sampled_from([1, 1, 1, 7, 60, 1_439]))
    whole = series(
        count,
        start_ms=START_MS + first * MINUTE_MS,
        step_ms=stride * MINUTE_MS,
        seed=draw(st.integers(0, 999)),
    )
    missing = draw(st.lists(st.integers(0, count - 1), max_size=20))
    mask = np.ones(count, dtype=bool)
    mask[missing] = False
    mask[0] = True
    return whole.rows(mask)
