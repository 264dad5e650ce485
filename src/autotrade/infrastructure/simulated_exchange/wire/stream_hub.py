"""StreamHub: subscriptions of all market streams, and their clockwork on the exchange's time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    BookChanged,
    Output,
    TradeExecuted,
)
from autotrade.infrastructure.simulated_exchange.wire.channels import (
    CHANNEL_KINDS,
    Channel,
    KlineChannel,
    Subscriber,
)
from autotrade.infrastructure.simulated_exchange.wire.faults import FaultPlan
from autotrade.infrastructure.simulated_exchange.wire.stream_names import (
    StreamName,
    parse_stream,
)

AGGREGATE_CADENCE_MS = 100


class StreamHub:
    """Who listens to what. `on_outputs` and `flush` are called by whoever drives the exchange."""

    def __init__(self, exchange: SimulatedExchange, faults: FaultPlan) -> None:
        self._exchange = exchange
        self._faults = faults
        self._symbols = frozenset(market.symbol for market in exchange.markets)
        self._channels: dict[str, Channel] = {}
        self._trade_channels: dict[str, list[Channel]] = {}
        self._book_channels: dict[str, list[Channel]] = {}
        self._timed: dict[int, list[Channel]] = {}
        self._flushed_ts = exchange.now
        self.unknown: list[str] = []
        self.on_due_changed: Callable[[], None] | None = None
        """Called when a new stream may be due earlier than anything before."""

    # subscriptions

    def subscribe(self, subscriber: Subscriber, text: str) -> None:
        """Add a subscription; a stream that Binance does not know stays silent and is noted."""
        channel = self._channels.get(text)
        if channel is None:
            name = parse_stream(text)
            if name is None or (name.symbol and name.symbol not in self._symbols):
                self.unknown.append(text)
                return
            channel = self._open(name)
        channel.subscribers[subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, text: str) -> None:
        channel = self._channels.get(text)
        if channel is None:
            return
        channel.subscribers.pop(subscriber, None)
        if not channel.subscribers:
            self._close(channel)

    def _open(self, name: StreamName) -> Channel:
        if not self._timed:
            self._flushed_ts = self._exchange.now
        channel = CHANNEL_KINDS[name.kind](name, self._exchange, self._faults)
        self._channels[name.text] = channel
        key = name.symbol
        if channel.hears_trades:
            self._trade_channels.setdefault(key, []).append(channel)
        if channel.hears_books:
            self._book_channels.setdefault(key, []).append(channel)
        cadence_ms = _cadence_of(channel)
        if cadence_ms:
            group = self._timed.setdefault(cadence_ms, [])
            if isinstance(channel, KlineChannel):
                group.insert(0, channel)  # a candle's close is what traders wait for
            else:
                group.append(channel)
            if self.on_due_changed is not None:
                self.on_due_changed()
        return channel

    def _close(self, channel: Channel) -> None:
        del self._channels[channel.name.text]
        for index in (self._trade_channels, self._book_channels):
            listening = index.get(channel.name.symbol, [])
            if channel in listening:
                listening.remove(channel)
        cadence_ms = _cadence_of(channel)
        if cadence_ms:
            self._timed[cadence_ms].remove(channel)
            if not self._timed[cadence_ms]:
                del self._timed[cadence_ms]

    # what happens

    def on_outputs(self, outputs: Iterable[Output]) -> None:
        """Pass on what the core told, in its order."""
        now = self._exchange.now
        for output in outputs:
            if isinstance(output, BookChanged):
                for channel in self._listening(self._book_channels, output.symbol):
                    channel.on_book(output)
            elif isinstance(output, TradeExecuted):
                trade = output.trade
                for channel in self._listening(self._trade_channels, trade.symbol):
                    channel.on_trade(trade, now)

    @staticmethod
    def _listening(index: dict[str, list[Channel]], symbol: str) -> Iterable[Channel]:
        own, everybodys = index.get(symbol), index.get("")
        if everybodys:
            return [*(own or ()), *everybodys]
        return own or ()

    def next_due_ts(self) -> int | None:
        """When the next flush is due; None while no stream has a cadence."""
        last = self._flushed_ts
        due = [(last // cadence_ms + 1) * cadence_ms for cadence_ms in self._timed]
        return min(due, default=None)

    def flush(self, ts: int) -> None:
        """Send what is due at `ts`, a multiple of a cadence; closed candles go first."""
        self._flushed_ts = ts
        due = [
            c for cadence_ms in self._timed if ts % cadence_ms == 0 for c in self._timed[cadence_ms]
        ]
        due.sort(key=lambda channel: not isinstance(channel, KlineChannel))
        for channel in due:
            channel.flush(ts)

    @property
    def published(self) -> int:
        return sum(channel.published for channel in self._channels.values())

    @property
    def stream_count(self) -> int:
        return len(self._channels)


def _cadence_of(channel: Channel) -> int:
    if channel.name.kind == "aggTrade":
        return AGGREGATE_CADENCE_MS
    return channel.name.cadence_ms
