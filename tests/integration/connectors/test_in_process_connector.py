"""Simulation on live data: the embedded exchange plays the live venue, orders never reach it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from autotrade.application.ports import OpenOrder
from autotrade.domain.commands import QueryBalances
from autotrade.domain.events import (
    BalancesUpdated,
    CandleClosed,
    MarketRulesUpdated,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderReported,
    RejectReason,
)
from autotrade.infrastructure.connectors.in_process_connector import (
    InProcessExchangeConnector,
    simulate_on,
)
from autotrade.infrastructure.simulated_exchange.core.types import Side
from tests.integration.connectors.commands import BTC, buy, cancel, cancel_oco, oco, query
from tests.integration.connectors.conftest import Connect
from tests.integration.connectors.venue import (
    MINUTE_MS,
    START_TS,
    Collector,
    TestVenue,
    eventually,
)

BALANCES = {"USDT": Decimal(100_000), "BTC": Decimal(1)}


@pytest.fixture
def sink() -> Collector:
    return Collector()


@pytest_asyncio.fixture
async def connector(
    venue: TestVenue, connect: Connect, sink: Collector
) -> InProcessExchangeConnector:
    connection = await connect(api_key="", api_secret="")
    feed, connector = await simulate_on(connection, [BTC, "ETH/USDT"], BALANCES)
    await feed.start([BTC, "ETH/USDT"], "1m", sink)
    await connector.start(sink)
    return connector


async def test_the_core_has_the_venues_book_and_follows_it(
    venue: TestVenue, connector: InProcessExchangeConnector
) -> None:
    venue.book("BTCUSDT", 6_000_700)
    venue.tick()
    inner = connector._exchange
    await eventually(lambda: inner.best("BTCUSDT") == venue.exchange.best("BTCUSDT"))
    assert inner.depth("BTCUSDT", 100)[1:] == venue.exchange.depth("BTCUSDT", 100)[1:]


async def test_a_taker_fills_against_the_live_book_and_the_venue_never_hears_of_it(
    venue: TestVenue, connector: InProcessExchangeConnector, sink: Collector
) -> None:
    accepted, fill = await connector.execute(buy("at-1", "60000.01"))
    assert isinstance(accepted, OrderAccepted)
    assert isinstance(fill, OrderFilled)
    assert fill.price == Decimal("60000.01")
    assert venue.exchange.all_orders("trader", "BTCUSDT") == []
    await sink.until(lambda: bool(sink.of(OrderFilled)))
    (told,) = sink.of(OrderFilled)
    assert (told.order_id, told.trade_id) == ("at-1", fill.trade_id)
    assert sink.of(BalancesUpdated)


async def test_a_resting_order_fills_when_the_live_market_trades_through_it(
    venue: TestVenue, connector: InProcessExchangeConnector, sink: Collector
) -> None:
    await connector.execute(buy("at-1", "59999.5"))
    venue.trade("BTCUSDT", 5_999_940, 2_000, Side.SELL)
    await sink.until(lambda: bool(sink.of(OrderFilled)))
    (fill,) = sink.of(OrderFilled)
    assert (fill.order_id, fill.price, fill.is_maker) == ("at-1", Decimal("59999.50"), True)


async def test_refusals_are_the_exchanges(connector: InProcessExchangeConnector) -> None:
    (rejected,) = await connector.execute(buy("at-1", "59000", "9"))
    assert isinstance(rejected, OrderRejected)
    assert (rejected.reason, rejected.code) == (RejectReason.INSUFFICIENT_BALANCE, -2010)


async def test_order_lists_cancels_and_questions_work_as_over_the_wire(
    connector: InProcessExchangeConnector,
) -> None:
    assert len(await connector.execute(oco("at-2"))) == 2
    canceled = await connector.execute(cancel_oco("at-2"))
    assert [type(event) for event in canceled] == [OrderCanceled, OrderCanceled]
    await connector.execute(buy("at-3"))
    (gone,) = await connector.execute(cancel("at-3"))
    assert isinstance(gone, OrderCanceled)
    (reported,) = await connector.execute(query("at-3"))
    assert isinstance(reported, OrderReported)
    assert reported.reason == "CANCELED"
    balances, rules = await connector.execute(
        QueryBalances(ts=0, deal_id=1, symbol=BTC, reason="test")
    )
    assert isinstance(balances, BalancesUpdated)
    assert isinstance(rules, MarketRulesUpdated)
    assert await connector.fee_rates([BTC]) == {BTC: (Decimal("0.001"), Decimal("0.001"))}


async def test_the_account_survives_the_process(
    venue: TestVenue, connect: Connect, tmp_path: Path, sink: Collector
) -> None:
    connection = await connect(api_key="", api_secret="")
    feed, first = await simulate_on(connection, [BTC], BALANCES, tmp_path)
    await feed.start([BTC], "1m", sink)
    await first.start(sink)
    await first.execute(buy("at-1", "60000.01"))
    await first.execute(buy("at-2"))
    # and then it dies, without a word: what it answered must be on the disk already
    connection = await connect(api_key="", api_secret="")
    _, second = await simulate_on(connection, [BTC], {}, tmp_path)
    report = await second.report([OpenOrder("at-2", BTC, None)], [BTC], START_TS - 1_000)
    kinds = [type(event) for event in report.events]
    assert kinds == [OrderReported, OrderFilled, BalancesUpdated]


async def test_candles_come_from_the_venue(
    venue: TestVenue, connector: InProcessExchangeConnector, sink: Collector
) -> None:
    venue.advance(MINUTE_MS)
    await sink.until(lambda: len(sink.of(CandleClosed)) == 2)


async def test_a_gap_and_a_reconnect_leave_the_core_with_the_true_book(
    venue: TestVenue, connector: InProcessExchangeConnector
) -> None:
    venue.faults.open_depth_gap("BTCUSDT")
    venue.book("BTCUSDT", 6_000_400)
    venue.tick()
    venue.tick()
    inner = connector._exchange
    await eventually(lambda: inner.best("BTCUSDT") == venue.exchange.best("BTCUSDT"))
    venue.server.close_all_sockets(None)
    venue.book("BTCUSDT", 6_000_900)
    await eventually(lambda: inner.best("BTCUSDT") == venue.exchange.best("BTCUSDT"))


async def test_keys_have_no_business_here(connect: Connect) -> None:
    connection = await connect()
    with pytest.raises(ValueError, match="no keys"):
        await simulate_on(connection, [BTC])
