"""The account's stream is lost and found again; what happened meanwhile is asked for by REST."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from autotrade.application.ports import ExchangeUnreachable, OpenOrder
from autotrade.domain.events import (
    BalancesUpdated,
    Channel,
    ChannelLost,
    ChannelRestored,
    OrderAccepted,
    OrderFilled,
    OrderNotFound,
    OrderReported,
)
from autotrade.infrastructure.connectors.ccxt_connector import CcxtExchangeConnector
from autotrade.infrastructure.simulated_exchange.core.types import (
    OrderKind,
    OrderRequest,
    Side,
    TimeInForce,
)
from tests.integration.connectors.commands import BTC, buy
from tests.integration.connectors.conftest import Connect
from tests.integration.connectors.venue import START_TS, Collector, TestVenue, eventually


async def started(connect: Connect, sink: Collector) -> CcxtExchangeConnector:
    connection = await connect()
    assert connection.connector is not None
    await connection.feed.rules([BTC])
    await connection.connector.start(sink)
    return connection.connector


def close_with_code(venue: TestVenue) -> None:
    venue.server.close_all_sockets(1001, "maintenance")


def cut(venue: TestVenue) -> None:
    venue.server.close_all_sockets(None)


@pytest.mark.parametrize("lose", [close_with_code, cut])
async def test_a_closed_stream_is_told_at_once_and_comes_back(
    venue: TestVenue, connect: Connect, lose: Callable[[TestVenue], None]
) -> None:
    sink = Collector()
    connector = await started(connect, sink)
    lose(venue)
    await sink.until(lambda: bool(sink.of(ChannelRestored)))
    assert [type(event) for event in sink.events] == [ChannelLost, ChannelRestored]
    assert {event.channel for event in sink.of(ChannelLost)} == {Channel.USER_DATA}
    await connector.execute(buy("at-1"))
    await sink.until(lambda: bool(sink.of(OrderAccepted)))


async def test_the_stream_is_redialled_until_the_exchange_is_there_again(
    venue: TestVenue, connect: Connect
) -> None:
    sink = Collector()
    connector = await started(connect, sink)
    stream = connector.user_stream
    assert stream is not None
    await venue.stop()
    await eventually(lambda: stream.redials >= 3)
    assert len(sink.of(ChannelLost)) == 1
    await venue.start()
    await sink.until(lambda: bool(sink.of(ChannelRestored)))
    assert stream.is_up


async def test_every_new_subscription_signs_anew_and_needs_no_listen_key(
    venue: TestVenue, connect: Connect
) -> None:
    """P2 in spot: there is no key that could die; P1: nothing that must be kept alive."""
    sink = Collector()
    connector = await started(connect, sink)
    for count in (1, 2, 3):
        cut(venue)
        await sink.until(lambda count=count: len(sink.of(ChannelRestored)) == count)
    await connector.execute(buy("at-1"))
    await sink.until(lambda: bool(sink.of(OrderAccepted)))
    # the fixture fails the test if userDataStream (listen keys) was ever asked for by REST


async def test_a_stream_that_cannot_be_read_counts_as_lost(
    venue: TestVenue, connect: Connect
) -> None:
    sink = Collector()
    connector = await started(connect, sink)
    stream = connector.user_stream
    assert stream is not None
    stream._tap(None, {"event": {"e": "executionReport", "i": 1}})
    await sink.until(lambda: bool(sink.of(ChannelRestored)))
    assert stream.bad_messages == 1


@pytest.mark.parametrize("event", ["eventStreamTerminated", "serverShutdown"])
async def test_the_exchanges_own_farewell_leads_to_a_new_subscription(
    venue: TestVenue, connect: Connect, event: str
) -> None:
    sink = Collector()
    connector = await started(connect, sink)
    assert connector.user_stream is not None
    old_socket = next(iter(venue.server._sockets))
    connector.user_stream._tap(None, {"subscriptionId": 0, "event": {"e": event, "E": 1}})
    await sink.until(lambda: bool(sink.of(ChannelRestored)))
    await eventually(lambda: old_socket not in venue.server._sockets)
    await connector.execute(buy("at-1"))
    await sink.until(lambda: bool(sink.of(OrderAccepted)))


async def test_fills_that_the_stream_swallowed_are_in_the_report(
    venue: TestVenue, connect: Connect
) -> None:
    sink = Collector()
    connector = await started(connect, sink)
    venue.faults.silent_user_streams = True
    (accepted,) = await connector.execute(buy("at-1", "59999.99"))
    assert isinstance(accepted, OrderAccepted)
    # the market falls through our price
    venue.book("BTCUSDT", 5_999_000)
    report = await connector.report(
        [
            OpenOrder("at-1", BTC, accepted.exchange_id),
            OpenOrder("at-never-sent", BTC, None),
        ],
        [BTC, "ETH/USDT"],
        START_TS,
    )
    by_kind = {type(event): event for event in report.events}
    reported, fill = by_kind[OrderReported], by_kind[OrderFilled]
    assert isinstance(reported, OrderReported)
    assert isinstance(fill, OrderFilled)
    assert (reported.order_id, reported.reason, reported.is_open) == ("at-1", "FILLED", False)
    assert (fill.order_id, fill.amount) == ("at-1", Decimal("0.01"))
    missing = by_kind[OrderNotFound]
    assert isinstance(missing, OrderNotFound)
    assert missing.order_id == "at-never-sent"
    balances = report.events[-1]
    assert isinstance(balances, BalancesUpdated)
    assert balances.is_complete


async def test_the_report_names_orders_that_are_not_ours(
    venue: TestVenue, connect: Connect
) -> None:
    connector = await started(connect, Collector())
    await connector.execute(buy("at-1"))
    venue.exchange.place(
        "trader",
        OrderRequest(
            symbol="BTCUSDT",
            side=Side.BUY,
            kind=OrderKind.LIMIT,
            quantity=Decimal("0.01"),
            price=Decimal(58_000),
            time_in_force=TimeInForce.GTC,
            client_order_id="web_by_hand",
        ),
    )
    report = await connector.report([], [BTC], START_TS)
    assert len(report.foreign_orders) == 1
    assert "web_by_hand" in report.foreign_orders[0]


async def test_the_report_tells_of_an_order_of_ours_that_nobody_asked_for(
    venue: TestVenue, connect: Connect
) -> None:
    """It was believed refused, and rests: a BUY that nobody watches."""
    connector = await started(connect, Collector())
    await connector.execute(buy("at-1"))
    await connector.execute(buy("at-2"))
    report = await connector.report([OpenOrder("at-2", BTC, None)], [BTC], START_TS)
    told = [event for event in report.events if isinstance(event, OrderReported)]
    assert [(event.order_id, event.is_open) for event in told] == [("at-2", True), ("at-1", True)]


async def test_trades_of_forgotten_orders_are_told_by_our_ids_and_foreign_ones_not(
    venue: TestVenue, connect: Connect
) -> None:
    first = await started(connect, Collector())
    await first.execute(buy("at-1", "60000.01"))
    await first.execute(buy("by-hand", "60000.01"))
    fresh = await started(connect, Collector())  # a process that remembers nothing
    report = await fresh.report([], [BTC], START_TS)
    fills = [event for event in report.events if isinstance(event, OrderFilled)]
    assert [fill.order_id for fill in fills] == ["at-1"]


async def test_trades_are_paged_without_losing_or_repeating_one(
    venue: TestVenue, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autotrade.infrastructure.connectors import account_questions

    monkeypatch.setattr(account_questions, "TRADES_PAGE", 2)
    connector = await started(connect, Collector())
    for number in range(7):
        await connector.execute(buy(f"at-{number}", "60000.01"))
    report = await connector.report([], [BTC], START_TS)
    fills = [event for event in report.events if isinstance(event, OrderFilled)]
    assert [fill.order_id for fill in fills] == [f"at-{number}" for number in range(7)]


async def test_trades_of_more_than_a_day_ago_are_found(venue: TestVenue, connect: Connect) -> None:
    connector = await started(connect, Collector())
    await connector.execute(buy("at-old", "60000.01"))
    connection_clock = connector._clock
    venue.exchange.advance(START_TS + 3 * 86_400_000)
    await connection_clock.measure(connector._market.server_time)
    await connector.execute(buy("at-new", "60000.01"))
    report = await connector.report([], [BTC], START_TS - 1_000)
    fills = [event for event in report.events if isinstance(event, OrderFilled)]
    assert [fill.order_id for fill in fills] == ["at-old", "at-new"]


async def test_a_wrong_key_is_said_at_the_start(venue: TestVenue, connect: Connect) -> None:
    connection = await connect(api_key="unknown-key")
    assert connection.connector is not None
    with pytest.raises(ExchangeUnreachable, match="API key"):
        await connection.connector.start(Collector())
    with pytest.raises(ExchangeUnreachable, match="API key") as caught:
        await connection.connector.balances()
    assert "unknown-key" not in str(caught.value)


async def test_a_report_on_an_unreachable_exchange_raises_what_the_loop_expects(
    venue: TestVenue, connect: Connect
) -> None:
    connector = await started(connect, Collector())
    await venue.stop()
    with pytest.raises(ExchangeUnreachable, match="network"):
        await connector.report([], [BTC], START_TS)
    await venue.start()
