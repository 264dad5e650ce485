"""All figures of a run together: by hand, at the edges, and the same whatever the currency."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.infrastructure.statistics import DealResult, Interval, Statistics, summarise
from autotrade.infrastructure.statistics.checks import DAY_MS
from autotrade.infrastructure.statistics.returns import sharpe_ratio
from autotrade.infrastructure.statistics.track_record import (
    deflated_sharpe_ratio,
    expected_max_sharpe,
    minimum_track_record_length,
)

from .samples import HOUR_MS, a_deal, curve_of, day_returns, days, deals_of

NO_TS = np.array([], dtype=np.int64)
MISSING_FIGURES = [f for f in dataclasses.fields(Statistics) if f.default is None]


def a_year(seed: int = 3) -> np.ndarray:
    return curve_of(np.random.default_rng(seed).normal(0.001, 0.01, 365))


def of_deals(deals: list[DealResult]) -> Statistics:
    return summarise(deals, days(3), [100.0, 101.0, 102.0], days(3), [1.0, 1.0, 1.0])


def test_deals_by_hand() -> None:
    deals = [*deals_of("3", "-1", "2", "-2"), a_deal("0", deal_id=5, exit_reason="stop")]
    found = of_deals(deals)
    assert (found.deals, found.net_profit, found.fees_paid) == (5, Decimal(2), Decimal("1.0"))
    assert found.gross_profit == Decimal("3.0")
    assert found.turnover == Decimal("1003.0")
    assert found.profit_factor == pytest.approx(5 / 3)
    assert found.expectancy == pytest.approx(0.4)
    assert found.win_rate == pytest.approx(0.4)
    assert (found.best_deal, found.worst_deal) == (3.0, -2.0)
    assert (found.best_deal_return, found.worst_deal_return) == pytest.approx((0.03, -0.02))
    assert found.average_deal_return == pytest.approx(0.004)
    assert found.median_deal_ms == HOUR_MS / 2
    assert found.average_deal_ms == pytest.approx((4 * HOUR_MS / 2 + HOUR_MS) / 5)
    assert found.break_even_fee_rate == pytest.approx(3 / 1003)
    assert found.deals_by_exit == {"stop": 1, "target": 4}
    assert found.exposure == pytest.approx(3 * HOUR_MS / (2 * DAY_MS))
    assert found.sqn == found.sqn_100 == pytest.approx(0.4 * 5**0.5 / math.sqrt(17.2 / 4))


def test_a_curve_by_hand() -> None:
    curve = np.full(366, 100.0)
    curve[100:200] = 80.0
    curve[200:] = 120.0
    found = summarise([], days(366), curve, days(366), np.linspace(10, 20, 366))
    assert found.total_return == pytest.approx(0.2)
    assert found.annual_return == pytest.approx(0.2)
    assert found.buy_and_hold_return == pytest.approx(1.0)
    assert found.max_drawdown == pytest.approx(0.2)
    assert found.max_drawdown_ms == found.longest_drawdown_ms == 101 * DAY_MS
    assert found.max_drawdown_recovered is True
    assert found.calmar == pytest.approx(1.0)
    assert found.exposure == 0.0
    assert (found.periods, found.periods_per_year, found.days) == (365, 365.0, 365.0)
    returns = np.zeros(365)
    returns[[99, 199]] = -0.2, 0.5
    assert found.sharpe == pytest.approx(sharpe_ratio(returns, 365))
    assert found.sortino == pytest.approx(returns.mean() * math.sqrt(365) / math.sqrt(0.04 / 365))


def test_a_curve_of_candles_gives_the_ratios_of_its_days() -> None:
    daily = a_year()
    ts = np.arange(0, 365 * 24 + 1, dtype=np.int64) * HOUR_MS
    hourly = daily[np.arange(ts.size) // 24]
    hourly[5] *= 0.5  # a fall within a day: the drawdown sees it, the days do not
    by_day = summarise([], days(366), daily, days(366), daily)
    by_hour = summarise([], ts, hourly, ts, hourly)
    assert by_hour.sharpe == pytest.approx(by_day.sharpe)
    assert by_hour.periods == 365
    assert by_hour.max_drawdown is not None
    assert by_hour.max_drawdown >= 0.5
    own = summarise([], ts, hourly, ts, hourly, periods_per_year=365 * 24)
    assert own.periods == ts.size - 1


def test_luck_is_counted_in_days() -> None:
    curve = a_year()
    known = [0.5, 1.0, -1.0, 2.0]
    found = summarise([], days(366), curve, days(366), curve, trials=20, trial_sharpes=known)
    returns = np.diff(curve) / curve[:-1]
    assert found.skewness is not None
    assert found.kurtosis is not None
    assert found.sharpe is not None
    variance = float(np.var(known, ddof=1)) / 365
    per_day = found.sharpe / math.sqrt(365)
    assert per_day == pytest.approx(sharpe_ratio(returns))
    assert found.expected_max_sharpe == pytest.approx(
        expected_max_sharpe(20, variance) * math.sqrt(365)
    )
    assert found.deflated_sharpe == pytest.approx(
        deflated_sharpe_ratio(
            per_day, 365, found.skewness, found.kurtosis, trials=20, trial_variance=variance
        )
    )
    assert found.minimum_track_record_days == pytest.approx(
        minimum_track_record_length(per_day, found.skewness, found.kurtosis)
    )


def test_the_track_record_of_a_weekly_curve_is_in_days() -> None:
    curve = a_year()
    ts = days(366) * 7
    found = summarise([], ts, curve, ts, curve, periods_per_year=365 / 7)
    by_day = summarise([], days(366), curve, days(366), curve)
    assert found.minimum_track_record_days is not None
    assert by_day.minimum_track_record_days is not None
    assert found.minimum_track_record_days == pytest.approx(7 * by_day.minimum_track_record_days)


def test_periods_a_year_are_those_the_curve_has() -> None:
    ts = [0, DAY_MS, DAY_MS + DAY_MS // 2]
    found = summarise([], ts, [1.0, 2.0, 3.0], ts, [1.0, 1.0, 1.0])
    assert (found.periods, found.periods_per_year) == (2, pytest.approx(365 * 2 / 1.5))


def test_more_trials_deflate_more() -> None:
    curve = a_year()
    deflated = [
        summarise([], days(366), curve, days(366), curve, trials=count).deflated_sharpe
        for count in (1, 10, 1000)
    ]
    assert deflated == sorted(deflated, reverse=True)  # type: ignore[type-var]
    assert deflated[0] > deflated[2]  # type: ignore[operator]


def check_every_missing_figure_has_its_reason(found: Statistics) -> None:
    for item in MISSING_FIGURES:
        is_missing = getattr(found, item.name) is None
        assert is_missing == (item.name in found.undefined), item.name
    assert all(found.undefined.values())


def test_no_deals() -> None:
    curve = a_year()
    found = summarise([], days(366), curve, days(366), curve)
    check_every_missing_figure_has_its_reason(found)
    assert found.undefined["expectancy"] == "there are no deals"
    assert found.undefined["expectancy_interval"] == "needs at least 10 deals, was 0"
    assert found.sharpe_interval is not None
    assert found.net_profit == 0


def test_one_deal() -> None:
    found = of_deals(deals_of("1"))
    check_every_missing_figure_has_its_reason(found)
    assert (found.expectancy, found.win_rate) == (1.0, 1.0)
    assert found.undefined["sqn"] == "needs at least 2 deals, was 1"
    assert found.undefined["profit_factor"] == "no deal lost"
    assert "would only mislead" in found.undefined["annual_return"]
    assert found.undefined["calmar"] == found.undefined["annual_return"]


def test_one_point() -> None:
    found = summarise([], [5], [100.0], NO_TS, [])
    check_every_missing_figure_has_its_reason(found)
    assert found.total_return == 0.0
    assert found.undefined["sharpe"] == "needs at least 2 returns, was 0"
    assert found.undefined["deflated_sharpe"] == found.undefined["sharpe"]
    assert found.undefined["exposure"] == "the curve covers no time"
    assert found.undefined["buy_and_hold_return"] == "there are no prices"


def test_equity_that_never_moves() -> None:
    found = summarise([], days(100), np.full(100, 7.0), days(100), np.full(100, 3.0))
    check_every_missing_figure_has_its_reason(found)
    assert found.undefined["sharpe"] == "the returns do not vary"
    assert found.undefined["sharpe_interval"] == "the returns do not vary"
    assert found.undefined["calmar"] == "the equity curve never falls"
    assert (found.total_return, found.annual_return, found.max_drawdown) == (0.0, 0.0, 0.0)


def test_a_steady_gain_has_no_ratio_of_rounding_noise() -> None:
    for step in (0.01, 1e-6):
        curve = curve_of(np.full(100, step))
        found = summarise([], days(101), curve, days(101), curve)
        assert found.undefined["sharpe"] == "the returns do not vary"


def test_a_fall_by_rounding_is_no_fall() -> None:
    curve = np.full(101, 0.3)
    curve[50:] = 0.1 + 0.2
    curve[70:] = 0.3
    found = summarise([], days(101), curve, days(101), curve)
    assert found.undefined["calmar"] == "the equity curve never falls"
    assert found.undefined["sortino"] == "no return is below the target"


def test_a_total_loss() -> None:
    curve = np.append(np.linspace(100, 50, 40), [0.0, 0.0])
    found = summarise(deals_of("-100"), days(42), curve, days(42), np.ones(42))
    check_every_missing_figure_has_its_reason(found)
    assert (found.total_return, found.annual_return, found.max_drawdown) == (-1.0, -1.0, 1.0)
    assert found.max_drawdown_recovered is False
    assert found.sharpe is not None
    assert found.sharpe < 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"equity": [1.0, math.nan, 1.0]}, "finite numbers in equity, was nan at index 1"),
        ({"prices": [1.0, math.nan, 1.0]}, "finite numbers in prices, was nan at index 1"),
        ({"equity_ts": [0, 1]}, "expected 3 timestamps in equity_ts"),
        ({"prices_ts": [2, 1, 0]}, "rising timestamps in prices_ts"),
        ({"equity": []}, "at least one point in equity"),
        ({"deal_results": [a_deal("NaN")]}, "finite amounts in deal 1"),
        ({"trials": 0}, "trials of 1 or more, was 0"),
        ({"trial_sharpes": [1.0, 2.0]}, "at most 1 trial_sharpes for 1 trials, was 2"),
        ({"trials": 2, "trial_sharpes": [1.0, math.nan]}, "finite numbers in trial_sharpes"),
        ({"seed": -1}, "non-negative"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], says: str) -> None:
    arguments: dict[str, object] = {
        "deal_results": deals_of(*["1", "-1"] * 10),
        "equity_ts": days(3),
        "equity": [1.0, 2.0, 3.0],
        "prices_ts": days(3),
        "prices": [1.0, 2.0, 3.0],
    }
    with pytest.raises(ValueError, match=says):
        summarise(**(arguments | change))  # type: ignore[arg-type]


def test_json_has_every_figure_and_the_same_bytes_for_the_same_seed() -> None:
    curve = a_year()
    deals = deals_of(*["1.25", "-0.75", "0.4"] * 20)
    texts = [
        json.dumps(
            summarise(deals, days(366), curve, days(366), curve, seed=seed).as_dict(),
            allow_nan=False,
        )
        for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]
    found = json.loads(texts[0])
    assert set(found) == {item.name for item in dataclasses.fields(Statistics)} | {"days"}
    assert found["net_profit"] == "18.00"
    assert set(found["sharpe_interval"]) == {"low", "high", "level"}


def test_intervals_surround_their_figures() -> None:
    curve = a_year()
    found = summarise(deals_of(*["2", "-1"] * 50), days(366), curve, days(366), curve)
    for name in ("sharpe", "total_return", "expectancy", "win_rate"):
        interval = getattr(found, f"{name}_interval")
        assert isinstance(interval, Interval)
        assert interval.low < getattr(found, name) < interval.high


def test_every_interval_takes_its_chance_from_the_seed() -> None:
    curve = a_year()
    deals = deals_of(*(str(value / 100) for value in range(-20, 30)))
    one, two = (
        summarise(deals, days(366), curve, days(366), curve, seed=seed, bootstrap_runs=100)
        for seed in (1, 2)
    )
    assert one.expectancy_interval != two.expectancy_interval
    assert one.sharpe_interval != two.sharpe_interval
    # Without a loss there is nothing to draw but wins.
    winners = summarise(deals_of(*["1"] * 20), days(366), curve, days(366), curve)
    assert winners.win_rate_interval == Interval(1.0, 1.0)


@settings(max_examples=25, deadline=None)
@given(
    day_returns,
    st.lists(st.integers(-500, 500), max_size=25),
    st.integers(-10, 20).map(lambda power: 2.0**power),
    st.integers(0, 1000),
)
def test_figures_do_not_know_the_currency(
    returns: list[float], cents: list[int], scale: float, seed: int
) -> None:
    curve = curve_of(np.array(returns))
    ts = days(curve.size)

    def found(factor: float) -> Statistics:
        unit = Decimal(factor)
        deals = [
            a_deal(Decimal(value) / 4 * unit, invested=50 * unit, fees=unit) for value in cents
        ]
        return summarise(
            deals, ts, curve * factor, ts, curve * factor, seed=seed, bootstrap_runs=20
        )

    # A power of two changes no digit, so nothing but an amount may change at all.
    small, large = found(1.0), found(scale)
    check_every_missing_figure_has_its_reason(small)
    for name in (
        *("total_return", "annual_return", "buy_and_hold_return", "exposure", "max_drawdown"),
        *("sharpe", "sortino", "calmar", "profit_factor", "win_rate", "sqn"),
        *("average_deal_return", "break_even_fee_rate", "probabilistic_sharpe"),
        *("deflated_sharpe", "minimum_track_record_days"),
    ):
        assert getattr(large, name) == getattr(small, name), name
    json.dumps(large.as_dict(), allow_nan=False)


def test_the_package_asks_for_numpy_alone() -> None:
    heavy = ("scipy", "pandas", "pyarrow", "talib", "numba", "ccxt", "aiohttp", "polars")
    code = (
        "import sys, autotrade.infrastructure.statistics; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert answer.stdout.strip() == "[]"
