"""What is skipped leaves no trace: the journals are the same to the last byte."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autotrade.domain.events import Event
from autotrade.domain.services.indicators.cached_indicator_service import CachedIndicatorService
from autotrade.domain.settings import DomainSettings, StrategySettings
from autotrade.domain.strategies.registry import create
from autotrade.infrastructure.backtest.book_model import BookModel
from autotrade.infrastructure.backtest.columns import IndicatorColumns
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.runner import Backtest
from autotrade.infrastructure.backtest.settings import BacktestSettings
from tests.backtest_markets import (
    random_assumptions,
    random_series,
    random_settings,
    run_over,
    series_of,
)

EXAMPLES = int(os.environ.get("AUTOTRADE_BACKTEST_EXAMPLES", "40"))
PAIRS = ["ETH/USDT", "BTC/USDT", "XYZ/USDT"]


@given(seed=st.integers(0, 10**9))
@example(seed=122)  # a target filled by a leap over a candle that was skipped
@example(seed=359)  # a rest that is protected anew by the price of a point that was skipped
@example(seed=2099)  # an order that waits behind a gap, with questions after it
@example(seed=101_137_327)  # a question about a pair whose candles have ended
@settings(max_examples=EXAMPLES, deadline=None)
def test_skipping_changes_no_byte_on_random_markets(seed: int) -> None:
    rng = random.Random(seed)
    assumptions, chosen = random_assumptions(rng), random_settings(rng)
    symbols = rng.sample(PAIRS, rng.randint(1, 3))
    series = [random_series(rng, rng.randint(200, 500), symbol) for symbol in symbols]
    markup = rng.choice(["0.4", "0.9", "2"])
    _, skipped = run_over(series, chosen, assumptions, markup=markup)
    _, looked = run_over(series, chosen, assumptions, markup=markup, is_skipping=False)
    assert skipped.journal_sha256 == looked.journal_sha256
    assert looked.visited == looked.candles


def test_time_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer that nobody needed before begins when it is needed, not where it was forgotten."""
    times: list[int] = []
    take = Backtest._take

    def listening(backtest: Backtest, event: Event) -> None:
        times.append(event.ts)
        take(backtest, event)

    monkeypatch.setattr(Backtest, "_take", listening)
    events = 0
    for seed in range(30):
        rng = random.Random(seed)
        assumptions, chosen = random_assumptions(rng), random_settings(rng)
        run_over([random_series(rng, 300)], chosen, assumptions)
        assert times == sorted(times), f"seed {seed}"
        events += len(times)
        times.clear()
    assert events > 3_000


def test_most_of_a_quiet_market_is_skipped_and_it_still_deals() -> None:
    series = random_series(random.Random(5), 4_000)
    chosen = DomainSettings()
    backtest, run = run_over([series], chosen)
    assert run.visited < run.candles / 2
    assert backtest.state.totals.decisions > 0


def test_a_pair_is_not_looked_at_for_the_deals_of_another() -> None:
    busy = random_series(random.Random(5), 2_000, PAIRS[0])
    falling = 100.0 - 0.01 * np.arange(len(busy))
    calm = series_of(np.column_stack([busy.open_ts, *[falling] * 5]).tolist(), PAIRS[1])
    _, alone = run_over([busy], DomainSettings())
    _, both = run_over([busy, calm], DomainSettings())
    assert alone.visited > 0
    assert both.visited == alone.visited


@given(seed=st.integers(0, 10**9))
@settings(max_examples=30, deadline=None)
def test_the_scan_misses_no_signal(seed: int) -> None:
    rng = random.Random(seed)
    strategy = random_settings(rng).strategy
    market = PairMarket(random_series(rng, 400), BookModel.of(BacktestSettings()))
    mask = create(strategy).scan(IndicatorColumns(market.series, strategy))
    assert mask is not None
    service, asked = CachedIndicatorService(strategy), create(strategy)
    spoken = []
    for index in range(len(market)):
        candle = market.candle(index)
        values = service.update(market.symbol, "1m", candle)
        if asked.on_candle(market.symbol, candle.open_ts + 60_000, candle, values) is not None:
            spoken.append(index)
    assert not set(spoken) - set(np.flatnonzero(mask).tolist())


@pytest.mark.parametrize("name", ["volatility_breakout"])
def test_a_strategy_that_needs_every_candle_skips_only_the_market(name: str) -> None:
    series = random_series(random.Random(3), 3_000)
    chosen = DomainSettings(
        strategy=StrategySettings(name=name, parameters=(("session_candles", 60),))
    )
    _, skipped = run_over([series], chosen, warm_up=200)
    _, looked = run_over([series], chosen, warm_up=200, is_skipping=False)
    assert skipped.journal_sha256 == looked.journal_sha256
    assert skipped.visited < looked.visited


def test_the_same_backtest_twice_is_the_same_bytes() -> None:
    series = [random_series(random.Random(8), 600, symbol) for symbol in PAIRS[:2]]
    chosen = random_settings(random.Random(8))
    assert run_over(series, chosen)[1] == run_over(series, chosen)[1]
