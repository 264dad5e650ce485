"""The sweep's kernel in combination-candles a second, beside a bare compiled MACD loop.

    python benchmarks/sweep.py [--folder DIR]

A year of the modelled market's one-minute candles and 200 parameter sets: 10 MACDs x 4 markups x 5
stops, with deals, fees, book, monitors, sums and the daily worth of each set. The bare loop has
none of that: three averages, a crossing, a target and a stop in floats, one set after the other on
as many threads, measured in the same run, before and after the kernel.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

from measure import ROOT, Row, Target, row, run_program

DAYS = 365
PAIR = "BTC/USDT"
SLOWER = 4
"""As in benchmarks/backtest.py: periods this many times the usual ones give some 2,500 deals."""
MACDS = tuple((fast * SLOWER, 26 * SLOWER, 9 * SLOWER) for fast in range(8, 18))
MARKUPS = ("1.0", "1.5", "2.0", "2.5")
STOPS = ("2.2", "2.6", "3.0", "3.5", "4.0")
CANDLES_MIN, SHARE_MIN = 300e6, 0.45


def load(folder: Path) -> Any:
    from autotrade.infrastructure.market_history import CandleStore

    if not (folder / "candles").exists():
        command = ["candles", "download", "--pair", PAIR, "--days", str(DAYS)]
        subprocess.run(
            [sys.executable, str(ROOT / "main.py"), *command, "--data-dir", str(folder)],
            check=True,
            capture_output=True,
        )
    return CandleStore(folder / "candles").load("modelled", PAIR, "1m")


def sets() -> list[Any]:
    from dataclasses import replace
    from decimal import Decimal

    from autotrade.domain.entities.currency_pair import CurrencyPair
    from autotrade.domain.settings import DomainSettings
    from autotrade.infrastructure.backtest.kernel_rules import Combination

    base, found = DomainSettings(), []
    for fast, slow, signal in MACDS:
        strategy = replace(base.strategy, macd_fast=fast, macd_slow=slow, macd_signal=signal)
        for markup in MARKUPS:
            for stop in STOPS:
                loss = replace(base.stop_loss_monitor, exchange_stop_percent=Decimal(stop))
                pair = CurrencyPair("BTC", "USDT", 1, Decimal(15), Decimal(markup), 3)
                settings = replace(base, strategy=strategy, stop_loss_monitor=loss)
                found.append(Combination(settings, pair))
    return found


def bare_loop() -> Any:
    import numba

    @numba.njit(nogil=True, cache=False)
    def bare(closes, periods, target, stop):  # type: ignore[no-untyped-def]
        fast, slow, signal = periods
        fast_factor, slow_factor = 2.0 / (fast + 1), 2.0 / (slow + 1)
        signal_factor = 2.0 / (signal + 1)
        quick = late = closes[0]
        line = before = profit = entry = 0.0
        deals = 0
        for close in closes:
            quick += (close - quick) * fast_factor
            late += (close - late) * slow_factor
            macd = quick - late
            line += (macd - line) * signal_factor
            now = macd - line
            if entry > 0.0:
                if close >= entry * target or close <= entry * stop:
                    profit += close - entry
                    entry = 0.0
                    deals += 1
            elif before <= 0.0 < now:
                entry = close
            before = now
        return profit, deals

    return bare


def measure(arguments: argparse.Namespace) -> list[Row]:
    import numpy as np

    from autotrade.infrastructure.backtest.book_model import BookModel
    from autotrade.infrastructure.backtest.kernel import Kernel
    from autotrade.infrastructure.backtest.pair_market import PairMarket
    from autotrade.infrastructure.backtest.settings import BacktestSettings

    with tempfile.TemporaryDirectory() as temporary:
        series = load(arguments.folder or Path(temporary))
    assumptions = BacktestSettings()
    market = PairMarket(series, BookModel.of(assumptions))
    combinations, workers = sets(), os.cpu_count() or 1
    closes, bare = np.array(series.close), bare_loop()
    bare(closes, MACDS[0], 1.015, 0.97)

    def run_bare() -> float:
        started = perf_counter()
        with ThreadPoolExecutor(workers) as threads:
            jobs = [
                threads.submit(bare, closes, macd, 1 + float(markup) / 100, 1 - float(stop) / 100)
                for macd in MACDS
                for markup in MARKUPS
                for stop in STOPS
            ]
            for job in jobs:
                job.result()
        return len(combinations) * len(closes) / (perf_counter() - started)

    def kernel_of() -> Kernel:
        return Kernel(market, assumptions, int(series.open_ts[2_000]))

    started = perf_counter()
    kernel_of().run(combinations[:1])
    ready_seconds = perf_counter() - started
    speeds, bares, shares, deals, left = [], [], [], 0, 0
    for _ in range(arguments.runs):
        first = run_bare()
        started = perf_counter()
        kernel = kernel_of()
        results = kernel.run(combinations)
        speeds.append(len(combinations) * kernel.candles / (perf_counter() - started))
        bares.append((first + run_bare()) / 2)
        shares.append(speeds[-1] / bares[-1])
        deals = sum(result.deals for result in results)
        left = sum(result.trouble is not None for result in results)
    note = (
        f"{len(combinations)} sets, {kernel.candles} candles, {deals} deals in all, {left} sets "
        f"left to the engine; compiled code ready after {ready_seconds:.1f} s"
    )
    return [
        row(
            "sweep kernel, all cores",
            "combination-candles/s",
            speeds,
            Target("p50", CANDLES_MIN, at_least=True),
            note=note,
        ),
        row("bare MACD loop, all cores", "combination-candles/s", bares),
        row(
            "kernel over bare loop",
            "share",
            shares,
            Target("p50", SHARE_MIN, at_least=True),
        ),
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="rounds (5)")
    parser.add_argument("--folder", type=Path, help="keep the candles here")


if __name__ == "__main__":
    raise SystemExit(run_program("sweep", measure, add_arguments))
