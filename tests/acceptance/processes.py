"""AutoTrade's processes as a user starts them, watched: lines, journal rows, ends.

Every process is ended by the `Household` that started it, by its own process object, so a failing
test leaves nothing running.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MAIN = ROOT / "main.py"
START_SECONDS_MAX = 60.0
EXCHANGE_START_SECONDS_MAX = 300.0
"""It reads its recording first, and that may be long."""
END_SECONDS_MAX = 60.0
READY = "ready: recovered, warmed up and reconciled"
_LOOK_SECONDS = 0.001
_DYING_SECONDS = 5.0
"""A process whose output has ended may live a moment longer."""
_OUR_ENVIRONMENT = ("AUTOTRADE_", "EXCHANGE_", "TRADING_", "BINANCE_", "CURRENCY_PAIR", "LOG_")

Row = dict[str, Any]


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of `condition`; fails with `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"expected {what} within {seconds:g} s, it did not happen")
        time.sleep(_LOOK_SECONDS)


class Process:
    """One running program; its lines are collected while it runs."""

    def __init__(
        self, words: Sequence[str], *, folder: Path, before_start: Callable[[], None] | None = None
    ) -> None:
        self.words = list(words)
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._news = threading.Condition()
        self._popen = subprocess.Popen(
            [sys.executable, str(MAIN), *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            preexec_fn=before_start,  # noqa: PLW1509 - a limit for the child, set by POSIX tests
        )
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in (
                (self._popen.stdout, self.stdout),
                (self._popen.stderr, self.stderr),
            )
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any, lines: list[str]) -> None:
        for line in stream:
            with self._news:
                lines.append(line.decode(errors="replace").rstrip("\r\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    @property
    def said(self) -> str:
        return "\n".join([*self.stdout, *self.stderr])

    def wait_line(self, words: str, seconds: float = START_SECONDS_MAX) -> str:
        """The first line, on stdout or stderr, that holds the words."""

        def found() -> str | None:
            return next((line for line in (*self.stdout, *self.stderr) if words in line), None)

        deadline = time.monotonic() + seconds
        with self._news:
            while (line := found()) is None:
                if not any(reader.is_alive() for reader in self._readers):
                    raise AssertionError(f"expected a line with {words!r}, it ended:\n{self.said}")
                if not self._news.wait(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(
                        f"expected a line with {words!r} within {seconds:g} s, was:\n{self.said}"
                    )
        return line

    def says(self, words: str, seconds: float = START_SECONDS_MAX) -> bool:
        """As `wait_line`; False when the process ended before it said so."""
        try:
            self.wait_line(words, seconds)
        except AssertionError:
            if self.runs_for(_DYING_SECONDS):
                raise
            return False
        return True

    def runs_for(self, seconds: float) -> bool:
        """Let it run so long; False when it ended before."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def wait_exit(self, seconds: float = END_SECONDS_MAX) -> int:
        try:
            code = self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"expected {self.words[0]} to end within {seconds:g} s:\n{self.said}"
            ) from None
        for reader in self._readers:
            reader.join(5)
        return code

    def send(self, number: int) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        """As `kill -9`: no chance to tidy up."""
        self._popen.kill()
        self.wait_exit()

    def end(self) -> None:
        """For the household: end it, whatever it is doing."""
        if not self.is_running:
            return
        if hasattr(signal, "SIGCONT"):
            self.send(signal.SIGCONT)
        self._popen.terminate()
        try:
            self._popen.wait(10)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait(10)

    def summary(self) -> Row:
        """The one JSON object of `trade --json`; anything else on stdout is an error."""
        assert len(self.stdout) == 1, f"expected one line on stdout, were:\n{self.said}"
        found = json.loads(self.stdout[0], parse_float=_keep_float)
        assert isinstance(found, dict)
        return found


def _keep_float(text: str) -> float:
    return float(text)


def _environment() -> Mapping[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OUR_ENVIRONMENT) and not name.startswith("COV_")
    }
    return {**kept, "PYTHONIOENCODING": "utf-8"}


class Exchange:
    """`main.py exchange` in a process of its own."""

    def __init__(self, process: Process, data_dir: Path) -> None:
        self.process = process
        self.data_dir = data_dir
        self.announce = json.loads(
            process.wait_line('"event":"started"', EXCHANGE_START_SECONDS_MAX)
        )

    @property
    def announce_file(self) -> Path:
        return self.data_dir / "exchange.json"

    @property
    def ports(self) -> tuple[int, int]:
        return self.announce["port"], self.announce["tls_port"]


class Household:
    """Starts processes and ends every one of them at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env_file = folder / "empty.env"
        self.env_file.touch()
        self._processes: list[Process] = []

    def __enter__(self) -> Household:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self._processes):
            process.end()

    def run(self, *words: object, before_start: Callable[[], None] | None = None) -> Process:
        process = Process(
            [str(word) for word in words], folder=self.folder, before_start=before_start
        )
        self._processes.append(process)
        return process

    def trade(
        self,
        data_dir: Path,
        *words: object,
        config: Path | None = None,
        before_start: Callable[[], None] | None = None,
    ) -> Process:
        """`trade --json`, untouched by this machine's .env."""
        given = [] if config is None else ["--config", config]
        return self.run(
            "trade",
            "--json",
            "--data-dir",
            data_dir,
            "--env-file",
            self.env_file,
            *given,
            *words,
            before_start=before_start,
        )

    def exchange(
        self, data_dir: Path, *words: object, port: int = 0, tls_port: int = 0
    ) -> Exchange:
        process = self.run(
            "exchange", "--data-dir", data_dir, "--port", port, "--tls-port", tls_port, *words
        )
        return Exchange(process, data_dir)

    def read(self, *words: object) -> Any:
        """A command that only reads, with --json; what it printed."""
        process = self.run(*words, "--json", "--env-file", self.env_file)
        code = process.wait_exit()
        assert code == 0, process.said
        return json.loads("\n".join(process.stdout))


# --- the journal as it grows ----------------------------------------------------------------------


def journal_rows(data_dir: Path) -> Iterator[Row]:
    """Every whole line of the journal as plain JSON."""
    path = data_dir / "journal.jsonl"
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n")[:-1]:
        yield json.loads(line)


class JournalTail:
    """Follows a journal that a bot writes; begins at its present end."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "journal.jsonl"
        self._offset = self._path.stat().st_size if self._path.exists() else 0
        self._rest = b""
        self._unread: deque[Row] = deque()

    def _news(self) -> list[Row]:
        """The whole lines since the last look."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                data = stream.read()
        except FileNotFoundError:
            return []
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def wait_row(
        self, wanted: Callable[[Row], bool], process: Process, seconds: float = END_SECONDS_MAX
    ) -> Row | None:
        """The next row that is wanted; None when the process ended or the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            self._unread.extend(self._news())
            while self._unread:
                row = self._unread.popleft()
                if wanted(row):
                    return row
            if not process.is_running or time.monotonic() > deadline:
                return None
            time.sleep(_LOOK_SECONDS)
