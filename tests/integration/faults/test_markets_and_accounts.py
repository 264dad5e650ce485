"""What the exchange and other hands do to the market and the account, by script."""

from __future__ import annotations

from decimal import Decimal as D

from autotrade.domain import events as e
from autotrade.domain.entities.order import OrderSide
from autotrade.infrastructure.simulated_exchange.core.types import MarketStatus
from autotrade.infrastructure.simulated_exchange.fault_profile import FaultProfile
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind
from tests.integration.bad_days.market import ETH
from tests.integration.bench import until
from tests.integration.faults.conftest import Stage

K = FaultKind


async def test_a_market_so_thin_that_everything_fills_in_pieces(stage: Stage) -> None:
    scene = stage.scene
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        stage.hold(K.THIN_MARKET)
        scene.market.rise(0.92)
        await scene.ended(deal)
        fills = [row for row in scene.bench.records(e.OrderFilled) if row.side is OrderSide.SELL]
        sold = {fill.trade_id: fill.amount for fill in fills}
        assert len(sold) > 3, "the SELL met many small buyers"
        assert sum(sold.values()) == deal.sold
        await stage.goes_on(session)
    stage.assert_one_order_an_intent()


async def test_a_book_that_is_empty_for_a_while(stage: Stage) -> None:
    scene = stage.scene
    exchange = scene.bench.exchange.exchange
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        stage.hold(K.BOOK_EMPTY)
        await until(lambda: not session.state.books["ETH/USDT"].bids, "an empty book")
        assert not exchange.market_levels(ETH.symbol)[0]
        stage.over()
        await until(lambda: session.state.books["ETH/USDT"].bids, "a book again")
        await scene.win(session, deal)


async def test_a_minimum_that_grows_beyond_what_is_held(stage: Stage) -> None:
    """10 USDT are bought, 20 are the least that may be sold now: said, kept, and sold later."""
    scene = stage.scene
    async with scene.bench.trading() as session:
        order = await scene.resting_buy(session)
        stage.hold(K.FILTERS_CHANGED)
        scene.fill(order, D("0.006"))
        await until(lambda: order.filled, "the fill")
        await until(lambda: scene.rules(session).minimum_notional > 5, "the new rules")
        stage.over()
        assert scene.bench.exchange.exchange.market(ETH.symbol).minimum_notional == 5
        await stage.goes_on(session)
        assert not session.state.deals.get(1).is_open
    stage.assert_one_order_an_intent()


async def test_a_halt_that_ends(stage: Stage) -> None:
    scene = stage.scene
    exchange = scene.bench.exchange.exchange
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        stage.hold(K.MARKET_HALTED)
        await until(lambda: exchange.market(ETH.symbol).status is MarketStatus.HALT, "the halt")
        scene.market.rise(1.5)
        stage.over()
        await scene.ended(deal)
        await stage.goes_on(session)


async def test_protection_canceled_by_hand_again_and_again(stage: Stage) -> None:
    scene = stage.scene
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        stage.fault(K.ORDERS_CANCELED_BY_HAND, count=3)
        await stage.happened(K.ORDERS_CANCELED_BY_HAND, 3)
        await scene.protected(session, deal)
        await scene.win(session, deal)
    stage.assert_one_order_an_intent()


async def test_funds_that_leave_and_return(stage: Stage) -> None:
    """The ledger differs while they are away and not after."""
    scene = stage.scene
    async with scene.bench.trading(reconcile_seconds=0.2) as session:
        deal = await scene.position(session)
        stage.fault(K.FUNDS_MOVED, duration_s=400)
        await stage.happened(K.FUNDS_MOVED)
        await scene.win(session, deal)
        await stage.passed(K.FUNDS_MOVED)
        await stage.goes_on(session)


async def test_everything_at_once_and_at_random(stage: Stage) -> None:
    """A fault every twelve seconds of the exchange, all kinds; then peace, and the books agree."""
    scene = stage.scene
    async with scene.bench.trading(reconcile_seconds=0.2) as session:
        driver = scene.bench.exchange.play(FaultProfile(5, 12.0).faults(), seed=5)
        start = scene.bench.exchange.exchange.now
        while scene.bench.exchange.exchange.now - start < 2_400_000:
            scene.market.rise(-0.05 if session.state.totals.decisions % 2 else 0.12)
            now = session.now_ms()
            await until(lambda now=now: session.now_ms() > now + 60_000, "a minute")
        assert len(driver.counts) > 12, driver.counts
        stage.driver = driver
        await stage.goes_on(session)
    stage.assert_one_order_an_intent()
