"""An asyncio loop on virtual time: waiting costs nothing, and the same seed gives the same order.

The loop belongs to one simulated process. What lies outside of it (the exchange, the network, the
disk's delays, faults) happens on the world's agenda, which the loop asks whenever it would sleep.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import selectors
import weakref
from collections.abc import Callable
from typing import Any

JITTER_SECONDS = 0.0005
"""Timers of one moment fire in a seeded order, as they would on a busy machine."""
RESOLUTION_SECONDS = 0.001
"""What falls due within this runs in one turn, in the order of its jittered time."""
STEPS_AT_ONE_MOMENT_MAX = 200_000


class ProcessKilled(KeyboardInterrupt):
    """SIGKILL at this point. A KeyboardInterrupt, because asyncio lets that through everywhere."""


class WorldStuck(Exception):
    """Nothing will ever happen again, or the process turns without time passing."""


class Agenda:
    """The world's time and what will happen at which time, outside of any process."""

    def __init__(self, start_ms: int) -> None:
        self.start_ms = start_ms
        self.seconds = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    @property
    def now_ms(self) -> int:
        """The exchange's time, ms UTC."""
        return self.start_ms + round(self.seconds * 1000)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._due, (self.seconds + max(0.0, seconds), self._number, act))

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """At a time since the start; what is past happens next."""
        self.after(seconds - self.seconds, act)

    def advance(self, until: float | None) -> None:
        """Let the next thing happen if it is due by then; else only the time passes."""
        if self._due and (until is None or self._due[0][0] <= until):
            when, _, act = heapq.heappop(self._due)
            self.seconds = max(self.seconds, when)
            act()
        elif until is None:
            raise WorldStuck("expected that something will happen, was nothing on the agenda")
        else:
            self.seconds = max(self.seconds, until)

    def pass_time(self, seconds: float) -> None:
        """Let everything of the next seconds happen, with no process running."""
        until = self.seconds + seconds
        while self._due and self._due[0][0] <= until:
            self.advance(until)
        self.seconds = max(self.seconds, until)


class _WorldSelector(selectors.BaseSelector):
    """Where the loop waits for input: here it lets the world go on instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        self._loop.step(timeout)
        return []

    def register(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("a simulated process has no files to wait for")

    unregister = register

    def get_map(self) -> Any:
        return {}

    def close(self) -> None:
        pass


class VirtualLoop(asyncio.SelectorEventLoop):
    """`kill_at_step` names the turn of the loop at which the process dies."""

    def __init__(self, agenda: Agenda, seed: str) -> None:
        self._agenda = agenda
        self._jitter = random.Random(seed)
        self.steps = 0
        self.kill_at_step: int | None = None
        self.executor_delay: Callable[[], float] = lambda: 0.0
        self._moment = (-1.0, 0)
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        super().__init__(_WorldSelector(self))
        self._clock_resolution = RESOLUTION_SECONDS

    def step(self, timeout: float | None) -> None:
        """One turn: the process is killed, or the world moves on by at most `timeout` seconds."""
        self.steps += 1
        if self.kill_at_step is not None and self.steps >= self.kill_at_step:
            raise ProcessKilled
        agenda = self._agenda
        if timeout is None or timeout > 0:
            agenda.advance(None if timeout is None else agenda.seconds + timeout)
            return
        moment, count = self._moment
        if moment != agenda.seconds:
            self._moment = (agenda.seconds, 1)
        elif count > STEPS_AT_ONE_MOMENT_MAX:
            raise WorldStuck("expected time to pass, was a process that only turns")
        else:
            self._moment = (moment, count + 1)

    def time(self) -> float:
        return self._agenda.seconds

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        jittered = when + self._jitter.random() * JITTER_SECONDS
        return super().call_at(jittered, callback, *args, context=context)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = super().create_task(coro, **options)
        self._tasks.add(task)
        return task

    def unfinished_tasks(self) -> list[asyncio.Task[Any]]:
        """Of this loop; asyncio's own list is of all loops, which in a world are hundreds."""
        return [task for task in self._tasks if not task.done()]

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Work of a thread: done in one piece, after the disk's delay."""
        future = self.create_future()

        def work() -> None:
            if future.cancelled():
                return
            try:
                result = func(*args)
            except Exception as error:  # noqa: BLE001 it is the waiter's, as from a thread
                future.set_exception(error)
            else:
                future.set_result(result)

        self.call_later(self.executor_delay(), work)
        return future

    # the parent's pipe to wake itself needs a real selector; nobody calls from another thread here

    def _make_self_pipe(self) -> None:
        pass

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass
