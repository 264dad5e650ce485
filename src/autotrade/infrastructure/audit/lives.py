"""Orders, fills and deals as the journal's lines tell of them: sums, and no bot's behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from autotrade.infrastructure.audit.report import ZERO


@dataclass(frozen=True, slots=True)
class Intent:
    """What was written down before an order was sent."""

    deal: int
    symbol: str
    role: str
    """ENTRY, TARGET, STOP or EXIT."""
    side: str
    type: str
    amount: Decimal
    price: Decimal | None
    """None where the market makes it."""
    stop_price: Decimal | None
    list_id: str | None = None


@dataclass(slots=True)
class OrderLife:
    """One client order id from its command on."""

    id: str
    intent: Intent
    seq: int
    sent_ts: int
    exchange_id: str = ""
    is_accepted: bool = False
    is_rejected: bool = False
    reject_reason: str = ""
    is_gone: bool = False
    """The exchange said that it rests no more, or that it never had it."""
    is_only_not_found: bool = False
    filled: Decimal = ZERO
    told_filled: Decimal = ZERO
    """The most that the exchange said it had filled."""
    last_ts: int = 0

    @property
    def is_open(self) -> bool:
        """True while the exchange may hold it."""
        return not (self.is_rejected or self.is_gone or self.filled >= self.intent.amount)

    @property
    def remaining(self) -> Decimal:
        return max(self.intent.amount - self.filled, ZERO)


@dataclass(slots=True)
class Fill:
    """One trade of one order of ours."""

    order_id: str
    exchange_id: str
    symbol: str
    side: str
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_asset: str
    ts: int
    """Of the exchange."""
    seq: int
    is_valued: bool = False
    """A fee in a third asset got its value in quote currency."""


FillKey = tuple[str, str, str]
"""(symbol on the wire, trade id, side): a trade of ours with ourselves has two sides."""


def wire(symbol: str) -> str:
    """The exchange's own word for a pair."""
    return symbol.replace("/", "")


@dataclass(slots=True)
class DealLife:
    """One deal's sums over its fills."""

    id: int
    symbol: str
    base: str
    quote: str
    budget: Decimal
    seq: int
    is_decided: bool
    """An approved decision stands before it."""
    orders: list[OrderLife] = field(default_factory=list)
    has_planned_sell: bool = False
    bought: Decimal = ZERO
    cost: Decimal = ZERO
    sold: Decimal = ZERO
    proceeds: Decimal = ZERO
    base_fees: Decimal = ZERO
    base_fees_bought: Decimal = ZERO
    """Those of the BUYs: they lessen what the BUYs brought."""
    fees_quote: Decimal = ZERO
    """Fees valued in quote currency, without those taken in base."""
    dust_in: Decimal = ZERO
    dust_in_cost: Decimal = ZERO
    dust_out: Decimal = ZERO
    dust_out_cost: Decimal = ZERO
    status: str = "OPEN"
    ended_seq: int | None = None
    last_seq: int = 0
    """The last row that changed a sum or the status."""
    is_blamed: bool = False
    """It sold too much; said once."""

    @property
    def held(self) -> Decimal:
        return self.bought + self.dust_in - self.base_fees - self.sold - self.dust_out

    @property
    def sellable(self) -> Decimal:
        """What its SELLs may sell in all."""
        return self.bought + self.dust_in - self.base_fees_bought - self.dust_out

    @property
    def dust_base(self) -> tuple[Decimal, Decimal]:
        """What all of its coins cost, and how many they were."""
        return self.cost + self.dust_in_cost, self.bought + self.dust_in

    @property
    def pnl_net(self) -> Decimal:
        """Proceeds minus the cost of what was sold minus fees. A fee in base is paid already by the
        base that is missing from the SELL; dust takes its cost along."""
        cost_of_sold = self.cost + self.dust_in_cost - self.dust_out_cost
        return self.proceeds - cost_of_sold - self.fees_quote
