"""What to do. Imperative, frozen; each is written down before it leaves.

`deal_id` names the deal it serves; `order_id` is the client order id, a function of
(installation, deal, leg, attempt), so that the same intent can never become two orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from autotrade.domain.entities.order import OrderRole, OrderSide, OrderType


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    ts: int
    deal_id: int
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Command):
    order_id: str
    role: OrderRole
    side: OrderSide
    type: OrderType
    amount: Decimal
    price: Decimal | None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrderList(Command):
    """An OCO SELL: the target above (maker only), the protective stop below.

    `stop_limit_price` is None where the exchange offers a stop that sells at market.
    """

    list_id: str
    target_id: str
    stop_id: str
    amount: Decimal
    target_price: Decimal
    stop_price: Decimal
    stop_limit_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Command):
    order_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrderList(Command):
    list_id: str
    target_id: str
    stop_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOrder(Command):
    """Ask the exchange what became of an order, with its fills."""

    order_id: str
    exchange_id: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryBalances(Command):
    """Ask for the balances and the market's rules: what we believed of them was refused."""

    reason: str


Orders = PlaceOrder | PlaceOrderList | CancelOrder | CancelOrderList
"""Commands that change something on the exchange: on disk before they leave."""

AnyCommand = Orders | QueryOrder | QueryBalances
