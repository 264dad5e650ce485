"""Weather from a seed: a script of faults, in storms with calm between them.

The calm is long enough for one comparison of the books; there the invariants are checked that a
storm excuses.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind, ScriptedFault

STORM_SECONDS = (180.0, 600.0)
CALM_SECONDS = (200.0, 300.0)
FIRST_CALM_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Weather:
    """How often a kind comes (weight among the others), how long and how often it holds."""

    weight: float
    duration_s: tuple[float, float] = (0.0, 0.0)
    count: tuple[int, int] = (1, 1)


KIND = FaultKind
WEATHER: dict[FaultKind, Weather] = {
    KIND.REQUEST_LOST: Weather(4, count=(1, 3)),
    KIND.REPLY_LOST: Weather(6, count=(1, 3)),
    KIND.REQUEST_DELAYED: Weather(5, count=(1, 4)),
    KIND.REQUEST_DUPLICATED: Weather(3, count=(1, 3)),
    KIND.SERVER_ERROR: Weather(3, count=(1, 3)),
    KIND.STATUS_UNKNOWN: Weather(4, count=(1, 3)),
    KIND.RATE_LIMITED: Weather(1),
    KIND.BANNED: Weather(0.3),
    KIND.CLOCK_SKEW: Weather(1),
    KIND.REJECTED: Weather(3, count=(1, 2)),
    KIND.KEY_EXPIRED: Weather(0.3, (5, 40)),
    KIND.USER_STREAM_CLOSED: Weather(2),
    KIND.USER_STREAM_SILENT: Weather(2, (5, 60)),
    KIND.USER_EVENTS_LOST: Weather(5, count=(1, 5)),
    KIND.USER_EVENTS_REPEATED: Weather(5, count=(1, 8)),
    KIND.USER_EVENTS_DELAYED: Weather(5, (10, 60)),
    KIND.MARKET_STREAM_CLOSED: Weather(0.7, (2, 40)),
    KIND.MARKET_STREAM_SILENT: Weather(0.7, (5, 60)),
    KIND.BOOK_STALE: Weather(0.7, (5, 60)),
    KIND.BOOK_EMPTY: Weather(0.7, (5, 60)),
    KIND.THIN_MARKET: Weather(12, (30, 180)),
    KIND.FILTERS_CHANGED: Weather(0.7, (30, 200)),
    KIND.MARKET_HALTED: Weather(0.7, (5, 90)),
    KIND.ORDERS_CANCELED_BY_HAND: Weather(2),
    KIND.TRADED_BY_HAND: Weather(1),
    KIND.FUNDS_MOVED: Weather(1, (10, 100)),
    KIND.FEE_ASSET_SHORT: Weather(0.5, (20, 200)),
    KIND.PROCESS_KILLED: Weather(2.5, count=(1, 3)),
    KIND.POWER_LOST: Weather(1.2, count=(1, 2)),
    KIND.PROCESS_PAUSED: Weather(0.6, (5, 180)),
    KIND.SECOND_PROCESS: Weather(0.5),
    KIND.DISK_FULL: Weather(0.4, (5, 30)),
    KIND.DISK_ERROR: Weather(0.4),
    KIND.SYNC_FAILED: Weather(0.4),
    KIND.DISK_SLOW: Weather(1, (10, 60)),
    KIND.SNAPSHOT_LOST: Weather(0.7),
    KIND.SNAPSHOT_CORRUPT: Weather(0.7),
}
"""Of a process's kills the count says how many come in a row, the next ones during recovery."""


def storm_script(
    seed: int,
    seconds: float,
    *,
    mean_seconds_between: float = 10.0,
    kinds: Collection[FaultKind] | None = None,
) -> list[ScriptedFault]:
    """The faults of a seed, oldest first. `kinds` leaves out all others, moving none."""
    rng = random.Random(f"{seed}:storm")
    names, weights = list(WEATHER), [weather.weight for weather in WEATHER.values()]
    faults: list[ScriptedFault] = []
    now = FIRST_CALM_SECONDS
    while now < seconds:
        storm_end = min(now + rng.uniform(*STORM_SECONDS), seconds - CALM_SECONDS[0])
        while (now := now + rng.expovariate(1 / mean_seconds_between)) < storm_end:
            kind = rng.choices(names, weights)[0]
            weather = WEATHER[kind]
            duration = min(rng.uniform(*weather.duration_s), max(1.0, storm_end - now))
            count = rng.randint(*weather.count)
            if kinds is None or kind in kinds:
                at_s = round(now, 3)
                faults.append(ScriptedFault(at_s, kind, round(duration, 3), count))
        now = max(now, storm_end) + rng.uniform(*CALM_SECONDS)
    return faults
