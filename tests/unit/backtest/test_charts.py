"""What is drawn keeps what matters, and other markets are markets."""

from __future__ import annotations

import random
from decimal import Decimal as D

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.backtest.charts import months, thinned
from autotrade.infrastructure.backtest.rearranged import rearranged, rearranged_runs
from autotrade.infrastructure.backtest.runner import ClosedDeal
from autotrade.infrastructure.market_history import check
from autotrade.infrastructure.market_history.series import PRICE_COLUMNS
from autotrade.infrastructure.statistics import monte_carlo_candles
from tests.backtest_markets import random_series, random_settings, run_over

HOUR_MS = 3_600_000
NEW_YEAR_MS = 1_704_067_200_000


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=300), st.integers(4, 60))
def test_no_peak_and_no_trough_is_lost(values: list[float], count_max: int) -> None:
    kept = thinned(np.array(values), count_max)
    assert kept == sorted(set(kept)) and len(kept) <= max(count_max, 4)
    assert kept[0] == 0 and kept[-1] == len(values) - 1
    shown = [values[at] for at in kept]
    assert max(shown) == max(values) and min(shown) == min(values)


def deal(closed_ts: int, net: str) -> ClosedDeal:
    return ClosedDeal(1, "BTC/USDT", closed_ts - 1, closed_ts, D(100), D(net), D("0.2"), "target")


def test_months_join_to_the_whole_and_a_month_owns_its_end() -> None:
    start = NEW_YEAR_MS - 2 * HOUR_MS
    times = start + HOUR_MS * np.arange(5, dtype=np.int64)  # 22:00, 23:00, midnight, 1:00, 2:00
    worth = np.array([100.0, 110.0, 121.0, 60.5, 121.0])
    held = np.array([100.0, 100.0, 200.0, 200.0, 100.0])
    deals = [deal(NEW_YEAR_MS, "3"), deal(NEW_YEAR_MS + 1, "-2"), deal(NEW_YEAR_MS + 9, "-1")]
    december, january = months(times, worth, held, deals)
    assert (december["month"], january["month"]) == ("2023-12", "2024-01")
    assert december["return"] == pytest.approx(0.21) and january["return"] == 0.0
    assert (december["held"], january["held"]) == (1.0, -0.5)
    assert (december["deals"], december["net"]) == (1, 3.0)
    assert (january["deals"], january["net"]) == (2, -3.0)


def test_a_rearranged_market_is_a_sound_one_with_the_same_candles() -> None:
    series = random_series(random.Random(3), 600)
    path = next(
        monte_carlo_candles(*(getattr(series, name) for name in PRICE_COLUMNS), block=30, seed=1)
    )
    other = rearranged(series, path)
    assert not check(other).faults()
    assert np.array_equal(other.open_ts, series.open_ts)
    units = other.units("close")
    assert np.array_equal(units / 10.0**other.price_decimals, other.close)
    assert np.array_equal(other.volume, series.volume[path.source])
    assert not np.array_equal(other.close, series.close)


def test_other_markets_are_counted_against_the_real_one() -> None:
    backtest, run = run_over([random_series(random.Random(4), 400)], random_settings(
        random.Random(4)))  # fmt: skip
    net = sum(one.pnl_net for one in run.deals)
    observed = {"pnl_net": net, "statistics": {"total_return": 0.0, "max_drawdown": 0.0}}
    said: list[str] = []
    found = rearranged_runs(backtest._plan, observed, paths=3, seed=7, say=said.append, block=40)
    again = rearranged_runs(backtest._plan, observed, paths=3, seed=7, say=said.append, block=40)
    assert found == again and said[2] == "rearranged markets: 3 of 3"
    quantiles = list(found["net_quantiles"].values())
    assert quantiles == sorted(quantiles) and quantiles[0] < quantiles[-1]
    lucky = {**observed, "pnl_net": D(10**6)}
    hopeless = {**observed, "pnl_net": D(-(10**6))}
    plan = backtest._plan
    assert rearranged_runs(plan, lucky, paths=2, seed=7, say=said.append)["as_good"] == 0
    assert rearranged_runs(plan, hopeless, paths=2, seed=7, say=said.append)["as_good"] == 2
