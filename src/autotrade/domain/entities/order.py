"""Order and Fill: what we asked the exchange for, and what it gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from autotrade.domain.entities.order_state import (
    CLOSED_STATES,
    OPEN_STATES,
    OrderStatus,
    OrderTrigger,
    next_status,
)

ZERO = Decimal(0)


class OrderSide(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"


class OrderRole(StrEnum):
    """What an order is for in its deal."""

    ENTRY = "ENTRY"
    """The BUY."""
    TARGET = "TARGET"
    """The SELL at the profit target; virtual until the BUY filled."""
    STOP = "STOP"
    """The protective SELL that rests on the exchange beside the target."""
    EXIT = "EXIT"
    """The SELL that gets out now."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of one order. Its key is (symbol, exchange order id, trade id)."""

    trade_id: str
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_asset: str
    ts: int

    @property
    def quote(self) -> Decimal:
        return self.price * self.amount


@dataclass(slots=True)
class Order:
    """An order of ours. `id` is the client order id that we chose; prices are quote per base.

    `reported_filled` is the filled amount that the exchange last told, `filled` the sum of the
    fills that we hold. While they differ, fills are on their way and the order is not settled.
    """

    id: str
    deal_id: int
    symbol: str
    role: OrderRole
    side: OrderSide
    type: OrderType
    amount: Decimal
    price: Decimal | None
    created_ts: int
    stop_price: Decimal | None = None
    list_id: str | None = None
    status: OrderStatus = OrderStatus.PENDING
    exchange_id: str | None = None
    updated_ts: int = 0
    sent_ts: int | None = None
    filled: Decimal = ZERO
    quote_filled: Decimal = ZERO
    reported_filled: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    cancel_requested_ts: int | None = None
    cancel_reason: str | None = None
    close_reason: str | None = None
    reject_reason: str | None = None
    """RejectReason of the refusal, for the next try to be a better one."""
    must_ask: bool = False
    """Something about it is in doubt (a refused cancel, an unknown outcome): ask the exchange."""
    asked_ts: int | None = None
    ask_count: int = 0

    def move(self, trigger: OrderTrigger, ts: int) -> None:
        """Take one step of the state table; raises `IllegalTransition`."""
        self.status = next_status(self.id, self.status, trigger)
        self.updated_ts = ts

    def place(self, ts: int) -> None:
        """The command that sends this order was written down."""
        self.move(OrderTrigger.SEND, ts)
        self.sent_ts = ts

    def cancel(self, ts: int, reason: str) -> None:
        """The command that cancels this order was written down; a virtual order is just dropped."""
        if self.status is OrderStatus.PENDING:
            self.move(OrderTrigger.DROP, ts)
            self.close_reason = reason
        self.cancel_requested_ts = ts
        self.cancel_reason = reason

    def is_open(self) -> bool:
        """True while the exchange may hold it."""
        return self.status in OPEN_STATES

    def is_closed(self) -> bool:
        return self.status in CLOSED_STATES

    def was_refused(self, before_ts: int) -> bool:
        """True when the exchange, or we before sending, refused it before a time, and it stayed
        so."""
        is_refused = self.status is OrderStatus.FAILED and self.reject_reason is not None
        return is_refused and not self.must_ask and self.updated_ts < before_ts

    @property
    def is_settled(self) -> bool:
        """True when every fill that the exchange speaks of is here."""
        return self.filled >= self.reported_filled

    @property
    def is_in_doubt(self) -> bool:
        """True while the deal must wait for the exchange's answer about this order."""
        is_settled = self.filled >= self.reported_filled
        return not is_settled or self.must_ask or self.status is OrderStatus.UNKNOWN

    @property
    def is_working(self) -> bool:
        """True when the exchange has said that it rests there."""
        return self.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)

    @property
    def remaining(self) -> Decimal:
        return self.amount - self.filled

    @property
    def average_price(self) -> Decimal | None:
        return self.quote_filled / self.filled if self.filled else None

    def has_fill(self, trade_id: str) -> bool:
        return any(fill.trade_id == trade_id for fill in self.fills)

    def add_fill(self, fill: Fill) -> bool:
        """Book a fill once; False when it is here already."""
        if self.has_fill(fill.trade_id):
            return False
        self.fills.append(fill)
        self.filled += fill.amount
        self.quote_filled += fill.quote
        self.reported_filled = max(self.reported_filled, self.filled)
        if fill.fee:
            self.fees[fill.fee_asset] = self.fees.get(fill.fee_asset, ZERO) + fill.fee
        done = self.filled >= self.amount
        self.move(OrderTrigger.FILL if done else OrderTrigger.PARTIAL_FILL, fill.ts)
        return True
