"""What clients may ask an exchange: their orders and trades, and the market's state.

Everything that is given out is a copy; nothing here changes anything.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import islice

from autotrade.infrastructure.simulated_exchange.core import filters
from autotrade.infrastructure.simulated_exchange.core.accounts import ZERO, Account, Ledger
from autotrade.infrastructure.simulated_exchange.core.desk import OrderDesk
from autotrade.infrastructure.simulated_exchange.core.matching import SymbolEngine
from autotrade.infrastructure.simulated_exchange.core.orders import LiveList, copy_of
from autotrade.infrastructure.simulated_exchange.core.statistics import MarketStatistics
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    ExchangeOrder,
    Execution,
    Market,
    OrderList,
    Trade,
)
from autotrade.infrastructure.simulated_exchange.market.source import LotLevel

Balances = dict[str, tuple[Decimal, Decimal]]
"""asset -> (free, locked)"""


class Questions:
    """The reading half of `SimulatedExchange`."""

    _ledger: Ledger
    _engines: dict[str, SymbolEngine]
    _desk: OrderDesk

    def _account(self, name: str) -> Account:
        account = self._ledger.accounts.get(name)
        if account is None:
            raise ExchangeError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return account

    def balances(self, account: str) -> Balances:
        owner = self._account(account)
        return {asset: (free, owner.locked[asset]) for asset, free in owner.free.items()}

    @property
    def commissions(self) -> dict[str, Decimal]:
        """asset -> commission taken from all accounts so far."""
        return dict(self._ledger.commissions)

    @property
    def market_flow(self) -> dict[str, Decimal]:
        """asset -> what the market has gained from all accounts by trades (negative: given)."""
        return dict(self._ledger.market_flow)

    def fees(self, account: str) -> tuple[Decimal, Decimal]:
        """(maker, taker) as fractions."""
        self._account(account)
        return self._ledger.maker_fee, self._ledger.taker_fee

    def market_levels(self, symbol: str) -> tuple[list[LotLevel], list[LotLevel]]:
        """Bids and asks of the market's own liquidity, in ticks and lots, in no order."""
        book = self._desk.engine(symbol).book
        bids, asks = (
            [(key * side.sign, lots) for key, lots in side.market.items()]
            for side in (book.bids, book.asks)
        )
        return bids, asks

    # questions of accounts

    def order(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> ExchangeOrder:
        """By client id the latest of that name. Raises -2013."""
        owner = self._account(account)
        self._desk.engine(symbol)
        if order_id is None and client_order_id is None:
            raise filters.neither("origClientOrderId", "orderId")
        if order_id is None:
            order_id = owner.latest_client_ids.get((symbol, client_order_id or ""))
        record = owner.orders.get(symbol, {}).get(order_id or 0)
        if record is None or (client_order_id and record.client_order_id != client_order_id):
            raise ExchangeError(-2013, "Order does not exist.")
        return copy_of(record)

    def orders_of_list(self, order_list: OrderList) -> list[ExchangeOrder]:
        """Its orders that are still remembered, in the order of `order_ids`."""
        known = self._account(order_list.account).orders.get(order_list.symbol, {})
        return [copy_of(known[number]) for number in order_list.order_ids if number in known]

    def open_orders(self, account: str, symbol: str | None = None) -> list[ExchangeOrder]:
        """Oldest first."""
        if symbol is not None:
            self._desk.engine(symbol)
        return [
            copy_of(live.record)
            for live in self._account(account).open.values()
            if symbol is None or live.record.symbol == symbol
        ]

    def all_orders(
        self,
        account: str,
        symbol: str,
        *,
        from_order_id: int | None = None,
        start_ts: int | None = None,
        end_ts: int | None = None,
        limit: int = 500,
    ) -> list[ExchangeOrder]:
        """Oldest first: from an id or a time on the first `limit`, else the last `limit`."""
        self._desk.engine(symbol)
        chosen = [
            record
            for record in self._account(account).orders.get(symbol, {}).values()
            if (from_order_id is None or record.id >= from_order_id)
            and (start_ts is None or record.created_ts >= start_ts)
            and (end_ts is None or record.created_ts <= end_ts)
        ]
        from_start = from_order_id is not None or start_ts is not None
        return [copy_of(one) for one in (chosen[:limit] if from_start else chosen[-limit:])]

    def executions(
        self,
        account: str,
        symbol: str,
        *,
        order_id: int | None = None,
        from_trade_id: int | None = None,
        start_ts: int | None = None,
        end_ts: int | None = None,
        limit: int = 500,
    ) -> list[Execution]:
        """Oldest first: from an id or a time on the first `limit`, else the last `limit`."""
        self._desk.engine(symbol)
        chosen = [
            one
            for one in self._account(account).executions.get(symbol, ())
            if (order_id is None or one.order_id == order_id)
            and (from_trade_id is None or one.trade_id >= from_trade_id)
            and (start_ts is None or one.ts >= start_ts)
            and (end_ts is None or one.ts <= end_ts)
        ]
        from_start = from_trade_id is not None or start_ts is not None
        return chosen[:limit] if from_start else chosen[-limit:]

    def order_list(
        self,
        account: str,
        *,
        list_id: int | None = None,
        list_client_order_id: str | None = None,
    ) -> OrderList:
        """Raises -2018."""
        group = self._find_list(self._account(account), list_id, list_client_order_id)
        if group is None:
            raise ExchangeError(-2018, "Order list does not exist.")
        return group.frozen()

    @staticmethod
    def _find_list(
        owner: Account,
        list_id: int | None,
        client_id: str | None,
        *,
        only_open: bool = False,
    ) -> LiveList | None:
        if list_id is None and client_id is None:
            raise filters.neither("listClientOrderId", "orderListId")
        found = None
        for group in (owner.open_lists if only_open else owner.lists).values():
            record = group.record
            if (list_id is None or record.id == list_id) and (
                client_id is None or record.list_client_order_id == client_id
            ):
                found = group
        return found

    def open_order_lists(self, account: str) -> list[OrderList]:
        return [group.frozen() for group in self._account(account).open_lists.values()]

    def all_order_lists(self, account: str, *, limit: int = 500) -> list[OrderList]:
        """The last `limit`, oldest first."""
        lists = self._account(account).lists
        chosen = islice(lists.values(), max(len(lists) - limit, 0), None)
        return [group.frozen() for group in chosen]

    # questions of the market

    @property
    def markets(self) -> list[Market]:
        """All listed markets as they are now, in the order of listing."""
        return [engine.market for engine in self._engines.values()]

    def market(self, symbol: str) -> Market:
        """Raises ExchangeError(-1121, 'Invalid symbol.')."""
        return self._desk.engine(symbol).market

    def statistics(self, symbol: str) -> MarketStatistics:
        """Candles, 24 hours, trades; raises -1121."""
        return self._desk.engine(symbol).statistics

    def depth(
        self, symbol: str, limit: int
    ) -> tuple[int, list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """(last update id, bids best first, asks best first), the sum of all that rests."""
        engine = self._desk.engine(symbol)
        tick, lot = engine.tick, engine.lot
        book = engine.book
        return (
            engine.last_update_id,
            [(tick * ticks, lot * lots) for ticks, lots in book.bids.levels(limit)],
            [(tick * ticks, lot * lots) for ticks, lots in book.asks.levels(limit)],
        )

    def best(
        self, symbol: str
    ) -> tuple[tuple[Decimal, Decimal] | None, tuple[Decimal, Decimal] | None]:
        """((bid, amount), (ask, amount)); None for an empty side. O(1)."""
        engine = self._desk.engine(symbol)
        tick, lot = engine.tick, engine.lot
        bid, ask = engine.book.bids.best(), engine.book.asks.best()
        return (
            None if bid is None else (tick * bid[0], lot * bid[1]),
            None if ask is None else (tick * ask[0], lot * ask[1]),
        )

    def average_price(self, symbol: str) -> Decimal:
        """Over the market's `average_price_minutes`; without any trade the middle of the book."""
        engine = self._desk.engine(symbol)
        average = engine.statistics.average_price(engine.market.average_price_minutes)
        if average is not None:
            return average
        bid, ask = self.best(symbol)
        return ZERO if bid is None or ask is None else (bid[0] + ask[0]) / 2

    def trades(self, symbol: str, *, limit: int = 500, from_id: int | None = None) -> list[Trade]:
        """Oldest first: the last `limit`, or the first `limit` from `from_id` on."""
        return self._desk.engine(symbol).statistics.trades(limit=limit, from_id=from_id)
