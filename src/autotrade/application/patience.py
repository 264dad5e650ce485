"""Asking an exchange that is in trouble until it answers; a session cannot begin before that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from autotrade.application.ports import ExchangeUnreachable, Notifier

PATIENCE_SECONDS = 300.0
"""For one question. A supervisor that starts the bot anew has its own patience."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0

Answer = TypeVar("Answer")


class Patience:
    """Waits for what may pass (an overloaded exchange, a lost reply, a ban), never for what stays
    (a wrong key). The trouble is told as soon as it is met, and again when it changes. For one
    question at a time."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._trouble: ExchangeUnreachable | None = None
        self._has_ended = False
        self._limit = asyncio.Timeout(None)

    def end(self) -> None:
        """Somebody wants to stop: what is in trouble is waited for no longer."""
        self._has_ended = True
        if self._trouble is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def until_answered(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of `ask`, which must leave nothing behind when it fails or is canceled. Raises
        the last `ExchangeUnreachable` when that may not pass, when the patience is over, or after
        `end`."""
        self._limit = asyncio.timeout(PATIENCE_SECONDS)
        try:
            async with self._limit:
                return await self._keep_asking(ask)
        except TimeoutError:
            raise self._trouble or ExchangeUnreachable(
                f"expected an answer of the exchange within {PATIENCE_SECONDS:.0f} s, was none; "
                "look at the network and the exchange's status"
            ) from None
        finally:
            self._trouble = None

    async def _keep_asking(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            try:
                answer = await ask()
            except ExchangeUnreachable as error:
                # the limit as well: a question that is canceled may end with an error of its own
                if not error.may_pass or self._has_ended or self._limit.expired():
                    raise
                if str(error) != str(self._trouble):
                    self._notifier.notify(
                        f"no start yet, asking again for up to {PATIENCE_SECONDS:.0f} s "
                        f"(Ctrl+C ends the wait): {error}",
                        is_warning=True,
                    )
                self._trouble = error
            else:
                if self._trouble is not None:
                    self._notifier.notify("the exchange answers again, the start goes on")
                return answer
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)
