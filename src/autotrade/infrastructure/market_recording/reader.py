"""Reading a recording: line by line, also of a session that runs or that was killed.

A file that ends too early is read up to its last whole line: that is what a killed process leaves.
A file that was changed is refused with the place.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from autotrade.application.market_tape import RecordedSession
from autotrade.application.use_cases.run_replay import SeenEvent
from autotrade.infrastructure.journal.codec import CodecFault
from autotrade.infrastructure.journal.files import store_faults
from autotrade.infrastructure.market_recording.folder import recorded_files
from autotrade.infrastructure.market_recording.lines import (
    EVENT,
    REMEMBERED,
    SESSION,
    WRITTEN,
    Line,
    decode_line,
)
from autotrade.infrastructure.market_recording.recorder import GZIP_WINDOW

_CHUNK_BYTES = 64 << 10


class RecordingDamaged(Exception):
    """The recording is not what was written."""

    exit_code = 1

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(
            f"{path}: line {line}: {reason}; the recording was changed or damaged after it was "
            "written, so this session cannot be replayed"
        )


class Recordings:
    """The recorded sessions of a data folder, by the journal's row that started them."""

    def __init__(self, folder: Path) -> None:
        self._files = dict(recorded_files(folder))

    @property
    def starts(self) -> list[int]:
        return sorted(self._files)

    def find(self, seq: int) -> Recording | None:
        path = self._files.get(seq)
        if path is None:
            return None
        recording = Recording(path)
        return recording if recording.is_begun else None


class Recording:
    """One session. `events` may be read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = 0
        self._crc = 0
        self._lines = self._read()
        self._head = next(self._lines, None)

    @property
    def is_begun(self) -> bool:
        """False for a process that was killed before it wrote the first line."""
        return self._head is not None

    @property
    def session(self) -> RecordedSession:
        assert self._head is not None
        if self._head.kind != SESSION:
            raise RecordingDamaged(
                self._path, 1, f"expected a session's head, was {self._head.kind}"
            )
        try:
            return self._head.session()
        except CodecFault as error:
            raise RecordingDamaged(self._path, 1, str(error)) from error

    def events(self) -> Iterator[SeenEvent]:
        for line in self._lines:
            if line.kind == WRITTEN:
                yield SeenEvent(line.seq, None)
            elif line.kind in (EVENT, REMEMBERED):
                try:
                    event = line.event()
                except CodecFault as error:
                    raise RecordingDamaged(self._path, self._number, str(error)) from error
                yield SeenEvent(line.seq, event, is_remembered=line.kind == REMEMBERED)
            else:
                raise RecordingDamaged(
                    self._path, self._number, f"expected an event or a mark, was {line.kind!r}"
                )

    def _read(self) -> Iterator[Line]:
        for text in self._texts():
            self._number += 1
            try:
                line = decode_line(text)
            except msgspec.MsgspecError as error:
                raise RecordingDamaged(
                    self._path, self._number, f"expected a line of JSON ({error})"
                ) from error
            if line.kind == WRITTEN and line.crc != f"{self._crc:08x}":
                raise RecordingDamaged(
                    self._path,
                    self._number,
                    f"expected the lines before it to sum to {line.crc}, was {self._crc:08x}",
                )
            self._crc = zlib.crc32(text + b"\n", self._crc)
            yield line

    def _texts(self) -> Iterator[bytes]:
        """Whole lines, without their newline."""
        decompressor = zlib.decompressobj(GZIP_WINDOW)
        rest = b""
        with store_faults(self._path, "read"), self._path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                try:
                    text = decompressor.decompress(chunk)
                except zlib.error as error:
                    reason = f"expected compressed lines, was: {error}"
                    raise RecordingDamaged(self._path, self._number + 1, reason) from error
                *lines, rest = (rest + text).split(b"\n")
                yield from lines
        if decompressor.eof and (rest or decompressor.unused_data):
            raise RecordingDamaged(self._path, self._number + 1, "expected the end, was more")
