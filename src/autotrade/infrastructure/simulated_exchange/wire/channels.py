"""Channels: one per subscribed market stream. A channel encodes a message once for everybody.

A channel hears of trades and book changes of its symbol and is flushed at multiples of its
cadence on the exchange's clock; which of these it uses is what makes it a kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

import orjson

from autotrade.infrastructure.simulated_exchange.core.candles import open_of
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import BookChanged, DayTicker, Trade
from autotrade.infrastructure.simulated_exchange.wire import stream_events as events
from autotrade.infrastructure.simulated_exchange.wire.faults import FaultPlan
from autotrade.infrastructure.simulated_exchange.wire.stream_names import StreamName
from autotrade.infrastructure.simulated_exchange.wire.ticker_operations import window_ticker


class Subscriber(Protocol):
    """A session that receives a stream."""

    is_combined: bool

    def send(self, message: bytes) -> None: ...


class Channel:
    """The base: who listens, and how a message reaches them."""

    hears_trades = False
    hears_books = False

    def __init__(self, name: StreamName, exchange: SimulatedExchange, faults: FaultPlan) -> None:
        self.name = name
        self.exchange = exchange
        self.faults = faults
        self.subscribers: dict[Subscriber, None] = {}
        self.published = 0
        self._prefix = b'{"stream":' + orjson.dumps(name.text) + b',"data":'

    def on_trade(self, trade: Trade, ts: int) -> None: ...

    def on_book(self, change: BookChanged) -> None: ...

    def flush(self, ts: int) -> None: ...

    def publish(self, event: Mapping[str, Any] | list[Any]) -> None:
        faults = self.faults
        if faults.silent_streams:
            return
        listening = list(self.subscribers)
        rule = faults.frame_rule
        if rule is None or not rule(self.name.text, event, lambda: self._send(event, listening)):
            self._send(event, listening)

    def _send(self, event: Mapping[str, Any] | list[Any], listening: list[Subscriber]) -> None:
        self.published += 1
        plain = orjson.dumps(self.faults.at_our_time(event))
        combined: bytes | None = None
        for subscriber in listening:
            if subscriber.is_combined:
                if combined is None:
                    combined = self._prefix + plain + b"}"
                subscriber.send(combined)
            else:
                subscriber.send(plain)


class TradeChannel(Channel):
    hears_trades = True

    def on_trade(self, trade: Trade, ts: int) -> None:
        self.publish(events.trade_event(trade, ts))


class AggregateTradeChannel(Channel):
    """Sends an aggregate when it can grow no more."""

    hears_trades = True

    def __init__(self, name: StreamName, exchange: SimulatedExchange, faults: FaultPlan) -> None:
        super().__init__(name, exchange, faults)
        self._statistics = exchange.statistics(name.symbol)
        self._sent_id = self._statistics.complete_aggregate_id

    def on_trade(self, trade: Trade, ts: int) -> None:
        self.flush(ts)

    def flush(self, ts: int) -> None:
        complete_id = self._statistics.complete_aggregate_id
        if complete_id <= self._sent_id:
            return
        first_id, self._sent_id = self._sent_id + 1, complete_id
        for trade in self._statistics.aggregate_trades(from_id=first_id, limit=1_000):
            if trade.id <= complete_id:
                self.publish(events.aggregate_event(self.name.symbol, trade, ts))


class BookTickerChannel(Channel):
    """Sends when price or amount of the best bid or ask changed."""

    hears_books = True

    def __init__(self, name: StreamName, exchange: SimulatedExchange, faults: FaultPlan) -> None:
        super().__init__(name, exchange, faults)
        self._last: dict[str, events.Best] = {}

    def on_book(self, change: BookChanged) -> None:
        best = self.exchange.best(change.symbol)
        if self._last.get(change.symbol) != best:
            self._last[change.symbol] = best
            self.publish(events.book_ticker_event(change.symbol, change.last_update_id, best))


class DepthChannel(Channel):
    """Diffs merged between flushes; `U` of one is `u` of the one before plus one."""

    hears_books = True

    def __init__(self, name: StreamName, exchange: SimulatedExchange, faults: FaultPlan) -> None:
        super().__init__(name, exchange, faults)
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}
        self._first_id = 0
        self._last_id = 0

    def on_book(self, change: BookChanged) -> None:
        if not self._first_id:
            self._first_id = change.first_update_id
        self._last_id = change.last_update_id
        self._bids.update(change.bids)
        self._asks.update(change.asks)

    def flush(self, ts: int) -> None:
        if not self._first_id:
            return
        symbol = self.name.symbol
        if not self.faults.takes_depth_event(symbol):
            self.publish(
                events.depth_event(
                    symbol,
                    ts,
                    (self._first_id, self._last_id),
                    sorted(self._bids.items(), reverse=True),
                    sorted(self._asks.items()),
                )
            )
        self._bids.clear()
        self._asks.clear()
        self._first_id = 0


class PartialDepthChannel(Channel):
    """The best levels, when anything in the book changed."""

    hears_books = True
    _is_changed = True

    def on_book(self, change: BookChanged) -> None:
        self._is_changed = True

    def flush(self, ts: int) -> None:
        if self._is_changed:
            self._is_changed = False
            found = self.exchange.depth(self.name.symbol, self.name.levels)
            self.publish(events.partial_depth_event(*found))


class KlineChannel(Channel):
    """The running candle at the cadence when it traded, the closed one exactly at its end."""

    hears_trades = True

    def __init__(self, name: StreamName, exchange: SimulatedExchange, faults: FaultPlan) -> None:
        super().__init__(name, exchange, faults)
        self._statistics = exchange.statistics(name.symbol)
        self._has_traded = False

    def on_trade(self, trade: Trade, ts: int) -> None:
        self._has_traded = True

    def flush(self, ts: int) -> None:
        symbol, interval = self.name.symbol, self.name.interval
        if open_of(interval, ts) == ts:
            closed = self._statistics.closed_kline(interval, ts)
            if closed is not None:
                self.publish(events.kline_event(symbol, interval, closed, ts, is_closed=True))
            self._has_traded = False
        elif self._has_traded:
            self._has_traded = False
            running = self._statistics.current_kline(interval)
            if running is not None:
                self.publish(events.kline_event(symbol, interval, running, ts, is_closed=False))


class TickerChannel(Channel):
    """miniTicker, ticker, ticker_1h ... of one symbol or, as an array, of those that traded."""

    hears_trades = True

    def __init__(self, name: StreamName, exchange: SimulatedExchange, faults: FaultPlan) -> None:
        super().__init__(name, exchange, faults)
        everything = [market.symbol for market in exchange.markets]
        symbols = [name.symbol] if name.symbol else everything
        self._changed: dict[str, None] = dict.fromkeys(symbols)

    def on_trade(self, trade: Trade, ts: int) -> None:
        self._changed[trade.symbol] = None

    def flush(self, ts: int) -> None:
        if not self._changed:
            return
        made = [self._make(symbol, ts) for symbol in self._changed]
        self._changed.clear()
        self.publish(made[0] if self.name.symbol else made)

    def _make(self, symbol: str, ts: int) -> dict[str, Any]:
        statistics = self.exchange.statistics(symbol)
        if self.name.kind == "windowTicker":
            ticker: DayTicker = window_ticker(statistics, symbol, self.name.window_ms, ts)
            window = self.name.text.partition("ticker_")[2].partition("@")[0]
            return events.window_ticker_event(ticker, window, ts)
        ticker = statistics.ticker_24h()
        if self.name.kind == "miniTicker":
            return events.mini_ticker_event(ticker, ts)
        return events.ticker_event(ticker, self.exchange.best(symbol), ts)


class AveragePriceChannel(Channel):
    hears_trades = True
    _last_trade_ts = 0

    def on_trade(self, trade: Trade, ts: int) -> None:
        self._last_trade_ts = trade.ts

    def flush(self, ts: int) -> None:
        if self._last_trade_ts:
            symbol = self.name.symbol
            self.publish(
                events.average_price_event(
                    symbol,
                    self.exchange.market(symbol).average_price_minutes,
                    self.exchange.average_price(symbol),
                    self._last_trade_ts,
                    ts,
                )
            )
            self._last_trade_ts = 0


CHANNEL_KINDS: dict[str, type[Channel]] = {
    "trade": TradeChannel,
    "aggTrade": AggregateTradeChannel,
    "bookTicker": BookTickerChannel,
    "depth": DepthChannel,
    "partialDepth": PartialDepthChannel,
    "kline": KlineChannel,
    "miniTicker": TickerChannel,
    "ticker": TickerChannel,
    "windowTicker": TickerChannel,
    "avgPrice": AveragePriceChannel,
}
