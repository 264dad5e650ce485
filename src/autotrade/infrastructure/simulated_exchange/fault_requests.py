"""Requests that get lost, come late or twice, and answers that hide what was done."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind, ScriptedFault
from autotrade.infrastructure.simulated_exchange.wire import errors
from autotrade.infrastructure.simulated_exchange.wire.errors import WireRefusal
from autotrade.infrastructure.simulated_exchange.wire.faults import (
    ALWAYS,
    FaultPlan,
    Mishap,
    PlannedAnswer,
    PlannedMishap,
)

PLACEMENTS = "^POST /api/v3/order"
ORDERS = "^(POST|DELETE) /api/v3/order"
ANYTHING = " /api/v3/"
REJECTION = "Filter failure: PERCENT_PRICE_BY_SIDE"

Armed = tuple[list[Any], PlannedAnswer | PlannedMishap]

_MISHAPS = {
    FaultKind.REQUEST_LOST: Mishap.LOST,
    FaultKind.REQUEST_DELAYED: Mishap.DELAYED,
    FaultKind.REQUEST_DUPLICATED: Mishap.DUPLICATED,
}
KINDS = (
    *_MISHAPS,
    FaultKind.REPLY_LOST,
    FaultKind.SERVER_ERROR,
    FaultKind.STATUS_UNKNOWN,
    FaultKind.REJECTED,
)


class RequestFaults:
    """Lays faults of requests into a FaultPlan and takes them back.

    A fault with a duration meets every request. Of those with a number, the first of a kind meets
    requests that place or cancel orders, the second any request at all, and so on in turn. Of
    requests that are answered with doubt, every other one is carried out.
    """

    def __init__(
        self,
        plan: FaultPlan,
        count: Callable[[FaultKind], None],
        delay_s: Callable[[], float],
    ) -> None:
        """`count` hears of every request met; `delay_s` chooses how long one is held up (of the
        wall's time)."""
        self._plan, self._count, self._delay_s = plan, count, delay_s
        self._turns: Counter[FaultKind] = Counter()
        self._doubts = 0
        self._armed: list[Armed] = []

    def arm(self, fault: ScriptedFault) -> list[Armed]:
        """The next `count` requests; with a duration all of them until `disarm`."""
        where = self._where(fault)
        if fault.duration_s:
            found = [self._made(fault.kind, where, is_executed=False)]
            found[0][1].times = ALWAYS
        else:
            found = [
                self._made(fault.kind, where, is_executed=self._is_carried_out(fault.kind))
                for _ in range(fault.count)
            ]
        self._armed = [pair for pair in self._armed if pair[1] in pair[0]]
        for plans, plan in found:
            plan.on_met = lambda: self._count(fault.kind)
            plans.append(plan)
        self._armed += found
        return found

    def refuse_all(
        self, kind: FaultKind, refusal: Callable[[], WireRefusal], where: str = ""
    ) -> list[Armed]:
        """Every request in whose name `where` is found, until `disarm`."""
        plan = PlannedAnswer(where, refusal, ALWAYS, on_met=lambda: self._count(kind))
        self._plan.answers.insert(0, plan)
        found: list[Armed] = [(self._plan.answers, plan)]
        self._armed += found
        return found

    def disarm(self, armed: list[Armed]) -> None:
        for plans, plan in armed:
            if plan in plans:
                plans.remove(plan)

    def end(self) -> None:
        self.disarm(self._armed)
        self._armed = []

    def _where(self, fault: ScriptedFault) -> str:
        where = ANYTHING
        if not fault.duration_s:
            where = ANYTHING if self._turns[fault.kind] % 2 else ORDERS
            self._turns[fault.kind] += 1
        if fault.kind is FaultKind.REJECTED:
            where = PLACEMENTS
        return where if fault.symbol is None else f"{where}.* {fault.symbol}$"

    def _is_carried_out(self, kind: FaultKind) -> bool:
        if kind not in (FaultKind.SERVER_ERROR, FaultKind.STATUS_UNKNOWN):
            return False
        self._doubts += 1
        return self._doubts % 2 == 1

    def _made(self, kind: FaultKind, where: str, *, is_executed: bool) -> Armed:
        if kind in _MISHAPS:
            delay_s = self._delay_s() if kind is FaultKind.REQUEST_DELAYED else 0.0
            return self._plan.mishaps, PlannedMishap(where, _MISHAPS[kind], delay_s=delay_s)
        if kind is FaultKind.REPLY_LOST:
            return self._plan.lose_replies, PlannedAnswer(where, errors.unknown_error())
        refusal = _REFUSALS[kind]()
        return self._plan.answers, PlannedAnswer(where, refusal, is_executed=is_executed)


_REFUSALS: dict[FaultKind, Callable[[], WireRefusal]] = {
    FaultKind.SERVER_ERROR: lambda: WireRefusal(
        -1000, "Unknown error, please check your request or try again later.", 503
    ),
    FaultKind.STATUS_UNKNOWN: errors.status_unknown,
    FaultKind.REJECTED: lambda: WireRefusal(-1013, REJECTION),
}


def stay_away(kind: FaultKind, now_ts: int, until_ts: int) -> WireRefusal:
    """429 or 418 with the seconds that are left."""
    seconds = max(1, math.ceil((until_ts - now_ts) / 1000))
    if kind is FaultKind.BANNED:
        return errors.banned(until_ts, seconds)
    return errors.too_much_weight(6_000, seconds)
