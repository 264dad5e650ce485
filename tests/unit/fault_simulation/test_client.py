"""What leaves a simulated process is looked at: orders at once or never, nothing during a ban."""

from __future__ import annotations

from contextlib import suppress

import pytest

from autotrade.infrastructure.connectors.exchange_clock import ClockSample, ExchangeClock
from autotrade.infrastructure.connectors.in_process_client import Refused
from autotrade.infrastructure.connectors.weight_governor import StayAway, WeightGovernor
from autotrade.infrastructure.fault_simulation.client import Wires
from autotrade.infrastructure.fault_simulation.exchange_end import ExchangeEnd
from autotrade.infrastructure.fault_simulation.invariants import Limits, Watcher
from autotrade.infrastructure.fault_simulation.market import SimulatedMarket
from autotrade.infrastructure.fault_simulation.virtual_loop import Agenda, VirtualLoop

START_MS = 1_760_000_040_000
BAN_SECONDS = 30.0


class Careless(WeightGovernor):
    """Lets everything go at any time."""

    async def admit(self, weight: int, *, is_order: bool) -> None:
        pass


class Patient(WeightGovernor):
    """Lets orders wait as long as a ban lasts."""

    async def admit(self, weight: int, *, is_order: bool) -> None:
        await super().admit(weight, is_order=False)


@pytest.fixture
def end() -> ExchangeEnd:
    agenda = Agenda(START_MS)
    end = ExchangeEnd(agenda, SimulatedMarket(1, 1, START_MS), seed=1)
    end.watch = Watcher("at-", Limits(1, 1, protect_seconds=5.0, stale_seconds=30.0))
    end.stay_away_until = BAN_SECONDS
    return end


class Forgetful(WeightGovernor):
    """Takes a ban for over when the clock is set."""

    def clock_was_set(self, by_ms: float) -> None:
        self._blocked_until_ms = 0


def broken_by(
    end: ExchangeEnd, kind: type[WeightGovernor], verb: str, set_by_ms: int | None = None
) -> list[str]:
    """Which promises break when a process asks for its open orders, is told to stay away, may set
    its clock and then asks or cancels."""
    agenda = end._agenda
    loop = VirtualLoop(agenda, "test")
    clock = ExchangeClock(monotonic=lambda: agenda.seconds, wall=lambda: agenda.now_ms / 1000)
    governor = kind(clock)
    clock.on_set = governor.clock_was_set
    wires = Wires(end, governor, clock, 5_000, lambda: agenda.seconds)

    async def life() -> None:
        with pytest.raises(Refused):
            await wires.call("GET", "openOrders", {"symbol": "BTCUSDT"})
        if set_by_ms is not None:
            server_ms = agenda.now_ms + set_by_ms
            clock.take([ClockSample(agenda.seconds, agenda.seconds, server_ms)])
        path = "openOrders" if verb == "GET" else "order"
        with suppress(Refused, StayAway):
            await wires.call(verb, path, {"symbol": "BTCUSDT", "origClientOrderId": "at-1-B1"})

    loop.run_until_complete(life())
    loop.close()
    watch = end.watch
    assert isinstance(watch, Watcher)
    return [violation.invariant for violation in watch.violations]


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_who_stays_away_keeps_the_promises(end: ExchangeEnd, verb: str) -> None:
    assert broken_by(end, WeightGovernor, verb) == []


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_a_request_during_a_ban_is_seen(end: ExchangeEnd, verb: str) -> None:
    assert broken_by(end, Careless, verb) == ["stays_away"]


@pytest.mark.parametrize("set_by_ms", [-3_600_000, 3_600_000])
def test_the_end_of_a_ban_is_known_after_the_clock_was_set(
    end: ExchangeEnd, set_by_ms: int
) -> None:
    assert broken_by(end, WeightGovernor, "GET", set_by_ms) == []


@pytest.mark.parametrize("kind", [Careless, Forgetful])
def test_a_request_during_a_ban_is_seen_after_the_clock_was_set(
    end: ExchangeEnd, kind: type[WeightGovernor]
) -> None:
    assert broken_by(end, kind, "GET", 3_600_000) == ["stays_away"]


def test_an_order_that_waited_is_seen(end: ExchangeEnd) -> None:
    assert broken_by(end, Patient, "DELETE") == ["order_leaves_at_once"]
