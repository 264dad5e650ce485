"""Closed candles of the stream, completed from history where the stream has a hole."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autotrade.domain.entities.candle import TIMEFRAME_MS, Candle
from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.events import CandleClosed, Event, OrderBookUpdated
from autotrade.infrastructure.connectors.backoff import Backoff
from autotrade.infrastructure.connectors.candle_gate import CandleGate
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.error_normalizer import normalize
from autotrade.infrastructure.connectors.event_pump import EventPump
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.market_questions import MarketQuestions, candle_of_line

LOG = logging.getLogger(__name__)
FRUITLESS_QUESTIONS_MAX = 2
"""After so many answers without the missing candles the exchange has none: it was closed."""


class CandleKeeper:
    """Each candle of each symbol leaves once, in order, right behind the book of its moment."""

    def __init__(
        self, settings: ConnectorSettings, clock: ExchangeClock, questions: MarketQuestions
    ) -> None:
        self._settings, self._clock, self._questions = settings, clock, questions
        self._gates: dict[tuple[str, str], CandleGate] = {}
        self._symbols: Sequence[str] = ()
        self._timeframe = ""
        self._fills: dict[str, asyncio.Task[None]] = {}
        self._ask_again_ms: dict[str, float] = {}
        self.filled_from_history = 0

    def start(
        self,
        symbols: Sequence[str],
        timeframe: str,
        pump: EventPump,
        book_of: Callable[[str], OrderBook | None],
        replace_unread: Callable[[Event], None],
    ) -> None:
        """What closed before this moment, and was not asked for by `history`, is not delivered."""
        self._symbols, self._timeframe = symbols, timeframe
        self._pump, self._book_of = pump, book_of
        self._replace_unread = replace_unread  # an older unread book must not come after this one
        self._step_ms = TIMEFRAME_MS[timeframe]
        newest_closed = self._clock.now_ms() // self._step_ms * self._step_ms - self._step_ms
        for symbol in symbols:
            gate = self._gate(symbol, timeframe)
            if gate.last_open_ts is None:
                gate.anchor(newest_closed)

    async def close(self) -> None:
        tasks = list(self._fills.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def anchor(self, symbol: str, timeframe: str, open_ts: int) -> None:
        """The application has the candles up to this one from history."""
        self._gate(symbol, timeframe).anchor(open_ts)

    def take(self, symbol: str, line: Mapping[str, Any]) -> None:
        """A closed candle from the stream."""
        if line["i"] != self._timeframe:
            return
        self._clock.at_least(int(line["T"]) + 1)
        gate = self._gate(symbol, self._timeframe)
        self._deliver(symbol, gate.offer([candle_of_line(line)]))
        if gate.missing() is not None:
            self._fill(symbol)

    def look_for_missing(self) -> None:
        """Ask for candles that should have come by now: the stream may be quiet or broken."""
        if not self._timeframe:
            return
        now = self._clock.exact_ms()
        grace = self._settings.candle_grace_ms * self._clock.speed
        for symbol in self._symbols:
            last = self._gate(symbol, self._timeframe).last_open_ts
            is_due = last is not None and now > last + 2 * self._step_ms + grace
            if is_due and now >= self._ask_again_ms.get(symbol, 0):
                self._ask_again_ms[symbol] = now + max(grace, self._step_ms / 10)
                self._fill(symbol)

    def _gate(self, symbol: str, timeframe: str) -> CandleGate:
        key = (symbol, timeframe)
        if key not in self._gates:
            self._gates[key] = CandleGate(TIMEFRAME_MS[timeframe])
        return self._gates[key]

    def _deliver(self, symbol: str, candles: Sequence[Candle]) -> None:
        now = self._clock.now_ms()
        for candle in candles:
            if candle is candles[-1]:
                book = self._book_of(symbol)
                if book is not None:
                    update = OrderBookUpdated(ts=now, symbol=symbol, book=book)
                    self._replace_unread(update)
                    self._pump.push(update)
            self._pump.push(
                CandleClosed(ts=now, symbol=symbol, timeframe=self._timeframe, candle=candle)
            )

    def _fill(self, symbol: str) -> None:
        running = self._fills.get(symbol)
        if running is None or running.done():
            self._fills[symbol] = asyncio.create_task(self._fill_from_history(symbol))

    async def _fill_from_history(self, symbol: str) -> None:
        gate = self._gate(symbol, self._timeframe)
        backoff = Backoff(self._settings.backoff_seed, longest_seconds=5.0)
        fruitless = 0
        is_told = False
        while True:
            before = gate.last_open_ts
            try:
                candles = await self._newer_candles(symbol, before or 0)
            except Exception as error:  # noqa: BLE001 the network is down: the stream says so too
                failure = normalize(error, self._settings.secrets)
                if not is_told:
                    LOG.info("%s candles not fetched yet: %s", symbol, failure.message)
                is_told = True
                await asyncio.sleep(backoff.next_seconds())
                continue
            released = gate.offer(candles)
            self.filled_from_history += sum(candle in candles for candle in released)
            self._deliver(symbol, released)
            if gate.missing() is None:
                return
            fruitless = 0 if gate.last_open_ts != before else fruitless + 1
            if fruitless >= FRUITLESS_QUESTIONS_MAX:
                self._deliver(symbol, gate.skip())
                return
            await asyncio.sleep(backoff.next_seconds())

    async def _newer_candles(self, symbol: str, last_open_ts: int) -> list[Candle]:
        first = last_open_ts + self._step_ms
        span = int(self._clock.exact_ms()) - first
        count = max(1, span // self._step_ms + 1)
        return await self._questions.closed_candles(
            symbol, self._timeframe, count=count, first_open_ts=first
        )
