"""Messages of streams that are lost, repeated, late, held back or overtaken."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind

Send = Callable[[], None]
_DEPTH = re.compile(r"^[a-z0-9]+@depth(@\d+ms)?$")


class Fate(Enum):
    """What becomes of a message."""

    LOST = "lost"
    REPEATED = "repeated"
    LATE = "late"
    """By a time of its own, so that it may be overtaken."""
    HELD = "held"
    """Until the fault is over; then all of them in their order."""
    OVERTAKEN = "overtaken"
    """By the next message of its stream."""


@dataclass(slots=True, eq=False)
class FrameFault:
    """Something that happens to the next `left` messages; `symbol` in capitals, None for any."""

    kind: FaultKind
    fate: Fate
    left: int
    symbol: str | None = None
    only_depth: bool = False
    held: list[Send] = field(default_factory=list)

    def concerns(self, stream: str) -> bool:
        if self.only_depth and not _DEPTH.match(stream):
            return False
        return self.symbol is None or stream.startswith(f"{self.symbol.lower()}@")


class FrameFaults:
    """The rules that a FaultPlan asks for every message, for market streams and user data."""

    def __init__(
        self,
        count: Callable[[FaultKind], None],
        delay_ms: Callable[[], int],
        after: Callable[[int, Send], None],
    ) -> None:
        """`count` hears of every message met, `delay_ms` chooses how late one is, and `after` does
        something so much later."""
        self._count, self._delay_ms, self._after = count, delay_ms, after
        self._market: list[FrameFault] = []
        self._user: list[FrameFault] = []
        self._behind: dict[str, Send] = {}
        self._late: dict[int, Send] = {}
        self._number = 0

    def add_market(self, fault: FrameFault) -> FrameFault:
        self._market.append(fault)
        return fault

    def add_user(self, fault: FrameFault) -> FrameFault:
        self._user.append(fault)
        return fault

    def remove(self, fault: FrameFault) -> None:
        """It is over; what it held back is sent."""
        for active in (self._market, self._user):
            if fault in active:
                active.remove(fault)
        held, fault.held = fault.held, []
        for send in held:
            send()

    def end(self) -> None:
        """All of them are over."""
        for fault in [*self._market, *self._user]:
            self.remove(fault)
        for send in [*self._late.values(), *self._behind.values()]:
            send()
        self._late.clear()
        self._behind.clear()

    # the rules

    def market_rule(self, stream: str, message: Any, send: Send) -> bool:
        behind = self._behind.pop(stream, None)
        if behind is not None:
            send()
            behind()
            return True
        return self._treat(self._market, stream, send)

    def user_rule(self, kind: str, message: Any, send: Send) -> bool:
        return self._treat(self._user, f"{str(message.get('s', '')).lower()}@{kind}", send)

    def _treat(self, active: list[FrameFault], stream: str, send: Send) -> bool:
        fault = next((fault for fault in active if fault.concerns(stream)), None)
        if fault is None:
            return False
        self._count(fault.kind)
        match fault.fate:
            case Fate.REPEATED:
                send()
                send()
            case Fate.LATE:
                self._send_late(send)
            case Fate.HELD:
                fault.held.append(send)
            case Fate.OVERTAKEN:
                self._behind[stream] = send
        fault.left -= 1
        if fault.left <= 0:
            self.remove(fault)
        return True

    def _send_late(self, send: Send) -> None:
        number = self._number = self._number + 1
        self._late[number] = send

        def arrive() -> None:
            late = self._late.pop(number, None)
            if late is not None:
                late()

        self._after(self._delay_ms(), arrive)
