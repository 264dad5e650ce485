"""Backups of a data folder: made while the bot runs, restored with every hash verified.

Order of copying: snapshots first, then the journal up to its last whole row. The journal only
grows, and a snapshot is written only after the rows it covers are durable, so every snapshot read
first is covered by the journal read afterwards. The other way round the bot could write rows and a
snapshot between the two copies, and the archive would hold a snapshot ahead of its journal.

If the snapshots do not belong together (they were being replaced), they are read again, and left
out in the end: the journal alone rebuilds them. Only the data folder's own files go into an
archive, by name; nothing else that lies in the folder does, so no key can slip in.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from autotrade.infrastructure.journal.chain import VerifyReport, verify
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.files import REAL_FILES, store_faults
from autotrade.infrastructure.repositories.snapshot_set import LoadedSnapshots, SnapshotSet

_MANIFEST = "backup.json"
_MANIFEST_BYTES_MAX = 64 << 10
_FORMAT = "autotrade backup"
_SNAPSHOT_TRIES = 5
_COPY_BYTES = 1 << 20
_DAMAGED = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, msgspec.MsgspecError)


class BackupRefused(Exception):
    """A backup or a restore that would not be safe; the text says why and what to do."""


class _Manifest(msgspec.Struct):
    format: str
    version: int
    made: str
    seq: int
    chain_hash: str
    journal_bytes: int
    snapshots: str
    """"complete", or why they are left out."""


def backup(
    folder: DataFolder | Path, target: Path | None = None, *, now: datetime | None = None
) -> Path:
    """Archive the folder; returns the archive. Safe while the bot runs.

    `target` is a folder, or a file name that ends in .tar.gz; without one the archive goes to
    `backups/` in the data folder. Raises `BrokenChain` for a journal that does not hold,
    `BackupRefused` and `StoreFault`.
    """
    folder = folder if isinstance(folder, DataFolder) else DataFolder(folder)
    if not folder.journal.exists():
        raise BackupRefused(
            f"expected a journal in {folder.path}, was none; name the bot's data folder"
        )
    made = now or datetime.now(UTC)
    archive = _archive_path(folder, target, made)
    snapshots, snapshots_text = _read_snapshots(folder)
    report = verify(folder.journal)
    if report.broken is not None:
        raise report.broken
    manifest = _Manifest(
        _FORMAT,
        1,
        made.isoformat(timespec="seconds"),
        report.end.seq,
        report.end.chain_hash,
        report.end.offset,
        snapshots_text,
    )
    part = archive.with_name(archive.name + ".part")
    with store_faults(archive, "write"):
        try:
            _write_archive(part, folder, manifest, snapshots, made)
            REAL_FILES.replace(part, archive)
            REAL_FILES.sync_folder(archive.parent)
        finally:
            part.unlink(missing_ok=True)
    return archive


def restore(archive: Path, folder: DataFolder | Path, *, force: bool = False) -> VerifyReport:
    """Put an archive's files into a folder and prove the restored journal.

    A folder in which a bot runs is never touched (`FolderInUse`). A folder that already holds a
    bot's files is refused too; with `force` those files are moved to `replaced-<n>` first, so that
    nothing is ever lost.
    """
    folder = folder if isinstance(folder, DataFolder) else DataFolder(folder)
    if not archive.is_file():
        raise BackupRefused(f"expected a backup at {archive}, was none; name a .tar.gz file")
    with folder.lock():
        present = [
            path for path in (folder.journal, folder.torn, *folder.snapshots) if path.exists()
        ]
        others = [path for path in folder.path.iterdir() if not _is_lock(folder, path)]
        if others and not force:
            raise BackupRefused(
                f"expected {folder.path} to be empty, was holding {others[0].name}; restore into "
                "a new folder, or use --force, which moves the old files aside"
            )
        staging = DataFolder(folder.path / "restoring")
        with store_faults(folder.path, "restore into"):
            _clear(staging)
            staging.path.mkdir(exist_ok=True)
            try:
                report = _extract(archive, staging)
                _move_aside(folder, present)
                # The journal first: should this be interrupted, a journal without snapshots is
                # whole, snapshots without their journal are not.
                for source in (staging.journal, staging.torn, *staging.snapshots):
                    if source.exists():
                        REAL_FILES.replace(source, folder.path / source.name)
                REAL_FILES.sync_folder(folder.path)
            finally:
                _clear(staging)
        return VerifyReport(folder.journal, report.end, report.size, 0, None)


def _archive_path(folder: DataFolder, target: Path | None, made: datetime) -> Path:
    if target is not None and target.name.endswith((".tar.gz", ".tgz")):
        if target.exists():
            raise BackupRefused(f"expected {target} not to exist, was there; name a new file")
        with store_faults(target.parent, "make the folder"):
            target.parent.mkdir(parents=True, exist_ok=True)
        return target
    place = target or folder.backups
    with store_faults(place, "make the folder"):
        place.mkdir(parents=True, exist_ok=True)
    stem = f"autotrade-{folder.path.absolute().name}-{made.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    names = (f"{stem}{suffix}.tar.gz" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(place / name for name in names if not (place / name).exists())


def _read_snapshots(folder: DataFolder) -> tuple[dict[str, bytes], str]:
    """The snapshot files' bytes if they are sound and of one moment, else none and the reason."""
    reason = ""
    for _ in range(_SNAPSHOT_TRIES):
        loaded = SnapshotSet(folder).load()
        if not isinstance(loaded, LoadedSnapshots):
            reason = loaded.text
            continue
        try:
            found = {path.name: path.read_bytes() for path in folder.snapshots}
        except OSError as error:
            reason = str(error)
            continue
        mark = f'"chain_hash":"{loaded.position.chain_hash}"'.encode()
        if all(mark in data[:400] for data in found.values()):
            return found, "complete"
        reason = "the snapshots were being replaced"
    return {}, f"left out: {reason}"


def _write_archive(
    part: Path,
    folder: DataFolder,
    manifest: _Manifest,
    snapshots: dict[str, bytes],
    made: datetime,
) -> None:
    with part.open("wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as tar:
            _add(tar, _MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)), made)
            with folder.journal.open("rb") as journal:
                info = _member(folder.journal.name, manifest.journal_bytes, made)
                tar.addfile(info, journal)  # exactly as many bytes as were verified
            for name, data in snapshots.items():
                _add(tar, name, data, made)
            if folder.torn.exists():
                _add(tar, folder.torn.name, folder.torn.read_bytes(), made)
        stream.flush()
        REAL_FILES.sync(stream.fileno())


def _add(tar: tarfile.TarFile, name: str, data: bytes, made: datetime) -> None:
    tar.addfile(_member(name, len(data), made), io.BytesIO(data))


def _member(name: str, size: int, made: datetime) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(made.timestamp()), 0o644
    return info


def _extract(archive: Path, staging: DataFolder) -> VerifyReport:
    """Write the archive's members under our own names and verify; raises `BackupRefused`."""
    allowed = {path.name: path for path in (staging.journal, staging.torn, *staging.snapshots)}
    try:
        with gzip.open(archive, "rb") as unpacked:
            with tarfile.open(fileobj=unpacked, mode="r:") as tar:
                manifest = _extract_members(archive, tar, allowed, staging)
            while unpacked.read(_COPY_BYTES):
                pass  # gzip compares its checksum at its end, behind the last member
    except _DAMAGED as error:
        raise BackupRefused(
            f"expected a whole backup at {archive}, was damaged: {error}; use another one"
        ) from error
    if manifest is None or not staging.journal.exists():
        raise BackupRefused(f"expected a journal in {archive}, was none; use another backup")
    return _proven(archive, staging, manifest)


def _extract_members(
    archive: Path, tar: tarfile.TarFile, allowed: dict[str, Path], staging: DataFolder
) -> _Manifest | None:
    manifest: _Manifest | None = None
    for member in tar:
        stream = tar.extractfile(member) if member.isreg() else None
        if stream is not None and member.name == _MANIFEST:
            manifest = msgspec.json.decode(stream.read(_MANIFEST_BYTES_MAX), type=_Manifest)
        elif stream is not None and member.name in allowed:
            _check_room(staging, member.size)
            _write_member(stream, allowed.pop(member.name))
        else:
            raise BackupRefused(
                f"expected only AutoTrade's own files in {archive}, was {member.name!r}; "
                "this is not a backup that AutoTrade made"
            )
    return manifest


def _proven(archive: Path, staging: DataFolder, manifest: _Manifest) -> VerifyReport:
    report = verify(staging.journal)
    if report.broken is not None:
        raise report.broken
    if (report.end.seq, report.end.chain_hash, report.torn_bytes) != (
        manifest.seq,
        manifest.chain_hash,
        0,
    ):
        raise BackupRefused(
            f"expected the journal in {archive} to end with seq {manifest.seq}, was "
            f"{report.end.seq}; use another backup"
        )
    return report


def _check_room(staging: DataFolder, size: int) -> None:
    free = staging.free_bytes()
    if size > free:
        raise BackupRefused(
            f"expected {size} bytes of free disk for the restored file, was {free}; free some space"
        )


def _write_member(stream: IO[bytes], path: Path) -> None:
    with path.open("xb") as target:
        while chunk := stream.read(_COPY_BYTES):
            target.write(chunk)
        target.flush()
        REAL_FILES.sync(target.fileno())


def _is_lock(folder: DataFolder, path: Path) -> bool:
    return path.name in {folder.lock_file.name, folder.lock_holder.name}


def _move_aside(folder: DataFolder, present: list[Path]) -> None:
    if not present:
        return
    number = 1
    while (aside := folder.path / f"replaced-{number}").exists():
        number += 1
    aside.mkdir()
    for path in present:
        REAL_FILES.replace(path, aside / path.name)


def _clear(staging: DataFolder) -> None:
    """Remove a staging folder, this one's or an interrupted one's; it holds our files only."""
    for path in (staging.journal, staging.torn, *staging.snapshots):
        path.unlink(missing_ok=True)
    if staging.path.exists():
        staging.path.rmdir()
