"""Ticker: the last known prices of one symbol."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(slots=True)
class Ticker:
    symbol: str
    price: Decimal
    bid: Decimal
    ask: Decimal
    ts: int
    volume: Decimal = Decimal(0)
    signals: dict[str, float] = field(default_factory=dict)
    """Indicator values of the last closed candle, by name, for screens."""

    def update_signals(self, values: dict[str, float]) -> None:
        self.signals = values
