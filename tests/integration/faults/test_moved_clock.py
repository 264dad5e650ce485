"""An order whose time stamp is refused is signed anew. Until that one is answered nobody may
believe that the exchange does not know it, however far the clock has jumped meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from autotrade.application.ports import OpenOrder
from autotrade.domain.events import OrderAccepted, OrderNotFound, OrderReported
from autotrade.infrastructure.connectors.ccxt_connection import Connection
from autotrade.infrastructure.simulated_exchange.wire.faults import Mishap, PlannedMishap
from autotrade.infrastructure.simulated_exchange.wire.tls import CertificateFiles
from tests.integration.connectors.commands import BTC, buy, query
from tests.integration.connectors.conftest import certificates
from tests.integration.connectors.venue import START_TS, TestVenue, disconnect

__all__ = ["certificates"]

MEASURING, ORDER = " /api/v3/time", "POST /api/v3/order"
PAUSE_SECONDS = 1.0
JUMP_MS = 15_000


@dataclass
class Moved:
    """A connected venue whose clock has just jumped ahead; measuring it takes a while."""

    venue: TestVenue
    connection: Connection


@pytest.fixture
async def moved(certificates: CertificateFiles) -> AsyncIterator[Moved]:
    venue = TestVenue(certificates, tolerance=1.0)
    start = time.monotonic()
    venue.clock = lambda: START_TS + int((time.monotonic() - start) * 1000)
    await venue.start()
    connection = await venue.connect()
    await connection.feed.rules([BTC])
    venue.faults.clock_skew_ms = JUMP_MS
    yield Moved(venue, connection)
    await disconnect(connection)
    await venue.stop()


async def test_unknown_is_no_proof_while_the_order_is_signed_anew(moved: Moved) -> None:
    venue, connector = moved.venue, moved.connection.connector
    assert connector is not None
    plans, sent_anew = venue.faults.mishaps, asyncio.Event()
    again = PlannedMishap(ORDER, Mishap.DELAYED, delay_s=PAUSE_SECONDS, on_met=sent_anew.set)
    plans.append(PlannedMishap(MEASURING, Mishap.LOST, on_met=lambda: plans.append(again)))
    order = asyncio.ensure_future(connector.execute(buy("at-1")))
    await sent_anew.wait()
    for _ in range(2):
        answer = await connector.execute(query("at-1"))
        report = await connector.report([OpenOrder("at-1", BTC, None)], [BTC], START_TS)
        told = [*answer, *(event for event in report.events if hasattr(event, "order_id"))]
        assert not any(isinstance(event, OrderNotFound) for event in told)
    assert not order.done()
    (accepted,) = await order
    assert isinstance(accepted, OrderAccepted)
    (reported,) = await connector.execute(query("at-1"))
    assert isinstance(reported, OrderReported)
    assert reported.is_open
