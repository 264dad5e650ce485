"""The book: the market's liquidity, our place in the queue, the tape rule."""

from __future__ import annotations

from decimal import Decimal

import pytest

from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    MarketStatus,
    Side,
    Status,
)
from tests.unit.simulated_exchange.core.builders import (
    SYMBOL,
    book_changes,
    levels,
    limit,
    new_exchange,
    now_of,
    reports,
    tape,
    trade,
    with_book,
)

BUY, SELL = Side.BUY, Side.SELL


def filled(exchange, order) -> str:
    return str(now_of(exchange, order).executed_quantity.normalize())


def test_depth_and_best_show_market_and_own_orders_together() -> None:
    exchange = with_book()
    exchange.place("alice", limit(BUY, "0.5", 9_900))
    exchange.place("alice", limit(BUY, "0.25", 9_850))
    _, bids, asks = exchange.depth(SYMBOL, 3)
    assert bids == [(Decimal(9900), Decimal("1.5")), (Decimal(9850), Decimal("0.25")),
                    (Decimal(9800), Decimal(2))]  # fmt: skip
    assert asks == [(Decimal(10100), Decimal(1)), (Decimal(10200), Decimal(2))]
    assert exchange.best(SYMBOL) == (bids[0], asks[0])
    assert exchange.depth(SYMBOL, 1)[1] == bids[:1]


def test_a_tape_trade_works_off_the_queue_before_it_fills_us() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "0.5", 9_900))
    trade(exchange, 9_900, "0.7")
    assert filled(exchange, order) == "0"
    assert exchange.best(SYMBOL)[0] == (Decimal(9900), Decimal("0.8"))
    trade(exchange, 9_900, "0.7")
    assert filled(exchange, order) == "0.4"
    trade(exchange, 9_900, "5")
    assert now_of(exchange, order).status is Status.FILLED


def test_the_tape_is_printed_whole_and_our_fill_comes_on_top() -> None:
    exchange = with_book()
    exchange.place("alice", limit(BUY, "0.5", 9_950))
    exchange.drain()
    trade(exchange, 9_900, "0.3")
    assert tape(exchange.drain()) == [
        ("9950.00", "0.30000", True),
        ("9900.00", "0.30000", False),
    ]


def test_without_own_orders_a_trade_consumes_nothing_of_the_markets_liquidity() -> None:
    exchange = with_book()
    trade(exchange, 9_900, "0.7")
    assert exchange.best(SYMBOL)[0] == (Decimal(9900), Decimal(1))
    assert book_changes(exchange.drain()) == []


def test_a_trade_through_our_price_fills_us_although_the_market_stood_before_us() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "0.5", 9_900))
    trade(exchange, 9_800, "0.2")
    assert filled(exchange, order) == "0.2"


def test_a_buyer_meets_our_asks_and_never_our_bids() -> None:
    exchange = with_book()
    bid = exchange.place("alice", limit(BUY, "0.5", 9_950))
    ask = exchange.place("alice", limit(SELL, "0.5", 10_050))
    trade(exchange, 10_100, "0.2", BUY)
    assert (filled(exchange, bid), filled(exchange, ask)) == ("0", "0.2")
    trade(exchange, 10_000, "9", BUY)
    assert filled(exchange, ask) == "0.2"


def test_growth_of_the_market_joins_behind_us_and_its_cancels_leave_from_behind() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "0.5", 9_900))
    levels(exchange, bids=[(9_900, "3")])
    levels(exchange, bids=[(9_900, "1.2")])
    trade(exchange, 9_900, "1")
    assert filled(exchange, order) == "0"
    trade(exchange, 9_900, "0.5")
    assert filled(exchange, order) == "0.5"
    assert exchange.best(SYMBOL)[0] == (Decimal(9900), Decimal("0.2"))


def test_growth_joins_those_behind_us_when_some_are_there_already() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "0.5", 9_900))
    levels(exchange, bids=[(9_900, "2")])
    levels(exchange, bids=[(9_900, "4")])
    trade(exchange, 9_900, "1.5")
    assert now_of(exchange, order).status is Status.FILLED


def test_a_cancel_deeper_than_what_is_behind_us_takes_from_before_us() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "0.5", 9_900))
    levels(exchange, bids=[(9_900, "1.5")])
    levels(exchange, bids=[(9_900, "0.4")])
    trade(exchange, 9_900, "0.6")
    assert filled(exchange, order) == "0.2"


def test_first_come_first_served_among_accounts_at_one_price() -> None:
    exchange = with_book()
    first = exchange.place("alice", limit(BUY, "0.5", 9_950))
    second = exchange.place("bob", limit(BUY, "0.5", 9_950))
    trade(exchange, 9_950, "0.6")
    assert (filled(exchange, first), filled(exchange, second)) == ("0.5", "0.1")


def test_the_markets_crossing_ask_trades_against_us_at_our_price() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "0.5", 9_950))
    exchange.drain()
    levels(exchange, asks=[(9_940, "0.2")])
    outputs = exchange.drain()
    assert tape(outputs) == [("9950.00", "0.20000", True)]
    assert now_of(exchange, order).executions[0].is_maker
    assert exchange.best(SYMBOL)[1] == (Decimal(10_100), Decimal(1))


def test_the_same_crossing_liquidity_is_not_traded_twice_only_its_growth() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "2", 9_950))
    levels(exchange, asks=[(9_940, "0.2")])
    levels(exchange, asks=[(9_940, "0.15")])
    assert filled(exchange, order) == "0.2"
    levels(exchange, asks=[(9_940, "0.25")])
    assert filled(exchange, order) == "0.3"
    exchange.cancel("alice", SYMBOL, order_id=order.id)
    levels(exchange, asks=[(9_940, "0.4")])
    assert exchange.best(SYMBOL)[1] == (Decimal(9_940), Decimal("0.4"))


def test_what_a_crossing_level_has_left_rests() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(SELL, "0.5", 10_050))
    levels(exchange, bids=[(10_060, "0.8")])
    assert now_of(exchange, order).status is Status.FILLED
    assert exchange.best(SYMBOL)[0] == (Decimal(10_060), Decimal("0.3"))


@pytest.mark.parametrize("fresh", ["bids", "asks"])
def test_the_market_never_stays_crossed_and_the_newer_side_wins(fresh: str) -> None:
    exchange = with_book()
    if fresh == "bids":
        levels(exchange, bids=[(10_150, "1")])
        assert exchange.best(SYMBOL) == ((Decimal(10_150), 1), (Decimal(10_200), 2))
    else:
        levels(exchange, asks=[(9_850, "1")])
        assert exchange.best(SYMBOL) == ((Decimal(9_800), 2), (Decimal(9_850), 1))


def test_a_moving_market_in_one_batch_drops_nothing_that_is_fresh() -> None:
    exchange = with_book()
    levels(exchange, bids=[(10_100, "3")], asks=[(10_100, "0"), (10_110, "4")])
    assert exchange.best(SYMBOL) == ((Decimal(10_100), 3), (Decimal(10_110), 4))


def test_a_snapshot_removes_what_it_does_not_name_but_not_our_orders() -> None:
    exchange = with_book()
    exchange.place("alice", limit(BUY, "0.5", 9_900))
    levels(exchange, bids=[(9_700, "1")], asks=[(10_300, "1")], is_snapshot=True)
    _, bids, asks = exchange.depth(SYMBOL, 10)
    assert [price for price, _ in bids] == [Decimal(9900), Decimal(9700)]
    assert bids[0][1] == Decimal("0.5")
    assert [price for price, _ in asks] == [Decimal(10300)]


def test_update_ids_have_no_gap_and_keep_the_recorded_ones_until_we_change_the_book() -> None:
    exchange = new_exchange()
    levels(exchange, bids=[(9_900, "1")], asks=[(10_100, "1")], update_ids=(500, 510))
    levels(exchange, bids=[(9_900, "2")], update_ids=(511, 515))
    levels(exchange, update_ids=(516, 520))
    exchange.place("alice", limit(BUY, "0.5", 9_900))
    levels(exchange, bids=[(9_900, "3")], update_ids=(521, 522))
    levels(exchange, bids=[(9_900, "4")])
    ids = [(one.first_update_id, one.last_update_id) for one in book_changes(exchange.drain())]
    assert ids == [(500, 510), (511, 515), (516, 520), (521, 521), (522, 523), (524, 524)]
    assert exchange.depth(SYMBOL, 5)[0] == 524


def test_recorded_trade_ids_are_kept_until_an_own_trade_moves_them_up() -> None:
    exchange = with_book()
    trade(exchange, 10_000, "0.1", trade_id=70)
    trade(exchange, 10_000, "0.1", trade_id=71)
    exchange.place("alice", limit(BUY, "0.5", 10_100))
    trade(exchange, 10_000, "0.1", trade_id=72)
    trade(exchange, 10_000, "0.1", trade_id=73)
    trade(exchange, 10_000, "0.1", trade_id=80)
    exchange.place("alice", limit(BUY, "0.1", 10_100))
    trade(exchange, 10_000, "0.1", trade_id=90)
    ids = [one.id for one in exchange.trades(SYMBOL, limit=8)]
    assert ids == [70, 71, 72, 73, 74, 81, 82, 92]


def test_a_halted_market_refuses_orders_prints_nothing_and_catches_up_afterwards() -> None:
    exchange = with_book()
    order = exchange.place("alice", limit(BUY, "0.5", 9_950))
    exchange.drain()
    exchange.set_market_status(SYMBOL, MarketStatus.HALT)
    with pytest.raises(ExchangeError, match="Market is closed") as refusal:
        exchange.place("alice", limit(BUY, "0.5", 9_950))
    assert refusal.value.code == -1013
    trade(exchange, 9_900, "1")
    levels(exchange, asks=[(9_940, "0.2")])
    assert tape(exchange.drain()) == []
    exchange.set_market_status(SYMBOL, MarketStatus.TRADING)
    assert reports(exchange.drain()) == [(order.id, "TRADE", "PARTIALLY_FILLED")]
