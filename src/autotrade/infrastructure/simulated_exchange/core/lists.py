"""Order lists: OCO (one cancels the other), OTO and OTOCO (one triggers the other).

A list is over when none of its orders is open any more. When a leg of an OCO trades, even in part,
or is triggered, the other leg expires; a cancel takes the whole list.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from autotrade.infrastructure.simulated_exchange.core import filters
from autotrade.infrastructure.simulated_exchange.core.accounts import Account
from autotrade.infrastructure.simulated_exchange.core.context import Context
from autotrade.infrastructure.simulated_exchange.core.desk import ListRules, OrderDesk
from autotrade.infrastructure.simulated_exchange.core.matching import SymbolEngine
from autotrade.infrastructure.simulated_exchange.core.orders import (
    CONDITIONAL_KINDS,
    MARKET_KINDS,
    STOP_KINDS,
    TAKE_PROFIT_KINDS,
    LiveList,
    LiveOrder,
)
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

LEG_KINDS = STOP_KINDS | TAKE_PROFIT_KINDS | {OrderKind.LIMIT_MAKER}
WRONG_PRICES = "The relationship of the prices for the orders is not correct."


class ListDesk(ListRules):
    """Takes lists in and keeps their rules."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._to_activate: deque[LiveList] = deque()
        self.desk: OrderDesk

    # taking in

    def place_oco(self, account: Account, request: OcoRequest) -> LiveList:
        """Both legs of one side and quantity, with one lock for the dearer of them."""
        check_legs(request.above, request.below)
        engine = self.desk.engine(request.symbol)
        self._check_list(account, engine, request.list_client_order_id)
        algo = sum(leg.kind in CONDITIONAL_KINDS for leg in (request.above, request.below))
        filters.check_counts(account, engine, new_orders=2, new_algo_orders=algo)
        self._check_prices(request.above, request.below, engine)
        below = self.desk.build(account, request.below)
        above = self.desk.build(account, request.above)
        check_client_ids(below, above)
        self._lock_together([below, above])
        group = self._open(account, request.symbol, "OCO", request.list_client_order_id)
        group.legs = [below, above]
        self._enter(group, [below, above])
        self._announce(group)
        for leg in group.legs:
            self.desk.start(leg)
        return group

    def place_otoco(self, account: Account, request: OtocoRequest) -> LiveList:
        """A working limit order; when it is filled whole, the pending ones (one, or an OCO's two)
        come alive with funds of their own."""
        if request.working.kind not in (OrderKind.LIMIT, OrderKind.LIMIT_MAKER):
            raise ExchangeError(-1014, "Unsupported order combination.")
        if len(request.pending) == 2:
            check_legs(*request.pending)
        engine = self.desk.engine(request.symbol)
        self._check_list(account, engine, request.list_client_order_id)
        algo = sum(leg.kind in CONDITIONAL_KINDS for leg in request.pending)
        filters.check_counts(
            account, engine, new_orders=1 + len(request.pending), new_algo_orders=algo
        )
        working = self.desk.build(account, request.working)
        pending = [self.desk.build_pending(account, leg) for leg in request.pending]
        check_client_ids(working, *pending)
        self.desk.lock_funds(working)
        group = self._open(account, request.symbol, "OTO", request.list_client_order_id)
        group.working, group.pending = working, pending
        self._enter(group, [working, *pending])
        self._announce(group)
        for leg in pending:
            leg.record.status = Status.PENDING_NEW
        self.desk.start(working)
        for leg in pending:
            if leg.record.status is Status.PENDING_NEW:
                self.desk.report(leg, "NEW")
        return group

    def _check_list(
        self, account: Account, engine: SymbolEngine, list_client_id: str | None
    ) -> None:
        mine = account.open_lists.values()
        if any(group.record.list_client_order_id == list_client_id for group in mine):
            raise ExchangeError(-2010, "Duplicate order sent.")
        symbol = engine.market.symbol
        here = sum(group.record.symbol == symbol for group in mine)
        if here >= engine.market.max_order_lists:
            raise filters.failure("MAX_NUM_ORDER_LISTS")

    @staticmethod
    def _check_prices(above: OrderRequest, below: OrderRequest, engine: SymbolEngine) -> None:
        """above > last price > below, whichever side and kinds."""
        upper, lower = leg_price(above), leg_price(below)
        last = None if engine.last_ticks is None else engine.tick * engine.last_ticks
        if (
            (upper is not None and lower is not None and upper <= lower)
            or (last is not None and upper is not None and upper <= last)
            or (last is not None and lower is not None and lower >= last)
        ):
            raise ExchangeError(-2010, WRONG_PRICES)

    @staticmethod
    def _lock_together(legs: list[LiveOrder]) -> None:
        asset = legs[0].needed_funds()[0]
        amount = max(leg.needed_funds()[1] for leg in legs)
        lock = legs[0].account.lock(asset, amount, len(legs))
        for leg in legs:
            leg.lock = lock

    def _open(
        self, account: Account, symbol: str, contingency: str, client_id: str | None
    ) -> LiveList:
        record = OrderList(
            id=self._context.new_list_id(),
            account=account.name,
            symbol=symbol,
            contingency=contingency,
            list_client_order_id=client_id or self._context.new_client_id(),
            order_ids=(),
            status_type="EXEC_STARTED",
            order_status="EXECUTING",
            ts=self._context.now,
        )
        group = LiveList(record, account)
        account.lists[record.id] = account.open_lists[record.id] = group
        return group

    def _enter(self, group: LiveList, members: list[LiveOrder]) -> None:
        for member in members:
            self.desk.register(member)
            member.group = group
            member.record.order_list_id = group.record.id
        group.record.order_ids = tuple(member.record.id for member in members)
        group.client_ids = tuple(member.record.client_order_id for member in members)

    def _announce(self, group: LiveList) -> None:
        orders = tuple(zip(group.record.order_ids, group.client_ids, strict=True))
        self._context.outputs.append(OrderListChanged(group.frozen(), orders, self._context.now))

    # rules

    def traded(self, order: LiveOrder) -> None:
        group = order.group
        if group is None or order not in group.legs:
            return
        for leg in group.legs:
            if leg is not order and leg.record.status.is_open:
                self.desk.close(leg, Status.EXPIRED, "EXPIRED")
        if order.record.kind not in MARKET_KINDS:
            self.desk.trim_lock(order)

    def closed(self, order: LiveOrder) -> None:
        group = order.group
        if group is None or not group.is_open:
            return
        if order is group.working:
            if order.record.status is Status.FILLED:
                self._to_activate.append(group)
            elif not group.is_canceling:
                for leg in group.pending:
                    self.desk.close(leg, Status.EXPIRED, "EXPIRED")
                if not group.is_open:
                    return
        if any(member.record.status.is_open for member in group.members):
            return
        group.record.status_type = group.record.order_status = "ALL_DONE"
        group.record.ts = self._context.now
        group.working, group.legs, group.pending = None, [], []
        group.account.retire_list(group.record.id)
        self._announce(group)

    def activate_next(self) -> bool:
        """Pending legs get funds and start; those that cannot be paid for, or would trade or
        trigger at once where they must not, expire."""
        if not self._to_activate:
            return False
        group = self._to_activate.popleft()
        legs, group.pending = [leg for leg in group.pending if leg.record.status.is_open], []
        group.legs = legs
        try:
            for leg in legs:
                self.desk.refuse_immediate(leg)
            if len(legs) > 1:
                self._lock_together(legs)
            elif legs:
                self.desk.lock_funds(legs[0])
        except ExchangeError:
            for leg in legs:
                self.desk.close(leg, Status.EXPIRED, "EXPIRED")
            return True
        for leg in legs:
            self.desk.start(leg)
        return True

    def cancel(self, group: LiveList, cancel_id: str) -> list[LiveOrder]:
        """All open orders of the list, with one cancel id. Returns those that were canceled."""
        group.is_canceling = True
        canceled = [member for member in group.members if member.record.status.is_open]
        for member in canceled:
            self.desk.close(member, Status.CANCELED, "CANCELED", cancel_id=cancel_id)
        return canceled


def leg_price(leg: OrderRequest) -> Decimal | None:
    """The price that decides whether a leg stands above or below the market; None for a trailing
    one without a stop price."""
    return leg.price if leg.kind is OrderKind.LIMIT_MAKER else leg.stop_price


def check_legs(above: OrderRequest, below: OrderRequest) -> None:
    """Which kinds may stand where in an OCO."""
    side = above.side
    if side is not below.side or above.quantity != below.quantity:
        raise ExchangeError(-1014, "Unsupported order combination.")
    if above.kind not in LEG_KINDS or below.kind not in LEG_KINDS:
        raise ExchangeError(-1158, "Order type not supported in OCO.")
    if above.kind is below.kind is OrderKind.LIMIT_MAKER:
        raise ExchangeError(-1168, "At least one OCO order must be contingent.")
    gain, loss = (above, below) if side is Side.SELL else (below, above)
    is_sale = side is Side.SELL
    if loss.kind is OrderKind.LIMIT_MAKER:
        raise (
            ExchangeError(-1166, "A limit order in a sell OCO must be above.")
            if is_sale
            else ExchangeError(-1165, "A limit order in a buy OCO must be below.")
        )
    if loss.kind in TAKE_PROFIT_KINDS:
        raise (
            ExchangeError(-1199, "A take profit order in a sell OCO must be above.")
            if is_sale
            else ExchangeError(-1198, "A take profit order in a buy OCO must be below.")
        )
    if gain.kind in STOP_KINDS:
        raise (
            ExchangeError(-1197, "A stop loss order in a sell OCO must be below.")
            if is_sale
            else ExchangeError(-1196, "A stop loss order in a buy OCO must be above.")
        )


def check_client_ids(*orders: LiveOrder) -> None:
    """The orders of one list must not share an id."""
    given = [order.record.client_order_id for order in orders if order.record.client_order_id]
    if len(set(given)) != len(given):
        raise ExchangeError(-2010, "Duplicate order sent.")
