"""Logging: one readable line per fact on stderr, the same fact as JSON in a rotating file.

The disk is never in a trader's way: records go through a bounded queue to a thread that writes
them. When the queue is full, lines are dropped and counted, and the count is logged.
"""

from __future__ import annotations

import logging
import logging.handlers
import queue
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson

from autotrade.infrastructure.terminal.output import plain
from autotrade.infrastructure.terminal.redaction import clean

QUEUE_SIZE_MAX = 10_000


class ConsoleFormatter(logging.Formatter):
    """`12:03:00 text`, with the level's name in front when it is a warning or worse."""

    def __init__(self) -> None:
        super().__init__(datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname} " if record.levelno >= logging.WARNING else ""
        text = f"{self.formatTime(record, self.datefmt)} {level}{record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            text = f"{text} ({type(error).__name__}: {error})"
        return clean(text)


class JsonFormatter(logging.Formatter):
    """One JSON object: ts (milliseconds UTC), level, logger, text, the fact's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "ts": int(record.created * 1000),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        fields = getattr(record, "fields", None)
        if fields:
            entry["fields"] = plain(fields)
        if record.exc_info:
            entry["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        text = orjson.dumps(entry, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        return clean(text)


class _BoundedQueueHandler(logging.handlers.QueueHandler):
    """Drops when full instead of waiting; `dropped` counts."""

    dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class _Listener(logging.handlers.QueueListener):
    """Its end mark waits for room, so that a full queue is still written out."""

    def enqueue_sentinel(self) -> None:
        self.queue.put(None)


class _RotatingFile(logging.handlers.RotatingFileHandler):
    """The log's file. A disk that refuses it is told in one line on the screen, which goes on."""

    def __init__(self, file: Path, bytes_max: int, count: int, screen: logging.Handler) -> None:
        super().__init__(file, maxBytes=bytes_max, backupCount=count, encoding="utf-8")
        self._screen = screen
        self._is_refused = False
        self._was_refused = False

    def emit(self, record: logging.LogRecord) -> None:
        self._was_refused, self._is_refused = self._is_refused, False
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 logging's own name
        """Not for every line again: only the first of a row of refusals is told."""
        self._is_refused = True
        if not self._was_refused:
            self._tell(sys.exc_info()[1])

    def close(self) -> None:
        try:
            super().close()
        except OSError as error:
            if not self._is_refused:
                self._tell(error)

    def _tell(self, error: BaseException | None) -> None:
        text = (
            f"expected to write the log {self.baseFilename}, was refused: {error}; lines are on "
            "the screen only until it can be written again"
        )
        logger = logging.getLogger("autotrade")
        self._screen.handle(logger.makeRecord("autotrade", logging.ERROR, "", 0, text, (), None))


@dataclass(slots=True)
class LogHandle:
    """A running log; `close` writes what is still in the queue."""

    file: Path | None
    _listener: _Listener
    _handler: _BoundedQueueHandler
    _targets: tuple[logging.Handler, ...]

    @property
    def dropped(self) -> int:
        return self._handler.dropped

    def __enter__(self) -> LogHandle:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """An error that nobody foresaw leaves its traceback in the file before it goes on."""
        if isinstance(error, Exception) and self.file is not None:
            record = logging.getLogger("autotrade").makeRecord(
                "autotrade", logging.ERROR, "", 0, "ended by an error", (), None
            )
            record.exc_info = (type(error), error, error.__traceback__)
            self._targets[-1].handle(record)
            error.traceback_file = str(self.file)  # type: ignore[attr-defined]
        self.close()

    def close(self) -> None:
        root = logging.getLogger()
        if self._handler.dropped:
            count = self._handler.dropped
            root.warning("%d log lines were dropped: the log's queue was full", count)
        root.removeHandler(self._handler)
        self._listener.stop()
        for target in reversed(self._targets):
            target.close()


def log_fact(
    logger: logging.Logger, text: str, level: int = logging.INFO, **fields: object
) -> None:
    """One fact: `text` for the console, `fields` beside it in the JSON file."""
    if logger.isEnabledFor(level):
        logger.log(level, "%s", text, extra={"fields": fields})


def start_logging(
    level: str,
    file: Path | None,
    *,
    file_bytes_max: int = 10_000_000,
    file_count: int = 5,
    stream: IO[str] | None = None,
) -> LogHandle:
    """Send all logging to stderr (or `stream`) and to `file`.

    Raises OSError when the file's folder cannot be written.
    """
    screen = logging.StreamHandler(stream or sys.stderr)
    screen.setFormatter(ConsoleFormatter())
    targets: list[logging.Handler] = [screen]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        rotating = _RotatingFile(file, file_bytes_max, file_count, screen)
        rotating.setFormatter(JsonFormatter())
        targets.append(rotating)
    lines: queue.Queue[logging.LogRecord] = queue.Queue(QUEUE_SIZE_MAX)
    handler = _BoundedQueueHandler(lines)
    listener = _Listener(lines, *targets)
    listener.start()
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.addHandler(handler)
    for name in ("asyncio", "ccxt", "aiohttp", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return LogHandle(file, listener, handler, tuple(targets))
