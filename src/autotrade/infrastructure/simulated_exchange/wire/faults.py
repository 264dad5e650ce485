"""FaultPlan: what goes wrong on purpose. Tests switch it; nothing is wrong by default.

Each hook is a plain field or a small method, asked by the server at one place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from autotrade.infrastructure.simulated_exchange.wire import errors
from autotrade.infrastructure.simulated_exchange.wire.errors import WireRefusal

Event = Mapping[str, Any]
FrameRule = Callable[[str, Any, Callable[[], None]], bool]
"""Asked for every message with its stream (or the user event's kind), the message, and how to send
it, now or later; True when the rule has seen to it, False when it goes its usual way."""
ALWAYS = 1 << 62
"""As `times`: until the plan is taken back."""
INJECTED_KEPT = 10_000
"""Exchanges that run for days note no more than this."""


@dataclass(slots=True, eq=False)
class PlannedAnswer:
    """Refuse the next `times` requests in whose name the pattern `where` is found; a request is
    named like `POST /api/v3/order BTCUSDT` or `order.place BTCUSDT` (its symbol, where it has one).

    With `is_executed` the request is carried out first, and the refusal hides that. A refusal that
    depends on the moment is given as a function.
    """

    where: str
    refusal: WireRefusal | Callable[[], WireRefusal]
    times: int = 1
    is_executed: bool = False
    on_met: Callable[[], None] | None = None

    def error(self) -> WireRefusal:
        return self.refusal if isinstance(self.refusal, WireRefusal) else self.refusal()


class Mishap(StrEnum):
    """What can happen to a REST request on its way in."""

    LOST = "lost"
    DELAYED = "delayed"
    DUPLICATED = "duplicated"


@dataclass(slots=True, eq=False)
class PlannedMishap:
    """The next `times` REST requests in whose name `where` is found do not arrive, arrive late (by
    `delay_s` of the wall's time) or twice."""

    where: str
    mishap: Mishap
    times: int = 1
    delay_s: float = 0.0
    on_met: Callable[[], None] | None = None


Plan = TypeVar("Plan", PlannedAnswer, PlannedMishap)


@dataclass(slots=True)
class FaultPlan:
    """All planned faults of one server."""

    clock_skew_ms: int = 0
    """Added to the server's time in replies, in the judgement of timestamps and as event time."""
    refuse_connections: bool = False
    silent_streams: bool = False
    """Market streams send nothing; sockets stay open."""
    silent_user_streams: bool = False
    lose_replies: list[PlannedAnswer] = field(default_factory=list)
    answers: list[PlannedAnswer] = field(default_factory=list)
    mishaps: list[PlannedMishap] = field(default_factory=list)
    depth_gaps: dict[str, int] = field(default_factory=dict)
    """symbol -> how many of its next depth events are swallowed."""
    user_event_rule: Callable[[Event], int] | None = None
    """How often to send an event: 0 drops it, 2 doubles it. Asked for each event."""
    frame_rule: FrameRule | None = None
    """For the messages of market streams."""
    user_frame_rule: FrameRule | None = None
    held_user_events: list[Callable[[], None]] = field(default_factory=list)
    is_holding_user_events: bool = False
    injected: list[str] = field(default_factory=list)
    """What really happened, in order, for tests to read."""

    def lose_reply(self, where: str, times: int = 1) -> None:
        """Carry out the next requests to `where`, then cut the connection without an answer."""
        self.lose_replies.append(PlannedAnswer(where, errors.unknown_error(), times, True))

    def answer(
        self,
        where: str,
        code: int,
        message: str,
        http_status: int,
        *,
        times: int = 1,
        is_executed: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        refusal = WireRefusal(code, message, http_status, headers=headers)
        self.answers.append(PlannedAnswer(where, refusal, times, is_executed))

    def answer_timeout(self, where: str, *, times: int = 1, is_executed: bool = True) -> None:
        """-1007: the outcome is unknown to the client; here it is what `is_executed` says."""
        self.answers.append(PlannedAnswer(where, errors.status_unknown(), times, is_executed))

    def take_answer(self, name: str) -> PlannedAnswer | None:
        return self._take(self.answers, name, "answer")

    def take_lost_reply(self, name: str) -> bool:
        return self._take(self.lose_replies, name, "lost reply") is not None

    def take_mishap(self, name: str) -> PlannedMishap | None:
        return self._take(self.mishaps, name, "mishap")

    def _take(self, plans: list[Plan], name: str, what: str) -> Plan | None:
        for plan in plans:
            if re.search(plan.where, name):
                plan.times -= 1
                if plan.times <= 0:
                    plans.remove(plan)
                self._note(f"{what} {name}")
                if plan.on_met is not None:
                    plan.on_met()
                return plan
        return None

    def _note(self, text: str) -> None:
        if len(self.injected) < INJECTED_KEPT:
            self.injected.append(text)

    def user_event_copied(self, event: Event, copies: int) -> None:
        self._note(f"user event x{copies} {event['e']}")

    def at_our_time(self, event: Any) -> Any:
        """The message as a server with our clock would date it."""
        if self.clock_skew_ms and isinstance(event, Mapping) and "E" in event:
            return {**event, "E": event["E"] + self.clock_skew_ms}
        return event

    def open_depth_gap(self, symbol: str, events: int = 1) -> None:
        self.depth_gaps[symbol] = self.depth_gaps.get(symbol, 0) + events

    def takes_depth_event(self, symbol: str) -> bool:
        left = self.depth_gaps.get(symbol, 0)
        if left <= 0:
            return False
        self.depth_gaps[symbol] = left - 1
        self._note(f"depth gap {symbol}")
        return True

    def copies_of(self, event: Event) -> int:
        return 1 if self.user_event_rule is None else self.user_event_rule(event)

    def hold_user_events(self) -> None:
        """Keep user events back until `release_user_events`."""
        self.is_holding_user_events = True

    def release_user_events(self) -> None:
        self.is_holding_user_events = False
        held, self.held_user_events = self.held_user_events, []
        for send in held:
            send()
