"""Columns are the incremental indicators, to the last bit, at every candle."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.domain.services.indicators.cached_indicator_service import CachedIndicatorService
from autotrade.domain.settings import StrategySettings
from autotrade.infrastructure.backtest.book_model import BookModel
from autotrade.infrastructure.backtest.column_indicators import ColumnIndicators
from autotrade.infrastructure.backtest.columns import IndicatorColumns
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.settings import BacktestSettings
from tests.backtest_markets import random_series

MODEL = BookModel.of(BacktestSettings())


def periods(rng: random.Random) -> StrategySettings:
    fast, sma = rng.randint(1, 12), rng.randint(1, 10)
    return StrategySettings(
        macd_fast=fast,
        macd_slow=fast + rng.randint(1, 20),
        macd_signal=rng.randint(1, 12),
        sma_fast=sma,
        sma_slow=sma + rng.randint(1, 90),
    )


@given(seed=st.integers(0, 10**9), count=st.integers(1, 260))
@settings(max_examples=60, deadline=None)
def test_every_value_is_the_incremental_one(seed: int, count: int) -> None:
    rng = random.Random(seed)
    strategy = periods(rng)
    market = PairMarket(random_series(rng, count), MODEL)
    columns, service = IndicatorColumns(market.series, strategy), CachedIndicatorService(strategy)
    for index in range(count):
        expected = service.update(market.symbol, "1m", market.candle(index))
        assert columns.values_at(index) == expected


def test_candles_may_be_left_out_and_repeated_ones_change_nothing() -> None:
    market = PairMarket(random_series(random.Random(1), 200), MODEL)
    columns = IndicatorColumns(market.series, StrategySettings())
    source = ColumnIndicators({market.symbol: columns})
    assert source.values(market.symbol, "1m") is None
    source.start_behind(market.symbol, 99)
    assert source.count(market.symbol, "1m") == 100
    assert source.update(market.symbol, "1m", market.candle(150)) == columns.values_at(150)
    assert source.update(market.symbol, "1m", market.candle(120)) == columns.values_at(150)
    assert source.count(market.symbol, "1m") == 151


def test_a_candle_of_another_series_is_refused() -> None:
    market = PairMarket(random_series(random.Random(1), 20), MODEL)
    source = ColumnIndicators(
        {market.symbol: IndicatorColumns(market.series.slice(to_ms=0), StrategySettings())}
    )
    with pytest.raises(ValueError, match="expected a candle of the series"):
        source.update(market.symbol, "1m", market.candle(3))
