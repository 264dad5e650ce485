"""What the exchange did besides our own orders, and what nobody can know yet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from autotrade.infrastructure.audit import audit_lines
from tests.unit.audit import story as s
from tests.unit.audit.story import Story, sound_story


def foreign_order(**changes: Any) -> s.Row:
    return s.exchange_order("B1", 77, "FILLED", clientOrderId="web_1", **changes)


def foreign_trade(**changes: Any) -> s.Row:
    return s.trade(78, 77, is_buyer=True, **changes)


def without_end(story: Story) -> Story:
    """The bot was killed behind the BUY's acceptance; the exchange went on."""
    del story.rows[story.place_of("OrderFilled", "B1") :]
    del story.history.orders[1:], story.history.trades[1:]
    story.history.balances = {"USDT": Decimal(950), "BTC": Decimal("0.4995")}
    return story


def test_foreign_trades_and_transfers_enter_the_ledger_and_nothing_else() -> None:
    story = sound_story()
    story.history.orders.append(foreign_order())
    story.history.trades.append(foreign_trade())
    story.history.transfers = [
        {"asset": "USDT", "amount": "-100", "time": 5_000},
        {"asset": "BNB", "amount": "2", "time": 6_000},
        {"asset": "EUR", "amount": "5", "time": 900},  # before the first session: in its balances
    ]
    moved = {"USDT": Decimal("854.895"), "BTC": Decimal("0.4995"), "BNB": Decimal(2)}
    story.history.balances = moved
    report = story.audit()
    assert report.violations == []
    assert (report.foreign_orders, report.foreign_trades, report.fills) == (1, 1, 2)
    story.history.transfers[0]["amount"] = "-99"
    assert [one.text for one in story.audit().violations] == [
        "the exchange has 1 USDT less than start balances, fills and transfers say"
    ]


def test_foreign_trades_of_a_pair_that_the_bot_never_had() -> None:
    story = sound_story()
    story.history.trades.append(foreign_trade(symbol="BNBUSDT", commissionAsset="BNB"))
    story.history.balances |= {"BNB": Decimal("0.4995"), "USDT": Decimal("954.895")}
    assert story.audit().violations == []


def test_what_trades_after_the_last_look_is_late_and_not_missing() -> None:
    """The target fills after the bot had asked the exchange for the last time."""
    story = sound_story()
    for kind, leg in (("OrderFilled", "T1"), ("OrderCanceled", "S1"), ("DealClosed", "")):
        del story.rows[story.place_of(kind, leg)]
    stop_ts = (story.place_of("OperatorRequested") + 1) * 1_000
    for row in story.history.orders[1:]:
        row["updateTime"] = stop_ts
    story.history.trades[1]["time"] = stop_ts
    report = story.audit()
    assert (report.violations, report.trades_late, report.open_deals) == ([], 1, [1])
    story.history.trades[1]["time"] = stop_ts - 1
    assert story.codes() == ["fill_missing", "ledger", "ledger"]


def test_a_killed_bot_owes_only_what_its_last_look_could_have_seen() -> None:
    story = without_end(sound_story())
    looked_ts = (story.place_of("Reconciled") + 1) * 1_000
    story.history.trades[0]["time"] = looked_ts
    story.history.orders[0]["updateTime"] = looked_ts
    report = story.audit()
    assert (report.violations, report.trades_late) == ([], 1)
    # a second look came later: now it must be known
    story.rows += [s.event("Reconciled", trigger="timer"), s.event("Reconciled", trigger="timer")]
    assert story.codes() == ["order_state_differs", "fill_missing", "ledger", "ledger"]


def test_an_order_younger_than_a_running_bots_last_row() -> None:
    story = without_end(sound_story())
    story.history.trades.clear()
    story.history.balances = {"USDT": Decimal(1_000)}
    last_ts = len(story.rows) * 1_000
    story.history.orders = [
        s.exchange_order("B1", 11, "NEW"),
        s.exchange_order("B2", 12, "NEW", time=last_ts),
    ]
    report = story.audit()
    assert (report.violations, report.orders_late) == ([], 1)
    story.rows.append(s.event("SessionStopped", text="-"))
    assert story.codes() == ["order_without_intent"]


def test_a_history_that_does_not_reach_back() -> None:
    story = sound_story()
    story.rows[story.place_of("OrderFilled", "B1")]["data"]["exchange_ts"] = 10_000
    story.rows[story.place_of("OrderFilled", "T1")]["data"]["exchange_ts"] = 14_000
    del story.history.orders[0], story.history.trades[0]
    assert story.codes() == ["order_unknown_to_exchange", "fill_unknown_to_exchange"]
    story.history.complete_from = 10_001
    assert story.codes() == []
    story.history.complete_from = 8_000
    assert story.codes() == ["order_unknown_to_exchange", "fill_unknown_to_exchange"]


def test_a_history_that_was_taken_before_the_journal_ended() -> None:
    story = sound_story()
    story.rows[story.place_of("OrderFilled", "T1")]["data"]["exchange_ts"] = 14_000
    for number, status in ((1, "NEW"), (2, "NEW")):
        story.history.orders[number]["status"] = status
    del story.history.trades[1]
    story.history.balances = {"USDT": Decimal(950), "BTC": Decimal("0.4995")}
    story.history.taken_ts = 13_500
    assert story.codes() == []


def test_rows_of_overlapping_pages_count_once() -> None:
    story = sound_story()
    story.history.orders *= 2
    story.history.trades *= 2
    report = story.audit()
    assert (report.violations, report.orders) == ([], 3)


def test_orders_that_the_exchange_put_away() -> None:
    story = sound_story()
    del story.history.orders[2]
    assert story.codes() == ["order_unknown_to_exchange"]
    story.rows[-1]["ts"] = 91 * 86_400_000
    assert story.codes() == []


def test_coins_that_were_moved_away_by_hand() -> None:
    """The deal gives them up after the exchange refused to sell them: that is what happened."""
    story = sound_story()
    story.rows[story.place_of("OrderFilled", "T1")] = s.canceled(1, "T1", "12")
    story.insert_before(
        "DealClosed", s.place(1, "X1", amount="0.4995"), s.rejected(1, "X1", "insufficient_balance")
    )
    del story.history.trades[1]
    story.history.orders[1]["status"] = "CANCELED"
    story.history.transfers = [{"asset": "BTC", "amount": "-0.4995", "time": 9_000}]
    story.history.balances = {"USDT": Decimal(950)}
    report = story.audit()
    assert report.violations == []
    assert report.written_off == {"BTC": Decimal("0.4995")}
    assert report.pnl_net == {"USDT": Decimal(-50)}


def test_a_trade_of_ours_with_ourselves_has_two_sides() -> None:
    """One trade id, a BUY of one deal and a SELL of another."""
    story = sound_story()
    story.insert_before(
        "OperatorRequested",
        s.decision(3),
        s.opened(2, 3),
        s.planned(2),
        s.place(2, "B1"),
        s.filled(2, "B1", "31", "22", amount="0.4995", price="99"),
    )
    report = audit_lines(story.lines())
    assert (report.violations, report.fills) == ([], 3)
