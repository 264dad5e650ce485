"""The connector's own market feed at a running exchange, and its books against offline ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.events import Event, OrderBookUpdated
from autotrade.infrastructure.connectors.ccxt_connection import open_connector
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings, Venue
from autotrade.infrastructure.connectors.transport import loopback
from autotrade.infrastructure.simulated_exchange.announcement import read_announcement
from tests.acceptance.offline_book import OfflineBook, books_at

LEVELS = 100
SILENCE_SECONDS = 2.0
"""Silence that ends the watch once the recording has ended."""


@dataclass(slots=True)
class Collected:
    """Sink that keeps every book that was given out, and listener to the whole ones: the first, and
    those that were fetched when the market left what an earlier one knew."""

    wholes: list[OrderBook] = field(default_factory=list)
    books: list[OrderBook] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, event: Event) -> None:
        self.events.append(event)

    def put_market(self, event: Event) -> None:
        """A book that is given out again unchanged is no news."""
        if not isinstance(event, OrderBookUpdated):
            return
        if not self.books or self.books[-1].update_id != event.book.update_id:
            self.books.append(event.book)
            self.news.set()

    def on_book(self, symbol: str, book: OrderBook) -> None:
        """One that was fetched with nothing new in between replaces what was given out of the
        earlier one: at this update id only the newer one's knowledge is compared."""
        self.wholes.append(book)
        if self.books and self.books[-1].update_id == book.update_id:
            self.books.pop()

    def on_depth(self, symbol: str, message: Mapping[str, Any]) -> None:
        """Books are compared, not updates."""

    def on_trade(self, symbol: str, message: Mapping[str, Any]) -> None:
        """Books are compared, not trades."""


async def watch_books(announce_file: Path, symbol: str, *, interval_seconds: float) -> Collected:
    """Follow one pair through the bot's own connector until its stream falls silent."""
    announcement = read_announcement(announce_file)
    connection = await open_connector(
        ConnectorSettings(
            venue=Venue.EMBEDDED,
            transport=loopback(announcement.tls_port, announcement.ca_certificate),
            speed=announcement.speed,
            book_interval_seconds=interval_seconds,
            clock_interval_seconds=10.0,
        )
    )
    collected = Collected()
    connection.feed.listen(collected)
    try:
        await connection.feed.start([symbol], "1m", collected)
        while True:
            collected.news.clear()
            try:
                await asyncio.wait_for(collected.news.wait(), SILENCE_SECONDS)
            except TimeoutError:
                return collected
    finally:
        await connection.feed.close()


def compare_books(files: Sequence[Path], collected: Collected) -> dict[str, Any]:
    """How many of the books could be compared, and which differ in their best levels."""
    books = collected.books
    assert collected.wholes, "no whole book came"
    offline = books_at(
        files,
        {book.update_id for book in books},
        LEVELS,
        {
            whole.update_id: {price for price, _ in (*whole.bids, *whole.asks)}
            for whole in collected.wholes
        },
    )
    compared, unknown, unseen, different = 0, 0, 0, []
    for book in books:
        wanted = offline.get(book.update_id)
        if wanted is None:
            unknown += 1
            continue
        compared += 1
        unseen += bool(wanted.unseen)
        for was, levels in ((book.bids, wanted.bids), (book.asks, wanted.asks)):
            if not _is_same(was, levels, wanted):
                odd = sorted(set(was[:LEVELS]) ^ set(levels))
                different.append({"id": book.update_id, "odd": odd})
    return {
        "compared": compared,
        "levels": LEVELS,
        "fetched": len(collected.wholes),
        "not_in_capture": unknown,
        "with_levels_no_client_can_know": unseen,
        "different": different,
    }


def _is_same(
    was: Sequence[tuple[float, float]], wanted: Sequence[tuple[float, float]], book: OfflineBook
) -> bool:
    """Equal level by level; without unseen levels to the last of them."""
    known = [level for level in wanted if level[0] not in book.unseen]
    seen = [level for level in was[:LEVELS] if level[0] not in book.unseen]
    return len(seen) >= len(known) > 0 and seen[: len(known)] == known
