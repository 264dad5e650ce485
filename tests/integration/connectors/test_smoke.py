from __future__ import annotations

from decimal import Decimal

from autotrade.domain.commands import PlaceOrder
from autotrade.domain.entities.order import OrderRole, OrderSide, OrderType
from autotrade.domain.events import CandleClosed, OrderAccepted, OrderFilled
from tests.integration.connectors.conftest import Connect
from tests.integration.connectors.venue import MINUTE_MS, START_TS, Collector, TestVenue, eventually


async def test_a_candle_comes_and_an_order_fills(venue: TestVenue, connect: Connect) -> None:
    connection = await connect()
    sink = Collector()
    import asyncio
    async def ticks():
        while True:
            venue.tick("BTCUSDT",0); venue.tick("ETHUSDT")
            await asyncio.sleep(0.01)
    t=asyncio.create_task(ticks())
    await connection.feed.start(["BTC/USDT", "ETH/USDT"], "1m", sink)
    t.cancel()
    await connection.connector.start(sink)
    venue.trade("BTCUSDT", 6_000_001)
    venue.advance(MINUTE_MS)
    await sink.until(lambda: bool(sink.of(CandleClosed)))
    assert sink.of(CandleClosed)[0].candle.open_ts == START_TS
    events = await connection.connector.execute(
        PlaceOrder(
            ts=0,
            deal_id=1,
            symbol="BTC/USDT",
            order_id="at-1",
            role=OrderRole.ENTRY,
            side=OrderSide.BUY,
            type=OrderType.LIMIT,
            amount=Decimal("0.001"),
            price=Decimal("60000.01"),
        )
    )
    print(events)
    assert [type(e) for e in events] == [OrderAccepted, OrderFilled]
    await sink.until(lambda: bool(sink.of(OrderFilled)))
    print(sink.events)
