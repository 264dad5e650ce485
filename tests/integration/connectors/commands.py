"""Commands as the domain would give them, with the values that a test cares about."""

from __future__ import annotations

from decimal import Decimal

from autotrade.domain.commands import (
    CancelOrder,
    CancelOrderList,
    PlaceOrder,
    PlaceOrderList,
    QueryOrder,
    TimeInForce,
)
from autotrade.domain.entities.order import OrderRole, OrderSide, OrderType

BTC = "BTC/USDT"


def buy(
    order_id: str,
    price: str | None = "59000",
    amount: str = "0.01",
    *,
    kind: OrderType = OrderType.LIMIT,
    time_in_force: TimeInForce | None = None,
) -> PlaceOrder:
    return PlaceOrder(
        ts=0,
        deal_id=1,
        symbol=BTC,
        order_id=order_id,
        role=OrderRole.ENTRY,
        side=OrderSide.BUY,
        type=kind,
        amount=Decimal(amount),
        price=None if price is None else Decimal(price),
        time_in_force=time_in_force,
    )


def oco(
    name: str, target: str = "61000", stop: str = "58000", stop_limit: str | None = None
) -> PlaceOrderList:
    return PlaceOrderList(
        ts=0,
        deal_id=1,
        symbol=BTC,
        list_id=f"{name}-list",
        target_id=f"{name}-target",
        stop_id=f"{name}-stop",
        amount=Decimal("0.01"),
        target_price=Decimal(target),
        stop_price=Decimal(stop),
        stop_limit_price=None if stop_limit is None else Decimal(stop_limit),
    )


def cancel(order_id: str) -> CancelOrder:
    return CancelOrder(ts=0, deal_id=1, symbol=BTC, order_id=order_id, reason="test")


def cancel_oco(name: str) -> CancelOrderList:
    return CancelOrderList(
        ts=0,
        deal_id=1,
        symbol=BTC,
        list_id=f"{name}-list",
        target_id=f"{name}-target",
        stop_id=f"{name}-stop",
        reason="test",
    )


def query(order_id: str) -> QueryOrder:
    return QueryOrder(
        ts=0, deal_id=1, symbol=BTC, order_id=order_id, exchange_id=None, reason="test"
    )
