"""DataFolder: the names of all files of one bot, and the lock that lets only one process in."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import msgspec
from filelock import FileLock, Timeout

from autotrade.application.ports import StoreFault
from autotrade.infrastructure.journal.files import (
    REAL_FILES,
    FileSystem,
    store_faults,
    write_all,
)

_PROBE_BYTES = 64 << 10


class FolderInUse(Exception):
    """Another process works on the data folder; `pid` is None when it could not be read."""

    def __init__(self, path: Path, pid: int | None, since: str | None) -> None:
        who = "another process" if pid is None else f"process {pid}, running since {since}"
        super().__init__(
            f"expected the data folder {path} to be free, was in use by {who}; "
            "stop that one first, or name another folder with --data-dir"
        )
        self.path, self.pid, self.since = path, pid, since


class _Holder(msgspec.Struct):
    pid: int
    since: str


class FolderUnusable(StoreFault):
    """The disk refused before anything began: the machine's fault, nothing was lost."""

    exit_code = 2


@contextmanager
def before_anything() -> Iterator[None]:
    """Around the first looks at a folder: what the disk refuses there is `FolderUnusable`."""
    try:
        yield
    except StoreFault as fault:
        raise FolderUnusable(str(fault)) from fault


class FolderLock:
    """Held until `release`, or until the process ends in whatever way. Also a context manager."""

    _held: ClassVar[set[FolderLock]] = set()
    """A FileLock lets go when it is collected; whoever drops this object still has the lock."""

    def __init__(self, lock: FileLock, holder_path: Path) -> None:
        self._lock, self._holder_path = lock, holder_path
        self._held.add(self)

    def release(self) -> None:
        if self._lock.is_locked:
            self._holder_path.unlink(missing_ok=True)
            self._lock.release()
        self._held.discard(self)

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class DataFolder:
    """Where one bot in one mode keeps everything. Making the object touches no disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = path / "journal.jsonl"
        self.torn = path / "journal.torn"
        """Bytes that were cut from the journal's end, kept for people."""
        self.deals = path / "deals.json"
        self.orders = path / "orders.json"
        self.tickers = path / "tickers.json"
        self.state = path / "state.json"
        self.backups = path / "backups"
        self.recording = path / "recording"
        """What the engine saw of the market, beside the journal."""
        self.lock_file = path / "folder.lock"
        self.lock_holder = path / "folder.lock.json"

    @property
    def snapshots(self) -> tuple[Path, ...]:
        return (self.deals, self.orders, self.tickers, self.state)

    def create(self) -> None:
        """Make the folder where it is missing; raises `StoreFault`."""
        with store_faults(self.path, "make the folder"):
            self.path.mkdir(parents=True, exist_ok=True)

    def lock(self) -> FolderLock:
        """Take the folder for this process, or raise `FolderInUse` at once.

        The lock is the operating system's, so it ends with the process. Pid and start time stand
        in a file beside it, because Windows lets nobody read a locked file.
        """
        self.create()
        lock = FileLock(self.lock_file, timeout=0, thread_local=False)
        with store_faults(self.lock_file, "lock"):
            try:
                lock.acquire()
            except Timeout:
                raise self._in_use() from None
            except NotImplementedError as error:
                raise StoreFault(
                    f"expected a disk with file locks under {self.path}, was one without; "
                    "put the data folder on a local disk"
                ) from error
            try:
                since = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="seconds")
                self.lock_holder.write_bytes(msgspec.json.encode(_Holder(os.getpid(), since)))
            except OSError:
                lock.release()
                raise
        return FolderLock(lock, self.lock_holder)

    def holder(self) -> FolderInUse | None:
        """Who works on the folder now; None when nobody does. Leaves no lock behind."""
        if not self.lock_file.exists():
            return None
        lock = FileLock(self.lock_file, timeout=0, thread_local=False)
        with store_faults(self.lock_file, "look at the lock"):
            try:
                with lock:
                    return None
            except Timeout:
                return self._in_use()

    def check_writable(self, files: FileSystem = REAL_FILES) -> None:
        """Really write a probe file; raises `StoreFault` that says what is wrong."""
        self.create()
        probe = self.path / f".probe-{os.getpid()}"
        with store_faults(self.path, "write into"):
            try:
                handle = files.open_new(probe)
                try:
                    write_all(files, handle, bytes(_PROBE_BYTES))
                    files.sync(handle)
                finally:
                    files.close(handle)
            finally:
                probe.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """Room on the disk that holds the folder (or will hold it)."""
        place = self.path.absolute()
        while not place.exists():
            place = place.parent
        with store_faults(place, "ask for the free space of"):
            return shutil.disk_usage(place).free

    def _in_use(self) -> FolderInUse:
        try:
            holder = msgspec.json.decode(self.lock_holder.read_bytes(), type=_Holder)
        except (OSError, msgspec.MsgspecError):
            return FolderInUse(self.path, None, None)
        return FolderInUse(self.path, holder.pid, holder.since)
