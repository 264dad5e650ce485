"""What the engine and the reference are run over: random markets and recorded ones."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path

import pyarrow.parquet as pq

from autotrade.domain.settings import StopLossMonitorSettings
from autotrade.infrastructure.market_history.decimals import decimal_places
from autotrade.infrastructure.market_history.series import CandleSeries
from tests.backtest_markets import (
    WARM_UP,
    random_assumptions,
    random_series,
    random_settings,
)
from tests.reference.comparison import Scenario

PRICES = ("open", "high", "low", "close")


def random_scenario(seed: int) -> Scenario:
    """Eager settings on a short market; now and then narrow levels, a poor account, or an amount
    that the market trades in parts."""
    rng = random.Random(seed)
    assumptions, settings = random_assumptions(rng), random_settings(rng)
    series = random_series(rng, rng.randint(250, 500))
    if rng.random() < 0.3:
        unit = D(rng.choice(["0.05", "0.1", "0.5"]))
        narrow = StopLossMonitorSettings(
            warning_percent=unit,
            orderbook_percent=2 * unit,
            emergency_percent=3 * unit,
            exchange_stop_percent=4 * unit,
        )
        settings = replace(settings, stop_loss_monitor=narrow)
    settings = replace(
        settings,
        buy_order_monitor=replace(
            settings.buy_order_monitor,
            max_recreations=rng.randint(0, 3),
            partial_fill_grace_seconds=rng.choice([0.0, 2.0, 45.0]),
        ),
    )
    quota = D(rng.choice([8, 15, 100, 1000]))
    if float(series.close[0]) < 1:
        quota = min(quota, D(100))  # more than a stop may sell at market is refused again and again
    return Scenario(
        series,
        int(series.open_ts[WARM_UP]),
        settings,
        replace(assumptions, balance=D(rng.choice([40, 10_000, 10_000, 10_000]))),
        deal_quota=quota,
        profit_markup=D(rng.choice(["0.4", "0.9", "2"])),
        deal_count=rng.randint(1, 5),
        order_life_time=rng.choice([1, 5]),
    )


def recorded_series(path: Path, first: int, count: int) -> CandleSeries:
    """Rows of a recorded file of klines, read from where it lies."""
    pair = path.name.split("_")[1]
    table = pq.read_table(path).slice(first, count)
    column = {name: table.column(name).to_numpy() for name in table.column_names}
    places = decimal_places(*[column[name] for name in PRICES])
    lots = decimal_places(column["volume"])
    assert places is not None and lots is not None, f"{path.name} holds exact decimals"
    return CandleSeries(
        column["open_time"],
        *[column[name] for name in (*PRICES, "volume")],
        symbol=f"{pair.removesuffix('USDT')}/USDT",
        timeframe="1m",
        exchange="binance",
        price_decimals=places,
        amount_decimals=lots,
    )
