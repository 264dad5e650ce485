"""Order kinds, time in force, self trades, fees, cancels, client ids."""

from __future__ import annotations

from decimal import Decimal

import pytest

from autotrade.infrastructure.simulated_exchange.core import accounts
from autotrade.infrastructure.simulated_exchange.core.types import (
    BalancesChanged,
    ExchangeError,
    OrderChanged,
    OrderKind,
    Side,
    Status,
    TimeInForce,
)
from tests.unit.simulated_exchange.core.builders import (
    BNB_MARKET,
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
    tape,
    trade,
    with_book,
)

BUY, SELL = Side.BUY, Side.SELL


def refused(code: int, message: str):
    return pytest.raises(ExchangeError, match=f"^{code}: {message}$")


def test_a_taker_walks_the_book_at_resting_prices_and_rests_with_what_is_left() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "3.5", 10_200))
    assert order.status is Status.PARTIALLY_FILLED
    assert order.executed_quote == Decimal(10_100) + 2 * Decimal(10_200)
    assert exchange.best(SYMBOL)[0] == (Decimal(10_200), Decimal("0.5"))
    assert exchange.best(SYMBOL)[1] is None
    assert locked(exchange, "alice", "USDT") == Decimal(5_100)
    assert free(exchange, "alice", "USDT") == Decimal(100_000) - 30_500 - 5_100
    assert free(exchange, "alice", "BTC") == 10 + 3 * Decimal("0.999")


def test_two_accounts_trade_with_each_other() -> None:
    exchange = with_book()
    maker = exchange.place("alice", limit(SELL, "0.5", 10_050))
    exchange.drain()
    taker = exchange.place("bob", request(BUY, OrderKind.MARKET, "0.3"))
    assert now_of(exchange, maker).executed_quantity == taker.executed_quantity == Decimal("0.3")
    assert [one.is_maker for one in exchange.executions("alice", SYMBOL)] == [True]
    assert [one.is_maker for one in exchange.executions("bob", SYMBOL)] == [False]
    assert len(tape(exchange.drain())) == 1
    assert exchange.market_flow.get("BTC", 0) == 0


def test_fees_are_taken_from_what_is_received_cut_to_eight_places() -> None:
    exchange = new_exchange(maker_fee=Decimal("0.0002"), taker_fee=Decimal("0.00075"))
    with_book(exchange)
    bought = exchange.place("alice", request(BUY, OrderKind.MARKET, "0.00123"))
    assert bought.executions[0].commission == Decimal("0.00000092")
    assert bought.executions[0].commission_asset == "BTC"
    sold = exchange.place("bob", limit(SELL, "0.1", 10_050))
    trade(exchange, 10_050, "0.1", BUY)
    execution = now_of(exchange, sold).executions[0]
    assert (execution.commission, execution.commission_asset) == (Decimal("0.201"), "USDT")


def test_fees_in_bnb_with_the_discount_and_in_the_received_asset_when_bnb_runs_out() -> None:
    exchange = with_book(new_exchange(MARKET, BNB_MARKET))
    exchange.open_account(
        "carol", {"USDT": Decimal(50_000), "BNB": Decimal("0.02")}, pays_fees_in_bnb=True
    )
    first = exchange.place("carol", request(BUY, OrderKind.MARKET, "0.1"))
    assert first.executions[0].commission_asset == "BTC"
    trade(exchange, 500, "1", symbol="BNBUSDT")
    second = exchange.place("carol", request(BUY, OrderKind.MARKET, "0.1"))
    execution = second.executions[0]
    assert execution.commission_asset == "BNB"
    assert execution.commission == Decimal("1010") * Decimal("0.001") * Decimal("0.75") / 500
    third = exchange.place("carol", request(BUY, OrderKind.MARKET, "0.8"))
    assert third.executions[0].commission == Decimal("0.01212")
    fourth = exchange.place("carol", request(BUY, OrderKind.MARKET, "1"))
    assert [one.commission_asset for one in fourth.executions] == ["BTC"]


def test_a_market_order_expires_with_what_the_book_cannot_give() -> None:
    exchange = with_book()
    order = exchange.place("alice", request(BUY, OrderKind.MARKET, "5"))
    assert (order.status, order.executed_quantity) == (Status.EXPIRED, Decimal(3))
    assert locked(exchange, "alice", "USDT") == 0
    empty = exchange.place("alice", request(BUY, OrderKind.MARKET, "1"))
    assert (empty.status, empty.executed_quantity) == (Status.EXPIRED, Decimal(0))


def test_a_market_order_by_quote_amount_never_spends_more() -> None:
    exchange = with_book()
    order = exchange.place("alice", request(BUY, OrderKind.MARKET, quote_quantity="15000"))
    assert order.status is Status.FILLED
    assert order.executed_quantity == 1 + Decimal("0.48039")
    assert order.original_quantity == order.executed_quantity
    assert Decimal(15_000) - order.executed_quote < Decimal("0.102")
    sold = exchange.place("bob", request(SELL, OrderKind.MARKET, quote_quantity="990"))
    assert sold.executed_quantity == Decimal("0.1")


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
def test_immediate_orders_never_rest(time_in_force: TimeInForce) -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "1.5", 10_100, time_in_force=time_in_force))
    taken = Decimal(1) if time_in_force is TimeInForce.IOC else Decimal(0)
    assert (order.status, order.executed_quantity) == (Status.EXPIRED, taken)
    assert exchange.open_orders("alice") == []
    assert locked(exchange, "alice", "USDT") == 0
    whole = exchange.place("alice", limit(BUY, "0.5", 10_200, time_in_force=time_in_force))
    assert whole.status is Status.FILLED


def test_a_limit_maker_is_refused_when_it_would_take_and_rests_otherwise() -> None:
    exchange = with_book()
    with refused(-2010, "Order would immediately match and take."):
        exchange.place("alice", request(BUY, OrderKind.LIMIT_MAKER, "0.1", price=10_100))
    assert exchange.place(
        "alice", request(BUY, OrderKind.LIMIT_MAKER, "0.1", price="10099.99")
    ).status is Status.NEW  # fmt: skip
    with refused(-2010, "Order would immediately match and take."):
        exchange.place("bob", request(SELL, OrderKind.LIMIT_MAKER, "0.1", price="10099.99"))


def test_funds_are_checked_before_anything_happens() -> None:
    exchange = with_book()
    short = "Account has insufficient balance for requested action."
    for asked in (
        limit(BUY, "10.00001", 10_000),
        limit(SELL, "10.1", 10_000),
        request(SELL, OrderKind.MARKET, "10.1"),
        request(BUY, OrderKind.MARKET, quote_quantity="100000.01"),
    ):
        with refused(-2010, short):
            exchange.place("alice", asked)
    assert exchange.drain() == []
    assert exchange.open_orders("alice") == []
    assert exchange.place("alice", limit(BUY, "10", 9_000)).id == 1


def test_events_of_a_taker_in_their_order() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "1.5", 10_200))
    outputs = exchange.drain()
    assert reports(outputs) == [
        (order.id, "NEW", "NEW"),
        (order.id, "TRADE", "PARTIALLY_FILLED"),
        (order.id, "TRADE", "FILLED"),
    ]
    balances = [one for one in outputs if isinstance(one, BalancesChanged)]
    assert [asset for asset, _, _ in balances[0].balances] == ["USDT", "BTC"]
    frozen = [one.order for one in outputs if isinstance(one, OrderChanged)]
    assert [len(one.executions) for one in frozen] == [0, 1, 2]


def test_a_cancel_frees_the_funds_and_reports_both_ids() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "1", 9_000, client_order_id="mine"))
    exchange.drain()
    canceled = exchange.cancel(
        "alice", SYMBOL, client_order_id="mine", new_client_order_id="cancel-1"
    )
    assert (canceled.status, canceled.client_order_id) == (Status.CANCELED, "mine")
    assert canceled.cancel_client_order_id == "cancel-1"
    report = next(one for one in exchange.drain() if isinstance(one, OrderChanged))
    assert report.order.client_order_id == "cancel-1"
    assert report.original_client_order_id == "mine"
    assert locked(exchange, "alice", "USDT") == 0
    assert exchange.order("alice", SYMBOL, client_order_id="mine").id == order.id
    with refused(-2011, "Unknown order sent."):
        exchange.cancel("alice", SYMBOL, order_id=order.id)


def test_a_partial_fill_survives_its_cancel() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "1", 9_950))
    trade(exchange, 9_950, "0.4")
    canceled = exchange.cancel("alice", SYMBOL, order_id=order.id)
    assert (canceled.status, canceled.executed_quantity) == (Status.CANCELED, Decimal("0.4"))
    assert free(exchange, "alice", "USDT") == Decimal(100_000) - Decimal("3980")


def test_cancel_all_takes_one_symbol_of_one_account() -> None:
    exchange = with_book()
    mine = [exchange.place("alice", limit(BUY, "1", 9_000 + step)) for step in range(3)]
    other = exchange.place("bob", limit(BUY, "1", 9_000))
    assert [one.id for one in exchange.cancel_all("alice", SYMBOL)] == [one.id for one in mine]
    assert [one.id for one in exchange.open_orders("bob")] == [other.id]
    with refused(-2011, "Unknown order sent."):
        exchange.cancel_all("alice", SYMBOL)


def test_a_client_id_is_unique_among_open_orders_only() -> None:
    exchange = with_book()
    first = exchange.place("alice", limit(BUY, "1", 9_000, client_order_id="same"))
    with refused(-2010, "Duplicate order sent."):
        exchange.place("alice", limit(BUY, "1", 9_000, client_order_id="same"))
    exchange.place("bob", limit(BUY, "1", 9_000, client_order_id="same"))
    exchange.cancel("alice", SYMBOL, order_id=first.id)
    second = exchange.place("alice", limit(BUY, "1", 9_000, client_order_id="same"))
    assert exchange.order("alice", SYMBOL, client_order_id="same").id == second.id


def test_made_up_client_ids_are_the_same_in_every_run() -> None:
    runs = []
    for _ in range(2):
        exchange = with_book()
        runs.append([exchange.place("alice", limit(BUY, "1", 9_000)).client_order_id
                     for _ in range(3)])  # fmt: skip
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 3


@pytest.mark.parametrize(
    ("mode", "taker_status", "maker_status"),
    [
        ("NONE", Status.FILLED, Status.FILLED),
        ("EXPIRE_TAKER", Status.EXPIRED_IN_MATCH, Status.NEW),
        ("EXPIRE_MAKER", Status.FILLED, Status.EXPIRED_IN_MATCH),
        ("EXPIRE_BOTH", Status.EXPIRED_IN_MATCH, Status.EXPIRED_IN_MATCH),
    ],
)
def test_self_trade_prevention(mode: str, taker_status: Status, maker_status: Status) -> None:
    exchange = with_book()
    maker = exchange.place("alice", limit(SELL, "0.5", 10_050))
    taker = exchange.place(
        "alice", request(BUY, OrderKind.MARKET, "0.5", self_trade_prevention=mode)
    )
    assert (taker.status, now_of(exchange, maker).status) == (taker_status, maker_status)
    if mode == "EXPIRE_MAKER":
        assert taker.executed_quote == Decimal("0.5") * 10_100


def test_unknown_things_are_named_as_binance_names_them() -> None:
    exchange = with_book()
    with refused(-1121, "Invalid symbol."):
        exchange.market("NOPE")
    with refused(-1121, "Invalid symbol."):
        exchange.place("alice", limit(BUY, "1", 9_000, symbol="NOPE"))
    with refused(-2013, "Order does not exist."):
        exchange.order("alice", SYMBOL, order_id=99)
    with refused(-2011, "Unknown order sent."):
        exchange.cancel("alice", SYMBOL, order_id=99)
    with pytest.raises(ExchangeError) as refusal:
        exchange.balances("nobody")
    assert refusal.value.code == -2015
    order = exchange.place("alice", limit(BUY, "1", 9_000))
    with refused(-2013, "Order does not exist."):
        exchange.order("bob", SYMBOL, order_id=order.id)


def test_orders_and_executions_are_found_by_id_and_time() -> None:
    exchange = with_book()
    orders = []
    for _ in range(4):
        orders.append(exchange.place("alice", request(BUY, OrderKind.MARKET, "0.1")))
        exchange.advance(exchange.now + 1_000)
    ids = [one.id for one in orders]
    found = exchange.all_orders("alice", SYMBOL, from_order_id=ids[1], limit=2)
    assert [one.id for one in found] == ids[1:3]
    assert [one.id for one in exchange.all_orders("alice", SYMBOL, limit=2)] == ids[2:]
    since = exchange.all_orders("alice", SYMBOL, start_ts=orders[2].created_ts)
    assert [one.id for one in since] == ids[2:]
    mine = exchange.executions("alice", SYMBOL)
    assert [one.order_id for one in mine] == ids
    assert exchange.executions("alice", SYMBOL, order_id=ids[2]) == mine[2:3]
    later = exchange.executions("alice", SYMBOL, from_trade_id=mine[1].trade_id, limit=1)
    assert later == mine[1:2]


def test_what_is_given_out_does_not_change_later() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "1", 9_950))
    trade(exchange, 9_950, "0.4")
    assert (order.status, order.executions) == (Status.NEW, [])
    order.status = Status.REJECTED
    assert now_of(exchange, order).status is Status.PARTIALLY_FILLED


def test_deposits_and_withdrawals() -> None:
    exchange = with_book()
    exchange.place("alice", limit(BUY, "1", 9_000))
    exchange.deposit("alice", "ETH", Decimal("2.5"))
    assert exchange.balances("alice")["ETH"] == (Decimal("2.5"), Decimal(0))
    with refused(-2010, "Account has insufficient balance for requested action."):
        exchange.deposit("alice", "USDT", Decimal(-91_001))
    exchange.deposit("alice", "USDT", Decimal(-91_000))
    assert free(exchange, "alice", "USDT") == 0


def test_closed_orders_beyond_the_bound_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "HISTORY_KEPT", 5)
    exchange = with_book()
    resting = exchange.place("alice", limit(BUY, "0.1", 9_000))
    for _ in range(12):
        order = exchange.place("alice", limit(BUY, "0.1", 9_000))
        exchange.cancel("alice", SYMBOL, order_id=order.id)
    kept = [one.id for one in exchange.all_orders("alice", SYMBOL)]
    assert kept == [resting.id, *range(order.id - 4, order.id + 1)]


def test_a_better_book_price_frees_the_rest_of_the_lock() -> None:
    exchange = with_book()
    levels(exchange, asks=[(10_000, "1")])
    exchange.place("alice", limit(BUY, "2", 10_050))
    assert free(exchange, "alice", "USDT") == Decimal(100_000) - 10_000 - 10_050
    assert locked(exchange, "alice", "USDT") == 10_050
