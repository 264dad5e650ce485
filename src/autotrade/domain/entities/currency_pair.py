"""CurrencyPair: what is traded, with the user's limits and the exchange's own filters."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class MarketRules:
    """What the exchange demands of an order on one symbol, as its market info tells it.

    `minimum_notional` applies to price x amount in quote currency. `price_up` and `price_down` are
    the bands around the market's average price inside which an order's price must lie (as a
    multiple, e.g. 5 and 0.2). Fees are fractions (0.001 is 0.1 %).
    """

    tick_size: Decimal
    lot_size: Decimal
    minimum_amount: Decimal
    maximum_amount: Decimal
    minimum_notional: Decimal
    minimum_price: Decimal = Decimal(0)
    maximum_price: Decimal = Decimal("Infinity")
    market_lot_size: Decimal = Decimal(0)
    market_maximum_amount: Decimal = Decimal("Infinity")
    bid_price_up: Decimal = Decimal(5)
    bid_price_down: Decimal = Decimal("0.2")
    ask_price_up: Decimal = Decimal(5)
    ask_price_down: Decimal = Decimal("0.2")
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    max_stop_orders: int = 5
    """Stops the exchange lets rest on one symbol; a deal needs one, so it bounds the deals."""
    is_trading: bool = True
    has_oco: bool = True
    has_stop_loss: bool = True
    """True when a stop that sells at market is offered; else only the stop with a limit."""


@dataclass(slots=True)
class CurrencyPair:
    """One pair that the user lets us trade.

    `symbol` is written BASE/QUOTE; `market_id` is the exchange's word for it (BASEQUOTE).
    """

    base: str
    quote: str
    order_life_time: int
    """Minutes after which a resting BUY is looked at again, if shorter than the monitor's own."""
    deal_quota: Decimal
    """Quote currency one deal may spend, fee included."""
    profit_markup: Decimal
    """Percent above the entry at which the SELL rests."""
    deal_count: int
    """Deals that may be open on this pair at once."""
    rules: MarketRules | None = None

    @property
    def symbol(self) -> str:
        return f"{self.base}/{self.quote}"

    @property
    def market_id(self) -> str:
        return f"{self.base}{self.quote}"
