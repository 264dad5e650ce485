"""The table of planted defects, and which of them no simulated world is known to find."""

from __future__ import annotations

from dataclasses import dataclass

from tools.planted_in_core import CORE
from tools.planted_in_edges import EDGES
from tools.planting import Defect

DEFECTS: tuple[Defect, ...] = (*CORE, *EDGES)


@dataclass(frozen=True, slots=True)
class Survivor:
    """Why no world finds a defect, and the test that does; None where nothing but a second lock
    was broken."""

    why: str
    test: str | None


DEAL_LIFE = "tests/unit/domain/test_deal_life.py::"
COME_BACK = "tests/unit/domain/test_orders_that_come_back.py::"
RECONCILER = "tests/unit/application/test_reconciler.py::"
SNAPSHOTS = "tests/unit/repositories/test_snapshots.py::"
CONNECTORS = "tests/integration/connectors/"

KNOWN_SURVIVORS: dict[str, Survivor] = {
    # another way tells the same in time
    "first_outcome_only": Survivor(
        "the account's stream and the next comparison tell the same fills",
        "tests/unit/application/test_replay.py::test_a_killed_and_continued_run_is_replayed",
    ),
    "no_reconciliation_after_reconnect": Survivor(
        "the comparison on the timer comes within half a minute",
        "tests/integration/bad_days/test_outages.py::test_unreachable_for_a_minute",
    ),
    "intents_not_reconciled": Survivor(
        "every order in doubt is asked for by its own question as well",
        RECONCILER + "test_orders_in_doubt_are_asked_for",
    ),
    "doubt_without_questions": Survivor(
        "the comparison asks for every order in doubt as well",
        DEAL_LIFE + "test_unknown_buy_freezes_the_deal_until_the_exchange_was_asked",
    ),
    "trades_since_now": Survivor(
        "orders that may have traded are asked for with their trades",
        RECONCILER + "test_trades_are_asked_for_from_the_last_thing_we_know",
    ),
    "report_taken_for_fills": Survivor(
        "the comparison brings the trades beside the report",
        COME_BACK + "test_a_report_of_fills_is_no_fill_but_a_question",
    ),
    "stream_loss_not_told": Survivor(
        "the stream is back within seconds",
        CONNECTORS + "test_user_stream.py::test_a_closed_stream_is_told_at_once_and_comes_back",
    ),
    # BUYs that fill in part or late, at a moment when something else goes wrong: rare
    "partial_fill_forgotten_on_cancel": Survivor(
        "the fill itself is seldom lost as well",
        DEAL_LIFE + "test_cancel_waits_for_fills_it_speaks_of",
    ),
    "late_fill_ignored": Survivor(
        "fills seldom come after the end", DEAL_LIFE + "test_cancel_waits_for_fills_it_speaks_of"
    ),
    "fill_of_another_order": Survivor(
        "fills of a BUY seldom come after its successor",
        DEAL_LIFE + "test_a_late_fill_belongs_to_the_buy_that_it_names",
    ),
    "deal_stays_closed": Survivor(
        "fills seldom come after a deal's end",
        DEAL_LIFE + "test_late_fill_brings_a_canceled_deal_back_to_life",
    ),
    "whole_budget_again": Survivor(
        "BUYs that filled in part are seldom made anew, and no promise is about the budget",
        DEAL_LIFE + "test_too_little_bought_is_topped_up",
    ),
    "grace_in_minutes": Survivor(
        "BUYs seldom stay filled in part for long",
        DEAL_LIFE + "test_partly_filled_buy_is_protected_after_its_grace",
    ),
    "doubt_does_not_freeze": Survivor(
        "between two questions there is seldom something to do",
        DEAL_LIFE + "test_coins_that_were_sold_but_not_told_yet_are_not_sold_again",
    ),
    "cancel_sent_is_cancel_arrived": Survivor(
        "cancels are rare; a single world found it once",
        COME_BACK + "test_a_cancel_that_died_with_its_process_is_sent_again_at_once",
    ),
    "rest_of_target_unguarded": Survivor(
        "a target seldom rests filled in part; 80 worlds did not find it",
        DEAL_LIFE + "test_lone_target_that_rests_is_paired_anew",
    ),
    "buy_made_anew_on_lost_data": Survivor(
        "BUYs are seldom made anew at such a moment; the 44th world found it",
        "tests/unit/domain/test_rest.py::test_recreation_waits_for_fresh_data",
    ),
    # two locks on one door
    "fills_not_awaited": Survivor("a deal with an unsettled order does nothing anyway", None),
    "closed_with_an_open_order": Survivor(
        "the engine does not ask whether a deal has ended while something of it rests", None
    ),
    # the second try of a request
    "duplicate_is_rejected": Survivor(
        "the simulated network never doubles an order",
        CONNECTORS + "test_orders.py::test_the_same_intent_sent_twice_is_one_order",
    ),
    "clock_refusal_not_repeated": Survivor(
        "the domain's own next try succeeds",
        CONNECTORS
        + "test_order_path.py"
        + "::test_a_clock_that_is_15_seconds_off_is_measured_anew_and_the_order_goes_out_once",
    ),
    "unsent_orders_asked_for": Survivor(
        "it takes a disk that is slower than a comparison; a single world found it once",
        RECONCILER + "test_an_order_that_was_not_sent_yet_is_not_asked_for",
    ),
    "old_buy_sent": Survivor(
        "the disk seldom keeps a BUY that long; two worlds of 1,730 found it",
        "tests/unit/application/test_trading_loop.py"
        "::test_a_buy_that_the_disk_kept_too_long_is_not_sent",
    ),
    # what these worlds do not have
    "stale_book_accepted": Survivor(
        "books seldom stand still for long before a signal",
        "tests/unit/domain/market_data/test_orderbook_analyzer.py::test_age",
    ),
    "ids_of_all_symbols_mixed": Survivor(
        "the embedded exchange numbers the orders of all pairs in one row",
        "tests/unit/connectors/test_small_parts.py::test_exchange_ids_belong_to_one_symbol",
    ),
    # the moment between two steps
    "snapshot_newer_than_it_says": Survivor(
        "something must happen while the disk is waited for, and the process die soon after",
        SNAPSHOTS + "test_what_happens_while_the_journal_is_synced_is_not_in_the_snapshot",
    ),
    "snapshot_in_two_steps": Survivor(
        "something must happen while the disk is waited for, and the process die soon after",
        SNAPSHOTS + "test_what_happens_while_the_journal_is_synced_is_not_in_the_snapshot",
    ),
    "snapshots_of_different_moments": Survivor(
        "the process must die between two of four files",
        SNAPSHOTS + "test_files_of_different_moments_are_refused",
    ),
    "half_written_rows_left": Survivor(
        "a failed write ends the process, and the next start cuts the row",
        "tests/unit/journal/test_journal_faults.py::test_a_torn_write_is_cut_back_to_the_last_whole_row",
    ),
}
"""Names of defects; `bite.py` lets the worlds try all the same, and then the test."""
