"""The incremental indicators equal TA-Lib's batch results, on random and on recorded series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.domain.services.indicators.atr import Atr
from autotrade.domain.services.indicators.bollinger import Bollinger
from autotrade.domain.services.indicators.ema import Ema
from autotrade.domain.services.indicators.macd import Macd
from autotrade.domain.services.indicators.rsi import Rsi
from autotrade.domain.services.indicators.sma import Sma
from tests.unit.domain.indicators.reference import assert_equal, candles, column, feed

RECORDINGS = (
    "binance_BTCUSDT_1m_20220101_20230930",
    "binance_BTTUSDT_1m_20210420_20210520",
    "binance_DOGEUSDT_1m_20210420_20210520",
    "binance_XRPETH_1m_20191011_20191013",
)


def assert_all_equal(high: Any, low: Any, close: Any) -> None:
    values = close.tolist()
    price = float(np.max(np.abs(close)))
    for period in (7, 25, 75):
        assert_equal(feed(Sma(period).update, values), talib.SMA(close, period))
    for period in (12, 26):
        assert_equal(feed(Ema(period).update, values), talib.EMA(close, period))
    for fast, slow, signal in ((12, 26, 9), (5, 35, 5), (3, 4, 2)):
        points = feed(Macd(fast, slow, signal).update, values)
        reference = talib.MACD(close, fast, slow, signal)
        for index in range(3):
            assert_equal(column(points, index), reference[index], floor=price * 1e-5)
    for period in (5, 15):
        assert_equal(feed(Rsi(period).update, values), talib.RSI(close, period), floor=1e-3)
    atr = Atr(14)
    ranges = [atr.update(*row) for row in zip(high.tolist(), low.tolist(), values, strict=True)]
    assert_equal(ranges, talib.ATR(high, low, close, 14), floor=price * 1e-6)
    bands = feed(Bollinger(20, 2.0).update, values)
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    for index, reference in enumerate((lower, middle, upper)):
        assert_equal(column(bands, index), reference, floor=price)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    start=st.sampled_from([1e-8, 3e-5, 0.07, 1.0, 250.0, 1e5]),
    step=st.sampled_from([1e-9, 1e-6, 1e-4, 1e-3, 3e-2]),
    count=st.integers(1, 400),
    flat=st.floats(0.0, 1.0),
)
def test_random_walks(seed: int, start: float, step: float, count: int, flat: float) -> None:
    random = np.random.default_rng(seed)
    moves = random.normal(0.0, step, count) * (random.random(count) >= flat)
    close = start * np.exp(np.cumsum(moves))
    high = close * (1.0 + np.abs(random.normal(0.0, step, count)))
    low = close * (1.0 - np.minimum(0.5, np.abs(random.normal(0.0, step, count))))
    assert_all_equal(high, low, close)


def test_a_long_walk_does_not_drift() -> None:
    random = np.random.default_rng(11)
    close = 61_000.0 * np.exp(np.cumsum(random.normal(0.0, 1e-3, 60_000)))
    assert_all_equal(close * 1.001, close * 0.999, close)


@pytest.mark.recorded
@pytest.mark.parametrize("name", RECORDINGS)
def test_recorded_candles(name: str) -> None:
    assert_all_equal(*candles(name, 40_000))
