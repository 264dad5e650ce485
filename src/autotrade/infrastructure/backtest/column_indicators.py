"""The interface of CachedIndicatorService over columns that were computed beforehand."""

from __future__ import annotations

from collections.abc import Mapping

from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.infrastructure.backtest.columns import IndicatorColumns


class ColumnIndicators:
    """Candles may be left out: the values are those of the whole series up to the candle."""

    def __init__(self, columns: Mapping[str, IndicatorColumns]) -> None:
        self._columns = columns
        self._at: dict[str, int] = {}
        self._values: dict[str, IndicatorValues] = {}

    def start_behind(self, symbol: str, index: int) -> None:
        """The candles up to `index` are history."""
        self._at[symbol] = index

    def update(self, symbol: str, timeframe: str, candle: Candle) -> IndicatorValues:
        """Go to this candle. One that is not newer than the last changes nothing."""
        columns = self._columns[symbol]
        index = int(columns.open_ts.searchsorted(candle.open_ts))
        if index >= len(columns) or columns.open_ts[index] != candle.open_ts:
            raise ValueError(f"expected a candle of the series of {symbol}, was {candle}")
        if index > self._at.get(symbol, -1):
            self._at[symbol] = index
            self._values.pop(symbol, None)
        values = self.values(symbol, timeframe)
        assert values is not None
        return values

    def values(self, symbol: str, timeframe: str) -> IndicatorValues | None:
        index = self._at.get(symbol)
        if index is None:
            return None
        known = self._values.get(symbol)
        if known is None:
            known = self._values[symbol] = self._columns[symbol].values_at(index)
        return known

    def count(self, symbol: str, timeframe: str) -> int:
        return self._at.get(symbol, -1) + 1
