from __future__ import annotations

import pytest

from autotrade.infrastructure.connectors.exchange_clock import ClockSample, ExchangeClock
from autotrade.infrastructure.connectors.weight_governor import (
    HEAD_START_SECONDS,
    StayAway,
    WeightGovernor,
)

MINUTE_MS = 60_000


class Time:
    """The exchange's clock, moved by the governor's own sleeping."""

    def __init__(self) -> None:
        self.ms = 30_000
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return self.ms

    def real_seconds(self, exchange_ms: float) -> float:
        return exchange_ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ms += round(seconds * 1000)


def governor_at(time: Time, limit: int = 100) -> WeightGovernor:
    return WeightGovernor(time, limit=limit, reserve=0.2, sleep=time.sleep)


async def test_questions_wait_for_the_next_minute_when_the_budget_is_near() -> None:
    time = Time()
    governor = governor_at(time)
    governor.note(200, {"X-MBX-USED-WEIGHT-1M": "75"})
    await governor.admit(5, is_order=False)
    assert time.slept == []
    await governor.admit(5, is_order=False)
    assert time.ms >= MINUTE_MS
    assert governor.used == 5


async def test_orders_do_not_wait() -> None:
    time = Time()
    governor = governor_at(time)
    governor.note(200, {"x-mbx-used-weight-1m": "99"})
    await governor.admit(1, is_order=True)
    assert time.slept == []


async def test_what_left_since_the_last_answer_counts() -> None:
    time = Time()
    governor = governor_at(time)
    for _ in range(8):
        await governor.admit(10, is_order=False)
    await governor.admit(10, is_order=False)
    assert len(time.slept) == 1


@pytest.mark.parametrize("status", [429, 418])
async def test_a_ban_holds_questions_and_refuses_orders(status: int) -> None:
    time = Time()
    governor = governor_at(time)
    governor.note(status, {"Retry-After": "7"})
    with pytest.raises(StayAway, match="7 s"):
        await governor.admit(1, is_order=True)
    await governor.admit(1, is_order=False)
    assert time.ms >= 37_000
    await governor.admit(1, is_order=True)


@pytest.mark.parametrize("exchange_is_ahead_ms", [-31_536_000_000, 31_536_000_000])
async def test_a_ban_told_before_the_exchanges_time_is_known_lasts_as_long_as_told(
    exchange_is_ahead_ms: int,
) -> None:
    """This machine's clock, in which its end was reckoned first, may be a year off."""
    seconds = 1_000.0

    async def sleep(pause: float) -> None:
        nonlocal seconds
        seconds += pause

    clock = ExchangeClock(monotonic=lambda: seconds, wall=lambda: 2_000_000_000 + seconds)
    governor = WeightGovernor(clock, sleep=sleep)
    clock.on_set = governor.clock_was_set
    governor.note(418, {"Retry-After": "60"})
    seconds += 20.0
    server_ms = int(clock.exact_ms()) + exchange_is_ahead_ms
    clock.take([ClockSample(seconds, seconds, server_ms)])
    with pytest.raises(StayAway, match="for 40 s more"):
        await governor.admit(1, is_order=True)
    await governor.admit(1, is_order=False)
    assert seconds == pytest.approx(1_060 + HEAD_START_SECONDS, abs=1.0)


async def test_the_firewall_counts_as_a_ban() -> None:
    time = Time()
    governor = governor_at(time)
    governor.note(403, {})
    with pytest.raises(StayAway):
        await governor.admit(1, is_order=True)


async def test_a_request_heavier_than_the_budget_leaves_at_a_fresh_minute() -> None:
    time = Time()
    governor = governor_at(time, limit=10)
    await governor.admit(1, is_order=False)
    await governor.admit(50, is_order=False)
    assert time.ms >= MINUTE_MS


async def test_the_order_counts_are_known() -> None:
    governor = governor_at(Time())
    governor.note(200, {"X-MBX-ORDER-COUNT-10S": "3", "X-MBX-ORDER-COUNT-1D": "40"})
    assert (governor.orders_10s, governor.orders_day) == (3, 40)


async def test_an_order_that_was_refused_during_a_ban_goes_first_after_it() -> None:
    time = Time()
    governor = governor_at(time)
    governor.note(418, {"Retry-After": "7"})
    with pytest.raises(StayAway):
        await governor.admit(1, is_order=True)
    went: list[str] = []

    pause = governor._sleep

    async def sleep(seconds: float) -> None:
        await pause(seconds)
        if time.ms > 38_000 and "order" not in went:
            await governor.admit(1, is_order=True)
            went.append("order")

    governor._sleep = sleep
    await governor.admit(1, is_order=False)
    went.append("question")
    assert went == ["order", "question"]
    assert time.ms < 39_000


async def test_an_order_that_does_not_come_is_not_waited_for_long() -> None:
    time = Time()
    governor = governor_at(time)
    governor.note(418, {"Retry-After": "7"})
    with pytest.raises(StayAway):
        await governor.admit(1, is_order=True)
    await governor.admit(1, is_order=False)
    assert 43_000 <= time.ms < 44_000
    asked = len(time.slept)
    await governor.admit(1, is_order=False)
    assert len(time.slept) == asked
