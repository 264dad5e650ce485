"""The only place where orders, and their ids, come into being."""

from __future__ import annotations

import re
from decimal import Decimal

from autotrade.domain.commands import PlaceOrder, PlaceOrderList
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Order, OrderRole, OrderSide, OrderType

LEG_OF_ROLE = {
    OrderRole.ENTRY: "B",
    OrderRole.TARGET: "T",
    OrderRole.STOP: "S",
    OrderRole.EXIT: "X",
}
LIST_LEG = "L"

CLIENT_ID = re.compile(r"^[\.A-Z\:/a-z0-9_-]{1,36}$")
"""What Binance takes as a client order id."""


class OrderFactory:
    """Makes orders from the commands that place them. Ids are a function of
    (installation, deal, leg, attempt): the same intent has the same id for ever."""

    @staticmethod
    def client_order_id(installation_id: str, deal_id: int, leg: str, attempt: int) -> str:
        order_id = f"{installation_id}-{deal_id}-{leg}{attempt}"
        if not CLIENT_ID.match(order_id):
            raise ValueError(
                f"client order id: expected 1 to 36 of [.A-Z:/a-z0-9_-], was {order_id!r}"
            )
        return order_id

    @staticmethod
    def create_buy_order(command: PlaceOrder) -> Order:
        if command.side is not OrderSide.BUY:
            raise ValueError(f"order {command.order_id}: expected a BUY, was {command.side}")
        return OrderFactory._create(command)

    @staticmethod
    def create_sell_order(command: PlaceOrder) -> Order:
        if command.side is not OrderSide.SELL:
            raise ValueError(f"order {command.order_id}: expected a SELL, was {command.side}")
        return OrderFactory._create(command)

    @staticmethod
    def create_virtual_sell_order(
        deal: Deal, order_id: str, amount: Decimal, price: Decimal, ts: int
    ) -> Order:
        """The SELL that waits here, priced, until the BUY filled."""
        return Order(
            id=order_id,
            deal_id=deal.id,
            symbol=deal.symbol,
            role=OrderRole.TARGET,
            side=OrderSide.SELL,
            type=OrderType.LIMIT_MAKER,
            amount=amount,
            price=price,
            created_ts=ts,
            updated_ts=ts,
        )

    @staticmethod
    def create_stop_order(command: PlaceOrderList) -> Order:
        """The protective leg of an order list."""
        limit = command.stop_limit_price
        return Order(
            id=command.stop_id,
            deal_id=command.deal_id,
            symbol=command.symbol,
            role=OrderRole.STOP,
            side=OrderSide.SELL,
            type=OrderType.STOP_LOSS if limit is None else OrderType.STOP_LOSS_LIMIT,
            amount=command.amount,
            price=limit,
            stop_price=command.stop_price,
            list_id=command.list_id,
            created_ts=command.ts,
            updated_ts=command.ts,
        )

    @staticmethod
    def _create(command: PlaceOrder) -> Order:
        return Order(
            id=command.order_id,
            deal_id=command.deal_id,
            symbol=command.symbol,
            role=command.role,
            side=command.side,
            type=command.type,
            amount=command.amount,
            price=command.price,
            stop_price=command.stop_price,
            created_ts=command.ts,
            updated_ts=command.ts,
        )
