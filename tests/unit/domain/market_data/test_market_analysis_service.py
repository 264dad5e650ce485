"""MarketAnalysisService: classes on both sides of their limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.domain.services.market_data.market_analysis_service import (
    MarketAnalysisService,
    MarketConditions,
    Trend,
    VolatilityClass,
)

VALUES = IndicatorValues(
    candle_ts=0,
    close=1000.0,
    count=100,
    sma_slow=1000.0,
    sma_75=1000.0,
    atr_14=1.0,
    returns_volatility_percent=0.05,
)


def conditions(timeframe: str = "1m", **changes: float | None) -> MarketConditions:
    values = replace(VALUES, **changes)  # type: ignore[arg-type]
    return MarketAnalysisService(timeframe).conditions(values)


@pytest.mark.parametrize(
    ("atr_percent", "volatility"),
    [
        (0.0, VolatilityClass.CALM),
        (0.0499, VolatilityClass.CALM),
        (0.05, VolatilityClass.NORMAL),
        (0.2999, VolatilityClass.NORMAL),
        (0.3, VolatilityClass.HIGH),
        (1.4999, VolatilityClass.HIGH),
        (1.5, VolatilityClass.EXTREME),
        (9.0, VolatilityClass.EXTREME),
    ],
)
def test_volatility_classes(atr_percent: float, volatility: VolatilityClass) -> None:
    found = conditions(atr_14=atr_percent * 10.0, returns_volatility_percent=None)
    assert found.volatility is volatility
    assert found.volatility_percent == pytest.approx(atr_percent)
    assert found.extreme_percent == 1.5


def test_the_worse_of_atr_and_returns_counts() -> None:
    assert conditions(returns_volatility_percent=0.06).volatility_percent == pytest.approx(0.1)
    assert conditions(returns_volatility_percent=0.2).volatility_percent == pytest.approx(0.3)
    assert conditions(returns_volatility_percent=1.01).volatility is VolatilityClass.EXTREME


def test_longer_candles_may_move_more() -> None:
    assert conditions("1m", atr_14=5.0).volatility is VolatilityClass.HIGH
    assert conditions("4h", atr_14=5.0).volatility is VolatilityClass.CALM
    four_hours = conditions("4h", atr_14=233.0)
    assert four_hours.volatility is VolatilityClass.EXTREME
    assert four_hours.extreme_percent == pytest.approx(1.5 * 240**0.5)
    assert conditions("4h", atr_14=232.0).volatility is VolatilityClass.HIGH


@pytest.mark.parametrize(
    ("sma_slow", "trend"),
    [
        (1001.6, Trend.UP),
        (1001.5, Trend.FLAT),
        (1000.0, Trend.FLAT),
        (998.5, Trend.FLAT),
        (998.4, Trend.DOWN),
    ],
)
def test_trend(sma_slow: float, trend: Trend) -> None:
    found = conditions(sma_slow=sma_slow)
    assert found.trend is trend
    assert found.trend_percent == pytest.approx((sma_slow - 1000.0) / 10.0)


@pytest.mark.parametrize("missing", ["sma_slow", "sma_75", "atr_14"])
def test_no_trend_without_history(missing: str) -> None:
    found = conditions(**{missing: None})
    assert (found.trend, found.trend_percent) == (Trend.UNKNOWN, None)
    assert found.recommendation == "wait for more history"


def test_nothing_is_known_without_values() -> None:
    found = MarketAnalysisService().conditions(None)
    assert found.volatility is VolatilityClass.UNKNOWN
    assert found.trend is Trend.UNKNOWN
    assert found.as_figures() == {
        "volatility": "unknown",
        "trend": "unknown",
        "recommendation": "wait for more history",
    }
    assert conditions(atr_14=None).volatility is VolatilityClass.UNKNOWN


def test_figures() -> None:
    assert conditions(sma_slow=1002.34567).as_figures() == {
        "volatility": "normal",
        "trend": "up",
        "recommendation": "good conditions",
        "volatility_percent": 0.1,
        "trend_percent": 0.2346,
    }


@pytest.mark.parametrize(
    ("atr", "sma_slow", "recommendation"),
    [
        (20.0, 1000.0, "stand aside until the market calms down"),
        (1.0, 990.0, "buy only with the order book's support"),
        (5.0, 990.0, "buy only with the order book's support"),
        (5.0, 1000.0, "expect slippage, keep deals small"),
        (0.1, 1000.0, "expect slow deals, the target is many candles away"),
        (1.0, 1000.0, "fair conditions"),
        (1.0, 1010.0, "good conditions"),
    ],
)
def test_recommendations(atr: float, sma_slow: float, recommendation: str) -> None:
    found = conditions(atr_14=atr, sma_slow=sma_slow, returns_volatility_percent=0.0)
    assert found.recommendation == recommendation
