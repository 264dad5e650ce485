"""One symbol's order book in integers: the market's liquidity and the accounts' orders together.

A side keeps its prices as sorted keys, `key = ticks` for bids and `key = -ticks` for asks, so that
on both sides a better price is a greater key, the best one is the last of the list, and changes
near the top of the book move almost nothing.

Only a price where an account's order rests has a queue; everywhere else the market's liquidity is
one number. Amounts are lots.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

from autotrade.infrastructure.simulated_exchange.market.source import LotLevel

OrderType = TypeVar("OrderType")


class Entry(Generic[OrderType]):
    """One place in a queue; `order` is None for the market's own liquidity."""

    __slots__ = ("lots", "order")

    def __init__(self, order: OrderType | None, lots: int) -> None:
        self.order = order
        self.lots = lots


class Queue(Generic[OrderType]):
    """Who waits at one price, first come first served."""

    __slots__ = ("entries", "own_lots")

    def __init__(self, market_lots: int) -> None:
        self.entries: deque[Entry[OrderType]] = deque()
        self.own_lots = 0
        if market_lots:
            self.entries.append(Entry(None, market_lots))

    def grow_market(self, lots: int) -> None:
        """New liquidity of the market stands behind everyone who is here."""
        if self.entries and self.entries[-1].order is None:
            self.entries[-1].lots += lots
        else:
            self.entries.append(Entry(None, lots))

    def shrink_market(self, lots: int) -> None:
        """The market's cancels come from its last entries: they never improve our place."""
        kept: list[Entry[OrderType]] = []
        while lots:
            entry = self.entries.pop()
            if entry.order is None:
                if entry.lots > lots:
                    entry.lots -= lots
                    lots = 0
                else:
                    lots -= entry.lots
                    continue
            kept.append(entry)
        self.entries.extend(reversed(kept))


class BookSide(Generic[OrderType]):
    """Bids or asks."""

    __slots__ = ("changed", "hidden", "keys", "market", "queues", "sign")

    def __init__(self, *, is_bid: bool) -> None:
        self.sign = 1 if is_bid else -1
        self.keys: list[int] = []
        self.market: dict[int, int] = {}
        self.queues: dict[int, Queue[OrderType]] = {}
        self.changed: dict[int, int] = {}
        """ticks -> lots now resting, of the levels that changed since the last flush"""
        self.hidden: dict[int, int] = {}
        """key -> lots of the source's level that an account's crossing order has eaten already"""

    # the market's liquidity

    def set_market_levels(self, levels: Iterable[LotLevel]) -> None:
        """Absolute amounts of the market's own liquidity (the hot path)."""
        sign, market, queues, keys = self.sign, self.market, self.queues, self.keys
        changed = self.changed
        for ticks, lots in levels:
            key = ticks * sign
            old = market.get(key, 0)
            if old == lots:
                continue
            queue = queues.get(key) if queues else None
            if queue is not None:
                self._set_queued(queue, key, old, lots)
                changed[ticks] = lots + queue.own_lots
                continue
            if lots:
                market[key] = lots
                if not old:
                    insort(keys, key)
            else:
                del market[key]
                del keys[bisect_left(keys, key)]
            changed[ticks] = lots

    def replace_market(self, levels: Iterable[LotLevel]) -> None:
        """The market's whole liquidity anew, on a side where no account's order has a part."""
        sign, before, changed = self.sign, self.market, self.changed
        fresh = {ticks * sign: lots for ticks, lots in dict(levels).items() if lots}
        for key in before:
            if key not in fresh:
                changed[key * sign] = 0
        for key, lots in fresh.items():
            if before.get(key) != lots:
                changed[key * sign] = lots
        self.market, self.keys = fresh, sorted(fresh)

    def _set_queued(self, queue: Queue[OrderType], key: int, old: int, lots: int) -> None:
        if lots > old:
            queue.grow_market(lots - old)
        else:
            queue.shrink_market(old - lots)
        if lots:
            self.market[key] = lots
        else:
            del self.market[key]

    def drop_market(self, key: int) -> None:
        """Stale liquidity that the other side's news contradicts."""
        self.set_market_levels(((key * self.sign, 0),))

    # the accounts' orders

    def add_order(self, key: int, order: OrderType, lots: int) -> None:
        queue = self.queues.get(key)
        if queue is None:
            market_lots = self.market.get(key, 0)
            queue = self.queues[key] = Queue(market_lots)
            if not market_lots:
                insort(self.keys, key)
        queue.entries.append(Entry(order, lots))
        queue.own_lots += lots
        self._note(key)

    def remove_order(self, key: int, order: OrderType) -> None:
        queue = self.queues[key]
        for index, entry in enumerate(queue.entries):
            if entry.order is order:
                queue.own_lots -= entry.lots
                del queue.entries[index]
                break
        self._settle_queue(key, queue)

    def front(self, key: int) -> tuple[OrderType | None, int]:
        """(who is first at this price, how much): None for the market."""
        queue = self.queues.get(key)
        if queue is None:
            return None, self.market[key]
        entry = queue.entries[0]
        return entry.order, entry.lots

    def take_front(self, key: int, lots: int) -> None:
        """The first one at this price gives `lots`, at most what he has."""
        queue = self.queues.get(key)
        if queue is None:
            self._reduce_market(key, lots)
            if key not in self.market:
                del self.keys[bisect_left(self.keys, key)]
            self._note(key)
            return
        entry = queue.entries[0]
        entry.lots -= lots
        if entry.lots == 0:
            queue.entries.popleft()
        if entry.order is None:
            self._reduce_market(key, lots)
        else:
            queue.own_lots -= lots
        self._settle_queue(key, queue)

    def take_market(self, key: int, lots: int) -> None:
        """The market's liquidity at this price gives `lots`, wherever it stands in the queue."""
        self.set_market_levels(((key * self.sign, self.market[key] - lots),))

    def _reduce_market(self, key: int, lots: int) -> None:
        left = self.market[key] - lots
        if left:
            self.market[key] = left
        else:
            del self.market[key]

    def _settle_queue(self, key: int, queue: Queue[OrderType]) -> None:
        """A queue without an account's order is no queue any more."""
        if queue.own_lots == 0:
            del self.queues[key]
            if key not in self.market:
                del self.keys[bisect_left(self.keys, key)]
        self._note(key)

    def _note(self, key: int) -> None:
        self.changed[key * self.sign] = self.total(key)

    # questions

    def total(self, key: int) -> int:
        queue = self.queues.get(key)
        return self.market.get(key, 0) + (queue.own_lots if queue is not None else 0)

    def best(self) -> tuple[int, int] | None:
        """(ticks, lots) of the best level."""
        if not self.keys:
            return None
        key = self.keys[-1]
        return key * self.sign, self.total(key)

    def best_own_key(self) -> int | None:
        return max(self.queues) if self.queues else None

    def levels(self, limit: int) -> list[LotLevel]:
        """(ticks, lots), best first."""
        sign = self.sign
        return [(key * sign, self.total(key)) for key in self.keys[: -limit - 1 : -1]]


class OrderBook(Generic[OrderType]):
    """Both sides."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids: BookSide[OrderType] = BookSide(is_bid=True)
        self.asks: BookSide[OrderType] = BookSide(is_bid=False)

    def apply(
        self, bids: Iterable[LotLevel], asks: Iterable[LotLevel], *, is_snapshot: bool
    ) -> None:
        """Lay the source's levels into the book; it may be crossed afterwards (`is_crossed`)."""
        for side, other, levels in (
            (self.bids, self.asks, bids),
            (self.asks, self.bids, asks),
        ):
            if is_snapshot and not side.queues and not side.hidden:
                side.replace_market(levels)
                continue
            given = self._with_unnamed(side, levels) if is_snapshot else levels
            if side.hidden:
                given = self._without_eaten(side, other, given)
            side.set_market_levels(given)

    @staticmethod
    def _with_unnamed(side: BookSide[OrderType], levels: Iterable[LotLevel]) -> list[LotLevel]:
        named = dict(levels)
        gone = [(key * side.sign, 0) for key in side.market if key * side.sign not in named]
        gone += [(key * side.sign, 0) for key in side.hidden if key * side.sign not in named]
        return gone + list(named.items())

    @staticmethod
    def _without_eaten(
        side: BookSide[OrderType], other: BookSide[OrderType], levels: Iterable[LotLevel]
    ) -> list[LotLevel]:
        """While an account's order stands on the other side of a level, what it has eaten there
        does not come back with the next absolute amount; only growth is new."""
        given = []
        own = other.best_own_key()
        for ticks, lots in levels:
            key = ticks * side.sign
            shown = lots
            eaten = side.hidden.pop(key, 0)
            if eaten and lots and own is not None and own >= -key:
                side.hidden[key] = min(eaten, lots)
                shown = lots - side.hidden[key]
            given.append((ticks, shown))
        return given

    @property
    def is_crossed(self) -> bool:
        bids, asks = self.bids.keys, self.asks.keys
        return bool(bids and asks and bids[-1] + asks[-1] >= 0)
