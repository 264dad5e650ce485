"""MarketAnalysisService: how wild a pair is and where it drifts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues

ATR_PERCENT_NORMAL = 0.05
ATR_PERCENT_HIGH = 0.3
ATR_PERCENT_EXTREME = 1.5
"""Lower bounds of the classes for ATR(14), percent of the price, on one-minute candles.

Read off Binance's one-minute candles: ATR lies below 0.05 % in the quiet third of the minutes of
BTC/USDT 2022-2023, above 0.3 % in under 2 % of them and under 11 % of SOL/USDT's; 1.5 % is passed
in one minute of a thousand of SOL/USDT, and in crashes such as DOGE/USDT's of May 2021.
"""

RETURNS_TO_ATR = 1.5
"""A typical ATR is 1.5 standard deviations of a candle's return, in the same recordings."""

TREND_ATR = 1.5
"""SMA slow must stand so many ATR away from SMA 75 to be a trend: a quarter of the time each way.

Both grow with the square root of the candle's length, so this number fits every timeframe.
"""


class VolatilityClass(StrEnum):
    UNKNOWN = "unknown"
    CALM = "calm"
    NORMAL = "normal"
    HIGH = "high"
    EXTREME = "extreme"


class Trend(StrEnum):
    UNKNOWN = "unknown"
    UP = "up"
    FLAT = "flat"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class MarketConditions:
    """Percentages are percent of the price. `volatility_percent` is what the class was read off."""

    volatility: VolatilityClass
    trend: Trend
    volatility_percent: float | None
    extreme_percent: float
    """From here on the class is EXTREME."""
    trend_percent: float | None
    """SMA slow against SMA 75; above zero is up."""
    recommendation: str

    def as_figures(self) -> dict[str, float | str]:
        figures: dict[str, float | str] = {
            "volatility": self.volatility.value,
            "trend": self.trend.value,
            "recommendation": self.recommendation,
        }
        if self.volatility_percent is not None:
            figures["volatility_percent"] = round(self.volatility_percent, 4)
        if self.trend_percent is not None:
            figures["trend_percent"] = round(self.trend_percent, 4)
        return figures


class MarketAnalysisService:
    """Reads volatility class and trend off the indicators of one timeframe.

    The thresholds are those of one-minute candles times the square root of the candle's minutes,
    as a random walk spreads.
    """

    def __init__(self, timeframe: str = "1m") -> None:
        minutes = TIMEFRAME_MS[timeframe] / 60_000
        self._scale = sqrt(minutes)

    def conditions(self, values: IndicatorValues | None) -> MarketConditions:
        extreme = ATR_PERCENT_EXTREME * self._scale
        percent = None if values is None else _volatility_percent(values)
        volatility = self._class_of(percent)
        trend, trend_percent = Trend.UNKNOWN, None
        if values is not None:
            trend, trend_percent = _trend(values)
        return MarketConditions(
            volatility=volatility,
            trend=trend,
            volatility_percent=percent,
            extreme_percent=extreme,
            trend_percent=trend_percent,
            recommendation=_recommendation(volatility, trend),
        )

    def _class_of(self, percent: float | None) -> VolatilityClass:
        if percent is None:
            return VolatilityClass.UNKNOWN
        if percent >= ATR_PERCENT_EXTREME * self._scale:
            return VolatilityClass.EXTREME
        if percent >= ATR_PERCENT_HIGH * self._scale:
            return VolatilityClass.HIGH
        if percent >= ATR_PERCENT_NORMAL * self._scale:
            return VolatilityClass.NORMAL
        return VolatilityClass.CALM


def _volatility_percent(values: IndicatorValues) -> float | None:
    """The worse of ATR and of the returns' deviation on ATR's scale, percent of the price.

    ATR sees the wicks inside the candles, the deviation the jumps from close to close.
    """
    if values.atr_14 is None:
        return None
    percent = values.atr_14 / values.close * 100.0
    if values.returns_volatility_percent is not None:
        percent = max(percent, values.returns_volatility_percent * RETURNS_TO_ATR)
    return percent


def _trend(values: IndicatorValues) -> tuple[Trend, float | None]:
    if values.sma_slow is None or values.sma_75 is None or values.atr_14 is None:
        return Trend.UNKNOWN, None
    gap = values.sma_slow - values.sma_75
    percent = gap / values.sma_75 * 100.0
    reach = TREND_ATR * values.atr_14
    if gap > reach:
        return Trend.UP, percent
    if gap < -reach:
        return Trend.DOWN, percent
    return Trend.FLAT, percent


def _recommendation(volatility: VolatilityClass, trend: Trend) -> str:
    """One line for people; nothing decides by it."""
    if volatility is VolatilityClass.EXTREME:
        return "stand aside until the market calms down"
    if volatility is VolatilityClass.UNKNOWN or trend is Trend.UNKNOWN:
        return "wait for more history"
    if trend is Trend.DOWN:
        return "buy only with the order book's support"
    if volatility is VolatilityClass.HIGH:
        return "expect slippage, keep deals small"
    if volatility is VolatilityClass.CALM:
        return "expect slow deals, the target is many candles away"
    return "good conditions" if trend is Trend.UP else "fair conditions"
