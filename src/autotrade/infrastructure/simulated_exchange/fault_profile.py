"""Endless faults from a seed, and the words after `--faults`."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autotrade.infrastructure.simulated_exchange.fault_script import (
    BadFaultScript,
    FaultKind,
    ScriptedFault,
    load_script,
)

OF_THE_PROCESS = frozenset(
    {
        FaultKind.PROCESS_KILLED,
        FaultKind.POWER_LOST,
        FaultKind.PROCESS_PAUSED,
        FaultKind.SECOND_PROCESS,
        FaultKind.DISK_FULL,
        FaultKind.DISK_ERROR,
        FaultKind.SYNC_FAILED,
        FaultKind.DISK_SLOW,
        FaultKind.SNAPSHOT_LOST,
        FaultKind.SNAPSHOT_CORRUPT,
    }
)
"""They happen to the bot's process or its disk, which no exchange can reach."""

ON_SOCKETS = tuple(kind for kind in FaultKind if kind not in OF_THE_PROCESS)
"""What an exchange can do to its clients."""

AT_RANDOM = tuple(
    kind for kind in ON_SOCKETS if kind not in (FaultKind.TRADED_BY_HAND, FaultKind.FEE_ASSET_SHORT)
)
"""Without trades by other hands, after which start balances plus own fills are not the account any
more, and without fees in another asset, which an account must want first."""

MEAN_SECONDS_BETWEEN = 30.0
WALL_SECONDS_BETWEEN = 2.0
_SECONDS: dict[FaultKind, tuple[float, float]] = {
    FaultKind.REQUEST_DELAYED: (1, 20),
    FaultKind.RATE_LIMITED: (2, 20),
    FaultKind.BANNED: (20, 120),
    FaultKind.CLOCK_SKEW: (5, 60),
    FaultKind.KEY_EXPIRED: (5, 40),
    FaultKind.USER_STREAM_SILENT: (5, 120),
    FaultKind.USER_EVENTS_DELAYED: (5, 60),
    FaultKind.MARKET_STREAM_SILENT: (5, 120),
    FaultKind.BOOK_STALE: (5, 60),
    FaultKind.BOOK_EMPTY: (2, 30),
    FaultKind.THIN_MARKET: (10, 120),
    FaultKind.FILTERS_CHANGED: (30, 300),
    FaultKind.MARKET_HALTED: (10, 120),
    FaultKind.FUNDS_MOVED: (5, 60),
}
"""Between which bounds a state lasts; every other kind is a number of single events."""
_COUNT_MAX = 4


@dataclass(frozen=True, slots=True)
class FaultProfile:
    """Faults without end: the same seed, the same faults. Times are the exchange's."""

    seed: int
    mean_seconds_between: float = MEAN_SECONDS_BETWEEN
    kinds: tuple[FaultKind, ...] = AT_RANDOM

    def __post_init__(self) -> None:
        if self.mean_seconds_between <= 0:
            raise BadFaultScript(
                f"expected a mean time between faults above 0 s, was {self.mean_seconds_between}"
            )
        for kind in self.kinds:
            check_kind(kind, f"seed {self.seed}")

    def faults(self) -> Iterator[ScriptedFault]:
        """One after the other, for ever."""
        choose = random.Random(self.seed)
        at_s = 0.0
        while True:
            at_s += choose.expovariate(1 / self.mean_seconds_between)
            kind = choose.choice(self.kinds)
            if kind in _SECONDS:
                seconds = round(choose.uniform(*_SECONDS[kind]), 3)
                yield ScriptedFault(round(at_s, 3), kind, duration_s=seconds)
            else:
                yield ScriptedFault(round(at_s, 3), kind, count=choose.randint(1, _COUNT_MAX))


def check_kind(kind: FaultKind, where: str) -> None:
    """Raises `BadFaultScript` for what cannot come through a socket."""
    if kind in OF_THE_PROCESS:
        raise BadFaultScript(
            f"{where}: expected a fault that an exchange can cause, was {kind.value}, which "
            "happens to the bot's process or its disk; leave it out"
        )


def check_script(
    faults: Iterable[ScriptedFault], symbols: Iterable[str], where: str
) -> list[ScriptedFault]:
    """The faults, each of which an exchange with these symbols can carry out; else
    `BadFaultScript`."""
    known, found = sorted(symbols), list(faults)
    for fault in found:
        named = f"{where}, {fault.kind.value} at {fault.at_s:g} s"
        check_kind(fault.kind, named)
        if fault.symbol is not None and fault.symbol not in known:
            raise BadFaultScript(
                f"{named}: expected a symbol of {', '.join(known)}, was {fault.symbol}"
            )
    return found


def faults_of(text: str, symbols: Iterable[str], speed: float = 1.0) -> Iterable[ScriptedFault]:
    """What `--faults` names: `seed:N`, or a file with a script; raises `BadFaultScript`.

    On an accelerated clock random faults come at the pace at which a client's machine can recover
    from them, not at the clock's.
    """
    kind, _, number = text.partition(":")
    if kind == "seed":
        if not number.isdigit():
            raise BadFaultScript(f"expected faults like seed:7 or a script's file, was {text}")
        mean = max(MEAN_SECONDS_BETWEEN, WALL_SECONDS_BETWEEN * speed)
        return FaultProfile(int(number), mean).faults()
    return check_script(load_script(Path(text)), symbols, text)
