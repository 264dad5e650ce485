"""Backups hold everything of ours and nothing else; a restore harms nothing."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from autotrade.application.ports import StoreFault
from autotrade.domain.entities.ticker import Ticker
from autotrade.infrastructure.journal import backup as backup_module
from autotrade.infrastructure.journal.backup import BackupRefused, backup, restore
from autotrade.infrastructure.journal.chain import BrokenChain
from autotrade.infrastructure.journal.data_folder import DataFolder, FolderInUse
from autotrade.infrastructure.journal.journal import JsonlJournal, read_rows, verify
from autotrade.infrastructure.repositories.snapshot_set import LoadedSnapshots, SnapshotSet
from autotrade.infrastructure.repositories.snapshot_store import (
    SnapshotProblem,
    SnapshotProblemKind,
)
from tests.unit.journal.samples import accepted, ready

NOON = datetime(2026, 3, 4, 12, 30, 5, tzinfo=UTC)


def work(folder: DataFolder, count: int = 3) -> None:
    """What a running bot does: rows, then a snapshot, then rows behind it."""

    async def run() -> None:
        journal = JsonlJournal.open(folder.journal)
        for number in range(count):
            journal.append(accepted(number))
        position = journal.position
        await journal.sync()
        ticker = Ticker("BTC/USDT", *[Decimal(position.seq)] * 3, ts=1)
        await SnapshotSet(folder).save(
            position.seq, position.chain_hash, position.offset, [], [], [ticker], {"a": 1}
        )
        journal.append(ready())
        await journal.close()

    folder.create()
    asyncio.run(run())


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    work(folder)
    return folder


@pytest.fixture
def other(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "restored")


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


def test_a_restored_folder_is_the_old_one(folder: DataFolder, other: DataFolder) -> None:
    archive = backup(folder, now=NOON)
    assert archive == folder.backups / "autotrade-data-20260304T123005Z.tar.gz"
    report = restore(archive, other)
    assert report.rows == 4
    assert other.journal.read_bytes() == folder.journal.read_bytes()
    assert SnapshotSet(other).load() == SnapshotSet(folder).load()
    left = {path.name for path in other.path.iterdir()} - {other.lock_file.name}
    assert left == {other.journal.name, *(path.name for path in other.snapshots)}
    assert other.holder() is None


def test_only_our_own_files_are_archived(folder: DataFolder) -> None:
    (folder.path / "id_ed25519.pem").write_text("a secret")
    (folder.path / ".env").write_text("BINANCE_PROD_API_KEY=a secret")
    folder.torn.write_text("torn")
    assert names(backup(folder)) == [
        "backup.json",
        "journal.jsonl",
        "deals.json",
        "orders.json",
        "tickers.json",
        "state.json",
        "journal.torn",
    ]


def test_targets(folder: DataFolder, tmp_path: Path) -> None:
    assert backup(folder, tmp_path / "to" / "mine.tar.gz").name == "mine.tar.gz"
    with pytest.raises(BackupRefused, match="not to exist"):
        backup(folder, tmp_path / "to" / "mine.tar.gz")
    first = backup(folder, tmp_path / "to", now=NOON)
    second = backup(folder.path, tmp_path / "to", now=NOON)
    assert first.parent == second.parent == tmp_path / "to"
    assert first != second
    assert not list((tmp_path / "to").glob("*.part"))


def test_a_bot_that_works_during_the_backup_does_not_spoil_it(
    folder: DataFolder, other: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and a snapshot are written on both sides of the moment at which the journal's end is
    taken. Were the journal copied before the snapshots, they would be ahead of it here."""

    def verify_meanwhile(path: Path, end: int | None = None) -> object:
        work(folder)
        report = verify(path, end)
        work(folder)
        with folder.journal.open("ab") as stream:
            stream.write(b'{"seq":')
        return report

    monkeypatch.setattr(backup_module, "verify", verify_meanwhile)
    archive = backup(folder)
    monkeypatch.undo()
    assert restore(archive, other).rows == 8
    loaded = SnapshotSet(other).load()
    assert isinstance(loaded, LoadedSnapshots)
    assert [row.seq for row in read_rows(other.journal, from_offset=loaded.position.offset)] == [
        4,
        5,
        6,
        7,
        8,
    ]


def test_snapshots_that_do_not_fit_are_left_out(folder: DataFolder, other: DataFolder) -> None:
    folder.orders.write_text("{}")
    archive = backup(folder)
    assert names(archive) == ["backup.json", "journal.jsonl"]
    restore(archive, other)
    problem = SnapshotSet(other).load()
    assert isinstance(problem, SnapshotProblem)
    assert problem.kind is SnapshotProblemKind.MISSING


def test_an_unfinished_row_is_not_archived(folder: DataFolder, other: DataFolder) -> None:
    whole = folder.journal.read_bytes()
    folder.journal.write_bytes(whole + b'{"seq":5,"ts"')
    restore(backup(folder), other)
    assert other.journal.read_bytes() == whole


def test_a_broken_journal_is_not_archived(folder: DataFolder) -> None:
    folder.journal.write_bytes(folder.journal.read_bytes().replace(b"at-1", b"at-9"))
    with pytest.raises(BrokenChain):
        backup(folder)
    assert not list(folder.backups.iterdir())


def test_a_folder_without_a_journal_is_named(other: DataFolder) -> None:
    with pytest.raises(BackupRefused, match="data folder"):
        backup(other)


def test_a_live_folder_is_never_touched(folder: DataFolder, other: DataFolder) -> None:
    archive = backup(folder)
    with other.lock(), pytest.raises(FolderInUse):
        restore(archive, other, force=True)
    assert not other.journal.exists()


def test_a_folder_in_use_elsewhere_is_not_overwritten_without_force(
    folder: DataFolder, other: DataFolder
) -> None:
    archive = backup(folder)
    other.create()
    (other.path / "notes.txt").write_text("mine")
    with pytest.raises(BackupRefused, match=r"notes\.txt"):
        restore(archive, other)
    assert not other.journal.exists()
    restore(archive, other, force=True)
    assert (other.path / "notes.txt").read_text() == "mine"
    assert verify(other.journal).rows == 4


def test_force_moves_the_old_files_aside(folder: DataFolder) -> None:
    archive = backup(folder)
    work(folder)
    newer = folder.journal.read_bytes()
    for number in (1, 2):
        restore(archive, folder, force=True)
        assert (folder.path / f"replaced-{number}" / "state.json").exists()
    assert (folder.path / "replaced-1" / "journal.jsonl").read_bytes() == newer
    assert verify(folder.journal).rows == 4


def make_archive(path: Path, members: dict[str, bytes], **links: str) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return path


def members_of(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {
            member.name: stream.read()
            for member in tar
            if (stream := tar.extractfile(member)) is not None
        }


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "/tmp/evil.txt", "sub/journal.jsonl", "./journal.jsonl", "main.py", "C:evil"],
)
def test_no_other_path_gets_out_of_an_archive(
    folder: DataFolder, other: DataFolder, tmp_path: Path, name: str
) -> None:
    good = members_of(backup(folder))
    evil = make_archive(tmp_path / "evil.tar.gz", {**good, name: b"evil"})
    with pytest.raises(BackupRefused, match="own files"):
        restore(evil, other)
    assert [path.name for path in other.path.iterdir()] in ([], [other.lock_file.name])
    assert not (tmp_path / "evil.txt").exists()


def test_links_and_repeated_members_are_refused(
    folder: DataFolder, other: DataFolder, tmp_path: Path
) -> None:
    good = members_of(backup(folder))
    target = tmp_path / "target"
    del good["state.json"]
    evil = make_archive(tmp_path / "evil.tar.gz", good, **{"state.json": str(target)})
    with pytest.raises(BackupRefused, match="own files"):
        restore(evil, other)
    with tarfile.open(tmp_path / "twice.tar.gz", "w:gz") as tar:
        for _ in range(2):
            info = tarfile.TarInfo("journal.jsonl")
            tar.addfile(info, io.BytesIO())
    with pytest.raises(BackupRefused, match="own files"):
        restore(tmp_path / "twice.tar.gz", other)


def damage_journal(members: dict[str, bytes]) -> None:
    members["journal.jsonl"] = members["journal.jsonl"].replace(b"at-1", b"at-9")


def shorten_journal(members: dict[str, bytes]) -> None:
    members["journal.jsonl"] = b"".join(members["journal.jsonl"].splitlines(True)[:-1])


def drop_manifest(members: dict[str, bytes]) -> None:
    del members["backup.json"]


def drop_journal(members: dict[str, bytes]) -> None:
    del members["journal.jsonl"]


def spoil_manifest(members: dict[str, bytes]) -> None:
    members["backup.json"] = b"{"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (damage_journal, BrokenChain),
        (shorten_journal, BackupRefused),
        (drop_manifest, BackupRefused),
        (drop_journal, BackupRefused),
        (spoil_manifest, BackupRefused),
    ],
)
def test_an_archive_that_does_not_prove_itself_changes_nothing(
    folder: DataFolder,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], None],
    error: type[Exception],
) -> None:
    members = members_of(backup(folder))
    change(members)
    bad = make_archive(tmp_path / "bad.tar.gz", members)
    before = folder.journal.read_bytes()
    with pytest.raises(error):
        restore(bad, folder, force=True)
    assert folder.journal.read_bytes() == before
    assert not (folder.path / "restoring").exists()
    assert not (folder.path / "replaced-1").exists()


def test_damaged_bytes_of_an_archive_are_found(folder: DataFolder, other: DataFolder) -> None:
    archive = backup(folder)
    data = archive.read_bytes()
    content = 10 + data[10:].index(b"\0") + 1  # gzip's own head ends with the file's name
    for position in range(content, len(data), max(len(data) // 25, 1)):
        changed = bytearray(data)
        changed[position] ^= 0x10
        archive.write_bytes(changed)
        with pytest.raises((BackupRefused, BrokenChain)):
            restore(archive, other, force=True)
    for length in (0, 10, len(data) // 2, len(data) - 20):
        archive.write_bytes(data[:length])
        with pytest.raises((BackupRefused, BrokenChain)):
            restore(archive, other, force=True)
    assert not other.journal.exists()


def test_what_is_no_archive_is_named(other: DataFolder, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="none"):
        restore(tmp_path / "missing.tar.gz", other)
    (tmp_path / "text.tar.gz").write_text("hello")
    with pytest.raises(BackupRefused, match="damaged"):
        restore(tmp_path / "text.tar.gz", other)


def test_a_disk_without_room_is_said_before_writing(
    folder: DataFolder, other: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = backup(folder)
    monkeypatch.setattr(DataFolder, "free_bytes", lambda self: 10)
    with pytest.raises(BackupRefused, match="free disk"):
        restore(archive, other)


def test_an_interrupted_restore_can_be_repeated(folder: DataFolder, other: DataFolder) -> None:
    archive = backup(folder)
    staging = DataFolder(other.path / "restoring")
    staging.path.mkdir(parents=True)
    staging.journal.write_text("half")
    restore(archive, other, force=True)
    assert verify(other.journal).rows == 4
    assert not staging.path.exists()


def test_a_target_folder_that_cannot_be_made_is_named(folder: DataFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(StoreFault, match="file"):
        backup(folder, tmp_path / "file" / "deeper")
