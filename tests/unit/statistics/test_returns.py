"""Returns and ratios: published examples, values by hand, and what scaling must not change."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.statistics.checks import DAY_MS, UndefinedFigure
from autotrade.infrastructure.statistics.returns import (
    annual_return,
    buy_and_hold_return,
    calmar_ratio,
    daily_samples,
    equal_weight_index,
    kurtosis,
    period_returns,
    sharpe_ratio,
    skewness,
    sortino_ratio,
    total_return,
    volatility,
)

from .samples import curve_of, day_returns, days, equities

HOUR_MS = DAY_MS // 24


def test_sortino_of_rollinger_and_hoffman() -> None:
    # "Sortino: A 'Sharper' Ratio" (2013): eight years, target 0, deviation 2.264 %, ratio 4.417.
    years = [0.17, 0.15, 0.23, -0.05, 0.12, 0.09, 0.13, -0.04]
    assert sortino_ratio(years) == pytest.approx(4.417, abs=0.0005)
    assert np.mean(years) / sortino_ratio(years) == pytest.approx(0.02264, abs=0.000005)


def test_sortino_counts_all_periods_and_the_target() -> None:
    # Over a target of 1: -2, 0, 2 and 4, mean 1, shortfalls 4/4 = 1.
    assert sortino_ratio([-1.0, 1.0, 3.0, 5.0], target=1.0) == pytest.approx(1.0)
    assert sortino_ratio([-1.0, 1.0, 3.0, 5.0], 4.0, 1.0) == pytest.approx(2.0)


def test_sharpe_by_hand() -> None:
    # Mean 2, deviations -1, 0, 1, n - 1 = 2, so standard deviation 1.
    assert sharpe_ratio([0.01, 0.02, 0.03]) == pytest.approx(2.0)
    assert sharpe_ratio([0.01, 0.02, 0.03], target=0.01) == pytest.approx(1.0)
    assert sharpe_ratio([0.01, 0.02, 0.03], 365) == pytest.approx(2.0 * math.sqrt(365))
    assert volatility([0.01, 0.02, 0.03], 4) == pytest.approx(0.02)


def test_moments_by_hand() -> None:
    # 0, 0, 0, 4: mean 1, variance 3; third moment (3 * -1 + 27) / 4 = 6, fourth (3 + 81) / 4 = 21.
    assert skewness([0, 0, 0, 4]) == pytest.approx(6 / 3**1.5)
    assert kurtosis([0, 0, 0, 4]) == pytest.approx(21 / 9)
    assert kurtosis([-1, 1]) == pytest.approx(1.0)


def test_a_large_normal_sample_has_its_moments() -> None:
    sample = np.random.default_rng(7).normal(size=200_000)
    assert skewness(sample) == pytest.approx(0.0, abs=0.02)
    assert kurtosis(sample) == pytest.approx(3.0, abs=0.05)


def test_annual_return_by_hand() -> None:
    assert annual_return(0.21, 2 * 365 * DAY_MS) == pytest.approx(0.1)
    assert annual_return(0.1, 365 * DAY_MS / 2) == pytest.approx(0.21)
    assert annual_return(-1.0, DAY_MS) == -1.0


def test_calmar_by_hand() -> None:
    assert calmar_ratio(0.3, 0.15) == pytest.approx(2.0)
    with pytest.raises(UndefinedFigure, match="never falls"):
        calmar_ratio(0.3, 0.0)


def test_returns_end_with_a_total_loss() -> None:
    assert period_returns([100.0, 110.0, 0.0, 0.0]).tolist() == pytest.approx([0.1, -1.0, 0.0])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "at least one point in equity"),
        ([0.0, 1.0], "start above 0, was 0.0"),
        ([1.0, float("nan")], "finite numbers in equity, was nan at index 1"),
        ([1.0, float("inf")], "was inf at index 1"),
        ([1.0, -0.5], "0 or more, was -0.5 at index 1"),
        ([1.0, 0.0, 1.0], "stay at 0 after a total loss at index 1"),
        ([[1.0], [2.0]], "one row of numbers, was 2 dimensions"),
    ],
)
def test_equity_that_is_none_is_refused(values: list[float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        period_returns(values)


@pytest.mark.parametrize(
    ("ts", "says"),
    [
        ([0, 0], "rising timestamps in equity_ts, was 0 after 0 at index 1"),
        ([5, 3], "was 3 after 5"),
        ([0, 1, 2], "expected 2 timestamps in equity_ts, was shape"),
        ([0.0, 1.0], "whole milliseconds, was float64"),
    ],
)
def test_a_clock_that_runs_wrong_is_refused(ts: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        daily_samples(ts, [1.0, 2.0])


@pytest.mark.parametrize("ratio", [sharpe_ratio, sortino_ratio, skewness, kurtosis])
def test_ratios_of_nothing_have_no_value(ratio: object) -> None:
    for values in ([], [0.01], [0.01, 0.01, 0.01]):
        with pytest.raises(UndefinedFigure):
            ratio(values)  # type: ignore[operator]
    with pytest.raises(ValueError, match="finite"):
        ratio([0.01, float("nan")])  # type: ignore[operator]


def test_daily_samples_of_an_hourly_curve() -> None:
    ts = np.arange(0, 49, dtype=np.int64) * HOUR_MS
    grid, equity = daily_samples(ts, 100.0 + np.arange(49))
    assert grid.tolist() == [0, DAY_MS, 2 * DAY_MS]
    assert equity.tolist() == [100.0, 124.0, 148.0]


def test_daily_samples_keep_the_last_amount_over_a_gap_and_lose_no_rest() -> None:
    ts = [0, HOUR_MS, 3 * DAY_MS + HOUR_MS]
    grid, equity = daily_samples(ts, [100.0, 101.0, 150.0])
    assert grid.tolist() == [0, DAY_MS, 2 * DAY_MS, 3 * DAY_MS + HOUR_MS]
    assert equity.tolist() == [100.0, 101.0, 101.0, 150.0]


def test_a_rest_of_half_a_day_is_a_day() -> None:
    grid, equity = daily_samples([0, DAY_MS, DAY_MS + DAY_MS // 2], [1.0, 2.0, 3.0])
    assert grid.tolist() == [0, DAY_MS, DAY_MS + DAY_MS // 2]
    assert equity.tolist() == [1.0, 2.0, 3.0]


def test_closes_a_millisecond_before_midnight_are_daily() -> None:
    ts = np.arange(60, 3 * 1440 + 1, 60, dtype=np.int64) * 60_000 - 1
    grid, _ = daily_samples(ts, np.arange(1.0, ts.size + 1))
    assert grid.size == 4
    assert grid[-1] == ts[-1]


def test_buy_and_hold_over_the_same_span() -> None:
    prices = [10.0, 20.0, 25.0, 100.0]
    assert buy_and_hold_return(days(4), prices, DAY_MS, 2 * DAY_MS) == pytest.approx(0.25)
    assert buy_and_hold_return(days(4), prices, DAY_MS + 1, 3 * DAY_MS - 1) == pytest.approx(0.25)
    # The first price may come a moment after the curve's first point.
    assert buy_and_hold_return(days(4), prices, -HOUR_MS, 3 * DAY_MS) == pytest.approx(9.0)


def test_prices_of_another_span_are_no_comparison() -> None:
    with pytest.raises(UndefinedFigure, match="do not cover"):
        buy_and_hold_return(days(3), [1.0, 2.0, 3.0], 0, 9 * DAY_MS)
    with pytest.raises(UndefinedFigure, match="do not cover"):
        buy_and_hold_return(days(3) + 5 * DAY_MS, [1.0, 2.0, 3.0], 0, 7 * DAY_MS)
    with pytest.raises(UndefinedFigure, match="no prices"):
        buy_and_hold_return(np.array([], dtype=np.int64), [], 0, 1)
    with pytest.raises(ValueError, match=r"prices above 0, was 0.0 at index 1"):
        buy_and_hold_return(days(2), [1.0, 0.0], 0, DAY_MS)


def test_equal_weight_index_by_hand() -> None:
    ts, index = equal_weight_index([([0, 10, 20], [1.0, 2.0, 4.0]), ([10, 30], [50.0, 25.0])])
    assert ts.tolist() == [10, 20, 30]
    assert index.tolist() == pytest.approx([1.0, (2 + 1) / 2, (2 + 0.5) / 2])
    with pytest.raises(ValueError, match="at least one price series"):
        equal_weight_index([])


@given(equities)
def test_returns_compound_to_the_total(equity: list[float]) -> None:
    assert np.prod(1.0 + period_returns(equity)) == pytest.approx(1.0 + total_return(equity))


@given(equities, st.integers(1, 40))
def test_daily_samples_lose_nothing(equity: list[float], step_hours: int) -> None:
    ts = np.arange(len(equity), dtype=np.int64) * step_hours * HOUR_MS
    grid, sampled = daily_samples(ts, equity)
    assert np.all(np.diff(grid) > 0)
    if ts[-1] * 2 >= DAY_MS:
        assert total_return(sampled) == pytest.approx(total_return(equity))


@given(day_returns, st.floats(0.01, 100.0))
def test_ratios_do_not_know_the_unit(returns: list[float], scale: float) -> None:
    values = np.array(returns)
    for ratio in (sharpe_ratio, sortino_ratio, skewness, kurtosis):
        try:
            expected = ratio(values)
        except UndefinedFigure:
            continue
        assert ratio(values * scale) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(day_returns)
def test_equity_scales_without_changing_returns(returns: list[float]) -> None:
    small, large = curve_of(np.array(returns), 1.0), curve_of(np.array(returns), 1e6)
    assert period_returns(small) == pytest.approx(period_returns(large), abs=1e-9)


@given(day_returns)
def test_kurtosis_is_at_least_what_skewness_allows(returns: list[float]) -> None:
    # Pearson's inequality: kurtosis >= skewness^2 + 1.
    try:
        assert kurtosis(returns) >= skewness(returns) ** 2 + 1 - 1e-6
    except UndefinedFigure:
        assert len(set(returns)) == 1
