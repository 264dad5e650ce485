"""Start the embedded exchange as a child process, wait until it serves, and end it in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from autotrade.infrastructure.simulated_exchange.process_options import ExchangeProcessOptions

logger = logging.getLogger(__name__)

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 10.0
ERROR_LINES_KEPT = 20


class ExchangeDidNotStart(Exception):
    """The child ended or said nothing in time; says what it complained of."""


class ExchangeDied(Exception):
    """The child ended while it was needed; says how, and what it complained of."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """What to start and how long to wait for it."""

    process: ExchangeProcessOptions
    command: Sequence[str] = ()
    """What to run before the exchange's arguments; empty is `python main.py exchange`."""
    start_seconds_max: float = START_SECONDS_MAX
    stop_seconds_max: float = STOP_SECONDS_MAX
    environment: Mapping[str, str] | None = None


def default_command() -> list[str]:
    """`python main.py exchange`, with the main.py beside `src`."""
    return [sys.executable, str(Path(__file__).resolve().parents[4] / "main.py"), "exchange"]


@dataclass(slots=True)
class RunningExchange:
    """The child and what it announced."""

    announce: Mapping[str, Any]
    process: asyncio.subprocess.Process
    stop_seconds_max: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the recording that the child replays has ended."""
    final: dict[str, Any] = field(default_factory=dict)
    """The child's last figures, once it has stopped in order."""
    complaints: deque[str] = field(default_factory=lambda: deque(maxlen=ERROR_LINES_KEPT))
    _readers: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.returncode is None

    async def died(self) -> ExchangeDied:
        """Wait until the child ends without having been told to."""
        code = await self.process.wait()
        for reader in self._readers:  # its last words may still be in the pipe
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(reader), 1.0)
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        words = f" (it said: {_said(self)})" if self.complaints else ""
        return ExchangeDied(
            f"expected the embedded exchange (process {self.pid}) to run as long as the bot, was "
            f"ended {how}{words}; everything is written down, start again on the same data folder "
            "to go on"
        )

    async def stop(self) -> int:
        """End the child: first its stdin, then a signal, then by force. Its exit code."""
        process = self.process
        if process.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):
                process.stdin.close()
        for force in (None, process.terminate, process.kill):
            if force is not None and process.returncode is None:
                logger.warning("the exchange (pid %d) did not end, using force", process.pid)
                with contextlib.suppress(ProcessLookupError):
                    force()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self.stop_seconds_max)
                break
        for reader in self._readers:
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(reader, 1.0)
        return process.returncode if process.returncode is not None else -1

    async def _read_lines(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            facts = _facts_of(line)
            if facts.get("event") == "ended":
                self.ended.set()
            elif facts.get("event") == "stopped":
                self.final = facts

    async def _read_complaints(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            text = line.decode(errors="replace").rstrip()
            self.complaints.append(text)
            if self.announce:  # what it says before it serves becomes `ExchangeDidNotStart`'s text
                logger.info("exchange: %s", text)


def _facts_of(line: bytes) -> dict[str, Any]:
    try:
        facts = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return facts if isinstance(facts, dict) else {}


async def launch(options: LaunchOptions) -> RunningExchange:
    """Start the exchange and wait until it serves; raises `ExchangeDidNotStart`."""
    command = [*(options.command or default_command()), *options.process.to_arguments()]
    if "--parent-pipe" not in command:
        command.append("--parent-pipe")
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=None if options.environment is None else dict(options.environment),
        limit=1 << 20,
    )
    running = RunningExchange({}, process, options.stop_seconds_max)
    running._readers.append(asyncio.create_task(running._read_complaints()))
    try:
        running.announce = await asyncio.wait_for(
            _first_announcement(process), options.start_seconds_max
        )
    except TimeoutError:
        await running.stop()
        raise ExchangeDidNotStart(
            f"expected the exchange to serve within {options.start_seconds_max:.0f} s, "
            f"it did not; it said: {_said(running)}"
        ) from None
    except BaseException:
        await running.stop()
        raise
    if not running.announce:
        code = await running.stop()
        raise ExchangeDidNotStart(
            f"the embedded exchange did not start (exit code {code}): {_said(running)}"
        )
    running._readers.append(asyncio.create_task(running._read_lines()))
    return running


async def _first_announcement(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    async for line in process.stdout:
        facts = _facts_of(line)
        if facts.get("event") == "started":
            return facts
    return {}


def _said(running: RunningExchange) -> str:
    return " | ".join(running.complaints) or "nothing"
