"""Figures of deals: values by hand, the published SQN, fees that cancel, and bad deals refused."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.statistics.checks import UndefinedFigure
from autotrade.infrastructure.statistics.deals import (
    average_loss,
    average_win,
    break_even_fee_rate,
    deal_table,
    expectancy,
    exposure,
    fee_rate_paid,
    profit_factor,
    system_quality_number,
    win_rate,
)

from .samples import a_deal, amounts, deals_of

PNL = [3.0, -1.0, 2.0, -2.0, 0.0]


def test_counts_by_hand() -> None:
    assert profit_factor(PNL) == pytest.approx(5 / 3)
    assert expectancy(PNL) == pytest.approx(0.4)
    assert win_rate(PNL) == pytest.approx(0.4)
    assert average_win(PNL) == pytest.approx(2.5)
    assert average_loss(PNL) == pytest.approx(-1.5)


def test_sqn_of_a_published_example() -> None:
    # 25 deals with an average of 0.8 R and a standard deviation of 2.5 R: 5 x 0.8 / 2.5 = 1.6
    # (arithmetic of Tharp's formula as worked on forexdominion.com, "SQN ratio").
    multiples = [0.8] + [0.8 + 2.5] * 12 + [0.8 - 2.5] * 12
    assert system_quality_number(multiples) == pytest.approx(1.6)


def test_sqn_by_hand_and_with_its_cap() -> None:
    assert system_quality_number([2, -1, 2, -1]) == pytest.approx(2 * 0.5 / 3**0.5)
    many = [2, -1] * 200
    assert system_quality_number(many, 100) == pytest.approx(system_quality_number(many) / 2)
    assert system_quality_number([2, -1], 100) == system_quality_number([2, -1])


def test_figures_of_no_deals_and_one() -> None:
    for figure in (profit_factor, expectancy, win_rate, average_win, average_loss):
        with pytest.raises(UndefinedFigure, match="no deals"):
            figure([])
    with pytest.raises(UndefinedFigure, match="at least 2 deals, was 1"):
        system_quality_number([1.0])
    with pytest.raises(UndefinedFigure, match="do not vary"):
        system_quality_number([0.1, 0.1, 0.1])
    with pytest.raises(UndefinedFigure, match="no deal lost"):
        profit_factor([1.0])
    with pytest.raises(UndefinedFigure, match="no deal won"):
        average_win([-1.0])
    assert expectancy([1.5]) == 1.5


def test_exposure_merges_what_overlaps() -> None:
    table = deal_table(
        [
            a_deal(opened_ts=10, closed_ts=30),
            a_deal(opened_ts=20, closed_ts=25),
            a_deal(opened_ts=28, closed_ts=40),
            a_deal(opened_ts=90, closed_ts=200),
            a_deal(opened_ts=-50, closed_ts=5),
        ]
    )
    assert exposure(table, 0, 100) == pytest.approx((5 + 30 + 10) / 100)
    assert exposure(deal_table([]), 0, 100) == 0.0
    # What is still held at the end was held as well: 40 to 90 was free, 80 to 90 no longer is.
    assert exposure(table, 0, 100, [80, 95]) == pytest.approx((5 + 30 + 20) / 100)
    assert exposure(deal_table([]), 0, 100, [75]) == 0.25
    with pytest.raises(UndefinedFigure, match="no time"):
        exposure(table, 5, 5)


def test_break_even_fee_by_hand() -> None:
    # Bought for 100, sold for 102 before fees; 0.2 of fees on 202 of turnover; 2 / 202 cancels it.
    table = deal_table([a_deal("1.8", fees="0.2")])
    assert table.turnover == Decimal(202)
    assert fee_rate_paid(table) == pytest.approx(0.2 / 202)
    assert break_even_fee_rate(table) == pytest.approx(2 / 202)


def test_no_fee_helps_deals_that_lose_before_fees() -> None:
    with pytest.raises(UndefinedFigure, match="before fees"):
        break_even_fee_rate(deal_table([a_deal("-1", fees="0.2")]))
    with pytest.raises(UndefinedFigure, match="nothing was bought"):
        break_even_fee_rate(deal_table([]))
    with pytest.raises(UndefinedFigure, match="nothing was bought"):
        fee_rate_paid(deal_table([]))


def test_sums_are_exact() -> None:
    table = deal_table([a_deal("0.1", fees="0.1")] * 3)
    assert table.net_profit == Decimal("0.3")
    assert table.gross_profit == Decimal("0.6")


@pytest.mark.parametrize(
    ("deal", "says"),
    [
        (a_deal("NaN", deal_id=7), "finite amounts in deal 7, was invested 100, pnl_net NaN"),
        (a_deal(fees="Infinity"), "finite amounts in deal 1"),
        (a_deal(invested="0"), "deal 1 to have invested more than 0, was 0"),
        (a_deal(opened_ts=5, closed_ts=4), "close at or after its opening 5, was 4"),
    ],
)
def test_a_deal_that_is_none_is_refused(deal: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        deal_table([deal])  # type: ignore[list-item]


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite numbers in deals, was nan at index 1"):
        expectancy([1.0, float("nan")])


@given(st.lists(amounts, min_size=1, max_size=30))
def test_at_the_break_even_fee_nothing_is_earned(gross: list[Decimal]) -> None:
    invested = Decimal(200)
    table = deal_table([a_deal(value, invested=invested, fees="0") for value in gross])
    try:
        rate = Decimal(break_even_fee_rate(table))
    except UndefinedFigure:
        assert sum(gross) < 0
        return
    net = [value - rate * (invested + invested + value) for value in gross]
    assert float(sum(net)) == pytest.approx(0.0, abs=1e-9)


@given(st.lists(st.tuples(st.integers(-20, 120), st.integers(0, 60)), max_size=15))
def test_exposure_agrees_with_counting_every_moment(spans: list[tuple[int, int]]) -> None:
    table = deal_table([a_deal(opened_ts=at, closed_ts=at + length) for at, length in spans])
    busy = sum(any(at <= moment < at + length for at, length in spans) for moment in range(0, 100))
    assert exposure(table, 0, 100) == pytest.approx(busy / 100)


@given(st.lists(amounts, min_size=2, max_size=30), st.integers(1, 1000))
def test_shares_and_ratios_do_not_know_the_currency(pnl: list[Decimal], scale: int) -> None:
    small = np.array([float(value) for value in pnl])
    for figure in (profit_factor, win_rate, system_quality_number):
        try:
            expected = figure(small)
        except UndefinedFigure:
            continue
        assert figure(small * scale) == pytest.approx(expected, rel=1e-9)


@given(st.lists(amounts, min_size=1, max_size=30))
def test_expectancy_is_wins_and_losses_by_their_rates(pnl: list[Decimal]) -> None:
    values = [float(deal.pnl_net) for deal in deals_of(*map(str, pnl))]
    parts = 0.0
    if any(value > 0 for value in values):
        parts += win_rate(values) * average_win(values)
    if any(value < 0 for value in values):
        loss_rate = sum(value < 0 for value in values) / len(values)
        parts += loss_rate * average_loss(values)
    assert expectancy(values) == pytest.approx(parts, abs=1e-9)
