"""SimulatedExchange: the exchange's core. Bytes-free, clock-free, deterministic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from autotrade.infrastructure.simulated_exchange.core import filters, persistence
from autotrade.infrastructure.simulated_exchange.core.accounts import Account, Ledger
from autotrade.infrastructure.simulated_exchange.core.candles import end_of, open_of
from autotrade.infrastructure.simulated_exchange.core.context import Context
from autotrade.infrastructure.simulated_exchange.core.desk import OrderDesk
from autotrade.infrastructure.simulated_exchange.core.lists import ListDesk
from autotrade.infrastructure.simulated_exchange.core.matching import SymbolEngine
from autotrade.infrastructure.simulated_exchange.core.matching_rules import (
    LIVE_RULES,
    MatchingRules,
)
from autotrade.infrastructure.simulated_exchange.core.orders import (
    CONDITIONAL_KINDS,
    LiveList,
    LiveOrder,
    copy_of,
)
from autotrade.infrastructure.simulated_exchange.core.questions import Questions
from autotrade.infrastructure.simulated_exchange.core.types import (
    BalanceMoved,
    BalancesChanged,
    ExchangeError,
    ExchangeOrder,
    KlineClosed,
    Market,
    MarketStatus,
    OcoRequest,
    OrderList,
    OrderRequest,
    OtocoRequest,
    Output,
    Status,
)
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketTrade,
    SourceCandle,
)

NEVER = 1 << 62


class SimulatedExchange(Questions):
    """One exchange with its markets and accounts. All methods are synchronous; refusals raise
    `ExchangeError` with Binance's code and message. Whatever changed is collected and given out by
    `drain`, in the order in which it happened."""

    def __init__(
        self,
        markets: Sequence[Market],
        *,
        start_ts: int,
        maker_fee: Decimal = Decimal("0.001"),
        taker_fee: Decimal = Decimal("0.001"),
        rules: MatchingRules = LIVE_RULES,
    ) -> None:
        self._context = Context(start_ts)
        self._ledger = Ledger(maker_fee, taker_fee)
        self._engines = {
            market.symbol: SymbolEngine(market, self._context, rules) for market in markets
        }
        self._lists = ListDesk(self._context)
        self._desk = OrderDesk(self._context, self._ledger, self._engines, self._lists)
        self._lists.desk = self._desk
        for engine in self._engines.values():
            engine.clearing = self._desk
        self._watched: dict[tuple[str, str], int] = {}
        """(symbol, interval) -> when its running candle is over"""
        self._next_close = NEVER

    # time and market

    @property
    def now(self) -> int:
        """ms UTC."""
        return self._context.now

    def advance(self, ts: int) -> None:
        """Move the clock forward (never back); closes candles on the way."""
        context = self._context
        while ts >= self._next_close:
            context.now = max(context.now, self._next_close)
            self._close_candles(self._next_close)
        context.now = max(context.now, ts)

    def _close_candles(self, boundary: int) -> None:
        for (symbol, interval), end_ts in self._watched.items():
            if end_ts > boundary:
                continue
            kline = self._engines[symbol].statistics.closed_kline(interval, end_ts)
            if kline is not None:
                self._context.outputs.append(KlineClosed(symbol, interval, kline, end_ts))
            self._watched[symbol, interval] = end_of(interval, end_ts)
        self._next_close = min(self._watched.values(), default=NEVER)

    def watch_klines(self, symbol: str, interval: str) -> None:
        """From now on `KlineClosed` is given out at every boundary of this interval."""
        self.statistics(symbol).current_kline(interval)
        open_ts = open_of(interval, self.now)
        self._watched.setdefault((symbol, interval), end_of(interval, open_ts))
        self._next_close = min(self._watched.values())

    def unwatch_klines(self, symbol: str, interval: str) -> None:
        self._watched.pop((symbol, interval), None)
        self._next_close = min(self._watched.values(), default=NEVER)

    def apply(self, fact: MarketFact) -> None:
        """Take one fact of the market source; the clock moves to its ts first."""
        if fact.ts > self._context.now:
            self.advance(fact.ts)
        engine = self._engines[fact.symbol]
        if isinstance(fact, MarketTrade):
            engine.apply_trade(fact)
        else:
            engine.apply_levels(fact)
        self._finish(engine)

    def next_stop_below(self, symbol: str) -> int:
        """The highest price in ticks at which a waiting order is set off by a falling market; below
        0 when there is none. Who draws a market from few points must not jump over it."""
        return self._desk.engine(symbol).triggers.falling_from

    def seed_history(self, symbol: str, candles: Sequence[SourceCandle]) -> None:
        """1-minute candles before the first fact, oldest first; their last close is the last price
        until something trades."""
        engine = self._desk.engine(symbol)
        engine.statistics.seed(list(candles))
        engine.last_ticks = engine.statistics.last_ticks

    def set_market_status(self, symbol: str, status: MarketStatus) -> None:
        """Halted: no new orders, no trades; cancels go on and the market's levels are followed."""
        engine = self._desk.engine(symbol)
        engine.market = replace(engine.market, status=status)
        if engine.is_trading:
            engine.uncross()
        self._finish(engine)

    def replace_market(self, market: Market) -> None:
        """Filters changed by the exchange at run time; tick and lot size may get coarser, not
        finer (ValueError)."""
        self._desk.engine(market.symbol).replace_market(market)

    # accounts

    def open_account(
        self, name: str, balances: Mapping[str, Decimal], *, pays_fees_in_bnb: bool = False
    ) -> None:
        """Raises ValueError when there is one of this name."""
        if name in self._ledger.accounts:
            raise ValueError(f"expected a new account name, was {name!r}; it is open already")
        account = Account(name, pays_fees_in_bnb=pays_fees_in_bnb)
        for asset, amount in balances.items():
            account.add(asset, amount)
        account.touched.clear()
        self._ledger.accounts[name] = account

    def deposit(self, account: str, asset: str, amount: Decimal) -> None:
        """Negative withdraws (free funds only)."""
        self._account(account).add(asset, amount)
        self._context.outputs.append(BalanceMoved(account, asset, amount, self.now))
        self._finish(None)

    # orders

    def place(self, account: str, request: OrderRequest) -> ExchangeOrder:
        owner, engine = self._account(account), self._desk.engine(request.symbol)
        live = self._desk.build(owner, request)
        algo = int(request.kind in CONDITIONAL_KINDS)
        filters.check_counts(owner, engine, new_orders=1, new_algo_orders=algo)
        self._desk.lock_funds(live)
        self._desk.register(live)
        self._desk.start(live)
        self._finish(engine)
        return copy_of(live.record)

    def test_order(self, account: str, request: OrderRequest) -> None:
        """Everything but the matching engine: parameters and filters, not funds."""
        filters.check(request, self._desk.engine(request.symbol), self._account(account))

    def place_oco(self, account: str, request: OcoRequest) -> OrderList:
        group = self._lists.place_oco(self._account(account), request)
        self._finish(self._desk.engine(request.symbol))
        return group.frozen()

    def place_otoco(self, account: str, request: OtocoRequest) -> OrderList:
        """orderList/oto and orderList/otoco."""
        group = self._lists.place_otoco(self._account(account), request)
        self._finish(self._desk.engine(request.symbol))
        return group.frozen()

    def cancel(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        new_client_order_id: str | None = None,
    ) -> ExchangeOrder:
        """An order of a list takes the whole list with it, as on Binance. The answer keeps the
        order's own id; the cancel's is in `cancel_client_order_id`."""
        owner, engine = self._account(account), self._desk.engine(symbol)
        live = self._find_open(owner, symbol, order_id, client_order_id)
        self._cancel_one(live, new_client_order_id or self._context.new_client_id())
        self._finish(engine)
        return copy_of(live.record)

    def _cancel_one(self, live: LiveOrder, cancel_id: str) -> None:
        if live.group is not None and live.group.is_open:
            self._lists.cancel(live.group, cancel_id)
        else:
            self._desk.close(live, Status.CANCELED, "CANCELED", cancel_id=cancel_id)

    def _find_open(
        self, owner: Account, symbol: str, order_id: int | None, client_order_id: str | None
    ) -> LiveOrder:
        if order_id is None and client_order_id is None:
            raise filters.neither("origClientOrderId", "orderId")
        if order_id is None:
            order_id = owner.open_client_ids.get((symbol, client_order_id or ""))
        live = owner.open.get(order_id or 0)
        if (
            live is None
            or live.record.symbol != symbol
            or (client_order_id and live.record.client_order_id != client_order_id)
        ):
            raise ExchangeError(-2011, "Unknown order sent.")
        return live

    def cancel_all(self, account: str, symbol: str) -> list[ExchangeOrder | OrderList]:
        """All open orders of the symbol; an order list stands in the answer as one. Raises -2011
        when there is none."""
        owner, engine = self._account(account), self._desk.engine(symbol)
        mine = [live for live in owner.open.values() if live.engine is engine]
        if not mine:
            raise ExchangeError(-2011, "Unknown order sent.")
        cancel_id = self._context.new_client_id()
        groups: dict[int, LiveList] = {}
        singles: list[LiveOrder] = []
        for live in mine:
            if live.group is not None and live.group.is_open:
                groups[live.group.record.id] = live.group
            else:
                singles.append(live)
        for live in singles:
            self._desk.close(live, Status.CANCELED, "CANCELED", cancel_id=cancel_id)
        for group in groups.values():
            self._lists.cancel(group, cancel_id)
        self._finish(engine)
        return [
            *(copy_of(live.record) for live in singles),
            *(group.frozen() for group in groups.values()),
        ]

    def cancel_list(
        self,
        account: str,
        symbol: str,
        *,
        list_id: int | None = None,
        list_client_order_id: str | None = None,
    ) -> OrderList:
        """Raises -2011 when there is no such open list."""
        owner, engine = self._account(account), self._desk.engine(symbol)
        group = self._find_list(owner, list_id, list_client_order_id, only_open=True)
        if group is None or group.record.symbol != symbol:
            raise ExchangeError(-2011, "Unknown order list sent.")
        self._lists.cancel(group, self._context.new_client_id())
        self._finish(engine)
        return group.frozen()

    def drain(self) -> list[Output]:
        """What has happened since the last call, in its order."""
        outputs = self._context.outputs
        self._context.outputs = []
        return outputs

    # persistence: the accounts' side only (balances, orders, lists, executions, next ids)

    def export_state(self) -> dict[str, Any]:
        """JSON-ready; Decimals as strings."""
        return persistence.export_state(self._context, self._ledger, self._engines)

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Accounts as exported; open orders go back to the end of the queue at their price."""
        persistence.restore_state(state, self._context, self._ledger, self._engines)
        for engine in self._engines.values():
            if engine.is_trading:
                engine.uncross()
            self._finish(engine)

    # inside

    def _finish(self, engine: SymbolEngine | None) -> None:
        """After every change: stops that were reached, then what the outside must know."""
        self._desk.settle()
        if engine is not None:
            engine.flush()
        for account in self._ledger.accounts.values():
            if account.touched:
                changed = tuple(
                    (asset, account.free[asset], account.locked[asset]) for asset in account.touched
                )
                account.touched.clear()
                self._context.outputs.append(BalancesChanged(account.name, changed, self.now))
