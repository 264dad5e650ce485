from __future__ import annotations

import pytest

from autotrade.infrastructure.connectors.exchange_clock import (
    HEARD_SECONDS_MAX,
    SIGNING_MARGIN_MS,
    ClockSample,
    ExchangeClock,
)


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def clock_at(time: Time, speed: float = 1.0) -> ExchangeClock:
    return ExchangeClock(speed=speed, monotonic=time, wall=lambda: 1_000.0 + time.now)


def test_the_answer_belongs_to_the_middle_of_the_round_trip() -> None:
    time = Time()
    clock = clock_at(time)
    clock.take([ClockSample(100.0, 100.2, 5_000)])
    time.now = 100.2
    assert clock.now_ms() == 5_100
    assert clock.round_trip_ms == pytest.approx(200)
    assert clock.offset_ms == pytest.approx(5_100 - 1_100_200)


def test_the_shortest_round_trip_counts() -> None:
    time = Time()
    clock = clock_at(time)
    clock.take([ClockSample(99.0, 100.0, 9_000), ClockSample(100.0, 100.01, 5_000)])
    time.now = 100.005
    assert clock.now_ms() == 5_000


def test_accelerated_time_runs_faster_and_signs_a_little_in_the_past() -> None:
    time = Time()
    clock = clock_at(time, speed=60.0)
    clock.take([ClockSample(100.0, 100.0, 0)])
    time.now = 101.0
    assert clock.now_ms() == 60_000
    assert clock.signing_ms() == 59_000
    assert clock.real_seconds(60_000) == 1.0


def test_events_never_go_back_in_time_but_time_stamps_of_requests_follow_the_measurement() -> None:
    time = Time()
    clock = clock_at(time)
    clock.take([ClockSample(100.0, 100.0, 20_000)])
    assert clock.now_ms() == 20_000
    clock.take([ClockSample(100.0, 100.0, 5_000)])
    assert clock.now_ms() == 20_000
    assert clock.signing_ms() == 5_000
    time.now = 120.0
    assert clock.now_ms() == 25_000


def test_the_time_before_the_first_measurement_does_not_hold_it_back() -> None:
    time = Time()
    clock = clock_at(time)
    assert clock.now_ms() == 1_100_000
    clock.take([ClockSample(100.0, 100.0, 5_000)])
    assert clock.now_ms() == 5_000


def test_it_is_never_earlier_than_what_the_exchange_said() -> None:
    time = Time()
    clock = clock_at(time)
    clock.take([ClockSample(100.0, 100.0, 5_000)])
    clock.at_least(5_010)
    assert clock.now_ms() == 5_010


def test_what_the_streams_told_is_signed_with_while_it_is_fresh() -> None:
    """A market of speed 100 kept half of it for 10 s: the measurement is far ahead of it."""
    time = Time()
    clock = clock_at(time, speed=100.0)
    clock.take([ClockSample(100.0, 100.0, 0)])
    time.now = 110.0
    clock.heard(500_000)
    clock.heard(499_900)  # overtaken on its way
    assert clock.signing_ms() == 500_000
    assert clock.now_ms() == 1_000_000
    time.now += HEARD_SECONDS_MAX
    assert clock.signing_ms() == clock.now_ms() - SIGNING_MARGIN_MS


def test_a_time_of_before_the_measurement_is_not_signed_with() -> None:
    """The exchange's clock was ahead, told so, was refused, and is measured anew."""
    time = Time()
    clock = clock_at(time, speed=100.0)
    clock.heard(900_000)
    clock.take([ClockSample(100.0, 100.0, 500_000)])
    assert clock.signing_ms() == 500_000 - SIGNING_MARGIN_MS
    clock.heard(500_050)
    assert clock.signing_ms() == 500_000, "measured is the most that may be believed"


def test_a_slow_measurement_is_signed_with_as_late_as_it_may_have_been() -> None:
    """The answer may have been made at the very end of its round trip of 400 ms."""
    time = Time()
    clock = clock_at(time, speed=100.0)
    clock.take([ClockSample(99.6, 100.0, 80_000)])
    assert clock.now_ms() == 100_000
    assert clock.signing_ms() == 80_000 - SIGNING_MARGIN_MS


def test_a_real_exchange_is_signed_to_by_the_measurement_alone() -> None:
    time = Time()
    clock = clock_at(time)
    clock.take([ClockSample(100.0, 100.0, 5_000)])
    clock.heard(4_000)
    assert clock.signing_ms() == 5_000


async def test_it_asks_several_times() -> None:
    time = Time()
    clock = clock_at(time)
    delays = iter([0.3, 0.1, 0.2])

    async def ask() -> int:
        time.now += next(delays)
        return 50_000

    await clock.measure(ask)
    assert clock.round_trip_ms == pytest.approx(100)


def test_a_speed_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        ExchangeClock(speed=0)
