"""The journal: rows appended a second, and what it costs to make a decision durable.

    python benchmarks/journal.py [--dir FOLDER]      FOLDER: on the disk to be measured

Rows are a real mixture (`trading_life.py`): encoding, proof that they can be read back, hash chain
and the write are included, the fsync at the end too. A commit is what a signal gives: decision,
deal, planned SELL and PlaceOrder, then fsync, waited for from the event loop as the bot does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter, perf_counter_ns

from measure import Row, Target, row, run_program
from trading_life import JournalLine, trading_life

from autotrade.domain.commands import PlaceOrder
from autotrade.domain.decisions import Decision
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.journal import JsonlJournal

BATCH = 256
"""Rows between two writes, the loop's BATCH_MAX."""


def new_journal(place: Path, name: str) -> JsonlJournal:
    folder = DataFolder(place / name)
    folder.create()
    return JsonlJournal.open(folder.journal)


async def append_all(place: Path, lines: list[JournalLine], rounds: int) -> list[float]:
    """Rows a second of each round, on a new file each."""
    found = []
    for number in range(rounds):
        journal = new_journal(place, f"append-{number}")
        started = perf_counter()
        for index, (record, deal) in enumerate(lines):
            journal.append(record, deal=deal)
            if index % BATCH == 0:
                await journal.write()
        await journal.sync()
        found.append(len(lines) / (perf_counter() - started))
        await journal.close()
    return found


async def commits(place: Path, lines: list[JournalLine], count: int) -> list[float]:
    """Milliseconds from the first append to the fsync's return."""
    journal = new_journal(place, "commits")
    signal = a_signal(lines)
    found = []
    for _ in range(count):
        await asyncio.sleep(0.002)  # decisions do not come in a row
        before = perf_counter_ns()
        for record, deal in signal:
            journal.append(record, deal=deal)
        await journal.sync()
        found.append((perf_counter_ns() - before) / 1e6)
    await journal.close()
    return found


def a_signal(lines: list[JournalLine]) -> list[JournalLine]:
    """The rows of one approved signal."""
    for start, (record, _) in enumerate(lines):
        if isinstance(record, Decision) and record.approved:
            for stop in range(start, start + 6):
                if isinstance(lines[stop][0], PlaceOrder):
                    return lines[start : stop + 1]
    raise SystemExit("expected an approved signal in the trading life, was none")


def plain_fsyncs(place: Path, count: int) -> list[float]:
    """What the disk itself takes for a small append with fsync, milliseconds."""
    found = []
    with (place / "plain").open("ab", buffering=0) as file:
        for _ in range(count):
            before = perf_counter_ns()
            file.write(b"x" * 2_000)
            os.fsync(file.fileno())
            found.append((perf_counter_ns() - before) / 1e6)
    return found


def measure(arguments: argparse.Namespace) -> list[Row]:
    lines = trading_life(arguments.rows).written
    with tempfile.TemporaryDirectory(dir=arguments.dir, prefix="autotrade-journal-") as name:
        place = Path(name)
        rates = asyncio.run(append_all(place, lines, arguments.rounds))
        commit = asyncio.run(commits(place, lines, arguments.commits))
        plain = plain_fsyncs(place, arguments.commits)
    return [
        row("journal rows appended", "rows/s", rates, Target("p50", 50_000, at_least=True)),
        row(
            "journal commit of a decision, fsync included",
            "ms",
            commit,
            Target("p99", 10),
            note="fsync-bound, see the row below",
        ),
        row("the same disk, a bare append with fsync", "ms", plain),
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", type=Path, help="where to write (default: the temporary folder)")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--commits", type=int, default=500)


if __name__ == "__main__":
    sys.exit(run_program("journal", measure, add_arguments))
