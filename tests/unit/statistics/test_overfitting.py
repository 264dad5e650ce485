"""CSCV: by hand, against the slow obvious way, and on markets whose truth is known."""

from __future__ import annotations

import json
import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.infrastructure.statistics import probability_of_backtest_overfitting
from autotrade.infrastructure.statistics.checks import Floats


def test_two_trials_that_swap_places_by_hand() -> None:
    # Best in the first half (ratio sqrt 2 over sqrt 1/2) is worst in the second, and vice versa.
    first, second = [1.0, 3.0, -1.0, -3.0], [0.0, 1.0, 1.0, 3.0]
    found = probability_of_backtest_overfitting(np.column_stack([first, second]), splits=2)
    assert found.probability == 1.0
    assert found.logits.tolist() == pytest.approx([math.log(0.5)] * 2)
    assert found.in_sample.tolist() == pytest.approx([math.sqrt(2)] * 2)
    assert found.out_of_sample.tolist() == pytest.approx([-math.sqrt(2), math.sqrt(0.5)])
    assert found.probability_of_loss == 0.5
    assert found.degradation_slope is None


def test_a_trial_that_always_leads_is_not_overfit() -> None:
    noise = np.random.default_rng(1).normal(0, 0.001, (160, 9))
    noise[:, 4] += 0.01
    found = probability_of_backtest_overfitting(noise)
    assert found.probability == 0.0
    assert found.probability_of_loss == 0.0
    assert found.logits.tolist() == pytest.approx([math.log(9)] * 12_870)


def test_choosing_among_noise_is_a_coin_flip() -> None:
    # The null of the paper: without skill the winner ends anywhere, so about half below the median.
    found = [
        probability_of_backtest_overfitting(
            np.random.default_rng(seed).normal(0, 0.01, (500, 50)), splits=10
        ).probability
        for seed in range(30)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.1)


def test_fitting_the_noise_of_a_fixed_sum_is_overfitting() -> None:
    # Every trial earns the same in total, so what is gained in sample is lost outside: slope -1.
    matrix = np.random.default_rng(2).normal(0, 0.01, (320, 40))
    matrix -= matrix.mean(axis=0)
    found = probability_of_backtest_overfitting(matrix)
    assert found.probability > 0.95
    assert found.probability_of_loss == 1.0
    assert found.degradation_slope == pytest.approx(-1.0, abs=0.15)


def test_rows_left_over_are_the_oldest() -> None:
    matrix = np.random.default_rng(3).normal(0, 0.01, (43, 5))
    whole = probability_of_backtest_overfitting(matrix, splits=4)
    assert (whole.periods, whole.periods_dropped) == (40, 3)
    cut = probability_of_backtest_overfitting(matrix[3:], splits=4)
    assert np.array_equal(whole.logits, cut.logits)


def test_trials_without_a_deal_share_the_middle() -> None:
    found = probability_of_backtest_overfitting(np.zeros((32, 3)), splits=4)
    assert found.logits.tolist() == [0.0] * 6
    assert found.probability_of_loss == 0.0


def test_a_trial_that_never_varies_does_not_win_by_rounding() -> None:
    matrix = np.column_stack([np.full(32, 0.1), np.tile([0.02, -0.01], 16)])
    found = probability_of_backtest_overfitting(matrix, splits=4)
    assert found.in_sample.max() < 1.0
    assert found.probability == 0.0


def test_many_trials_go_in_chunks() -> None:
    matrix = np.random.default_rng(4).normal(0, 0.01, (64, 500))
    found = probability_of_backtest_overfitting(matrix)
    assert found.logits.size == math.comb(16, 8)
    some = probability_of_backtest_overfitting(matrix * 1000.0)
    assert some.probability == found.probability


def test_the_report_is_json() -> None:
    matrix = np.random.default_rng(5).normal(0, 0.01, (64, 5))
    found = json.loads(json.dumps(probability_of_backtest_overfitting(matrix).as_dict()))
    assert found["combinations"] == 12_870
    assert set(found["logit_quantiles"]) == {"0.05", "0.25", "0.5", "0.75", "0.95"}


@pytest.mark.parametrize(
    ("matrix", "splits", "says"),
    [
        (np.zeros((64, 1)), 16, "2 trials or more to choose from, was 1"),
        (np.zeros((31, 3)), 16, "at least 32 periods for 16 splits, was 31"),
        (np.zeros((64, 3)), 7, "even number of splits up to 20, was 7"),
        (np.zeros((64, 3)), 22, "even number of splits up to 20, was 22"),
        (np.zeros((64, 3)), 0, "splits of 2 or more, was 0"),
        (np.zeros(64), 16, "matrix of periods x trials, was 1 dimensions"),
        (np.full((64, 3), np.nan), 16, "finite returns, was nan in period 0 of trial 0"),
    ],
)
def test_bad_input_is_refused(matrix: Floats, splits: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        probability_of_backtest_overfitting(matrix, splits)


def the_slow_way(matrix: Floats, splits: int) -> tuple[list[float], list[float], list[float]]:
    """CSCV as the paper words it, one combination and one trial at a time."""
    blocks = np.split(matrix, splits)
    logits, inside, outside = [], [], []

    def ratios(rows: Floats) -> list[float]:
        return [
            0.0 if np.ptp(column) == 0 else float(np.mean(column) / np.std(column, ddof=1))
            for column in rows.T
        ]

    for half in combinations(range(splits), splits // 2):
        train = ratios(np.concatenate([blocks[place] for place in half]))
        test = ratios(np.concatenate([blocks[p] for p in range(splits) if p not in half]))
        best = train.index(max(train))
        rank = sum(value <= test[best] for value in test)
        share = rank / (len(test) + 1)
        logits.append(math.log(share / (1 - share)))
        inside.append(train[best])
        outside.append(test[best])
    return logits, inside, outside


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 12), st.sampled_from([2, 4, 6]))
def test_agrees_with_the_slow_way(seed: int, trials: int, splits: int) -> None:
    matrix = np.random.default_rng(seed).normal(0.0, 0.01, (splits * 5, trials))
    found = probability_of_backtest_overfitting(matrix, splits)
    logits, inside, outside = the_slow_way(matrix, splits)
    assert found.logits.tolist() == pytest.approx(logits)
    assert found.in_sample.tolist() == pytest.approx(inside)
    assert found.out_of_sample.tolist() == pytest.approx(outside)
    assert found.probability == np.mean(np.array(logits) <= 0)
    slope, intercept = np.polyfit(inside, outside, 1)
    assert found.degradation_slope == pytest.approx(slope, rel=1e-6, abs=1e-9)
    assert found.degradation_intercept == pytest.approx(intercept, rel=1e-6, abs=1e-9)
    assert found.degradation_r_squared == pytest.approx(
        np.corrcoef(inside, outside)[0, 1] ** 2, abs=1e-9
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 8))
def test_a_probability_that_knows_neither_order_nor_unit(seed: int, trials: int) -> None:
    generator = np.random.default_rng(seed)
    matrix = generator.normal(0.0, 0.01, (24, trials))
    found = probability_of_backtest_overfitting(matrix, 4)
    assert 0.0 <= found.probability <= 1.0
    assert 0.0 <= found.probability_of_loss <= 1.0
    shuffled = probability_of_backtest_overfitting(
        matrix[:, generator.permutation(trials)] * 8.0, 4
    )
    assert shuffled.probability == found.probability
