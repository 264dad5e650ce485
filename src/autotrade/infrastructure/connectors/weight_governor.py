"""One shared budget of request weight for all clients of this process.

The exchange counts weight per minute and address and tells the sum in its answers. Requests that
can wait (snapshots, history, reports) wait for the next minute when the budget less a reserve is
used; orders and cancels never wait behind them. While the exchange has told us to stay away (429,
418) nothing is sent at all: an order is refused here, which proves that it was not executed, and
has a moment of its own when the ban is over: it may be the one that protects a position.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

MINUTE_MS = 60_000
DEFAULT_RETRY_AFTER_SECONDS = 5
HEAD_START_SECONDS = 6.0
"""After a ban other requests wait so long (real time) for an order that was refused during it."""
OWED_PAUSE_SECONDS = 0.05
FIREWALL_WAIT_SECONDS = 60
"""403 comes from the exchange's firewall and carries no Retry-After."""


class TimeSource(Protocol):
    def now_ms(self) -> int: ...
    def real_seconds(self, exchange_ms: float) -> float: ...


class StayAway(Exception):
    """The exchange has banned us until `until_ms`; the request was not sent."""

    def __init__(self, until_ms: int, now_ms: int) -> None:
        super().__init__(
            "not sent: the exchange told us to stay away for "
            f"{(until_ms - now_ms) / 1000:.0f} s more"
        )
        self.until_ms = until_ms


class WeightGovernor:
    def __init__(
        self,
        clock: TimeSource,
        *,
        limit: int = 6_000,
        reserve: float = 0.2,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self.limit, self.reserve = limit, reserve
        self.used = 0
        """Weight of this minute: what the exchange told last plus what left since."""
        self.orders_10s = 0
        self.orders_day = 0
        self.waits = 0
        self.bans = 0
        self._minute = -1
        self._blocked_until_ms = 0
        self._is_order_owed = False

    @property
    def blocked_until_ms(self) -> int:
        return self._blocked_until_ms

    async def admit(self, weight: int, *, is_order: bool) -> None:
        """Return when the request may leave. Raises `StayAway` for an order during a ban."""
        while True:
            now = self._roll()
            wait_ms = self._blocked_until_ms - now
            if wait_ms > 0 and is_order:
                self._is_order_owed = True
                raise StayAway(self._blocked_until_ms, now)
            if wait_ms <= 0 and not is_order and self._waits_for_order(now):
                await self._sleep(OWED_PAUSE_SECONDS)
                continue
            if is_order:
                self._is_order_owed = False
            if wait_ms <= 0:
                is_near = self.used + weight > self.limit * (1 - self.reserve)
                # a request heavier than the whole budget must leave some time: at a fresh minute
                if is_order or not is_near or self.used == 0:
                    self.used += weight
                    return
                wait_ms = (self._minute + 1) * MINUTE_MS - now
            self.waits += 1
            await self._sleep(self._clock.real_seconds(wait_ms + 50))

    def _waits_for_order(self, now_ms: int) -> bool:
        since_seconds = self._clock.real_seconds(now_ms - self._blocked_until_ms)
        self._is_order_owed = self._is_order_owed and since_seconds < HEAD_START_SECONDS
        return self._is_order_owed

    def note(self, status: int, headers: Mapping[str, str]) -> None:
        """Learn from the headers of an answer."""
        known = {name.lower(): value for name, value in headers.items()}
        self._roll()
        told = known.get("x-mbx-used-weight-1m")
        if told is not None:
            self.used = int(told)
        self.orders_10s = int(known.get("x-mbx-order-count-10s", self.orders_10s))
        self.orders_day = int(known.get("x-mbx-order-count-1d", self.orders_day))
        if status in (418, 429):
            seconds = known.get("retry-after", "")
            self._ban(int(seconds) if seconds.isdigit() else DEFAULT_RETRY_AFTER_SECONDS)
        elif status == 403:
            self._ban(FIREWALL_WAIT_SECONDS)

    def clock_was_set(self, by_ms: float) -> None:
        """The clock shows the exchange's time from now on. The end of a ban that was told before is
        reckoned in this machine's time, which may be another by hours: it moves along."""
        if self._blocked_until_ms:
            self._blocked_until_ms += round(by_ms)

    def _ban(self, seconds: int) -> None:
        self.bans += 1
        until = self._clock.now_ms() + max(1, seconds) * 1000
        self._blocked_until_ms = max(self._blocked_until_ms, until)

    def _roll(self) -> int:
        now = self._clock.now_ms()
        minute = now // MINUTE_MS
        if minute != self._minute:
            self._minute, self.used = minute, 0
        return now
