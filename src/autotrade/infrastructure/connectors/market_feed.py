"""MarketDataFeed over ccxt.pro: prices, candles and books of one venue, without keys."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from autotrade.application.ports import EventSink, ExchangeUnreachable
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.events import (
    Channel,
    ChannelLost,
    ChannelRestored,
    OrderBookUpdated,
    TickerUpdated,
)
from autotrade.infrastructure.connectors.book_keeper import BookKeeper, RawMarketListener
from autotrade.infrastructure.connectors.candle_keeper import CandleKeeper
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.error_normalizer import normalize
from autotrade.infrastructure.connectors.event_pump import EventPump
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.market_questions import MarketQuestions
from autotrade.infrastructure.connectors.market_streams import MarketStreams, StreamKind

if TYPE_CHECKING:
    from autotrade.infrastructure.connectors.tapped_client import TappedBinance

LOG = logging.getLogger(__name__)
QUIET_KINDS_FACTOR = 4
"""Candles and trades may be rare on a quiet pair: their sockets get more patience than quotes."""
BAD_PAYLOAD = (KeyError, ValueError, TypeError, ArithmeticError, IndexError, AttributeError)


class CcxtMarketDataFeed:
    """Implements MarketDataFeed. `start` returns when every stream is up and every book in step;
    the streams dial on while it is not, so another `start` only waits for them again."""

    def __init__(
        self,
        client: TappedBinance,
        settings: ConnectorSettings,
        clock: ExchangeClock,
        questions: MarketQuestions,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        self._questions, self._monotonic = questions, monotonic
        self._candles = CandleKeeper(settings, clock, questions)
        self._symbols: list[str] = []
        self._quotes: dict[str, Mapping[str, Any]] = {}
        self._last_price: dict[str, str] = {}
        self._seen: dict[str, float] = {}
        self._seen_kind: dict[StreamKind, float] = {}
        self._stale: set[str] = set()
        self._is_lost = True
        self._has_been_ready = False
        self._ready = asyncio.Event()
        self._is_flushing = False
        self._is_started = False
        self._tasks: list[asyncio.Task[None]] = []
        self._listeners: list[RawMarketListener] = []
        self.trades_seen = 0
        self.bad_messages = 0

    # --- the port -------------------------------------------------------------------------

    async def start(self, symbols: Sequence[str], timeframe: str, sink: EventSink) -> None:
        if not symbols:
            raise ValueError("expected at least one pair to watch, was none, name one")
        if not self._is_started:
            await self._questions.rules(symbols)
            self._stream(symbols, timeframe, sink)
        await self._until_ready()

    def _stream(self, symbols: Sequence[str], timeframe: str, sink: EventSink) -> None:
        self._symbols, self._sink = list(symbols), sink
        self._pump = EventPump(sink, self._overflowed)
        self._books = BookKeeper(
            self._client,
            self._settings,
            self._symbols,
            self._clock,
            on_in_step=self._maybe_restored,
        )
        self._books.listeners = self._listeners
        self._streams = MarketStreams(
            self._client,
            self._settings,
            self._symbols,
            timeframe,
            on_down=self._stream_down,
            on_up=self._stream_up,
        )
        now = self._monotonic()
        self._seen = dict.fromkeys(self._symbols, now)
        self._seen_kind = dict.fromkeys(self._streams.kinds, now)
        self._client.tap = self._tap
        self._is_started = True
        self._pump.start()
        self._candles.start(self._symbols, timeframe, self._pump, self._books.book, sink.put_market)
        self._streams.start()
        self._tasks = [
            asyncio.create_task(self._publish_books(), name="publish-books"),
            asyncio.create_task(self._watch_staleness(), name="watch-staleness"),
            asyncio.create_task(self._keep_clock(), name="keep-clock"),
        ]

    async def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        try:
            candles = await self._questions.closed_candles(symbol, timeframe, count=count)
        except Exception as error:
            failure = normalize(error, self._settings.secrets)
            raise ExchangeUnreachable(
                f"expected the candles of {symbol}, was {failure.message}; look at the network",
                may_pass=failure.may_pass,
            ) from error
        if candles:
            self._candles.anchor(symbol, timeframe, candles[-1].open_ts)
        return candles

    async def rules(self, symbols: Sequence[str]) -> dict[str, MarketRules]:
        return await self._questions.rules(symbols)

    @property
    def questions(self) -> MarketQuestions:
        """Public questions by REST, for those who want no stream: candle downloads."""
        return self._questions

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._is_started:
            self._client.tap = self._client.forward
            await self._streams.close()
            await self._books.close()
            await self._candles.close()
            await self._pump.close()
        await self._client.shut()

    # --- what screens and the performance logger may read ---------------------------------

    @property
    def redials(self) -> int:
        return self._streams.redials if self._is_started else 0

    @property
    def book_resyncs(self) -> int:
        return self._books.resync_count if self._is_started else 0

    def listen(self, listener: RawMarketListener) -> None:
        """Hand out raw depth and trades too; call it before `start`."""
        self._listeners.append(listener)

    # --- messages -------------------------------------------------------------------------

    def _tap(self, socket: Any, message: Any) -> None:
        """Every message of every market socket; must not raise, or the library's reading stops."""
        try:
            self._dispatch(socket, message)
        except BAD_PAYLOAD as error:
            self.bad_messages += 1
            LOG.warning("unreadable market message %.200s: %r", message, error)

    def _dispatch(self, socket: Any, message: Any) -> None:
        event = message.get("e") if isinstance(message, dict) else None
        match event:
            case "depthUpdate":
                kind = StreamKind.DEPTH
            case "trade":
                kind = StreamKind.TRADE
            case "kline":
                kind = StreamKind.KLINE
            case None if isinstance(message, dict) and "A" in message and "B" in message:
                kind = StreamKind.QUOTE
            case _:
                self._client.forward(socket, message)
                if isinstance(message, dict) and "result" in message:
                    self._streams.acknowledged(socket.url)
                return
        symbol = self._questions.directory.symbol(message["s"])
        if symbol is None or symbol not in self._seen:
            return
        now = self._monotonic()
        self._seen[symbol] = self._seen_kind[kind] = now
        self._streams.carries(socket.url, kind)
        if kind is not StreamKind.QUOTE:
            self._clock.heard(int(message["E"]))
        if symbol in self._stale:
            self._fresh(symbol)
        match kind:
            case StreamKind.DEPTH:
                self._books.take(socket, symbol, message)
            case StreamKind.QUOTE:
                self._quotes[symbol] = message
                self._flush_soon()
            case StreamKind.TRADE:
                self.trades_seen += 1
                self._last_price[symbol] = message["p"]
                for listener in self._listeners:
                    listener.on_trade(symbol, message)
            case StreamKind.KLINE:
                line = message["k"]
                self._last_price[symbol] = line["c"]
                if line["x"]:
                    self._candles.take(symbol, line)

    def _flush_soon(self) -> None:
        """One ticker a symbol for each turn of the loop, however many quotes came in it."""
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        quotes, self._quotes = self._quotes, {}
        now = self._clock.now_ms()
        for symbol, quote in quotes.items():
            price = self._last_price.get(symbol) or quote["b"]
            self._sink.put_market(
                TickerUpdated(
                    ts=now,
                    symbol=symbol,
                    price=Decimal(price),
                    bid=Decimal(quote["b"]),
                    ask=Decimal(quote["a"]),
                )
            )

    # --- loss and return ------------------------------------------------------------------

    def _stream_down(self, kind: StreamKind, text: str) -> None:
        if kind is StreamKind.DEPTH:
            self._books.lost()
        if not self._is_lost:
            self._is_lost = True
            self._ready.clear()
            self._push_lost(f"{kind} stream: {text}", None)

    def _stream_up(self, kind: StreamKind) -> None:
        self._seen_kind[kind] = self._monotonic()
        self._candles.look_for_missing()
        self._maybe_restored()

    def _maybe_restored(self) -> None:
        if self._is_lost and self._books.is_in_step and all(self._streams.is_up.values()):
            self._is_lost = False
            is_first = not self._has_been_ready
            self._has_been_ready = True
            self._ready.set()
            if not is_first:
                self._pump.push(
                    ChannelRestored(ts=self._clock.now_ms(), channel=Channel.MARKET_DATA)
                )

    def _fresh(self, symbol: str) -> None:
        self._stale.discard(symbol)
        self._pump.push(
            ChannelRestored(ts=self._clock.now_ms(), channel=Channel.MARKET_DATA, symbol=symbol)
        )

    def _push_lost(self, text: str, symbol: str | None) -> None:
        self._pump.push(
            ChannelLost(
                ts=self._clock.now_ms(), channel=Channel.MARKET_DATA, text=text, symbol=symbol
            )
        )

    def _overflowed(self) -> None:
        LOG.error("expected the loop to take market events, was stalled, events are lost")

    async def _until_ready(self) -> None:
        seconds = self._settings.request_timeout_seconds * 2
        try:
            await asyncio.wait_for(self._ready.wait(), seconds)
        except TimeoutError:
            states = ", ".join(
                f"{kind} {'up' if is_up else 'down'}" for kind, is_up in self._streams.is_up.items()
            )
            raise ExchangeUnreachable(
                f"expected the market streams of {self._settings.venue} within {seconds:.0f} s, "
                f"was {states}, books {'in step' if self._books.is_in_step else 'not in step'}; "
                "look at the network and the exchange's status"
            ) from None

    # --- timers ---------------------------------------------------------------------------

    async def _publish_books(self) -> None:
        while True:
            for symbol in self._symbols:
                book = self._books.changed_book(symbol)
                if book is not None:
                    self._sink.put_market(
                        OrderBookUpdated(ts=self._clock.now_ms(), symbol=symbol, book=book)
                    )
            await asyncio.sleep(self._settings.book_interval_seconds)

    async def _watch_staleness(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._settings.stale_seconds / 4))
            self.check_staleness()
            self._candles.look_for_missing()

    def check_staleness(self) -> None:
        """Say which symbols are silent, and give up sockets that are."""
        now, limit = self._monotonic(), self._settings.stale_seconds
        for symbol, seen in self._seen.items():
            if now - seen > limit and symbol not in self._stale:
                self._stale.add(symbol)
                self._push_lost(f"no message for {now - seen:.1f} s", symbol)
        for kind, seen in self._seen_kind.items():
            is_quiet_kind = kind in (StreamKind.KLINE, StreamKind.TRADE)
            patience = limit * (QUIET_KINDS_FACTOR if is_quiet_kind else 1)
            if now - seen > patience and self._streams.is_up[kind]:
                self._seen_kind[kind] = now
                self._streams.drop(kind, f"no {kind} message for {now - seen:.1f} s")

    async def _keep_clock(self) -> None:
        while True:
            await asyncio.sleep(self._settings.clock_interval_seconds)
            try:
                await self._clock.measure(self._questions.server_time)
            except Exception as error:  # noqa: BLE001 the streams and orders say it louder
                failure = normalize(error, self._settings.secrets)
                LOG.info("the clock was not measured: %s", failure.message)
