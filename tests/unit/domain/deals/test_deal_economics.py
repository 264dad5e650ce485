"""What a deal promises before it is opened, and that its checks keep the promise."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.domain.decisions import RefusalReason
from autotrade.domain.services.trading.deal_economics import DealEconomics, DealPlan
from tests.engine_harness import RULES

ECONOMICS = DealEconomics(min_net_profit_percent=D("0.5"), stop_percent=D(3))


def refusals(plan: DealPlan) -> list[RefusalReason | None]:
    return [check.reason for check in plan.checks if not check.passed]


def test_plan_in_numbers() -> None:
    plan = ECONOMICS.plan(RULES, D(100), D(2000), D(2030))
    assert (plan.amount, plan.sell_amount) == (D("0.0499"), D("0.0498"))
    # 0.0498 x 2030 less 0.1 %, plus the dust at cost, less 0.0499 x 2000
    dust = (D("0.0498501") - D("0.0498")) / D("0.0498501") * D("99.8")
    assert plan.net_profit == D("101.094") * D("0.999") + dust - D("99.8")
    assert refusals(plan) == []
    assert [check.name for check in plan.checks] == [
        "amount",
        "buy_filters",
        "sell_notional",
        "net_profit",
    ]


def test_prices_are_rounded_against_us() -> None:
    plan = ECONOMICS.plan(RULES, D(100), D("2000.019"), D("2030.011"))
    assert (plan.entry_price, plan.target_price) == (D("2000.01"), D("2030.02"))


def test_profit_at_its_limit() -> None:
    economics = DealEconomics(D("0.5"), D(3))
    rules = replace(RULES, maker_fee=D(0), taker_fee=D(0), lot_size=D("0.00000001"))
    assert refusals(economics.plan(rules, D(100), D(2000), D(2010))) == []
    plan = economics.plan(rules, D(100), D(2000), D("2009.99"))
    assert refusals(plan) == [RefusalReason.NET_PROFIT]
    assert plan.checks[-1].text == "net profit 0.50% < 0.5%"


def test_notional_counts_at_the_stop_and_after_the_fee() -> None:
    """5.20 USDT buys enough, but the stop 3 % lower after the fee is worth less than 5."""
    rules = replace(RULES, lot_size=D("0.00000001"), minimum_amount=D("0.00000001"))
    assert refusals(ECONOMICS.plan(rules, D("5.17"), D(2000), D(2040))) == []
    plan = ECONOMICS.plan(rules, D("5.16"), D(2000), D(2040))
    assert refusals(plan) == [RefusalReason.MIN_NOTIONAL]
    assert "SELL at the stop is worth" in plan.checks[2].text


def test_amount_below_the_least_is_refused() -> None:
    plan = ECONOMICS.plan(replace(RULES, minimum_amount=D(1)), D(100), D(2000), D(2040))
    assert plan.amount == 0
    assert RefusalReason.AMOUNT in refusals(plan)
    assert "under the exchange's least 1" in plan.checks[0].text


@pytest.mark.parametrize("entry", [D(0), D("0.001")])
def test_price_of_nothing_is_refused_not_divided_by(entry: D) -> None:
    assert RefusalReason.AMOUNT in refusals(ECONOMICS.plan(RULES, D(100), entry, D(1)))


@given(
    budget=st.decimals("1", "100000", places=2),
    entry=st.decimals("0.0001", "100000", places=4),
    markup=st.decimals("0.1", "20", places=2),
    tick=st.sampled_from([D("0.0001"), D("0.01"), D(1)]),
    lot=st.sampled_from([D("0.00001"), D("0.01"), D(1)]),
)
def test_budget_and_filters_hold(budget: D, entry: D, markup: D, tick: D, lot: D) -> None:
    """Never more than the budget with its fee, never more sold than held, always on the grid."""
    rules = replace(
        RULES, tick_size=tick, lot_size=lot, minimum_amount=lot, maximum_amount=D(10**9)
    )
    plan = ECONOMICS.plan(rules, budget, entry, entry * (1 + markup / 100))
    assert plan.amount * plan.entry_price * (1 + rules.taker_fee) <= budget
    assert plan.sell_amount <= plan.amount * (1 - rules.taker_fee)
    assert plan.amount % lot == plan.sell_amount % lot == 0
    assert plan.entry_price % tick == plan.target_price % tick == 0
    assert plan.entry_price <= entry
    assert plan.target_price >= entry
