"""CachedIndicatorService: the indicators of every pair and timeframe, a closed candle at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields

from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators.atr import Atr
from autotrade.domain.services.indicators.bollinger import Bollinger
from autotrade.domain.services.indicators.macd import Macd
from autotrade.domain.services.indicators.rsi import Rsi
from autotrade.domain.services.indicators.sma import Sma
from autotrade.domain.services.indicators.window import RollingDeviation
from autotrade.domain.settings import StrategySettings

SERIES_MAX = 1024
"""Pairs times timeframes that one process may follow."""

PRICE_MAX = 1e30
"""Beyond any price in any quote currency; what is above came out of a broken parser."""


@dataclass(frozen=True, slots=True)
class IndicatorValues:
    """All indicators after one closed candle; None where the history is still too short.

    Prices, MACD and ATR are in quote currency, RSI is 0..100. `candle_ts` is the open time of the
    candle, `count` how many candles were seen. `returns_volatility_percent` is the population
    standard deviation of the last 20 candle-to-candle returns, not annualised.
    """

    candle_ts: int
    close: float
    count: int
    macd: float | None = None
    macd_signal: float | None = None
    macd_histogram: float | None = None
    previous_histogram: float | None = None
    sma_fast: float | None = None
    sma_slow: float | None = None
    sma_75: float | None = None
    rsi_5: float | None = None
    rsi_15: float | None = None
    bollinger_lower: float | None = None
    bollinger_middle: float | None = None
    bollinger_upper: float | None = None
    atr_14: float | None = None
    returns_volatility_percent: float | None = None

    def as_signals(self) -> dict[str, float]:
        """What is known already, by name, for screens and for a signal's record."""
        return {name: value for name in _SIGNAL_NAMES if (value := getattr(self, name)) is not None}


_SIGNAL_NAMES = tuple(
    field.name for field in fields(IndicatorValues) if field.name not in ("candle_ts", "count")
)


class _Series:
    """The indicators of one pair on one timeframe."""

    __slots__ = (
        "_atr",
        "_bollinger",
        "_macd",
        "_returns",
        "_rsi_5",
        "_rsi_15",
        "_sma_75",
        "_sma_fast",
        "_sma_slow",
        "values",
    )

    def __init__(self, settings: StrategySettings) -> None:
        self._macd = Macd(settings.macd_fast, settings.macd_slow, settings.macd_signal)
        self._sma_fast, self._sma_slow = Sma(settings.sma_fast), Sma(settings.sma_slow)
        self._sma_75 = Sma(75)
        self._rsi_5, self._rsi_15 = Rsi(5), Rsi(15)
        self._bollinger = Bollinger(20, 2.0)
        self._atr = Atr(14)
        self._returns = RollingDeviation(20)
        self.values: IndicatorValues | None = None

    def update(self, candle: Candle) -> IndicatorValues:
        before, close = self.values, candle.close
        previous_point = self._macd.value
        point = self._macd.update(close)
        bands = self._bollinger.update(close)
        if before is not None:
            self._returns.push(close / before.close - 1.0)
        deviation = self._returns.deviation
        self.values = IndicatorValues(
            candle_ts=candle.open_ts,
            close=close,
            count=1 if before is None else before.count + 1,
            macd=None if point is None else point.macd,
            macd_signal=None if point is None else point.signal,
            macd_histogram=None if point is None else point.histogram,
            previous_histogram=None if previous_point is None else previous_point.histogram,
            sma_fast=self._sma_fast.update(close),
            sma_slow=self._sma_slow.update(close),
            sma_75=self._sma_75.update(close),
            rsi_5=self._rsi_5.update(close),
            rsi_15=self._rsi_15.update(close),
            bollinger_lower=None if bands is None else bands.lower,
            bollinger_middle=None if bands is None else bands.middle,
            bollinger_upper=None if bands is None else bands.upper,
            atr_14=self._atr.update(candle.high, candle.low, close),
            returns_volatility_percent=None if deviation is None else deviation * 100.0,
        )
        return self.values


class CachedIndicatorService:
    """Keeps the last values of every series; each candle costs the same, however long the run.

    A candle that is not newer than the last one changes nothing: streams repeat themselves after a
    reconnect, and history that is fetched at start overlaps with the stream.
    """

    def __init__(self, settings: StrategySettings) -> None:
        self._settings = settings
        self._series: dict[tuple[str, str], _Series] = {}

    def update(self, symbol: str, timeframe: str, candle: Candle) -> IndicatorValues:
        """Take in a closed candle. Raises ValueError on prices that no market can have."""
        series = self._series.get((symbol, timeframe))
        known = None if series is None else series.values
        if known is not None and candle.open_ts <= known.candle_ts:
            return known
        for price in (candle.high, candle.low, candle.close):
            if not 0.0 < price < PRICE_MAX:
                raise ValueError(
                    f"expected candle prices above zero, was {candle} of {symbol} {timeframe}, "
                    "drop it where it comes in"
                )
        if series is None:
            series = self._add(symbol, timeframe)
        return series.update(candle)

    def _add(self, symbol: str, timeframe: str) -> _Series:
        if len(self._series) >= SERIES_MAX:
            raise ValueError(
                f"expected at most {SERIES_MAX} series of indicators, was one more with {symbol} "
                f"{timeframe}, follow fewer pairs"
            )
        series = self._series[symbol, timeframe] = _Series(self._settings)
        return series

    def values(self, symbol: str, timeframe: str) -> IndicatorValues | None:
        """After the last closed candle; None before the first."""
        series = self._series.get((symbol, timeframe))
        return None if series is None else series.values

    def count(self, symbol: str, timeframe: str) -> int:
        """Candles seen."""
        values = self.values(symbol, timeframe)
        return 0 if values is None else values.count
