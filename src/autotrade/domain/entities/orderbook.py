"""OrderBook: the book of one symbol at one moment."""

from __future__ import annotations

from dataclasses import dataclass

Level = tuple[float, float]
"""(price in quote, amount in base)."""


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Levels best first. Numbers are floats: the book is measured, never paid with.

    A price that leaves the book for an order goes through DecimalRoundingService.
    `ts` is when this state of the book was last known to be true.
    """

    symbol: str
    ts: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    update_id: int = 0

    @property
    def is_empty(self) -> bool:
        return not self.bids or not self.asks
