"""Whole recorded pair-months through the backtest and through a reference that shares no line.

    AUTOTRADE_RECORDINGS=DIR python benchmarks/trials/reference_trial.py [PAIR ...] [--json]

Each month is 43,200 one-minute candles behind 500 of history, with the default settings of
macd_orderbook, and once more with a larger quota, another markup and wider stops. Compared are all
signals with every check that refused them, all fills, all deals with their net result, the dust and
the balances at the end, to the last unit. Exit 0 when nothing differs, 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / name) for name in ("", "src")]

from tests.reference.comparison import (  # noqa: E402
    Scenario,
    by_the_engine,
    by_the_reference,
    differences,
)
from tests.reference.scenarios import recorded_series  # noqa: E402

from autotrade.domain.settings import DomainSettings, StopLossMonitorSettings  # noqa: E402
from autotrade.infrastructure.market_history.series import CandleSeries  # noqa: E402

HISTORY, MONTH = 500, 43_200
MONTHS = {
    "BTC": ("binance_BTCUSDT_1m_20220101_20230930.parquet", 525_600, "2023-01"),
    "ETH": ("binance_ETHUSDT_1m_20220101_20230930.parquet", 217_440, "2022-06"),
    "SOL": ("binance_SOLUSDT_1m_20220101_20230930.parquet", 437_760, "2022-11"),
    "IOTA": ("binance_IOTAUSDT_1m_20210420_20210520.parquet", HISTORY, "2021-04/05"),
    "BTT": ("binance_BTTUSDT_1m_20210420_20210520.parquet", HISTORY, "2021-04/05"),
}
"""File, number of the first tested candle, what month that is."""
WIDER = DomainSettings(
    stop_loss_monitor=StopLossMonitorSettings(
        warning_percent=Decimal(1),
        orderbook_percent=Decimal(2),
        emergency_percent=Decimal(3),
        exchange_stop_percent=Decimal(4),
    )
)


def scenarios(series: CandleSeries) -> dict[str, Scenario]:
    start_ts = int(series.open_ts[HISTORY])
    return {
        "default": Scenario(series, start_ts),
        "quota 1000, markup 2.5, wider stops": Scenario(
            series, start_ts, WIDER, deal_quota=Decimal(1000), profit_markup=Decimal("2.5")
        ),
    }


def compare(scenario: Scenario) -> dict[str, Any]:
    started = process_time()
    engine = by_the_engine(scenario)
    between = process_time()
    plain = by_the_reference(scenario)
    ended = process_time()
    return {
        "candles": int((scenario.series.open_ts >= scenario.start_ts).sum()),
        "signals": len(engine.signals),
        "approved": sum(not signal.refused_by for signal in engine.signals),
        "fills": len(engine.fills),
        "deals": len(engine.ends),
        "deals_open": engine.open_deals,
        "pnl_net": str(sum((end.net for end in engine.ends), Decimal(0))),
        "fees": str(sum((end.fees for end in engine.ends), Decimal(0))),
        "engine_processor_seconds": round(between - started, 1),
        "reference_processor_seconds": round(ended - between, 1),
        "differences": differences(engine, plain),
    }


def main() -> int:
    options = _options()
    recordings = os.environ.get("AUTOTRADE_RECORDINGS")
    if not recordings:
        sys.stderr.write("expected AUTOTRADE_RECORDINGS to name a folder, was not set\n")
        return 2
    report: dict[str, Any] = {}
    for pair in options.pair or MONTHS:
        name, first, month = MONTHS[pair]
        path = Path(recordings) / "klines" / name
        series = recorded_series(path, first - HISTORY, HISTORY + MONTH)
        for settings, scenario in scenarios(series).items():
            entry = f"{series.symbol} {month}, {settings}"
            report[entry] = compare(scenario)
            sys.stderr.write(f"{entry}: {len(report[entry]['differences'])} differences\n")
    print(json.dumps(report, indent=None if options.json else 1))
    return 1 if any(entry["differences"] for entry in report.values()) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pair", nargs="*", choices=[*MONTHS, []], help="which of them (all)")
    parser.add_argument("--json", action="store_true", help="one line instead of many")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
