"""The order desk: takes orders in, sets them to work, fills and closes them."""

from __future__ import annotations

from collections import deque
from decimal import ROUND_FLOOR, Decimal

from autotrade.infrastructure.simulated_exchange.core import filters
from autotrade.infrastructure.simulated_exchange.core.accounts import (
    ZERO,
    Account,
    Ledger,
    insufficient_balance,
)
from autotrade.infrastructure.simulated_exchange.core.context import Context
from autotrade.infrastructure.simulated_exchange.core.matching import SymbolEngine
from autotrade.infrastructure.simulated_exchange.core.orders import (
    CONDITIONAL_KINDS,
    MARKET_KINDS,
    LiveOrder,
    copy_of,
)
from autotrade.infrastructure.simulated_exchange.core.triggers import stop_reached
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    ExchangeOrder,
    Execution,
    OrderChanged,
    OrderKind,
    OrderRequest,
    Status,
    TimeInForce,
    Trade,
)


class ListRules:
    """What order lists make of what happens to their legs; `ListDesk` has the real rules."""

    def traded(self, order: LiveOrder) -> None:
        """A leg trades or has been triggered."""

    def closed(self, order: LiveOrder) -> None:
        """A leg is filled or closed."""

    def activate_next(self) -> bool:
        """Start pending legs whose time has come; False when there are none."""
        return False


class OrderDesk:
    """Everything that happens to an order; what that means for its list is `ListRules`' to say."""

    def __init__(
        self, context: Context, ledger: Ledger, engines: dict[str, SymbolEngine], lists: ListRules
    ) -> None:
        self._context = context
        self._ledger = ledger
        self._engines = engines
        self._lists = lists
        self._due: deque[LiveOrder] = deque()
        """triggered orders that have not been set to work yet"""

    # taking in

    def engine(self, symbol: str) -> SymbolEngine:
        engine = self._engines.get(symbol)
        if engine is None:
            raise ExchangeError(-1121, "Invalid symbol.")
        return engine

    def build(self, account: Account, request: OrderRequest) -> LiveOrder:
        """Check everything that needs no funds and make the order; nothing has changed yet."""
        live = self.build_pending(account, request)
        self.refuse_immediate(live)
        return live

    def build_pending(self, account: Account, request: OrderRequest) -> LiveOrder:
        """The same for an order that will start later: what the market says now is not asked."""
        engine = self.engine(request.symbol)
        shape = filters.check(request, engine, account)
        client_id = request.client_order_id
        if client_id and (request.symbol, client_id) in account.open_client_ids:
            raise ExchangeError(-2010, "Duplicate order sent.")
        return LiveOrder(
            self._record(account, request, shape),
            account,
            engine,
            ticks=shape.ticks,
            stop_ticks=shape.stop_ticks,
            lots=shape.lots,
        )

    @staticmethod
    def refuse_immediate(live: LiveOrder) -> None:
        """Raises -2010 for a stop that is met already and for a maker that would take."""
        kind, last = live.record.kind, live.engine.last_ticks
        if kind in CONDITIONAL_KINDS and last is not None:
            if live.stop_ticks and stop_reached(live, last):
                raise ExchangeError(-2010, "Stop price would trigger immediately.")
            live.extreme = last
        if kind is OrderKind.LIMIT_MAKER and live.engine.would_take(live):
            raise ExchangeError(-2010, "Order would immediately match and take.")

    def _record(
        self, account: Account, request: OrderRequest, shape: filters.Shape
    ) -> ExchangeOrder:
        now = self._context.now
        return ExchangeOrder(
            id=0,
            account=account.name,
            symbol=request.symbol,
            side=request.side,
            kind=request.kind,
            client_order_id=request.client_order_id or "",
            original_quantity=request.quantity or ZERO,
            original_quote_quantity=request.quote_quantity or ZERO,
            price=request.price or ZERO,
            stop_price=request.stop_price or ZERO,
            time_in_force=shape.time_in_force,
            created_ts=now,
            updated_ts=now,
            trailing_delta=request.trailing_delta,
            iceberg_quantity=request.iceberg_quantity or ZERO,
            self_trade_prevention=request.self_trade_prevention,
            strategy_id=request.strategy_id,
            strategy_type=request.strategy_type,
        )

    def lock_funds(self, live: LiveOrder) -> None:
        """Raises -2010 when the account cannot pay for it."""
        asset, amount = live.needed_funds()
        if live.record.kind is OrderKind.MARKET:
            asset, amount = self._price_market_order(live)
        live.lock = live.account.lock(asset, amount)

    def _price_market_order(self, live: LiveOrder) -> tuple[str, Decimal]:
        """A market order pays what the book asks now; by quote quantity it also gets its size."""
        engine, record = live.engine, live.record
        without = live.account if record.self_trade_prevention == "EXPIRE_MAKER" else None
        quote = record.original_quote_quantity
        if not quote:
            if not live.is_buy:
                return live.needed_funds()
            _, turnover = engine.plan(is_buy=True, lots=live.lots, without=without)
            return engine.market.quote, engine.unit * turnover
        budget = int((quote / engine.unit).to_integral_value(ROUND_FLOOR))
        lots, turnover = engine.plan(is_buy=live.is_buy, budget=budget, without=without)
        if engine.lot * lots < engine.market.minimum_amount:
            raise ExchangeError(
                -2010, "Order book liquidity is less than LOT_SIZE filter minimum quantity."
            )
        live.lots = lots
        record.original_quantity = engine.lot * lots
        if not live.is_buy:
            return live.needed_funds()
        if live.account.free.get(engine.market.quote, ZERO) < quote:
            raise insufficient_balance()
        return engine.market.quote, engine.unit * turnover

    def register(self, live: LiveOrder) -> None:
        """From here on the order exists."""
        record = live.record
        record.id = self._context.new_order_id()
        if not record.client_order_id:
            record.client_order_id = self._context.new_client_id()
        live.account.remember(record)
        live.account.open[record.id] = live

    # working

    def start(self, live: LiveOrder) -> None:
        """Wait for the trigger, or go to work at once."""
        if live.record.kind in CONDITIONAL_KINDS:
            live.record.status = Status.NEW
            live.engine.triggers.add(live, live.engine.last_ticks)
            self.report(live, "NEW")
        else:
            self.work(live)

    def work(self, live: LiveOrder) -> None:
        """Take what may be taken now; the rest waits in the book or expires."""
        record, now = live.record, self._context.now
        record.status, record.is_working = Status.NEW, True
        record.working_ts = record.updated_ts = now
        self.report(live, "NEW")
        if record.kind in MARKET_KINDS:
            lots = live.lots if record.kind is OrderKind.MARKET else self._afford(live)
            live.engine.sweep(live, lots, is_limited=False)
        else:
            if record.time_in_force is TimeInForce.FOK and not self._can_fill(live):
                self.close(live, Status.EXPIRED, "EXPIRED")
                return
            live.engine.sweep(live, live.lots, is_limited=True)
        if live.lots == 0 or not record.status.is_open:
            return
        if record.kind in MARKET_KINDS or record.time_in_force is not TimeInForce.GTC:
            self.close(live, Status.EXPIRED, "EXPIRED")
        else:
            live.engine.rest(live)

    def _can_fill(self, live: LiveOrder) -> bool:
        without = None if live.record.self_trade_prevention == "NONE" else live.account
        lots, _ = live.engine.plan(
            is_buy=live.is_buy, lots=live.lots, limit_key=-live.key, without=without
        )
        return lots == live.lots

    def _afford(self, live: LiveOrder) -> int:
        """A triggered market order buys for what was locked at its stop price and, when that is
        too little by now, for the free funds as well."""
        if not live.is_buy or live.lock is None:
            return live.lots
        lock, account, engine = live.lock, live.account, live.engine
        funds = lock.amount + account.free.get(lock.asset, ZERO)
        budget = int((funds / engine.unit).to_integral_value(ROUND_FLOOR))
        without = account if live.record.self_trade_prevention == "EXPIRE_MAKER" else None
        lots, turnover = engine.plan(is_buy=True, lots=live.lots, budget=budget, without=without)
        account.release(lock, lock.amount)
        live.lock = account.lock(lock.asset, engine.unit * turnover)
        return lots

    # triggers

    def settle(self) -> None:
        """Until nothing is due any more: set off stops by the prices that were traded, and bring
        the pending legs of lists to life."""
        while True:
            for engine in self._engines.values():
                if engine.prices_to_check:
                    prices, engine.prices_to_check = engine.prices_to_check, []
                    for ticks in prices:
                        self._trigger(engine, ticks)
            if self._due:
                live = self._due.popleft()
                if live.record.status.is_open:
                    self.work(live)
            elif not self._lists.activate_next():
                return

    def _trigger(self, engine: SymbolEngine, ticks: int) -> None:
        for live in engine.triggers.fired(ticks):
            if not live.is_waiting:
                continue
            engine.triggers.remove(live)
            self._lists.traded(live)
            self._due.append(live)

    # filling and closing

    def filled(
        self, order: LiveOrder, trade: Trade, ticks: int, lots: int, *, is_maker: bool
    ) -> None:
        """One side of a trade: funds, commission, execution, state, report."""
        if order.group is not None:
            self._lists.traded(order)
        account, record, engine = order.account, order.record, order.engine
        order.lots -= lots
        received, amount = self._exchange_funds(order, trade)
        commission, asset = self._ledger.charge(
            account,
            received,
            amount,
            is_maker=is_maker,
            bnb_value=self._worth_in_bnb(engine, trade) if account.pays_fees_in_bnb else None,
        )
        execution = Execution(
            trade_id=trade.id,
            order_id=record.id,
            order_list_id=record.order_list_id,
            account=account.name,
            symbol=record.symbol,
            side=record.side,
            price=trade.price,
            quantity=trade.quantity,
            quote_quantity=trade.quote_quantity,
            commission=commission,
            commission_asset=asset,
            ts=trade.ts,
            is_maker=is_maker,
        )
        account.executed(execution)
        record.executions.append(execution)
        record.executed_quantity += trade.quantity
        record.executed_quote += trade.quote_quantity
        record.updated_ts = trade.ts
        record.status = Status.PARTIALLY_FILLED if order.lots else Status.FILLED
        if not order.lots:
            order.is_resting = False
            self._free_lock(order)
            account.retire(record)
        self.report(order, "TRADE", execution)
        if not order.lots and order.group is not None:
            self._lists.closed(order)

    def _exchange_funds(self, order: LiveOrder, trade: Trade) -> tuple[str, Decimal]:
        """Give what is sold, take what is bought; what a better price saved is free again."""
        account, market, lock = order.account, order.engine.market, order.lock
        if lock is None:
            raise AssertionError(f"expected order {order.record.id} to have funds locked, had none")
        bought, sold = (market.base, market.quote) if order.is_buy else (market.quote, market.base)
        gets, gives = trade.quantity, trade.quote_quantity
        if not order.is_buy:
            gets, gives = gives, gets
        account.spend(lock, gives)
        account.add(bought, gets)
        self._ledger.flow(sold, gives)
        self._ledger.flow(bought, -gets)
        if order.record.kind not in MARKET_KINDS:
            self.trim_lock(order)
        return bought, gets

    def trim_lock(self, order: LiveOrder) -> None:
        """Free what the order needs no more; a lock shared with an open leg stays whole."""
        lock = order.lock
        if lock is not None and lock.holders == 1:
            _, needed = order.needed_funds()
            if lock.amount > needed:
                order.account.release(lock, lock.amount - needed)

    def _free_lock(self, order: LiveOrder) -> None:
        lock = order.lock
        if lock is None:
            return
        order.lock = None
        lock.holders -= 1
        if lock.holders == 0 and lock.amount:
            order.account.release(lock, lock.amount)

    def _worth_in_bnb(self, engine: SymbolEngine, trade: Trade) -> Decimal | None:
        market = engine.market
        if market.quote == "BNB":
            return trade.quote_quantity
        if market.base == "BNB":
            return trade.quantity
        bnb = self._engines.get(f"BNB{market.quote}")
        if bnb is None or not bnb.last_ticks:
            return None
        return trade.quote_quantity / (bnb.tick * bnb.last_ticks)

    def close(
        self, order: LiveOrder, status: Status, execution_type: str, *, cancel_id: str = ""
    ) -> None:
        """The order ends with what it has: out of the book, funds free, reported."""
        engine, record = order.engine, order.record
        if order.is_resting:
            engine.withdraw(order)
        if order.is_waiting:
            engine.triggers.remove(order)
        self._free_lock(order)
        record.status = status
        record.updated_ts = self._context.now
        record.cancel_client_order_id = cancel_id
        order.account.retire(record)
        self.report(order, execution_type)
        if order.group is not None:
            self._lists.closed(order)

    def report(
        self, order: LiveOrder, execution_type: str, execution: Execution | None = None
    ) -> None:
        """executionReport. A cancel's report has the cancel's id as the order's, and the order's
        as the original one."""
        frozen, original = copy_of(order.record), ""
        if frozen.cancel_client_order_id:
            original = frozen.client_order_id
            frozen.client_order_id = frozen.cancel_client_order_id
        reason = "SELF_TRADE_PREVENTION" if execution_type == "TRADE_PREVENTION" else "NONE"
        self._context.outputs.append(
            OrderChanged(frozen, execution_type, execution, self._context.now, reason, original)
        )
