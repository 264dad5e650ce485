"""The market-data sockets: subscribed once by the library, redialled by us when they go down.

The library is asked to watch, which makes it dial and subscribe; the values are taken from the raw
messages by the feed, so its watch call is never woken by data. It ends only when the socket does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from autotrade.infrastructure.connectors.backoff import Backoff
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings

if TYPE_CHECKING:
    from autotrade.infrastructure.connectors.tapped_client import TappedBinance

DIAL_SECONDS_MAX = 15.0


class StreamKind(StrEnum):
    DEPTH = "depth"
    QUOTE = "bookTicker"
    KLINE = "kline"
    TRADE = "trade"


class StreamDown(Exception):
    """A socket that has to be dialled anew; the text says why."""


class MarketStreams:
    """One socket a kind, all symbols on it. `on_down` and `on_up` are told at once, on the loop."""

    def __init__(
        self,
        client: TappedBinance,
        settings: ConnectorSettings,
        symbols: Sequence[str],
        timeframe: str,
        *,
        on_down: Callable[[StreamKind, str], None],
        on_up: Callable[[StreamKind], None],
    ) -> None:
        self._client, self._settings = client, settings
        self._symbols, self._timeframe = list(symbols), timeframe
        self._on_down, self._on_up = on_down, on_up
        self.kinds = [StreamKind.DEPTH, StreamKind.QUOTE, StreamKind.KLINE]
        if settings.has_trade_stream:
            self.kinds.append(StreamKind.TRADE)
        self.is_up = dict.fromkeys(self.kinds, False)
        self.redials = 0
        self._kind_by_url: dict[str, StreamKind] = {}
        self._url_by_kind: dict[StreamKind, str] = {}
        self._down_text: dict[StreamKind, str] = {}
        self._down = {kind: asyncio.Event() for kind in self.kinds}
        self._backoff = {
            kind: Backoff(
                settings.backoff_seed + index, longest_seconds=settings.backoff_longest_seconds
            )
            for index, kind in enumerate(self.kinds)
        }
        self._dial_lock = asyncio.Lock()
        self._dialling: StreamKind | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._client.on_socket_down = self.socket_down
        self._tasks = [
            asyncio.create_task(self._keep(kind), name=f"stream-{kind}") for kind in self.kinds
        ]

    async def close(self) -> None:
        self._client.on_socket_down = lambda url, text: None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what the feed's tap tells --------------------------------------------------------

    def acknowledged(self, url: str) -> None:
        """A subscription was confirmed on this socket."""
        kind = self._kind_by_url.get(url) or self._dialling
        if kind is not None:
            self.carries(url, kind)

    def carries(self, url: str, kind: StreamKind) -> None:
        """A message of this kind came through this socket: it is up."""
        if not self.is_up[kind] or self._url_by_kind.get(kind) != url:
            self._kind_by_url[url], self._url_by_kind[kind] = kind, url
            if not self.is_up[kind]:
                self.is_up[kind] = True
                self._backoff[kind].reset()
                self._on_up(kind)

    def drop(self, kind: StreamKind, text: str) -> None:
        """Give up a silent socket."""
        url = self._url_by_kind.get(kind)
        if url is not None:
            self._client.drop_socket(url, text)
        self._note_down(kind, text)

    def socket_down(self, url: str, text: str) -> None:
        """The library's close and error callbacks."""
        kind = self._kind_by_url.get(url)
        if kind is not None:
            self._note_down(kind, text)

    # --- dialling -------------------------------------------------------------------------

    def _note_down(self, kind: StreamKind, text: str) -> None:
        self._down_text.setdefault(kind, text)
        self._down[kind].set()
        if self.is_up[kind]:
            self.is_up[kind] = False
            self._on_down(kind, text)

    async def _keep(self, kind: StreamKind) -> None:
        while True:
            try:
                await self._dial(kind)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                text = "the library gave the watch up"
            except Exception as error:  # noqa: BLE001 whatever the library raises: dial again
                text = f"{type(error).__name__}: {error}"
            text = self._settings.scrub(self._down_text.pop(kind, text))
            url = self._url_by_kind.get(kind)
            if url is not None:
                self._client.drop_socket(url, text)
            self._note_down(kind, text)
            self.redials += 1
            await asyncio.sleep(self._backoff[kind].next_seconds())

    async def _dial(self, kind: StreamKind) -> None:
        """Returns by raising only."""
        async with self._dial_lock:  # one at a time: a confirmation then says which socket is whose
            self._dialling = kind
            self._down[kind].clear()
            self._down_text.pop(kind, None)
            self._client.forget_dial_delays()
            watching = asyncio.ensure_future(self._watch(kind))
            try:
                await self._until_up(kind, watching)
            except BaseException:
                watching.cancel()
                raise
            finally:
                self._dialling = None
        down = asyncio.ensure_future(self._down[kind].wait())
        try:
            # a finished watch is the book's first answer; its socket is followed by the callbacks
            waiting = {down} if watching.done() and not watching.exception() else {watching, down}
            while not down.done():
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if watching.done():
                    watching.result()
                    waiting = {down}
        finally:
            down.cancel()
            if not watching.done():
                watching.cancel()
        raise StreamDown(self._down_text.get(kind, "the socket closed"))

    async def _until_up(self, kind: StreamKind, watching: asyncio.Future[Any]) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + DIAL_SECONDS_MAX
        while not self.is_up[kind]:
            if watching.done():
                watching.result()  # raises what went wrong
            if self._down[kind].is_set():
                raise StreamDown(self._down_text.get(kind, "the socket closed"))
            if loop.time() > deadline:
                raise StreamDown(f"no confirmation within {DIAL_SECONDS_MAX:.0f} s")
            await asyncio.wait({watching}, timeout=0.02)
            if watching.done() and not self.is_up[kind]:
                watching.result()
                self.is_up[kind] = True
                self._on_up(kind)

    async def _watch(self, kind: StreamKind) -> Any:
        client, symbols = self._client, self._symbols
        match kind:
            case StreamKind.DEPTH:
                for symbol in symbols:
                    client.orderbooks.pop(symbol, None)  # a stale book would fail on its first diff
                limit = self._settings.book_snapshot_levels
                try:
                    return await client.watch_order_book_for_symbols(symbols, limit)
                except Exception as error:
                    if type(error).__name__ != "ChecksumError":
                        raise
                    return None  # a gap in one book: the feed repairs it without a new socket
            case StreamKind.QUOTE:
                return await client.watch_bids_asks(symbols)
            case StreamKind.KLINE:
                pairs = [[symbol, self._timeframe] for symbol in symbols]
                return await client.watch_ohlcv_for_symbols(pairs)
            case StreamKind.TRADE:
                return await client.watch_trades_for_symbols(symbols)
