"""OrderService: facts about orders change orders and their deals. Nothing else does."""

from __future__ import annotations

from decimal import Decimal

from autotrade.domain.commands import CancelOrder, CancelOrderList, PlaceOrder, PlaceOrderList
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import (
    Fill,
    Order,
    OrderRole,
    OrderSide,
    OrderType,
)
from autotrade.domain.entities.order_state import OrderStatus, OrderTrigger
from autotrade.domain.events import (
    NEVER_LOOKED_AT,
    CancelOutcomeUnknown,
    CancelRejected,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReported,
)
from autotrade.domain.factories.order_factory import LEG_OF_ROLE, LIST_LEG, OrderFactory
from autotrade.domain.repositories import InMemoryDeals, InMemoryOrders

OrderEvent = (
    OrderAccepted
    | OrderRejected
    | OrderOutcomeUnknown
    | OrderFilled
    | OrderCanceled
    | OrderReported
    | OrderNotFound
    | CancelRejected
    | CancelOutcomeUnknown
)

REFUSED_KEPT_MS = 600_000
"""How long an exchange may contradict its own refusal; see `OrderService.forget_refused`."""
EXCHANGE_REJECTED = frozenset({"REJECTED"})


class OrderService:
    """Books what happened to orders. Reports may come twice, late and out of order: booking the
    same fact again changes nothing."""

    def __init__(self, deals: InMemoryDeals, orders: InMemoryOrders) -> None:
        self._deals = deals
        self._orders = orders
        self.request_window_ms = 0
        self.session_started_ts = 0

    # --- our own commands ---------------------------------------------------------------------

    def placed(self, command: PlaceOrder) -> None:
        deal = self._deals.get(command.deal_id)
        pending = self._orders.find(command.order_id)
        if pending is None:
            create = (
                OrderFactory.create_buy_order
                if command.side is OrderSide.BUY
                else OrderFactory.create_sell_order
            )
            order = create(command)
            self._orders.add(order)
            deal.open(order)
            self._count(deal, LEG_OF_ROLE[order.role])
        else:
            order = pending
            order.type, order.amount, order.price = command.type, command.amount, command.price
        order.place(command.ts)
        self.forget_refused(deal, command.ts)
        if order.role is OrderRole.ENTRY:
            deal.recreations = deal.attempts[LEG_OF_ROLE[OrderRole.ENTRY]] - 1
            deal.entry_sent_ts = command.ts

    def list_placed(self, command: PlaceOrderList) -> None:
        deal = self._deals.get(command.deal_id)
        self._count(deal, LIST_LEG)
        target = self._orders.find(command.target_id)
        if target is None:
            target = OrderFactory.create_virtual_sell_order(
                deal, command.target_id, command.amount, command.target_price, command.ts
            )
            self._orders.add(target)
            deal.open(target)
            self._count(deal, LEG_OF_ROLE[OrderRole.TARGET])
        target.amount, target.price = command.amount, command.target_price
        target.list_id = command.list_id
        stop = OrderFactory.create_stop_order(command)
        self._orders.add(stop)
        deal.open(stop)
        self._count(deal, LEG_OF_ROLE[OrderRole.STOP])
        target.place(command.ts)
        stop.place(command.ts)
        self.forget_refused(deal, command.ts)

    def sell_planned(
        self, deal: Deal, order_id: str, amount: Decimal, price: Decimal, ts: int
    ) -> None:
        """The virtual SELL comes into being, or moves."""
        order = self._orders.find(order_id)
        if order is None:
            order = OrderFactory.create_virtual_sell_order(deal, order_id, amount, price, ts)
            self._orders.add(order)
            deal.open(order)
            self._count(deal, LEG_OF_ROLE[OrderRole.TARGET])
        order.amount, order.price, order.updated_ts = amount, price, ts

    def cancel_sent(self, command: CancelOrder | CancelOrderList) -> None:
        ids = (
            (command.order_id,)
            if isinstance(command, CancelOrder)
            else (command.target_id, command.stop_id)
        )
        for order_id in ids:
            order = self._orders.get(order_id)
            if not order.is_closed():
                order.cancel(command.ts, command.reason)

    def asked(self, order_id: str, ts: int) -> None:
        order = self._orders.get(order_id)
        order.asked_ts = ts
        order.ask_count += 1

    def forget_refused(self, deal: Deal, ts: int) -> None:
        """Let go of tries that were refused and replaced so long ago that no request of theirs can
        still be on its way, and that several comparisons had their word. In an outage of hours they
        would be thousands, looked through at every price; the journal remembers them."""
        leads, before = deal.leads, ts - max(REFUSED_KEPT_MS, self.request_window_ms)
        kept: list[str] = []
        refused: list[str] = []
        for order_id in deal.order_ids:
            is_over = order_id not in leads and self._orders.get(order_id).was_refused(before)
            (refused if is_over else kept).append(order_id)
        if refused:
            self._orders.forget(refused)
            deal.order_ids = kept

    @staticmethod
    def _count(deal: Deal, leg: str) -> None:
        deal.attempts[leg] = deal.attempts.get(leg, 0) + 1

    # --- what the exchange says ---------------------------------------------------------------

    def apply(self, event: OrderEvent) -> Order | None:
        """Book the event; returns its order, or None when the order is not ours."""
        order = self._orders.find(event.order_id)
        if order is None:
            return None
        was_failed = order.status is OrderStatus.FAILED
        self._book(order, event)
        if was_failed:
            self._revive(order)
        if order.is_working and order.side is OrderSide.SELL and order.type is not OrderType.MARKET:
            self._deals.get(order.deal_id).exit_rests()
        return order

    def _book(self, order: Order, event: OrderEvent) -> None:
        match event:
            case OrderAccepted():
                self._known(order, event.exchange_id)
                order.move(OrderTrigger.ACCEPT, event.ts)
            case OrderRejected():
                order.close_reason = event.message
                order.reject_reason = event.reason.value
                order.move(OrderTrigger.REJECT, event.ts)
                self._count_failure(order)
            case OrderOutcomeUnknown():
                order.must_ask = order.is_open()
                order.move(OrderTrigger.TIME_OUT, event.ts)
            case OrderCanceled():
                self._known(order, event.exchange_id)
                self._ended(order, event.filled_total, event.reason, event.ts)
            case OrderReported():
                self._reported(order, event)
            case OrderNotFound():
                self._not_found(order, event.ts)
            case CancelRejected() | CancelOutcomeUnknown():
                order.cancel_requested_ts = None
                order.must_ask = order.is_open()
            case OrderFilled():
                raise AssertionError("fills are booked by `fill`, with their value in quote")

    def _revive(self, order: Order) -> None:
        """An order that was believed refused or unknown rests after all: it plays its role again,
        unless another one does by now."""
        deal = self._deals.get(order.deal_id)
        rival = any(
            other.is_open() and other.role is order.role
            for other in map(self._orders.get, filter(None, deal.leads))
        )
        if order.is_open() and not rival:
            deal.lead(order)

    def fill(self, event: OrderFilled, fee_quote: Decimal) -> bool:
        """Book a fill once; False when it is known or not ours. `fee_quote` values its fee."""
        order = self._orders.find(event.order_id)
        if order is None:
            return False
        self._known(order, event.exchange_id)
        fill = Fill(
            trade_id=event.trade_id,
            price=event.price,
            amount=event.amount,
            fee=event.fee,
            fee_asset=event.fee_asset,
            ts=event.ts,
        )
        was_failed = order.status is OrderStatus.FAILED
        if not order.add_fill(fill):
            return False
        if was_failed:
            self._revive(order)
        deal = self._deals.get(order.deal_id)
        deal.book_fill(order.side, fill, fee_quote)
        if order.side is OrderSide.BUY and deal.first_fill_ts is None:
            deal.first_fill_ts = event.ts
        if order.side is OrderSide.SELL:
            deal.failures = deal.failures_answered = 0
        return True

    @staticmethod
    def _known(order: Order, exchange_id: str) -> None:
        order.exchange_id = exchange_id or order.exchange_id

    def _ended(self, order: Order, filled_total: Decimal, reason: str, ts: int) -> None:
        order.reported_filled = max(order.reported_filled, filled_total)
        order.must_ask = False
        if order.close_reason is None:
            order.close_reason = order.cancel_reason or reason
        if order.reported_filled < order.amount:
            if order.is_open() and order.type is OrderType.MARKET:
                self._count_failure(order)  # nobody was there to buy: pause before the next try
            order.move(OrderTrigger.CANCEL, ts)

    def _reported(self, order: Order, event: OrderReported) -> None:
        self._known(order, event.exchange_id)
        order.reported_filled = max(order.reported_filled, event.filled_total)
        order.must_ask = False
        if event.is_open:
            order.move(OrderTrigger.ACCEPT, event.ts)
            if self._is_cancel_lost(order, event.ts):
                order.cancel_requested_ts = None  # whoever wanted it will want it again
        elif event.reason in EXCHANGE_REJECTED and order.is_open() and not order.is_working:
            order.close_reason = order.close_reason or event.reason.lower()
            order.move(OrderTrigger.REJECT, event.ts)
        else:
            self._ended(order, event.filled_total, event.reason.lower(), event.ts)

    def _is_cancel_lost(self, order: Order, ts: int) -> bool:
        """An order that still rests, asked when our cancel can no longer be on its way: the cancel
        never arrived. One that an earlier process wrote down may never have left."""
        requested_ts = order.cancel_requested_ts
        if requested_ts is None:
            return False
        is_of_this_process = requested_ts >= self.session_started_ts
        return not is_of_this_process or ts > requested_ts + self.request_window_ms

    def _not_found(self, order: Order, ts: int) -> None:
        """Believed only when no request of ours can still be on its way to the exchange."""
        if order.sent_ts is None or ts <= order.sent_ts + self.request_window_ms:
            return
        order.must_ask = False
        order.close_reason = order.close_reason or "the exchange does not know the order"
        order.move(OrderTrigger.NOT_FOUND, ts)

    def _count_failure(self, order: Order) -> None:
        """A refused list has two legs and is one failure; its stop speaks for it."""
        if order.side is OrderSide.BUY or (order.role is OrderRole.TARGET and order.list_id):
            return
        is_judged = order.reject_reason not in NEVER_LOOKED_AT
        self._deals.get(order.deal_id).exit_failed(is_judged=is_judged)


def value_fee(event: OrderFilled, base: str, quote: str) -> Decimal | None:
    """What a fee is worth in quote currency: exact for quote and for base (at the fill's own
    price); None for any other asset, whose price only the market knows (see FeeValued)."""
    if event.fee_asset == quote:
        return event.fee
    if event.fee_asset == base:
        return event.fee * event.price
    return None
