"""The journal's file as two threads use it: the loop hands rows over, a worker writes and syncs.

Rules that everything above relies on:
- rows reach the file in the order in which they were handed over;
- a failed write is cut back to the last whole row in the file, a failed sync to the last row that
  an earlier sync made durable (after a failed sync nobody knows which pages reached the disk);
- after the first fault nothing is written any more, so the file never has a hole.
"""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path

from autotrade.application.ports import StoreFault
from autotrade.infrastructure.journal.files import FileSystem, store_fault, write_all


class JournalFile:
    """An open journal file. `written_*` is with the operating system, `durable_*` on the disk."""

    def __init__(self, files: FileSystem, path: Path, handle: int, size: int, seq: int) -> None:
        """`size` bytes and rows up to `seq` are in the file and durable already."""
        self.fault: StoreFault | None = None
        self.written_seq = self.durable_seq = seq
        self._files, self._path, self._handle = files, path, handle
        self._written_bytes = self._durable_bytes = size
        self._queue: deque[tuple[bytes, int]] = deque()
        self._lock = threading.Lock()

    def hand_over(self, rows: bytes, last_seq: int) -> None:
        """Queue whole rows for the next write."""
        self._queue.append((rows, last_seq))

    def write(self) -> None:
        """Write all that is queued. Sets `fault` and does not raise: the waiters look at it."""
        with self._lock:
            self._drain()

    def write_and_sync(self) -> None:
        """`write`, then make durable. The lock is free while the disk works."""
        with self._lock:
            self._drain()
            size, seq, is_faulty = self._written_bytes, self.written_seq, self.fault is not None
        if is_faulty or seq == self.durable_seq:
            return
        try:
            self._files.sync(self._handle)
        except OSError as error:
            with self._lock:
                self._fail(error, "make durable", cut_to=self._durable_bytes)
        else:
            self._durable_bytes, self.durable_seq = size, seq

    def close(self) -> None:
        with self._lock:
            self._files.close(self._handle)

    def _drain(self) -> None:
        chunks: list[bytes] = []
        seq = self.written_seq
        while self._queue:
            rows, seq = self._queue.popleft()
            chunks.append(rows)
        if not chunks or self.fault is not None:
            return
        data = b"".join(chunks)
        try:
            write_all(self._files, self._handle, data)
        except OSError as error:
            self._fail(error, "write", cut_to=self._end_of_whole_rows(data))
        except BaseException as error:  # the rows are out of the queue: going on would leave a hole
            self.fault = StoreFault(f"expected to write {self._path}, was interrupted: {error!r}")
            raise
        else:
            self._written_bytes += len(data)
            self.written_seq = seq

    def _end_of_whole_rows(self, data: bytes) -> int:
        """Where the last whole row ends in the file after a part of `data` was written."""
        try:
            arrived = self._files.size(self._handle) - self._written_bytes
        except OSError:
            return self._written_bytes
        return self._written_bytes + data.rfind(b"\n", 0, max(arrived, 0)) + 1

    def _fail(self, error: OSError, doing: str, cut_to: int) -> None:
        fault = store_fault(error, self._path, doing)
        try:
            self._files.truncate(self._handle, cut_to)
            self._files.sync(self._handle)
            end = f"the file ends after its last sound row, at byte {cut_to}"
        except OSError:
            end = "the file could not be cut back to its last sound row; the next start does that"
        self.fault = StoreFault(f"{fault}. Nothing more is journaled; {end}")
        self.fault.__cause__ = error
