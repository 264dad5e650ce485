"""A journal written in bulk: the rows of the live journal, without waiting for a disk.

Nothing is at stake in a backtest, so nothing is made durable and nothing is read back to prove it;
the bytes are those that the live journal would have written.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from autotrade.infrastructure.journal.chain import JOURNAL_START
from autotrade.infrastructure.journal.codec import RECORD_TYPES, dump_json
from autotrade.infrastructure.journal.files import store_faults
from autotrade.infrastructure.journal.rows import sealed_row

BUFFER_BYTES = 1 << 20


class JournalWriter:
    """`path` None keeps the hash alone. Close it, or use it in `with`."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        if path is not None:
            with store_faults(path, "open"):
                self._file = path.open("wb")
        self.rows = 0
        self._chain_hash = JOURNAL_START.chain_hash
        self._digest = sha256()
        self._buffer: list[bytes] = []
        self._buffer_bytes = 0

    def append(self, record: object, *, cause: int | None = None, deal: int | None = None) -> int:
        """The next row; returns its seq."""
        self.rows = seq = self.rows + 1
        if deal is None and RECORD_TYPES[type(record)].has_deal:
            deal = record.deal_id  # type: ignore[attr-defined]
        line, self._chain_hash = sealed_row(
            record, dump_json(record), seq, deal=deal, cause=cause, chain_hash=self._chain_hash
        )
        self._buffer.append(line)
        self._buffer_bytes += len(line)
        if self._buffer_bytes > BUFFER_BYTES:
            self._flush()
        return seq

    def _flush(self) -> None:
        data = b"".join(self._buffer)
        self._buffer.clear()
        self._buffer_bytes = 0
        self._digest.update(data)
        if self._file is not None and self._path is not None:
            with store_faults(self._path, "write"):
                self._file.write(data)

    def close(self) -> str:
        """SHA-256 of the file's bytes."""
        self._flush()
        if self._file is not None:
            self._file.close()
        return self._digest.hexdigest()
