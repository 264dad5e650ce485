"""Stops, take profits and trailing stops. The trailing cases are the scenarios A to E of Binance's
trailing stop FAQ."""

from __future__ import annotations

from decimal import Decimal

import pytest

from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    OrderKind,
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
    reports,
    request,
    trade,
    with_book,
)

BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("side", "kind", "stop", "not_yet", "sets_off"),
    [
        (SELL, OrderKind.STOP_LOSS, 9_950, "9950.01", "9950"),
        (BUY, OrderKind.STOP_LOSS, 10_050, "10049.99", "10050"),
        (SELL, OrderKind.TAKE_PROFIT, 10_050, "10049.99", "10050"),
        (BUY, OrderKind.TAKE_PROFIT, 9_950, "9950.01", "9950"),
    ],
)
def test_a_stop_waits_for_its_price_and_then_takes_the_market(
    side: Side, kind: OrderKind, stop: int, not_yet: str, sets_off: str
) -> None:
    exchange = with_book()
    order = exchange.place("alice", request(side, kind, "0.5", stop_price=stop))
    assert (order.status, order.is_working, order.working_ts) == (Status.NEW, False, -1)
    trade(exchange, not_yet, "0.001")
    assert not now_of(exchange, order).is_working
    trade(exchange, sets_off, "0.001", after_ms=7)
    done = now_of(exchange, order)
    assert (done.status, done.is_working, done.working_ts) == (Status.FILLED, True, exchange.now)
    assert done.executed_quote == Decimal("0.5") * (9_900 if side is SELL else 10_100)
    assert done.executions[0].is_maker is False


@pytest.mark.parametrize(
    ("side", "kind", "stop"),
    [
        (SELL, OrderKind.STOP_LOSS, 10_000),
        (BUY, OrderKind.STOP_LOSS, 10_000),
        (SELL, OrderKind.TAKE_PROFIT, 10_000),
        (BUY, OrderKind.TAKE_PROFIT, 10_000),
    ],
)
def test_a_stop_that_is_met_already_is_refused(side: Side, kind: OrderKind, stop: int) -> None:
    exchange = with_book()
    with pytest.raises(ExchangeError, match=r"-2010: Stop price would trigger immediately."):
        exchange.place("alice", request(side, kind, "0.5", stop_price=stop))
    assert locked(exchange, "alice", "BTC") == locked(exchange, "alice", "USDT") == 0


def test_a_stop_limit_rests_at_its_price_when_the_market_has_run_away() -> None:
    exchange = with_book()
    order = exchange.place(
        "alice", request(SELL, OrderKind.STOP_LOSS_LIMIT, "0.5", stop_price=9_950, price=9_940)
    )
    exchange.drain()
    trade(exchange, 9_930, "0.001")
    assert reports(exchange.drain()) == [(order.id, "NEW", "NEW")]
    assert exchange.best(SYMBOL)[1] == (Decimal(9_940), Decimal("0.5"))


def test_a_stop_buy_takes_free_funds_too_and_stops_where_they_end() -> None:
    exchange = with_book()
    order = exchange.place("alice", request(BUY, OrderKind.STOP_LOSS, "2.5", stop_price=10_050))
    assert locked(exchange, "alice", "USDT") == Decimal("25125")
    exchange.deposit("alice", "USDT", Decimal(-74_775))
    trade(exchange, 10_050, "0.001")
    done = now_of(exchange, order)
    assert done.status is Status.EXPIRED
    assert done.executed_quantity == 1 + Decimal("1.48284")
    assert Decimal(0) <= free(exchange, "alice", "USDT") < Decimal("0.102")
    assert locked(exchange, "alice", "USDT") == 0


def test_our_own_trades_set_off_stops_also_those_in_the_middle_of_a_sweep() -> None:
    exchange = with_book()
    levels(exchange, bids=[(9_990, "1")])
    stop = exchange.place("bob", request(SELL, OrderKind.STOP_LOSS, "0.1", stop_price=9_950))
    bystander = exchange.place("bob", request(SELL, OrderKind.STOP_LOSS, "0.1", stop_price=9_500))
    exchange.place("alice", request(SELL, OrderKind.MARKET, "1.5"))
    assert now_of(exchange, stop).status is Status.FILLED
    assert now_of(exchange, bystander).status is Status.NEW


def test_one_stop_sets_off_the_next() -> None:
    exchange = with_book()
    first = exchange.place("alice", request(SELL, OrderKind.STOP_LOSS, "1.5", stop_price=9_950))
    second = exchange.place("bob", request(SELL, OrderKind.STOP_LOSS, "0.5", stop_price=9_850))
    trade(exchange, 9_950, "0.001")
    assert now_of(exchange, first).status is Status.FILLED
    assert now_of(exchange, second).status is Status.FILLED
    assert now_of(exchange, second).executed_quote == Decimal("0.5") * 9_800


def test_a_waiting_stop_is_canceled_like_any_order() -> None:
    exchange = with_book()
    order = exchange.place("alice", request(SELL, OrderKind.STOP_LOSS, "0.5", stop_price=9_950))
    exchange.cancel("alice", SYMBOL, order_id=order.id)
    trade(exchange, 9_900, "0.001")
    assert now_of(exchange, order).status is Status.CANCELED
    assert locked(exchange, "alice", "BTC") == 0


@pytest.mark.parametrize(
    ("side", "kind", "delta", "stop", "price", "quiet", "sets_off"),
    [
        (BUY, OrderKind.STOP_LOSS_LIMIT, 500, 44_000, 45_000,
         [37_000, 44_000, 45_000, 46_000, 42_000, "44099.99"], 44_100),
        (SELL, OrderKind.STOP_LOSS_LIMIT, 1000, 39_000, 38_000,
         [41_500, 39_000, 37_000, 41_000, "36900.01"], 36_900),
        (BUY, OrderKind.TAKE_PROFIT_LIMIT, 850, 38_000, 38_500,
         [42_000, 38_000, 37_000, 39_000, 38_000, "40144.99"], 40_145),
        (SELL, OrderKind.TAKE_PROFIT_LIMIT, 750, 42_000, 41_000,
         [41_500, 39_000, 42_000, 45_000, 44_000, 46_500, "43012.51"], "43012.5"),
        (SELL, OrderKind.STOP_LOSS_LIMIT, 700, None, 39_000,
         [42_000, 39_500, 45_500, "42315.01"], 42_315),
    ],
)  # fmt: skip
def test_trailing_stops_as_in_binances_scenarios(
    side: Side,
    kind: OrderKind,
    delta: int,
    stop: int | None,
    price: int,
    quiet: list[int | str],
    sets_off: int | str,
) -> None:
    exchange = new_exchange(MARKET)
    trade(exchange, 40_000, "0.001")
    order = exchange.place(
        "alice",
        request(side, kind, "0.5", trailing_delta=delta, stop_price=stop, price=price),
    )
    for last in quiet:
        trade(exchange, last, "0.001")
        assert not now_of(exchange, order).is_working, last
    trade(exchange, sets_off, "0.001")
    assert now_of(exchange, order).is_working


def test_a_trailing_market_buy_locks_at_the_last_price() -> None:
    exchange = with_book()
    order = exchange.place("alice", request(BUY, OrderKind.STOP_LOSS, "1", trailing_delta=100))
    assert locked(exchange, "alice", "USDT") == 10_000
    trade(exchange, 10_100, "0.001")
    assert now_of(exchange, order).status is Status.FILLED


def test_limit_orders_do_not_count_as_algo_orders() -> None:
    exchange = with_book()
    for _ in range(6):
        exchange.place("alice", limit(BUY, "0.1", 9_000))
    for _ in range(5):
        exchange.place("alice", request(SELL, OrderKind.STOP_LOSS, "0.1", stop_price=9_000))
    with pytest.raises(ExchangeError, match="MAX_NUM_ALGO_ORDERS"):
        exchange.place("alice", request(SELL, OrderKind.STOP_LOSS, "0.1", stop_price=9_000))
