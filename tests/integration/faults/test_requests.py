"""Requests and answers that get lost, come late, twice or as a refusal, over the real library.

`Bench.trading` ends each story: the ledger differs in nothing and the journal's chain holds.
"""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from autotrade.domain.entities.deal import DealStatus
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind, ScriptedFault
from tests.integration.bad_days.market import ETH
from tests.integration.bench import until
from tests.integration.faults.conftest import Stage

K = FaultKind


async def test_a_buy_that_never_arrives_is_no_deal_and_no_second_order(stage: Stage) -> None:
    scene = stage.scene
    async with scene.bench.trading() as session:
        stage.fault(K.REQUEST_LOST)
        deal = await scene.opened(session)
        await scene.ended(deal)
        assert deal.status is DealStatus.CANCELED
        assert stage.driver is not None and stage.driver.counts == {K.REQUEST_LOST: 1}
        await scene.told("BUY attest-1-B1 outcome unknown: ")
        await stage.goes_on(session)
    stage.assert_one_order_an_intent()


@pytest.mark.parametrize("kind", [K.REQUEST_LOST, K.SERVER_ERROR, K.REQUEST_DUPLICATED])
async def test_a_protection_in_doubt_stands_in_the_end(stage: Stage, kind: FaultKind) -> None:
    """Two requests meet it: the list of target and stop, and the next one about orders. Of two
    server errors the first is carried out and the second is not."""
    scene = stage.scene
    async with scene.bench.trading() as session:
        order = await scene.resting_buy(session)
        stage.fault(kind, count=2)
        scene.fill(order)
        deal = scene.deal(session)
        await scene.protected(session, deal)
        await stage.happened(kind)
        resting = scene.bench.exchange.exchange.open_orders("main")
        assert len(resting) == 2
        assert all(0 <= deal.held - one.original_quantity < ETH.lot_size for one in resting)
        await stage.goes_on(session)
    stage.assert_one_order_an_intent()


@pytest.mark.parametrize("kind", [K.REQUEST_LOST, K.SERVER_ERROR, K.STATUS_UNKNOWN])
async def test_nothing_is_answered_for_a_while(stage: Stage, kind: FaultKind) -> None:
    """A position is held meanwhile, its target is reached, and then everything is found."""
    scene = stage.scene
    async with scene.bench.trading(reconcile_seconds=0.1) as session:
        deal = await scene.position(session)
        stage.hold(kind)
        await stage.happened(kind)
        scene.market.rise(1.5)
        stage.over()
        await scene.ended(deal)
        assert session.state.totals.deals_won >= 1
        await stage.goes_on(session)
    stage.assert_one_order_an_intent()


async def test_requests_that_come_late(stage: Stage) -> None:
    scene = stage.scene
    async with scene.bench.trading(reconcile_seconds=0.2) as session:
        stage.hold(K.REQUEST_DELAYED)
        await scene.goes_on(session)
        await scene.goes_on(session)
        await stage.happened(K.REQUEST_DELAYED, 4)
    stage.assert_one_order_an_intent()


async def test_a_buy_that_arrives_twice_is_one_order(stage: Stage) -> None:
    """The second one is refused as a duplicate, and that is the answer which is heard."""
    scene = stage.scene
    async with scene.bench.trading() as session:
        stage.fault(K.REQUEST_DUPLICATED)
        order = await scene.resting_buy(session)
        await stage.happened(K.REQUEST_DUPLICATED)
        assert len(scene.bench.exchange.exchange.open_orders("main")) == 1
        scene.fill(order)
        deal = scene.deal(session)
        await scene.protected(session, deal)
        await scene.win(session, deal)
    stage.assert_one_order_an_intent()


async def test_refusals_that_no_check_of_ours_foresaw(stage: Stage) -> None:
    """First the BUY: its deal ends with the exchange's words. Then the protection: tried again
    until it stands."""
    scene = stage.scene
    async with scene.bench.trading() as session:
        stage.fault(K.REJECTED)
        deal = await scene.opened(session)
        await scene.ended(deal)
        assert "Filter failure: PERCENT_PRICE_BY_SIDE" in (deal.close_text or "")
        order = await scene.resting_buy(session)
        stage.fault(K.REJECTED, count=2)
        scene.fill(order)
        held = scene.deal(session)
        await scene.protected(session, held)
        await stage.happened(K.REJECTED, 2)
        await scene.told("SELL refused (Filter failure: PERCENT_PRICE_BY_SIDE)")
        await scene.win(session, held)
    stage.assert_one_order_an_intent()


@pytest.mark.parametrize("kind", [K.RATE_LIMITED, K.BANNED])
async def test_told_to_stay_away_while_the_sockets_close(stage: Stage, kind: FaultKind) -> None:
    """Neither stream nor request works; what rests on the exchange protects, and it comes back."""
    scene = stage.scene
    async with scene.bench.trading(reconcile_seconds=0.1) as session:
        deal = await scene.position(session)
        stage.play(
            ScriptedFault(0, kind, duration_s=1_500),
            ScriptedFault(1, K.USER_STREAM_CLOSED),
            ScriptedFault(1, K.MARKET_STREAM_CLOSED),
        )
        await stage.happened(kind)
        await until(lambda: session.state.lost_channels, "the loss")
        assert len(scene.bench.exchange.exchange.open_orders("main")) == 2
        await stage.passed(kind)
        await until(lambda: not session.state.lost_channels, "the return")
        await scene.win(session, deal)
        await stage.goes_on(session)


async def test_a_clock_that_moves_with_all_that_it_dates(stage: Stage) -> None:
    """Ahead, back, behind and back again, the streams' messages with it."""
    scene = stage.scene
    async with scene.bench.trading() as session:
        for _ in range(2):
            stage.play(
                ScriptedFault(0, K.CLOCK_SKEW, duration_s=300),
                ScriptedFault(400, K.CLOCK_SKEW, duration_s=300),
            )
            await stage.goes_on(session)
        await stage.passed(K.CLOCK_SKEW)
        assert scene.bench.faults.clock_skew_ms == 0
        await stage.goes_on(session)
    stage.assert_one_order_an_intent()


async def test_a_key_that_expires_and_is_renewed(stage: Stage) -> None:
    """The stream is ended by the exchange, nothing signed is answered, and what to do is said."""
    scene = stage.scene
    async with scene.bench.trading(reconcile_seconds=0.1) as session:
        deal = await scene.position(session)
        stage.hold(K.KEY_EXPIRED)
        await until(lambda: session.state.lost_channels, "the loss")
        await scene.told("look at the API key, its secret and its permissions")
        assert deal.is_open
        stage.over()
        await until(lambda: not session.state.lost_channels, "the return")
        await scene.win(session, deal)
        assert deal.held < D("0.0001")
