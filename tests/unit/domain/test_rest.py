"""The corners: factories, repositories, questions and refusals that the long stories pass by."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import OrderRole, OrderSide, OrderType
from autotrade.domain.entities.order_state import OrderStatus
from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.entities.position import Position
from autotrade.domain.factories.order_factory import OrderFactory
from autotrade.domain.repositories import CLOSED_DEALS_KEPT, InMemoryDeals, InMemoryOrders
from autotrade.domain.settings import (
    BuyOrderMonitorSettings,
    DomainSettings,
    TradingSettings,
)
from autotrade.domain.state import Dust
from tests.engine_harness import SYMBOL, EngineHarness, commands, eth_pair, none_of, only


def command(side: OrderSide) -> c.PlaceOrder:
    return c.PlaceOrder(
        ts=1,
        deal_id=1,
        symbol=SYMBOL,
        order_id="at1-1-B1",
        role=OrderRole.ENTRY,
        side=side,
        type=OrderType.LIMIT,
        amount=D(1),
        price=D(1),
    )


def test_ids_fit_the_exchange_or_are_refused() -> None:
    assert OrderFactory.client_order_id("at1", 12, "B", 3) == "at1-12-B3"
    for installation in ("", "a" * 36, "spaced out", "ümlaut"):
        if installation:
            with pytest.raises(ValueError, match="client order id: expected 1 to 36"):
                OrderFactory.client_order_id(installation, 1, "B", 1)


def test_factories_refuse_the_wrong_side() -> None:
    with pytest.raises(ValueError, match="expected a BUY, was SELL"):
        OrderFactory.create_buy_order(command(OrderSide.SELL))
    with pytest.raises(ValueError, match="expected a SELL, was BUY"):
        OrderFactory.create_sell_order(command(OrderSide.BUY))


def test_repositories_refuse_a_second_of_the_same_id() -> None:
    bot = EngineHarness()
    bot.opened()
    with pytest.raises(ValueError, match="order at1-1-B1: expected a new id"):
        bot.state.orders.add(bot.entry)
    with pytest.raises(ValueError, match="deal 1: expected a new number"):
        bot.state.deals.add(bot.deal)


def test_memory_of_closed_deals_is_bounded() -> None:
    bot = EngineHarness(
        DomainSettings(buy_order_monitor=BuyOrderMonitorSettings(auto_recreate_orders=False))
    )
    for _ in range(CLOSED_DEALS_KEPT + 20):
        bot.ts += 120_000
        bot.price("2000")
        assert bot.signal().approved
        bot.reject(bot.entry.id)
    assert len(list(bot.state.deals.all())) == CLOSED_DEALS_KEPT
    assert len(list(bot.state.orders.all())) == 2 * CLOSED_DEALS_KEPT
    assert bot.state.totals.deals_canceled == CLOSED_DEALS_KEPT + 20


def test_the_deals_that_are_remembered_do_not_depend_on_a_restart() -> None:
    """A snapshot lists deals by number; those that ended first are forgotten all the same."""

    def deal(number: int) -> Deal:
        return Deal(number, SYMBOL, "ETH", "USDT", number, f"D{number}", D(100), D(1), D(2))

    def end(deals: InMemoryDeals, one: Deal, ts: int) -> None:
        one.cancel(ts, "over")
        deals.ended(one)

    lived = InMemoryDeals(InMemoryOrders())
    made = [deal(number) for number in range(CLOSED_DEALS_KEPT)]
    for one in made:
        lived.add(one)
    for ts, one in enumerate(reversed(made)):
        end(lived, one, ts)
    restored = InMemoryDeals(InMemoryOrders())
    for one in made:
        restored.add(replace(one))
    for deals in (lived, restored):
        deals.add(deal(CLOSED_DEALS_KEPT))
        end(deals, deals.get(CLOSED_DEALS_KEPT), 1_000)
        assert {one.id for one in deals.all()} == {*range(CLOSED_DEALS_KEPT + 1)} - {made[-1].id}


def test_position_and_pair_say_what_they_are() -> None:
    position = Position(SYMBOL, D(2), D(100))
    assert position.value(D(110)) == 220
    assert position.change_percent(D(110)) == 10
    assert CurrencyPair("ETH", "USDT", 1, D(1), D(1), 1).market_id == "ETHUSDT"
    bot = EngineHarness()
    deal = bot.holding()
    assert deal.position == Position(SYMBOL, D("0.0498501"), D(2000))


def test_symbol_without_filters_is_refused_not_guessed() -> None:
    bot = EngineHarness()
    bot.state.pairs[SYMBOL].rules = None
    decision = bot.signal()
    assert not decision.approved
    assert decision.amount is None
    assert decision.checks[-1].text == "the exchange's filters of ETH/USDT are not known yet"
    with pytest.raises(ValueError, match="expected the exchange's filters"):
        bot.state.deal_service.rules(bot.state.pairs[SYMBOL])


def test_without_validation_the_book_is_not_asked() -> None:
    bot = EngineHarness(DomainSettings(trading=TradingSettings(enable_orderbook_validation=False)))
    bot.book(OrderBook(SYMBOL, bot.ts, (), ()))
    decision = bot.signal()
    assert decision.approved, decision.reason_text
    assert decision.book == {}
    assert decision.entry_price == 2000


def test_resistance_lifts_the_target() -> None:
    bot = EngineHarness()
    bids = tuple((round(1999.99 - i * 0.05, 2), 5.0) for i in range(100))
    asks = [(round(2000 + i * 0.5, 2), 2.0) for i in range(100)]
    asks[75] = (2037.5, 400.0)
    bot.book(OrderBook(SYMBOL, bot.ts, bids, tuple(asks)))
    decision = bot.signal()
    assert decision.approved, decision.reason_text
    assert "exit_at_resistance" in decision.modifications
    assert decision.target_price is not None
    assert decision.target_price > D("2030.00")


def test_candles_make_indicators_and_a_signal_of_the_real_strategy() -> None:
    """Down, then up: the histogram crosses from below while the fast SMA leads."""
    bot = EngineHarness()
    out = []
    for minute in range(400):
        wave = (minute % 28) / 28
        dip = 6.0 if wave < 0.5 else 0.0
        price = 2000 + minute * 1.0 - dip * wave * 4
        bot.price(f"{price:.2f}")
        out.extend(bot.candle(minute, price))
    assert any(type(record).__name__ == "Decision" for record in out)
    ticker = bot.state.tickers.find(SYMBOL)
    assert ticker is not None
    assert "macd_histogram" in ticker.signals
    before = len(bot.records)
    bot.candle(399, 2500.0)  # the same candle again gives nothing
    assert len(bot.records) == before
    other = bot.send(e.CandleClosed, symbol=SYMBOL, timeframe="1h", candle=None)
    assert other == []


def test_signal_of_a_pair_that_is_not_ours_is_nothing() -> None:
    bot = EngineHarness()
    bot.state.pairs.clear()
    for minute in range(120):
        bot.candle(minute, 2000 + minute % 7)
    assert none_of(bot.records, c.Command)


def test_report_of_a_rejected_order() -> None:
    bot = EngineHarness()
    bot.signal()
    bot.unknown(bot.entry.id)
    out = bot.send(
        e.OrderReported,
        order_id="at1-1-B1",
        exchange_id="5",
        is_open=False,
        filled_total=D(0),
        reason="REJECTED",
    )
    assert bot.entry.status is OrderStatus.FAILED
    assert only(out, e.DealCanceled)


def test_report_of_a_canceled_order_is_not_a_rejection() -> None:
    bot = EngineHarness()
    bot.signal()
    bot.unknown(bot.entry.id)
    bot.send(
        e.OrderReported,
        order_id="at1-1-B1",
        exchange_id="5",
        is_open=False,
        filled_total=D(0),
        reason="CANCELED",
    )
    assert bot.entry.status is OrderStatus.CANCELED


def test_filled_order_whose_fills_are_missing_is_asked_for_and_not_canceled() -> None:
    bot = EngineHarness()
    bot.opened()
    out = bot.send(
        e.OrderReported,
        order_id="at1-1-B1",
        exchange_id="5",
        is_open=False,
        filled_total=D("0.0499"),
        reason="FILLED",
    )
    assert only(out, c.QueryOrder)
    assert bot.entry.status is OrderStatus.OPEN
    assert only(bot.fill("at1-1-B1"), c.PlaceOrderList)
    assert bot.entry.status is OrderStatus.FILLED


def test_one_cancel_of_a_list_at_a_time() -> None:
    """The cancel's answer for one leg is here, for the other it is not: no second cancel leaves."""
    bot = EngineHarness()
    bot.holding()
    bot.price("1950")
    assert not commands(bot.price("1949"))
    bot.send(e.CancelOutcomeUnknown, order_id="at1-1-T1", message="lost")
    bot.send(
        e.OrderReported,
        order_id="at1-1-T1",
        exchange_id="5",
        is_open=True,
        filled_total=D(0),
        reason="NEW",
    )
    sent = [x for x in commands(bot.records) if isinstance(x, c.CancelOrderList)]
    assert len(sent) == 1


def test_cancel_without_an_answer_is_asked_for() -> None:
    bot = EngineHarness()
    bot.holding()
    bot.price("1950")
    assert not commands(bot.wait(15))
    asked = [x.order_id for x in commands(bot.wait(1)) if isinstance(x, c.QueryOrder)]
    assert asked == ["at1-1-T1", "at1-1-S1"]


def test_pair_without_oco_is_sold_by_a_lone_limit() -> None:
    bot = EngineHarness()
    bot.with_rules(has_oco=False)
    bot.bought()
    order = commands(bot.records)[-1]
    assert isinstance(order, c.PlaceOrder)
    assert (order.role, order.price) == (OrderRole.TARGET, D("2030.00"))
    bot.accept(order.order_id)
    assert not commands(bot.wait(60))


def test_too_little_for_a_stop_is_sold_at_the_target() -> None:
    """At the entry it is worth enough for an order, at the stop's price it is not."""
    bot = EngineHarness(
        DomainSettings(buy_order_monitor=BuyOrderMonitorSettings(max_recreations=0))
    )
    bot.with_rules(lot_size=D("0.00001"), minimum_amount=D("0.00001"))
    bot.state.dust["ETH"] = Dust(D("0.00001"), D("0.02"))
    bot.opened()
    bot.fill(bot.entry.id, "0.00255")
    bot.wait(311)
    out = bot.cancel("at1-1-B1", "0.00255")
    order = [x for x in commands(out) if isinstance(x, c.PlaceOrder)][-1]
    # 0.00254745 held; with the dust of earlier deals one lot more can be sold
    assert (order.role, order.amount) == (OrderRole.TARGET, D("0.00255"))
    assert (bot.deal.dust_in, bot.deal.held) == (D("0.00000255"), D("0.00255"))


def test_too_little_for_a_stop_waits_for_its_top_up_first() -> None:
    bot = EngineHarness()
    bot.with_rules(lot_size=D("0.00001"), minimum_amount=D("0.00001"))
    bot.opened()
    bot.fill(bot.entry.id, "0.00255")
    bot.wait(311)
    again = only(commands(bot.cancel("at1-1-B1", "0.00255")), c.PlaceOrder)
    assert again.order_id == "at1-1-B2"
    planned = [x for x in bot.records if isinstance(x, e.SellPlanned)][-1]
    assert planned.amount == D("0.04993")


def test_a_draw_is_no_loss() -> None:
    """Only a loss starts the longer pause on the pair."""
    bot = EngineHarness()
    bot.with_rules(lot_size=D("0.0000001"), minimum_amount=D("0.0000001"))
    deal = bot.opened()
    bot.fill(bot.entry.id, trade_id="a")
    bot.accept("at1-1-S1")
    amount = bot.target.amount
    even = (deal.cost - deal.cost * (deal.held - amount) / deal.held) / amount
    bot.fill("at1-1-T1", str(amount), str(even), fee_asset="BNB")
    bot.cancel("at1-1-S1")
    assert deal.status.value == "CLOSED"
    assert abs(deal.pnl_net) < D("0.0001")
    assert (bot.state.history[SYMBOL].last_loss_ts is not None) is (deal.pnl_net < 0)


def test_wall_must_stand_out_threefold() -> None:
    """Three times the mean of its neighbours is not enough, more is."""
    for size, price in ((3.0, "1998.00"), (3.1, "1997.00")):
        bot = EngineHarness()
        bot.opened()
        bot.wait(311)
        bids = ((1999.9, 1.0), (1997.5, 1.0), (1997.0, size), (1996.0, 1.0), (1995.0, 1.0))
        bot.book(OrderBook(SYMBOL, bot.ts, bids, ((2000.0, 5.0),)))
        again = only(commands(bot.cancel("at1-1-B1")), c.PlaceOrder)
        assert again.price == D(price)


def test_exactly_nothing_free_is_needed_to_call_coins_missing() -> None:
    """Refused again and again, but the exchange says that the coins are free: it keeps trying."""
    bot = EngineHarness()
    bot.bought()
    for attempt in range(1, 7):
        bot.balance("ETH", "0.05")
        for leg in (f"at1-1-T{attempt}", f"at1-1-S{attempt}"):
            if bot.state.orders.find(leg) is not None:
                bot.reject(leg, e.RejectReason.INSUFFICIENT_BALANCE)
        bot.wait(40)
    assert bot.deal.is_open
    assert bot.deal.attempts["L"] >= 6


def test_lot_limits_are_inclusive() -> None:
    from autotrade.domain.services.utils.decimal_rounding_service import DecimalRoundingService
    from tests.engine_harness import RULES

    def violation(amount: str) -> str | None:
        return DecimalRoundingService.violation(
            RULES, OrderType.LIMIT, OrderSide.BUY, amount=D(amount), price=D(2000)
        )

    assert violation("9000") is None
    assert violation("9000.0001") is not None


def test_recreation_waits_for_fresh_data() -> None:
    bot = EngineHarness()
    bot.opened()
    bot.wait(311)
    bot.send(e.ChannelLost, channel=e.Channel.MARKET_DATA, symbol=SYMBOL, text="silent")
    assert not commands(bot.cancel("at1-1-B1"))
    assert not bot.signal().approved
    bot.send(e.ChannelRestored, channel=e.Channel.MARKET_DATA, symbol=SYMBOL)
    assert only(commands(bot.wait(1)), c.PlaceOrder).order_id == "at1-1-B2"


def test_recreation_against_a_filter_is_given_up() -> None:
    bot = EngineHarness()
    bot.opened()
    bot.wait(311)
    bot.with_rules(minimum_notional=D(500))
    out = bot.cancel("at1-1-B1")
    assert "cannot be re-created" in only(out, e.DealCanceled).text


def test_market_status_is_a_reason() -> None:
    bot = EngineHarness()
    bot.with_rules(is_trading=False)
    decision = bot.signal()
    assert decision.refusal is not None
    assert decision.refusal.reason == "halted"
    assert bot.state.totals.refused == {"halted": 1}


def test_balances_complete_and_partial() -> None:
    bot = EngineHarness()
    bot.balance("ETH", "1")
    assert bot.state.balances["USDT"].total == 10_000
    bot.send(e.BalancesUpdated, balances=(), is_complete=True)
    decision = bot.signal()
    assert decision.refusal is not None
    assert decision.refusal.reason == "balance"


def test_session_stopped_is_not_ready() -> None:
    bot = EngineHarness()
    bot.send(e.SessionStopped, text="over")
    decision = bot.signal()
    assert decision.refusal is not None
    assert decision.refusal.reason == "not_ready"


def test_losing_all_channels_and_one() -> None:
    bot = EngineHarness()
    bot.send(e.ChannelLost, channel=e.Channel.USER_DATA, text="gone")
    assert bot.state.stale_text(SYMBOL) == "gone"
    bot.send(e.ChannelRestored, channel=e.Channel.USER_DATA)
    bot.send(e.ChannelRestored, channel=e.Channel.USER_DATA)
    assert bot.state.stale_text(SYMBOL) is None
    assert bot.state.totals.reconnects == 1


def test_an_empty_book_is_no_loss_of_everything() -> None:
    """The exchange quotes 0 for a side on which nobody stands."""
    bot = EngineHarness()
    bot.bought()
    nobody = D(0)
    out = bot.send(e.TickerUpdated, symbol=SYMBOL, price=D(2000), bid=nobody, ask=D(2000))
    assert not out and bot.deal.exit_reason is None
    assert (ticker := bot.state.tickers.find(SYMBOL)) and ticker.bid > 0


def test_no_more_deals_than_the_exchange_lets_have_a_stop() -> None:
    bot = EngineHarness(pair=eth_pair(deal_count=9))
    bot.with_rules(max_stop_orders=1)
    bot.holding()
    bot.wait(120)
    bot.price("2010")
    decision = bot.signal()
    assert decision.refusal is not None
    assert decision.refusal.text == "open deals on ETH/USDT 1 >= 1"
