"""A market that shows nothing, or shows it with holes."""

from __future__ import annotations

import pytest

from tests.integration.bad_days.conftest import Scene
from tests.integration.bad_days.market import ETH, HALF_SPREAD
from tests.integration.bench import until


async def test_an_empty_book(scene: Scene) -> None:
    """No order can be judged against nothing: refused with the reason, and it goes on."""
    async with scene.bench.trading() as session:

        async def empty_the_book() -> None:
            scene.market.is_empty = True
            await until(lambda: not session.state.books["ETH/USDT"].asks, "an empty book")

        await scene.signal(session, behind_it=empty_the_book)
        assert session.state.totals.refused, scene.bench.log.lines
        assert not session.state.totals.deals_opened
        await scene.told("refused: the book of ETH/USDT is empty", "refused: ")
        scene.market.is_empty = False
        await until(lambda: session.state.books["ETH/USDT"].asks, "a book again")
        await scene.goes_on(session)


async def test_an_empty_book_while_something_is_held(scene: Scene) -> None:
    """The price is gone, what rests on the exchange stays; when buyers return the deal goes on."""
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        scene.market.is_empty = True
        await until(lambda: not session.state.books["ETH/USDT"].bids, "an empty book")
        assert len(scene.bench.exchange.exchange.open_orders("main")) == 2
        scene.market.is_empty = False
        await scene.win(session, deal)


async def test_a_gap_in_the_book(scene: Scene) -> None:
    """The book is fetched anew at once and equals the exchange's again."""
    async with scene.bench.trading() as session:
        exchange = scene.bench.exchange.exchange
        scene.bench.faults.open_depth_gap(ETH.symbol, 3)
        await until(lambda: "depth gap ETHUSDT" in scene.bench.faults.injected, "the gap")
        await until(lambda: not scene.bench.faults.depth_gaps.get(ETH.symbol), "its end")
        seen = exchange.depth(ETH.symbol, 1)[0]
        await until(
            lambda: session.state.books["ETH/USDT"].update_id >= seen, "the book after the gap"
        )
        best = session.state.books["ETH/USDT"].asks[0]
        assert best[0] == pytest.approx((scene.market.middle + HALF_SPREAD) / 100)
        await scene.goes_on(session)
    assert not session.state.totals.reconnects, "a gap is no reason to dial anew"
