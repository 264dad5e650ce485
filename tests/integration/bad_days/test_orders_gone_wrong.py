"""Orders on bad days: answers that get lost, fills that come twice or late, refusals, other hands.

Each story ends as `Bench.trading` ends: the session stops in order, start balances plus our fills
are the exchange's account to the last unit, and the journal's chain holds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal as D

import pytest

from autotrade.application.use_cases import run_realtime_trading
from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.entities.deal import DealStatus
from autotrade.infrastructure.simulated_exchange.core.types import (
    OrderKind,
    OrderRequest,
    Side,
    TimeInForce,
)
from tests.integration.bad_days.conftest import Scene
from tests.integration.bad_days.market import ETH, MINUTE_MS
from tests.integration.bench import SPEED, until

ORDER, OCO = "POST /api/v3/order", "POST /api/v3/orderList/oco"
CANCEL, CANCEL_LIST = "DELETE /api/v3/order", "DELETE /api/v3/orderList"
ACCOUNT = "main"


def placed(scene: Scene) -> Counter[str]:
    """How often each of our order ids was ever placed on the exchange."""
    exchange = scene.bench.exchange.exchange
    return Counter(order.client_order_id for order in exchange.all_orders(ACCOUNT, ETH.symbol))


def assert_no_twins(scene: Scene) -> None:
    assert set(placed(scene).values()) <= {1}, placed(scene)
    commands = [row.order_id for row in scene.bench.records(c.PlaceOrder)]
    assert len(commands) == len(set(commands)), "an intent was sent twice"


# --- the reply is lost ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["-1007", "cut"])
@pytest.mark.parametrize("is_executed", [True, False], ids=["executed", "not executed"])
async def test_the_reply_to_a_buy_is_lost(scene: Scene, kind: str, is_executed: bool) -> None:
    """Asked by our own id, never sent again blindly."""
    if kind == "cut" and not is_executed:
        pytest.skip("nothing that is cut off after it arrived was not executed")
    if kind == "cut":
        scene.bench.faults.lose_reply(ORDER)
    else:
        scene.bench.faults.answer_timeout(ORDER, is_executed=is_executed)
    scene.bench.request_window_ms = round(1_500 * SPEED)
    async with scene.bench.trading() as session:
        if is_executed:
            deal = await scene.position(session)
        else:
            deal = await scene.opened(session)
            await scene.ended(deal)
            assert deal.status is DealStatus.CANCELED
        if deal.is_open:
            await scene.win(session, deal)
        await scene.told("BUY attest-1-B1 outcome unknown: ")
        await scene.told("asks for attest-1-B1")
    assert_no_twins(scene)


@pytest.mark.parametrize("kind", ["-1007", "cut"])
async def test_the_reply_to_the_protection_is_lost(scene: Scene, kind: str) -> None:
    if kind == "cut":
        scene.bench.faults.lose_reply(OCO)
    else:
        scene.bench.faults.answer_timeout(OCO)
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        await scene.told("outcome unknown")
        assert len(scene.bench.exchange.exchange.open_orders(ACCOUNT)) == 2
        await scene.win(session, deal)
    assert_no_twins(scene)


@pytest.mark.parametrize("kind", ["-1007 executed", "-1007 not executed", "cut"])
async def test_the_reply_to_a_cancel_is_lost(scene: Scene, kind: str) -> None:
    """On the way out: the stop and the target must be gone before everything is sold, and nothing
    may be sold twice."""
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        if kind == "cut":
            scene.bench.faults.lose_reply(CANCEL_LIST)
        else:
            executed = kind == "-1007 executed"
            scene.bench.faults.answer_timeout(CANCEL_LIST, is_executed=executed)
        scene.market.rise(-2.4)
        await scene.ended(deal)
        # a DELETE on a connection that broke is sent again below us, and finds nothing any more
        await scene.told("outcome unknown", "cancel refused: Unknown order list sent.")
        assert deal.held < D("0.0001")
        assert "emergency" in (deal.close_text or "")
    assert_no_twins(scene)


# --- fills ----------------------------------------------------------------------------------------


async def test_fills_that_come_twice(scene: Scene) -> None:
    scene.bench.faults.user_event_rule = lambda event: 2
    async with scene.bench.trading() as session:
        order = await scene.resting_buy(session)
        for amount in ("0.01", "0.02"):
            scene.fill(order, D(amount))
        scene.fill(order, order.amount - D("0.03"))
        deal = scene.deal(session)
        await scene.protected(session, deal)
        assert len(order.fills) == 3
        assert deal.bought == order.amount
        await scene.win(session, deal)
    told = Counter(line for line in scene.bench.log.lines if "BUY filled" in line)
    assert set(told.values()) == {1}, "a fill is told once"


async def test_fills_that_come_late_and_in_the_wrong_order(scene: Scene) -> None:
    """All account events are held back until REST has told everything, then come newest first."""
    faults = scene.bench.faults
    async with scene.bench.trading() as session:
        order = await scene.resting_buy(session)
        faults.hold_user_events()
        for amount in ("0.01", "0.02"):
            scene.fill(order, D(amount))
        scene.fill(order, order.amount - D("0.03"))
        await until(lambda: order.filled == order.amount, "the fills by REST")
        deal = scene.deal(session)
        await scene.protected(session, deal)
        faults.held_user_events.reverse()
        faults.release_user_events()
        await scene.win(session, deal)
        assert len(order.fills) == 3
        assert deal.bought == order.amount


async def test_a_partial_fill_and_then_the_cancel(scene: Scene) -> None:
    """What was bought is kept, protected and sold; the rest of the BUY is gone."""
    async with scene.bench.trading() as session:
        order = await scene.resting_buy(session)
        scene.fill(order, D("0.02"))
        deal = scene.deal(session)
        await scene.protected(session, deal)
        assert deal.bought == D("0.02")
        assert order.is_closed() and order.filled == D("0.02")
        target = session.state.deal_service.target(deal)
        assert target is not None and target.amount == D("0.0199"), "the fee was taken in ETH"
        await scene.told("partly filled (0.02")
        await scene.win(session, deal)


async def test_a_partial_fill_that_is_canceled_by_hand(scene: Scene) -> None:
    exchange = scene.bench.exchange
    async with scene.bench.trading() as session:
        order = await scene.resting_buy(session)
        scene.fill(order, D("0.02"))
        await until(lambda: order.filled, "the partial fill")
        if order.is_working:
            exchange.exchange.cancel(ACCOUNT, ETH.symbol, client_order_id=order.id)
            exchange.server.publish(exchange.exchange.drain())
        deal = scene.deal(session)
        await scene.protected(session, deal)
        await scene.win(session, deal)


async def test_a_cancel_that_came_too_late(scene: Scene) -> None:
    """ "Unknown order", because it had filled meanwhile: the fill is found and protected."""
    async with scene.bench.trading() as session:
        order = await scene.resting_buy(session)
        deal = scene.deal(session)
        scene.bench.faults.hold_user_events()
        scene.fill(order)
        await until(lambda: not scene.bench.exchange.exchange.open_orders(ACCOUNT), "the fill")
        await session.loop.put(
            e.OperatorRequested(ts=session.now_ms(), action=e.OperatorAction.FLATTEN, by="the test")
        )
        await scene.ended(deal)
        scene.bench.faults.release_user_events()
        await scene.told("cancel refused: Unknown order sent.", "BUY filled")
        assert deal.bought == order.amount
        assert deal.held < D("0.0001")
    assert_no_twins(scene)


# --- the exchange refuses -------------------------------------------------------------------------


async def test_a_filter_that_changed_at_run_time(scene: Scene) -> None:
    """The BUY is refused by a lot size that the bot does not know yet: the deal ends with the
    exchange's own words, the filters are fetched and the next deal keeps them."""
    exchange = scene.bench.exchange.exchange
    async with scene.bench.trading() as session:
        exchange.replace_market(replace(ETH, lot_size=D("0.0007"), minimum_amount=D("0.0007")))
        deal = await scene.opened(session)
        await scene.ended(deal)
        assert deal.status is DealStatus.CANCELED
        assert "Filter failure: LOT_SIZE" in (deal.close_text or "")
        await scene.told("refused: Filter failure: LOT_SIZE (filter)")
        await until(lambda: scene.rules(session).lot_size == D("0.0007"), "the new filters")
        deal = await scene.position(session)
        assert not deal.bought % D("0.0007")
        await scene.win(session, deal)


async def test_a_filter_that_changed_while_something_is_held(scene: Scene) -> None:
    """The SELL is refused, the filters are fetched, the next SELL keeps them."""
    exchange = scene.bench.exchange.exchange
    async with scene.bench.trading() as session:
        order = await scene.resting_buy(session)
        exchange.replace_market(replace(ETH, lot_size=D("0.0007"), minimum_amount=D("0.0007")))
        scene.fill(order)
        deal = scene.deal(session)
        await scene.protected(session, deal)
        target = session.state.deal_service.target(deal)
        assert target is not None and not target.amount % D("0.0007")
        await scene.told("SELL refused (Filter failure: LOT_SIZE), next try in 1 s")
        scene.market.rise(1.5)
        await scene.ended(deal)
        dust = session.state.dust["ETH"].amount
        assert D(0) < dust < D("0.0007")


async def test_a_pair_that_is_halted_and_resumed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The BUY is refused, the halt is known from then on, what rests stays; then it goes on."""
    monkeypatch.setattr(run_realtime_trading, "RULES_SECONDS", 0.5)
    async with scene.bench.trading() as session:
        await scene.signal(session, behind_it=scene.halt)
        await until(lambda: not session.state.deals.open_deals(), "the end of its deal")
        await until(lambda: not scene.rules(session).is_trading, "the halt's news")
        await scene.told("the exchange refused the BUY: Market is closed.", "is halted on the")
        scene.resume()
        await until(lambda: scene.rules(session).is_trading, "the end of the halt")
        await scene.goes_on(session)


async def test_a_halt_while_something_is_held(scene: Scene) -> None:
    exchange = scene.bench.exchange.exchange
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        await scene.halt()
        scene.market.rise(1.5)
        due = session.now_ms() + 5 * MINUTE_MS
        await until(lambda: session.now_ms() > due, "some candles of the halt")
        assert deal.is_open
        assert len(exchange.open_orders(ACCOUNT)) == 2
        scene.resume()
        await scene.ended(deal)
        assert deal.close_text == "target reached"


async def test_a_balance_that_is_too_small(scene: Scene) -> None:
    exchange = scene.bench.exchange
    exchange.exchange.deposit(ACCOUNT, "USDT", D(-9_950))
    exchange.server.publish(exchange.exchange.drain())
    async with scene.bench.trading() as session:
        await scene.signal(session)
        assert session.state.totals.refused == {"balance": 1}
        await scene.told("refused: free USDT 50.00 < 100.00 (D1)")


async def test_a_balance_that_shrank_behind_our_back(scene: Scene) -> None:
    """The stream of the balances is silent: the exchange's own refusal ends the deal."""
    exchange = scene.bench.exchange
    async with scene.bench.trading(reconcile_seconds=1_000.0) as session:
        scene.bench.faults.silent_user_streams = True
        exchange.exchange.deposit(ACCOUNT, "USDT", D(-9_950))
        exchange.server.publish(exchange.exchange.drain())
        deal = await scene.opened(session)
        await scene.ended(deal)
        assert deal.status is DealStatus.CANCELED
        assert "insufficient balance" in (deal.close_text or "")
        exchange.exchange.deposit(ACCOUNT, "USDT", D(9_950))
        exchange.server.publish(exchange.exchange.drain())


async def test_a_notional_that_the_fee_takes_below_the_minimum(scene: Scene) -> None:
    """5.3 USDT buy 0.0026 ETH, but the fee leaves 0.0025 of it: its SELL at the stop would be worth
    less than 5, at every price that this market may have by then."""
    scene.bench.pair = replace(scene.bench.pair, deal_quota=D("5.30"))
    async with scene.bench.trading() as session:
        await scene.signal(session)
        assert session.state.totals.refused == {"min_notional": 1}
        await scene.told("refused: SELL at the stop is worth 4.")


# --- other hands on the account -------------------------------------------------------------------


async def test_coins_that_were_moved_away(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deal is closed with what is known instead of trying for ever; nobody's coins are sold."""
    monkeypatch.setattr(run_realtime_trading, "SETTLE_SECONDS_MAX", 0.5)
    exchange = scene.bench.exchange
    session = await scene.bench.session()
    running = asyncio.create_task(session.run())
    await until(lambda: session.state.is_ready, "the start")
    deal = await scene.position(session)
    exchange.exchange.cancel_all(ACCOUNT, ETH.symbol)
    exchange.exchange.deposit(ACCOUNT, "ETH", -deal.held)
    exchange.server.publish(exchange.exchange.drain())
    await scene.ended(deal)
    assert "was moved away outside the bot" in (deal.close_text or "")
    session.request_stop("test")
    await running
    assert session.ledger_difference == {"ETH": deal.held, "USDT": D(0)}


async def test_protection_that_was_canceled_by_hand(scene: Scene) -> None:
    exchange = scene.bench.exchange
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        before = session.state.deal_service.stop(deal)
        exchange.exchange.cancel_all(ACCOUNT, ETH.symbol)
        exchange.server.publish(exchange.exchange.drain())
        await until(lambda: session.state.deal_service.stop(deal) is not before, "a new stop")
        await scene.protected(session, deal)
        await scene.win(session, deal)
    assert_no_twins(scene)


async def test_a_buy_that_was_canceled_by_hand(scene: Scene) -> None:
    exchange = scene.bench.exchange
    async with scene.bench.trading() as session:
        order = await scene.resting_buy(session)
        deal = scene.deal(session)
        exchange.exchange.cancel(ACCOUNT, ETH.symbol, client_order_id=order.id)
        exchange.server.publish(exchange.exchange.drain())
        await scene.ended(deal)
        assert "ended without our doing" in (deal.close_text or "")


async def test_an_order_placed_by_hand_is_named_and_left_alone(scene: Scene) -> None:
    exchange = scene.bench.exchange.exchange
    by_hand = OrderRequest(
        ETH.symbol,
        Side.BUY,
        OrderKind.LIMIT,
        quantity=D("0.01"),
        price=D(1000),
        time_in_force=TimeInForce.GTC,
        client_order_id="by-hand",
    )
    async with scene.bench.trading():
        exchange.place(ACCOUNT, by_hand)
        await scene.told("did not place")
        assert [order.client_order_id for order in exchange.open_orders(ACCOUNT)] == ["by-hand"]
