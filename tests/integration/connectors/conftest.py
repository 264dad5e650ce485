from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from autotrade.infrastructure.connectors.ccxt_connection import Connection
from autotrade.infrastructure.simulated_exchange.wire.tls import (
    CertificateFiles,
    make_certificates,
)
from tests.integration.connectors.venue import TestVenue, disconnect

Connect = Callable[..., Awaitable[Connection]]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> CertificateFiles:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest_asyncio.fixture
async def venue(certificates: CertificateFiles) -> AsyncIterator[TestVenue]:
    """The exchange; at the end nothing may have been asked that Binance does not know."""
    venue = TestVenue(certificates)
    await venue.start()
    yield venue
    await venue.stop()
    assert venue.server.misses == []


@pytest_asyncio.fixture
async def connect(venue: TestVenue) -> AsyncIterator[Connect]:
    """Open connections that are closed when the test ends."""
    opened: list[Connection] = []

    async def connect(**changes: object) -> Connection:
        opened.append(await venue.connect(**changes))
        return opened[-1]

    yield connect
    for connection in opened:
        await disconnect(connection)
