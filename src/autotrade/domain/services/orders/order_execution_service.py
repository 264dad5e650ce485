"""OrderExecutionService: turns what is wanted into commands, with their ids, and asks after orders
whose truth is in doubt. It returns commands; the loop writes them down and sends them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from autotrade.domain.commands import (
    CancelOrder,
    CancelOrderList,
    Command,
    PlaceOrder,
    PlaceOrderList,
    QueryOrder,
    TimeInForce,
)
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Order, OrderRole, OrderSide, OrderType
from autotrade.domain.entities.order_state import OrderStatus
from autotrade.domain.factories.order_factory import LEG_OF_ROLE, LIST_LEG, OrderFactory
from autotrade.domain.services.deals.deal_service import DealService

ASK_AGAIN_MS = 1_000
ASK_AGAIN_MS_MAX = 60_000
"""Questions about one order come at doubling intervals between these."""

ANSWER_MS_MAX = 15_000
"""A sent order without any answer for so long is asked after, even if nobody said it is lost."""


class OrderExecutionService:
    def __init__(self, deals: DealService) -> None:
        self._deals = deals

    # --- ids ----------------------------------------------------------------------------------

    @staticmethod
    def next_id(installation_id: str, deal: Deal, leg: str) -> str:
        attempt = deal.attempts.get(leg, 0) + 1
        return OrderFactory.client_order_id(installation_id, deal.id, leg, attempt)

    def target_id(self, installation_id: str, deal: Deal) -> str:
        """The virtual SELL's own id while it was never sent, else a new one."""
        target = self._deals.target(deal)
        if target is not None and target.status is OrderStatus.PENDING:
            return target.id
        return self.next_id(installation_id, deal, LEG_OF_ROLE[OrderRole.TARGET])

    # --- placing ------------------------------------------------------------------------------

    def place_entry(
        self, installation_id: str, deal: Deal, *, amount: Decimal, price: Decimal, ts: int
    ) -> PlaceOrder:
        return PlaceOrder(
            ts=ts,
            deal_id=deal.id,
            symbol=deal.symbol,
            order_id=self.next_id(installation_id, deal, LEG_OF_ROLE[OrderRole.ENTRY]),
            role=OrderRole.ENTRY,
            side=OrderSide.BUY,
            type=OrderType.LIMIT,
            amount=amount,
            price=price,
            time_in_force=TimeInForce.GTC,
        )

    def place_exit_list(
        self,
        installation_id: str,
        deal: Deal,
        *,
        amount: Decimal,
        stop_price: Decimal,
        stop_limit_price: Decimal | None,
        ts: int,
    ) -> PlaceOrderList:
        return PlaceOrderList(
            ts=ts,
            deal_id=deal.id,
            symbol=deal.symbol,
            list_id=self.next_id(installation_id, deal, LIST_LEG),
            target_id=self.target_id(installation_id, deal),
            stop_id=self.next_id(installation_id, deal, LEG_OF_ROLE[OrderRole.STOP]),
            amount=amount,
            target_price=deal.target_price,
            stop_price=stop_price,
            stop_limit_price=stop_limit_price,
        )

    def place_target_alone(
        self, installation_id: str, deal: Deal, *, amount: Decimal, ts: int
    ) -> PlaceOrder:
        """The market stands at the target already: a plain limit takes what it offers."""
        return PlaceOrder(
            ts=ts,
            deal_id=deal.id,
            symbol=deal.symbol,
            order_id=self.target_id(installation_id, deal),
            role=OrderRole.TARGET,
            side=OrderSide.SELL,
            type=OrderType.LIMIT,
            amount=amount,
            price=deal.target_price,
            time_in_force=TimeInForce.GTC,
        )

    def place_exit(
        self,
        installation_id: str,
        deal: Deal,
        *,
        amount: Decimal,
        limit: Decimal | None,
        ts: int,
    ) -> PlaceOrder:
        """Sell now: at market, or as an IOC limit through the book when `limit` is given."""
        return PlaceOrder(
            ts=ts,
            deal_id=deal.id,
            symbol=deal.symbol,
            order_id=self.next_id(installation_id, deal, LEG_OF_ROLE[OrderRole.EXIT]),
            role=OrderRole.EXIT,
            side=OrderSide.SELL,
            type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            amount=amount,
            price=limit,
            time_in_force=None if limit is None else TimeInForce.IOC,
        )

    # --- canceling ----------------------------------------------------------------------------

    @staticmethod
    def cancel(order: Order, reason: str, ts: int) -> Command | None:
        """One cancel at a time; nothing while an earlier one has no answer yet."""
        if not order.is_working or order.cancel_requested_ts is not None:
            return None
        return CancelOrder(
            ts=ts, deal_id=order.deal_id, symbol=order.symbol, order_id=order.id, reason=reason
        )

    def cancel_exits(self, deal: Deal, reason: str, ts: int) -> list[Command]:
        """Take target and stop off the exchange: a list as a list, a lone order as an order. The
        SELL that gets out is what they make room for and stays."""
        target, stop = self._deals.target(deal), self._deals.stop(deal)
        if (
            target is not None
            and stop is not None
            and stop.list_id is not None
            and stop.list_id == target.list_id
            and (target.is_working or stop.is_working)
        ):
            if target.cancel_requested_ts is not None or stop.cancel_requested_ts is not None:
                return []
            return [
                CancelOrderList(
                    ts=ts,
                    deal_id=deal.id,
                    symbol=deal.symbol,
                    list_id=stop.list_id,
                    target_id=target.id,
                    stop_id=stop.id,
                    reason=reason,
                )
            ]
        exits = self._deals.open_exits(deal)
        return self.cancel_all(
            [order for order in exits if order.role is not OrderRole.EXIT], reason, ts
        )

    def cancel_all(self, orders: Sequence[Order], reason: str, ts: int) -> list[Command]:
        commands = [self.cancel(order, reason, ts) for order in orders]
        return [command for command in commands if command is not None]

    # --- asking -------------------------------------------------------------------------------

    def questions(self, deal: Deal, ts: int) -> list[QueryOrder]:
        """Ask after every order of the deal that is in doubt or has waited too long."""
        return [
            QueryOrder(
                ts=ts,
                deal_id=deal.id,
                symbol=deal.symbol,
                order_id=order.id,
                exchange_id=order.exchange_id,
                reason=self._doubt(order),
            )
            for order in self._deals.orders(deal)
            if self._is_due(order, ts)
        ]

    @staticmethod
    def _is_due(order: Order, ts: int) -> bool:
        if not order.is_in_doubt and not _is_silent(order, ts):
            return False
        if order.asked_ts is None:
            return True
        pause_ms: int = min(ASK_AGAIN_MS << min(order.ask_count, 10), ASK_AGAIN_MS_MAX)
        return ts - order.asked_ts >= pause_ms

    @staticmethod
    def _doubt(order: Order) -> str:
        if not order.is_settled:
            return f"fills missing: {order.filled} of {order.reported_filled} known"
        if order.cancel_requested_ts is not None:
            return "cancel without an answer"
        return "outcome unknown" if order.must_ask else "no answer yet"


def _is_silent(order: Order, ts: int) -> bool:
    """The exchange has not answered for too long, to the order itself or to its cancel."""
    if not order.is_open():
        return False
    waits_for = order.cancel_requested_ts if order.is_working else order.sent_ts
    return waits_for is not None and ts - waits_for > ANSWER_MS_MAX
