"""Nothing stands in an order's way, and nothing leaves the machine."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from autotrade.domain.events import ChannelRestored, OrderAccepted, OrderRejected, RejectReason
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings, Venue
from autotrade.infrastructure.connectors.transport import (
    CONNECTIONS_MAX,
    TLS_BUFFER_BYTES,
    TransportRefused,
    live,
    loopback,
    open_session,
    require_guard,
    tls_context,
)
from autotrade.infrastructure.simulated_exchange.wire.tls import CertificateFiles
from tests.integration.connectors.commands import BTC, buy
from tests.integration.connectors.conftest import Connect
from tests.integration.connectors.venue import MINUTE_MS, START_TS, Collector, TestVenue


async def test_orders_do_not_queue_behind_snapshots(venue: TestVenue, connect: Connect) -> None:
    """P3: one bucket for all made an order wait ten seconds behind ten snapshots. Here the budget
    for questions is used up altogether, and the order leaves nevertheless."""
    connection = await connect()
    assert connection.connector is not None
    await connection.feed.rules([BTC])
    connection.governor.used = connection.governor.limit
    history = asyncio.ensure_future(connection.feed.history(BTC, "1m", 100))
    (accepted,) = await connection.connector.execute(buy("at-1"))
    assert isinstance(accepted, OrderAccepted)
    assert not history.done(), "a question waits for the next minute"
    assert connection.governor.waits == 1
    history.cancel()
    await asyncio.gather(history, return_exceptions=True)


async def test_the_governor_counts_what_the_exchange_counts(connect: Connect) -> None:
    connection = await connect()
    await connection.feed.rules([BTC])
    before = connection.governor.used
    await connection.feed.history(BTC, "1m", 10)
    assert connection.governor.used > before


async def test_a_clock_that_is_15_seconds_off_is_measured_anew_and_the_order_goes_out_once(
    certificates: CertificateFiles,
) -> None:
    venue = TestVenue(certificates, tolerance=1.0)
    start = time.monotonic()
    venue.clock = lambda: START_TS + int((time.monotonic() - start) * 1000)
    await venue.start()
    connection = await venue.connect()
    try:
        assert connection.connector is not None
        await connection.feed.rules([BTC])
        for skew_ms in (15_000, -15_000):
            venue.faults.clock_skew_ms = skew_ms
            before = connection.clock.now_ms()
            (accepted,) = await connection.connector.execute(buy(f"at{skew_ms}"))
            assert isinstance(accepted, OrderAccepted)
            assert connection.clock.now_ms() >= before, "the events' clock never goes back"
        assert len(venue.exchange.open_orders("trader")) == 2
    finally:
        await connection.connector.close()  # type: ignore[union-attr]
        await connection.feed.close()
        await venue.stop()


@pytest.mark.parametrize("when", ["at the start", "after a loss"])
async def test_a_subscription_whose_time_stamp_was_refused_measures_the_clock(
    certificates: CertificateFiles, when: str
) -> None:
    """Without it the stream stays away until something else happens to measure."""
    venue = TestVenue(certificates, tolerance=1.0)
    start = time.monotonic()
    venue.clock = lambda: START_TS + int((time.monotonic() - start) * 1000)
    await venue.start()
    connection = await venue.connect()
    sink = Collector()
    try:
        assert connection.connector is not None
        await connection.feed.rules([BTC])
        if when == "after a loss":
            await connection.connector.start(sink)
        venue.faults.clock_skew_ms = -15_000
        if when == "after a loss":
            venue.server.close_all_sockets(1001, "maintenance")
            await sink.until(lambda: bool(sink.of(ChannelRestored)))
        else:
            await connection.connector.start(sink)
            await connection.connector.execute(buy("at-1"))
            await sink.until(lambda: bool(sink.of(OrderAccepted)))
        assert abs(connection.clock.exact_ms() - venue.clock() + 15_000) < 2_000
    finally:
        await connection.connector.close()  # type: ignore[union-attr]
        await connection.feed.close()
        await venue.stop()


async def test_a_time_stamp_refused_twice_is_said_and_not_executed(
    venue: TestVenue, connect: Connect
) -> None:
    connection = await connect()
    assert connection.connector is not None
    await connection.feed.rules([BTC])
    venue.faults.answer("/order", -1021, "Timestamp for this request is outside.", 400, times=2)
    (rejected,) = await connection.connector.execute(buy("at-1"))
    assert isinstance(rejected, OrderRejected)
    assert (rejected.reason, rejected.code) == (RejectReason.CLOCK, -1021)
    assert venue.exchange.open_orders("trader") == []


@pytest.mark.parametrize(
    "address", ["https://api.kraken.com/", "https://127.0.0.2:443/", "https://1.1.1.1/"]
)
async def test_nothing_but_the_embedded_exchange_can_be_reached(
    venue: TestVenue, address: str
) -> None:
    transport = loopback(venue.tls_port, venue.files.authority)
    session = open_session(transport, tls_context(transport))
    try:
        async with session.get("https://api.binance.com/api/v3/ping") as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectionError, match="refused"):
            await session.get(address)
    finally:
        await session.close()


async def test_a_burst_of_requests_shares_a_bounded_pool(venue: TestVenue) -> None:
    transport = loopback(venue.tls_port, venue.files.authority)
    session = open_session(transport, tls_context(transport))

    async def ping() -> int:
        async with session.get("https://api.binance.com/api/v3/ping") as answer:
            return answer.status

    try:
        assert set(await asyncio.gather(*(ping() for _ in range(3 * CONNECTIONS_MAX)))) == {200}
        assert session.connector is not None
        kept: list[Any] = [one for pool in session.connector._conns.values() for one in pool]
        assert 0 < len(kept) <= CONNECTIONS_MAX
        buffers = {len(handler.transport._ssl_protocol._ssl_buffer) for handler, *_ in kept}
        assert buffers == {TLS_BUFFER_BYTES}
    finally:
        await session.close()


async def test_a_guard_that_does_not_fit_the_mode_is_refused(venue: TestVenue) -> None:
    guarded = loopback(venue.tls_port, venue.files.authority)
    shut = open_session(guarded, tls_context(guarded))
    free = open_session(live(), tls_context(live()))
    try:
        require_guard(guarded, shut)
        require_guard(live(), free)
        with pytest.raises(TransportRefused, match="loopback guard"):
            require_guard(guarded, free)
        with pytest.raises(TransportRefused, match="open session"):
            require_guard(live(), shut)
    finally:
        await shut.close()
        await free.close()
    with pytest.raises(TransportRefused, match="live transport"):
        ConnectorSettings(Venue.BINANCE, guarded)
    with pytest.raises(TransportRefused, match="loopback transport"):
        ConnectorSettings(Venue.EMBEDDED, live())


async def test_addresses_that_spot_does_not_need_lead_nowhere(connect: Connect) -> None:
    connection = await connect()
    api = connection.feed._client.urls["api"]
    assert api["public"] == "https://api.binance.com/api/v3"
    assert {name for name, value in api.items() if "binance" in str(value)} == {
        "public",
        "private",
        "ws",
    }
    assert {name for name, value in api["ws"].items() if "binance" in str(value)} == {
        "spot",
        "ws-api",
    }


async def test_one_close_of_a_candle_is_milliseconds_from_the_sink(
    venue: TestVenue, connect: Connect
) -> None:
    """The design's budget for the whole way is 8 ms at the median; this is the connector's part."""
    from autotrade.domain.events import CandleClosed

    connection = await connect()
    sink = Collector()
    await connection.feed.start([BTC], "1m", sink)
    delays = []
    for number in range(20):
        started = time.perf_counter()
        venue.advance(MINUTE_MS)
        await sink.until(lambda number=number: len(sink.of(CandleClosed)) == number + 1)
        delays.append(time.perf_counter() - started)
    assert sorted(delays)[10] < 0.1
