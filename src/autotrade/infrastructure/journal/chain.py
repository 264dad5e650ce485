"""The journal's line and the chain that its lines form.

    {"seq":7,"ts":..,"kind":"event","type":"..","deal":3,"cause":6,"data":{..},"prev":"<64>","hash":"<64>"}

`hash` is the SHA-256 of the line without `,"hash":"<64>"`, `prev` is the hash of the line before
(64 zeros before the first). Both stand at fixed places from the line's end, so the whole chain is
verified on bytes, without parsing JSON.

The chain finds every changed, missing, added or moved line before the last one. It cannot tell that
whole lines are missing at the end: for that a snapshot names the row it was taken at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from autotrade.infrastructure.journal.files import store_faults

HASH_FIELD_BYTES = len(',"hash":""}') + 64
ROW_BYTES_MAX = 1 << 20
"""A longer row is refused; a longer line is no row."""
_CHUNK_BYTES = 1 << 20
_SEQ = re.compile(rb'\{"seq":(\d+),')


@dataclass(frozen=True, slots=True)
class JournalPosition:
    """A place between two rows: after row `seq`, whose hash is `chain_hash`, at byte `offset`."""

    seq: int
    chain_hash: str
    offset: int


JOURNAL_START = JournalPosition(seq=0, chain_hash="0" * 64, offset=0)


class BrokenChain(Exception):
    """The journal was changed after it was written. Nothing behind this place can be trusted."""

    def __init__(
        self, path: Path, good: JournalPosition, seq_found: int | None, reason: str
    ) -> None:
        found = "no seq at all" if seq_found is None else f"seq {seq_found}"
        super().__init__(
            f"{path}: line {good.seq + 1} at byte {good.offset}: expected seq {good.seq + 1} in an "
            f"unbroken chain, was {found}: {reason}. Restore a backup "
            "(`python main.py restore`); `python main.py journal verify` shows this place again"
        )
        self.path = path
        self.line_number = good.seq + 1
        self.offset = good.offset
        self.seq_expected = good.seq + 1
        self.seq_found = seq_found
        self.reason = reason


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What is to be said of a journal file."""

    path: Path
    end: JournalPosition
    """After the last row that holds."""
    size: int
    """Bytes looked at."""
    torn_bytes: int
    """After the last good row: a torn write, or a row that is being written right now."""
    broken: BrokenChain | None

    @property
    def rows(self) -> int:
        return self.end.seq

    @property
    def holds(self) -> bool:
        return self.broken is None

    @property
    def text(self) -> str:
        if self.broken is not None:
            return str(self.broken)
        torn = f", {self.torn_bytes} bytes of an unfinished row behind" if self.torn_bytes else ""
        return f"{self.path}: {self.rows} rows, the chain holds{torn}"


def seal(body: bytes) -> tuple[bytes, str]:
    """Complete a line that lacks its hash and its closing brace; returns (line, hash)."""
    digest = sha256(body + b"}").hexdigest()
    return b'%b,"hash":"%b"}\n' % (body, digest.encode()), digest


def verify(
    path: Path, end: int | None = None, *, start: JournalPosition = JOURNAL_START
) -> VerifyReport:
    """Verify the chain from the first byte to the last (or to byte `end`); changes nothing.

    `start` is a place before which everything is known to hold.
    """
    with store_faults(path, "read"):
        if not path.exists():
            return VerifyReport(path, JOURNAL_START, 0, 0, None)
        with path.open("rb") as stream:
            return _Scan(path, stream, start, end).run()


class _Scan:
    """One pass over a file; `good` is the place up to which everything held."""

    def __init__(
        self, path: Path, stream: BinaryIO, start: JournalPosition, end: int | None
    ) -> None:
        self.path, self.stream, self.end = path, stream, end
        self.good = start
        self.size = stream.seek(start.offset)
        self.carry = b""

    def run(self) -> VerifyReport:
        while chunk := self._read():
            *lines, self.carry = (self.carry + chunk).split(b"\n")
            bad = self._check(lines)
            if bad is not None:
                return self._judge(lines[bad], is_last_line=bad == len(lines) - 1)
            if len(self.carry) > ROW_BYTES_MAX:
                return self._judge_endless_line()
        return self._report(None)

    def _read(self) -> bytes:
        want = _CHUNK_BYTES if self.end is None else min(_CHUNK_BYTES, self.end - self.size)
        chunk = self.stream.read(want)
        self.size += len(chunk)
        return chunk

    def _check(self, lines: list[bytes]) -> int | None:
        """The index of the first line that does not hold; this loop is the hot path."""
        seq, chain_hash, offset = self.good.seq, self.good.chain_hash, self.good.offset
        bad = None
        for index, line in enumerate(lines):
            digest = sha256(line[:-HASH_FIELD_BYTES] + b"}").hexdigest()
            if not (
                line.endswith(f'"prev":"{chain_hash}","hash":"{digest}"}}'.encode())
                and line.startswith(b'{"seq":%d,' % (seq + 1))
            ):
                bad = index
                break
            seq += 1
            chain_hash = digest
            offset += len(line) + 1
        self.good = JournalPosition(seq, chain_hash, offset)
        return bad

    def _judge(self, line: bytes, *, is_last_line: bool) -> VerifyReport:
        """A last line whose hash does not hold is a torn write; all else is a broken chain."""
        digest = sha256(line[:-HASH_FIELD_BYTES] + b"}").hexdigest()
        hash_holds = line.endswith(f',"hash":"{digest}"}}'.encode())
        if is_last_line and not hash_holds and not self.carry and not self._read():
            return self._report(None)
        if hash_holds:
            return self._report("the row is whole, but rows before it are missing, added or moved")
        return self._report("the line was changed after it was written")

    def _judge_endless_line(self) -> VerifyReport:
        while chunk := self._read():
            if b"\n" in chunk:
                return self._report(f"a line of more than {ROW_BYTES_MAX} bytes is no row")
        return self._report(None)

    def _report(self, reason: str | None) -> VerifyReport:
        broken = None
        if reason is not None:
            broken = BrokenChain(self.path, self.good, self._seq_found(), reason)
        torn_bytes = 0 if broken else self.size - self.good.offset
        return VerifyReport(self.path, self.good, self.size, torn_bytes, broken)

    def _seq_found(self) -> int | None:
        self.stream.seek(self.good.offset)
        match = _SEQ.match(self.stream.read(32))
        return int(match[1]) if match else None
