"""FaultyFiles: the real disk, made to fail where a test says so, and to lose power."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autotrade.infrastructure.journal.files import RealFiles


@dataclass(frozen=True, slots=True)
class Fault:
    """Calls number `first` to `last` of an operation fail; a write stores `partial` bytes first."""

    operation: str
    error_number: int
    first: int
    last: int
    partial: int


class FaultyFiles:
    """A FileSystem. `durable` is what would survive a loss of power: bytes by file."""

    def __init__(self, *, bytes_a_write_max: int | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self.durable: dict[Path, int] = {}
        self.synced_folders: list[Path] = []
        self.before_sync: Callable[[], None] | None = None
        self.crash_next_write = False
        self._bytes_a_write_max = bytes_a_write_max
        self._real = RealFiles()
        self._faults: list[Fault] = []
        self._paths: dict[int, Path] = {}

    def fail(
        self,
        operation: str,
        error_number: int,
        *,
        call: int = 1,
        partial: int = 0,
        forever: bool = False,
    ) -> None:
        """Let the next but `call - 1` call of an operation fail, and all later ones if asked."""
        first = self.calls[operation] + call
        last = 1 << 62 if forever else first
        self._faults.append(Fault(operation, error_number, first, last, partial))

    def lose_power(self, path: Path, *, keep: int = 0) -> None:
        """Cut the file to what was synced, and `keep` bytes of what was not."""
        size = path.stat().st_size
        os.truncate(path, min(size, self.durable.get(path, 0) + keep))

    def open_append(self, path: Path) -> int:
        self._count("open_append")
        handle = self._real.open_append(path)
        self._paths[handle] = path
        return handle

    def open_new(self, path: Path) -> int:
        self._count("open_new")
        handle = self._real.open_new(path)
        self._paths[handle] = path
        return handle

    def write(self, handle: int, data: bytes) -> int:
        if self.crash_next_write:
            raise MemoryError("no room for a buffer")
        fault = self._next("write")
        if fault is not None:
            self._real.write(handle, data[: fault.partial])
            raise OSError(fault.error_number, os.strerror(fault.error_number))
        return self._real.write(handle, data[: self._bytes_a_write_max])

    def sync(self, handle: int) -> None:
        size = self._real.size(handle)
        if self.before_sync is not None:
            self.before_sync()
        self._count("sync")
        self.durable[self._paths[handle]] = size

    def size(self, handle: int) -> int:
        self._count("size")
        return self._real.size(handle)

    def truncate(self, handle: int, size: int) -> None:
        self._count("truncate")
        self._real.truncate(handle, size)

    def close(self, handle: int) -> None:
        self._count("close")
        self._real.close(handle)

    def replace(self, source: Path, target: Path) -> None:
        self._count("replace")
        self._real.replace(source, target)

    def sync_folder(self, folder: Path) -> None:
        self._count("sync_folder")
        self.synced_folders.append(folder)

    def _next(self, operation: str) -> Fault | None:
        self.calls[operation] += 1
        number = self.calls[operation]
        for fault in self._faults:
            if fault.operation == operation and fault.first <= number <= fault.last:
                return fault
        return None

    def _count(self, operation: str) -> None:
        fault = self._next(operation)
        if fault is not None:
            raise OSError(fault.error_number, os.strerror(fault.error_number))
