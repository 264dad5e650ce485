"""Books in step with their streams: the library keeps them, this repairs and reads them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from autotrade.domain.entities.orderbook import OrderBook
from autotrade.infrastructure.connectors.backoff import Backoff
from autotrade.infrastructure.connectors.book_reader import read_book
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock

if TYPE_CHECKING:
    from autotrade.infrastructure.connectors.tapped_client import TappedBinance


class RawMarketListener(Protocol):
    """Who wants the market's raw facts, in the order of the stream (in-process simulation)."""

    def on_book(self, symbol: str, book: OrderBook) -> None:
        """The whole book, after it came into step."""

    def on_depth(self, symbol: str, message: Mapping[str, Any]) -> None:
        """One diff that follows it without a gap."""

    def on_trade(self, symbol: str, message: Mapping[str, Any]) -> None: ...


TRIM_SLACK_PART = 0.25
"""A side is cut back to the snapshot's depth once it is this part longer: rarely, and not forever
growing with levels the market left long ago (the library itself never drops one)."""
WHOLE_BOOK_PART = 0.9
"""A snapshot that fills less of its limit than this was the whole book; there is nothing beyond."""


@dataclass(slots=True)
class Edges:
    """How far the book is known: beyond these prices only levels that changed since are in it.

    Binance sends a snapshot's best levels and then changes only, so a level farther out that never
    changed is missing when the market comes near it.
    """

    bid: float = -math.inf
    ask: float = math.inf

    def are_reached_by(self, book: OrderBook, levels: int) -> bool:
        """True when of the best `levels` of a side some may be unknown."""
        bids, asks = book.bids, book.asks
        best_bids_known = len(bids) == levels and bids[-1][0] >= self.bid
        best_asks_known = len(asks) == levels and asks[-1][0] <= self.ask
        return not (
            (best_bids_known or self.bid == -math.inf) and (best_asks_known or self.ask == math.inf)
        )


class BookKeeper:
    """Feeds depth diffs to the library; on a gap it fetches a new snapshot at once, without a new
    socket."""

    def __init__(
        self,
        client: TappedBinance,
        settings: ConnectorSettings,
        symbols: Sequence[str],
        clock: ExchangeClock,
        *,
        on_in_step: Callable[[], None],
    ) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        self._on_in_step = on_in_step
        self._in_step = dict.fromkeys(symbols, False)
        self._snapshot_ts = dict.fromkeys(symbols, 0)
        self._resyncs: dict[str, asyncio.Task[None]] = {}
        self._published: dict[str, int] = {}
        self._sockets: dict[str, Any] = {}
        self._edges: dict[str, Edges] = {}
        self.listeners: list[RawMarketListener] = []
        self.resync_count = 0

    @property
    def is_in_step(self) -> bool:
        """True when every book is."""
        return all(self._in_step.values())

    def lost(self) -> None:
        """The socket is gone: no book is true any more."""
        for symbol in self._in_step:
            self._in_step[symbol] = False
            self._client.orderbooks.pop(symbol, None)
        self._sockets.clear()
        for task in self._resyncs.values():
            task.cancel()
        self._resyncs.clear()

    def take(self, socket: Any, symbol: str, message: Mapping[str, Any]) -> None:
        """One depth diff: through the library, then look what it did."""
        books = self._client.orderbooks
        had_book = symbol in books
        self._sockets[symbol] = socket
        if had_book and self._precedes_snapshot(books[symbol], message):
            return
        self._client.forward(socket, message)
        book = books.get(symbol)
        if book is None:
            if had_book:  # the library throws a book away when a diff does not follow
                self._in_step[symbol] = False
                self._resync(socket, symbol)
            return
        if not self._in_step[symbol]:
            self.look(symbol)
        elif book["nonce"] == message["u"]:
            for listener in self.listeners:
                listener.on_depth(symbol, message)
            self._trim(symbol, book)

    def _precedes_snapshot(self, book: Any, message: Mapping[str, Any]) -> bool:
        """True for a diff that a snapshot will know, because it was not asked for yet: a ban can
        keep the question back for days, and the library would keep every diff of that time."""
        return book["nonce"] is None and not self._client.snapshots_under_way[message["s"]]

    def look(self, symbol: str) -> None:
        """Has the snapshot come? Then the book is in step, also when nothing moves after it."""
        if self._in_step[symbol] or not self._client.clients:
            return
        self._snapshot_ts[symbol] = self._clock.now_ms()
        whole = self._read(symbol, self._settings.book_snapshot_levels)
        if whole is None:
            return
        self._in_step[symbol] = True
        self._edges[symbol] = self._known_part(symbol)
        for listener in self.listeners:
            listener.on_book(symbol, whole)
        self._on_in_step()

    def book(self, symbol: str) -> OrderBook | None:
        """The book as it is; None while it is not in step."""
        if not self._in_step.get(symbol):
            return None
        return self._read(symbol, self._settings.book_levels)

    def changed_book(self, symbol: str) -> OrderBook | None:
        """The book when it changed since it was last given out here."""
        if not self._in_step[symbol]:
            self.look(symbol)
            return None
        cached = self._client.orderbooks.get(symbol)
        if cached is None or cached["nonce"] == self._published.get(symbol):
            return None
        self._published[symbol] = cached["nonce"]
        book = self._read(symbol, self._settings.book_levels)
        socket = self._sockets.get(symbol)
        if book is None or socket is None:
            return book
        if self._edges[symbol].are_reached_by(book, self._settings.book_levels):
            self._in_step[symbol] = False
            del self._published[symbol]  # the fresh snapshot may well have the same number
            self._resync(socket, symbol)
            return None
        return book

    def _known_part(self, symbol: str) -> Edges:
        """What a fresh snapshot knows of each side."""
        cached, edges = self._client.orderbooks[symbol], Edges()
        full = self._settings.book_snapshot_levels * WHOLE_BOOK_PART
        if len(cached["bids"]) >= full:
            edges.bid = cached["bids"][-1][0]
        if len(cached["asks"]) >= full:
            edges.ask = cached["asks"][-1][0]
        return edges

    def _trim(self, symbol: str, cached: Any) -> None:
        """Forget the levels far away, and remember that they are forgotten."""
        depth = self._settings.book_snapshot_levels
        most = depth * (1 + TRIM_SLACK_PART)
        edges = self._edges[symbol]
        bids, asks = cached["bids"], cached["asks"]
        if len(bids) > most:
            bids.limit()
            edges.bid = max(edges.bid, bids[-1][0])
        if len(asks) > most:
            asks.limit()
            edges.ask = min(edges.ask, asks[-1][0])

    def _read(self, symbol: str, levels: int) -> OrderBook | None:
        cached = self._client.orderbooks.get(symbol)
        return read_book(cached, symbol, levels, self._snapshot_ts[symbol])

    async def close(self) -> None:
        tasks = list(self._resyncs.values())
        self.lost()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _resync(self, socket: Any, symbol: str) -> None:
        self.resync_count += 1
        running = self._resyncs.get(symbol)
        if running is None or running.done():
            self._begin_anew(symbol)  # at once: the next diff must not find the old book in step
            self._resyncs[symbol] = asyncio.create_task(self._repair(socket, symbol))

    def _begin_anew(self, symbol: str) -> None:
        """An empty book, in which the library keeps diffs until the snapshot comes."""
        limit = self._settings.book_snapshot_levels
        self._client.orderbooks[symbol] = self._client.order_book({}, limit)

    async def _repair(self, socket: Any, symbol: str) -> None:
        """The library's own steps after a subscription, without subscribing again."""
        client, limit = self._client, self._settings.book_snapshot_levels
        key = f"orderbook::{symbol}"
        subscription: dict[str, Any] = {
            "id": None,
            "symbol": symbol,
            "name": "depth",
            "type": "spot",
            "limit": limit,
            "params": {},
        }
        backoff = Backoff(self._settings.backoff_seed, longest_seconds=2.0)
        while client.clients.get(socket.url) is socket:
            self._begin_anew(symbol)
            socket.subscriptions[key] = subscription
            await client.fetch_order_book_snapshot(socket, None, subscription)
            socket.rejections.pop(
                key, None
            )  # a failed snapshot is seen below, not by a later watch
            book = client.orderbooks.get(symbol)
            if book is not None and book["nonce"] is not None:
                return
            await asyncio.sleep(backoff.next_seconds())
