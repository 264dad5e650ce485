"""How long a user waits for `main.py --help`, `deals` and `check`: fresh processes, wall clock.

    python benchmarks/command_line.py

Bytecode is kept as Python does it by default, here in a temporary folder that a first run fills, so
what is measured is every start but the first.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from measure import ROOT, Row, Target, row, run_program
from trading_life import trading_life

from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.journal import JsonlJournal

JOURNAL_ROWS = 2_000


async def write_journal(folder: Path) -> None:
    """Something for `deals` to show."""
    data = DataFolder(folder)
    data.create()
    journal = JsonlJournal.open(data.journal)
    for record, deal in trading_life(JOURNAL_ROWS).written:
        journal.append(record, deal=deal)
    await journal.close()


def seconds_of(words: list[str], environment: dict[str, str]) -> float:
    started = perf_counter()
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    passed = perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"main.py {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return passed


def environment(cache: Path) -> dict[str, str]:
    """The caller's, with Python's own settings as they are by default but for `cache`."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**plain, "PYTHONPYCACHEPREFIX": str(cache)}


def measure(arguments: argparse.Namespace) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="autotrade-commands-") as name:
        folder = Path(name)
        asyncio.run(write_journal(folder / "data"))
        kept = environment(folder / "bytecode")
        commands = (
            ("--help", ["--help"], 0.6),
            ("deals", ["deals", "--data-dir", str(folder / "data")], 0.6),
            ("check", ["check", "--data-dir", str(folder / "new")], 3.0),
        )
        for title, words, limit in commands:
            seconds_of(words, kept)
            found = [seconds_of(words, kept) for _ in range(arguments.rounds)]
            rows.append(row(f"`main.py {title}`", "s", found, Target("p50", limit)))
    return rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=9)


if __name__ == "__main__":
    sys.exit(run_program("command_line", measure, add_arguments))
