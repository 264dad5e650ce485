"""FaultPlan: what goes wrong on purpose. Tests switch it; nothing is wrong by default.

Each hook is a plain field or a small method, asked by the server at one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autotrade.infrastructure.simulated_exchange.wire import errors
from autotrade.infrastructure.simulated_exchange.wire.errors import WireRefusal

Event = Mapping[str, Any]


@dataclass(slots=True)
class PlannedAnswer:
    """Refuse the next `times` requests whose name contains `where`; a request is named like
    `POST /api/v3/order` or `order.place`.

    With `is_executed` the request is carried out first, and the refusal hides that.
    """

    where: str
    refusal: WireRefusal
    times: int = 1
    is_executed: bool = False


@dataclass(slots=True)
class FaultPlan:
    """All planned faults of one server."""

    clock_skew_ms: int = 0
    """Added to the server's time in replies and in the judgement of timestamps."""
    refuse_connections: bool = False
    silent_streams: bool = False
    """Market streams send nothing; sockets stay open."""
    silent_user_streams: bool = False
    lose_replies: list[PlannedAnswer] = field(default_factory=list)
    answers: list[PlannedAnswer] = field(default_factory=list)
    depth_gaps: dict[str, int] = field(default_factory=dict)
    """symbol -> how many of its next depth events are swallowed."""
    user_event_rule: Callable[[Event], int] | None = None
    """How often to send an event: 0 drops it, 2 doubles it. Asked for each event."""
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

    def take_answer(self, path: str) -> PlannedAnswer | None:
        return self._take(self.answers, path, "answer")

    def take_lost_reply(self, path: str) -> bool:
        return self._take(self.lose_replies, path, "lost reply") is not None

    def _take(self, plans: list[PlannedAnswer], path: str, what: str) -> PlannedAnswer | None:
        for plan in plans:
            if plan.where in path:
                plan.times -= 1
                if plan.times <= 0:
                    plans.remove(plan)
                self.injected.append(f"{what} {path}")
                return plan
        return None

    def open_depth_gap(self, symbol: str, events: int = 1) -> None:
        self.depth_gaps[symbol] = self.depth_gaps.get(symbol, 0) + events

    def takes_depth_event(self, symbol: str) -> bool:
        left = self.depth_gaps.get(symbol, 0)
        if left <= 0:
            return False
        self.depth_gaps[symbol] = left - 1
        self.injected.append(f"depth gap {symbol}")
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
