"""The accounts' side written down and read again; the same facts give the same outputs."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    OrderKind,
    OtocoRequest,
    Side,
    Status,
)
from tests.unit.simulated_exchange.core.builders import (
    MARKET,
    SYMBOL,
    free,
    levels,
    limit,
    locked,
    new_exchange,
    now_of,
    request,
    sell_oco,
    trade,
    with_book,
)

BUY, SELL = Side.BUY, Side.SELL


def restarted(exchange: SimulatedExchange) -> SimulatedExchange:
    """Another process with the same state and an empty book."""
    state: Any = json.loads(json.dumps(exchange.export_state()))
    again = SimulatedExchange([MARKET], start_ts=exchange.now + 1_000)
    again.restore_state(state)
    return again


def test_orders_funds_and_history_survive() -> None:
    exchange = with_book()
    bought = exchange.place("alice", request(BUY, OrderKind.MARKET, "0.3"))
    resting = exchange.place("alice", limit(BUY, "1", 9_950, client_order_id="mine"))
    trade(exchange, 9_950, "0.4")
    again = restarted(exchange)
    assert again.balances("alice") == exchange.balances("alice")
    assert again.all_orders("alice", SYMBOL) == exchange.all_orders("alice", SYMBOL)
    assert again.executions("alice", SYMBOL) == exchange.executions("alice", SYMBOL)
    assert again.order("alice", SYMBOL, client_order_id="mine") == now_of(exchange, resting)
    assert again.commissions == exchange.commissions
    assert again.depth(SYMBOL, 5)[1:] == ([(Decimal(9950), Decimal("0.6"))], [])
    trade(again, 9_950, "0.6")
    assert now_of(again, resting).status is Status.FILLED
    assert again.executions("alice", SYMBOL)[-1].trade_id > bought.executions[-1].trade_id
    assert locked(again, "alice", "USDT") == 0
    assert again.place("alice", limit(BUY, "1", 9_000)).id == resting.id + 1


def test_restored_orders_stand_behind_each_other_in_their_old_order() -> None:
    exchange = with_book()
    first = exchange.place("bob", limit(BUY, "0.5", 9_950))
    second = exchange.place("alice", limit(BUY, "0.5", 9_950))
    again = restarted(exchange)
    levels(again, bids=[(9_950, "1")])
    trade(again, 9_950, "0.7")
    assert now_of(again, first).executed_quantity == Decimal("0.5")
    assert now_of(again, second).executed_quantity == Decimal("0.2")


def test_a_returning_market_trades_against_restored_orders_that_it_crosses() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "0.5", 9_950))
    again = restarted(exchange)
    levels(again, bids=[(9_800, "1")], asks=[(9_900, "2")], is_snapshot=True)
    done = now_of(again, order)
    assert (done.status, done.executed_quote) == (Status.FILLED, Decimal("0.5") * 9_950)
    assert again.best(SYMBOL)[1] == (Decimal(9_900), Decimal("1.5"))


def test_lists_stops_and_trailing_stops_go_on_where_they_were() -> None:
    exchange = with_book()
    entry = exchange.place_oco("alice", sell_oco("1", 10_500, 9_700))
    trailing = exchange.place("bob", request(SELL, OrderKind.STOP_LOSS, "1", trailing_delta=100))
    trade(exchange, 10_400, "0.001")
    again = restarted(exchange)
    assert again.open_order_lists("alice") == [exchange.order_list("alice", list_id=entry.id)]
    levels(again, bids=[(9_000, "5")])
    trade(again, 10_296, "0.001")
    assert now_of(again, trailing).status is Status.FILLED
    assert again.orders_of_list(entry)[0].status is Status.FILLED
    assert again.orders_of_list(entry)[1].status is Status.EXPIRED
    assert again.order_list("alice", list_id=entry.id).order_status == "ALL_DONE"
    assert free(again, "alice", "BTC") == 9
    assert locked(again, "alice", "BTC") == 0


def test_pending_legs_survive_too() -> None:
    exchange = with_book()
    oco = sell_oco("0.5", 10_500, 9_500)
    entry = exchange.place_otoco(
        "alice", OtocoRequest(SYMBOL, limit(BUY, "1", 9_950), (oco.above, oco.below))
    )
    again = restarted(exchange)
    trade(again, 9_950, "1")
    assert [one.status.value for one in again.orders_of_list(entry)] == ["FILLED", "NEW", "NEW"]
    assert locked(again, "alice", "BTC") == Decimal("0.5")


def test_recorded_ids_start_again_above_the_old_ones() -> None:
    exchange = with_book()
    trade(exchange, 10_000, "1", trade_id=900)
    levels(exchange, bids=[(9_900, "2")], update_ids=(5_000, 5_010))
    again = restarted(exchange)
    trade(again, 10_000, "1", trade_id=700)
    trade(again, 10_000, "1", trade_id=701)
    levels(again, bids=[(9_900, "2")], update_ids=(4_000, 4_004))
    assert [one.id for one in again.trades(SYMBOL)] == [901, 902]
    assert again.depth(SYMBOL, 1)[0] == 5_010 + 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "expected exchange state of version 1, was 99"),
        ({"symbols": {"NOPE": {}}}, "NOPE were not"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    state = with_book().export_state() | change
    with pytest.raises(ValueError, match=message):
        SimulatedExchange([MARKET], start_ts=0).restore_state(state)
    busy = with_book()
    busy.place("alice", limit(BUY, "1", 9_000))
    with pytest.raises(ValueError, match="restore it first"):
        busy.restore_state(new_exchange().export_state())


def test_the_same_facts_and_requests_give_the_same_outputs() -> None:
    def run() -> list[Any]:
        exchange = with_book()
        exchange.watch_klines(SYMBOL, "1m")
        exchange.place_oco("bob", sell_oco("0.5", 10_050, 9_850))
        exchange.place("alice", limit(BUY, "1.2", 10_100))
        for step in range(200):
            trade(exchange, 10_000 - step, "0.3", after_ms=700)
            levels(exchange, bids=[(9_990 - step, "1")], asks=[(10_010 - step, "1")])
        return exchange.drain()

    assert run() == run()
