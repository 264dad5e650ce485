"""An open order and an open list as the core works with them: integers, funds, place in the book.

What clients see is `ExchangeOrder` and `OrderList`; they get copies, frozen at that moment.
"""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING

from autotrade.infrastructure.simulated_exchange.core.accounts import Account, Lock
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeOrder,
    OrderKind,
    OrderList,
    Side,
)

if TYPE_CHECKING:
    from autotrade.infrastructure.simulated_exchange.core.matching import SymbolEngine

STOP_KINDS = frozenset((OrderKind.STOP_LOSS, OrderKind.STOP_LOSS_LIMIT))
TAKE_PROFIT_KINDS = frozenset((OrderKind.TAKE_PROFIT, OrderKind.TAKE_PROFIT_LIMIT))
CONDITIONAL_KINDS = STOP_KINDS | TAKE_PROFIT_KINDS
MARKET_KINDS = frozenset((OrderKind.MARKET, OrderKind.STOP_LOSS, OrderKind.TAKE_PROFIT))
"""Kinds that take what is there at any price once they work."""


def fires_when_falling(side: Side, kind: OrderKind) -> bool:
    """A stop that waits for the last price to come down to it; the others wait for a rise."""
    return (kind in STOP_KINDS) == (side is Side.SELL)


class LiveOrder:
    """An open order."""

    __slots__ = (
        "account",
        "engine",
        "extreme",
        "group",
        "is_buy",
        "is_resting",
        "is_tracking",
        "is_waiting",
        "lock",
        "lots",
        "record",
        "stop_ticks",
        "ticks",
    )

    def __init__(
        self,
        record: ExchangeOrder,
        account: Account,
        engine: SymbolEngine,
        *,
        ticks: int,
        stop_ticks: int,
        lots: int,
    ) -> None:
        self.record, self.account, self.engine = record, account, engine
        self.is_buy = record.side is Side.BUY
        self.ticks, self.stop_ticks, self.lots = ticks, stop_ticks, lots
        """price and stop price in ticks (0: none), what is still to be filled in lots"""
        self.lock: Lock | None = None
        self.group: LiveList | None = None
        self.is_resting = False
        """in the book"""
        self.is_waiting = False
        """for its trigger"""
        self.is_tracking = False
        """a trailing stop whose extreme is being followed"""
        self.extreme = 0

    @property
    def key(self) -> int:
        """Its place on its side of the book."""
        return self.ticks if self.is_buy else -self.ticks

    @property
    def is_algo(self) -> bool:
        return self.record.kind in CONDITIONAL_KINDS

    def needed_funds(self) -> tuple[str, Decimal]:
        """(asset, amount) that must be locked for what is left of it; a market order that waits
        for its trigger is reckoned at its stop price."""
        market = self.engine.market
        if not self.is_buy:
            return market.base, self.engine.lot * self.lots
        ticks = self.ticks or self.stop_ticks or self.extreme
        return market.quote, self.engine.unit * (ticks * self.lots)


class LiveList:
    """An order list: an OCO of two legs, or a working order with one or two pending ones."""

    __slots__ = (
        "account",
        "client_ids",
        "is_canceling",
        "legs",
        "pending",
        "record",
        "working",
    )

    def __init__(self, record: OrderList, account: Account) -> None:
        self.record, self.account = record, account
        self.client_ids: tuple[str, ...] = ()
        self.working: LiveOrder | None = None
        """the order that must be filled before the pending ones live; None in an OCO"""
        self.legs: list[LiveOrder] = []
        """live legs: when one of them trades the others expire"""
        self.pending: list[LiveOrder] = []
        """legs that wait for the working order"""
        self.is_canceling = False

    @property
    def is_open(self) -> bool:
        return self.record.order_status == "EXECUTING"

    @property
    def members(self) -> list[LiveOrder]:
        working = [] if self.working is None else [self.working]
        return [*working, *self.legs, *self.pending]

    def frozen(self) -> OrderList:
        return OrderList(*_list_values(self.record))


_order_values = attrgetter(*(item.name for item in fields(ExchangeOrder)))
_list_values = attrgetter(*(item.name for item in fields(OrderList)))


def copy_of(order: ExchangeOrder) -> ExchangeOrder:
    """As it is now; later fills do not show in it."""
    frozen = ExchangeOrder(*_order_values(order))
    frozen.executions = list(order.executions)
    return frozen
