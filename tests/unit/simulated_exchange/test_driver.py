"""The driver: order of what is due, the end of a recording, and a machine that is too slow."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import Output, TradeExecuted
from autotrade.infrastructure.simulated_exchange.driver import (
    HandClock,
    MarketDriver,
    SimulationClock,
)
from tests.integration.simulated_exchange.support import START_TS, ScriptedMarket


class _Clockwork:
    """A flush every `cadence_ms`; notes the exchange's time at each."""

    def __init__(self, cadence_ms: int) -> None:
        self.cadence_ms = cadence_ms
        self.last = START_TS
        self.flushed: list[int] = []

    def next_due_ts(self) -> int | None:
        return self.last + self.cadence_ms

    def flush(self, ts: int) -> None:
        self.last = ts
        self.flushed.append(ts)


class _Wall:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def _driver(
    source: ScriptedMarket, clock: HandClock | SimulationClock, cadence_ms: int = 100
) -> tuple[MarketDriver, _Clockwork, list[tuple[str, int]]]:
    exchange = SimulatedExchange(source.markets, start_ts=source.start_ts)
    clockwork = _Clockwork(cadence_ms)
    seen: list[tuple[str, int]] = []

    def publish(outputs: Sequence[Output]) -> None:
        seen.extend(
            ("trade", output.trade.ts) for output in outputs if isinstance(output, TradeExecuted)
        )
        seen.extend(("flush", ts) for ts in clockwork.flushed[len(_flushes(seen)) :])

    driver = MarketDriver(exchange, source, clock, publish=publish, clockwork=clockwork)
    return driver, clockwork, seen


def _flushes(seen: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return [entry for entry in seen if entry[0] == "flush"]


def test_flushes_come_before_the_facts_of_their_moment() -> None:
    driver, clockwork, _ = _driver(ScriptedMarket(symbols=["BTCUSDT"]), HandClock(START_TS))
    driver.advance_to(START_TS + 199)
    assert driver.exchange.trades("BTCUSDT") == []
    before = driver.stats.facts
    driver.advance_to(START_TS + 200)
    assert clockwork.flushed == [START_TS + 100, START_TS + 200]
    assert driver.stats.facts == before + 2
    assert driver.exchange.trades("BTCUSDT")[0].ts == START_TS + 200
    assert driver.exchange.now == START_TS + 200


def test_steps_are_bounded_and_go_on_where_they_stopped() -> None:
    driver, clockwork, _ = _driver(ScriptedMarket(), HandClock(START_TS))
    assert driver.advance_to(START_TS + 10_000, steps_max=5) is False
    assert driver.exchange.now < START_TS + 1_000
    while not driver.advance_to(START_TS + 10_000, steps_max=5):
        pass
    assert clockwork.flushed == list(range(START_TS + 100, START_TS + 10_001, 100))


def test_end_of_a_recording_freezes_prices_and_is_told_once() -> None:
    source = ScriptedMarket(end_ts=START_TS + 1_000)
    driver, _, _ = _driver(source, HandClock(START_TS))
    driver.advance_to(START_TS + 999)
    assert not driver.ended.is_set()
    driver.advance_to(START_TS + 1_000)
    assert driver.ended.is_set()
    trades = driver.exchange.trades("BTCUSDT")
    driver.advance_to(START_TS + 60_000)
    assert driver.exchange.trades("BTCUSDT") == trades
    assert driver.exchange.now == START_TS + 60_000


def test_simulation_clock_runs_at_its_speed_and_can_be_held_back() -> None:
    wall = _Wall()
    clock = SimulationClock(START_TS, 60.0, wall)
    wall.seconds += 0.5
    assert clock.now_ms() == START_TS + 30_000
    assert clock.wall_seconds_until(START_TS + 36_000) == pytest.approx(0.1)
    assert clock.hold_back(START_TS + 20_000) == 10_000
    assert clock.now_ms() == START_TS + 20_000
    assert clock.hold_back(START_TS + 25_000) == 0
    with pytest.raises(ValueError, match="expected a speed above 0, was 0"):
        SimulationClock(START_TS, 0)


def test_time_does_not_run_away_from_a_market_that_is_behind() -> None:
    """Two seconds of work are due at once; only a bounded part of the lag is kept."""
    wall = _Wall()
    clock = SimulationClock(START_TS, 60.0, wall)
    driver, _, _ = _driver(ScriptedMarket(), clock)
    wall.seconds += 2.0
    due = driver.next_due_ts()
    assert due is not None
    assert driver.time_ms() == due  # not the two minutes that the schedule says
    driver._bound_lag()
    assert clock.now_ms() == due + 250 * 60
    assert driver.stats.slipped_ms == 120_000 - 250 * 60 - (due - START_TS)
    assert driver.stats.lag_ms_max == 120_000 - (due - START_TS)
