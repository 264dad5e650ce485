"""The life of an order, whole, in this file.

An order is a small machine: a state, a trigger, the next state. Everything that may happen to
an order is a row of `TRANSITIONS`; a pair that is not a row raises `IllegalTransition`, because an
order that does something we cannot name must stop trading rather than be guessed at.

    PENDING --send--> SUBMITTED --accept--> OPEN --partial fill--> PARTIALLY_FILLED --fill--> FILLED
       |                 |   \\               |                          |
       |                 |    \\--reject--> FAILED                       +--cancel--> CANCELED
       +--drop--> CANCELED \\--time out--> UNKNOWN --the exchange was asked--> any of the above

PENDING is the virtual SELL: it exists here only, with a price, and nothing was sent.
UNKNOWN means that we sent it and do not know what became of it. It freezes the deal until the
exchange was asked by our client order id; it is never sent again blindly and never called
rejected without proof.

Rows that look odd are the ones that really happen on an exchange:
a fill overtakes the acceptance (SUBMITTED, PARTIAL_FILL), a fill overtakes a cancel
(CANCELED, FILL), an acceptance arrives after the time-out (UNKNOWN, ACCEPT), the same report
arrives twice.
A canceled order that learns late of a partial fill stays CANCELED: it rests nowhere any more,
only its filled amount grows.
A filled order may be told of more than was asked for (FILLED, FILL): what the exchange traded was
traded, and the deal has to hold and sell it.
"""

from __future__ import annotations

from enum import StrEnum


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class OrderTrigger(StrEnum):
    SEND = "SEND"
    """The line of the command is on disk and the command leaves."""
    DROP = "DROP"
    """A virtual order is given up; nothing was ever sent."""
    ACCEPT = "ACCEPT"
    """The exchange says that it has the order."""
    REJECT = "REJECT"
    """The exchange says that it refused the order."""
    TIME_OUT = "TIME_OUT"
    """Sent, and the outcome is not known."""
    PARTIAL_FILL = "PARTIAL_FILL"
    """A new fill that leaves something open."""
    FILL = "FILL"
    """A new fill that completes the order."""
    CANCEL = "CANCEL"
    """The exchange says that the order rests no more (canceled or expired)."""
    NOT_FOUND = "NOT_FOUND"
    """The exchange does not know the order, at a time when it can no longer be on its way."""


_S = OrderStatus
_T = OrderTrigger

TRANSITIONS: dict[tuple[OrderStatus, OrderTrigger], OrderStatus] = {
    (_S.PENDING, _T.SEND): _S.SUBMITTED,
    (_S.PENDING, _T.DROP): _S.CANCELED,
    (_S.SUBMITTED, _T.ACCEPT): _S.OPEN,
    (_S.SUBMITTED, _T.REJECT): _S.FAILED,
    (_S.SUBMITTED, _T.TIME_OUT): _S.UNKNOWN,
    (_S.SUBMITTED, _T.PARTIAL_FILL): _S.PARTIALLY_FILLED,
    (_S.SUBMITTED, _T.FILL): _S.FILLED,
    (_S.SUBMITTED, _T.CANCEL): _S.CANCELED,
    (_S.SUBMITTED, _T.NOT_FOUND): _S.FAILED,
    (_S.OPEN, _T.ACCEPT): _S.OPEN,
    (_S.OPEN, _T.TIME_OUT): _S.OPEN,
    (_S.OPEN, _T.PARTIAL_FILL): _S.PARTIALLY_FILLED,
    (_S.OPEN, _T.FILL): _S.FILLED,
    (_S.OPEN, _T.CANCEL): _S.CANCELED,
    (_S.OPEN, _T.NOT_FOUND): _S.CANCELED,
    (_S.PARTIALLY_FILLED, _T.ACCEPT): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _T.TIME_OUT): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _T.PARTIAL_FILL): _S.PARTIALLY_FILLED,
    (_S.PARTIALLY_FILLED, _T.FILL): _S.FILLED,
    (_S.PARTIALLY_FILLED, _T.CANCEL): _S.CANCELED,
    (_S.PARTIALLY_FILLED, _T.NOT_FOUND): _S.CANCELED,
    (_S.UNKNOWN, _T.ACCEPT): _S.OPEN,
    (_S.UNKNOWN, _T.REJECT): _S.FAILED,
    (_S.UNKNOWN, _T.TIME_OUT): _S.UNKNOWN,
    (_S.UNKNOWN, _T.PARTIAL_FILL): _S.PARTIALLY_FILLED,
    (_S.UNKNOWN, _T.FILL): _S.FILLED,
    (_S.UNKNOWN, _T.CANCEL): _S.CANCELED,
    (_S.UNKNOWN, _T.NOT_FOUND): _S.FAILED,
    (_S.CANCELED, _T.ACCEPT): _S.CANCELED,
    (_S.CANCELED, _T.TIME_OUT): _S.CANCELED,
    (_S.CANCELED, _T.PARTIAL_FILL): _S.CANCELED,
    (_S.CANCELED, _T.FILL): _S.FILLED,
    (_S.CANCELED, _T.CANCEL): _S.CANCELED,
    (_S.CANCELED, _T.NOT_FOUND): _S.CANCELED,
    (_S.FILLED, _T.ACCEPT): _S.FILLED,
    (_S.FILLED, _T.TIME_OUT): _S.FILLED,
    (_S.FILLED, _T.FILL): _S.FILLED,
    (_S.FILLED, _T.CANCEL): _S.FILLED,
    (_S.FILLED, _T.NOT_FOUND): _S.FILLED,
    (_S.FAILED, _T.ACCEPT): _S.OPEN,
    (_S.FAILED, _T.REJECT): _S.FAILED,
    (_S.FAILED, _T.TIME_OUT): _S.FAILED,
    (_S.FAILED, _T.PARTIAL_FILL): _S.PARTIALLY_FILLED,
    (_S.FAILED, _T.FILL): _S.FILLED,
    (_S.FAILED, _T.CANCEL): _S.CANCELED,
    (_S.FAILED, _T.NOT_FOUND): _S.FAILED,
}

OPEN_STATES = frozenset({_S.SUBMITTED, _S.OPEN, _S.PARTIALLY_FILLED, _S.UNKNOWN})
"""States in which the exchange may hold the order."""

CLOSED_STATES = frozenset({_S.FILLED, _S.CANCELED, _S.FAILED})
"""States in which nothing of the order rests anywhere."""


class IllegalTransition(Exception):
    """An order met a trigger that its state has no row for."""

    def __init__(self, order_id: str, status: OrderStatus, trigger: OrderTrigger) -> None:
        super().__init__(
            f"order {order_id}: expected a trigger that {status} knows, was {trigger}; "
            "this is a fault of the program, trading stops until it was looked at"
        )
        self.order_id, self.status, self.trigger = order_id, status, trigger


def next_status(order_id: str, status: OrderStatus, trigger: OrderTrigger) -> OrderStatus:
    """The state after `trigger`; raises `IllegalTransition` for a pair without a row."""
    try:
        return TRANSITIONS[status, trigger]
    except KeyError:
        raise IllegalTransition(order_id, status, trigger) from None
