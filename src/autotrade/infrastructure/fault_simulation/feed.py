"""MarketDataFeed of a simulated process: a price of each pair every second, books, closed candles.

The candles' continuity (candle_keeper) and the questions by REST are the real connector's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autotrade.application.ports import EventSink, ExchangeUnreachable
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.events import (
    Channel,
    ChannelLost,
    ChannelRestored,
    OrderBookUpdated,
    TickerUpdated,
)
from autotrade.infrastructure.connectors.candle_keeper import CandleKeeper
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.event_pump import EventPump
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.market_questions import MarketQuestions
from autotrade.infrastructure.fault_simulation.market import SimulatedMarket

BOOK_SECONDS = 5


class SimulatedFeed:
    def __init__(
        self,
        market: SimulatedMarket,
        settings: ConnectorSettings,
        clock: ExchangeClock,
        questions: MarketQuestions,
    ) -> None:
        self._market, self._settings, self._clock = market, settings, clock
        self._questions = questions
        self._candles = CandleKeeper(settings, clock, questions)
        self._sink: EventSink | None = None
        self._pump: EventPump | None = None
        self._silent_seconds = 0
        self._is_lost = False
        self.is_silent = False
        """The market's streams send nothing; that is noticed after a while."""
        self.is_closed = False
        """They were closed; that is noticed at once."""
        self.is_book_stale = False
        self.is_book_empty = False
        self._books: dict[str, OrderBook] = {}

    async def start(self, symbols: Sequence[str], timeframe: str, sink: EventSink) -> None:
        await self._questions.rules(symbols)
        self._pump = EventPump(sink, lambda: None)
        self._pump.start()
        self._candles.start(symbols, timeframe, self._pump, self._book, sink.put_market)
        self._sink = sink
        self._publish(with_books=True)

    async def history(self, symbol: str, timeframe: str, count: int) -> list[Candle]:
        try:
            candles = await self._questions.closed_candles(symbol, timeframe, count=count)
        except Exception as error:
            raise ExchangeUnreachable(f"the candles of {symbol}: {error!r}") from error
        if candles:
            self._candles.anchor(symbol, timeframe, candles[-1].open_ts)
        return candles

    async def rules(self, symbols: Sequence[str]) -> dict[str, MarketRules]:
        return await self._questions.rules(symbols)

    async def close(self) -> None:
        if self._pump is not None:
            await self._candles.close()
            await self._pump.close()

    # --- the world calls this each second -----------------------------------------------------

    def second(self, *, is_minute: bool) -> None:
        if self._sink is None or self._pump is None:
            return
        if self.is_silent or self.is_closed:
            self._silent_seconds += 1
            if not self._is_lost and (
                self.is_closed or self._silent_seconds > self._settings.stale_seconds
            ):
                self._is_lost = True
                self._tell(ChannelLost(ts=self._now(), channel=Channel.MARKET_DATA, text="silent"))
            self._candles.look_for_missing()
            return
        self._silent_seconds = 0
        self._publish(with_books=self._market.seconds % BOOK_SECONDS == 0 or is_minute)
        if self._is_lost:
            self._is_lost = False
            self._tell(ChannelRestored(ts=self._now(), channel=Channel.MARKET_DATA))
            self._candles.look_for_missing()
        if is_minute:
            for pair in self._market.pairs:
                self._candles.take(pair.pair, self._market.kline_line(pair))

    def _publish(self, *, with_books: bool) -> None:
        sink = self._sink
        if sink is None:
            return
        now = self._now()
        for pair in self._market.pairs:
            price = pair.decimal(pair.price)
            sink.put_market(
                TickerUpdated(
                    ts=now,
                    symbol=pair.pair,
                    price=price,
                    bid=price - pair.market.tick_size,
                    ask=price,
                )
            )
            if with_books and not self.is_book_stale:
                book = self._market.book(pair, now)
                if self.is_book_empty:
                    book = replace(book, bids=(), asks=())
                self._books[pair.pair] = book
                sink.put_market(OrderBookUpdated(ts=now, symbol=pair.pair, book=book))

    def _book(self, symbol: str) -> OrderBook | None:
        return self._books.get(symbol)

    def _tell(self, event: ChannelLost | ChannelRestored) -> None:
        if self._pump is not None:
            self._pump.push(event)

    def _now(self) -> int:
        return self._clock.now_ms()
