"""MACD crossing, confirmed by two moving averages; the order book is asked afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies.base import CandleColumns, Sighting, Strategy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROUNDING_NOISE = 1e-12
"""Part of the price under which a difference of two averages is rounding and counts as zero.

On a price that stands still the histogram is not 0 but some 1e-17 of either sign; without this a
dead market would "cross" again and again.
"""
SCAN_MARGIN = 1e-7
"""Part of the price by which a scan widens every comparison: rolling sums drift, and an EMA that
began elsewhere still remembers it a little."""
EMA_SETTLES_IN = 8
"""Periods after which what an EMA was seeded with weighs less than a millionth."""


class MacdOrderbook(Strategy):
    """BUY when the MACD histogram crosses from <= 0 to > 0 while the fast SMA is above the slow.

    A crossing, not a level: a histogram that stays positive says nothing new. Its parameters are
    the settings of the section `strategy`, its indicators those that everybody shares.
    """

    name = "macd_orderbook"
    version = "1"
    Parameters = StrategySettings
    parameters: StrategySettings
    needs_every_candle = False

    def prepare(self) -> None:
        settings = self.parameters
        for fast, slow in (("macd_fast", "macd_slow"), ("sma_fast", "sma_slow")):
            if getattr(settings, fast) >= getattr(settings, slow):
                raise ValueError(
                    f"expected strategy.{fast} below strategy.{slow}, was "
                    f"{getattr(settings, fast)} and {getattr(settings, slow)}, lower {fast}"
                )
        self._min_candles = settings.min_candles

    @property
    def history_candles(self) -> int:
        settings = self.parameters
        slowest = max(settings.macd_slow * EMA_SETTLES_IN, settings.sma_slow, settings.min_candles)
        return slowest + settings.macd_signal

    def signals(self, candle: Candle, values: IndicatorValues) -> Sighting | None:
        if values.count < self._min_candles or not self._has_crossed(values):
            return None
        return Sighting("macd_cross", values.as_signals())

    def _has_crossed(self, values: IndicatorValues) -> bool:
        before, now = values.previous_histogram, values.macd_histogram
        fast, slow = values.sma_fast, values.sma_slow
        if before is None or now is None or fast is None or slow is None:
            return False
        noise = ROUNDING_NOISE * values.close
        return before <= noise < now and fast - slow > noise

    def scan(self, candles: CandleColumns) -> NDArray[np.bool_] | None:
        import numpy as np
        import talib

        settings, close = self.parameters, candles.close
        if settings.macd_fast < 2:
            return None  # TA-Lib knows no EMA of one candle
        mask = np.zeros(len(close), dtype=np.bool_)
        if len(close) < max(settings.macd_slow + settings.macd_signal, settings.sma_slow):
            return mask
        periods = (settings.macd_fast, settings.macd_slow, settings.macd_signal)
        histogram = talib.MACD(close, *periods)[2]
        fast = talib.SMA(close, settings.sma_fast) if settings.sma_fast > 1 else close
        gap = fast - talib.SMA(close, settings.sma_slow)
        margin = SCAN_MARGIN * close[1:]
        with np.errstate(invalid="ignore"):  # NaN before the first value: no candidate
            mask[1:] = (histogram[:-1] <= margin) & (histogram[1:] > -margin) & (gap[1:] > -margin)
        return mask
