"""The journal between real processes: killed, crowded out, backed up, out of room."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autotrade.infrastructure.journal.backup import backup, restore
from autotrade.infrastructure.journal.data_folder import DataFolder, FolderInUse
from autotrade.infrastructure.journal.journal import JsonlJournal, read_rows, verify
from autotrade.infrastructure.repositories.snapshot_set import LoadedSnapshots, SnapshotSet
from tests.unit.journal.samples import accepted

ROOT = Path(__file__).parents[3]
KILLS = 10


@contextmanager
def child(name: str, folder: DataFolder, *rest: object) -> Iterator[subprocess.Popen[str]]:
    """A process that is certainly gone afterwards."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.integration.journal.children",
            name,
            str(folder.path),
            *map(str, rest),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the child ended early"
    return line.strip()


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


def test_no_synced_row_is_lost_when_the_process_is_killed(folder: DataFolder) -> None:
    seed = 20260304
    choose = random.Random(seed)
    for kill in range(KILLS):
        with child("append", folder, seed + kill) as process:
            for _ in range(choose.randint(1, 120)):
                reported = int(line_of(process))
            process.kill()
            rest, _ = process.communicate()
        whole = [int(line) for line in rest.splitlines(True) if line.endswith("\n")]
        reported = max([reported, *whole])
        opened = JsonlJournal.open(folder.journal).opened
        assert opened.rows >= reported, f"seed {seed}, kill {kill}"
        assert verify(folder.journal).holds
    rows = list(read_rows(folder.journal))
    assert [row.record for row in rows] == [accepted(row.seq - 1) for row in rows]


def test_a_second_process_is_refused_and_a_dead_one_holds_nothing(folder: DataFolder) -> None:
    with child("lock", folder) as process:
        assert line_of(process) == "locked"
        with pytest.raises(FolderInUse, match=f"process {process.pid}"):
            folder.lock()
        process.kill()
        process.communicate()
        folder.lock().release()


def test_backups_of_a_working_bot_are_whole(folder: DataFolder, tmp_path: Path) -> None:
    with_snapshots = 0
    with child("work", folder) as process:
        for number in range(4):
            reported = int(line_of(process))
            archive = backup(folder, tmp_path / "backups")
            restored = DataFolder(tmp_path / f"restored-{number}")
            report = restore(archive, restored)
            assert report.rows >= reported
            loaded = SnapshotSet(restored).load()
            if restored.state.exists():
                assert isinstance(loaded, LoadedSnapshots)
                with_snapshots += 1
                assert loaded.state == {"seq": loaded.position.seq}
                assert loaded.tickers[0].ts == loaded.position.seq
            assert not restored.journal.with_suffix(".torn").exists()
            assert JsonlJournal.open(restored.journal).opened.cut_bytes == 0
    assert with_snapshots


def test_a_disk_without_room_stops_the_journal_and_keeps_what_was_synced(
    folder: DataFolder,
) -> None:
    pytest.importorskip("resource", reason="only POSIX can limit the size of a file")
    with child("fill", folder, 50_000) as process:
        synced = int(line_of(process))
        fault = line_of(process)
        assert "EFBIG" in fault and str(folder.journal) in fault
        assert line_of(process) == "refused"
        process.communicate()
        assert process.returncode == 0
    assert synced > 0
    report = verify(folder.journal)
    assert report.rows >= synced
    assert report.torn_bytes == 0
