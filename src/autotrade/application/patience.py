"""Asking an exchange that is in trouble until it answers; a session cannot begin before that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from autotrade.application.ports import ExchangeUnreachable, Notifier

PATIENCE_SECONDS = 300.0
"""For one question. A supervisor that starts the bot anew has its own patience."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0

Answer = TypeVar("Answer")


class Patience:
    """Waits for what may pass (an overloaded exchange, a lost reply, a ban), never for what stays
    (a wrong key). The trouble is told as soon as it is met, and again when it changes."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._ended = asyncio.Event()

    def end(self) -> None:
        """Somebody wants to stop: a question that has no answer yet is not asked again."""
        self._ended.set()

    async def until_answered(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of `ask`, which must leave nothing behind when it fails. Raises its last
        `ExchangeUnreachable` when that may not pass, when the patience is over, or after `end`."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE_SECONDS
        pause_seconds = FIRST_PAUSE_SECONDS
        told = ""
        while True:
            try:
                answer = await ask()
            except ExchangeUnreachable as error:
                if not error.may_pass or self._ended.is_set() or clock() >= deadline:
                    raise
                if str(error) != told:
                    told = str(error)
                    self._notifier.notify(
                        f"no start yet: {told}; asking again for up to {PATIENCE_SECONDS:.0f} s, "
                        "Ctrl+C ends the wait",
                        is_warning=True,
                    )
            else:
                if told:
                    self._notifier.notify("the exchange answers again, the start goes on")
                return answer
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), pause_seconds)
            pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)
