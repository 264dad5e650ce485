"""Markets for backtests: random ones with gaps, empty candles and leaps, and small drawn ones."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from decimal import Decimal as D

import numpy as np

from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.settings import (
    BuyOrderMonitorSettings,
    DomainSettings,
    OrderbookAnalyzerSettings,
    SignalCooldownSettings,
    StopLossMonitorSettings,
    StrategySettings,
    TradingSettings,
)
from autotrade.infrastructure.backtest.book_model import BookModel
from autotrade.infrastructure.backtest.journal_writer import JournalWriter
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.runner import Backtest, BacktestPlan, BacktestRun
from autotrade.infrastructure.backtest.settings import BacktestSettings
from autotrade.infrastructure.market_history.series import CandleSeries

START_TS = 1_700_000_040_000
MINUTE_MS = 60_000
WARM_UP = 120


def series_of(
    rows: Sequence[Sequence[float]], symbol: str = "ETH/USDT", places: int = 2
) -> CandleSeries:
    """Rows of open_ts, open, high, low, close, volume."""
    table = np.array(rows, dtype=np.float64)
    times = table[:, 0].astype(np.int64)
    return CandleSeries(times, *table[:, 1:].T, symbol, "1m", "drawn", places, 4)


def random_series(rng: random.Random, count: int, symbol: str = "ETH/USDT") -> CandleSeries:
    spread = rng.choice([0.0003, 0.001, 0.003, 0.01])
    price = rng.choice([2000.0, 30.0, 0.5, 60_000.0])
    places = 4 if price < 1 else 2
    least = 10**-places
    ts, rows = START_TS, []
    for number in range(count):
        leap = rng.gauss(0, spread) if rng.random() < 0.1 else 0.0
        opened = max(round(price * (1 + leap), places), 5 * least)
        wave = 0.2 * spread * math.sin(number / 9)
        closed = max(round(opened * (1 + rng.gauss(0, spread) + wave), places), 5 * least)
        if rng.random() < 0.01:
            closed = max(round(closed * (1 + rng.gauss(0, 5 * spread)), places), 5 * least)
        reach = abs(rng.gauss(0, spread * 0.7))
        high = max(opened, closed, round(max(opened, closed) * (1 + reach), places))
        low = min(opened, closed, max(least, round(min(opened, closed) * (1 - reach), places)))
        volume = 0.0 if rng.random() < 0.03 else round(abs(rng.gauss(0, 1)) * 20_000 / price, 4)
        if rng.random() < 0.05:
            volume = 0.0005
        rows.append((ts, opened, high, low, closed, volume))
        price = closed
        ts += MINUTE_MS * (rng.randint(2, 30) if rng.random() < 0.01 else 1)
    return series_of(rows, symbol, places)


def random_settings(rng: random.Random) -> DomainSettings:
    """Eager ones: many signals, few refusals, every monitor now and then."""
    return DomainSettings(
        strategy=StrategySettings(
            macd_fast=rng.randint(2, 6),
            macd_slow=rng.randint(7, 15),
            macd_signal=rng.randint(2, 9),
            sma_fast=rng.randint(1, 4),
            sma_slow=rng.randint(5, 20),
        ),
        orderbook_analyzer=OrderbookAnalyzerSettings(
            min_volume_threshold=D(rng.choice([0, 10, 1000])), max_spread_percent=D("0.5")
        ),
        trading=TradingSettings(
            min_net_profit_percent=D(0),
            orderbook_confidence_threshold=0.1,
            enable_orderbook_validation=rng.random() < 0.8,
        ),
        buy_order_monitor=BuyOrderMonitorSettings(
            max_age_minutes=D(rng.choice([1, 5])),
            check_interval_seconds=rng.choice([10.0, 300.0]),
        ),
        stop_loss_monitor=StopLossMonitorSettings(
            enabled=rng.random() < 0.8,
            limit_exit_first=rng.random() < 0.3,
            hold_seconds_max=rng.choice([0.0, 120.0]),
        ),
        signal_cooldown=SignalCooldownSettings(
            after_signal_seconds=0.0,
            after_loss_seconds=rng.choice([0.0, 600.0]),
            min_entry_distance_percent=D(0),
        ),
    )


def random_assumptions(rng: random.Random) -> BacktestSettings:
    return BacktestSettings(
        latency_ms=rng.choice([50, 250, 5000]),
        spread_bp=rng.choice([0, 2, 10, 40]),
        level_volume_percent=rng.choice([1, 5, 50]),
    )


def run_over(
    series: Sequence[CandleSeries],
    settings: DomainSettings,
    assumptions: BacktestSettings | None = None,
    *,
    is_skipping: bool = True,
    markup: str = "0.9",
    warm_up: int = WARM_UP,
    journal: JournalWriter | None = None,
) -> tuple[Backtest, BacktestRun]:
    assumptions = assumptions or BacktestSettings()
    model = BookModel.of(assumptions)
    markets = [PairMarket(one, model) for one in series]
    pairs = [
        CurrencyPair(
            base=market.market.base,
            quote=market.market.quote,
            order_life_time=5,
            deal_quota=D(100),
            profit_markup=D(markup),
            deal_count=3,
        )
        for market in markets
    ]
    start_ts = max(int(one.open_ts[warm_up]) for one in series)
    plan = BacktestPlan(settings, assumptions, pairs, markets, start_ts, is_skipping, "test")
    backtest = Backtest(plan, journal or JournalWriter())
    return backtest, backtest.run()
