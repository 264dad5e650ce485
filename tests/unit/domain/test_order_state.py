"""The state table: every row holds, every other pair is refused, and the worst rows behave."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.domain.entities.order import Fill, Order, OrderRole, OrderSide, OrderType
from autotrade.domain.entities.order_state import (
    CLOSED_STATES,
    OPEN_STATES,
    TRANSITIONS,
    IllegalTransition,
    OrderStatus,
    OrderTrigger,
    next_status,
)

S, T = OrderStatus, OrderTrigger

# Written down a second time on purpose: a changed row must be changed in two places.
EXPECTED = """
PENDING          SEND SUBMITTED, DROP CANCELED
SUBMITTED        ACCEPT OPEN, REJECT FAILED, TIME_OUT UNKNOWN, PARTIAL_FILL PARTIALLY_FILLED, \
FILL FILLED, CANCEL CANCELED, NOT_FOUND FAILED
OPEN             ACCEPT OPEN, TIME_OUT OPEN, PARTIAL_FILL PARTIALLY_FILLED, FILL FILLED, \
CANCEL CANCELED, NOT_FOUND CANCELED
PARTIALLY_FILLED ACCEPT PARTIALLY_FILLED, TIME_OUT PARTIALLY_FILLED, \
PARTIAL_FILL PARTIALLY_FILLED, FILL FILLED, CANCEL CANCELED, NOT_FOUND CANCELED
UNKNOWN          ACCEPT OPEN, REJECT FAILED, TIME_OUT UNKNOWN, PARTIAL_FILL PARTIALLY_FILLED, \
FILL FILLED, CANCEL CANCELED, NOT_FOUND FAILED
CANCELED         ACCEPT CANCELED, TIME_OUT CANCELED, PARTIAL_FILL CANCELED, FILL FILLED, \
CANCEL CANCELED, NOT_FOUND CANCELED
FILLED           ACCEPT FILLED, TIME_OUT FILLED, FILL FILLED, CANCEL FILLED, NOT_FOUND FILLED
FAILED           ACCEPT OPEN, REJECT FAILED, TIME_OUT FAILED, PARTIAL_FILL PARTIALLY_FILLED, \
FILL FILLED, CANCEL CANCELED, NOT_FOUND FAILED
"""


def expected_table() -> dict[tuple[OrderStatus, OrderTrigger], OrderStatus]:
    table = {}
    for line in EXPECTED.strip().splitlines():
        state, _, rows = line.partition(" ")
        for row in rows.split(","):
            trigger, after = row.split()
            table[S(state), T(trigger)] = S(after)
    return table


def make_order(amount: str = "1") -> Order:
    return Order(
        id="at1-1-B1",
        deal_id=1,
        symbol="ETH/USDT",
        role=OrderRole.ENTRY,
        side=OrderSide.BUY,
        type=OrderType.LIMIT,
        amount=D(amount),
        price=D(100),
        created_ts=0,
    )


def make_fill(trade_id: str, amount: str) -> Fill:
    return Fill(trade_id, D(100), D(amount), D("0.001"), "ETH", 5)


def test_table_is_as_written() -> None:
    assert expected_table() == TRANSITIONS


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("trigger", list(T))
def test_pair_without_a_row_is_refused(state: OrderStatus, trigger: OrderTrigger) -> None:
    if (state, trigger) in expected_table():
        assert next_status("a", state, trigger) is expected_table()[state, trigger]
        return
    with pytest.raises(IllegalTransition, match=f"order a: .*{state}.* was {trigger}"):
        next_status("a", state, trigger)


def test_every_state_is_open_closed_or_pending() -> None:
    assert OPEN_STATES | CLOSED_STATES | {S.PENDING} == set(S)
    assert not OPEN_STATES & CLOSED_STATES


def test_fill_is_booked_once() -> None:
    order = make_order()
    order.place(1)
    assert order.add_fill(make_fill("t1", "0.4"))
    assert not order.add_fill(make_fill("t1", "0.4"))
    assert (order.filled, order.quote_filled, order.fees) == (
        D("0.4"),
        D("40"),
        {"ETH": D("0.001")},
    )
    assert order.status is S.PARTIALLY_FILLED
    assert order.average_price == 100
    assert order.remaining == D("0.6")


def test_fill_overtakes_the_cancel() -> None:
    order = make_order()
    order.place(1)
    order.move(T.CANCEL, 2)
    order.add_fill(make_fill("t1", "0.4"))
    assert order.status is S.CANCELED
    assert order.filled == D("0.4")
    order.add_fill(make_fill("t2", "0.6"))
    assert order.status is S.FILLED


def test_order_waits_for_fills_the_exchange_speaks_of() -> None:
    order = make_order()
    order.place(1)
    order.reported_filled = D("0.5")
    assert not order.is_settled
    assert order.is_in_doubt
    order.add_fill(make_fill("t1", "0.5"))
    assert order.is_settled


def test_virtual_order_is_dropped_not_canceled() -> None:
    order = make_order()
    order.cancel(3, "no longer wanted")
    assert order.status is S.CANCELED
    assert order.close_reason == "no longer wanted"


@given(st.lists(st.sampled_from(list(T)), max_size=30))
def test_closed_orders_only_reopen_by_truth(triggers: list[OrderTrigger]) -> None:
    """FILLED is final; only an exchange's own word (acceptance, fill) reopens a FAILED one."""
    status = S.PENDING
    for trigger in triggers:
        if (status, trigger) not in TRANSITIONS:
            continue
        after = TRANSITIONS[status, trigger]
        if status is S.FILLED:
            assert after is S.FILLED
        if status in CLOSED_STATES and after in OPEN_STATES:
            assert status is S.FAILED
            assert trigger in (T.ACCEPT, T.PARTIAL_FILL)
        status = after
