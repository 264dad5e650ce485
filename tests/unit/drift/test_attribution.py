"""The parts of a deal's difference sum to it exactly, and each stands under its right name."""

from __future__ import annotations

from decimal import Decimal as D

from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.domain.decisions import Check, Decision, RefusalReason, Signal
from autotrade.infrastructure.drift.attribution import attribute
from autotrade.infrastructure.drift.deal_facts import (
    NOTHING_BOUGHT,
    OPEN_AT_END,
    TARGET,
    DealFacts,
    RunFacts,
)

KEY = ("ETH/USDT", 60_000)
prices = st.decimals("0.01", "5000", places=2)
amounts = st.decimals("0.0001", "3", places=4)


def facts(**changes: object) -> DealFacts:
    """Bought 2 at 100 of 2 ordered, sold at 110, fees 0.4."""
    deal = DealFacts(1, KEY, "USDT", 1_000, D(100), D(100), D(2))
    deal.target, deal.bought, deal.cost = D(110), D(2), D(200)
    deal.sold, deal.proceeds, deal.fees = D(2), D(220), D("0.4")
    deal.first_fill_ts, deal.exit, deal.result = 1_250, TARGET, D("19.6")
    for name, value in changes.items():
        setattr(deal, name, value)
    return deal


def parts(recorded: DealFacts, backtest: DealFacts) -> dict[str, D]:
    [drift] = attribute(RunFacts({KEY: recorded}), RunFacts({KEY: backtest}))
    assert sum(drift.parts.values(), D(0)) == drift.difference == backtest.result - recorded.result
    return {name: value for name, value in drift.parts.items() if value}


def test_the_same_deal_differs_in_nothing() -> None:
    assert parts(facts(), facts()) == {}


def test_a_fill_above_the_limit_price_is_latency() -> None:
    late = facts(cost=D(203), result=D("16.6"))
    assert parts(late, facts()) == {"latency": D(3)}


def test_another_limit_is_spread() -> None:
    wide = facts(first_limit=D(101), limit=D(101), cost=D(202), result=D("17.6"))
    assert parts(wide, facts()) == {"spread": D(2)}


def test_a_bid_that_was_created_again_is_queue() -> None:
    again = facts(limit=D(102), cost=D(204), result=D("15.6"))
    assert parts(again, facts()) == {"queue": D(4)}


def test_a_resting_fill_is_queue() -> None:
    rested = facts(cost=D(198), bought_as_maker=D(2), result=D("21.6"))
    assert parts(rested, facts()) == {"queue": D(-2)}


def test_a_dearer_exchange_is_fee() -> None:
    assert parts(facts(fees=D(1), result=D(19)), facts()) == {"fee": D("0.6")}


def test_leaving_by_the_stop_is_the_exit_path() -> None:
    stopped = facts(exit="stop_loss", proceeds=D(190), result=D("-10.4"))
    assert parts(stopped, facts()) == {"exit_path": D(30)}


def test_a_deal_that_is_still_open_is_the_exit_path() -> None:
    waiting = facts(exit=OPEN_AT_END, sold=D(0), proceeds=D(0), fees=D("0.2"), result=D("5.8"))
    assert parts(waiting, facts()) == {"fee": D("-0.2"), "exit_path": D(14)}


def test_a_partly_filled_bid_is_queue_another_size_is_amount() -> None:
    half = {"bought": D(1), "cost": D(100), "sold": D(1), "proceeds": D(110), "fees": D("0.2")}
    partly = facts(**half, result=D("9.8"))
    smaller = facts(**half, ordered=D(1), result=D("9.8"))
    assert parts(partly, facts()) == {"fee": D("-0.2"), "queue": D(10)}
    assert parts(smaller, facts()) == {"fee": D("-0.2"), "amount": D(10)}


def test_a_bid_that_one_never_filled_is_queue() -> None:
    empty = facts(bought=D(0), cost=D(0), sold=D(0), proceeds=D(0), fees=D(0), result=D(0))
    empty.exit = NOTHING_BOUGHT
    assert parts(empty, facts()) == {"queue": D("19.6")}
    assert parts(facts(), empty) == {"queue": D("-19.6")}


def test_a_missed_signal_names_the_refusal() -> None:
    signal = Signal("ETH/USDT", "s", "1", "k", 1, 60_000, D(1), {})
    check = Check("spread", False, "0.41", "0.30", "spread 0.41% > 0.30%", RefusalReason.SPREAD)
    refused = Decision(
        "D1", 1, signal, False, 0.5, (check,), (), None, None, None, None, {}, {}
    )  # fmt: skip
    [drift] = attribute(RunFacts({}, {KEY: refused}), RunFacts({KEY: facts()}))
    assert drift.parts == {"missed_signal": D("19.6")}
    assert "spread 0.41% > 0.30% (spread)" in drift.text
    [drift] = attribute(RunFacts(candles=set()), RunFacts({KEY: facts()}))
    assert "the run was not there" in drift.text
    [drift] = attribute(RunFacts({KEY: facts()}), RunFacts())
    assert drift.parts == {"missed_signal": D("-19.6")}
    assert "the backtest saw no signal" in drift.text


@st.composite
def any_deal(draw: st.DrawFn) -> DealFacts:
    ordered = draw(amounts)
    bought = draw(st.sampled_from((D(0), ordered, ordered / 2)))
    sold = draw(st.sampled_from((D(0), bought)))
    buy, sell = draw(prices), draw(prices)
    return facts(
        first_limit=draw(prices),
        limit=draw(prices),
        ordered=ordered,
        target=draw(prices),
        bought=bought,
        cost=bought * buy,
        bought_as_maker=draw(st.sampled_from((D(0), bought))),
        sold=sold,
        proceeds=sold * sell,
        fees=draw(st.decimals(0, 5, places=9)),
        exit=draw(st.sampled_from((TARGET, OPEN_AT_END, "stop_loss"))),
        result=draw(st.decimals(-900, 900, places=12)),
    )


@given(any_deal(), any_deal())
@settings(max_examples=150)
def test_the_parts_always_sum_exactly(recorded: DealFacts, backtest: DealFacts) -> None:
    parts(recorded, backtest)
