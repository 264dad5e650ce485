"""A disk that fails: the FileSystem port over a real folder, with what a crash may take back.

The bytes lie in real files, so that everything that reads needs no change. What was not synced is
remembered here; `lose_power` takes it back or tears it, as a machine without power does.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autotrade.infrastructure.fault_simulation.virtual_loop import ProcessKilled
from autotrade.infrastructure.journal.files import REAL_FILES


@dataclass(slots=True)
class _File:
    """What is known to be on the platter."""

    path: Path
    synced_size: int = 0


@dataclass(slots=True)
class DiskFaults:
    """What the next operations meet."""

    is_full: bool = False
    failing_writes: int = 0
    failing_syncs: int = 0
    slow_seconds: float = 0.0
    kill_at_operation: int | None = None


@dataclass(slots=True)
class _Rename:
    """A name that was moved and whose folder was not synced: the old content may come back."""

    target: Path
    before: bytes | None


class SimulatedDisk:
    """One process's way to the disk; `end` cuts it off, whoever still holds it."""

    def __init__(
        self,
        rng: random.Random,
        on_write: Callable[[Path, bytes], None],
        on_sync: Callable[[Path], None],
    ) -> None:
        self._rng = rng
        self._on_write, self._on_sync = on_write, on_sync
        self._open: dict[int, _File] = {}
        self._renames: list[_Rename] = []
        self._is_over = False
        self.faults = DiskFaults()
        self.operations = 0

    # --- the port -----------------------------------------------------------------------------

    def open_append(self, path: Path) -> int:
        self._operation()
        handle = REAL_FILES.open_append(path)
        self._open[handle] = _File(path, path.stat().st_size)
        return handle

    def open_new(self, path: Path) -> int:
        self._operation()
        handle = REAL_FILES.open_new(path)
        self._open[handle] = _File(path)
        return handle

    def write(self, handle: int, data: bytes) -> int:
        self._operation()
        faults = self.faults
        if faults.is_full or faults.failing_writes > 0:
            faults.failing_writes = max(0, faults.failing_writes - 1)
            part = self._rng.randrange(len(data)) if self._rng.random() < 0.5 else 0
            if part:  # a full disk takes what still fits
                REAL_FILES.write(handle, data[:part])
                self._on_write(self._open[handle].path, bytes(data[:part]))
            code = errno.ENOSPC if faults.is_full else errno.EIO
            raise OSError(code, "simulated")
        written = REAL_FILES.write(handle, data)
        self._on_write(self._open[handle].path, bytes(data[:written]))
        return written

    def sync(self, handle: int) -> None:
        self._operation()
        if self.faults.failing_syncs > 0:
            self.faults.failing_syncs -= 1
            raise OSError(errno.EIO, "simulated")
        known = self._open[handle]
        known.synced_size = REAL_FILES.size(handle)
        self._on_sync(known.path)

    def size(self, handle: int) -> int:
        return REAL_FILES.size(handle)

    def truncate(self, handle: int, size: int) -> None:
        self._operation()
        REAL_FILES.truncate(handle, size)
        known = self._open[handle]
        known.synced_size = min(known.synced_size, size)

    def close(self, handle: int) -> None:
        if not self._is_over and self._open.pop(handle, None) is not None:
            REAL_FILES.close(handle)

    def replace(self, source: Path, target: Path) -> None:
        self._operation()
        before = target.read_bytes() if target.exists() else None
        self._renames.append(_Rename(target, before))
        REAL_FILES.replace(source, target)

    def sync_folder(self, folder: Path) -> None:
        self._operation()
        self._renames = [rename for rename in self._renames if rename.target.parent != folder]

    # --- the end of a process -----------------------------------------------------------------

    def end(self) -> None:
        """The process is dead: whatever of it still runs changes nothing any more."""
        if self._is_over:
            return
        self._is_over = True
        for handle in list(self._open):
            REAL_FILES.close(handle)

    def lose_power(self) -> None:
        """After `end`: unsynced bytes are lost or torn, unsynced renames may be undone."""
        for known in self._open.values():
            if not known.path.exists():
                continue
            size = known.path.stat().st_size
            if size <= known.synced_size:
                continue
            kept = self._rng.randrange(known.synced_size, size + 1)
            with known.path.open("r+b") as stream:
                stream.truncate(kept)
                if kept > known.synced_size and self._rng.random() < 0.3:
                    stream.seek(max(known.synced_size, kept - 16))
                    stream.write(bytes(kept - stream.tell()))  # a block that never arrived: zeros
        for rename in reversed(self._renames):
            if self._rng.random() < 0.5:
                if rename.before is None:
                    rename.target.unlink(missing_ok=True)
                else:
                    rename.target.write_bytes(rename.before)
        self._renames.clear()

    def _operation(self) -> None:
        if self._is_over:
            raise ProcessKilled
        self.operations += 1
        kill_at = self.faults.kill_at_operation
        if kill_at is not None and self.operations >= kill_at:
            self.end()
            raise ProcessKilled
