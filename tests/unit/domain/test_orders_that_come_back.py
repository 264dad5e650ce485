"""Orders and cancels of which we believed wrong: what the exchange says of them puts it right."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.entities.deal import DealStatus
from autotrade.domain.entities.order_state import OrderStatus
from autotrade.domain.state import Record
from tests.engine_harness import EngineHarness, commands, none_of, only

WINDOW_SECONDS = 5


def report(bot: EngineHarness, order_id: str, *, is_open: bool, filled: str = "0") -> list[Record]:
    """What REST says of an order."""
    return bot.send(
        e.OrderReported,
        order_id=order_id,
        exchange_id=f"x{order_id}",
        is_open=is_open,
        filled_total=D(filled),
        reason="PARTIALLY_FILLED" if is_open else "CANCELED",
    )


def start_again(bot: EngineHarness) -> list[Record]:
    bot.send(
        e.SessionStarted,
        installation_id="at1",
        version="1",
        commit="c",
        mode="simulation",
        venue="embedded",
        market="test",
        start_balances=(),
        request_window_ms=WINDOW_SECONDS * 1000,
    )
    return bot.send(e.SessionReady)


def partly_filled_and_canceling() -> EngineHarness:
    """A BUY that filled in part; our cancel of its rest was written down."""
    bot = EngineHarness()
    bot.opened()
    bot.fill(bot.entry.id, "0.02")
    assert only(bot.wait(2), c.CancelOrder).order_id == bot.entry.id
    return bot


# --- cancels that never arrived -----------------------------------------------------------------


def test_a_cancel_that_died_with_its_process_is_sent_again_at_once() -> None:
    """Killed between the line of the cancel and its request: the bought part must not lie bare
    until somebody asks again and again."""
    bot = partly_filled_and_canceling()
    bot.ts += 1_000
    start_again(bot)
    report(bot, bot.entry.id, is_open=True, filled="0.02")
    assert only(bot.wait(1), c.CancelOrder).order_id == bot.entry.id


def test_a_cancel_on_its_way_is_not_sent_twice() -> None:
    bot = partly_filled_and_canceling()
    bot.ts += WINDOW_SECONDS * 1000
    report(bot, bot.entry.id, is_open=True, filled="0.02")
    assert not commands(bot.wait(1))


def test_an_order_that_rests_beyond_the_window_of_its_cancel_is_canceled_again() -> None:
    bot = partly_filled_and_canceling()
    bot.ts += WINDOW_SECONDS * 1000 + 1
    report(bot, bot.entry.id, is_open=True, filled="0.02")
    assert only(bot.wait(1), c.CancelOrder).order_id == bot.entry.id


def test_a_report_of_fills_is_no_fill_but_a_question() -> None:
    """An open order that has filled in part, as REST says: which trades, is asked for at once."""
    bot = EngineHarness()
    bot.opened()
    report(bot, bot.entry.id, is_open=True, filled="0.02")
    assert bot.deal.bought == 0
    assert bot.entry.is_in_doubt
    assert any(one.order_id == bot.entry.id for one in bot.records if isinstance(one, c.QueryOrder))
    bot.fill(bot.entry.id, "0.02")
    assert not bot.entry.is_in_doubt


# --- orders that were believed gone -------------------------------------------------------------


def lost_buy() -> EngineHarness:
    """A BUY that the exchange did not know beyond all doubt, and whose deal ended for that."""
    bot = EngineHarness()
    assert bot.signal().approved
    bot.unknown(bot.entry.id)
    bot.ts += WINDOW_SECONDS * 1000 + 1
    bot.send(e.OrderNotFound, order_id=bot.entry.id)
    assert bot.deal.status is DealStatus.CANCELED
    return bot


def test_a_buy_that_rests_after_all_brings_its_deal_back_and_is_canceled() -> None:
    bot = lost_buy()
    report(bot, bot.entry.id, is_open=True)
    assert bot.deal.status is DealStatus.OPEN
    assert bot.state.totals.deals_canceled == 0
    assert "given up before" in only(bot.wait(10), c.CancelOrder).reason
    bot.cancel(bot.entry.id)
    assert bot.deal.status is DealStatus.CANCELED


def test_a_buy_that_comes_back_filled_in_part_is_protected() -> None:
    bot = lost_buy()
    bot.fill(bot.entry.id, "0.02")
    only(bot.wait(2), c.CancelOrder)
    out = bot.cancel(bot.entry.id, "0.02")
    assert only(out, c.PlaceOrderList).amount == D("0.0199")


def test_a_target_and_stop_that_rest_after_all_play_their_parts_again() -> None:
    bot = EngineHarness()
    bot.bought()
    for order_id in ("at1-1-T1", "at1-1-S1"):
        bot.reject(order_id, e.RejectReason.RATE_LIMIT)
    for order_id in ("at1-1-T1", "at1-1-S1"):
        report(bot, order_id, is_open=True)
    assert none_of(bot.wait(30), c.PlaceOrderList), "the coins are locked by the first pair"
    assert (bot.target.id, bot.stop.id) == ("at1-1-T1", "at1-1-S1")
    assert bot.deal.unprotected_since_ts is None
    bot.cancel("at1-1-S1", reason="expired")
    bot.fill("at1-1-T1")
    assert bot.deal.status is DealStatus.CLOSED


def test_a_pair_that_comes_back_beside_its_successor_is_canceled() -> None:
    bot = EngineHarness()
    bot.bought()
    for order_id in ("at1-1-T1", "at1-1-S1"):
        bot.reject(order_id, e.RejectReason.RATE_LIMIT)
    again = only(bot.wait(3), c.PlaceOrderList)
    bot.accept(again.target_id)
    bot.accept(again.stop_id)
    report(bot, "at1-1-T1", is_open=True)
    out = report(bot, "at1-1-S1", is_open=True)
    canceled = [one.order_id for one in bot.records if isinstance(one, c.CancelOrder)]
    assert sorted(canceled) == ["at1-1-S1", "at1-1-T1"], out
    assert (bot.target.id, bot.stop.id) == (again.target_id, again.stop_id)
    for order_id in canceled:
        bot.cancel(order_id)
    assert not commands(bot.wait(5))


def test_a_sell_of_a_closed_deal_is_canceled_before_it_sells_the_coins_of_others() -> None:
    bot = EngineHarness()
    bot.bought()
    for order_id in ("at1-1-T1", "at1-1-S1"):
        bot.reject(order_id, e.RejectReason.RATE_LIMIT)
    again = only(bot.wait(3), c.PlaceOrderList)
    bot.accept(again.target_id)
    bot.cancel(again.stop_id, reason="expired")
    bot.fill(again.target_id)
    assert bot.deal.status is DealStatus.CLOSED
    out = report(bot, "at1-1-S1", is_open=True)
    assert bot.deal.status is DealStatus.OPEN
    out += bot.wait(3)
    assert only(out, c.CancelOrder).order_id == "at1-1-S1"
    bot.cancel("at1-1-S1")
    assert bot.deal.status is DealStatus.CLOSED
    assert bot.state.totals.deals_closed == 1


# --- more than was asked for --------------------------------------------------------------------


def test_a_fill_beyond_the_amount_is_held_and_sold() -> None:
    """What the exchange traded was traded; to stop at it would leave it bare at every start."""
    bot = EngineHarness()
    bot.opened()
    amount = bot.entry.amount
    bot.fill(bot.entry.id)
    bot.fill(bot.entry.id, "0.0100")
    assert bot.entry.status is OrderStatus.FILLED
    assert bot.deal.bought == amount + D("0.0100")
    assert bot.state.ledger["ETH"] == (amount + D("0.0100")) * D("0.999")


# --- a market that stands at the target ---------------------------------------------------------


def test_a_lone_target_is_left_alone_while_the_market_stands_at_it() -> None:
    """Taken back it would only be placed alone again: an order storm in a thin book."""
    bot = EngineHarness()
    bot.opened()
    bot.price("2031")
    bot.fill(bot.entry.id)
    bot.accept(bot.target.id)
    assert not commands(bot.wait(60))
    bot.price("2029")
    assert only(bot.wait(1), c.CancelOrder).reason == "its stop is gone: protect the rest"


@pytest.mark.parametrize("channel", [e.Channel.MARKET_DATA, e.Channel.USER_DATA])
def test_an_old_price_at_the_target_does_not_keep_a_position_bare(channel: e.Channel) -> None:
    bot = EngineHarness()
    bot.opened()
    bot.price("2031")
    bot.send(e.ChannelLost, channel=channel, text="silent")
    out = bot.fill(bot.entry.id)
    assert only(out, c.PlaceOrderList).stop_price == D("1940.00")


# --- tries of a long outage ---------------------------------------------------------------------


def outage(bot: EngineHarness, seconds: int) -> None:
    """Every protection is refused, at once."""
    until = bot.ts + seconds * 1000
    while bot.ts < until:
        for order in (bot.target, bot.stop):
            if order.status is OrderStatus.SUBMITTED:
                bot.reject(order.id, e.RejectReason.RATE_LIMIT)
        bot.wait(1)


def test_an_outage_of_hours_does_not_fill_the_memory_with_refused_tries() -> None:
    bot = EngineHarness()
    bot.bought()
    outage(bot, 1_200)
    after_20_minutes = len(bot.deal.order_ids)
    outage(bot, 2_400)
    assert len(bot.deal.order_ids) == after_20_minutes
    assert sorted(order.id for order in bot.state.orders.all()) == sorted(bot.deal.order_ids)
    again = only(bot.wait(6), c.PlaceOrderList)
    stops = [one.stop_id for one in bot.records if isinstance(one, c.PlaceOrderList)]
    assert len(set(stops)) == len(stops) > 500, "a number is never used twice"
    bot.accept(again.target_id)
    bot.accept(again.stop_id)
    bot.fill(again.target_id)
    bot.cancel(again.stop_id, reason="expired")
    assert bot.deal.status is DealStatus.CLOSED


def test_a_refused_try_may_be_contradicted_for_ten_minutes() -> None:
    bot = EngineHarness()
    bot.bought()
    outage(bot, 590)
    report(bot, "at1-1-S1", is_open=True)
    assert bot.state.orders.get("at1-1-S1").is_open()


def test_only_what_was_refused_is_let_go() -> None:
    """A BUY that the exchange did not know, and one that traded, are kept as long as their deal."""
    bot = lost_buy()
    assert bot.state.orders.find("at1-1-B1") is not None
    bot = EngineHarness()
    bot.bought()
    outage(bot, 3_600)
    assert "at1-1-B1" in bot.deal.order_ids
