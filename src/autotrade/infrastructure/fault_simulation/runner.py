"""Many worlds, on many cores: figures, the worlds that broke a promise, and the least that breaks.

A world that broke one is shrunk (fewer faults, a shorter span) and can be kept as a regression: a
script that any later version must survive.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from autotrade.infrastructure.fault_simulation.invariants import Violation
from autotrade.infrastructure.fault_simulation.storm import storm_script
from autotrade.infrastructure.fault_simulation.world import WorldPlan, WorldResult, run_world
from autotrade.infrastructure.simulated_exchange.fault_script import (
    ScriptedFault,
    dump_script,
    parse_script,
)

SECONDS_A_DAY = 86_400.0
SHRINK_TRIES_MAX = 80
MEMORY_DISK = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Regression:
    """A world that once broke a promise."""

    plan: WorldPlan
    found: str


@dataclass(slots=True)
class SimulationReport:
    """Sums over all worlds."""

    seeds: int = 0
    bot_days: float = 0.0
    violations: int = 0
    violating: list[dict[str, Any]] = field(default_factory=list)
    """Per seed: the first violation, how many there were, the command that shows it again."""
    faults: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    recoveries: int = 0
    deals: int = 0
    fills: int = 0
    calm_checks: int = 0
    unprotected_ms_max: int = 0
    unprotected_calm_ms_max: int = 0
    speed: float = 0.0
    """Simulated seconds a real second, all jobs together."""
    speed_per_core: float = 0.0
    """Simulated seconds a second of processor time."""
    journal_sha256: str = ""

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        values["faults"] = dict(sorted(self.faults.items()))
        values["bot_days"] = round(self.bot_days, 3)
        values["speed"], values["speed_per_core"] = round(self.speed), round(self.speed_per_core)
        return values


def live_through(plan: WorldPlan, tell: Callable[[float, str], None] | None = None) -> WorldResult:
    """One world in a folder of its own that is gone afterwards."""
    place = MEMORY_DISK if MEMORY_DISK.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="autotrade-world-", dir=place) as name:
        return run_world(plan, Path(name), tell)


def _prepare_process() -> None:
    logging.disable(logging.CRITICAL)  # the connectors' warnings are the faults' own
    # A world keeps all that ever happened in it: looking through that for garbage time and again
    # costs a tenth of its time and finds next to nothing.
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def _live_through_timed(plan: WorldPlan) -> tuple[WorldResult, float]:
    started = time.process_time()
    return live_through(plan), time.process_time() - started


def simulate(
    plans: Sequence[WorldPlan],
    *,
    jobs: int,
    on_world: Callable[[WorldResult, int], None] = lambda result, done: None,
    fail_fast: bool = False,
) -> SimulationReport:
    """Live through all plans; `on_world` hears each as it ends, with how many have ended."""
    report = SimulationReport()
    digests: dict[int, str] = {}
    started, core_seconds, simulated = time.perf_counter(), 0.0, 0.0
    for result, seconds in _results(plans, jobs):
        core_seconds += seconds
        simulated += result.seconds
        digests[result.seed] = result.journal_sha256
        _add(report, result)
        on_world(result, report.seeds)
        if fail_fast and result.violations:
            break
    report.bot_days = simulated / SECONDS_A_DAY
    report.speed = simulated / max(time.perf_counter() - started, 1e-9)
    report.speed_per_core = simulated / max(core_seconds, 1e-9)
    chain = "".join(digests[seed] for seed in sorted(digests))
    report.journal_sha256 = hashlib.sha256(chain.encode()).hexdigest()
    report.violating.sort(key=lambda entry: int(entry["seed"]))
    return report


def _results(plans: Sequence[WorldPlan], jobs: int) -> Iterator[tuple[WorldResult, float]]:
    if jobs == 1:
        _prepare_process()
        yield from map(_live_through_timed, plans)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _prepare_process) as pool:
        yield from pool.imap_unordered(_live_through_timed, plans)


def _add(report: SimulationReport, result: WorldResult) -> None:
    report.seeds += 1
    report.violations += len(result.violations)
    report.faults.update(result.faults)
    report.kills += result.kills
    report.recoveries += result.recoveries
    report.deals += result.deals
    report.fills += result.fills
    report.calm_checks += result.calm_checks
    report.unprotected_ms_max = max(report.unprotected_ms_max, result.unprotected_ms_max)
    report.unprotected_calm_ms_max = max(
        report.unprotected_calm_ms_max, result.unprotected_calm_ms_max
    )
    if result.violations:
        first = result.violations[0]
        report.violating.append(
            {
                "seed": result.seed,
                "count": len(result.violations),
                "at_s": first.at_s,
                "invariant": first.invariant,
                "text": first.text,
            }
        )


# --- the least that breaks ------------------------------------------------------------------------


def shrink(
    plan: WorldPlan,
    violation: Violation,
    on_try: Callable[[int, int], None] = lambda tries, faults: None,
) -> WorldPlan:
    """The same promise broken by fewer faults in a shorter span, by a bounded search."""
    script = plan.script
    if script is None:
        script = tuple(
            storm_script(plan.seed, plan.seconds, mean_seconds_between=plan.mean_seconds_between)
        )
    least = replace(plan, script=tuple(one for one in script if one.at_s <= violation.at_s))
    shorter = replace(least, seconds=violation.at_s + 2.0)
    tries = 0

    def breaks(candidate: WorldPlan) -> bool:
        nonlocal tries
        tries += 1
        on_try(tries, len(candidate.script or ()))
        found = live_through(candidate).violations
        return any(one.invariant == violation.invariant for one in found)

    if breaks(shorter):
        least = shorter
    parts = 2
    while least.script and tries < SHRINK_TRIES_MAX:
        size = -(-len(least.script) // parts)
        for start in range(0, len(least.script), size):
            rest = least.script[:start] + least.script[start + size :]
            if tries < SHRINK_TRIES_MAX and breaks(replace(least, script=rest)):
                least = replace(least, script=rest)
                parts = max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(parts * 2, len(least.script))
    return least


def regression_of(plan: WorldPlan, violation: Violation) -> Regression:
    return Regression(plan, f"{violation.invariant}: {violation.text}")


def save_regression(regression: Regression, folder: Path) -> Path:
    plan = regression.plan
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed_{plan.seed}_{regression.found.partition(':')[0]}.json"
    head = {"seed": plan.seed, "seconds": plan.seconds, "pairs": plan.pairs}
    data = head | {"found": regression.found} | dump_script(plan.script or ())
    path.write_bytes(orjson.dumps(data, option=orjson.OPT_INDENT_2) + b"\n")
    return path


def load_regression(path: Path) -> Regression:
    """Raises ValueError with a sentence when the file is not one."""
    try:
        data = orjson.loads(path.read_bytes())
        script = tuple(parse_script(data, str(path)))
        plan = WorldPlan(int(data["seed"]), float(data["seconds"]), int(data["pairs"]), script)
    except (OSError, KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise ValueError(
            f"{path}: expected a kept world (seed, seconds, pairs, faults), was {error!r}"
        ) from error
    return Regression(plan, str(data.get("found", "")))


def plans_of(
    seeds: Iterable[int],
    *,
    hours: float,
    pairs: int,
    protect_seconds: float,
    mean_seconds_between: float,
) -> list[WorldPlan]:
    return [
        WorldPlan(
            seed,
            hours * 3_600,
            pairs,
            protect_seconds=protect_seconds,
            mean_seconds_between=mean_seconds_between,
        )
        for seed in seeds
    ]


def with_script(plan: WorldPlan, script: Sequence[ScriptedFault]) -> WorldPlan:
    return replace(plan, script=tuple(script))
