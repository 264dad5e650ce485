"""GzipMarketRecorder: the application's MarketRecorder, one compressed file a session.

Lines wait in memory and reach the operating system before the journal's rows that follow from them.
Nothing is made durable: after a loss of power the journal may know more than the recording, and a
replay says from where on. Whatever the disk refuses ends the recording, never the trading.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from pathlib import Path

from autotrade.application.market_tape import RecordedSession
from autotrade.application.ports import Notifier
from autotrade.domain.events import Event
from autotrade.infrastructure.journal.codec import CodecFault
from autotrade.infrastructure.journal.files import REAL_FILES, FileSystem, store_fault, write_all
from autotrade.infrastructure.market_recording.folder import recorded_files, recording_path
from autotrade.infrastructure.market_recording.lines import (
    event_line,
    session_line,
    written_line,
)

BUFFER_BYTES_MAX = 64 << 10
"""Lines that wait for the journal's next row; more of them are written without one."""
LEVEL = 1
"""A fifth more bytes than with zlib's usual 6, for a third of the time that trading waits."""
GZIP_WINDOW = 31
"""zlib's word for its largest window inside a gzip envelope."""


class GzipMarketRecorder:
    """Used by one thread. `fault` is the sentence that was told when the recording ended early."""

    def __init__(self, folder: Path, notifier: Notifier, *, files: FileSystem = REAL_FILES) -> None:
        self._folder, self._notifier, self._files = folder, notifier, files
        self._path = folder
        self._handle: int | None = None
        self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP_WINDOW)
        self._lines: list[bytes] = []
        self._bytes = 0
        self._crc = 0
        self._next_seq = 0
        self.fault: str | None = None

    def begin(self, seq: int, session: RecordedSession) -> None:
        """Recordings from row `seq` on belong to rows that the journal lost; they are removed."""
        if self.fault is not None:
            return
        self._next_seq = seq
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for number, path in recorded_files(self._folder):
                if number >= seq:
                    path.unlink()
            self._path = recording_path(self._folder, seq)
            self._handle = self._files.open_new(self._path)
            self._put(session_line(seq, session))
        except (OSError, CodecFault) as error:
            self._end(error)

    def take(self, seq: int, event: Event, *, is_remembered: bool) -> None:
        if self._handle is None:
            return
        try:
            self._put(event_line(seq, event, is_remembered=is_remembered))
            if self._bytes > BUFFER_BYTES_MAX:
                self._write()
        except (OSError, CodecFault) as error:
            self._end(error)

    def flush(self, next_seq: int) -> None:
        if self._handle is None:
            return
        self._next_seq = next_seq
        try:
            self._put_mark()
            self._write()
        except OSError as error:
            self._end(error)

    def close(self) -> None:
        if self._handle is None:
            return
        try:
            self._put_mark()
            self._write()
            write_all(self._files, self._handle, self._compressor.flush(zlib.Z_FINISH))
            self._files.close(self._handle)
            self._handle = None
        except OSError as error:
            self._end(error)

    def _put(self, line: bytes) -> None:
        self._lines.append(line)
        self._bytes += len(line)
        self._crc = zlib.crc32(line, self._crc)

    def _put_mark(self) -> None:
        self._put(written_line(self._next_seq, self._crc))

    def _write(self) -> None:
        """All that waits, in such a way that a reader can have it at once."""
        assert self._handle is not None
        data = self._compressor.compress(b"".join(self._lines))
        self._lines.clear()
        self._bytes = 0
        data += self._compressor.flush(zlib.Z_SYNC_FLUSH)
        write_all(self._files, self._handle, data)

    def _end(self, error: OSError | CodecFault) -> None:
        handle, self._handle = self._handle, None
        self._lines.clear()
        if handle is not None:
            with suppress(OSError):
                self._files.close(handle)
        reason = (
            str(store_fault(error, self._path, "record the market in"))
            if isinstance(error, OSError)
            else str(error)
        )
        self.fault = (
            f"the market recording ends here: {reason}. Trading goes on; from row "
            f"{self._next_seq} on this run cannot be replayed"
        )
        self._notifier.notify(self.fault, is_warning=True)
