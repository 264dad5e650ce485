"""The start after a crash without a snapshot: the whole journal through `apply`.

    python benchmarks/recovery.py

Rows are a real mixture (`trading_life.py`). What a start does is measured in its two parts: opening
the journal, which verifies the hash chain, and `load_state`, which reads it and folds it. Beside it
stands what the bot pays for a shorter tail: encoding a snapshot, which holds the loop up.
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

from autotrade.application.state_snapshot import export_rest
from autotrade.domain.state import TradingState
from autotrade.infrastructure.journal.chain import JOURNAL_START
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.journal import JsonlJournal
from autotrade.infrastructure.repositories.snapshot_set import SnapshotSet
from autotrade.infrastructure.repositories.state_loader import load_state

SNAPSHOTS = 50


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


def encodings(folder: DataFolder, state: TradingState, count: int) -> list[float]:
    """Milliseconds of encoding the four snapshot files."""
    snapshots = SnapshotSet(folder)
    found = []
    for _ in range(count):
        started = perf_counter()
        snapshots.prepare(
            JOURNAL_START,
            state.deals.all(),
            state.orders.all(),
            state.tickers.all(),
            export_rest(state),
        )
        found.append((perf_counter() - started) * 1000)
    return found


def measure(arguments: argparse.Namespace) -> list[Row]:
    life = trading_life(arguments.rows)
    lines, state = life.written, life.state
    with tempfile.TemporaryDirectory(prefix="autotrade-recovery-") as name:
        folder = DataFolder(Path(name) / "data")
        asyncio.run(write(folder, lines))
        count = len(lines)
        snapshots = encodings(folder, state, SNAPSHOTS)
        deals = sum(1 for _ in state.deals.all())
        del lines, life, state
        opening = [asyncio.run(opened(folder)) for _ in range(arguments.rounds)]
        loading = [recovered(folder, count) for _ in range(arguments.rounds)]
    both = [first + second for first, second in zip(opening, loading, strict=True)]
    note = f"p50: journal verified {sorted(opening)[len(opening) // 2]:.2f} s, read and folded "
    note += f"{sorted(loading)[len(loading) // 2]:.2f} s"
    what = f"recovery with a tail of {count:,} rows, no snapshot"
    encoding = f"snapshot of {deals} deals, encoded on the loop's thread"
    return [
        row(what, "s", both, Target("p50", 3), note=note),
        row(encoding, "ms", snapshots),
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)


if __name__ == "__main__":
    sys.exit(run_program("recovery", measure, add_arguments))
