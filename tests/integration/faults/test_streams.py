"""Streams that close, are silent, lose, repeat, delay or reorder messages (the real library)."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from autotrade.application.use_cases.run_realtime_trading import RealtimeTrading
from autotrade.domain import events as e
from autotrade.domain.entities.order import Order
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind, ScriptedFault
from tests.integration.bad_days.market import ETH
from tests.integration.bench import until
from tests.integration.faults.conftest import Stage

K = FaultKind
PIECES = ("0.01", "0.02")


async def bought_in_pieces(stage: Stage, session: RealtimeTrading, order: Order) -> None:
    """A BUY that fills in three pieces and a deal that wins, whatever the stream tells of it."""
    scene = stage.scene
    for amount in PIECES:
        scene.fill(order, D(amount))
    scene.fill(order, order.amount - sum(map(D, PIECES)))
    deal = scene.deal(session)
    await until(lambda: not order.is_open(), "the end of the BUY")
    await scene.protected(session, deal)
    assert deal.bought == order.filled == sum(fill.amount for fill in order.fills)
    await scene.win(session, deal)


@pytest.mark.parametrize(
    "fault",
    [
        ScriptedFault(0, K.USER_EVENTS_LOST, count=3),
        ScriptedFault(0, K.USER_EVENTS_LOST, duration_s=2_000),
        ScriptedFault(0, K.USER_EVENTS_DELAYED, duration_s=2_000),
        ScriptedFault(0, K.USER_EVENTS_REPEATED, duration_s=2_000),
        ScriptedFault(0, K.USER_STREAM_SILENT, duration_s=2_000),
        ScriptedFault(0, K.USER_STREAM_CLOSED, count=4),
    ],
    ids=lambda fault: f"{fault.kind.value} {fault.duration_s:g} {fault.count}",
)
async def test_a_deal_whose_events_do_not_come_as_they_should(
    stage: Stage, fault: ScriptedFault
) -> None:
    scene = stage.scene
    async with scene.bench.trading(reconcile_seconds=0.2) as session:
        order = await scene.resting_buy(session)
        stage.play(fault)
        await bought_in_pieces(stage, session, order)
        await stage.happened(fault.kind, fault.count)
        await stage.goes_on(session)
    stage.assert_one_order_an_intent()


async def test_market_sockets_closed_with_and_without_a_code(stage: Stage) -> None:
    scene = stage.scene
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        for times in (1, 2):
            stage.fault(K.MARKET_STREAM_CLOSED, count=times)
            await stage.happened(K.MARKET_STREAM_CLOSED, times)
        await until(lambda: session.state.totals.reconnects, "the return")
        await until(lambda: not session.state.lost_channels, "all channels")
        await scene.win(session, deal)


async def test_prices_that_stop_are_not_traded_on(stage: Stage) -> None:
    """The sockets stay open. A signal cannot even arise; what is held keeps its protection, and a
    price that moves beyond the target meanwhile is found by asking."""
    scene = stage.scene
    scene.bench.connection_changes["stale_seconds"] = 0.3
    async with scene.bench.trading(reconcile_seconds=0.2) as session:
        deal = await scene.position(session)
        stage.hold(K.MARKET_STREAM_SILENT)
        await until(lambda: session.state.stale_text("ETH/USDT"), "stale prices")
        decisions = session.state.totals.decisions
        scene.market.rise(1.5)
        await scene.ended(deal)
        assert deal.close_text == "target reached"
        assert session.state.totals.decisions == decisions
        stage.over()
        await until(lambda: session.state.stale_text("ETH/USDT") is None, "prices again")
        await stage.goes_on(session)


async def test_gaps_of_every_kind_leave_the_exchanges_book(stage: Stage) -> None:
    """Messages lost, overtaken by their successors, and repeated."""
    scene = stage.scene
    async with scene.bench.trading() as session:
        stage.play(*(ScriptedFault(at_s, K.BOOK_GAP, count=3) for at_s in (0, 60, 120)))
        await stage.happened(K.BOOK_GAP, 9)
        await book_is_the_exchanges(stage, session)
        await stage.goes_on(session)
    assert not session.state.totals.reconnects, "a gap is no reason to dial anew"


async def test_a_book_that_stands_still_and_then_tells_it_all(stage: Stage) -> None:
    scene = stage.scene
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        stage.hold(K.BOOK_STALE)
        await stage.happened(K.BOOK_STALE, 20)
        stage.over()
        await book_is_the_exchanges(stage, session)
        await scene.win(session, deal)


async def book_is_the_exchanges(stage: Stage, session: RealtimeTrading) -> None:
    """Behind the faults the bot's best prices are those of the exchange, level by level."""
    exchange = stage.scene.bench.exchange.exchange
    seen = exchange.depth(ETH.symbol, 1)[0]
    await until(lambda: session.state.books["ETH/USDT"].update_id >= seen, "a later book")
    _, bids, asks = exchange.depth(ETH.symbol, 5)
    book = session.state.books["ETH/USDT"]
    for ours, theirs in ((book.bids, bids), (book.asks, asks)):
        assert [price for price, _ in ours[:5]] == [float(price) for price, _ in theirs]


async def test_a_stream_that_the_exchange_ends_twice_while_orders_go_out(stage: Stage) -> None:
    """Key gone, back, gone again: each return compares the books before anything is trusted."""
    scene = stage.scene
    async with scene.bench.trading(reconcile_seconds=0.2) as session:
        stage.play(
            ScriptedFault(0, K.KEY_EXPIRED, duration_s=60),
            ScriptedFault(300, K.KEY_EXPIRED, duration_s=60),
        )
        await stage.happened(K.KEY_EXPIRED, 2)
        await stage.passed(K.KEY_EXPIRED)
        await until(lambda: not session.state.lost_channels, "the return")
        await until(
            lambda: any(row.trigger == "reconnect" for row in scene.bench.records(e.Reconciled)),
            "the comparison",
        )
        await stage.goes_on(session)
