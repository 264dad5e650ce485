"""Luck: the worked examples of Bailey and Lopez de Prado, and what must rise or fall with what.

PSR and MinTRL: "The Sharpe Ratio Efficient Frontier" (2012). DSR: "The Deflated Sharpe Ratio"
(2014), the example of a strategy with an annual Sharpe ratio of 2.5 over five years of 250 days,
the best of N trials whose annual ratios have a variance of 1/2.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.statistics.checks import UndefinedFigure
from autotrade.infrastructure.statistics.track_record import (
    deflated_sharpe_ratio,
    expected_max_sharpe,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
)

DAILY_2_5 = 2.5 / math.sqrt(250)
DAILY_VARIANCE = 0.5 / 250

sharpes = st.floats(0.001, 1.0)
counts = st.integers(2, 5000)
trials = st.integers(1, 100_000)


def test_deflated_sharpe_of_the_paper() -> None:
    assert expected_max_sharpe(100, DAILY_VARIANCE) == pytest.approx(0.1132, abs=0.00005)
    deflated = deflated_sharpe_ratio(
        DAILY_2_5, 1250, -3.0, 10.0, trials=100, trial_variance=DAILY_VARIANCE
    )
    assert deflated == pytest.approx(0.9004, abs=0.00005)


@pytest.mark.parametrize(("trials", "skew", "kurt"), [(46, -3.0, 10.0), (88, 0.0, 3.0)])
def test_trials_the_paper_allows_at_95_percent(trials: int, skew: float, kurt: float) -> None:
    # 46 trials with these returns, 88 had they been Normal: 0.9505 each.
    deflated = deflated_sharpe_ratio(
        DAILY_2_5, 1250, skew, kurt, trials=trials, trial_variance=DAILY_VARIANCE
    )
    assert deflated == pytest.approx(0.9505, abs=0.00005)


@pytest.mark.parametrize(
    ("skew", "kurt", "probability"), [(0.0, 3.0, 0.982), (-2.448, 10.164, 0.913)]
)
def test_probabilistic_sharpe_of_the_paper(skew: float, kurt: float, probability: float) -> None:
    # Two years of months, Sharpe ratio 0.458 a month (1.59 a year): skew and tails cost the 95 %.
    psr = probabilistic_sharpe_ratio(0.458, 24, skew, kurt)
    assert psr == pytest.approx(probability, abs=0.0005)


@pytest.mark.parametrize(
    ("periods", "skew", "kurt", "years"),
    [
        (250, 0.0, 3.0, 2.73),
        (52, 0.0, 3.0, 2.83),
        (12, 0.0, 3.0, 3.24),
        (12, -0.72, 5.78, 4.99),
    ],
)
def test_track_record_of_the_paper(periods: int, skew: float, kurt: float, years: float) -> None:
    # An annual Sharpe ratio of 2 shown to be above 1 with 95 %: daily, weekly, monthly returns.
    root = math.sqrt(periods)
    needed = minimum_track_record_length(2 / root, skew, kurt, 1 / root)
    assert needed / periods == pytest.approx(years, abs=0.005)


def test_the_expected_maximum_of_pseudo_mathematics() -> None:
    # Bailey, Borwein, Lopez de Prado, Zhu, "Pseudo-Mathematics and Financial Charlatanism" (2014):
    # 1.57 for 10 trials, and an annual ratio of 1 for 45 trials over 5 years.
    assert expected_max_sharpe(10, 1.0) == pytest.approx(1.57, abs=0.005)
    assert expected_max_sharpe(45, 1 / 5) == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize("tries", [10, 100, 1000])
def test_the_best_of_luck_is_what_chance_shows(tries: int) -> None:
    best = np.random.default_rng(1).normal(size=(4000, tries)).max(axis=1).mean()
    assert expected_max_sharpe(tries, 1.0) == pytest.approx(best, abs=0.06)


def test_one_trial_deflates_nothing() -> None:
    assert expected_max_sharpe(1, 4.0) == 0.0
    assert deflated_sharpe_ratio(0.1, 365, 0.0, 3.0, trials=1) == probabilistic_sharpe_ratio(
        0.1, 365, 0.0, 3.0
    )


def test_without_known_trials_the_spread_of_luck_stands_in() -> None:
    assert deflated_sharpe_ratio(0.1, 401, 0.0, 3.0, trials=50) == deflated_sharpe_ratio(
        0.1, 401, 0.0, 3.0, trials=50, trial_variance=1 / 400
    )


def test_what_has_no_value_says_so() -> None:
    with pytest.raises(UndefinedFigure, match="at least 2 returns, was 1"):
        probabilistic_sharpe_ratio(0.1, 1, 0.0, 3.0)
    with pytest.raises(UndefinedFigure, match="at least 2 returns, was 1"):
        deflated_sharpe_ratio(0.1, 1, 0.0, 3.0, trials=3)
    with pytest.raises(UndefinedFigure, match="no record is enough"):
        minimum_track_record_length(0.1, 0.0, 3.0, 0.1)
    with pytest.raises(UndefinedFigure, match="no spread"):
        probabilistic_sharpe_ratio(1.0, 10, 3.0, 3.0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="finite skewness, was nan"):
        probabilistic_sharpe_ratio(0.1, 10, math.nan, 3.0)
    with pytest.raises(ValueError, match="trials of 1 or more, was 0"):
        expected_max_sharpe(0, 1.0)
    with pytest.raises(ValueError, match="variance of 0 or more, was -1"):
        expected_max_sharpe(2, -1.0)
    with pytest.raises(ValueError, match=r"confidence between 0.5 and 1, was 1"):
        minimum_track_record_length(0.1, 0.0, 3.0, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"returns as a whole number, was 1.5"):
        probabilistic_sharpe_ratio(0.1, 1.5, 0.0, 3.0)  # type: ignore[arg-type]


@given(sharpes, counts, st.floats(-1.0, 1.0), st.floats(2.0, 20.0), trials)
def test_probabilities_and_more_trials_never_help(
    sharpe: float, count: int, skew: float, excess: float, tries: int
) -> None:
    kurt = excess + skew * skew
    probabilistic = probabilistic_sharpe_ratio(sharpe, count, skew, kurt)
    deflated = deflated_sharpe_ratio(sharpe, count, skew, kurt, trials=tries)
    more = deflated_sharpe_ratio(sharpe, count, skew, kurt, trials=tries + 1)
    assert 0.0 <= more <= deflated <= probabilistic <= 1.0


@given(sharpes, counts)
def test_a_longer_record_is_surer(sharpe: float, count: int) -> None:
    short = probabilistic_sharpe_ratio(sharpe, count, 0.0, 3.0)
    assert probabilistic_sharpe_ratio(sharpe, count + 1, 0.0, 3.0) >= short
    assert probabilistic_sharpe_ratio(-sharpe, count, 0.0, 3.0) == pytest.approx(1 - short)


@given(sharpes, st.floats(-1.0, 1.0), st.floats(2.0, 20.0))
def test_the_track_record_is_where_the_probability_is_reached(
    sharpe: float, skew: float, excess: float
) -> None:
    kurt = excess + skew * skew
    needed = minimum_track_record_length(sharpe, skew, kurt)
    long_enough = math.ceil(needed) + 1
    assert probabilistic_sharpe_ratio(sharpe, long_enough, skew, kurt) >= 0.95
    if needed > 4:
        assert probabilistic_sharpe_ratio(sharpe, math.floor(needed) - 1, skew, kurt) <= 0.95
