"""The checker itself: it finds nothing in a sound life, and each thing that must never happen."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.auditor import audit

Row = dict[str, Any]


@dataclass
class World:
    """One deal that bought and sold, as the journal tells it and as the exchange does."""

    rows: list[Row]
    orders: list[Row]
    trades: list[Row]
    balances: list[Row]

    def account(self) -> Row:
        return {"balances": self.balances}

    def all_orders(self, symbol: str) -> list[Row]:
        return [order for order in self.orders if order["symbol"] == symbol]

    def my_trades(self, symbol: str) -> list[Row]:
        return [trade for trade in self.trades if trade["symbol"] == symbol]


def row(kind: str, deal: int | None = None, **data: Any) -> Row:
    return {"seq": 0, "ts": 5_000, "type": kind, "deal": deal, "data": data}


def order(leg: str, number: int, side: str, price: str, status: str, filled: str) -> Row:
    return {
        "symbol": "BTCUSDT",
        "clientOrderId": f"at-1-{leg}",
        "orderId": number,
        "orderListId": -1 if side == "BUY" else 9,
        "side": side,
        "price": price,
        "origQty": "0.5",
        "executedQty": filled,
        "status": status,
        "time": number,
    }


def trade(number: int, order_id: int, price: str, *, is_buyer: bool) -> Row:
    return {
        "symbol": "BTCUSDT",
        "id": number,
        "time": 4_000,
        "orderId": order_id,
        "price": price,
        "qty": "0.5",
        "commission": "0",
        "commissionAsset": "USDT",
        "isBuyer": is_buyer,
    }


def fill(leg: str, order_id: str, number: str, side: str, price: str) -> Row:
    return row(
        "OrderFilled",
        1,
        order_id=f"at-1-{leg}",
        exchange_id=order_id,
        trade_id=number,
        symbol="BTC/USDT",
        side=side,
        price=price,
        amount="0.5",
        fee="0",
        fee_asset="USDT",
    )


def place(leg: str) -> Row:
    return row(
        "PlaceOrder",
        1,
        order_id=f"at-1-{leg}",
        symbol="BTC/USDT",
        side="BUY",
        type="LIMIT",
        amount="0.5",
        price="100",
    )


@pytest.fixture
def world() -> World:
    pair_of_orders = row(
        "PlaceOrderList",
        1,
        symbol="BTC/USDT",
        target_id="at-1-T1",
        stop_id="at-1-S1",
        amount="0.5",
        target_price="110",
        stop_price="90",
        stop_limit_price=None,
    )
    start = [{"asset": "USDT", "free": "1000", "locked": "0"}]
    return World(
        rows=[
            row("SessionStarted", start_balances=start),
            row("DealOpened", 1, deal_id=1),
            place("B1"),
            fill("B1", "11", "21", "BUY", "100"),
            pair_of_orders,
            fill("T1", "12", "22", "SELL", "110"),
            row("DealClosed", 1, deal_id=1),
        ],
        orders=[
            order("B1", 11, "BUY", "100", "FILLED", "0.5"),
            order("T1", 12, "SELL", "110", "FILLED", "0.5"),
            order("S1", 13, "SELL", "0", "EXPIRED", "0"),
        ],
        trades=[trade(21, 11, "100", is_buyer=True), trade(22, 12, "110", is_buyer=False)],
        balances=[{"asset": "USDT", "free": "1005", "locked": "0"}],
    )


def test_a_sound_life_has_no_faults(world: World) -> None:
    world.rows.append(deepcopy(world.rows[3]))
    found = audit(world.rows, world, [])
    assert found.faults == []
    assert (found.intents, found.orders, found.trades, found.fills_told_again) == (3, 3, 2, 1)
    assert found.ledger_difference == {"BTC": "0", "USDT": "0"}


def test_what_trades_after_the_end_is_no_fault(world: World) -> None:
    late = world.rows.pop(5)
    world.rows += [row("OperatorRequested"), row("SessionStopped")]
    assert late["data"]["trade_id"] == "22"
    del world.rows[5]
    world.trades[1]["time"] = 6_000
    found = audit(world.rows, world, [1])  # type: ignore[arg-type]
    assert (found.faults, found.trades, found.trades_after_the_end) == ([], 1, 1)
    world.trades[1]["time"] = 4_999
    assert audit(world.rows, world, [1]).faults != []  # type: ignore[arg-type]


def two_orders(world: World) -> None:
    world.orders.append({**world.orders[0], "orderId": 14, "status": "NEW"})


def unwritten_order(world: World) -> None:
    world.orders.append({**world.orders[0], "orderId": 14, "clientOrderId": "at-7-B1"})


def commanded_twice(world: World) -> None:
    world.rows.append(place("B1"))


def bought_twice(world: World) -> None:
    world.rows.insert(3, place("B2"))
    world.orders.append({**world.orders[0], "orderId": 14, "clientOrderId": "at-1-B2"})


def both_of_a_pair(world: World) -> None:
    world.orders[2]["executedQty"] = "0.1"


def other_amount(world: World) -> None:
    world.orders[0]["origQty"] = "0.6"


def lost_fill(world: World) -> None:
    del world.rows[3]


def invented_fill(world: World) -> None:
    world.rows.append(fill("T1", "12", "99", "SELL", "110"))


def other_price(world: World) -> None:
    world.rows[3]["data"]["price"] = "101"


def told_differently(world: World) -> None:
    world.rows.append(fill("B1", "11", "21", "BUY", "102"))


def forgotten_deal(world: World) -> None:
    del world.rows[-1]


def missing_money(world: World) -> None:
    world.balances[0]["free"] = "1004.99999999"


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (two_orders, "intent at-1-B1 has 2 orders"),
        (unwritten_order, "at-7-B1 is on the exchange and not in the journal"),
        (commanded_twice, "at-1-B1 was commanded twice"),
        (bought_twice, "leg B was filled 2 times"),
        (both_of_a_pair, "of one pair both traded"),
        (other_amount, "the exchange has BUY 0.6"),
        (lost_fill, "is not in the journal"),
        (invented_fill, "is no trade of the exchange"),
        (other_price, "price is 101, the exchange says 100"),
        (told_differently, "is told anew, with other price"),
        (forgotten_deal, "deal 1 is forgotten"),
        (missing_money, "USDT differs by 1E-8"),
    ],
)
def test_each_fault_is_found(world: World, break_it: Callable[[World], None], words: str) -> None:
    break_it(world)
    faults = audit(world.rows, world, []).faults  # type: ignore[arg-type]
    assert any(words in fault for fault in faults), faults
