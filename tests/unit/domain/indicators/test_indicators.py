"""Exactness, first candles and refusals of the indicators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.domain.services.indicators.atr import Atr
from autotrade.domain.services.indicators.bollinger import Bollinger
from autotrade.domain.services.indicators.ema import Ema
from autotrade.domain.services.indicators.macd import Macd
from autotrade.domain.services.indicators.rsi import Rsi
from autotrade.domain.services.indicators.sma import Sma
from autotrade.domain.services.indicators.window import RollingDeviation, RollingMean
from tests.unit.domain.indicators.reference import exact_deviation, exact_mean, feed

prices = st.floats(1e-9, 1e6, allow_nan=False)


@settings(max_examples=80, deadline=None)
@given(values=st.lists(prices, min_size=1, max_size=60), period=st.integers(1, 12))
def test_rolling_sums_are_correctly_rounded_whatever_came_before(
    values: list[float], period: int
) -> None:
    window = RollingDeviation(period)
    for count, value in enumerate(values, start=1):
        window.push(value)
        last = values[max(0, count - period) : count]
        if count < period:
            assert window.mean is None
            assert window.deviation is None
        else:
            assert window.mean == exact_mean(last)
            assert window.deviation == exact_deviation(last)


@pytest.mark.parametrize(("price", "tick"), [(1e5, 1e-6), (61_234.5, 0.01), (1e-8, 1e-15)])
def test_tiny_moves_of_any_price_keep_their_deviation(price: float, tick: float) -> None:
    """The mean of squares minus the squared mean would be noise here, or even negative."""
    random = np.random.default_rng(3)
    values = [price + tick * int(step) for step in random.integers(-3, 4, 5_000)]
    bollinger = Bollinger(20, 2.0)
    bands = feed(bollinger.update, values)[-1]
    deviation = exact_deviation(values[-20:])
    assert deviation > 0
    assert bands.upper == exact_mean(values[-20:]) + 2.0 * deviation
    assert bands.lower == exact_mean(values[-20:]) - 2.0 * deviation


def test_a_price_that_stands_still_is_its_own_mean_without_deviation() -> None:
    sma_fast, sma_slow, bollinger = Sma(7), Sma(25), Bollinger(20)
    for _ in range(100):
        fast, slow, bands = sma_fast.update(0.1), sma_slow.update(0.1), bollinger.update(0.1)
    assert fast == slow == 0.1
    assert bands == (0.1, 0.1, 0.1)


def test_huge_values_leave_no_trace_after_they_left_the_window() -> None:
    window = RollingDeviation(3)
    for value in (1e5, 3e9, 7e-9, 1e-8, 2e-8, 4e-8):
        window.push(value)
    assert window.mean == exact_mean([1e-8, 2e-8, 4e-8])
    assert window.deviation == exact_deviation([1e-8, 2e-8, 4e-8])


def test_the_window_keeps_no_more_than_its_period() -> None:
    window = RollingMean(7)
    for value in range(1_000):
        window.push(float(value))
    assert len(window._values) == 7
    assert window.mean == 996.0


def test_first_values_come_when_talib_says_so() -> None:
    def first(update: Callable[[float], object]) -> int:
        return next(index for index in range(200) if update(100.0 + index % 7) is not None)

    assert first(Sma(7).update) == 6
    assert first(Ema(26).update) == 25
    assert first(Macd(12, 26, 9).update) == 33
    assert first(Rsi(5).update) == 5
    assert first(Bollinger(20).update) == 19
    atr = Atr(14)
    assert first(lambda value: atr.update(value + 1.0, value - 1.0, value)) == 14


def test_value_is_the_last_update() -> None:
    for indicator in (Sma(3), Ema(3), Macd(2, 3, 2), Rsi(3), Bollinger(3)):
        assert indicator.value is None
        for price in (1.0, 2.0, 4.0, 3.0, 5.0, 4.5, 6.0):
            last = indicator.update(price)
            assert indicator.value == last
        assert indicator.value is not None
    atr = Atr(2)
    assert atr.value is None
    assert [atr.update(*row) for row in ((2.0, 1.0, 1.5), (2.5, 1.5, 2.0))] == [None, None]
    assert atr.update(5.0, 3.0, 4.0) == atr.value == 2.0


def test_macd_by_hand() -> None:
    """Fast 1 is the price itself, slow 2 has factor 2/3, signal 1 is the MACD itself."""
    macd = Macd(1, 2, 1)
    assert macd.update(10.0) is None
    assert macd.update(13.0) == (13.0 - 11.5, 1.5, 0.0)
    point = macd.update(10.0)
    assert point is not None
    assert point.macd == pytest.approx(10.0 - 10.5)
    assert point.histogram == point.macd - point.signal


def test_rsi_at_its_ends() -> None:
    assert feed(Rsi(3).update, [1.0, 2.0, 3.0, 4.0])[-1] == 100.0
    assert feed(Rsi(3).update, [4.0, 3.0, 2.0, 1.0])[-1] == 0.0
    assert feed(Rsi(3).update, [4.0, 4.0, 4.0, 4.0])[-1] == 0.0
    assert feed(Rsi(2).update, [4.0, 5.0, 4.0])[-1] == 50.0


def test_atr_sees_the_gap_to_the_close_before() -> None:
    up, down = Atr(1), Atr(1)
    for atr in (up, down):
        atr.update(11.0, 9.0, 10.0)
    assert up.update(16.0, 15.0, 15.5) == 6.0
    assert down.update(6.0, 5.0, 5.5) == 5.0
    assert down.update(6.0, 5.0, 5.5) == 1.0


@pytest.mark.parametrize("make", [Sma, Ema, Rsi, Atr, Bollinger])
def test_a_period_must_be_at_least_one(make: Callable[[int], object]) -> None:
    make(1)
    with pytest.raises(ValueError, match="expected a period of at least 1 candle, was 0"):
        make(0)


def test_macd_periods_must_be_in_order() -> None:
    with pytest.raises(ValueError, match="fast period below the slow one, was 26 and 12"):
        Macd(26, 12, 9)
    with pytest.raises(ValueError, match="was 12 and 12"):
        Macd(12, 12, 9)
    with pytest.raises(ValueError, match="was 0"):
        Macd(0, 12, 9)
