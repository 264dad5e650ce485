"""Reading the journal: lazily, filtered, forwards or from its end, while another process appends.

A reader sees whole lines only; it stops at the last newline. It does not verify the chain (opening
and `verify` do), it only refuses lines that are no rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from autotrade.infrastructure.journal.chain import JOURNAL_START, JournalPosition
from autotrade.infrastructure.journal.codec import CodecFault, UnknownRecordType, decode_record
from autotrade.infrastructure.journal.files import store_faults

_CHUNK_BYTES = 1 << 20
_BACKWARD_CHUNK_BYTES = 1 << 16
_NOT_DECODED = object()


class UnreadableRow(ValueError):
    """A line that is no row, or a row whose data this version cannot read."""


class _Head(msgspec.Struct):
    seq: int
    ts: int
    kind: str
    type: str
    deal: int | None
    cause: int | None
    data: msgspec.Raw
    prev: str
    hash: str


_decode_head = msgspec.json.Decoder(_Head).decode


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the journal. `offset` is where it begins in `path`, `end` where it ends."""

    seq: int
    ts: int
    kind: str
    type: str
    deal: int | None
    cause: int | None
    data: bytes
    """The record as JSON."""
    prev: str
    hash: str
    offset: int
    end: int
    path: Path
    _record: object = field(default=_NOT_DECODED, repr=False, compare=False)

    @property
    def record(self) -> object:
        """The event, decision or command; decoded when it is first asked for."""
        if self._record is _NOT_DECODED:
            object.__setattr__(self, "_record", self._decode())
        return self._record

    @property
    def position(self) -> JournalPosition:
        """The place behind this row."""
        return JournalPosition(self.seq, self.hash, self.end)

    def _decode(self) -> object:
        try:
            return decode_record(self.type, self.data)
        except UnknownRecordType as error:
            writer = _version_before(self.path, self.end)
            raise UnreadableRow(f"{self.path}: row {self.seq}: {error}{writer}") from error
        except CodecFault as error:
            raise UnreadableRow(f"{self.path}: row {self.seq}: {error}") from error


def read_rows(
    path: Path,
    *,
    from_offset: int = 0,
    from_seq: int | None = None,
    kinds: Collection[str] | None = None,
    types: Collection[str] | None = None,
    deal: int | None = None,
    limit: int | None = None,
) -> Iterator[Row]:
    """Rows that pass every filter, oldest first. `from_offset` is a row's `offset` or `end`."""
    if from_seq is not None:
        from_offset = max(from_offset, offset_of(path, from_seq))
    rows = (
        row
        for row in _rows(path, from_offset)
        if (kinds is None or row.kind in kinds)
        and (types is None or row.type in types)
        and (deal is None or row.deal == deal)
        and (from_seq is None or row.seq >= from_seq)
    )
    return islice(rows, limit)


def rows_backwards(path: Path, before: int | None = None) -> Iterator[Row]:
    """Rows from the newest to the oldest, reading only as much of the file as is asked for.

    `before` is a row's `offset` or `end`; rows that end behind it are left out.
    """
    with store_faults(path, "read"):
        if not path.exists():
            return
        with path.open("rb") as stream:
            size = path.stat().st_size
            for offset, line in _lines_backwards(stream, size if before is None else before):
                yield _row(path, line, offset)


def last_rows(path: Path, count: int, predicate: Callable[[Row], bool] | None = None) -> list[Row]:
    """The newest `count` rows that pass, oldest first, without reading the whole file."""
    rows = rows_backwards(path)
    passing = rows if predicate is None else filter(predicate, rows)
    return list(islice(passing, count))[::-1]


def offset_of(path: Path, seq: int) -> int:
    """Where row `seq` begins (the end of the last row when there is none): a binary search."""
    with store_faults(path, "read"):
        if not path.exists():
            return 0
        low, high = 0, path.stat().st_size
        with path.open("rb") as stream:
            while low < high:
                middle = (low + high) // 2
                stream.seek(max(middle - 1, 0))
                if middle:
                    stream.readline()  # to the first line that begins at `middle` or behind it
                start = stream.tell()
                line = stream.readline()
                if line.endswith(b"\n") and _row(path, line[:-1], start).seq < seq:
                    low = start + len(line)
                else:
                    high = middle
        return low


def position_problem(path: Path, position: JournalPosition) -> str | None:
    """Why `position` is not a place in this journal; None when it is one."""
    if position == JOURNAL_START:
        return None
    size = path.stat().st_size if path.exists() else 0
    if position.offset > size:
        return (
            f"expected the journal to reach seq {position.seq} at byte {position.offset}, "
            f"was {size} bytes long"
        )
    row = next(rows_backwards(path, before=position.offset), None)
    if row is None or row.end != position.offset:
        return f"expected a row of the journal to end at byte {position.offset}, was none"
    if row.position != position:
        return (
            f"expected seq {position.seq} with hash {position.chain_hash[:12]}, "
            f"was seq {row.seq} with hash {row.hash[:12]}"
        )
    return None


def _rows(path: Path, offset: int) -> Iterator[Row]:
    with store_faults(path, "read"):
        if not path.exists():
            return
        with path.open("rb") as stream:
            stream.seek(offset)
            carry = b""
            while chunk := stream.read(_CHUNK_BYTES):
                *lines, carry = (carry + chunk).split(b"\n")
                for line in lines:
                    yield _row(path, line, offset)
                    offset += len(line) + 1


def _lines_backwards(stream: BinaryIO, start: int) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of the whole lines that end at byte `start` or before, newest first."""
    rest = b""
    """The end of a line whose beginning stands further ahead."""
    is_unfinished = True
    """No newline was met yet, so `rest` belongs to no whole line."""
    while start > 0:
        size = min(_BACKWARD_CHUNK_BYTES, start)
        start -= size
        stream.seek(start)
        text = stream.read(size) + rest
        rest, *lines = text.split(b"\n")
        end = start + len(text)
        for line in reversed(lines):
            offset = end - len(line)
            if not is_unfinished:
                yield offset, line
            is_unfinished = False
            end = offset - 1
        if is_unfinished:
            rest = b""
    if not is_unfinished:
        yield 0, rest


def _row(path: Path, line: bytes, offset: int) -> Row:
    try:
        head = _decode_head(line)
    except msgspec.MsgspecError as error:
        raise UnreadableRow(
            f"{path}: expected a row at byte {offset}, was {line[:40]!r} ({error}); "
            "look with `python main.py journal verify`"
        ) from error
    return Row(
        head.seq,
        head.ts,
        head.kind,
        head.type,
        head.deal,
        head.cause,
        bytes(head.data),
        head.prev,
        head.hash,
        offset,
        offset + len(line) + 1,
        path,
    )


def _version_before(path: Path, end: int) -> str:
    """Which version wrote the row that ends at `end`, as the session before it says."""
    for row in rows_backwards(path, before=end):
        if row.type == "SessionStarted":
            version = msgspec.json.decode(row.data).get("version")
            return f" (it was written by version {version})"
    return ""
