"""MarketDriver: runs the core from a market source on a clock.

Everything that is due happens in the order of its time: first the exchange's own clockwork
(stream flushes, closing candles), then the market's facts of that moment. With a
`SimulationClock` the driver sleeps until the next thing is due; tests move a `HandClock` and
never sleep.

When the machine cannot keep up with the speed, the clock is held back: it is never further
ahead of the market than `lag_ms_max` of wall time, and the stats say how much was given up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import Output
from autotrade.infrastructure.simulated_exchange.market.source import MarketFact, MarketSource

BATCH_SECONDS = 0.004
"""How long the driver works before it lets sockets and requests have their turn."""
SETTLE_STEPS_MAX = 200
IDLE_SECONDS_MAX = 0.25


@runtime_checkable
class ResumableSource(Protocol):
    """A source that can go on where it stood in an earlier process.

    `checkpoint` is JSON-ready and is stored with the accounts; `open_market(...,
    checkpoint=...)` makes the source that continues from it.
    """

    def checkpoint(self) -> dict[str, Any]: ...


class DriverClock(Protocol):
    """Milliseconds UTC of the simulated time."""

    speed: float

    def now_ms(self) -> int: ...

    def wall_seconds_until(self, ts: int) -> float: ...

    def start_at(self, ts: int) -> None:
        """Let it be `ts` now."""

    def hold_back(self, ts: int) -> int:
        """Set the clock to `ts` when it is ahead of it; returns by how much it was, ms."""


class SimulationClock:
    """Simulated time that runs `speed` times as fast as the monotonic clock."""

    def __init__(
        self, start_ts: int, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if speed <= 0:
            raise ValueError(f"expected a speed above 0, was {speed}")
        self.speed = speed
        self._monotonic = monotonic
        self._anchor_ts = float(start_ts)
        self._anchor_s = monotonic()

    def now_ms(self) -> int:
        return int(self._anchor_ts + (self._monotonic() - self._anchor_s) * 1000 * self.speed)

    def wall_seconds_until(self, ts: int) -> float:
        due_s = self._anchor_s + (ts - self._anchor_ts) / 1000 / self.speed
        return due_s - self._monotonic()

    def start_at(self, ts: int) -> None:
        self._anchor_ts, self._anchor_s = float(ts), self._monotonic()

    def hold_back(self, ts: int) -> int:
        ahead = self.now_ms() - ts
        if ahead > 0:
            self.start_at(ts)
        return max(ahead, 0)


class HandClock:
    """A clock that stands still until it is set."""

    speed = 1.0

    def __init__(self, ts: int) -> None:
        self.ts = ts

    def now_ms(self) -> int:
        return self.ts

    def wall_seconds_until(self, ts: int) -> float:
        return 0.0 if ts <= self.ts else float("inf")

    def start_at(self, ts: int) -> None:
        self.ts = max(self.ts, ts)

    def hold_back(self, ts: int) -> int:
        return 0


class Clockwork(Protocol):
    """What has to happen at certain times besides the market's facts: the streams."""

    def next_due_ts(self) -> int | None: ...

    def flush(self, ts: int) -> None: ...


class ClockworkPair:
    """Two clockworks as one; at the same moment the first one goes first."""

    def __init__(self, first: Clockwork, second: Clockwork) -> None:
        self._both = (first, second)

    def next_due_ts(self) -> int | None:
        due = [ts for work in self._both if (ts := work.next_due_ts()) is not None]
        return min(due, default=None)

    def flush(self, ts: int) -> None:
        for work in self._both:
            due = work.next_due_ts()
            if due is not None and due <= ts:
                work.flush(ts)


@dataclass(slots=True)
class DriverStats:
    """What the driver did; `slipped_ms` is simulated time by which the clock was held back."""

    facts: int = 0
    flushes: int = 0
    lag_ms_max: int = 0
    slipped_ms: int = 0
    is_ended: bool = False


class MarketDriver:
    """The only one who moves the core's time."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        source: MarketSource,
        clock: DriverClock,
        *,
        publish: Callable[[Sequence[Output]], None],
        clockwork: Clockwork,
        on_ended: Callable[[], None] | None = None,
        lag_ms_max: int = 250,
    ) -> None:
        self.exchange = exchange
        self.source = source
        self.clock = clock
        self.stats = DriverStats()
        self.ended = asyncio.Event()
        self._publish = publish
        self._clockwork = clockwork
        self._on_ended = on_ended
        self._lag_ms_max = lag_ms_max
        self._facts: Iterator[MarketFact] = iter(source.facts())
        self._next: MarketFact | None = next(self._facts, None)
        self._sleeper: asyncio.Future[None] | None = None
        self.bend: Callable[[MarketFact], MarketFact] | None = None
        """Changes facts on their way into the core (faults); None takes them as they are."""

    def add_clockwork(self, clockwork: Clockwork) -> None:
        """From now on this happens at its times too, before what was there already."""
        self._clockwork = ClockworkPair(clockwork, self._clockwork)
        self.wake()

    # time

    def next_due_ts(self) -> int | None:
        """When the next flush or fact is due."""
        flush_ts = self._clockwork.next_due_ts()
        if self._next is None:
            return flush_ts
        return self._next.ts if flush_ts is None else min(self._next.ts, flush_ts)

    def time_ms(self) -> int:
        """The exchange's time: the schedule, but never beyond a fact that was not applied."""
        now = self.clock.now_ms()
        due = self.next_due_ts()
        return max(self.exchange.now, now if due is None else min(now, due))

    def settle(self) -> None:
        """Bring the core to the present, as far as that is a matter of a moment."""
        self.advance_to(self.clock.now_ms(), steps_max=SETTLE_STEPS_MAX)

    # work

    def advance_to(self, ts: int, *, steps_max: int | None = None) -> bool:
        """Do everything that is due until `ts` and set the core's time to it.

        A `HandClock` is taken along. Returns False when `steps_max` steps were not enough.
        """
        if isinstance(self.clock, HandClock):
            self.clock.ts = max(self.clock.ts, ts)
        steps = 0
        while (due := self.next_due_ts()) is not None and due <= ts:
            if steps_max is not None and steps >= steps_max:
                return False
            self._step(due)
            steps += 1
        if ts > self.exchange.now:
            self.exchange.advance(ts)
            self._publish(self.exchange.drain())
        self._check_end(ts)
        return True

    def _step(self, due: int) -> None:
        """One moment: its flush, or all facts that carry its time."""
        if self._clockwork.next_due_ts() == due:
            if due > self.exchange.now:
                self.exchange.advance(due)
                self._publish(self.exchange.drain())
            self._clockwork.flush(due)
            self.stats.flushes += 1
            return
        fact = self._next
        while fact is not None and fact.ts <= due:
            self.exchange.apply(fact if self.bend is None else self.bend(fact))
            self.stats.facts += 1
            fact = next(self._facts, None)
        self._next = fact
        self._publish(self.exchange.drain())

    def _check_end(self, ts: int) -> None:
        end_ts = self.source.end_ts
        is_over = self._next is None and (end_ts is None or ts >= end_ts)
        if is_over and not self.stats.is_ended:
            self.stats.is_ended = True
            self.ended.set()
            if self._on_ended is not None:
                self._on_ended()

    async def run(self) -> None:
        """Drive until cancelled. Prices stand still after the source has ended; time goes on."""
        while True:
            deadline_s = time.monotonic() + BATCH_SECONDS
            is_caught_up = False
            while not is_caught_up and time.monotonic() < deadline_s:
                is_caught_up = self.advance_to(self.clock.now_ms(), steps_max=16)
            if not is_caught_up:
                self._bound_lag()
                await asyncio.sleep(0)
                continue
            await self._sleep_until_due()

    def _bound_lag(self) -> None:
        due = self.next_due_ts()
        if due is None:
            return
        lag_ms = self.clock.now_ms() - due
        self.stats.lag_ms_max = max(self.stats.lag_ms_max, lag_ms)
        bound_ms = int(self._lag_ms_max * self.clock.speed)
        if lag_ms > bound_ms:
            self.stats.slipped_ms += self.clock.hold_back(due + bound_ms)

    async def _sleep_until_due(self) -> None:
        due = self.next_due_ts()
        seconds = IDLE_SECONDS_MAX if due is None else self.clock.wall_seconds_until(due)
        seconds = min(seconds, IDLE_SECONDS_MAX)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        self._sleeper = loop.create_future()
        alarm = loop.call_later(seconds, self.wake)
        try:
            await self._sleeper
        finally:
            alarm.cancel()
            self._sleeper = None

    def wake(self) -> None:
        """Look again what is due: time has come, or something earlier was added."""
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    def checkpoint(self) -> Mapping[str, Any] | None:
        """Where the market stands, when its source can go on from there."""
        return self.source.checkpoint() if isinstance(self.source, ResumableSource) else None
