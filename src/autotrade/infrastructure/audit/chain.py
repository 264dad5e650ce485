"""Lines to rows: the journal's hash chain, verified from the documented format alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

import orjson

from autotrade.infrastructure.audit.report import AuditReport

Row = dict[str, Any]

_HASH_MARK = b',"hash":"'
_HASH_LENGTH = 64
_FIELDS = frozenset({"seq", "ts", "kind", "type", "deal", "cause", "data", "prev", "hash"})


def verified_rows(lines: Iterable[bytes], report: AuditReport) -> Iterator[Row]:
    """Each line that is a row, in order; what is wrong with the chain goes into the report.

    The audit goes on behind a break, so that one changed row does not hide what else is wrong. A
    last line that is no row is a write that was torn, or is under way right now.
    """
    reader = _ChainReader(report)
    pending: bytes | None = None
    for line in lines:
        if pending is not None:
            row = reader.take(pending, is_last=False)
            if row is not None:
                yield row
        pending = line.rstrip(b"\r\n")
    if pending:
        row = reader.take(pending, is_last=True)
        if row is not None:
            yield row


class _ChainReader:
    def __init__(self, report: AuditReport) -> None:
        self._report = report
        self._line_number = 0
        self._seq = 0
        self._hash: str | None = "0" * _HASH_LENGTH
        """Of the row before; None when that line could not be read."""

    def take(self, line: bytes, *, is_last: bool) -> Row | None:
        self._line_number += 1
        row = _parse(line)
        if row is None:
            self._unreadable(line, is_last=is_last)
            return None
        self._check(line, row)
        self._seq, self._hash = row["seq"], row["hash"]
        self._report.rows += 1
        return row

    def _unreadable(self, line: bytes, *, is_last: bool) -> None:
        if is_last:
            self._report.notes.append(
                f"the last line ({len(line)} bytes after seq {self._seq}) is not whole: a torn "
                "write, or one that is under way; it was left out (torn_tail)"
            )
            return
        self._report.blame(
            "chain_broken",
            f"line {self._line_number}, after seq {self._seq}, is no row of a journal",
        )
        self._hash = None

    def _check(self, line: bytes, row: Row) -> None:
        seq, blame = row["seq"], self._report.blame
        if _digest(line) != row["hash"]:
            blame("chain_broken", f"row {seq} was changed after it was written", seq)
        if self._hash is not None and row["prev"] != self._hash:
            text = f"row {seq} does not follow the row before it: rows are missing, added or moved"
            blame("chain_broken", text, seq)
        if self._hash is not None and seq != self._seq + 1:
            blame("seq_gap", f"expected row {self._seq + 1}, was row {seq}", seq)


def _parse(line: bytes) -> Row | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(row, dict) or not row.keys() >= _FIELDS:
        return None
    is_row = isinstance(row["seq"], int) and isinstance(row["ts"], int)
    return row if is_row and isinstance(row["data"], dict) else None


def _digest(line: bytes) -> str:
    """SHA-256 of the line without its hash field."""
    body, mark, rest = line.rpartition(_HASH_MARK)
    if not mark or len(rest) != _HASH_LENGTH + len(b'"}'):
        return ""
    return sha256(body + b"}").hexdigest()
