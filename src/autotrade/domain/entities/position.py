"""Position: what one deal holds. On spot it is base currency; futures add a side and leverage."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Position:
    symbol: str
    amount: Decimal
    """Base currency really held, fees in base already subtracted."""
    average_price: Decimal
    """Quote paid per base unit bought, fees left aside."""

    def value(self, price: Decimal) -> Decimal:
        return self.amount * price

    def change_percent(self, price: Decimal) -> Decimal:
        """How far `price` stands from the entry, in percent; negative is a loss."""
        return (price / self.average_price - 1) * 100
