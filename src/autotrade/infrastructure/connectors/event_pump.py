"""From callbacks that cannot wait to a sink that may: events leave in the order they came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from autotrade.application.ports import EventSink
from autotrade.domain.events import Event

CAPACITY = 50_000


class EventPump:
    """`push` from anywhere on the loop; one task puts into the sink. Order events are never dropped
    silently: when the sink stalls for `CAPACITY` events, `on_overflow` is told instead."""

    def __init__(self, sink: EventSink, on_overflow: Callable[[], None]) -> None:
        self._sink, self._on_overflow = sink, on_overflow
        self._waiting: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="connector-event-pump")

    def push(self, event: Event) -> None:
        if len(self._waiting) >= CAPACITY:
            self._on_overflow()
            return
        self._waiting.append(event)
        self._wake.set()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            while self._waiting:
                await self._sink.put(self._waiting.popleft())
            self._wake.clear()
            await self._wake.wait()
