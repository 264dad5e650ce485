"""Does the fault simulation bite? One planted defect at a time, and what finds it.

    python tools/bite.py [--only NAME ...] [--seeds 40] [--hours 2] [--jobs 2] [--json]

Each defect of planted_defects.py is planted in a copy of the sources, and the copy lives through
the seeds, one after the other, until a promise is broken. The unchanged copy must break none. A
defect that is known to live through the worlds has to be found by the test that is named for it,
which the unchanged copy passes.
Exit code 0: every defect was found, or breaks but the second of two locks; 1: one was not, or the
unchanged sources broke a promise; 2: a defect could not be tried (its text is gone, its run did not
end in order).
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.planted_defects import DEFECTS, KNOWN_SURVIVORS
from tools.planting import Defect, DefectDoesNotApply

SEEDS = 40
HOURS = 2.0
RUN_SECONDS_MAX = 900.0
UNCHANGED = "(unchanged)"
NAMED_TESTS = sorted({one.test for one in KNOWN_SURVIVORS.values() if one.test is not None})


class Verdict(StrEnum):
    FOUND = "found"
    FOUND_BY_TEST = "found by its test"
    SURVIVED = "survived"
    KNOWN_SURVIVOR = "known survivor"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which worlds each defect has to live through."""

    seeds: int
    first_seed: int
    hours: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one defect. `seeds` is how many worlds it took, `at_s` when it was found in
    the last one (simulated seconds), `text` the violation or why there is none."""

    name: str
    mistake: str
    verdict: Verdict
    seeds: int
    invariant: str
    at_s: float
    text: str
    seconds: float


def bite(defects: Sequence[Defect], plan: Plan, jobs: int) -> Iterator[Finding]:
    """Try the unchanged sources and each defect, `jobs` at a time; findings as they come."""
    with tempfile.TemporaryDirectory(prefix="autotrade-bite-") as name:
        base = Path(name) / "base"
        ignored = shutil.ignore_patterns("__pycache__")
        for folder in ("src", "tests"):
            shutil.copytree(ROOT / folder, base / folder, ignore=ignored)
        for file in ("main.py", "pyproject.toml"):
            shutil.copy2(ROOT / file, base)
        compileall.compile_dir(base / "src", quiet=2)
        with ThreadPoolExecutor(jobs) as pool:
            waiting: list[Future[Finding]] = [
                pool.submit(_try, base, defect, plan) for defect in (None, *defects)
            ]
            try:
                for future in as_completed(waiting):
                    yield future.result()
            finally:
                for future in waiting:
                    future.cancel()


def _try(base: Path, defect: Defect | None, plan: Plan) -> Finding:
    name = defect.name if defect is not None else UNCHANGED
    mistake = defect.mistake if defect is not None else "nothing is planted"
    place = base.with_name(name)
    shutil.copytree(base, place)
    started = time.perf_counter()
    try:
        if defect is not None:
            defect.plant(place)
        report = _live(place, plan)
        survivor = KNOWN_SURVIVORS.get(name) if not report["violating"] else None
        tests = [survivor.test] if survivor is not None and survivor.test is not None else []
        is_found_by_test = _one_fails(place, tests)
        if defect is None and _one_fails(place, NAMED_TESTS):
            raise _RunFailed("expected that the tests named for survivors pass, one does not")
    except (DefectDoesNotApply, _RunFailed) as error:
        seconds = time.perf_counter() - started
        return Finding(name, mistake, Verdict.NOT_TRIED, 0, "", 0.0, str(error), seconds)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    seconds, seeds = time.perf_counter() - started, int(report["seeds"])
    if report["violating"]:
        first = report["violating"][0]
        invariant, at_s, text = first["invariant"], first["at_s"], first["text"]
        return Finding(name, mistake, Verdict.FOUND, seeds, invariant, at_s, text, seconds)
    if survivor is None:
        return Finding(name, mistake, Verdict.SURVIVED, seeds, "", 0.0, "", seconds)
    if is_found_by_test:
        verdict, text = Verdict.FOUND_BY_TEST, f"{survivor.why}; {survivor.test}"
    else:
        verdict = Verdict.KNOWN_SURVIVOR if survivor.test is None else Verdict.SURVIVED
        text = survivor.why
    return Finding(name, mistake, verdict, seeds, "", 0.0, text, seconds)


class _RunFailed(Exception):
    """The simulation did not end with a report."""


def _live(place: Path, plan: Plan) -> dict[str, Any]:
    """Seed after seed in one process, so that `seeds` is the number of worlds that were needed."""
    command = [sys.executable, "main.py", "simulate", "--jobs", "1", "--fail-fast", "--json"]
    command += ["--seeds", str(plan.seeds), "--first-seed", str(plan.first_seed)]
    command += ["--hours", f"{plan.hours:g}"]
    run = _run(place, command)
    if run.returncode not in (0, 1) or not run.stdout.startswith("{"):
        tail = run.stderr.strip()[-1_000:]
        raise _RunFailed(f"expected a report, was exit code {run.returncode}:\n{tail}")
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def _one_fails(place: Path, tests: Sequence[str]) -> bool:
    """Does one of these tests fail with the sources at this place?"""
    if not tests:
        return False
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *tests]
    run = _run(place, command)
    if run.returncode not in (0, 1):
        tail = run.stdout.strip()[-1_000:]
        raise _RunFailed(f"{', '.join(tests)}: expected to pass or fail, was:\n{tail}")
    return run.returncode == 1


def _run(place: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """With the sources at this place; whoever asks judges the exit code."""
    try:
        return subprocess.run(
            command,
            cwd=place,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        what = " ".join(command[1:])
        raise _RunFailed(f"{what}: expected an end within {RUN_SECONDS_MAX:g} s") from None


def _environment() -> dict[str, str]:
    """Without a path to other sources."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


# --- telling --------------------------------------------------------------------------------------


def exit_code(findings: Sequence[Finding]) -> int:
    if any(finding.verdict is Verdict.NOT_TRIED for finding in findings):
        return 2
    for finding in findings:
        is_bad_start = finding.name == UNCHANGED and finding.verdict is Verdict.FOUND
        is_missed = finding.name != UNCHANGED and finding.verdict is Verdict.SURVIVED
        if is_bad_start or is_missed:
            return 1
    return 0


def table(findings: Sequence[Finding], plan: Plan) -> str:
    """Markdown: what was planted, how many worlds it took, which promise was broken."""
    planted = [finding for finding in findings if finding.name != UNCHANGED]
    lines = ["| defect | what is wrong | seeds needed | found by |", "| --- | --- | ---: | --- |"]
    for finding in planted:
        seeds = str(finding.seeds) if finding.verdict is Verdict.FOUND else "-"
        found_by = finding.invariant or finding.verdict.value
        lines.append(f"| {finding.name} | {finding.mistake} | {seeds} | {found_by} |")
    caught = sum(finding.verdict is Verdict.FOUND for finding in planted)
    by_test = sum(finding.verdict is Verdict.FOUND_BY_TEST for finding in planted)
    worlds = f"{plan.seeds} worlds of {plan.hours:g} hours"
    lines += [
        "",
        f"{caught} of {len(planted)} defects found in at most {worlds}, {by_test} more by the test "
        "that is named for them",
    ]
    for finding in planted:
        if finding.verdict is not Verdict.FOUND:
            text = f": {finding.text}" if finding.text else ""
            lines.append(f"{finding.verdict.value}: {finding.name}{text}")
        elif finding.name in KNOWN_SURVIVORS:
            lines.append(f"{finding.name} is a known survivor, but was found: take it off the list")
    for finding in findings:
        if finding.name == UNCHANGED and finding.verdict is Verdict.FOUND:
            lines.append(
                f"the unchanged sources broke {finding.invariant} in world {finding.seeds}: "
                f"{finding.text}; what is said above proves nothing"
            )
    return "\n".join(lines)


def _tell(finding: Finding) -> None:
    if finding.verdict is Verdict.FOUND:
        text = f"{finding.invariant} in world {finding.seeds}"
    elif finding.verdict is Verdict.NOT_TRIED:
        text = f"not tried: {finding.text}"
    elif finding.name == UNCHANGED:
        text = "no promise broken, as it must be"
    else:
        text = finding.verdict.value
    sys.stderr.write(f"{finding.seconds:6.1f} s  {finding.name}: {text}\n")
    sys.stderr.flush()


def _whole(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a whole number, was {text!r}")
    return int(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="does the fault simulation bite?")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these defects only")
    parser.add_argument("--seeds", type=_whole, default=SEEDS, help=f"worlds a defect ({SEEDS})")
    parser.add_argument("--first-seed", type=_whole, default=0, help="the first of them (0)")
    parser.add_argument("--hours", type=float, default=HOURS, help=f"of each world ({HOURS:g})")
    parser.add_argument("--jobs", type=_whole, default=2, help="defects at a time (2)")
    parser.add_argument("--json", action="store_true", help="findings for a machine")
    arguments = parser.parse_args()
    known = {defect.name: defect for defect in DEFECTS}
    names: list[str] = arguments.only or list(known)
    if strange := [name for name in names if name not in known]:
        parser.error(f"expected names of planted defects, was {', '.join(strange)}")
    plan = Plan(arguments.seeds, arguments.first_seed, arguments.hours)
    findings: list[Finding] = []
    for finding in bite([known[name] for name in names], plan, max(1, arguments.jobs)):
        findings.append(finding)
        _tell(finding)
        if finding.name == UNCHANGED and finding.verdict is not Verdict.SURVIVED:
            break
    order = {name: place for place, name in enumerate([UNCHANGED, *names])}
    findings.sort(key=lambda finding: order[finding.name])
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=1) + "\n")
    else:
        sys.stdout.write(table(findings, plan) + "\n")
    return exit_code(findings)


if __name__ == "__main__":
    sys.exit(main())
