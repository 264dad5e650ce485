"""A year of one-minute candles through the live bot: the whole process, and the run inside it.

    python benchmarks/backtest.py

The candles are the modelled market's, made once and kept (in a temporary folder, or --folder). Each
sample is a fresh process of `python main.py backtest --json` with settings that give some 2,500
deals; its wall time is from start to exit, its processor time that of the process, and the run's
own figures are those it prints.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from measure import ROOT, Row, Target, row, run_program

DAYS = 365
PAIR = "BTC/USDT"
SETTINGS = (
    "strategy.macd_fast=48",
    "strategy.macd_slow=104",
    "strategy.macd_signal=36",
)
"""A slower cross than the default one, which on this market would deal four times as often."""


def prepare(folder: Path) -> None:
    if (folder / "candles").exists():
        return
    command = ["candles", "download", "--pair", PAIR, "--days", str(DAYS)]
    subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *command, "--data-dir", str(folder)],
        check=True,
        capture_output=True,
    )


def backtest(folder: Path) -> tuple[float, float, dict[str, Any]]:
    """(seconds, processor seconds, what it printed)."""
    words = ["backtest", "--pair", PAIR, "--json", "--data-dir", str(folder)]
    for setting in SETTINGS:
        words += ["--set", setting]
    before, started = os.times(), perf_counter()
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *words], check=True, capture_output=True
    )
    seconds, after = perf_counter() - started, os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return seconds, used, json.loads(done.stdout)


def measure(arguments: argparse.Namespace) -> list[Row]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        prepare(folder)
        samples = [backtest(folder) for _ in range(arguments.runs)]
    results = [result for _, _, result in samples]
    hashes = sorted({result["journal_sha256"] for result in results})
    if len(hashes) != 1:
        raise SystemExit(f"expected one journal from all processes, was {hashes}")
    facts = results[0]
    note = (
        f"{facts['candles']} candles, {facts['skipped_candles']} skipped, {facts['deals']} deals, "
        f"{facts['journal_rows']} journal rows; processor seconds "
        + ", ".join(f"{used:.2f}" for _, used, _ in samples)
    )
    return [
        row(
            "backtest of a year, whole process",
            "s",
            [seconds for seconds, _, _ in samples],
            Target("p50", 2.5),
            note=note,
        ),
        row(
            "the run itself",
            "candles/s",
            [float(result["candles_per_second"]) for result in results],
            Target("p50", 500_000, at_least=True),
        ),
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="processes (3)")
    parser.add_argument("--folder", type=Path, help="keep the candles here")


if __name__ == "__main__":
    raise SystemExit(run_program("backtest", measure, add_arguments))
