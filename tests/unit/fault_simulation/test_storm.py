"""Weather from a seed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from autotrade.infrastructure.fault_simulation.storm import CALM_SECONDS, WEATHER, storm_script
from autotrade.infrastructure.fault_simulation.world import REQUEST_KINDS, STRIKES
from autotrade.infrastructure.simulated_exchange.fault_script import (
    FaultKind,
    dump_script,
    parse_script,
)

HOUR = 3_600.0


def test_a_seed_is_a_script_and_another_seed_another() -> None:
    assert storm_script(1, HOUR) == storm_script(1, HOUR)
    assert storm_script(1, HOUR) != storm_script(2, HOUR)


def test_every_kind_comes_and_every_kind_can_be_carried_out() -> None:
    counts = Counter(fault.kind for seed in range(60) for fault in storm_script(seed, 8 * HOUR))
    assert set(counts) == set(WEATHER)
    assert set(WEATHER) <= REQUEST_KINDS | set(STRIKES)
    assert set(FaultKind) == REQUEST_KINDS | set(STRIKES)


def test_leaving_kinds_out_moves_no_other_fault() -> None:
    whole = storm_script(3, HOUR)
    some = storm_script(3, HOUR, kinds={FaultKind.REPLY_LOST, FaultKind.PROCESS_KILLED})
    assert some == [fault for fault in whole if fault in some]
    assert 0 < len(some) < len(whole)


def test_there_is_calm_between_the_storms_and_at_the_end() -> None:
    for seed in range(20):
        script = storm_script(seed, 2 * HOUR)
        gaps = [after.at_s - before.at_s for before, after in pairwise(script)]
        assert max(gaps) >= CALM_SECONDS[0]
        assert max(fault.at_s + fault.duration_s for fault in script) <= 2 * HOUR - 150


def test_a_script_survives_json() -> None:
    script = storm_script(5, HOUR)
    assert parse_script(dump_script(script), "here") == script
