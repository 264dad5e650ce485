"""From the closed candle that leaves the exchange to the BUY that arrives there: the whole bot.

    python benchmarks/wire.py

Two processes, as a user has them: the embedded exchange (with a market that makes a signal every
few candles, see `wire_exchange.py`) and `main.py trade` attached to it. Between the two moments lie
the exchange's outbox, TLS on loopback, ccxt.pro, the loop, the engine, the journal with its fsync,
the signature, and the request. Both moments are read in the exchange, on one monotonic clock.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import ROOT, Row, Target, row, run_program
from wire_exchange import ANNOUNCE_FILE, PATHS, SAMPLES_FILE, WAVE_CANDLES

SAMPLES_MIN = 100
START_SECONDS = 8.0
STOP_SECONDS_MAX = 60.0
SPARE = 1.1
"""Now and then a signal is refused because its pair has five deals open already."""
WARM_UP = 5
"""Samples thrown away: the first order opens the connection and fills caches."""


def config() -> dict[str, object]:
    """The shipped pairs; limits wide open, so that every signal becomes a deal."""
    return {
        "currency_pairs": [
            {
                "base_currency": path.market.base,
                "quote_currency": path.market.quote,
                "order_life_time": 5,
                "deal_quota": 100,
                "profit_markup": 0.75,
                "deal_count": 5,
            }
            for path in PATHS
        ],
        "trading": {"max_open_deals": 1000},
        "signal_cooldown": {
            "after_signal_seconds": 0,
            "after_loss_seconds": 0,
            "min_entry_distance_percent": 0,
        },
    }


@contextmanager
def exchange(folder: Path, speed: float) -> Iterator[Path]:
    """The benchmark's exchange; yields its announce file. It ends with its stdin."""
    folder.mkdir()
    program = str(Path(__file__).with_name("wire_exchange.py"))
    child = subprocess.Popen(
        [sys.executable, program, "--data-dir", str(folder), "--speed", f"{speed:g}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    try:
        if not child.stdout.readline():
            raise SystemExit("the exchange did not start; what it said stands above")
        yield folder / ANNOUNCE_FILE
    finally:
        child.communicate(timeout=STOP_SECONDS_MAX)


def trade(folder: Path, announce: Path, seconds: float, speed: float) -> dict[str, object]:
    """Let the bot trade there; its summary."""
    settings = folder / "config.json"
    settings.write_text(json.dumps(config()), encoding="utf-8")
    words = ["trade", "--attach", str(announce), "--speed", f"{speed:g}", "--json"]
    words += ["--for", f"{seconds:.0f}s", "--config", str(settings)]
    words += ["--data-dir", str(folder / "data")]
    with (folder / "log.txt").open("w") as log:
        done = subprocess.run(
            [sys.executable, str(ROOT / "main.py"), *words],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise SystemExit(
            f"the bot ended with {done.returncode}: {(folder / 'log.txt').read_text()}"
        )
    summary: dict[str, object] = json.loads(done.stdout)
    return summary


def measure(arguments: argparse.Namespace) -> list[Row]:
    a_second = len(PATHS) * arguments.speed / 60 / WAVE_CANDLES
    seconds = SPARE * (arguments.samples + WARM_UP) / a_second + START_SECONDS
    with tempfile.TemporaryDirectory(prefix="autotrade-wire-") as name:
        folder = Path(name)
        with exchange(folder / "exchange", arguments.speed) as announce:
            summary = trade(folder, announce, seconds, arguments.speed)
        lines = (folder / "exchange" / SAMPLES_FILE).read_text().splitlines()
    milliseconds = [json.loads(line)["ns"] / 1e6 for line in lines][WARM_UP:]
    if len(milliseconds) < min(SAMPLES_MIN, arguments.samples):
        raise SystemExit(
            f"expected {arguments.samples} samples, was {len(milliseconds)}: {summary}"
        )
    note = f"deals {summary['deals']}, in the bot {summary['latency_us']} us"
    return [
        row(
            "exchange sends the closed candle -> the BUY arrives (loopback TLS, fsync included)",
            "ms",
            milliseconds,
            Target("p50", 8),
            Target("p99", 30),
            note=note,
        )
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--samples", type=int, default=120)
    parser.add_argument("--speed", type=float, default=60.0)


if __name__ == "__main__":
    sys.exit(run_program("wire", measure, add_arguments))
