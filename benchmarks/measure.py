"""What every benchmark needs: percentiles, rows that know their target, output, the machine.

Import it first: it makes `autotrade` and the tests' harness importable from any working folder.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter_ns, thread_time_ns
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

FIGURES = ("p50", "p95", "p99", "max")


@dataclass(frozen=True, slots=True)
class Target:
    """What one figure of a row must keep to."""

    figure: str
    limit: float
    at_least: bool = False

    def is_met(self, figures: dict[str, float]) -> bool:
        value = figures[self.figure]
        return value >= self.limit if self.at_least else value <= self.limit

    def text(self, unit: str) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{self.figure} {sign} {_number(self.limit)} {unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, in which unit, how often, and what it should be."""

    what: str
    unit: str
    count: int
    figures: dict[str, float]
    targets: tuple[Target, ...] = ()
    note: str = ""

    @property
    def is_met(self) -> bool:
        return all(target.is_met(self.figures) for target in self.targets)

    def cells(self) -> list[str]:
        wanted = ", ".join(target.text(self.unit) for target in self.targets)
        verdict = "" if not self.targets else "yes" if self.is_met else "**no**"
        values = [_number(self.figures[name]) for name in FIGURES]
        return [self.what, self.unit, *values, str(self.count), wanted, verdict]


HEAD = ["what", "unit", *FIGURES, "samples", "to reach", "met"]


def row(
    what: str,
    unit: str,
    samples: Sequence[float],
    *targets: Target,
    note: str = "",
    extra: dict[str, float] | None = None,
) -> Row:
    """A row from samples that are in `unit` already; `extra` are figures beside the percentiles."""
    figures = {**distribution(samples), **(extra or {})}
    return Row(what, unit, len(samples), figures, targets, note)


def distribution(samples: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and max; the nearest rank, so every figure was really measured."""
    if not samples:
        raise ValueError("expected at least one sample, was none; look at what the program printed")
    ordered = sorted(samples)
    ranks = {"p50": 50, "p95": 95, "p99": 99}
    figures = {
        name: ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
        for name, percent in ranks.items()
    }
    return {**figures, "max": ordered[-1]}


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


class Stopwatch:
    """Times short pieces of pure work, on the wall's clock and on the processor's.

    Targets are about the wall's. The processor's figure stands beside it, because on a machine that
    runs other things the wall's p99 tells of them.
    """

    def __init__(self) -> None:
        self.wall_us: list[float] = []
        self.processor_us: list[float] = []

    def __enter__(self) -> Stopwatch:
        self._processor_ns = thread_time_ns()
        self._wall_ns = perf_counter_ns()
        return self

    def __exit__(self, *_: object) -> None:
        wall_ns = perf_counter_ns() - self._wall_ns
        self.wall_us.append(wall_ns / 1000)
        self.processor_us.append((thread_time_ns() - self._processor_ns) / 1000)

    def drop(self, count: int) -> None:
        """Forget the first samples, or with a negative number the last ones."""
        part = slice(count, None) if count >= 0 else slice(None, count)
        self.wall_us, self.processor_us = self.wall_us[part], self.processor_us[part]

    def row(self, what: str, *targets: Target) -> Row:
        processor = distribution(self.processor_us)
        note = (
            f"processor time p50 {_number(processor['p50'])}, p99 {_number(processor['p99'])}, "
            f"max {_number(processor['max'])} us"
        )
        extra = {f"processor_{name}": value for name, value in processor.items()}
        return row(what, "us", self.wall_us, *targets, note=note, extra=extra)


# --- output ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Report:
    """The rows of one program, as they are printed and written."""

    program: str
    rows: list[Row] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        rows = [{**asdict(one), "is_met": one.is_met} for one in self.rows]
        return {"program": self.program, "machine": machine(), "rows": rows}


def rows_from(data: dict[str, Any]) -> list[Row]:
    """The rows of a report that was written as JSON."""
    return [
        Row(
            what=one["what"],
            unit=one["unit"],
            count=one["count"],
            figures=one["figures"],
            targets=tuple(Target(**target) for target in one["targets"]),
            note=one["note"],
        )
        for one in data["rows"]
    ]


def markdown(rows: Sequence[Row]) -> str:
    """A table for docs/reference/performance.md."""
    lines = [HEAD, ["---"] * len(HEAD), *(one.cells() for one in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def plain(rows: Sequence[Row]) -> str:
    """The same for a terminal."""
    lines = [HEAD, *(one.cells() for one in rows)]
    widths = [max(len(cells[index]) for cells in lines) for index in range(len(HEAD))]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(c, widths, strict=True)) for c in lines
    ]
    notes = [f"  {one.what}: {one.note}" for one in rows if one.note]
    return "\n".join(line.rstrip() for line in [*text, *notes])


def run_program(
    program: str,
    measure: Callable[[argparse.Namespace], list[Row]],
    add_arguments: Callable[[argparse.ArgumentParser], None] | None = None,
) -> int:
    """The main of every benchmark: options, table on stdout, JSON where asked for.

    Exit code 0 also when a target was missed: a figure is a fact, not a fault.
    """
    module = sys.modules["__main__"]
    parser = argparse.ArgumentParser(
        prog=f"benchmarks/{program}.py",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    if add_arguments is not None:
        add_arguments(parser)
    arguments = parser.parse_args()
    report = Report(program, measure(arguments))
    print(plain(report.rows))
    if arguments.json is not None:
        write_json(arguments.json, report.as_json())
    return 0


def write_json(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8", newline="\n")


# --- the machine ----------------------------------------------------------------------------------


def machine() -> dict[str, str]:
    """What the figures were measured on; names of hosts, people and folders stay out."""
    return {
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "memory": f"{_memory_bytes() / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def machine_text() -> str:
    """The machine in a sentence."""
    facts = machine()
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory']}, {facts['system']}, "
        f"{facts['python']}"
    )


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
        if found:
            return found.group(1)
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string")
    return platform.processor() or "unknown"


def _memory_bytes() -> int:
    if sys.platform == "darwin":
        return int(_output("sysctl", "-n", "hw.memsize") or 0)
    if sys.platform == "win32":
        kilobytes = ctypes.c_ulonglong()
        ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))
        return kilobytes.value * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 once it is gone."""
    if sys.platform == "win32":
        found = re.search(
            r'"([\d.,\s]+) K"', _output("tasklist", "/fi", f"pid eq {pid}", "/fo", "csv")
        )
        return int(re.sub(r"\D", "", found.group(1))) * 1024 if found else 0
    with contextlib.suppress(OSError, IndexError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return int(_output("ps", "-o", "rss=", "-p", str(pid)) or 0) * 1024


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
