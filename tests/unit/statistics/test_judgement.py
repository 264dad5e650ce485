"""The verdict says no more than the figures do, in sentences."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from autotrade.infrastructure.statistics import (
    Interval,
    Statistics,
    VerdictLevel,
    summarise,
    verdict,
)

from .samples import curve_of, days, deals_of


def good(**changes: Any) -> Statistics:
    """A run that passes every test, less what the test changes."""
    curve = curve_of(np.random.default_rng(1).normal(0.003, 0.01, 365))
    deals = deals_of(*["2", "-1", "1.5"] * 20)
    return replace(
        summarise(deals, days(366), curve, days(366), np.linspace(100, 101, 366)), **changes
    )


def text_of(statistics: Statistics, pbo: float | None = None) -> str:
    return " ".join(verdict(statistics, pbo).sentences)


def test_evidence_needs_every_test_passed() -> None:
    found = verdict(good(), 0.1)
    assert found.level is VerdictLevel.EVIDENCE
    assert "on this data alone" in found.sentences[0]
    assert "0.100" in " ".join(found.sentences)
    assert found.as_dict()["level"] == "some evidence of an edge"


@pytest.mark.parametrize(
    ("changes", "pbo", "says"),
    [
        ({"deals": 29}, None, "29 deals are too few"),
        ({"expectancy_interval": Interval(0.0, 2.0)}, None, "does not exclude zero"),
        ({"expectancy_interval": Interval(-2.0, -0.5)}, None, "loses between 0.5 and 2.00"),
        ({"expectancy_interval": None}, None, "has no interval"),
        ({"deflated_sharpe": 0.95}, None, "0.950 after 1 trial; it takes more than 0.95"),
        ({"deflated_sharpe": 0.9499999, "trials": 200}, None, "0.949 after 200 trials"),
        ({"deflated_sharpe": None}, None, "deflated Sharpe ratio has no value"),
        ({}, 0.5, "probability of backtest overfitting is 0.500"),
    ],
)
def test_each_failure_alone_is_no_evidence(
    changes: dict[str, Any], pbo: float | None, says: str
) -> None:
    found = verdict(good(**changes), pbo)
    assert found.level is VerdictLevel.NO_EVIDENCE
    assert found.sentences[0] == "There is no evidence of an edge."
    assert says in text_of(good(**changes), pbo)


@pytest.mark.parametrize(
    ("changes", "pbo"),
    [
        ({"deals": 30}, None),
        ({"expectancy_interval": Interval(0.001, 2.0)}, None),
        ({"deflated_sharpe": 0.951}, None),
        ({}, 0.499),
        ({}, None),
    ],
)
def test_the_bounds_themselves(changes: dict[str, Any], pbo: float | None) -> None:
    assert verdict(good(**changes), pbo).level is VerdictLevel.EVIDENCE


def test_a_loss_comes_first() -> None:
    losing = good(net_profit=Decimal("-12.5"), gross_profit=Decimal("27.5"), fees_paid=Decimal(40))
    found = verdict(losing)
    assert found.level is VerdictLevel.LOSES_MONEY
    assert found.sentences[0] == (
        "The strategy loses money: 12.50 over 60 deals, 40.00 of fees included."
    )
    assert "breaks even at a fee of" in text_of(losing)


def test_a_loss_still_held_is_a_loss() -> None:
    found = verdict(good(total_return=-0.2))
    assert found.level is VerdictLevel.LOSES_MONEY
    assert "20.00 % of the equity, what is still held at the end included" in found.sentences[0]


def test_deals_that_lose_before_fees_are_told_so() -> None:
    assert "no fee is low enough" in text_of(
        good(net_profit=Decimal(-2), gross_profit=Decimal(-1), break_even_fee_rate=None)
    )


def test_a_run_without_deals_is_no_evidence() -> None:
    empty = summarise([], days(100), np.full(100, 5.0), days(100), np.linspace(1, 2, 100))
    found = verdict(empty)
    assert found.level is VerdictLevel.NO_EVIDENCE
    text = " ".join(found.sentences)
    assert "0 deals are too few" in text
    assert "has no interval: needs at least 10 deals, was 0" in text
    assert "has no value: the returns do not vary" in text
    assert "Buying and holding returned 100.00 %, the strategy 0.00 %." in text


def played(pnl: np.ndarray, trials: int = 1) -> VerdictLevel:
    curve = np.append(1000.0, 1000.0 + np.cumsum(pnl))
    ts = days(curve.size)
    deals = deals_of(*(f"{value:.6f}" for value in pnl))
    found = summarise(deals, ts, curve, ts, np.ones(curve.size), trials=trials, bootstrap_runs=200)
    return verdict(found).level


def test_luck_is_not_mistaken_for_an_edge() -> None:
    # Each test alone lets one lucky run in twenty pass, so all together let no more.
    seeds = range(300)
    levels = [played(np.random.default_rng(seed).normal(0.0, 1.0, 60)) for seed in seeds]
    assert levels.count(VerdictLevel.EVIDENCE) <= len(seeds) / 20


def test_the_best_of_many_lucky_runs_passes_only_where_the_many_are_kept_secret() -> None:
    seeds = range(60)
    told, secret = 0, 0
    for seed in seeds:
        tried = np.random.default_rng(seed).normal(0.0, 1.0, (50, 60))
        best = tried[np.argmax(tried.mean(axis=1) / tried.std(axis=1))]
        told += played(best, trials=50) is VerdictLevel.EVIDENCE
        secret += played(best) is VerdictLevel.EVIDENCE
    assert told <= len(seeds) / 20
    assert secret >= len(seeds) / 2


def test_an_edge_is_seen() -> None:
    seeds = range(40)
    levels = [played(np.random.default_rng(seed).normal(0.5, 1.0, 120), 10) for seed in seeds]
    assert levels.count(VerdictLevel.EVIDENCE) >= 0.9 * len(seeds)


@pytest.mark.parametrize("pbo", [-0.1, 1.1, float("nan")])
def test_a_probability_that_is_none_is_refused(pbo: float) -> None:
    with pytest.raises(ValueError, match="probability of overfitting from 0 to 1"):
        verdict(good(), pbo)
