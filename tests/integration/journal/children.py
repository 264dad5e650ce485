"""What the tests of this folder run in processes of their own: `children NAME FOLDER ...`."""

from __future__ import annotations

import asyncio
import random
import sys
from decimal import Decimal
from pathlib import Path

from autotrade.application.ports import StoreFault
from autotrade.domain.entities.ticker import Ticker
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.journal import JsonlJournal
from autotrade.infrastructure.repositories.snapshot_set import SnapshotSet
from tests.unit.journal.samples import accepted


def say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def append_for_ever(folder: DataFolder, seed: int) -> None:
    """Append rows in batches, sync, and report each seq only after its sync returned."""
    choose = random.Random(seed)
    journal = JsonlJournal.open(folder.journal)
    seq = journal.position.seq
    while True:
        for _ in range(choose.randint(1, 30)):
            seq = journal.append(accepted(seq))
            if choose.random() < 0.1:
                await journal.write()
        await journal.sync()
        say(seq)


async def work_for_ever(folder: DataFolder) -> None:
    """Rows, and a snapshot behind every few of them, as a bot does, only much faster."""
    journal = JsonlJournal.open(folder.journal)
    snapshots = SnapshotSet(folder)
    while True:
        for _ in range(20):
            journal.append(accepted(journal.position.seq))
        position = journal.position
        await journal.sync()
        ticker = Ticker("BTC/USDT", *[Decimal(position.seq)] * 3, ts=position.seq)
        await snapshots.save(
            position.seq,
            position.chain_hash,
            position.offset,
            [],
            [],
            [ticker],
            {"seq": position.seq},
        )
        say(position.seq)


async def fill_up(folder: DataFolder, bytes_max: int) -> None:
    """Append until the operating system refuses; report what was synced and what was said."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))
    journal = JsonlJournal.open(folder.journal)
    synced = 0
    try:
        while True:
            for _ in range(7):
                seq = journal.append(accepted(journal.position.seq))
            await journal.sync()
            synced = seq
    except StoreFault as fault:
        say(synced)
        say(str(fault))
    try:
        journal.append(accepted(0))
    except StoreFault:
        say("refused")
    await journal.close()


def hold_lock(folder: DataFolder) -> None:
    folder.lock()
    say("locked")
    sys.stdin.read()


def main() -> None:
    name, path, *rest = sys.argv[1:]
    folder = DataFolder(Path(path))
    match name:
        case "append":
            asyncio.run(append_for_ever(folder, int(rest[0])))
        case "work":
            asyncio.run(work_for_ever(folder))
        case "fill":
            asyncio.run(fill_up(folder, int(rest[0])))
        case "lock":
            hold_lock(folder)


if __name__ == "__main__":
    main()
