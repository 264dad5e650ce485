"""Resident memory of the bot's process while it trades, and by how much it grows.

python benchmarks/memory.py                      3 pairs and 20 pairs, 2 minutes after warm-up
python benchmarks/memory.py --pairs 3 --minutes 60      growth over an hour, the first
                                                        `--warm-up` minutes left aside
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measure import ROOT, Row, Target, resident_bytes, row, run_program

from autotrade.infrastructure.simulated_exchange.market.listings import LISTINGS

SAMPLE_SECONDS = 2.0
WINDOW_PART = 0.1
"""Growth is the median of the last tenth of the samples against the median of the first tenth."""
MEGABYTE = 1_000_000
LIMITS_MB = {3: 200.0, 20: 300.0}
GROWTH_PERCENT_MAX = 3.0
GROWTH_MINUTES_MIN = 10.0
"""Below this a growth would only be noise; it is not given."""


@dataclass(frozen=True, slots=True)
class Soak:
    """What one run of the bot showed."""

    megabytes: list[float]
    minutes: float
    summary: dict[str, object]

    @property
    def growth_percent(self) -> float:
        size = max(1, round(len(self.megabytes) * WINDOW_PART))
        first = statistics.median(self.megabytes[:size])
        last = statistics.median(self.megabytes[-size:])
        return (last / first - 1) * 100


def write_config(folder: Path, pair_count: int) -> Path:
    """The first `pair_count` listed pairs, with the shipped configuration's figures."""
    symbols = list(LISTINGS)[:pair_count]
    if len(symbols) < pair_count:
        raise SystemExit(f"expected at most {len(symbols)} pairs, was {pair_count}")
    pairs = [
        {
            "base_currency": LISTINGS[symbol].market.base,
            "quote_currency": LISTINGS[symbol].market.quote,
            "order_life_time": 5,
            "deal_quota": 100,
            "profit_markup": 1.0,
            "deal_count": 3,
        }
        for symbol in symbols
    ]
    path = folder / "config.json"
    path.write_text(json.dumps({"currency_pairs": pairs}))
    return path


def soak(pair_count: int, speed: float, warm_up_minutes: float, minutes: float) -> Soak:
    """Let the bot trade and look at it every few seconds, from the end of the warm-up on."""
    with tempfile.TemporaryDirectory(prefix="autotrade-memory-") as name:
        folder = Path(name)
        seconds = (warm_up_minutes + minutes) * 60
        # the time of starting the exchange is not the bot's
        words = ["trade", "--for", f"{seconds + 5:.0f}s", "--speed", f"{speed:g}", "--json"]
        words += ["--data-dir", str(folder / "data")]
        words += ["--config", str(write_config(folder, pair_count))]
        with (folder / "log.txt").open("w") as log:
            bot = subprocess.Popen(
                [sys.executable, str(ROOT / "main.py"), *words],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            megabytes = _watch(bot, warm_up_minutes * 60, seconds)
            out, _ = bot.communicate(timeout=120)
        if bot.returncode != 0:
            raise SystemExit(
                f"the bot ended with {bot.returncode}: {(folder / 'log.txt').read_text()}"
            )
        return Soak(megabytes, minutes, json.loads(out))


def _watch(bot: subprocess.Popen[str], from_seconds: float, until_seconds: float) -> list[float]:
    started = time.monotonic()
    found = []
    while (passed := time.monotonic() - started) < until_seconds and bot.poll() is None:
        time.sleep(SAMPLE_SECONDS)
        if passed >= from_seconds and (size := resident_bytes(bot.pid)):
            found.append(size / MEGABYTE)
    return found


def measure(arguments: argparse.Namespace) -> list[Row]:
    rows = []
    for pair_count in arguments.pairs:
        speed = arguments.speed if pair_count <= 3 else min(arguments.speed, arguments.many_speed)
        found = soak(pair_count, speed, arguments.warm_up, arguments.minutes)
        name = f"resident memory of the bot, {pair_count} pairs at speed {speed:g}"
        limit = LIMITS_MB.get(pair_count)
        targets = (Target("max", limit),) if limit is not None else ()
        deals = found.summary["deals"]
        note = f"{found.minutes:g} minutes after {arguments.warm_up:g} of warm-up; deals {deals}"
        rows.append(row(name, "MB", found.megabytes, *targets, note=note))
        if found.minutes >= GROWTH_MINUTES_MIN:
            what = f"growth of that memory over {found.minutes:g} minutes, {pair_count} pairs"
            growth = round(found.growth_percent, 2)
            rows.append(row(what, "%", [growth], Target("max", GROWTH_PERCENT_MAX)))
    return rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pairs", type=int, nargs="+", default=[3, 20])
    parser.add_argument("--minutes", type=float, default=2.0, help="watched, after the warm-up")
    parser.add_argument("--warm-up", type=float, default=1.0, metavar="MINUTES")
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--many-speed", type=float, default=30.0, help="with more than 3 pairs")


if __name__ == "__main__":
    sys.exit(run_program("memory", measure, add_arguments))
