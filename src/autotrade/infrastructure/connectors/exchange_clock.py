"""The exchange's clock as we know it: measured by asking, never set, never going back.

Each question gives (sent, received, server's time); the server's time is taken to belong to the
middle of the round trip, so the error is at most half of it. Of several questions the one with the
shortest round trip counts. `speed` is how much faster the exchange's time runs than ours
(an accelerated simulation); 1 on every real venue.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

SIGNING_MARGIN_MS = 1_000
"""An accelerated exchange's clock jitters with our scheduling; a time stamp that is a little old is
inside the receive window, one that is too new is refused."""
HEARD_SECONDS_MAX = 1.0
"""So long (real time) the streams' last word on the time counts for signing."""


@dataclass(frozen=True, slots=True)
class ClockSample:
    """One question: when it left and came back (seconds, monotonic), and the answer (ms UTC)."""

    sent_at: float
    received_at: float
    server_ms: int

    @property
    def round_trip_ms(self) -> float:
        return (self.received_at - self.sent_at) * 1000


class ExchangeClock:
    """The application's Clock. Until the first measurement it shows the system's time."""

    def __init__(
        self,
        *,
        speed: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        if speed <= 0:
            raise ValueError(f"expected a speed above 0, was {speed}, use 1 for real time")
        self.speed = speed
        self._monotonic, self._wall = monotonic, wall
        self._anchor_at = monotonic()
        self._anchor_ms = wall() * 1000
        self._latest = 0
        self._forget_heard()
        self.round_trip_ms = 0.0
        self.measurements = 0
        self.on_set: Callable[[float], None] = lambda by_ms: None
        """Told by how much the first measurement moves it; later ones correct it by little."""

    def exact_ms(self) -> float:
        return self._anchor_ms + (self._monotonic() - self._anchor_at) * 1000 * self.speed

    def now_ms(self) -> int:
        """Time of the events: never goes back, even when a new measurement says we were ahead."""
        self._latest = max(self._latest, int(self.exact_ms()))
        return self._latest

    def at_least(self, exchange_ms: int) -> None:
        """The exchange said something at this time of its own, so it is not earlier now."""
        self._latest = max(self._latest, exchange_ms)

    def heard(self, exchange_ms: int) -> None:
        """A message of the streams was made at this time of the exchange's."""
        if exchange_ms >= self._heard_ms:
            self._heard_ms, self._heard_at = exchange_ms, self._monotonic()

    def _forget_heard(self) -> None:
        self._heard_ms, self._heard_at = 0, -math.inf

    def signing_ms(self) -> int:
        """Time stamp of requests: the newest measurement, which may step back.

        An accelerated exchange on a busy machine does not keep its speed, so that a measurement is
        soon ahead of it. What its streams told last is not: it has been that late already.
        """
        exact = int(self.exact_ms())
        if self.speed == 1:
            return exact
        if self._monotonic() - self._heard_at < HEARD_SECONDS_MAX:
            return min(exact, self._heard_ms)
        uncertain_ms = self.round_trip_ms / 2 * self.speed
        return exact - round(uncertain_ms) - SIGNING_MARGIN_MS

    @property
    def offset_ms(self) -> float:
        """How far the exchange's clock is ahead of this machine's (meaningful at speed 1)."""
        return self.exact_ms() - self._wall() * 1000

    def real_seconds(self, exchange_ms: float) -> float:
        """How long we must wait for this much of the exchange's time to pass."""
        return max(0.0, exchange_ms / 1000 / self.speed)

    def take(self, samples: list[ClockSample]) -> None:
        """Adopt the best of these measurements."""
        best = min(samples, key=lambda sample: sample.received_at - sample.sent_at)
        shown_ms, is_first = self.exact_ms(), not self.measurements
        if is_first:
            self._latest = 0  # what was shown before was this machine's time, not the exchange's
        self._anchor_at = (best.sent_at + best.received_at) / 2
        self._anchor_ms = float(best.server_ms)
        self._forget_heard()  # if the exchange's clock was set back, it told of its future
        self.round_trip_ms = best.round_trip_ms
        self.measurements += 1
        if is_first:
            self.on_set(self.exact_ms() - shown_ms)

    async def measure(self, ask: Callable[[], Awaitable[int]], count: int = 3) -> None:
        """Ask the exchange for its time `count` times; an error of `ask` is the caller's."""
        samples = []
        for _ in range(count):
            sent_at = self._monotonic()
            server_ms = await ask()
            samples.append(ClockSample(sent_at, self._monotonic(), server_ms))
        self.take(samples)
