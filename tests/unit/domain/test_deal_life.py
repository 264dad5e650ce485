"""The life of a deal, from the signal to its end, by the real engine."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.deal import DealStatus, ExitReason
from autotrade.domain.entities.order import OrderRole, OrderSide, OrderType
from autotrade.domain.entities.order_state import OrderStatus
from autotrade.domain.settings import (
    BuyOrderMonitorSettings,
    DomainSettings,
    StopLossMonitorSettings,
)
from tests.engine_harness import SYMBOL, EngineHarness, commands, eth_pair, none_of, only


def test_approved_signal_sends_only_the_buy() -> None:
    bot = EngineHarness()
    decision = bot.signal()
    assert decision.approved, decision.reason_text
    buy = only(commands(bot.records), c.PlaceOrder)
    assert (buy.side, buy.type, buy.price) == (OrderSide.BUY, OrderType.LIMIT, D("2000.00"))
    assert buy.amount == D("0.0499")  # 100 / (2000 * 1.001), rounded down to the lot
    assert buy.order_id == "at1-1-B1"
    assert bot.target.status is OrderStatus.PENDING
    assert bot.target.price == D("2030.00")
    assert bot.deal.decision_id == decision.id == "D1"


def test_filled_buy_gets_a_protected_sell_for_what_is_held() -> None:
    bot = EngineHarness()
    bot.bought()
    pair = only(commands(bot.records), c.PlaceOrderList)
    # 0.0499 less 0.1 % fee in ETH is 0.0498501: one lot less than was bought
    assert pair.amount == D("0.0498")
    assert pair.target_price == D("2030.00")
    assert pair.stop_price == D("1940.00")  # 3 % under the entry
    assert pair.stop_limit_price is None
    assert (pair.list_id, pair.target_id, pair.stop_id) == ("at1-1-L1", "at1-1-T1", "at1-1-S1")
    assert bot.target.status is OrderStatus.SUBMITTED


def test_stop_with_a_limit_where_no_market_stop_is_offered() -> None:
    bot = EngineHarness()
    bot.with_rules(has_stop_loss=False)
    bot.bought()
    pair = only(commands(bot.records), c.PlaceOrderList)
    assert pair.stop_limit_price == D("1920.60")
    assert bot.stop.type is OrderType.STOP_LOSS_LIMIT


def test_stop_with_a_limit_for_more_than_a_market_order_may_have() -> None:
    """A stop without one becomes a market order; the exchange would refuse it again and again."""
    bot = EngineHarness()
    bot.with_rules(market_maximum_amount=D("0.03"))
    bot.opened()
    pair = only(bot.fill(bot.entry.id), c.PlaceOrderList)
    assert (pair.stop_price, pair.stop_limit_price) == (D("1940.00"), D("1920.60"))


def test_target_filled_closes_the_deal_to_the_last_unit() -> None:
    bot = EngineHarness()
    deal = bot.holding()
    bot.fill(bot.target.id, "0.0498", "2030")
    out = bot.cancel(bot.stop.id, reason="expired")
    assert only(out, e.DealClosed).text == "target reached"
    assert deal.status is DealStatus.CLOSED
    # 0.0499 bought for 99.8, fee 0.0000499 ETH; 0.0498 sold for 101.094, fee 0.101094 USDT;
    # 0.0000501 ETH of dust stays and takes its share of the cost with it.
    assert deal.held == 0
    assert deal.dust_out == D("0.0000501")
    assert deal.dust_out_cost == D("0.10020000")
    assert deal.pnl_net == D("101.094") - D("0.101094") - D("99.8") + D("0.1002")
    assert deal.pnl_gross - deal.pnl_net == deal.fees_quote == D("0.101094") + D("0.0998")
    assert bot.state.ledger == {
        "ETH": D("0.0000501"),
        "USDT": D("101.094") - D("99.9") + D("-0.001094"),
    }
    assert bot.state.totals.deals_closed == bot.state.totals.deals_won == 1


def test_a_deal_waits_for_the_stop_to_be_gone() -> None:
    bot = EngineHarness()
    bot.holding()
    out = bot.fill(bot.target.id, "0.0498", "2030")
    assert none_of(out, e.DealClosed)
    assert bot.deal.is_open


def test_a_deal_that_sold_all_it_bought_waits_for_the_stop_as_well() -> None:
    """With fees in another asset sold is what was bought, and still something rests."""
    bot = EngineHarness()
    bot.opened()
    bot.fill(bot.entry.id, fee_asset="USDT")
    bot.accept(bot.target.id)
    bot.accept(bot.stop.id)
    out = bot.fill(bot.target.id, fee_asset="USDT")
    assert bot.deal.sold == bot.deal.bought
    assert none_of(out, e.DealClosed)
    assert only(bot.cancel(bot.stop.id, reason="expired"), e.DealClosed)


def test_dust_of_earlier_deals_joins_the_next_sell() -> None:
    bot = EngineHarness()
    bot.holding()
    bot.fill(bot.target.id, "0.0498", "2030")
    bot.cancel(bot.stop.id, reason="expired")
    bot.wait(120)
    bot.price("2050")
    bot.bought()
    pair = only(commands(bot.records[-3:]), c.PlaceOrderList)
    # 0.0487 bought, 0.0486513 held, 0.0000501 dust: with the dust one lot more can be sold
    assert bot.deal.bought == D("0.0487")
    assert pair.amount == D("0.0487")
    assert bot.deal.dust_in == D("0.0000487")
    assert bot.deal.dust_in_cost == D("0.09740000")  # its share of what the dust had cost
    assert bot.deal.held == D("0.0487")
    assert bot.state.dust["ETH"].amount == D("0.0000014")


def test_stop_filled_on_the_exchange_closes_at_a_loss() -> None:
    bot = EngineHarness(DomainSettings(stop_loss_monitor=StopLossMonitorSettings(enabled=False)))
    deal = bot.holding()
    bot.cancel(bot.target.id, reason="expired")
    out = bot.fill(bot.stop.id, "0.0498", "1939")
    assert only(out, e.DealClosed).text == "stopped on the exchange"
    assert deal.pnl_net < -3
    assert bot.state.history[SYMBOL].last_loss_ts == bot.ts


def test_fills_in_pieces_and_twice_are_booked_once_each() -> None:
    bot = EngineHarness()
    deal = bot.opened()
    bot.fill(bot.entry.id, "0.0200", trade_id="a")
    assert none_of(bot.fill(bot.entry.id, "0.0200", trade_id="a"), e.Event)
    assert deal.bought == D("0.0200")
    out = bot.fill(bot.entry.id, "0.0299", trade_id="b")
    assert only(out, c.PlaceOrderList).amount == D("0.0498")
    assert bot.state.ledger["ETH"] == D("0.0499") * D("0.999")


def test_partly_filled_buy_is_protected_after_its_grace() -> None:
    bot = EngineHarness()
    bot.opened()
    bot.fill(bot.entry.id, "0.0200")
    assert not commands(bot.wait(1))
    cancel = only(bot.wait(1), c.CancelOrder)
    assert cancel.reason.startswith("partly filled (0.0200 of 0.0499)")
    out = bot.cancel(bot.entry.id, "0.0200")
    assert only(out, c.PlaceOrderList).amount == D("0.0199")


def test_cancel_waits_for_fills_it_speaks_of() -> None:
    """The cancel says 0.03 filled, we know 0.02: the deal asks before it sells."""
    bot = EngineHarness()
    bot.opened()
    bot.fill(bot.entry.id, "0.0200")
    bot.wait(2)
    out = bot.cancel(bot.entry.id, "0.0300")
    assert only(out, c.QueryOrder).reason.startswith("fills missing: 0.0200 of 0.0300")
    assert none_of(out, c.PlaceOrderList)
    out = bot.fill(bot.entry.id, "0.0100", trade_id="late")
    assert only(out, c.PlaceOrderList).amount == D("0.0299")


# --- BuyOrderMonitor ---------------------------------------------------------------------------


def test_stale_by_age_is_recreated_under_the_market() -> None:
    bot = EngineHarness()
    bot.opened()
    bot.price("2010")
    assert not commands(bot.wait(300))
    out = bot.wait(11)
    assert only(out, c.CancelOrder).reason == "stale: older than 5 min"
    out = bot.cancel("at1-1-B1")
    again = only(out, c.PlaceOrder)
    assert again.order_id == "at1-1-B2"
    assert again.price == D("2007.99")  # 0.1 % under 2010
    planned = only(out, e.SellPlanned)
    assert planned.order_id == "at1-1-T1"
    assert planned.price == D("2038.11")  # 1.5 % above the new entry, up to the tick
    assert bot.target.price == planned.price
    assert bot.deal.recreations == 1


def test_a_late_fill_belongs_to_the_buy_that_it_names() -> None:
    bot = EngineHarness()
    bot.opened()
    bot.price("2010")
    bot.wait(311)
    bot.cancel("at1-1-B1")
    assert bot.entry.id == "at1-1-B2"
    bot.fill("at1-1-B1", "0.01", "2000")
    assert bot.state.orders.get("at1-1-B1").filled == D("0.01")
    assert bot.entry.filled == 0
    assert bot.deal.cost == 20


def test_pair_life_time_shortens_the_age() -> None:
    bot = EngineHarness(pair=eth_pair(order_life_time=1))
    bot.opened()
    out = bot.wait(71)
    assert only(out, c.CancelOrder).reason == "stale: older than 1 min"


def test_stale_by_deviation() -> None:
    bot = EngineHarness()
    bot.opened()
    bot.price("2061")  # the BUY is 2.96 % under it
    assert not commands(bot.wait(10))
    bot.price("2063")
    out = bot.wait(10)
    assert only(out, c.CancelOrder).reason == "stale: 3.05% under the market > 3%"


def test_given_up_after_the_last_recreation() -> None:
    bot = EngineHarness(
        DomainSettings(buy_order_monitor=BuyOrderMonitorSettings(max_recreations=1))
    )
    bot.opened()
    bot.wait(311)
    bot.cancel("at1-1-B1")
    bot.accept("at1-1-B2")
    bot.wait(311)
    out = bot.cancel("at1-1-B2")
    assert only(out, e.DealCanceled).text == "stale: older than 5 min; re-created 1 times already"
    assert bot.deal.status is DealStatus.CANCELED
    assert bot.target.status is OrderStatus.CANCELED
    assert bot.state.deals.open_deals() == []


def test_recreation_can_be_switched_off_and_spaced() -> None:
    off = EngineHarness(
        DomainSettings(buy_order_monitor=BuyOrderMonitorSettings(auto_recreate_orders=False))
    )
    off.opened()
    off.wait(311)
    assert "re-creation is off" in only(off.cancel("at1-1-B1"), e.DealCanceled).text
    spaced = EngineHarness(
        DomainSettings(
            buy_order_monitor=BuyOrderMonitorSettings(min_time_between_recreations_minutes=D(6))
        )
    )
    spaced.opened()
    spaced.wait(311)
    assert spaced.cancel("at1-1-B1") == []
    assert only(spaced.wait(60), c.PlaceOrder).order_id == "at1-1-B2"


def test_monitor_switched_off_leaves_the_buy() -> None:
    bot = EngineHarness(DomainSettings(buy_order_monitor=BuyOrderMonitorSettings(enabled=False)))
    bot.opened()
    assert not commands(bot.wait(1000))


def test_too_little_bought_is_topped_up() -> None:
    """0.001 ETH cannot be sold (2 USDT): the BUY is made anew for the rest of the budget."""
    bot = EngineHarness()
    bot.opened()
    bot.fill(bot.entry.id, "0.0010")
    assert not commands(bot.wait(30))
    bot.wait(290)
    out = bot.cancel("at1-1-B1", "0.0010")
    again = only(out, c.PlaceOrder)
    assert again.order_id == "at1-1-B2"
    assert again.amount == D("0.0489")
    out = bot.fill("at1-1-B2")
    assert only(out, c.PlaceOrderList).amount == D("0.0498")


def test_too_little_bought_and_given_up_becomes_dust() -> None:
    bot = EngineHarness(
        DomainSettings(buy_order_monitor=BuyOrderMonitorSettings(max_recreations=0))
    )
    bot.opened()
    bot.fill(bot.entry.id, "0.0010")
    bot.wait(311)
    out = bot.cancel("at1-1-B1", "0.0010")
    dust = only(out, e.DustBooked)
    assert (dust.amount, dust.cost) == (D("0.0009990"), D("1.99800000"))
    assert "too little to sell" in only(out, e.DealCanceled).text
    assert bot.state.dust["ETH"].amount == D("0.000999")


def test_recreation_stands_in_front_of_a_wall() -> None:
    from autotrade.domain.entities.orderbook import OrderBook

    bot = EngineHarness()
    bot.opened()
    bot.wait(311)
    bids = ((1999.9, 1.0), (1997.5, 1.0), (1997.0, 50.0), (1996.0, 1.0), (1995.0, 1.0))
    bot.book(OrderBook(SYMBOL, bot.ts, bids, ((2000.0, 5.0),)))
    out = bot.cancel("at1-1-B1")
    assert only(out, c.PlaceOrder).price == D("1997.00")


def test_recreation_that_breaks_a_filter_ends_the_deal() -> None:
    bot = EngineHarness()
    bot.opened()
    bot.with_rules(minimum_notional=D(200))
    bot.wait(311)
    out = bot.cancel("at1-1-B1")
    assert "cannot be re-created: NOTIONAL" in only(out, e.DealCanceled).text


# --- refusals and doubt ------------------------------------------------------------------------


def test_refused_buy_cancels_the_deal_with_the_reason() -> None:
    bot = EngineHarness()
    bot.signal()
    out = bot.reject(bot.entry.id, e.RejectReason.INSUFFICIENT_BALANCE, "insufficient balance")
    assert only(out, e.DealCanceled).text == "the exchange refused the BUY: insufficient balance"
    assert bot.entry.status is OrderStatus.FAILED


def test_unknown_buy_freezes_the_deal_until_the_exchange_was_asked() -> None:
    bot = EngineHarness()
    bot.signal()
    out = bot.unknown(bot.entry.id)
    assert only(out, c.QueryOrder).order_id == "at1-1-B1"
    assert none_of(out, c.PlaceOrder)
    assert not [x for x in commands(bot.wait(60)) if isinstance(x, c.PlaceOrder)]
    out = bot.send(
        e.OrderReported,
        order_id="at1-1-B1",
        exchange_id="77",
        is_open=True,
        filled_total=D(0),
        reason="NEW",
    )
    assert bot.entry.status is OrderStatus.OPEN
    assert bot.entry.exchange_id == "77"


def test_coins_that_were_sold_but_not_told_yet_are_not_sold_again() -> None:
    """Between two questions for the missing trade the deal does nothing."""
    bot = EngineHarness()
    bot.holding()
    bot.cancel(bot.target.id)
    out = bot.cancel("at1-1-S1", filled="0.02")
    assert only(out, c.QueryOrder).order_id == "at1-1-S1"
    assert {type(one) for one in commands(bot.wait(20))} == {c.QueryOrder}
    out = bot.fill("at1-1-S1", "0.02")
    assert only(out, c.PlaceOrderList).amount == D("0.0298")


def test_not_found_proves_nothing_while_the_request_may_be_on_its_way() -> None:
    bot = EngineHarness()
    bot.signal()
    bot.unknown(bot.entry.id)
    bot.ts += 5_000  # exactly the window: the request might still be taken
    bot.send(e.OrderNotFound, order_id="at1-1-B1")
    assert bot.entry.status is OrderStatus.UNKNOWN
    bot.ts += 1
    out = bot.send(e.OrderNotFound, order_id="at1-1-B1")
    assert only(out, e.DealCanceled)
    assert bot.entry.status is OrderStatus.FAILED


def test_questions_come_at_doubling_intervals() -> None:
    bot = EngineHarness()
    bot.signal()
    bot.unknown(bot.entry.id)
    start = bot.ts
    asked = []
    for _ in range(40):
        if any(isinstance(x, c.QueryOrder) for x in bot.wait(1)):
            asked.append((bot.ts - start) // 1000)
    assert asked == [2, 6, 14, 30]


def test_silent_order_is_asked_for() -> None:
    bot = EngineHarness()
    bot.signal()
    assert not commands(bot.wait(15))
    assert only(commands(bot.wait(1)), c.QueryOrder).reason == "no answer yet"


def test_refused_oco_is_tried_again_with_new_ids_and_growing_pauses() -> None:
    bot = EngineHarness()
    bot.bought()
    out = bot.reject("at1-1-T1")
    out += bot.reject("at1-1-S1")
    assert only(out, c.QueryBalances)
    assert "next try in 1 s" in only(out, e.ExitPostponed).text
    again = only(bot.wait(1), c.PlaceOrderList)
    assert (again.list_id, again.target_id, again.stop_id) == ("at1-1-L2", "at1-1-T2", "at1-1-S2")
    out = bot.reject("at1-1-T2") + bot.reject("at1-1-S2")
    assert "next try in 2 s" in only(out, e.ExitPostponed).text
    assert none_of(bot.wait(1), c.PlaceOrderList)
    assert only(bot.wait(1), c.PlaceOrderList).list_id == "at1-1-L3"


def test_refusals_of_long_ago_do_not_keep_a_position_bare() -> None:
    """Pauses double while nothing is taken; once a pair rested, the next refusal is a first one."""
    bot = EngineHarness()
    bot.bought()
    for number in range(1, 8):
        bot.reject(f"at1-1-T{number}")
        out = bot.reject(f"at1-1-S{number}")
        bot.wait(30)
    assert "next try in 30 s" in only(out, e.ExitPostponed).text
    bot.accept("at1-1-T8")
    bot.accept("at1-1-S8")
    bot.cancel("at1-1-T8")
    again = bot.cancel("at1-1-S8")
    assert only(again, c.PlaceOrderList).list_id == "at1-1-L9"
    out = bot.reject("at1-1-T9") + bot.reject("at1-1-S9")
    assert "next try in 1 s" in only(out, e.ExitPostponed).text


def test_oco_refused_for_balance_sells_what_is_free() -> None:
    bot = EngineHarness()
    bot.bought()
    for leg in ("at1-1-T1", "at1-1-S1"):
        bot.reject(leg, e.RejectReason.INSUFFICIENT_BALANCE)
    bot.balance("ETH", "0.03005")
    assert only(bot.wait(1), c.PlaceOrderList).amount == D("0.0300")


def test_coins_that_come_back_are_protected_too() -> None:
    bot = EngineHarness()
    bot.bought()
    for leg in ("at1-1-T1", "at1-1-S1"):
        bot.reject(leg, e.RejectReason.INSUFFICIENT_BALANCE)
    bot.balance("ETH", "0.0300")
    pair = only(bot.wait(1), c.PlaceOrderList)
    for leg in (pair.target_id, pair.stop_id):
        bot.accept(leg)
    bot.balance("ETH", "0.0001")
    assert none_of(bot.wait(30), c.CancelOrderList), "a rest that no order could sell"
    bot.balance("ETH", "0.0199")
    assert "protect them too" in only(bot.wait(1), c.CancelOrderList).reason
    out = bot.cancel(pair.target_id) + bot.cancel(pair.stop_id)
    whole = only(out, c.PlaceOrderList)
    assert whole.amount == D("0.0498")
    for leg in (whole.target_id, whole.stop_id):
        bot.accept(leg)
    assert none_of(bot.wait(30), c.CancelOrderList), "free coins of others are not this deal's"


def test_coins_moved_away_end_the_deal_with_a_word() -> None:
    bot = EngineHarness()
    bot.bought()
    bot.balance("ETH", "0.00001")
    for attempt in range(1, 5):
        for leg in (f"at1-1-T{attempt}", f"at1-1-S{attempt}"):
            if bot.state.orders.find(leg) is not None:
                bot.reject(leg, e.RejectReason.INSUFFICIENT_BALANCE)
        bot.balance("ETH", "0.04990" if attempt < 4 else "0.00001")
        bot.wait(10)
    assert bot.deal.status is DealStatus.CLOSED
    assert "was moved away outside the bot" in (bot.deal.close_text or "")
    assert bot.state.totals.deals_won == 0


def test_an_asset_without_a_row_in_the_account_is_one_with_nothing_in_it() -> None:
    bot = EngineHarness()
    bot.bought()
    refuse_until_it_gives_up(bot)
    assert bot.deal.status is DealStatus.CLOSED
    assert bot.deal.close_text == (
        "0.0498501 ETH was moved away outside the bot, what it cost counts as a loss"
    )


def test_coins_that_another_order_holds_are_not_given_up() -> None:
    bot = EngineHarness()
    bot.bought()
    locked = Balance("ETH", D(0), D("0.05"))
    bot.send(e.BalancesUpdated, balances=(locked,), is_complete=False)
    refuse_until_it_gives_up(bot)
    assert bot.deal.is_open
    bot.balance("ETH", "0.0500")
    assert only(bot.wait(60), c.PlaceOrderList).amount == D("0.0498")


def refuse_until_it_gives_up(bot: EngineHarness) -> None:
    for attempt in range(1, 6):
        for leg in (f"at1-1-T{attempt}", f"at1-1-S{attempt}"):
            order = bot.state.orders.find(leg)
            if order is not None and order.is_open():
                bot.reject(leg, e.RejectReason.INSUFFICIENT_BALANCE)
        if attempt < 5:
            bot.wait(2 ** (attempt - 1))


@pytest.mark.parametrize("reason", [e.RejectReason.RATE_LIMIT, e.RejectReason.UNAVAILABLE])
def test_a_sell_that_was_not_judged_is_tried_again_soon(reason: e.RejectReason) -> None:
    """What is held is unprotected: no pause of a minute, and no questions for what is known."""
    bot = EngineHarness()
    bot.bought()
    for attempt, pause in enumerate((1, 2, 4, 5, 5), start=1):
        out = bot.reject(f"at1-1-T{attempt}", reason) + bot.reject(f"at1-1-S{attempt}", reason)
        assert f"next try in {pause} s" in only(out, e.ExitPostponed).text
        assert none_of(out, c.QueryBalances)
        assert only(bot.wait(pause), c.PlaceOrderList)


def test_refusals_of_a_ban_do_not_delay_what_is_tried_after_it() -> None:
    """Orders that were not looked at and orders that were refused are counted apart."""
    bot = EngineHarness()
    bot.bought()
    reasons = [e.RejectReason.RATE_LIMIT] * 9 + [e.RejectReason.FILTER] * 2
    reasons += [e.RejectReason.UNAVAILABLE]
    texts = []
    for attempt, reason in enumerate(reasons, start=1):
        out = bot.reject(f"at1-1-T{attempt}", reason) + bot.reject(f"at1-1-S{attempt}", reason)
        texts.append(only(out, e.ExitPostponed).text.rpartition("next try in ")[2])
        bot.wait(5)
    assert texts == ["1 s", "2 s", "4 s"] + ["5 s"] * 6 + ["1 s", "2 s", "1 s"]


@pytest.mark.parametrize(
    ("reason", "is_asked"),
    [
        (e.RejectReason.FILTER, True),
        (e.RejectReason.MARKET_HALTED, True),
        (e.RejectReason.INSUFFICIENT_BALANCE, True),
        (e.RejectReason.RATE_LIMIT, False),
        (e.RejectReason.PERMISSION, False),
    ],
)
def test_a_buy_that_was_judged_shows_that_we_believe_wrong(
    reason: e.RejectReason, is_asked: bool
) -> None:
    bot = EngineHarness()
    bot.signal()
    out = bot.reject("at1-1-B1", reason)
    assert only(out, e.DealCanceled)
    assert none_of(out, c.QueryBalances) is not is_asked


def test_market_at_the_target_already_takes_it_with_a_plain_limit() -> None:
    bot = EngineHarness()
    bot.opened()
    bot.price("2031")
    out = bot.fill(bot.entry.id)
    order = only(out, c.PlaceOrder)
    assert (order.role, order.type, order.price) == (
        OrderRole.TARGET,
        OrderType.LIMIT,
        D("2030.00"),
    )


def test_lone_target_that_rests_is_paired_anew() -> None:
    """The market fell back from the target before the SELL arrived: it must not stay alone."""
    bot = EngineHarness()
    bot.opened()
    bot.price("2031")
    bot.fill(bot.entry.id)
    bot.accept("at1-1-T1")
    bot.price("2010")
    assert not commands(bot.wait(1))
    assert only(bot.wait(1), c.CancelOrder).reason == "its stop is gone: protect the rest"
    assert only(bot.cancel("at1-1-T1"), c.PlaceOrderList).target_id == "at1-1-T2"


def test_market_under_the_stop_already_leaves_at_once() -> None:
    bot = EngineHarness()
    bot.opened()
    bot.price("1930")
    out = bot.fill(bot.entry.id)
    assert only(out, e.ExitDecided).reason is ExitReason.EXCHANGE_STOP
    assert only(out, c.PlaceOrder).type is OrderType.MARKET


def test_oco_canceled_by_hand_is_placed_again() -> None:
    bot = EngineHarness()
    bot.holding()
    bot.cancel("at1-1-T1")
    out = bot.cancel("at1-1-S1")
    assert only(out, c.PlaceOrderList).list_id == "at1-1-L2"


# --- StopLossMonitor ---------------------------------------------------------------------------


def test_warning_is_said_once() -> None:
    bot = EngineHarness()
    bot.holding()
    assert none_of(bot.price("1986.02"), e.LossWarned)  # bid 1986.01 is -0.6995 %
    out = bot.price("1986.01")
    assert "(warning)" in only(out, e.LossWarned).text
    assert none_of(bot.price("1985"), e.LossWarned)


def test_emergency_cancels_confirms_and_sells_at_market() -> None:
    bot = EngineHarness()
    deal = bot.holding()
    out = bot.price("1960.01")  # bid 1960.00 is exactly -2 %
    assert only(out, e.ExitDecided).reason is ExitReason.EMERGENCY
    assert only(out, c.CancelOrderList).list_id == "at1-1-L1"
    assert none_of(bot.wait(3), c.Command)
    assert none_of(bot.cancel("at1-1-T1"), c.PlaceOrder)
    sell = only(bot.cancel("at1-1-S1"), c.PlaceOrder)
    assert (sell.type, sell.side, sell.amount) == (OrderType.MARKET, OrderSide.SELL, D("0.0498"))
    assert sell.order_id == "at1-1-X1"
    assert none_of(bot.accept("at1-1-X1"), c.Command)  # the way out is not canceled itself
    assert none_of(bot.wait(3), c.Command)
    out = bot.fill("at1-1-X1", price="1959")
    assert "(emergency)" in only(out, e.DealClosed).text
    assert deal.exit_reason is ExitReason.EMERGENCY


def test_monitor_switched_off_leaves_the_stop_on_the_exchange_alone() -> None:
    bot = EngineHarness(DomainSettings(stop_loss_monitor=StopLossMonitorSettings(enabled=False)))
    bot.holding()
    assert bot.price("1945") == []
    assert bot.stop.is_working


def test_level_before_emergency_is_not_emergency() -> None:
    bot = EngineHarness()
    bot.holding()
    out = bot.price("1960.02")
    assert none_of([r for r in out if getattr(r, "reason", "") == ExitReason.EMERGENCY], e.Event)


def test_orderbook_level_leaves_without_support() -> None:
    bot = EngineHarness()
    bot.holding()
    out = bot.price("1975")
    decided = only(out, e.ExitDecided)
    assert decided.reason is ExitReason.STOP_LOSS
    assert "no support in the book" in decided.text


def support_book(price: float, ts: int) -> object:
    from autotrade.domain.entities.orderbook import OrderBook

    bids = tuple((round(price - 0.01 - i * 0.05, 2), 5.0) for i in range(50))
    asks = tuple((round(price + i * 0.05, 2), 2.0) for i in range(50))
    return OrderBook(SYMBOL, ts, bids, asks)


def test_orderbook_level_waits_for_bids_but_not_for_ever() -> None:
    bot = EngineHarness()
    bot.holding()

    def fall(price: str) -> list[object]:
        bot.book(support_book(float(price), bot.ts))  # type: ignore[arg-type]
        value = D(price)
        return list(
            bot.send(e.TickerUpdated, symbol=SYMBOL, price=value, bid=value - D("0.01"), ask=value)
        )

    out = fall("1975")
    assert only(out, e.LossWatched).is_watching  # type: ignore[arg-type]
    bot.ts += 120_000
    assert none_of(fall("1975"), e.Event)  # type: ignore[arg-type]
    bot.ts += 1
    assert "for 120 s > 120 s" in only(fall("1975"), e.ExitDecided).text  # type: ignore[arg-type]


def test_recovery_above_the_level_ends_the_watch() -> None:
    bot = EngineHarness()
    bot.holding()
    bot.book(support_book(1975.0, bot.ts))  # type: ignore[arg-type]
    bot.send(e.TickerUpdated, symbol=SYMBOL, price=D(1975), bid=D(1975), ask=D(1975))
    out = bot.send(e.TickerUpdated, symbol=SYMBOL, price=D(1990), bid=D(1990), ask=D(1990))
    assert not only(out, e.LossWatched).is_watching
    assert bot.deal.watch_since_ts is None


def test_stop_fills_while_the_emergency_cancels() -> None:
    """The cancel is refused because the stop filled: the deal asks, and closes."""
    bot = EngineHarness()
    bot.holding()
    bot.price("1940")
    out = bot.send(e.CancelRejected, order_id="at1-1-S1", code=-2011, message="Unknown order sent.")
    assert only(out, c.QueryOrder).order_id == "at1-1-S1"
    bot.send(e.CancelRejected, order_id="at1-1-T1", code=-2011, message="Unknown order sent.")
    bot.send(
        e.OrderReported,
        order_id="at1-1-S1",
        exchange_id="9",
        is_open=False,
        filled_total=D("0.0498"),
        reason="FILLED",
    )
    bot.fill("at1-1-S1", "0.0498", "1939")
    out = bot.send(
        e.OrderReported,
        order_id="at1-1-T1",
        exchange_id="8",
        is_open=False,
        filled_total=D(0),
        reason="EXPIRED",
    )
    assert only(out, e.DealClosed).text == "stopped on the exchange"
    assert none_of(bot.records, c.Command) is False
    assert not [x for x in commands(bot.records) if getattr(x, "role", None) is OrderRole.EXIT]


def test_market_exit_without_buyers_is_tried_again() -> None:
    bot = EngineHarness()
    bot.holding()
    bot.price("1950")
    bot.cancel("at1-1-T1")
    bot.cancel("at1-1-S1")
    bot.accept("at1-1-X1")
    bot.fill("at1-1-X1", "0.0100", "1949")
    out = bot.cancel("at1-1-X1", "0.0100", "expired")
    assert only(out, e.ExitPostponed)
    again = only(bot.wait(1), c.PlaceOrder)
    assert (again.order_id, again.amount) == ("at1-1-X2", D("0.0398"))


def test_limit_exit_goes_first_when_asked() -> None:
    bot = EngineHarness(
        DomainSettings(stop_loss_monitor=StopLossMonitorSettings(limit_exit_first=True))
    )
    bot.holding()
    bot.price("1950")
    bot.cancel("at1-1-T1")
    first = only(bot.cancel("at1-1-S1"), c.PlaceOrder)
    assert (first.type, first.time_in_force, first.price) == (
        OrderType.LIMIT,
        c.TimeInForce.IOC,
        D("1946.09"),
    )
    bot.accept("at1-1-X1")
    out = bot.cancel("at1-1-X1", reason="expired")
    assert only(out, c.PlaceOrder).type is OrderType.MARKET


# --- operator, late fills, protection ----------------------------------------------------------


def test_flatten_sells_what_is_held_and_cancels_what_is_not() -> None:
    bot = EngineHarness()
    bot.holding()
    bot.wait(120)
    bot.price("2010")
    assert bot.signal().approved
    bot.accept("at1-2-B1")
    out = bot.send(e.OperatorRequested, action=e.OperatorAction.FLATTEN, by="test")
    assert only(out, c.CancelOrderList).deal_id == 1
    assert only(out, c.CancelOrder).order_id == "at1-2-B1"
    assert only(bot.cancel("at1-2-B1"), e.DealCanceled).text == "flatten requested by test"


@pytest.mark.parametrize("action", [e.OperatorAction.PAUSE, e.OperatorAction.STOP])
def test_no_new_buy_while_paused_or_stopping(action: e.OperatorAction) -> None:
    bot = EngineHarness()
    bot.opened()
    bot.send(e.OperatorRequested, action=action, by="test")
    assert not bot.signal().approved
    bot.wait(311)
    out = bot.cancel("at1-1-B1")
    assert only(out, e.DealCanceled)
    bot.send(e.OperatorRequested, action=e.OperatorAction.RESUME, by="test")
    assert bot.state.is_paused is False


def test_late_fill_brings_a_canceled_deal_back_to_life() -> None:
    bot = EngineHarness(
        DomainSettings(buy_order_monitor=BuyOrderMonitorSettings(max_recreations=0))
    )
    bot.opened()
    bot.wait(311)
    bot.cancel("at1-1-B1")
    assert bot.deal.status is DealStatus.CANCELED
    out = bot.fill("at1-1-B1", "0.0400")
    assert bot.deal.is_open
    assert bot.state.totals.deals_canceled == 0
    assert only(out, c.PlaceOrderList).amount == D("0.0399")


def test_late_sell_fill_corrects_the_result() -> None:
    bot = EngineHarness()
    deal = bot.holding()
    bot.price("1950")
    bot.cancel("at1-1-T1")
    bot.cancel("at1-1-S1")
    bot.fill("at1-1-X1", price="1949")
    first = deal.pnl_net
    assert deal.status is DealStatus.CLOSED
    bot.fill("at1-1-T1", "0.00001", "2030", trade_id="late")
    assert deal.status is DealStatus.CLOSED
    assert bot.state.totals.deals_closed == 1
    assert bot.state.totals.pnl_net["USDT"] == deal.pnl_net > first


def test_time_without_protection_is_measured() -> None:
    bot = EngineHarness()
    deal = bot.opened()
    bot.fill(bot.entry.id)
    bot.ts += 700
    bot.accept("at1-1-T1")
    bot.accept("at1-1-S1")
    assert deal.unprotected_ms_max == 700
    assert bot.state.totals.unprotected_ms_max == 700
    bot.price("1950")
    bot.cancel("at1-1-T1")
    bot.cancel("at1-1-S1")
    bot.ts += 900
    bot.fill("at1-1-X1", price="1949")
    assert deal.unprotected_ms_max == 900


def test_fee_in_a_third_asset_is_valued_at_its_last_price() -> None:
    bot = EngineHarness()
    bot.opened()
    bot.send(e.TickerUpdated, symbol="BNB/USDT", price=D(600), bid=D(600), ask=D(600))
    out = bot.fill(bot.entry.id, fee_asset="BNB")
    fee = D("0.0499") * 2000 * D("0.001")
    assert only(out, e.FeeValued).fee_quote == fee * 600
    assert bot.deal.fees_quote == fee * 600
    assert only(out, c.PlaceOrderList).amount == D("0.0499")  # nothing was taken in base


def test_foreign_orders_change_nothing() -> None:
    bot = EngineHarness()
    bot.send(e.OrderAccepted, order_id="by-hand", exchange_id="1", exchange_ts=0)
    bot.send(
        e.OrderFilled,
        order_id="by-hand",
        exchange_id="1",
        trade_id="1",
        symbol=SYMBOL,
        side=OrderSide.BUY,
        price=D(1),
        amount=D(1),
        fee=D(0),
        fee_asset="USDT",
        is_maker=True,
        exchange_ts=0,
    )
    assert bot.state.ledger == {}
    assert bot.state.totals.foreign_events == 2
