"""What a strategy is: it looks at closed candles and says when to buy."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from autotrade.domain.decisions import Signal
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues


class Strategy(Protocol):
    """One idea of when to buy. It only speaks; others decide whether a deal comes of it.

    `version` rises whenever the same candles could give other signals, so that old decisions can
    be read against the code that made them.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def on_candle(
        self, symbol: str, ts: int, price: Decimal, values: IndicatorValues
    ) -> Signal | None:
        """Called once for each closed candle; `price` is the market's price at `ts`."""
        ...
