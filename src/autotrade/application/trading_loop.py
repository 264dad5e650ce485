"""TradingLoop: the only loop. Journal the event, process it, journal what follows, send it.

Two doors lead in. Orders, candles and the operator come through a bounded queue and are never lost:
a full queue makes the stream that brings them wait. Prices and books come through slots, one a
symbol: an unread one is replaced by a newer one, so a loop that lags sees fewer prices, never old
ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter_ns

from autotrade.application.market_tape import MarketTape
from autotrade.application.ports import Clock, ExchangeConnector, Journal
from autotrade.application.trading_engine import TradingEngine
from autotrade.application.utils.performance_logger import PerformanceLogger
from autotrade.domain.commands import AnyCommand, Command, PlaceOrder, PlaceOrderList
from autotrade.domain.entities.order import OrderSide
from autotrade.domain.events import (
    CandleClosed,
    Event,
    OrderBookUpdated,
    OrderRejected,
    RejectReason,
    SessionStopped,
    TickerUpdated,
    TimerTicked,
)
from autotrade.domain.state import Record

QUEUE_MAX = 10_000
BATCH_MAX = 256
"""Events that share one write and, if any of them gave a command, one fsync."""
TIMER_MS = 1_000
"""The monitors' second, on the exchange's clock."""
TIMER_REAL_SECONDS_MIN = 0.02
"""In accelerated time the monitors look no more often than this."""

UNJOURNALED = (TickerUpdated, OrderBookUpdated, CandleClosed, TimerTicked)

Publish = Callable[[Event, list[Record]], None]


class TradingLoop:
    """Runs until `stop` or a fault; `put` and `put_market` make it the EventSink."""

    def __init__(
        self,
        engine: TradingEngine,
        journal: Journal,
        connector: ExchangeConnector,
        clock: Clock,
        publish: Publish,
        *,
        speed: float = 1.0,
        tape: MarketTape | None = None,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._connector = connector
        self._clock = clock
        self._publish = publish
        self._tape = tape
        self._next_seq = 1
        self._timer_seconds = max(TIMER_MS / 1000 / speed, TIMER_REAL_SECONDS_MIN)
        self._queue: deque[tuple[Event, int]] = deque()
        self._room = asyncio.Event()
        self._room.set()
        self._wake = asyncio.Event()
        self._slots: dict[tuple[type[Event], str], tuple[Event, int]] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._is_turning = False
        self._is_measuring = True
        self._stop_text: str | None = None
        self._fault: BaseException | None = None
        self.performance = PerformanceLogger()
        self.unsent: set[str] = set()
        """Orders that were written down and have no outcome yet: their command waits for the disk
        or is on its way, so that the exchange does not know them proves nothing."""

    # --- the doors in -------------------------------------------------------------------------

    async def put(self, event: Event) -> None:
        """Queue an event that must not be lost; waits while the queue is full."""
        while len(self._queue) >= QUEUE_MAX:
            self._room.clear()
            await self._room.wait()
        self._queue.append((event, perf_counter_ns()))
        self._wake.set()

    def put_market(self, event: Event) -> None:
        """Leave the newest price or book of a symbol to be read."""
        symbol = getattr(event, "symbol", "")
        self._slots[type(event), symbol] = (event, perf_counter_ns())
        self.performance.ticks += 1
        self._wake.set()

    @property
    def queue_depth(self) -> int:
        return len(self._queue) + len(self._slots)

    @property
    def is_idle(self) -> bool:
        """Nothing queued, nothing in work and no command without its outcome."""
        return not (self._queue or self._slots or self._is_turning or self._sending)

    def measure_from_now(self) -> None:
        """Forget the latencies of the start, when events waited for recovery and history."""
        self.performance = PerformanceLogger()

    def stop(self, text: str) -> None:
        """End the loop once what is queued has been worked off."""
        self._stop_text = self._stop_text or text
        self._wake.set()

    # --- the loop -----------------------------------------------------------------------------

    async def run(self) -> str:
        """Turn until stopped; returns why. A StoreFault or a fault of the program ends it loudly:
        nothing is sent that could not be written down."""
        timer = asyncio.create_task(self._tick())
        try:
            while self._stop_text is None or self._queue:
                await self._wake.wait()
                self._wake.clear()
                while self._queue or self._slots:
                    if self._fault is not None:
                        break
                    await self._turn_guarded(self._take())
                if self._fault is not None:
                    raise self._fault
            return self._stop_text
        finally:
            timer.cancel()
            self._is_measuring = False  # from here on events wait for the stop, not for us

    async def finish(self, seconds_max: float) -> bool:
        """After the loop ended: work off the outcomes of commands that are still on their way.
        True when none is left."""
        deadline = asyncio.get_running_loop().time() + seconds_max
        while not self.is_idle and asyncio.get_running_loop().time() < deadline:
            if self._sending:
                await asyncio.wait(self._sending, timeout=0.05)
            while self._queue or self._slots:
                await self._turn_guarded(self._take())
        return self.is_idle

    async def close(self, text: str) -> None:
        """The last line of the session."""
        for task in self._sending:
            task.cancel()
        await self._turn([(SessionStopped(ts=self._clock.now_ms(), text=text), perf_counter_ns())])

    def _take(self) -> list[tuple[Event, int]]:
        """The next events: everything queued first, then the newest prices."""
        self.performance.queue_depth_max = max(self.performance.queue_depth_max, self.queue_depth)
        if not self._queue:
            batch = list(self._slots.values())
            self._slots.clear()
            return batch
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))]
        if len(self._queue) < QUEUE_MAX:
            self._room.set()
        return batch

    async def _turn_guarded(self, batch: list[tuple[Event, int]]) -> None:
        self._is_turning = True
        try:
            await self._turn(batch)
        finally:
            self._is_turning = False

    async def _turn(self, batch: list[tuple[Event, int]]) -> None:
        """One round: journal, process, journal, fsync if anything is to be sent, send, publish.
        What the engine saw is written before the rows that follow from it: a process that is
        killed between the two leaves no row without its cause."""
        commands: list[AnyCommand] = []
        publications: list[tuple[Event, list[Record]]] = []
        state = self._engine.state
        performance = self.performance
        needs_write = False
        arrived_ns = min((arrived for _, arrived in batch), default=0)
        for event, arrived in batch:
            cause = None
            if not isinstance(event, UNJOURNALED):
                cause = self._next_seq = self._journal.append(event, deal=state.deal_of(event))
                needs_write = True
            records = self._engine.process(event)
            if self._tape is not None:
                self._tape.processed(event, self._next_seq)
            if cause is not None:
                self._next_seq = cause + 1
            if self._is_measuring:
                performance.processing.add(perf_counter_ns() - arrived)
            performance.events += 1
            for record in records:
                seq = self._journal.append(record, cause=cause, deal=state.deal_of(record))
                self._next_seq = seq + 1
                needs_write = True
                if isinstance(record, Command):
                    commands.append(record)  # type: ignore[arg-type]
            if cause is not None or records:
                publications.append((event, records))
        if self._tape is not None and needs_write:
            self._tape.flush(self._next_seq)
        if commands:
            self.unsent.update(_orders_placed(commands))
            before_ns = perf_counter_ns()
            await self._journal.sync()
            performance.journal.add(perf_counter_ns() - before_ns)
            for command in commands:
                self._send(command)
            performance.decision.add(perf_counter_ns() - arrived_ns)
        elif needs_write:
            await self._journal.write()
        for event, records in publications:
            self._publish(event, records)

    def _send(self, command: AnyCommand) -> None:
        task = asyncio.create_task(self._execute(command))
        self._sending.add(task)
        task.add_done_callback(self._sent)

    async def _execute(self, command: AnyCommand) -> None:
        """The outcome comes back as events, through the same door as everything else."""
        try:
            events: Sequence[Event] = self._too_late(command)
            if not events:
                events = await self._connector.execute(command)
        finally:
            self.unsent.difference_update(_orders_placed([command]))
        for event in events:
            await self.put(event)

    def _too_late(self, command: AnyCommand) -> Sequence[Event]:
        """The refusal of a BUY that a slow disk or a sleeping machine has kept for longer than the
        exchange takes a request for: its price was right then. What sells is sent at any age."""
        if not isinstance(command, PlaceOrder) or command.side is not OrderSide.BUY:
            return ()
        now, limit_ms = self._clock.now_ms(), self._engine.state.order_service.request_window_ms
        if now - command.ts <= limit_ms:
            return ()
        text = (
            f"not sent: decided {(now - command.ts) / 1000:.1f} s ago, more than the "
            f"{limit_ms / 1000:g} s in which a request counts"
        )
        return (
            OrderRejected(
                ts=now,
                order_id=command.order_id,
                reason=RejectReason.UNAVAILABLE,
                code=None,
                message=text,
            ),
        )

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.fail(fault)

    def fail(self, fault: BaseException) -> None:
        """End the loop with a fault; the first one counts."""
        self._fault = self._fault or fault
        self._wake.set()

    async def _tick(self) -> None:
        """Timers are events: one a second of the exchange's clock, newest only."""
        while True:
            await asyncio.sleep(self._timer_seconds)
            self._slots[TimerTicked, ""] = (
                TimerTicked(ts=self._clock.now_ms()),
                perf_counter_ns(),
            )
            self._wake.set()


def _orders_placed(commands: Sequence[AnyCommand]) -> Iterator[str]:
    for command in commands:
        match command:
            case PlaceOrder():
                yield command.order_id
            case PlaceOrderList():
                yield from (command.target_id, command.stop_id)
            case _:
                pass
