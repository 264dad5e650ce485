"""The start after a crash without a snapshot: the whole journal through `apply`.

    python benchmarks/recovery.py

Rows are a real mixture (`trading_life.py`). What a start does is measured in its two parts: opening
the journal, which verifies the hash chain, and `load_state`, which reads it and folds it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from measure import Row, Target, row, run_program
from tests.engine_harness import eth_pair
from trading_life import JournalLine, trading_life

from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.journal import JsonlJournal
from autotrade.infrastructure.repositories.state_loader import load_state


async def write(folder: DataFolder, lines: list[JournalLine]) -> None:
    folder.create()
    journal = JsonlJournal.open(folder.journal)
    for record, deal in lines:
        journal.append(record, deal=deal)
    await journal.close()


async def opened(folder: DataFolder) -> float:
    started = perf_counter()
    journal = JsonlJournal.open(folder.journal)
    passed = perf_counter() - started
    await journal.close()
    return passed


def recovered(folder: DataFolder, expected: int) -> float:
    started = perf_counter()
    found = load_state(folder, [eth_pair()])
    passed = perf_counter() - started
    if found.replayed_rows != expected:
        raise SystemExit(f"expected {expected} replayed rows, was {found.replayed_rows}")
    return passed


def measure(arguments: argparse.Namespace) -> list[Row]:
    lines = trading_life(arguments.rows).written
    with tempfile.TemporaryDirectory(prefix="autotrade-recovery-") as name:
        folder = DataFolder(Path(name) / "data")
        asyncio.run(write(folder, lines))
        count = len(lines)
        del lines
        opening = [asyncio.run(opened(folder)) for _ in range(arguments.rounds)]
        loading = [recovered(folder, count) for _ in range(arguments.rounds)]
    both = [first + second for first, second in zip(opening, loading, strict=True)]
    note = f"p50: journal verified {sorted(opening)[len(opening) // 2]:.2f} s, read and folded "
    note += f"{sorted(loading)[len(loading) // 2]:.2f} s"
    what = f"recovery with a tail of {count:,} rows, no snapshot"
    return [row(what, "s", both, Target("p50", 3), note=note)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)


if __name__ == "__main__":
    sys.exit(run_program("recovery", measure, add_arguments))
