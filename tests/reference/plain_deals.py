"""What the bot remembers: its orders and deals, and what it writes down about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN
from decimal import Decimal as D

from tests.reference.plain_exchange import UNIT, PlainOrder
from tests.reference.plain_settings import PlainFilters


def down(value: D, step: D) -> D:
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def up(value: D, step: D) -> D:
    return (value / step).to_integral_value(ROUND_CEILING) * step


def money(value: D) -> D:
    return value.quantize(UNIT, rounding=ROUND_HALF_EVEN)


def amount_down(amount: D, filters: PlainFilters) -> D:
    rounded = min(down(amount, filters.lot), filters.most_amount)
    return rounded if rounded >= filters.least_amount else D(0)


def sellable(amount: D, price: D, filters: PlainFilters) -> D:
    """What of it the exchange would take as an order at this price."""
    rounded = amount_down(amount, filters)
    return rounded if rounded * price >= filters.least_notional else D(0)


@dataclass(eq=False)
class Order:
    """As the bot knows it."""

    deal: Deal
    role: str
    """entry, target, stop, exit"""
    amount: D
    price: D | None
    sent_ts: int
    updated_ts: int
    kind: str = "limit"
    status: str = "sent"
    """sent, open, part, filled, canceled, failed"""
    filled: D = D(0)
    cancel_ts: int | None = None
    was_canceled_by_us: bool = False
    refusal: str | None = None
    asked_ts: int | None = None
    ask_count: int = 0
    is_paired: bool = False
    real: PlainOrder | None = None
    """On the exchange."""

    @property
    def is_open(self) -> bool:
        return self.status in ("sent", "open", "part")

    @property
    def is_working(self) -> bool:
        return self.status in ("open", "part")


@dataclass(eq=False)
class Deal:
    number: int
    opened_ts: int
    budget: D
    planned_entry: D
    target_price: D
    orders: list[Order] = field(default_factory=list)
    entry: Order | None = None
    target: Order | None = None
    """The SELL that plays this part now: the target, or what gets out."""
    stop: Order | None = None
    is_ended: bool = False
    entries_sent: int = 0
    entry_sent_ts: int = 0
    bought: D = D(0)
    cost: D = D(0)
    sold: D = D(0)
    proceeds: D = D(0)
    fee_base: D = D(0)
    fee_base_in_quote: D = D(0)
    fee_quote: D = D(0)
    dust_in: D = D(0)
    dust_in_cost: D = D(0)
    dust_out: D = D(0)
    dust_out_cost: D = D(0)
    is_given_up: bool = False
    exit_reason: str | None = None
    has_tried_exit: bool = False
    is_warned: bool = False
    failures: int = 0
    failures_answered: int = 0
    retry_ts: int = 0
    first_fill_ts: int | None = None
    unprotected_since_ts: int | None = None

    @property
    def held(self) -> D:
        return self.bought - self.fee_base + self.dust_in - self.sold - self.dust_out

    @property
    def average_entry(self) -> D:
        return self.cost / self.bought if self.bought else self.planned_entry

    @property
    def fees(self) -> D:
        """Both sides in quote currency, a fee in base at the price of its fill."""
        return self.fee_base_in_quote + self.fee_quote

    @property
    def net(self) -> D:
        """What came in, less what was paid for it; the fee in base is in the cost already."""
        return self.proceeds - self.fee_quote - (self.cost + self.dust_in_cost - self.dust_out_cost)

    @property
    def is_entry_over(self) -> bool:
        return self.entry is not None and not self.entry.is_open

    @property
    def open_exits(self) -> list[Order]:
        return [one for one in (self.target, self.stop) if one is not None and one.is_open]

    @property
    def last_sell(self) -> Order | None:
        sells = [order for order in self.orders if order.role != "entry"]
        return sells[-1] if sells else None

    @property
    def is_at_rest(self) -> bool:
        """Only a price can move it: the BUY is over, target and stop wait, untouched."""
        return (
            self.exit_reason is None
            and self.is_entry_over
            and all(
                one is not None and one.status == "open" and one.cancel_ts is None
                for one in (self.target, self.stop)
            )
        )


@dataclass(frozen=True)
class PlainSignal:
    ts: int
    price: D
    refused_by: tuple[str, ...]
    """Every check that said no, in the order in which they are asked; empty: approved."""
    entry: D
    amount: D
    target: D
    budget: D


@dataclass(frozen=True)
class PlainFill:
    ts: int
    deal: int
    is_buy: bool
    price: D
    amount: D
    fee: D
    is_maker: bool


@dataclass(frozen=True)
class PlainEnd:
    """A deal that is over; without a result when it was given up."""

    deal: int
    opened_ts: int
    ended_ts: int
    how: str
    invested: D = D(0)
    net: D = D(0)
    fees: D = D(0)
