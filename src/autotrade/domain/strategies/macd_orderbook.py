"""MACD crossing, confirmed by two moving averages; the order book is asked afterwards."""

from __future__ import annotations

from decimal import Decimal

from autotrade.domain.decisions import Signal
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.domain.settings import StrategySettings

ROUNDING_NOISE = 1e-12
"""Part of the price under which a difference of two averages is rounding and counts as zero.

On a price that stands still the histogram is not 0 but some 1e-17 of either sign; without this a
dead market would "cross" again and again.
"""


class MacdOrderbook:
    """BUY when the MACD histogram crosses from <= 0 to > 0 while the fast SMA is above the slow.

    A crossing, not a level: a histogram that stays positive says nothing new.
    """

    name = "macd_orderbook"
    version = "1"

    def __init__(self, settings: StrategySettings) -> None:
        for fast, slow in (("macd_fast", "macd_slow"), ("sma_fast", "sma_slow")):
            if getattr(settings, fast) >= getattr(settings, slow):
                raise ValueError(
                    f"expected strategy.{fast} below strategy.{slow}, was "
                    f"{getattr(settings, fast)} and {getattr(settings, slow)}, lower {fast}"
                )
        self._min_candles = settings.min_candles

    def on_candle(
        self, symbol: str, ts: int, price: Decimal, values: IndicatorValues
    ) -> Signal | None:
        if values.count < self._min_candles or not self._has_crossed(values):
            return None
        return Signal(
            symbol=symbol,
            strategy=self.name,
            version=self.version,
            kind="macd_cross",
            ts=ts,
            candle_ts=values.candle_ts,
            price=price,
            values=values.as_signals(),
        )

    def _has_crossed(self, values: IndicatorValues) -> bool:
        before, now = values.previous_histogram, values.macd_histogram
        fast, slow = values.sma_fast, values.sma_slow
        if before is None or now is None or fast is None or slow is None:
            return False
        noise = ROUNDING_NOISE * values.close
        return before <= noise < now and fast - slow > noise
