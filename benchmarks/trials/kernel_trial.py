"""The sweep's kernel, compiled, against the engine: random parameter sets over recorded candles.

    AUTOTRADE_RECORDINGS=DIR python benchmarks/trials/kernel_trial.py [--sets 500] [--days 30]

Each set is drawn from a seed and run over a stretch of days of one of the recorded pairs, chosen
by the same seed, by the kernel and by the engine; every fill and every deal must be the same to the
last unit. Sets that the kernel leaves to the engine are counted with their reasons; others take
their place until so many were compared. Exit 1 at the first difference, which is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "src")]

from autotrade.domain.entities.currency_pair import CurrencyPair  # noqa: E402
from autotrade.domain.settings import DomainSettings  # noqa: E402
from autotrade.infrastructure.backtest.book_model import BookModel  # noqa: E402
from autotrade.infrastructure.backtest.kernel import Kernel  # noqa: E402
from autotrade.infrastructure.backtest.kernel_check import (  # noqa: E402
    engine_run,
    first_difference,
)
from autotrade.infrastructure.backtest.kernel_rules import Combination  # noqa: E402
from autotrade.infrastructure.backtest.pair_market import PairMarket  # noqa: E402
from autotrade.infrastructure.backtest.settings import BacktestSettings  # noqa: E402
from autotrade.infrastructure.market_history.importers.importing import (  # noqa: E402
    read_candle_file,
)

FILES = (
    "binance_BTCUSDT_1m_20220101_20230930.parquet",
    "binance_ETHUSDT_1m_20220101_20230930.parquet",
    "binance_SOLUSDT_1m_20220101_20230930.parquet",
    "binance_XRPUSDT_1m_20210420_20210520.parquet",
    "binance_ARBUSDT_1m_20230323_20230930.parquet",
    "binance_DOGEUSDT_1m_20210420_20210520.parquet",
)
DAY, WARM_UP = 1_440, 2_000
STRETCHES = 4
"""Of each pair; drawn sets share them, so that each is prepared once."""


def main() -> int:
    options = _options()
    recordings = os.environ.get("AUTOTRADE_RECORDINGS")
    if not recordings:
        sys.stderr.write("expected AUTOTRADE_RECORDINGS to name a folder, was not set\n")
        return 2
    rng = random.Random(options.seed)
    report: dict[str, Any] = {"seed": options.seed, "sets": 0, "deals": 0, "fills": 0}
    left: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    seconds = {"kernel": 0.0, "engine": 0.0}
    while report["sets"] < options.sets:
        kernel = _kernel(rng, Path(recordings), options.days)
        wanted = min(
            options.sets - report["sets"], max(1, options.sets // (len(FILES) * STRETCHES))
        )
        sets = [_combination(rng, kernel.market) for _ in range(wanted)]
        started = perf_counter()
        results = kernel.run(sets, keeps_deals=True)
        seconds["kernel"] += perf_counter() - started
        for result in results:
            if result.trouble is not None:
                left[result.trouble] += 1
                continue
            started = perf_counter()
            _, _, run = engine_run(kernel, result.combination)
            seconds["engine"] += perf_counter() - started
            difference = first_difference(kernel, result, run)
            if difference is not None:
                sys.stdout.write(f"{kernel.market.symbol} {result.combination}: {difference}\n")
                return 1
            report["sets"] += 1
            report["deals"] += result.deals
            report["fills"] += len(run.fills)
            pairs[kernel.market.symbol] += 1
        sys.stderr.write(
            f"{report['sets']} sets, {report['deals']} deals, left {sum(left.values())}\n"
        )
    report |= {"left_to_the_engine": dict(left), "pairs": dict(pairs), "differences": 0}
    report |= {f"{name}_seconds": round(value, 1) for name, value in seconds.items()}
    sys.stdout.write(json.dumps(report, indent=None if options.json else 1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=int, default=500, help="parameter sets to compare (500)")
    parser.add_argument("--days", type=int, default=30, help="of each stretch (30)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one line instead of many")
    return parser.parse_args()


_KNOWN: dict[str, Any] = {}


def _kernel(rng: random.Random, recordings: Path, days: int) -> Kernel:
    name = rng.choice(FILES)
    if name not in _KNOWN:
        (_KNOWN[name],) = read_candle_file(recordings / "klines" / name)
    series = _KNOWN[name]
    length = WARM_UP + days * DAY
    begin = rng.randint(0, max(0, len(series) - length))
    assumptions = BacktestSettings(
        latency_ms=rng.choice([100, 250, 1_000]), spread_bp=rng.choice([1, 2, 5])
    )
    part = series.rows(slice(begin, begin + length))
    return Kernel(
        PairMarket(part, BookModel.of(assumptions)), assumptions, int(part.open_ts[WARM_UP])
    )


def _combination(rng: random.Random, market: PairMarket) -> Combination:
    base = DomainSettings()
    fast = rng.randint(4, 60)
    sma = rng.randint(2, 30)
    warning = Decimal(rng.randint(2, 15)) / 10
    orderbook = warning + Decimal(rng.randint(1, 10)) / 10
    emergency = orderbook + Decimal(rng.randint(1, 15)) / 10
    settings = replace(
        base,
        strategy=replace(
            base.strategy,
            macd_fast=fast,
            macd_slow=fast + rng.randint(4, 120),
            macd_signal=rng.randint(2, 40),
            sma_fast=sma,
            sma_slow=sma + rng.randint(5, 80),
        ),
        stop_loss_monitor=replace(
            base.stop_loss_monitor,
            enabled=rng.random() < 0.9,
            warning_percent=warning,
            orderbook_percent=orderbook,
            emergency_percent=emergency,
            exchange_stop_percent=emergency + Decimal(rng.randint(1, 10)) / 10,
        ),
        signal_cooldown=replace(
            base.signal_cooldown,
            after_signal_seconds=rng.choice([0.0, 60.0, 1800.0]),
            after_loss_seconds=rng.choice([0.0, 600.0]),
            min_entry_distance_percent=Decimal(rng.choice(["0", "0.1", "0.5"])),
        ),
    )
    pair = CurrencyPair(
        base=market.market.base,
        quote=market.market.quote,
        order_life_time=rng.choice([1, 5]),
        deal_quota=Decimal(rng.choice(["15", "100", "1000"])),
        profit_markup=Decimal(rng.randint(8, 40)) / 10,
        deal_count=rng.randint(1, 5),
    )
    return Combination(settings, pair)


if __name__ == "__main__":
    sys.exit(main())
