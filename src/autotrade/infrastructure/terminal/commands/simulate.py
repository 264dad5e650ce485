"""`simulate`: many worlds of faults, their figures, and what broke."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time

from autotrade.infrastructure.fault_simulation.runner import (
    Regression,
    SimulationReport,
    live_through,
    load_regression,
    plans_of,
    regression_of,
    save_regression,
    shrink,
    simulate,
)
from autotrade.infrastructure.fault_simulation.world import WorldPlan, WorldResult
from autotrade.infrastructure.terminal.output import write_json, write_progress, write_result

PROGRESS_SECONDS = 2.0
BROKEN_SHOWN_MAX = 20
KEPT_MAX = 5


def run(arguments: argparse.Namespace) -> int:
    plans = _plans(arguments)
    if arguments.trace:
        return _trace(plans, arguments)
    jobs = min(arguments.jobs or os.cpu_count() or 1, len(plans))
    report = simulate(
        plans, jobs=jobs, on_world=_Progress(len(plans)), fail_fast=arguments.fail_fast
    )
    if arguments.json:
        write_json(report.as_json())
    else:
        write_result(_text(report, arguments))
    if arguments.keep is not None:
        _keep(report, {plan.seed: plan for plan in plans}, arguments)
    return 1 if report.violations else 0


def _plans(arguments: argparse.Namespace) -> list[WorldPlan]:
    if arguments.script is not None:
        return [load_regression(arguments.script).plan]
    first = arguments.first_seed
    seeds = (
        [arguments.seed] if arguments.seed is not None else range(first, first + arguments.seeds)
    )
    return plans_of(
        seeds,
        hours=arguments.hours,
        pairs=arguments.pairs,
        protect_seconds=arguments.protect_within,
        mean_seconds_between=arguments.faults_every,
    )


class _Progress:
    """A line on stderr now and then, and at once when a promise was broken."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._started = self._told = time.monotonic()

    def __call__(self, result: WorldResult, done: int) -> None:
        for violation in result.violations[:1]:
            write_progress(f"seed {result.seed} broke {violation.invariant}: {violation.text}")
        now = time.monotonic()
        if now - self._told >= PROGRESS_SECONDS or done == self._count:
            self._told = now
            left = (now - self._started) / done * (self._count - done)
            write_progress(f"{done} of {self._count} worlds, {left:.0f} s to go")


def _trace(plans: list[WorldPlan], arguments: argparse.Namespace) -> int:
    if len(plans) != 1:
        sys.stderr.write("expected one world with --trace, was several; name it with --seed N\n")
        return 2
    logging.disable(logging.CRITICAL)
    result = live_through(plans[0], lambda at_s, text: write_result(f"{at_s:12.3f} {text}"))
    for violation in result.violations:
        write_result(f"{violation.at_s:12.3f} BROKEN {violation.invariant}: {violation.text}")
    write_result(
        f"seed {result.seed}: {len(result.violations)} promises broken, {result.deals} deals, "
        f"{result.fills} fills, {result.kills} kills, journal sha256 {result.journal_sha256}"
    )
    return 1 if result.violations else 0


def _text(report: SimulationReport, arguments: argparse.Namespace) -> str:
    faults = sum(report.faults.values())
    lines = [
        f"{report.seeds} worlds, {report.bot_days:.1f} days of the bot's life, "
        f"{report.speed:,.0f} times real time ({report.speed_per_core:,.0f} a core)",
        f"{faults} faults, {report.kills} kills, {report.recoveries} recoveries; "
        f"{report.deals} deals, {report.fills} fills; books compared {report.calm_checks} times",
        f"longest without a stop: {report.unprotected_ms_max / 1000:.1f} s among faults, "
        f"{report.unprotected_calm_ms_max / 1000:.1f} s of calm",
        f"journals sha256 {report.journal_sha256}",
    ]
    if not report.violations:
        return "\n".join([*lines, "no promise was broken"])
    lines.append(f"{report.violations} promises broken in {len(report.violating)} worlds:")
    for entry in report.violating[:BROKEN_SHOWN_MAX]:
        lines.append(
            f"  seed {entry['seed']} at {entry['at_s']} s, {entry['invariant']}: {entry['text']}\n"
            f"    python main.py simulate --seed {entry['seed']} --hours {arguments.hours:g} "
            f"--pairs {arguments.pairs} --faults-every {arguments.faults_every:g} --trace"
        )
    return "\n".join(lines)


def _keep(
    report: SimulationReport, plans: dict[int, WorldPlan], arguments: argparse.Namespace
) -> None:
    for entry in report.violating[:KEPT_MAX]:
        plan = plans[entry["seed"]]
        write_progress(f"shrinking seed {plan.seed} ...")
        violation = live_through(plan).violations[0]
        least = shrink(plan, violation)
        kept: Regression = regression_of(least, violation)
        path = save_regression(kept, arguments.keep)
        write_progress(f"kept {path}: {len(least.script or ())} faults in {least.seconds:.0f} s")
