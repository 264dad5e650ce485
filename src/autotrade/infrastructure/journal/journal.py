"""JsonlJournal: the append-only journal behind `application.ports.Journal`.

`append` puts a row into memory and costs microseconds; `write` and `sync` hand everything that was
appended to the file in one go, in a worker thread. Callers that wait at the same time share one
write and one fsync (group commit): whoever comes while the disk works is served by the next round.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autotrade.application.ports import StoreFault
from autotrade.infrastructure.journal.chain import (
    JOURNAL_START,
    ROW_BYTES_MAX,
    BrokenChain,
    JournalPosition,
    VerifyReport,
    verify,
)
from autotrade.infrastructure.journal.codec import CodecFault, record_type
from autotrade.infrastructure.journal.files import (
    REAL_FILES,
    FileSystem,
    store_faults,
    write_all,
)
from autotrade.infrastructure.journal.journal_file import JournalFile
from autotrade.infrastructure.journal.reader import Row, last_rows, read_rows
from autotrade.infrastructure.journal.rows import sealed_row

__all__ = [
    "JOURNAL_START",
    "BrokenChain",
    "JournalPosition",
    "JsonlJournal",
    "OpenReport",
    "Row",
    "VerifyReport",
    "last_rows",
    "read_rows",
    "verify",
]

BUFFER_BYTES_MAX = 4 << 20


@dataclass(frozen=True, slots=True)
class OpenReport:
    """What opening found, and what it cut away."""

    rows: int
    cut_bytes: int
    cut_text: str
    """A sentence for people; empty when nothing was cut."""


class JsonlJournal:
    """Made by `open`. One journal has one writer: hold the data folder's lock."""

    def __init__(self, file: JournalFile, end: JournalPosition, opened: OpenReport) -> None:
        self.opened = opened
        self._file = file
        self._seq, self._chain_hash, self._offset = end.seq, end.chain_hash, end.offset
        self._buffer: list[bytes] = []
        self._buffer_bytes = 0
        self._buffer_bytes_max = BUFFER_BYTES_MAX
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._round: asyncio.Future[None] | None = None
        self._is_closed = False

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        files: FileSystem = REAL_FILES,
        buffer_bytes_max: int = BUFFER_BYTES_MAX,
        known: JournalPosition = JOURNAL_START,
    ) -> JsonlJournal:
        """Verify the whole chain, cut a torn last line (see `opened`) and be ready to append.

        `known` is a place before which the file is already known to hold.
        Raises `BrokenChain` and leaves the file as it is; `StoreFault` when the disk refuses.
        """
        report = verify(path, start=known)
        if report.broken is not None:
            raise report.broken
        is_new = not path.exists()
        with store_faults(path, "open"):
            handle = files.open_append(path)
            try:
                opened = _cut_torn_end(files, handle, report)
                # What was read may so far be in the system's cache only; from here on it counts.
                files.sync(handle)
                if is_new:
                    files.sync_folder(path.parent)
            except OSError:
                files.close(handle)
                raise
        end = report.end
        journal = cls(JournalFile(files, path, handle, end.offset, end.seq), end, opened)
        journal._buffer_bytes_max = buffer_bytes_max
        return journal

    @property
    def position(self) -> JournalPosition:
        """After the last appended row. A snapshot may name it once `sync` has returned."""
        return JournalPosition(self._seq, self._chain_hash, self._offset)

    def append(self, record: object, *, cause: int | None = None, deal: int | None = None) -> int:
        """Take a record as the next row; returns its seq. `deal` overrides the record's own.

        Raises `CodecFault` for a record that cannot be stored exactly (the journal stays sound)
        and `StoreFault` when the disk has refused before.
        """
        self._refuse_after_fault()
        entry = record_type(record)
        data = entry.codec.encode(record)
        if deal is None and entry.has_deal:
            deal = record.deal_id  # type: ignore[attr-defined]
        if cause is not None and not 0 < cause <= self._seq:
            raise ValueError(f"expected the seq of an earlier row as cause, was {cause}")
        seq = self._seq + 1
        line, digest = sealed_row(
            record, data, seq, deal=deal, cause=cause, chain_hash=self._chain_hash
        )
        if len(line) > ROW_BYTES_MAX:
            raise CodecFault(
                f"expected a row of at most {ROW_BYTES_MAX} bytes, was {len(line)} for "
                f"{entry.name}; a record must not carry so much"
            )
        self._seq, self._chain_hash = seq, digest
        self._offset += len(line)
        self._buffer.append(line)
        self._buffer_bytes += len(line)
        if self._buffer_bytes > self._buffer_bytes_max:
            self._hand_over()
            self._file.write()  # waits for the disk here: memory is bounded, rows are not dropped
            self._refuse_after_fault()
        return seq

    async def write(self) -> None:
        """Hand every appended row to the operating system: safe when this process is killed."""
        await self._reach(durable=False)

    async def sync(self) -> None:
        """`write`, then make it durable: safe when the power fails."""
        await self._reach(durable=True)

    async def close(self) -> None:
        """Sync and close. The file is closed even when the sync fails."""
        if self._is_closed:
            return
        try:
            if self._file.fault is None:
                await self.sync()
        finally:
            self._is_closed = True
            self._worker.shutdown(wait=True)
            self._file.close()

    async def _reach(self, *, durable: bool) -> None:
        target = self._seq
        self._refuse_after_fault()
        while (self._file.durable_seq if durable else self._file.written_seq) < target:
            if self._round is None:
                self._hand_over()
                work = self._file.write_and_sync if durable else self._file.write
                self._round = asyncio.get_running_loop().run_in_executor(self._worker, work)
            running = self._round
            await asyncio.wait((running,))  # a caller that is cancelled does not stop the round
            if self._round is running:
                self._round = None
            if error := running.exception():
                raise error
            self._refuse_after_fault()

    def _hand_over(self) -> None:
        if self._buffer:
            self._file.hand_over(b"".join(self._buffer), self._seq)
            self._buffer.clear()
            self._buffer_bytes = 0

    def _refuse_after_fault(self) -> None:
        if self._file.fault is not None:
            raise StoreFault(str(self._file.fault)) from self._file.fault
        if self._is_closed:
            raise StoreFault("the journal is closed; nothing can be appended any more")


def _cut_torn_end(files: FileSystem, handle: int, report: VerifyReport) -> OpenReport:
    """Cut what follows the last good row; keep the cut bytes in `journal.torn` first."""
    if not report.torn_bytes:
        return OpenReport(report.rows, 0, "")
    keep = report.path.with_suffix(".torn")
    torn_handle = files.open_append(keep)
    try:
        note = f"cut from {report.path.name} after seq {report.end.seq}, {report.torn_bytes} bytes:"
        write_all(files, torn_handle, f"{note}\n".encode())
        with report.path.open("rb") as stream:
            stream.seek(report.end.offset)
            for chunk in iter(partial(stream.read, 1 << 20), b""):
                write_all(files, torn_handle, chunk)
        write_all(files, torn_handle, b"\n")
        files.sync(torn_handle)
    finally:
        files.close(torn_handle)
    files.truncate(handle, report.end.offset)
    return OpenReport(
        report.rows,
        report.torn_bytes,
        f"{report.path}: the last write was torn; {report.torn_bytes} bytes after seq "
        f"{report.end.seq} were cut and are kept in {keep.name}",
    )
