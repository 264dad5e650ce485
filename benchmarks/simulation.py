"""How fast the fault simulation lives: simulated seconds a second of one core.

python benchmarks/simulation.py --seeds 10 --hours 2
"""

from __future__ import annotations

import argparse
import logging
import sys
import time

from measure import Row, Target, row, run_program

from autotrade.infrastructure.fault_simulation.runner import live_through, plans_of


def measure(arguments: argparse.Namespace) -> list[Row]:
    logging.disable(logging.CRITICAL)
    plans = plans_of(
        range(arguments.seeds),
        hours=arguments.hours,
        pairs=3,
        protect_seconds=5.0,
        mean_seconds_between=15.0,
    )
    live_through(plans[0])  # imports and caches
    speeds = []
    broken = faults = 0
    for plan in plans:
        started = time.process_time()
        result = live_through(plan)
        speeds.append(plan.seconds / (time.process_time() - started))
        broken += len(result.violations)
        faults += sum(result.faults.values())
    what = f"simulated / real time, 3 pairs, faults and invariants on, {arguments.hours:g} hours"
    note = f"processor time; {faults} faults, {broken} promises broken"
    return [row(what, "x", speeds, Target("p50", 5_000, at_least=True), note=note)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--hours", type=float, default=2.0)


if __name__ == "__main__":
    sys.exit(run_program("simulation", measure, add_arguments))
