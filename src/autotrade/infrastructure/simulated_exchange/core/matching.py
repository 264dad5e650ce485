"""One symbol: its book, its tape and the matching of accounts' orders by price and time."""

from __future__ import annotations

from typing import Protocol

from autotrade.infrastructure.simulated_exchange.core.accounts import Account
from autotrade.infrastructure.simulated_exchange.core.book import BookSide, OrderBook
from autotrade.infrastructure.simulated_exchange.core.context import Context
from autotrade.infrastructure.simulated_exchange.core.matching_rules import (
    LIVE_RULES,
    LastPrice,
    MatchingRules,
)
from autotrade.infrastructure.simulated_exchange.core.orders import LiveOrder
from autotrade.infrastructure.simulated_exchange.core.statistics import MarketStatistics
from autotrade.infrastructure.simulated_exchange.core.triggers import TriggerBook
from autotrade.infrastructure.simulated_exchange.core.types import (
    BookChanged,
    Market,
    MarketStatus,
    Side,
    Status,
    Trade,
    TradeExecuted,
)
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels, MarketTrade

NO_LIMIT = -(1 << 62)


class Clearing(Protocol):
    """Who moves money and closes orders when the engine has matched them."""

    def filled(
        self, order: LiveOrder, trade: Trade, ticks: int, lots: int, *, is_maker: bool
    ) -> None: ...

    def close(self, order: LiveOrder, status: Status, execution_type: str) -> None: ...


class SymbolEngine:
    """Prices are ticks and amounts lots of the market as it was first listed; filters that change
    later do not change these units."""

    def __init__(self, market: Market, context: Context, rules: MatchingRules = LIVE_RULES) -> None:
        self.market = market
        self.tick, self.lot = market.tick_size, market.lot_size
        self.unit = market.tick_size * market.lot_size
        """quote worth of one tick times one lot"""
        self.book: OrderBook[LiveOrder] = OrderBook()
        self.triggers = TriggerBook()
        self._rules = rules
        keeper = LastPrice if rules.keeps_last_price_only else MarketStatistics
        self.statistics: MarketStatistics = keeper(market.symbol, self.tick, self.lot, context)
        self.last_ticks: int | None = None
        self.last_trade_id = 0
        self.last_update_id = 0
        self.prices_to_check: list[int] = []
        """trade prices that the waiting orders have not been asked about yet"""
        self._context = context
        self._trade_offset = self._update_offset = 0
        self._recorded_ids: tuple[int, int] | None = None
        self._is_numbered = False
        """the source has given update ids of its own"""
        self.clearing: Clearing

    @property
    def is_trading(self) -> bool:
        return self.market.status is MarketStatus.TRADING

    def replace_market(self, market: Market) -> None:
        """New filters. The grid may get coarser, not finer: the book counts in the first one."""
        for name, new, unit in (
            ("tick_size", market.tick_size, self.tick),
            ("lot_size", market.lot_size, self.lot),
        ):
            if new % unit:
                raise ValueError(
                    f"expected {name} of {market.symbol} to be a multiple of {unit}, was {new};"
                    " a finer grid needs a new exchange"
                )
        self.market = market

    # facts of the source

    def apply_levels(self, fact: MarketLevels) -> None:
        """The market's liquidity; orders of accounts that it crosses are traded at their price."""
        self._recorded_ids = fact.update_ids
        book = self.book
        book.apply(fact.bids, fact.asks, is_snapshot=fact.is_snapshot)
        if book.is_crossed and self.is_trading:
            self.uncross({ticks for ticks, _ in fact.asks})

    def apply_trade(self, fact: MarketTrade) -> None:
        """Tape rule: printed whole; our orders that its taker would have met are filled on top."""
        if not self.is_trading:
            return
        is_sale = fact.taker is Side.SELL
        side = self.book.bids if is_sale else self.book.asks
        if isinstance(self.statistics, LastPrice):
            self._apply_unprinted(self.statistics, side, fact)
            return
        if side.queues:
            self._meet_own_orders(side, fact, buyer_is_maker=is_sale)
        number = fact.trade_id
        if number is None:
            number = self.last_trade_id + 1
        else:
            number += self._trade_offset
            if number <= self.last_trade_id:
                self._trade_offset += self.last_trade_id + 1 - number
                number = self.last_trade_id + 1
        self._print(number, fact.price, fact.amount, buyer_is_maker=is_sale, is_own=False, taker=0)

    def _apply_unprinted(
        self, statistics: LastPrice, side: BookSide[LiveOrder], fact: MarketTrade
    ) -> None:
        """The same without a tape. The fact's number comes first and our fills number on from it,
        so that their numbers depend on this fact alone and not on those that were left out."""
        if fact.trade_id is not None:
            number = fact.trade_id + self._trade_offset
            self.last_trade_id = max(self.last_trade_id, number)
        if side.queues:
            self._meet_own_orders(side, fact, buyer_is_maker=fact.taker is Side.SELL)
        statistics.saw(fact.price)
        self._traded(fact.price)

    def _meet_own_orders(
        self, side: BookSide[LiveOrder], fact: MarketTrade, *, buyer_is_maker: bool
    ) -> None:
        """Better prices first. At a better price the market's liquidity before us must be gone
        (a trade went through it); at the trade's own price it is worked off first."""
        left, trade_key = fact.amount, fact.price * side.sign
        while left:
            key = side.best_own_key()
            if key is None or key < trade_key:
                return
            if key == trade_key and self._rules.fills_only_through:
                return
            order, lots = side.front(key)
            if order is None:
                taken = lots if key > trade_key else min(lots, left)
                side.take_front(key, taken)
                left -= 0 if key > trade_key else taken
                continue
            taken = min(lots, left)
            left -= taken
            side.take_front(key, taken)
            self._own_maker(order, taken, buyer_is_maker=buyer_is_maker)

    def _own_maker(self, order: LiveOrder, lots: int, *, buyer_is_maker: bool) -> None:
        """The market's taker meets an account's resting order, at the order's price."""
        trade = self.print_own(order.ticks, lots, buyer_is_maker=buyer_is_maker, taker=0)
        self.clearing.filled(order, trade, order.ticks, lots, is_maker=True)

    def uncross(self, fresh_asks: set[int] | frozenset[int] = frozenset()) -> None:
        """Crossed: the market's fresh liquidity trades against accounts' orders; of two crossing
        levels of the market itself the stale one goes."""
        bids, asks = self.book.bids, self.book.asks
        while self.book.is_crossed:
            bid, ask = bids.keys[-1], asks.keys[-1]
            if bid in bids.market and ask in asks.market:
                if -ask in fresh_asks:
                    bids.drop_market(bid)
                else:
                    asks.drop_market(ask)
            elif self._rules.fills_only_through and (ask in asks.market or bid in bids.market):
                if ask in asks.market:
                    asks.drop_market(ask)
                else:
                    bids.drop_market(bid)
            elif ask in asks.market:
                self._trade_across(bids, bid, asks, ask, buyer_is_maker=True)
            elif bid in bids.market:
                self._trade_across(asks, ask, bids, bid, buyer_is_maker=False)
            else:
                raise AssertionError(
                    f"expected resting orders of accounts not to cross, {self.market.symbol} had"
                    f" a bid at {bid} and an ask at {-ask} ticks; this is a fault of the core"
                )

    def _trade_across(
        self,
        own_side: BookSide[LiveOrder],
        own_key: int,
        side: BookSide[LiveOrder],
        key: int,
        *,
        buyer_is_maker: bool,
    ) -> None:
        order, lots = own_side.front(own_key)
        if order is None:
            raise AssertionError("expected an account's order first in the queue, was the market")
        taken = min(lots, side.market[key])
        side.take_market(key, taken)
        side.hidden[key] = side.hidden.get(key, 0) + taken
        own_side.take_front(own_key, taken)
        self._own_maker(order, taken, buyer_is_maker=buyer_is_maker)

    # accounts' orders

    def rest(self, order: LiveOrder) -> None:
        """To the back of the queue at its price."""
        side = self.book.bids if order.is_buy else self.book.asks
        side.add_order(order.key, order, order.lots)
        order.is_resting = True

    def withdraw(self, order: LiveOrder) -> None:
        side = self.book.bids if order.is_buy else self.book.asks
        side.remove_order(order.key, order)
        order.is_resting = False

    def would_take(self, order: LiveOrder) -> bool:
        """A limit order at its price would trade at once."""
        side = self.book.asks if order.is_buy else self.book.bids
        return bool(side.keys) and side.keys[-1] >= -order.key

    def sweep(self, taker: LiveOrder, lots: int, *, is_limited: bool) -> None:
        """Take up to `lots` from the other side, at resting prices, down to the order's own."""
        side = self.book.asks if taker.is_buy else self.book.bids
        limit = -taker.key if is_limited else NO_LIMIT
        prevention = taker.record.self_trade_prevention
        while lots and side.keys and side.keys[-1] >= limit:
            key = side.keys[-1]
            maker, available = side.front(key)
            if maker is not None and prevention != "NONE" and maker.account is taker.account:
                if prevention != "EXPIRE_TAKER":
                    self.clearing.close(maker, Status.EXPIRED_IN_MATCH, "TRADE_PREVENTION")
                if prevention != "EXPIRE_MAKER":
                    self.clearing.close(taker, Status.EXPIRED_IN_MATCH, "TRADE_PREVENTION")
                    return
                continue
            taken = min(lots, available)
            lots -= taken
            side.take_front(key, taken)
            ticks = key * side.sign
            trade = self.print_own(
                ticks, taken, buyer_is_maker=not taker.is_buy, taker=taker.record.id
            )
            if maker is not None:
                self.clearing.filled(maker, trade, ticks, taken, is_maker=True)
            self.clearing.filled(taker, trade, ticks, taken, is_maker=False)

    def plan(
        self,
        *,
        is_buy: bool,
        lots: int | None = None,
        budget: int | None = None,
        limit_key: int = NO_LIMIT,
        without: Account | None = None,
    ) -> tuple[int, int]:
        """What a sweep would take: (lots, ticks x lots), bounded by `lots` and by `budget` in
        ticks x lots; `without` leaves out an account's orders (self-trade prevention)."""
        side = self.book.asks if is_buy else self.book.bids
        taken = turnover = 0
        for key in reversed(side.keys):
            if key < limit_key or taken == lots:
                break
            ticks = key * side.sign
            here = side.total(key)
            if without is not None and key in side.queues:
                here -= sum(
                    entry.lots
                    for entry in side.queues[key].entries
                    if entry.order is not None and entry.order.account is without
                )
            wanted = here if lots is None else min(here, lots - taken)
            if budget is not None:
                wanted = min(wanted, (budget - turnover) // ticks)
            taken += wanted
            turnover += wanted * ticks
            if wanted < here:
                break
        return taken, turnover

    # the tape and the stream of changes

    def print_own(self, ticks: int, lots: int, *, buyer_is_maker: bool, taker: int) -> Trade:
        """A trade of an account; later recorded ids move up by one."""
        self._trade_offset += 1
        return self._print(
            self.last_trade_id + 1,
            ticks,
            lots,
            buyer_is_maker=buyer_is_maker,
            is_own=True,
            taker=taker,
        )

    def _print(
        self,
        number: int,
        ticks: int,
        lots: int,
        *,
        buyer_is_maker: bool,
        is_own: bool,
        taker: int,
    ) -> Trade:
        price, quantity = self.tick * ticks, self.lot * lots
        trade = Trade(
            number,
            self.market.symbol,
            price,
            quantity,
            price * quantity,
            self._context.now,
            buyer_is_maker,
            is_own,
        )
        self.statistics.record(trade, ticks, lots, taker)
        if not self._rules.tells_accounts_only:
            self._context.outputs.append(TradeExecuted(trade))
        self.last_trade_id = number
        self._traded(ticks)
        return trade

    def _traded(self, ticks: int) -> None:
        self.last_ticks = ticks
        if self.triggers.waiting:
            self.prices_to_check.append(ticks)

    def flush(self) -> None:
        """Tell what changed in the book since the last time; ids stay without a gap."""
        bids, asks = self.book.bids.changed, self.book.asks.changed
        if self._rules.tells_accounts_only:
            bids.clear()
            asks.clear()
            return
        recorded = self._recorded_ids
        if not bids and not asks and recorded is None:
            return
        first = last = self.last_update_id + 1
        if recorded is None:
            self._update_offset += self._is_numbered
        else:
            self._is_numbered = True
            last = recorded[1] + self._update_offset
            if self.last_update_id == 0:
                first = recorded[0]
            elif last < first:
                last = first + recorded[1] - recorded[0]
                self._update_offset = last - recorded[1]
            self._recorded_ids = None
        self.last_update_id = last
        tick, lot = self.tick, self.lot
        self._context.outputs.append(
            BookChanged(
                self.market.symbol,
                first,
                last,
                self._context.now,
                tuple([(tick * ticks, lot * lots) for ticks, lots in bids.items()]),
                tuple([(tick * ticks, lot * lots) for ticks, lots in asks.items()]),
            )
        )
        bids.clear()
        asks.clear()
