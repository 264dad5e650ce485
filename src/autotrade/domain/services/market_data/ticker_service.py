"""TickerService: closed candles become indicator values and, now and then, a signal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from autotrade.domain.decisions import Signal
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.ticker import Ticker
from autotrade.domain.events import CandleClosed
from autotrade.domain.services.indicators.cached_indicator_service import (
    CachedIndicatorService,
    IndicatorValues,
)
from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies.base import SignalSource


class Indicators(Protocol):
    """Where indicator values come from: a candle at a time, or computed beforehand."""

    def update(self, symbol: str, timeframe: str, candle: Candle) -> IndicatorValues: ...

    def values(self, symbol: str, timeframe: str) -> IndicatorValues | None: ...

    def count(self, symbol: str, timeframe: str) -> int: ...


class TickerService:
    def __init__(
        self,
        settings: StrategySettings,
        strategy: SignalSource,
        indicators: Indicators | None = None,
    ) -> None:
        self._timeframe = settings.timeframe
        self._strategy = strategy
        self._indicators = indicators or CachedIndicatorService(settings)

    def warm_up(self, symbol: str, candles: Sequence[Candle]) -> None:
        """Feed history; its crossings are long past and give no signals. The strategy sees them
        all the same, so that it knows where it stands when the first live candle closes.

        Raises StrategyFault when the strategy fails on it."""
        for candle in candles:
            before = self._indicators.count(symbol, self._timeframe)
            values = self._indicators.update(symbol, self._timeframe, candle)
            if self._indicators.count(symbol, self._timeframe) != before:
                self._strategy.on_candle(symbol, candle.open_ts, candle, values)

    def on_candle(self, event: CandleClosed, ticker: Ticker | None) -> Signal | None:
        """Update the indicators; a signal when the strategy sees one on this very candle.

        Raises StrategyFault when the strategy fails; it is then silent about this pair."""
        if event.timeframe != self._timeframe:
            return None
        before = self._indicators.count(event.symbol, event.timeframe)
        values = self._indicators.update(event.symbol, event.timeframe, event.candle)
        if self._indicators.count(event.symbol, event.timeframe) == before:
            return None
        if ticker is not None:
            ticker.update_signals(values.as_signals())
        return self._strategy.on_candle(event.symbol, event.ts, event.candle, values)

    def values(self, symbol: str) -> IndicatorValues | None:
        return self._indicators.values(symbol, self._timeframe)
