"""Each promise is watched: a broken one is named, a kept one is not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import orjson
import pytest

from autotrade.infrastructure.fault_simulation.invariants import Limits, Watcher
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeOrder,
    Execution,
    OrderChanged,
    OrderKind,
    Side,
    Status,
    TimeInForce,
)

PREFIX = "at-"


class Scene:
    """Says what the journal and the exchange say; reads what the watcher found."""

    def __init__(self) -> None:
        self.watch = Watcher(PREFIX, Limits(2, 3, protect_seconds=5.0, stale_seconds=30.0))
        self.watch.prices["ETHUSDT"] = D(2000)
        self.watch.minimum_notional["ETHUSDT"] = D(5)
        self.seq = self.number = 0

    @property
    def broken(self) -> list[str]:
        return [violation.invariant for violation in self.watch.violations]

    def row(self, kind: str, *, is_synced: bool = True, **data: Any) -> None:
        self.seq += 1
        line = {"seq": self.seq, "type": kind, "data": data}
        self.watch.on_journal(orjson.dumps(line) + b"\n")
        if is_synced:
            self.watch.on_journal_synced()

    def deal(self, deal: int, *, is_synced: bool = True) -> None:
        self.row("Decision", id=f"D{deal}", approved=True, checks=[])
        self.row("DealOpened", deal_id=deal, decision_id=f"D{deal}")
        self.row("PlaceOrder", order_id=f"at-{deal}-B1", amount="0.05", is_synced=is_synced)

    def buy(self, deal: int, quantity: str = "0.05") -> None:
        sent = {"newClientOrderId": f"at-{deal}-B1", "side": "BUY"}
        self.watch.on_order_request("order", sent | {"symbol": "ETHUSDT", "quantity": quantity})

    def order(self, client_id: str, side: Side, kind: OrderKind, **changes: Any) -> ExchangeOrder:
        self.number += 1
        order = ExchangeOrder(
            id=changes.pop("id", self.number),
            account="a",
            symbol="ETHUSDT",
            side=side,
            kind=kind,
            client_order_id=client_id,
            original_quantity=D("0.05"),
            original_quote_quantity=D(0),
            price=D(2000),
            stop_price=D(0),
            time_in_force=TimeInForce.GTC,
            created_ts=1,
            updated_ts=1,
        )
        return replace(order, **changes)

    def tell(self, order: ExchangeOrder, filled: str | None = None, trade: int = 0) -> None:
        execution = None
        if filled is not None:
            execution = Execution(
                trade_id=trade or 100 + self.number,
                order_id=order.id,
                order_list_id=-1,
                account="a",
                symbol=order.symbol,
                side=order.side,
                price=D(2000),
                quantity=D(filled),
                quote_quantity=D(filled) * 2000,
                commission=D(0),
                commission_asset="USDT",
                ts=1,
                is_maker=True,
            )
        self.watch.on_outputs([OrderChanged(order, "TRADE", execution, 1)])

    def bought(self, deal: int) -> None:
        order = self.order(f"at-{deal}-B1", Side.BUY, OrderKind.LIMIT)
        filled = replace(order, status=Status.FILLED, executed_quantity=D("0.05"))
        self.tell(filled, "0.05")

    def stop(self, deal: int, quantity: str = "0.05") -> ExchangeOrder:
        order = self.order(f"at-{deal}-S1", Side.SELL, OrderKind.STOP_LOSS, stop_price=D(1900))
        order = replace(order, original_quantity=D(quantity))
        self.tell(order)
        return order

    def seconds(self, count: int) -> None:
        for _ in range(count):
            self.watch.now += 1
            self.watch.second()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_deal_that_keeps_every_promise(scene: Scene) -> None:
    scene.deal(1)
    scene.buy(1)
    scene.bought(1)
    scene.stop(1)
    scene.seconds(60)
    assert scene.broken == []
    assert scene.watch.unprotected_s_max == 0


def test_sent_before_it_was_synced(scene: Scene) -> None:
    scene.deal(1, is_synced=False)
    scene.buy(1)
    assert scene.broken == ["intent_on_disk_first"]


def test_sent_with_another_amount_than_intended(scene: Scene) -> None:
    scene.deal(1)
    scene.buy(1, quantity="0.06")
    assert scene.broken == ["one_order_an_intent"]


def test_one_client_id_two_orders(scene: Scene) -> None:
    scene.deal(1)
    scene.tell(scene.order("at-1-B1", Side.BUY, OrderKind.LIMIT, status=Status.FILLED))
    scene.tell(scene.order("at-1-B1", Side.BUY, OrderKind.LIMIT))
    assert scene.broken == ["one_order_an_intent"]


def test_two_open_entries_of_one_deal(scene: Scene) -> None:
    scene.deal(1)
    scene.tell(scene.order("at-1-B1", Side.BUY, OrderKind.LIMIT))
    scene.tell(scene.order("at-1-B2", Side.BUY, OrderKind.LIMIT))
    assert scene.broken == ["one_order_an_intent"]


def test_a_buy_nobody_decided(scene: Scene) -> None:
    scene.row("DealOpened", deal_id=1, decision_id="D1")
    scene.row("PlaceOrder", order_id="at-1-B1", amount="0.05")
    scene.buy(1)
    assert scene.broken == ["order_has_decision"]


def test_a_refusal_without_a_word(scene: Scene) -> None:
    scene.row("Decision", id="D1", approved=False, checks=[{"passed": False, "text": ""}])
    scene.row("Decision", id="D2", approved=False, checks=[{"passed": False, "text": "too few"}])
    assert scene.broken == ["refusal_has_reason"]


def test_a_buy_while_paused_and_after_the_pause(scene: Scene) -> None:
    scene.deal(1)
    scene.watch.now = 10.0
    scene.row("OperatorRequested", action="pause", by="me")
    scene.buy(1)
    assert scene.broken == ["no_order_while_paused"]
    scene.row("OperatorRequested", action="resume", by="me")
    scene.buy(1)
    assert len(scene.broken) == 1


def test_a_buy_while_the_market_is_lost(scene: Scene) -> None:
    scene.deal(1)
    scene.watch.now, scene.watch.market_lost_since = 100.0, 80.0
    scene.buy(1)
    assert scene.broken == []
    scene.watch.now = 111.0
    scene.buy(1)
    assert scene.broken == ["no_order_while_stale"]


def test_a_buy_on_an_old_book(scene: Scene) -> None:
    scene.watch.book_lost_since = 0.0
    scene.deal(1)
    scene.watch.now = 30.0
    scene.buy(1)
    assert scene.broken == []
    scene.watch.now = 31.0
    scene.buy(1)
    assert scene.broken == ["no_order_while_stale"]


def test_one_deal_too_many(scene: Scene) -> None:
    for deal in (1, 2, 3):
        scene.deal(deal)
    scene.buy(1)
    scene.bought(1)
    scene.stop(1)
    scene.buy(2)
    scene.bought(2)
    scene.stop(2)
    assert scene.broken == []
    scene.buy(3)
    assert scene.broken == ["no_order_over_a_limit"]


def test_a_deal_given_up_for_lack_of_coins_is_none_too_many(scene: Scene) -> None:
    """Whether or not they come back; one that only lacked them for a while counts."""
    for deal in (1, 2):
        scene.deal(deal)
        scene.bought(deal)
    scene.stop(2)
    scene.watch.base_total = {"ETH": D("0.0499")}
    scene.seconds(1)
    scene.watch.base_total = {"ETH": D("0.1")}
    scene.deal(3)
    scene.buy(3)
    assert scene.broken == ["no_order_over_a_limit"]
    scene.row("DealClosed", deal_id=1)
    scene.buy(3)
    assert scene.broken == ["no_order_over_a_limit"], "two of the pair are allowed"
    scene.seconds(30)
    assert scene.broken == ["no_order_over_a_limit"], "nor must it be protected"


def test_a_closed_deal_that_holds_coins_is_one_too_many(scene: Scene) -> None:
    for deal in (1, 2):
        scene.deal(deal)
        scene.bought(deal)
        scene.row("DealClosed", deal_id=deal)
    scene.deal(3)
    scene.buy(3)
    assert scene.broken == ["no_order_over_a_limit"]


def test_coins_that_come_back_must_be_protected(scene: Scene) -> None:
    scene.deal(1)
    scene.bought(1)
    scene.watch.base_total = {"ETH": D(0)}
    scene.seconds(10)
    assert scene.broken == []
    scene.watch.base_total = {"ETH": D("0.05")}
    scene.seconds(7)
    assert scene.broken == ["protected_in_time"]


def test_stops_for_more_than_is_held(scene: Scene) -> None:
    scene.deal(1)
    scene.bought(1)
    scene.stop(1, quantity="0.06")
    assert scene.broken == ["sells_what_is_held"]


def test_sold_more_than_was_bought(scene: Scene) -> None:
    scene.deal(1)
    scene.bought(1)
    order = scene.order("at-1-X1", Side.SELL, OrderKind.MARKET, status=Status.FILLED)
    order = replace(order, original_quantity=D("0.06"), executed_quantity=D("0.06"))
    scene.tell(order, "0.06")
    assert scene.broken == ["sells_what_is_held"]


def test_a_position_without_a_stop_counts_only_in_calm(scene: Scene) -> None:
    scene.deal(1)
    scene.bought(1)
    scene.watch.calm_since = 20.0
    scene.seconds(24)
    assert scene.broken == []
    assert scene.watch.unprotected_s_max == 23
    scene.seconds(3)
    assert scene.broken == ["protected_in_time"]
    scene.stop(1)
    scene.seconds(30)
    assert scene.broken == ["protected_in_time"], "told once, and mended"


def test_dust_and_coins_that_are_gone_need_no_stop(scene: Scene) -> None:
    scene.deal(1)
    scene.bought(1)
    scene.watch.base_total = {"ETH": D("0.01")}
    scene.seconds(30)
    scene.watch.prices["ETHUSDT"] = D(100)
    scene.watch.base_total = None
    scene.seconds(30)
    assert scene.broken == []


def test_a_fill_of_two_orders(scene: Scene) -> None:
    fill = {"symbol": "ETH/USDT", "trade_id": "7", "price": "1", "amount": "1", "fee": "0"}
    scene.row("OrderFilled", order_id="at-1-B1", **fill)
    scene.row("OrderFilled", order_id="at-1-B1", **fill)
    assert scene.broken == []
    scene.row("OrderFilled", order_id="at-2-B1", **fill)
    assert scene.broken == ["fill_of_two_orders"]


def test_the_books(scene: Scene) -> None:
    scene.deal(1)
    scene.bought(1)
    trade = next(iter(scene.watch.executions))[1]
    difference = scene.watch.books_differ(set())
    assert difference is not None
    assert "not in the journal" in difference
    fill = {"order_id": "at-1-B1", "symbol": "ETH/USDT", "trade_id": str(trade), "fee": "0"}
    scene.row("OrderFilled", **fill, price="2000", amount="0.05")
    assert scene.watch.books_differ(set()) is None
    assert "open orders" in str(scene.watch.books_differ({"at-1-S1"}))
    scene.row("OrderFilled", **fill, price="2000", amount="0.04")
    assert "other numbers" in str(scene.watch.books_differ(set()))


def test_what_the_disk_lost_was_never_promised(scene: Scene) -> None:
    scene.deal(1)
    scene.watch.on_restart(b"")
    scene.buy(1)
    assert scene.broken == ["intent_on_disk_first", "order_has_decision"]


@pytest.mark.parametrize("is_told", [True, False])
def test_ready_is_who_knows_all_that_was_executed_before_the_start(
    scene: Scene, is_told: bool
) -> None:
    scene.deal(1)
    scene.bought(1)
    scene.watch.on_restart(b"")
    if is_told:
        trade = next(iter(scene.watch.executions))[1]
        fill = {"symbol": "ETH/USDT", "trade_id": str(trade), "fee": "0", "price": "2000"}
        scene.row("OrderFilled", order_id="at-1-B1", amount="0.05", **fill)
    scene.bought(2)  # executed since; nobody can have asked for it yet
    scene.row("SessionReady")
    assert scene.broken == ([] if is_told else ["ready_knows_all"])
