"""Backtests through the live bot, as a user starts them: a year, ten pairs, ten years.

    python benchmarks/backtest.py
    python benchmarks/backtest.py --only year --runs 5

The candles are the modelled market's, made once and kept (in a temporary folder, or --folder). Each
sample is a fresh process of `python main.py backtest --json`; its wall time is from start to exit,
processor time and memory (the largest resident set) are the process's own, and the run's own
figures are those it prints. Byte code is kept beside the candles: the first process, which compiles
it, is no sample. The sweep's kernel has a program of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from measure import ROOT, Row, Target, row, run_program

DAYS = 365
YEARS = 10
PAIR = "BTC/USDT"
OTHERS = ("ETH", "SOL", "BNB", "XRP", "DOGE", "ADA", "TRX", "LINK", "AVAX")
TEN_PAIRS = (PAIR, *(f"{base}/USDT" for base in OTHERS))
SETTINGS = (
    "strategy.macd_fast=48",
    "strategy.macd_slow=104",
    "strategy.macd_signal=36",
)
"""A slower cross than the default one, which on this market would deal four times as often."""
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One process."""

    seconds: float
    processor_seconds: float
    memory_mib: float
    result: dict[str, Any]


def run(folder: Path, *words: str) -> Sample:
    """One process of AutoTrade over this data folder."""
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "byte_code")
    command = [sys.executable, str(ROOT / "main.py"), *words, "--data-dir", str(folder)]
    started = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = perf_counter() - started
    if process.returncode:
        raise SystemExit(f"expected {' '.join(words)} to end with 0, was {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Sample(
        seconds,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss * unit / MIB,
        json.loads(printed) if "--json" in words else {},
    )


def prepare(folder: Path, pairs: tuple[str, ...], days: int) -> None:
    """Make the candles that are not there yet."""
    for pair in pairs:
        if not (folder / f"{pair.replace('/', '')}.made").exists():
            run(folder, "candles", "download", "--pair", pair, "--days", str(days))
            (folder / f"{pair.replace('/', '')}.made").touch()


def backtests(folder: Path, pairs: tuple[str, ...], runs: int) -> list[Sample]:
    words = ["backtest", "--json"]
    for pair in pairs:
        words += ["--pair", pair]
    for setting in SETTINGS:
        words += ["--set", setting]
    samples = [run(folder, *words) for _ in range(runs)]
    hashes = sorted({sample.result["journal_sha256"] for sample in samples})
    if len(hashes) != 1:
        raise SystemExit(f"expected one journal from all processes, was {hashes}")
    return samples


def note_of(samples: list[Sample]) -> str:
    facts = samples[0].result
    return (
        f"{facts['candles']} candles, {facts['skipped_candles']} skipped, {facts['deals']} deals, "
        f"{facts['journal_rows']} journal rows; processor seconds "
        + ", ".join(f"{sample.processor_seconds:.2f}" for sample in samples)
    )


def rows_of(
    what: str, samples: list[Sample], seconds_max: float | None, *memory: Target
) -> list[Row]:
    seconds = () if seconds_max is None else (Target("p50", seconds_max),)
    return [
        row(
            f"backtest of {what}, whole process",
            "s",
            [sample.seconds for sample in samples],
            *seconds,
            note=note_of(samples),
        ),
        row(
            f"memory of the backtest of {what}",
            "MiB",
            [sample.memory_mib for sample in samples],
            *memory,
        ),
    ]


def measure_year(folder: Path, runs: int) -> list[Row]:
    prepare(folder, (PAIR,), DAYS)
    samples = backtests(folder, (PAIR,), runs)
    speed = row(
        "the run itself",
        "candles/s",
        [float(sample.result["candles_per_second"]) for sample in samples],
        Target("p50", 500_000, at_least=True),
    )
    return [*rows_of("a year", samples, 2.5, Target("max", 300)), speed]


def measure_pairs(folder: Path, runs: int) -> list[Row]:
    prepare(folder, TEN_PAIRS, DAYS)
    samples = backtests(folder, TEN_PAIRS, runs)
    return rows_of("ten pairs, a year each", samples, 15, Target("max", 600))


def measure_decade(folder: Path, runs: int) -> list[Row]:
    """Ten years, and how many times the memory of one year they need."""
    prepare(folder, (PAIR,), DAYS * YEARS)
    samples = backtests(folder, (PAIR,), runs)
    one_year = run(
        folder, "backtest", "--json", "--pair", PAIR, "--to", "2025-01-01",
        *(word for setting in SETTINGS for word in ("--set", setting)),
    )  # fmt: skip
    times = [sample.memory_mib / one_year.memory_mib for sample in samples]
    return [
        *rows_of("ten years", samples, None),
        row("memory of ten years by that of one", "times", times, Target("max", YEARS)),
    ]


MEASURES = {"year": measure_year, "pairs": measure_pairs, "decade": measure_decade}


def measure(arguments: argparse.Namespace) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.folder or Path(temporary)
        for name in arguments.only:
            folder = root / name
            folder.mkdir(parents=True, exist_ok=True)
            rows += MEASURES[name](folder, arguments.runs if name == "year" else 1)
    return rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="processes of a year (3)")
    parser.add_argument("--folder", type=Path, help="keep the candles here")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES))


if __name__ == "__main__":
    raise SystemExit(run_program("backtest", measure, add_arguments))
