"""The MACD strategy: a crossing on a closed candle, confirmed by the averages."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
import talib

from autotrade.domain.decisions import Signal
from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators.cached_indicator_service import (
    CachedIndicatorService,
    IndicatorValues,
)
from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.macd_orderbook import MacdOrderbook
from tests.unit.domain.indicators.reference import candles as recorded_candles

CROSSING = IndicatorValues(
    candle_ts=60_000,
    close=3214.55,
    count=50,
    macd=1.5,
    macd_signal=1.4,
    macd_histogram=0.1,
    previous_histogram=-0.1,
    sma_fast=3210.0,
    sma_slow=3205.0,
)


def ask(values: IndicatorValues, settings: StrategySettings | None = None) -> Signal | None:
    runner = registry.create(settings or StrategySettings())
    candle = Candle(values.candle_ts, values.close, values.close, values.close, values.close, 1.0)
    return runner.on_candle("ETH/USDT", 120_123, candle, values)


def test_a_crossing_is_a_signal_with_its_figures() -> None:
    assert ask(CROSSING) == Signal(
        symbol="ETH/USDT",
        strategy="macd_orderbook",
        version="1",
        kind="macd_cross",
        ts=120_123,
        candle_ts=60_000,
        price=Decimal("3214.55"),
        values={
            "close": 3214.55,
            "macd": 1.5,
            "macd_signal": 1.4,
            "macd_histogram": 0.1,
            "previous_histogram": -0.1,
            "sma_fast": 3210.0,
            "sma_slow": 3205.0,
        },
    )


@pytest.mark.parametrize(
    ("before", "now", "is_signal"),
    [
        (-0.1, 0.1, True),
        (0.0, 0.1, True),
        (-0.1, 1e-6, True),
        (0.05, 0.1, False),
        (1e-6, 0.1, False),
        (-0.1, 0.0, False),
        (-0.2, -0.1, False),
        (0.1, -0.1, False),
        (None, 0.1, False),
        (-0.1, None, False),
    ],
)
def test_only_from_not_above_zero_to_above_zero(
    before: float | None, now: float | None, is_signal: bool
) -> None:
    values = replace(CROSSING, previous_histogram=before, macd_histogram=now)
    assert (ask(values) is not None) is is_signal


def test_rounding_around_zero_is_no_crossing() -> None:
    assert ask(replace(CROSSING, previous_histogram=-1e-16, macd_histogram=1e-10)) is None
    assert ask(replace(CROSSING, previous_histogram=1e-10, macd_histogram=0.1)) is not None
    tiny = replace(CROSSING, close=1e-8, sma_fast=1.1e-8, sma_slow=1e-8)
    assert ask(replace(tiny, previous_histogram=-1e-12, macd_histogram=1e-12)) is not None


@pytest.mark.parametrize(
    ("fast", "slow", "is_signal"),
    [
        (3205.01, 3205.0, True),
        (3205.0, 3205.0, False),
        (3205.0 + 1e-10, 3205.0, False),
        (3204.0, 3205.0, False),
        (None, 3205.0, False),
        (3210.0, None, False),
    ],
)
def test_the_fast_average_must_stand_above_the_slow(
    fast: float | None, slow: float | None, is_signal: bool
) -> None:
    assert (ask(replace(CROSSING, sma_fast=fast, sma_slow=slow)) is not None) is is_signal


def test_no_signal_before_the_history_is_long_enough() -> None:
    assert ask(replace(CROSSING, count=49)) is None
    assert ask(replace(CROSSING, count=50)) is not None
    settings = replace(StrategySettings(), min_candles=80)
    assert ask(replace(CROSSING, count=79), settings) is None
    assert ask(replace(CROSSING, count=80), settings) is not None


def test_a_dead_market_gives_no_signals() -> None:
    assert signals_of([0.1] * 600) == []
    assert signals_of([100.0 + index for index in range(60)] + [0.3] * 2_000) == []


def signals_of(closes: list[float]) -> list[int]:
    """Numbers of the candles on which the strategy speaks, through the real indicators."""
    settings = StrategySettings()
    service, strategy, numbers = CachedIndicatorService(settings), registry.create(settings), []
    for number, close in enumerate(closes):
        candle = Candle(number * 60_000, close, close, close, close, 1.0)
        values = service.update("ETH/USDT", "1m", candle)
        if strategy.on_candle("ETH/USDT", number, candle, values):
            numbers.append(number)
    return numbers


def crossings(close: np.ndarray) -> list[int]:
    """The same from TA-Lib's batch results."""
    histogram = talib.MACD(close, 12, 26, 9)[2]
    fast, slow = talib.SMA(close, 7), talib.SMA(close, 25)
    return [
        number
        for number in range(49, len(close))
        if histogram[number - 1] <= 0 < histogram[number] and fast[number] > slow[number]
    ]


def test_signals_on_a_random_walk_are_the_batch_crossings() -> None:
    close = 100.0 + np.cumsum(np.random.default_rng(8).normal(0.0, 0.2, 3_000))
    numbers = signals_of(close.tolist())
    assert numbers == crossings(close)
    assert len(numbers) > 10


@pytest.mark.recorded
def test_signals_on_recorded_candles_are_the_batch_crossings() -> None:
    close = recorded_candles("binance_ETHUSDT_1m_20220101_20230930", 10_000)[2]
    numbers = signals_of(close.tolist())
    assert numbers == crossings(close)
    assert len(numbers) > 50


def test_periods_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match=r"strategy\.macd_fast below strategy\.macd_slow, was 26"):
        MacdOrderbook(replace(StrategySettings(), macd_fast=26))
    with pytest.raises(ValueError, match=r"strategy\.sma_fast below strategy\.sma_slow, was 30"):
        MacdOrderbook(replace(StrategySettings(), sma_fast=30))
