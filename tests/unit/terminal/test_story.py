"""`why`: a deal's whole story from a journal that the real engine wrote."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.entities.order import OrderRole, OrderSide, OrderType
from autotrade.infrastructure.journal.codec import RECORD_TYPES
from autotrade.infrastructure.terminal.step_texts import OrderLabels, step_text
from autotrade.infrastructure.terminal.story import tell_deal
from tests.unit.terminal.conftest import Run, Tape, play_deal


@dataclass
class Row:
    """A journal row by hand."""

    seq: int
    record: Any
    deal: int | None
    cause: int | None = None
    kind: str = ""

    @property
    def ts(self) -> int:
        return int(self.record.ts)

    @property
    def type(self) -> str:
        return type(self.record).__name__


def rows_of(tape: Tape, *, with_deal: bool = True) -> list[Row]:
    return [
        Row(seq, record, deal if with_deal or hasattr(record, "deal_id") else None)
        for seq, (record, deal) in enumerate(tape.lines, start=1)
    ]


def test_the_story_of_a_closed_deal(folder: Path, run: Run) -> None:
    outcome = run("why", "1")
    assert outcome.code == 0
    text = outcome.out
    assert text.startswith("Deal 1  ETH/USDT  CLOSED  net +1.293106 USDT (+1.3 %")
    assert "Signal    2023-11-14 22:13:20.000  ETH/USDT macd_cross at 2000" in text
    assert "  ok  spread 0.00% <= 0.30%" in text
    in_order = [
        "Decision  D1 approved",
        "Plan      BUY 0.0499 ETH @ 2000, SELL @ 2030, budget 100 USDT",
        "+0.000s  deal 1 opened: spend up to 100 USDT, entry 2000, target 2030",
        "SELL 0.0498 @ 2030 planned, not sent",
        "BUY 0.0499 @ 2000 sent (LIMIT GTC)",
        "+0.015s  BUY accepted, exchange order xat1-1-B1",
        "BUY filled 0.02 @ 2000 as taker, fee 0.00002 ETH: 0.02 of 0.0499",
        "BUY filled 0.0299 @ 2000 as taker, fee 0.0000299 ETH: complete",
        "with a stop on the exchange at 1940 that sells at market (OCO)",
        "SELL filled 0.0498 @ 2030 as taker, fee 0.101094 USDT: complete",
        "stop rests no more: expired",
        "0.0000501 ETH is too little to sell: booked as dust",
        "deal closed: target reached",
        "bought    0.0499 ETH for 99.8 USDT, average 2000",
        "net       +1.293106 USDT",
    ]
    places = [text.index(line) for line in in_order]
    assert places == sorted(places)


def test_the_story_of_a_refused_signal(folder: Path, run: Run) -> None:
    outcome = run("why", "d2")
    assert outcome.code == 0
    assert outcome.out.startswith(
        "Decision D2  ETH/USDT  refused: time since last signal 11 s < 60 s"
    )
    assert "  REFUSED  time since last signal 11 s < 60 s" in outcome.out
    assert "  ok       spread 0.00% <= 0.30%" in outcome.out
    assert "Plan" not in outcome.out


def test_the_story_for_machines(folder: Path, run: Run) -> None:
    story = run("why", "1", "--json").json
    assert story["deal"]["pnl_net"] == "1.293106000"
    assert story["decision"]["id"] == "D1"
    assert all(isinstance(check["passed"], bool) for check in story["decision"]["checks"])
    assert [step["type"] for step in story["steps"]][-1] == "DealClosed"
    assert [step["seq"] for step in story["steps"]] == sorted(s["seq"] for s in story["steps"])
    assert run("why", "D2", "--json").json["approved"] is False


def test_a_deal_that_is_not_there(folder: Path, run: Run) -> None:
    outcome = run("why", "99")
    assert (outcome.code, outcome.out) == (1, "")
    assert "expected deal 99 in the journal, was not there" in outcome.err
    assert run("why", "D99").code == 1
    assert run("why", "seven").code == 2


def test_a_fill_that_is_told_twice_is_told_once() -> None:
    tape = Tape()
    tape.signal()
    buy = tape.order(OrderRole.ENTRY)
    for _ in range(2):
        tape.fill(buy, amount="0.02", trade_id="t9")
    story = tell_deal(rows_of(tape), 1)
    assert story is not None
    assert sum(step.type == "OrderFilled" for step in story.steps) == 1
    assert story.deal.bought == D("0.02")


def test_an_acceptance_that_answer_and_stream_both_tell_is_told_once() -> None:
    tape = Tape()
    tape.signal()
    buy = tape.order(OrderRole.ENTRY)
    tape.accept(buy)
    tape.accept(buy)
    story = tell_deal(rows_of(tape), 1)
    assert story is not None
    assert [step.text for step in story.steps].count(f"BUY accepted, exchange order x{buy}") == 1


def test_the_story_does_not_need_the_deal_column_of_order_events() -> None:
    tape = Tape()
    play_deal(tape)
    with_column, without = (tell_deal(rows_of(tape, with_deal=flag), 1) for flag in (True, False))
    assert with_column is not None
    assert without is not None
    assert [step.text for step in with_column.steps] == [step.text for step in without.steps]
    assert with_column.deal == without.deal


def test_a_restart_during_the_deal_belongs_to_its_story() -> None:
    tape = Tape()
    tape.signal()
    tape.send(
        e.SessionStarted,
        installation_id="at1",
        version="2",
        commit="c",
        mode="simulation",
        venue="embedded",
        market="test",
        start_balances=(),
        request_window_ms=5_000,
    )
    story = tell_deal(rows_of(tape), 1)
    assert story is not None
    assert story.steps[-1].text == "AutoTrade 2 started and recovered the deal"
    assert not any(step.seq == 1 for step in story.steps)


def test_a_deal_of_another_number_stays_out() -> None:
    tape = Tape()
    play_deal(tape)
    assert tell_deal(rows_of(tape), 2) is None


LABELLED = OrderLabels()
LABELLED.learn("B1", OrderRole.ENTRY, D(1))
LABELLED.learn("B2", OrderRole.ENTRY, D(1))


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (e.OrderRejected(ts=1, order_id="B1", reason=e.RejectReason.FILTER, code=-1013,
                         message="m"),
         "BUY rejected, filter -1013: m"),
        (e.OrderOutcomeUnknown(ts=1, order_id="B2", message="timeout"),
         "BUY 2: no answer that proves anything (timeout); the deal waits until the exchange was "
         "asked"),
        (e.OrderReported(ts=1, order_id="B1", exchange_id="x", is_open=True, filled_total=D("0.5"),
                         reason="NEW"), "exchange says of BUY: NEW, 0.5 filled"),
        (e.OrderNotFound(ts=1, order_id="B1"), "exchange does not know BUY"),
        (e.CancelRejected(ts=1, order_id="B1", code=-2011, message="Unknown order sent."),
         "cancel of BUY refused -2011: Unknown order sent."),
        (e.ExitDecided(ts=1, deal_id=1, reason=e.ExitReason.EMERGENCY, text="-2.1%"),
         "get out (EMERGENCY): -2.1%"),
        (c.PlaceOrder(ts=1, deal_id=1, symbol="ETH/USDT", order_id="B2", role=OrderRole.ENTRY,
                      side=OrderSide.BUY, type=OrderType.MARKET, amount=D(2), price=None),
         "BUY 2 2 at market sent (MARKET)"),
        (c.CancelOrder(ts=1, deal_id=1, symbol="ETH/USDT", order_id="B1", reason="stale"),
         "cancel of BUY sent: stale"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said_plainly(record: object, text: str) -> None:
    assert step_text(record, LABELLED) == text


UNTOLD = {
    "TickerUpdated", "CandleClosed", "OrderBookUpdated", "TimerTicked", "MarketRulesUpdated",
    "BalancesUpdated", "Reconciled", "SessionReady", "QueryBalances", "Decision",
    "Event", "Command",
}  # fmt: skip
"""Kinds that belong to no deal's story."""


@pytest.mark.parametrize("entry", RECORD_TYPES.values(), ids=lambda entry: entry.name)
def test_every_kind_of_row_has_words_or_is_left_out_on_purpose(entry: Any) -> None:
    import inspect

    from autotrade.infrastructure.terminal import step_texts

    is_told = f".{entry.name}(" in inspect.getsource(step_texts)
    assert is_told != (entry.name in UNTOLD)
