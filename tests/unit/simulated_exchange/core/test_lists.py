"""OCO, OTO and OTOCO."""

from __future__ import annotations

from decimal import Decimal

import pytest

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    OcoRequest,
    OrderKind,
    OrderList,
    OrderListChanged,
    OrderRequest,
    OtocoRequest,
    Side,
    Status,
)
from tests.unit.simulated_exchange.core.builders import (
    SYMBOL,
    free,
    levels,
    limit,
    locked,
    reports,
    request,
    sell_oco,
    trade,
    with_book,
)

BUY, SELL = Side.BUY, Side.SELL
K = OrderKind


def statuses(exchange: SimulatedExchange, entry: OrderList) -> dict[str, str]:
    """kind -> status of each leg."""
    return {one.kind.value: one.status.value for one in exchange.orders_of_list(entry)}


def list_events(exchange: SimulatedExchange) -> list[tuple[str, str]]:
    return [
        (one.order_list.status_type, one.order_list.order_status)
        for one in exchange.drain()
        if isinstance(one, OrderListChanged)
    ]


def is_over(exchange: SimulatedExchange, entry: OrderList) -> bool:
    return exchange.order_list("alice", list_id=entry.id).order_status == "ALL_DONE"


def test_both_legs_share_one_lock() -> None:
    exchange = with_book()
    entry = exchange.place_oco("alice", sell_oco("10", 10_500, 9_950))
    assert locked(exchange, "alice", "BTC") == 10
    assert entry.contingency == "OCO"
    assert statuses(exchange, entry) == {"STOP_LOSS": "NEW", "LIMIT_MAKER": "NEW"}
    assert [one.is_working for one in exchange.orders_of_list(entry)] == [False, True]
    assert list_events(exchange) == [("EXEC_STARTED", "EXECUTING")]
    assert exchange.open_order_lists("alice") == [entry]


def test_a_fill_of_the_limit_leg_puts_the_stop_out_even_in_part() -> None:
    exchange = with_book()
    entry = exchange.place_oco("alice", sell_oco("1", 10_050, 9_950))
    exchange.drain()
    trade(exchange, 10_050, "0.4", BUY)
    assert statuses(exchange, entry) == {"STOP_LOSS": "EXPIRED", "LIMIT_MAKER": "PARTIALLY_FILLED"}
    assert locked(exchange, "alice", "BTC") == Decimal("0.6")
    trade(exchange, 9_900, "0.4")
    assert not is_over(exchange, entry)
    trade(exchange, 10_050, "0.6", BUY)
    assert statuses(exchange, entry)["LIMIT_MAKER"] == "FILLED"
    assert list_events(exchange) == [("ALL_DONE", "ALL_DONE")]
    assert is_over(exchange, entry)
    assert exchange.open_order_lists("alice") == []


def test_the_trigger_of_the_stop_puts_the_limit_leg_out_before_it_trades() -> None:
    exchange = with_book()
    entry = exchange.place_oco("alice", sell_oco("1.5", 10_050, 9_950))
    exchange.drain()
    trade(exchange, 9_950, "0.001")
    stop, maker = entry.order_ids
    assert reports(exchange.drain()) == [
        (maker, "EXPIRED", "EXPIRED"),
        (stop, "NEW", "NEW"),
        (stop, "TRADE", "PARTIALLY_FILLED"),
        (stop, "TRADE", "FILLED"),
    ]
    assert is_over(exchange, entry)
    assert locked(exchange, "alice", "BTC") == 0
    assert exchange.best(SYMBOL)[1] == (Decimal(10_100), 1)


def test_a_buy_oco_locks_the_dearer_leg_and_frees_the_rest_when_one_trades() -> None:
    exchange = with_book()
    entry = exchange.place_oco(
        "alice",
        OcoRequest(
            SYMBOL,
            request(BUY, K.STOP_LOSS_LIMIT, "1", stop_price=10_150, price=10_300),
            request(BUY, K.LIMIT_MAKER, "1", price=9_950),
        ),
    )
    assert locked(exchange, "alice", "USDT") == 10_300
    trade(exchange, 9_950, "0.4")
    assert locked(exchange, "alice", "USDT") == Decimal("0.6") * 9_950
    assert free(exchange, "alice", "USDT") == 100_000 - 9_950
    trade(exchange, 9_950, "0.6")
    assert is_over(exchange, entry)


def test_a_triggered_leg_that_rests_keeps_only_what_it_needs() -> None:
    exchange = with_book()
    exchange.place_oco(
        "alice",
        OcoRequest(
            SYMBOL,
            request(BUY, K.STOP_LOSS_LIMIT, "1", stop_price=10_150, price=10_300),
            request(BUY, K.TAKE_PROFIT_LIMIT, "1", stop_price=9_950, price=9_960),
        ),
    )
    assert locked(exchange, "alice", "USDT") == 10_300
    trade(exchange, 9_950, "0.001")
    assert exchange.best(SYMBOL)[0] == (Decimal(9_960), 1)
    assert locked(exchange, "alice", "USDT") == 9_960


@pytest.mark.parametrize("index", [0, 1])
def test_a_cancel_of_one_leg_cancels_the_list(index: int) -> None:
    exchange = with_book()
    entry = exchange.place_oco("alice", sell_oco("1", 10_050, 9_950))
    exchange.drain()
    canceled = exchange.cancel("alice", SYMBOL, order_id=entry.order_ids[index])
    assert canceled.id == entry.order_ids[index]
    assert statuses(exchange, entry) == {"STOP_LOSS": "CANCELED", "LIMIT_MAKER": "CANCELED"}
    assert list_events(exchange) == [("ALL_DONE", "ALL_DONE")]
    assert locked(exchange, "alice", "BTC") == 0


def test_a_list_is_canceled_by_id_by_client_id_and_with_everything_else() -> None:
    exchange = with_book()
    first = exchange.place_oco("alice", sell_oco("1", 10_050, 9_950, list_client_order_id="L"))
    with pytest.raises(ExchangeError, match=r"-2010: Duplicate order sent."):
        exchange.place_oco("alice", sell_oco("1", 10_050, 9_950, list_client_order_id="L"))
    assert exchange.cancel_list("alice", SYMBOL, list_client_order_id="L").id == first.id
    with pytest.raises(ExchangeError, match="-2011"):
        exchange.cancel_list("alice", SYMBOL, list_id=first.id)
    second = exchange.place_oco("alice", sell_oco("1", 10_050, 9_950))
    single = exchange.place("alice", limit(BUY, "1", 9_000))
    canceled = exchange.cancel_all("alice", SYMBOL)
    assert [type(one).__name__ for one in canceled] == ["ExchangeOrder", "OrderList"]
    assert [one.id for one in canceled] == [single.id, second.id]
    assert [one.id for one in exchange.all_order_lists("alice")] == [first.id, second.id]


def sell(kind: OrderKind, **fields: int) -> OrderRequest:
    return request(SELL, kind, "1", **fields)


def buy(kind: OrderKind, **fields: int) -> OrderRequest:
    return request(BUY, kind, "1", **fields)


@pytest.mark.parametrize(
    ("above", "below", "code"),
    [
        (sell(K.LIMIT_MAKER, price=9_990), sell(K.STOP_LOSS, stop_price=9_900), -2010),
        (sell(K.LIMIT_MAKER, price=10_500), sell(K.STOP_LOSS, stop_price=10_010), -2010),
        (buy(K.STOP_LOSS, stop_price=9_990), buy(K.LIMIT_MAKER, price=9_900), -2010),
        (sell(K.STOP_LOSS, stop_price=10_500), sell(K.LIMIT_MAKER, price=9_900), -1166),
        (buy(K.LIMIT_MAKER, price=10_500), buy(K.STOP_LOSS, stop_price=9_900), -1165),
        (sell(K.LIMIT_MAKER, price=10_500), sell(K.LIMIT_MAKER, price=9_900), -1168),
        (sell(K.LIMIT, price=10_500), sell(K.STOP_LOSS, stop_price=9_900), -1158),
        (sell(K.STOP_LOSS, stop_price=10_500), sell(K.STOP_LOSS, stop_price=9_900), -1197),
        (sell(K.TAKE_PROFIT, stop_price=10_500), sell(K.TAKE_PROFIT, stop_price=9_900), -1199),
        (buy(K.STOP_LOSS, stop_price=10_500), buy(K.STOP_LOSS, stop_price=9_900), -1196),
        (buy(K.TAKE_PROFIT, stop_price=10_500), buy(K.TAKE_PROFIT, stop_price=9_900), -1198),
        (buy(K.STOP_LOSS, stop_price=10_500), sell(K.STOP_LOSS, stop_price=9_900), -1014),
    ],
)
def test_legs_that_do_not_fit_are_refused_whole(
    above: OrderRequest, below: OrderRequest, code: int
) -> None:
    exchange = with_book()
    with pytest.raises(ExchangeError) as refusal:
        exchange.place_oco("alice", OcoRequest(SYMBOL, above, below))
    assert refusal.value.code == code
    assert exchange.drain() == []
    assert exchange.open_orders("alice") == []


def test_take_profit_above_and_stop_below_wait_together() -> None:
    exchange = with_book()
    entry = exchange.place_oco(
        "alice",
        OcoRequest(
            SYMBOL,
            sell(K.TAKE_PROFIT, stop_price=10_050),
            sell(K.STOP_LOSS, stop_price=9_950),
        ),
    )
    trade(exchange, 10_050, "0.001", BUY)
    assert statuses(exchange, entry) == {"STOP_LOSS": "EXPIRED", "TAKE_PROFIT": "FILLED"}


def otoco(quantity: str = "1") -> OtocoRequest:
    oco = sell_oco(quantity, 10_500, 9_500)
    return OtocoRequest(SYMBOL, limit(BUY, "1", 9_950), (oco.above, oco.below))


def test_pending_legs_live_when_the_working_order_is_filled_whole() -> None:
    exchange = with_book()
    exchange.deposit("alice", "BTC", Decimal("-9"))
    entry = exchange.place_otoco("alice", otoco())
    working, above, below = exchange.orders_of_list(entry)
    assert entry.contingency == "OTO"
    assert [above.status, below.status] == [Status.PENDING_NEW] * 2
    trade(exchange, 9_950, "0.5")
    assert statuses(exchange, entry)["STOP_LOSS"] == "PENDING_NEW"
    assert locked(exchange, "alice", "BTC") == 0
    trade(exchange, 9_950, "0.5")
    assert statuses(exchange, entry) == {
        "LIMIT": "FILLED",
        "LIMIT_MAKER": "NEW",
        "STOP_LOSS": "NEW",
    }
    assert locked(exchange, "alice", "BTC") == 1
    trade(exchange, 9_500, "0.001")
    assert statuses(exchange, entry)["LIMIT_MAKER"] == "EXPIRED"
    assert statuses(exchange, entry)["STOP_LOSS"] == "FILLED"
    assert is_over(exchange, entry)
    assert working.id < above.id < below.id


def test_pending_legs_go_with_a_canceled_working_order() -> None:
    exchange = with_book()
    entry = exchange.place_otoco("alice", otoco())
    exchange.cancel("alice", SYMBOL, order_id=entry.order_ids[0])
    assert set(statuses(exchange, entry).values()) == {"CANCELED"}
    assert is_over(exchange, entry)
    assert locked(exchange, "alice", "USDT") == 0


def test_pending_legs_that_cannot_be_paid_for_expire() -> None:
    exchange = with_book()
    exchange.deposit("alice", "BTC", Decimal("-10"))
    entry = exchange.place_otoco("alice", otoco())
    trade(exchange, 9_900, "1")
    assert statuses(exchange, entry) == {
        "LIMIT": "FILLED",
        "LIMIT_MAKER": "EXPIRED",
        "STOP_LOSS": "EXPIRED",
    }
    assert is_over(exchange, entry)
    assert free(exchange, "alice", "BTC") == Decimal("0.999")


def test_an_oto_has_one_pending_order_which_may_trade_at_once() -> None:
    exchange = with_book()
    pending = limit(SELL, "0.5", 9_900)
    entry = exchange.place_otoco(
        "alice", OtocoRequest(SYMBOL, limit(BUY, "0.5", 10_100), (pending,))
    )
    assert [one.status for one in exchange.orders_of_list(entry)] == [Status.FILLED] * 2
    assert is_over(exchange, entry)


def test_the_book_of_the_legs_follows_the_market_to_the_end() -> None:
    exchange = with_book()
    entry = exchange.place_oco("alice", sell_oco("1", 10_050, 9_950))
    levels(exchange, bids=[(10_060, "0.3")])
    assert statuses(exchange, entry) == {"STOP_LOSS": "EXPIRED", "LIMIT_MAKER": "PARTIALLY_FILLED"}
    exchange.cancel_list("alice", SYMBOL, list_id=entry.id)
    assert statuses(exchange, entry)["LIMIT_MAKER"] == "CANCELED"
    assert locked(exchange, "alice", "BTC") == 0
