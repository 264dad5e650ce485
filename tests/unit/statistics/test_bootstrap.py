"""Resampling: what the stationary bootstrap promises, and intervals that cover what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.statistics.bootstrap import (
    CHUNK_NUMBERS,
    block_length,
    mean_interval,
    percentile_interval,
    resample_returns,
    share_interval,
    stationary_indices,
)
from autotrade.infrastructure.statistics.checks import UndefinedFigure
from autotrade.infrastructure.statistics.returns import sharpe_ratio


def seeded(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_blocks_have_the_mean_length_asked_for() -> None:
    indices = stationary_indices(1000, 8.0, 400, seeded())
    follows = np.diff(indices, axis=1) % 1000 == 1
    # A fresh draw happens to follow once in a thousand times.
    assert follows.mean() == pytest.approx(1 - 1 / 8 + 1 / 8 / 1000, abs=0.003)


def test_every_observation_is_drawn_alike() -> None:
    drawn = np.bincount(stationary_indices(20, 5.0, 20_000, seeded()).ravel(), minlength=20)
    assert drawn / drawn.sum() == pytest.approx(np.full(20, 0.05), abs=0.002)


def test_blocks_of_one_are_independent_and_endless_ones_a_rotation() -> None:
    single = stationary_indices(50, 1.0, 200, seeded())
    assert (np.diff(single, axis=1) % 50 == 1).mean() == pytest.approx(1 / 50, abs=0.01)
    whole = stationary_indices(50, 1e12, 20, seeded())
    assert np.all(np.diff(whole, axis=1) % 50 == 1)


def test_block_length_is_the_cube_root() -> None:
    assert [block_length(count) for count in (1, 8, 365, 1000)] == [1.0, 2.0, 7.0, 10.0]


def test_percentiles_by_hand() -> None:
    interval = percentile_interval(np.arange(101.0), 0.9)
    assert (interval.low, interval.high) == pytest.approx((5.0, 95.0))
    assert interval.as_dict() == {"low": interval.low, "high": interval.high, "level": 0.9}


def test_the_mean_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = seeded(3)
    hits = 0
    for _ in range(300):
        interval = mean_interval(generator.normal(1.0, 2.0, 60), generator, runs=300)
        hits += interval.low <= 1.0 <= interval.high
    assert 0.90 <= hits / 300 <= 0.98


def test_the_mean_interval_of_a_large_sample_is_the_normal_one() -> None:
    sample = seeded(4).normal(0.0, 1.0, 2500)
    interval = mean_interval(sample, seeded(), runs=4000)
    error = sample.std(ddof=1) / 50
    assert interval.low == pytest.approx(sample.mean() - 1.96 * error, abs=0.05 * error * 2)
    assert interval.high == pytest.approx(sample.mean() + 1.96 * error, abs=0.05 * error * 2)


def test_the_share_interval_is_the_binomial_one() -> None:
    # 50 of 100: 0.5 -+ 1.96 x 0.05.
    interval = share_interval(50, 100, seeded(), runs=20_000)
    assert (interval.low, interval.high) == pytest.approx((0.402, 0.598), abs=0.01)
    assert share_interval(0, 100, seeded()).high == 0.0


def test_blocks_widen_the_interval_of_returns_that_follow_each_other() -> None:
    noise = seeded(5).normal(size=600)
    returns = np.empty(600)
    returns[0] = noise[0]
    for place in range(1, 600):
        returns[place] = 0.8 * returns[place - 1] + noise[place]
    returns *= 0.01
    apart = resample_returns(returns, seeded(), mean_block=1.0).sharpe_per_period.std()
    together = resample_returns(returns, seeded(), mean_block=30.0).sharpe_per_period.std()
    # Independent draws would understate the error of a mean by sqrt((1 + 0.8) / (1 - 0.8)) = 3.
    assert 1.8 * apart < together < 4 * apart


def test_resampled_figures_surround_the_observed_one() -> None:
    returns = seeded(6).normal(0.001, 0.01, 365)
    again = resample_returns(returns, seeded())
    low, high = np.quantile(again.sharpe_per_period, (0.25, 0.75))
    assert low < sharpe_ratio(returns) < high
    assert np.all((again.max_drawdown >= 0) & (again.max_drawdown <= 1))
    assert np.all(again.total_return > -1)


def test_the_same_seed_gives_the_same_figures_whatever_the_chunks() -> None:
    returns = seeded(6).normal(0.0, 0.01, 365)
    runs = CHUNK_NUMBERS // 365 + 10
    one, two = (resample_returns(returns, seeded(9), runs=runs) for _ in range(2))
    assert one.total_return.size == runs
    assert np.array_equal(one.sharpe_per_period, two.sharpe_per_period)


def test_too_little_is_no_interval() -> None:
    with pytest.raises(UndefinedFigure, match="at least 10 returns, was 9"):
        resample_returns([0.01] * 9, seeded())
    with pytest.raises(UndefinedFigure, match="at least 10 deals, was 1"):
        mean_interval([0.01], seeded())
    with pytest.raises(UndefinedFigure, match="at least 10 deals, was 0"):
        share_interval(0, 0, seeded())


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mean block of 1 or more, was 0.5"):
        stationary_indices(10, 0.5, 1, seeded())
    with pytest.raises(ValueError, match="runs of 1 or more, was 0"):
        mean_interval([0.01] * 20, seeded(), runs=0)
    with pytest.raises(ValueError, match="hits between 0 and 20, was 21"):
        share_interval(21, 20, seeded())
    with pytest.raises(ValueError, match="level between 0 and 1, was 95"):
        percentile_interval([1.0], 95)
    with pytest.raises(ValueError, match="finite numbers in values, was nan"):
        mean_interval([float("nan")] * 20, seeded())


@given(st.integers(1, 60), st.floats(1.0, 30.0), st.integers(1, 20), st.integers(0, 2**32))
def test_indices_stay_in_the_sample(count: int, block: float, runs: int, seed: int) -> None:
    indices = stationary_indices(count, block, runs, seeded(seed))
    assert indices.shape == (runs, count)
    assert indices.min() >= 0
    assert indices.max() < count


@given(
    st.lists(st.integers(-1000, 1000).map(float), min_size=10, max_size=60),
    st.integers(0, 2**32),
)
def test_an_interval_is_ordered_and_within_what_was_seen(values: list[float], seed: int) -> None:
    interval = mean_interval(values, seeded(seed), runs=50)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9
