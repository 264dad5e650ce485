"""Deal: one BUY, what it brought, and the SELL that ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from autotrade.domain.entities.order import ZERO, Fill, Order, OrderRole, OrderSide
from autotrade.domain.entities.position import Position


class DealStatus(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    CANCELED = "CANCELED"


class ExitReason(StrEnum):
    """Why a deal leaves other than by its target."""

    STOP_LOSS = "STOP_LOSS"
    EMERGENCY = "EMERGENCY"
    EXCHANGE_STOP = "EXCHANGE_STOP"
    OPERATOR = "OPERATOR"


@dataclass(slots=True)
class Deal:
    """The life of one trade from BUY to SELL.

    `buy_order`, `sell_order` and `stop_order` are the ids of the orders that play these parts now;
    `order_ids` lists its orders in order of creation, without tries that were refused long ago and
    that newer ones replaced. Amounts are base currency, costs and proceeds quote currency, both
    sums over fills.
    """

    id: int
    symbol: str
    base: str
    quote: str
    created_ts: int
    decision_id: str
    budget: Decimal
    """Quote currency this deal may spend, fee included."""
    entry_price: Decimal
    target_price: Decimal
    status: DealStatus = DealStatus.OPEN
    buy_order: str | None = None
    sell_order: str | None = None
    stop_order: str | None = None
    order_ids: list[str] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    """How many orders each leg letter had; makes the next client order id."""
    recreations: int = 0
    entry_sent_ts: int = 0
    bought: Decimal = ZERO
    cost: Decimal = ZERO
    sold: Decimal = ZERO
    proceeds: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=dict)
    fees_quote: Decimal = ZERO
    """All fees so far valued in quote currency at the price of their fill."""
    base_fees_quote: Decimal = ZERO
    """The part of `fees_quote` that was taken in base currency, so is missing from the SELL."""
    dust_in: Decimal = ZERO
    """Base currency taken over from the dust ledger into the SELL."""
    dust_in_cost: Decimal = ZERO
    dust_out: Decimal = ZERO
    dust_out_cost: Decimal = ZERO
    entry_abandoned: str | None = None
    """Why the BUY will not be tried again."""
    exit_reason: ExitReason | None = None
    exit_text: str | None = None
    exit_ts: int | None = None
    watch_since_ts: int | None = None
    """When the price first stood under the order-book level, while StopLossMonitor waits there."""
    warned: bool = False
    failures: int = 0
    """Rejected exits in a row, all of one kind; makes the waiting time before the next try."""
    failures_answered: int = 0
    """How many of them a waiting time was set for already."""
    failures_judged: bool = True
    """Whether the exchange looked at those orders, or never did: a ban, an outage, a clock."""
    retry_ts: int = 0
    unprotected_since_ts: int | None = None
    unprotected_ms_max: int = 0
    first_fill_ts: int | None = None
    closed_ts: int | None = None
    close_text: str | None = None
    pnl_gross: Decimal = ZERO
    pnl_net: Decimal = ZERO

    def open(self, order: Order) -> None:
        """Take an order into the deal in the part its role names."""
        self.order_ids.append(order.id)
        self.lead(order)

    def lead(self, order: Order) -> None:
        """Let one of the deal's orders be the one that plays its role."""
        match order.role:
            case OrderRole.ENTRY:
                self.buy_order = order.id
            case OrderRole.STOP:
                self.stop_order = order.id
            case OrderRole.TARGET | OrderRole.EXIT:
                self.sell_order = order.id

    def exit_failed(self, *, is_judged: bool) -> None:
        """The exchange refused a SELL, or nobody bought. The first one that it judged is a first
        one, however many it would not even look at during a ban."""
        if is_judged is not self.failures_judged:
            self.failures = self.failures_answered = 0
        self.failures_judged = is_judged
        self.failures += 1

    def exit_rests(self) -> None:
        """The exchange took a SELL: what it refuses after this is refused for the first time."""
        self.failures = self.failures_answered = self.retry_ts = 0

    def close(self, ts: int, text: str) -> None:
        """Everything is sold: realise the result.

        net = proceeds - fees not taken in base - cost of what was sold; gross = net + all fees.
        A fee in base is paid already by the base that is missing from the SELL. The cost of the
        dust that stays moves to the dust ledger with the dust, the cost of dust that was sold along
        comes in with it, so no unit of quote currency is counted twice.
        """
        self.status, self.closed_ts, self.close_text = DealStatus.CLOSED, ts, text
        sold_cost = self.cost + self.dust_in_cost - self.dust_out_cost
        self.pnl_net = self.proceeds - sold_cost - (self.fees_quote - self.base_fees_quote)
        self.pnl_gross = self.pnl_net + self.fees_quote

    def cancel(self, ts: int, text: str) -> None:
        """Nothing was bought, or only dust: the deal ends without a result of its own."""
        self.status, self.closed_ts, self.close_text = DealStatus.CANCELED, ts, text

    @property
    def leads(self) -> tuple[str | None, str | None, str | None]:
        """The orders that play the deal's parts now."""
        return self.buy_order, self.sell_order, self.stop_order

    @property
    def is_open(self) -> bool:
        return self.status is DealStatus.OPEN

    @property
    def held(self) -> Decimal:
        """Base currency that this deal holds now; dust that was booked is the ledger's."""
        gained = self.bought + self.dust_in - self.fees.get(self.base, ZERO)
        return gained - self.sold - self.dust_out

    @property
    def average_entry(self) -> Decimal:
        """Quote paid per base bought; the planned entry while nothing was bought."""
        return self.cost / self.bought if self.bought else self.entry_price

    @property
    def position(self) -> Position:
        return Position(self.symbol, self.held, self.average_entry)

    def book_fill(self, side: OrderSide, fill: Fill, fee_quote: Decimal) -> None:
        """Add a fill to the sums; the caller has made sure that it is new."""
        if side is OrderSide.BUY:
            self.bought += fill.amount
            self.cost += fill.quote
        else:
            self.sold += fill.amount
            self.proceeds += fill.quote
        if fill.fee:
            self.fees[fill.fee_asset] = self.fees.get(fill.fee_asset, ZERO) + fill.fee
            self.fees_quote += fee_quote
            if fill.fee_asset == self.base:
                self.base_fees_quote += fee_quote
