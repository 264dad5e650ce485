"""Every rounding of money, in one place, by the exchange's own filters.

The symbol's name never says anything about precision; `MarketRules` does.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.entities.order import OrderSide, OrderType

MONEY_UNIT = Decimal("0.00000001")
"""The smallest unit Binance keeps of any asset."""


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if step <= 0:
        return value
    return (value / step).quantize(Decimal(1), rounding=rounding) * step


class DecimalRoundingService:
    """Pure functions; amounts round down always, prices towards the side that is asked for."""

    @staticmethod
    def price_down(price: Decimal, rules: MarketRules) -> Decimal:
        return _to_step(price, rules.tick_size, ROUND_FLOOR)

    @staticmethod
    def price_up(price: Decimal, rules: MarketRules) -> Decimal:
        return _to_step(price, rules.tick_size, ROUND_CEILING)

    @staticmethod
    def amount_down(amount: Decimal, rules: MarketRules) -> Decimal:
        """The largest amount the lot size allows; 0 when it is below the minimum."""
        rounded = min(_to_step(amount, rules.lot_size, ROUND_FLOOR), rules.maximum_amount)
        return rounded if rounded >= rules.minimum_amount and rounded > 0 else Decimal(0)

    @staticmethod
    def market_amount_down(amount: Decimal, rules: MarketRules) -> Decimal:
        """The same for a market order, whose lots may be coarser. Its largest amount is a figure of
        its own (Binance: 100.05381873) that no lot divides, so it comes before the rounding."""
        rounded = DecimalRoundingService.amount_down(
            min(amount, rules.market_maximum_amount), rules
        )
        return _to_step(rounded, rules.market_lot_size, ROUND_FLOOR)

    @staticmethod
    def money(value: Decimal) -> Decimal:
        """A derived amount of money (a share of a cost) in the smallest unit, half to even."""
        return value.quantize(MONEY_UNIT, rounding=ROUND_HALF_EVEN)

    @staticmethod
    def violation(
        rules: MarketRules,
        kind: OrderType,
        side: OrderSide,
        *,
        amount: Decimal,
        price: Decimal | None,
        market_price: Decimal | None = None,
    ) -> str | None:
        """The filter an order would break, as a sentence, or None. Checked when an order is made
        and again by the connector before it leaves."""
        if amount < rules.minimum_amount or amount > rules.maximum_amount:
            return (
                f"LOT_SIZE: expected an amount of {rules.minimum_amount} to "
                f"{rules.maximum_amount}, was {amount}"
            )
        if _to_step(amount, rules.lot_size, ROUND_FLOOR) != amount:
            return f"LOT_SIZE: expected a multiple of {rules.lot_size}, was {amount}"
        if kind is OrderType.MARKET and amount > rules.market_maximum_amount:
            return f"MARKET_LOT_SIZE: expected at most {rules.market_maximum_amount}, was {amount}"
        if price is not None:
            text = _price_violation(rules, side, price, market_price)
            if text is not None:
                return text
        reference = price if price is not None else market_price
        if reference is not None and amount * reference < rules.minimum_notional:
            return f"NOTIONAL: expected at least {rules.minimum_notional}, was {amount * reference}"
        return None


def _price_violation(
    rules: MarketRules, side: OrderSide, price: Decimal, market_price: Decimal | None
) -> str | None:
    if price < rules.minimum_price or price > rules.maximum_price or price <= 0:
        return (
            f"PRICE_FILTER: expected a price of {rules.minimum_price} to {rules.maximum_price}, "
            f"was {price}"
        )
    if _to_step(price, rules.tick_size, ROUND_FLOOR) != price:
        return f"PRICE_FILTER: expected a multiple of {rules.tick_size}, was {price}"
    if market_price is not None:
        up, down = (
            (rules.bid_price_up, rules.bid_price_down)
            if side is OrderSide.BUY
            else (rules.ask_price_up, rules.ask_price_down)
        )
        if not market_price * down <= price <= market_price * up:
            return (
                f"PERCENT_PRICE_BY_SIDE: expected {market_price * down} to {market_price * up}, "
                f"was {price}"
            )
    return None
