"""A long run with faults: does the bot's process grow, and is everything right in the end?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import resident_bytes

from tests.acceptance.configs import write_busy_config, write_config
from tests.acceptance.kill_run import first_start, judge, started_anew
from tests.acceptance.processes import READY, Exchange, Household, Process, journal_rows

BASES = ("BTC", "ETH", "SOL")
SAMPLE_SECONDS = 3.0
PEACE_SECONDS = 10.0
"""Without faults before the end, for the comparison with the exchange."""
WINDOW_PART = 0.1
MEMORY_PERCENT_MAX = 3.0
MEMORY_MINUTES_MIN = 10.0
"""Below this a growth of memory is only noise: shown, not judged."""
HANDLES_MAX = 3
"""By how many threads the median may differ, and descriptors and sockets as long as there are more
of them than a full pool of kept REST connections (100) and what else a bot needs."""
HANDLES_FULL = {"descriptors": 140, "sockets": 130, "threads": 0}
WEB_SOCKETS_MAX = 8
"""What the exchange may count open in the end: four streams of the market, one of the account, and
some that are just being dialled."""
MEGABYTE = 1_000_000
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the operating system says of a process; None where it does not say it."""

    memory_mb: float
    descriptors: int | None
    sockets: int | None
    threads: int | None


@dataclass(frozen=True, slots=True)
class Growth:
    """Medians of the first and the last tenth of the samples after the warm-up."""

    first: float
    last: float

    @property
    def percent(self) -> float:
        return (self.last / self.first - 1) * 100 if self.first else 0.0


def run_soak(
    folder: Path,
    *,
    minutes: float,
    warm_up_minutes: float,
    speed: float,
    seed: int,
    script: str,
    is_busy: bool,
    say: Say,
) -> dict[str, Any]:
    """The whole trial in `folder`; its figures, with what does not hold as sentences in
    `faults`."""
    write = write_busy_config if is_busy else write_config
    config = write(folder / "config.json", *BASES)
    bot_dir = folder / "bot"
    words = ["--speed", speed, "--market", f"seed:{seed + 100}"]
    with Household(folder) as household:
        exchange = household.exchange(folder / "exchange", *words)
        first_start(household, bot_dir, exchange, config)
        exchange, _ = started_anew(household, exchange, [*words, "--faults", script])
        bot = household.trade(bot_dir, "--attach", exchange.announce_file, config=config)
        samples = _watch(bot, exchange, warm_up_minutes * 60, (warm_up_minutes + minutes) * 60, say)
        exchange, figures = started_anew(household, exchange, words)
        is_alive = bot.runs_for(PEACE_SECONDS)
        household.run("stop", "--data-dir", bot_dir).wait_exit()
        report = judge(household, exchange, bot_dir, bot, bot.wait_exit())
    growth = {name: growth_of(samples, name) for name in Sample.__slots__}
    report["faults"] += [] if is_alive else ["the bot ended before it was told to"]
    report["faults"] += faults_of(growth, minutes)
    if figures["open_sockets"] > WEB_SOCKETS_MAX:
        report["faults"].append(
            f"the bot held {figures['open_sockets']} WebSockets open, at most {WEB_SOCKETS_MAX} "
            "are expected"
        )
    return {
        "minutes": minutes,
        "samples": len(samples),
        "growth": {
            name: None if found is None else {**asdict(found), "percent": round(found.percent, 2)}
            for name, found in growth.items()
        },
        "injected": figures["faults"],
        "web_sockets": figures["open_sockets"],
        "journal_rows": sum(1 for _ in journal_rows(bot_dir)),
        **report,
    }


def _watch(
    bot: Process, exchange: Exchange, from_seconds: float, until_seconds: float, say: Say
) -> list[Sample]:
    """A look every few seconds, from the end of the warm-up on."""
    bot.wait_line(READY, 120.0)
    started, found = time.monotonic(), []
    while (passed := time.monotonic() - started) < until_seconds:
        if not bot.runs_for(SAMPLE_SECONDS):
            break
        assert exchange.process.is_running, f"the exchange has ended:\n{exchange.process.said}"
        seen = look(bot.pid)
        if passed >= from_seconds:
            found.append(seen)
        if len(found) % 20 == 1:
            say(f"{passed / 60:.1f} of {until_seconds / 60:g} min: {seen}")
    return found


def look(pid: int) -> Sample:
    """Linux tells all of it; elsewhere only the memory is known."""
    memory_mb = resident_bytes(pid) / MEGABYTE
    process = Path("/proc") / str(pid)
    try:
        links = [_target(link) for link in (process / "fd").iterdir()]
        status = (process / "status").read_text()
    except OSError:
        return Sample(memory_mb, None, None, None)
    threads = next(line for line in status.splitlines() if line.startswith("Threads:"))
    sockets = sum(link.startswith("socket:") for link in links)
    return Sample(memory_mb, len(links), sockets, int(threads.split()[1]))


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""  # closed since


def growth_of(samples: Sequence[Sample], name: str) -> Growth | None:
    """None where nothing was measured."""
    values = [value for sample in samples if (value := getattr(sample, name)) is not None]
    if not values:
        return None
    size = max(1, round(len(values) * WINDOW_PART))
    return Growth(statistics.median(values[:size]), statistics.median(values[-size:]))


def faults_of(growth: dict[str, Growth | None], minutes: float) -> list[str]:
    """What grew more than it may, as sentences."""
    found = []
    memory = growth["memory_mb"]
    if memory is None:
        found.append("the bot's memory was never seen")
    elif minutes >= MEMORY_MINUTES_MIN and memory.percent > MEMORY_PERCENT_MAX:
        found.append(
            f"memory grew by {memory.percent:.1f} %, from {memory.first:.0f} to "
            f"{memory.last:.0f} MB; at most {MEMORY_PERCENT_MAX:g} % is expected"
        )
    for name, full in HANDLES_FULL.items():
        handles = growth[name]
        is_growing = handles is not None and handles.last - handles.first > HANDLES_MAX
        if handles is not None and is_growing and handles.last > full:
            found.append(f"{name} grew from {handles.first:g} to {handles.last:g}")
    return found
