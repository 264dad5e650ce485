"""CachedIndicatorService: series apart from each other, in order, bounded."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
import talib

from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators import cached_indicator_service
from autotrade.domain.services.indicators.cached_indicator_service import (
    CachedIndicatorService,
    IndicatorValues,
)
from autotrade.domain.settings import StrategySettings
from tests.unit.domain.indicators.reference import exact_deviation


def candle(number: int, close: float, width: float = 1.0) -> Candle:
    return Candle(number * 60_000, close, close + width, close - width, close, 5.0)


def walk(count: int, seed: int = 5) -> list[Candle]:
    closes = 100.0 + np.cumsum(np.random.default_rng(seed).normal(0.0, 0.3, count))
    return [candle(number, float(close)) for number, close in enumerate(closes)]


def feed(service: CachedIndicatorService, candles: list[Candle]) -> IndicatorValues:
    for one in candles:
        values = service.update("ETH/USDT", "1m", one)
    return values


def test_every_value_is_talibs() -> None:
    candles = walk(120)
    values = feed(CachedIndicatorService(StrategySettings()), candles)
    close, high, low = (
        np.array([getattr(one, key) for one in candles]) for key in ("close", "high", "low")
    )
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    expected = {
        "close": close[-1],
        "macd": macd[-1],
        "macd_signal": signal[-1],
        "macd_histogram": histogram[-1],
        "previous_histogram": histogram[-2],
        "sma_fast": talib.SMA(close, 7)[-1],
        "sma_slow": talib.SMA(close, 25)[-1],
        "sma_75": talib.SMA(close, 75)[-1],
        "rsi_5": talib.RSI(close, 5)[-1],
        "rsi_15": talib.RSI(close, 15)[-1],
        "bollinger_lower": lower[-1],
        "bollinger_middle": middle[-1],
        "bollinger_upper": upper[-1],
        "atr_14": talib.ATR(high, low, close, 14)[-1],
        "returns_volatility_percent": 100 * exact_deviation(list(close[-20:] / close[-21:-1] - 1)),
    }
    assert values.as_signals() == pytest.approx(expected, rel=1e-9)
    assert values.candle_ts == 119 * 60_000
    assert values.count == 120


def test_settings_choose_the_periods() -> None:
    settings = replace(
        StrategySettings(), macd_fast=3, macd_slow=6, macd_signal=4, sma_fast=2, sma_slow=5
    )
    candles = walk(60)
    values = feed(CachedIndicatorService(settings), candles)
    close = np.array([one.close for one in candles])
    assert values.sma_fast == pytest.approx(talib.SMA(close, 2)[-1], rel=1e-9)
    assert values.sma_slow == pytest.approx(talib.SMA(close, 5)[-1], rel=1e-9)
    assert values.macd_histogram == pytest.approx(talib.MACD(close, 3, 6, 4)[2][-1], rel=1e-9)


def test_what_is_not_known_yet_is_none_and_no_signal() -> None:
    service = CachedIndicatorService(StrategySettings())
    values = feed(service, walk(1))
    unknown = {field.name for field in fields(values)} - {"candle_ts", "close", "count"}
    assert all(getattr(values, name) is None for name in unknown)
    assert values.as_signals() == {"close": values.close}
    known_from = {"sma_fast": 7, "sma_75": 75, "macd": 34, "previous_histogram": 35}
    known_from |= {"atr_14": 15, "returns_volatility_percent": 21, "bollinger_upper": 20}
    for name, count in known_from.items():
        candles = walk(count)
        assert getattr(feed(CachedIndicatorService(StrategySettings()), candles), name) is not None
        shorter = feed(CachedIndicatorService(StrategySettings()), candles[:-1])
        assert getattr(shorter, name) is None, name


def test_duplicates_and_older_candles_change_nothing() -> None:
    candles = walk(60)
    service, clean = (CachedIndicatorService(StrategySettings()) for _ in range(2))
    feed(service, candles[:50])
    before = service.values("ETH/USDT", "1m")
    for repeated in (candles[49], candles[3], replace(candles[49], close=1e9, high=2e9)):
        assert service.update("ETH/USDT", "1m", repeated) is before
    assert service.count("ETH/USDT", "1m") == 50
    assert feed(service, candles[50:]) == feed(clean, candles)


def test_series_do_not_mix() -> None:
    service, alone = (CachedIndicatorService(StrategySettings()) for _ in range(2))
    for one, other in zip(walk(60, seed=1), walk(60, seed=2), strict=True):
        mixed = service.update("ETH/USDT", "1m", one)
        service.update("ETH/USDT", "5m", other)
        service.update("BTC/USDT", "1m", other)
        assert mixed == alone.update("ETH/USDT", "1m", one)


def test_nothing_is_known_of_a_series_before_its_first_candle() -> None:
    service = CachedIndicatorService(StrategySettings())
    assert service.values("ETH/USDT", "1m") is None
    assert service.count("ETH/USDT", "1m") == 0
    values = feed(service, walk(3))
    assert service.values("ETH/USDT", "1m") is values
    assert service.count("ETH/USDT", "1m") == 3
    assert service.values("ETH/USDT", "5m") is None


@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf, 1e30])
@pytest.mark.parametrize("key", ["high", "low", "close"])
def test_impossible_prices_are_refused_and_leave_no_trace(key: str, price: float) -> None:
    service, clean = (CachedIndicatorService(StrategySettings()) for _ in range(2))
    bad = candle(0, 100.0)
    object.__setattr__(bad, key, price)
    with pytest.raises(ValueError, match="expected candle prices above zero"):
        service.update("ETH/USDT", "1m", bad)
    assert service.values("ETH/USDT", "1m") is None
    assert feed(service, walk(40)) == feed(clean, walk(40))


def test_the_smallest_prices_are_prices() -> None:
    service = CachedIndicatorService(StrategySettings())
    tiny = Candle(0, 1e-8, 2e-8, 1e-8, 1e-8, 5.0)
    assert service.update("BTTC/USDT", "1m", tiny).close == 1e-8


def test_the_number_of_series_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_indicator_service, "SERIES_MAX", 2)
    service = CachedIndicatorService(StrategySettings())
    for symbol in ("A/USDT", "B/USDT"):
        service.update(symbol, "1m", candle(0, 1.5))
    with pytest.raises(ValueError, match="expected at most 2 series of indicators"):
        service.update("C/USDT", "1m", candle(0, 1.5))
    assert service.update("A/USDT", "1m", candle(1, 1.5)).count == 2
