"""Where each venue's client would dial; nothing is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings, Venue
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.transport import live, tls_context
from autotrade.infrastructure.connectors.weight_governor import WeightGovernor

Make = Callable[[Venue], Any]


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Make]:
    from autotrade.infrastructure.connectors.client_factory import make_client

    made: list[Any] = []

    def client(venue: Venue) -> Any:
        settings = ConnectorSettings(venue, live(), api_key="key-123456", api_secret="secret")
        clock = ExchangeClock()
        context = tls_context(settings.transport)
        made.append(make_client(settings, clock, WeightGovernor(clock), context, with_keys=True))
        return made[-1]

    yield client
    for one in made:
        await one.shut()


@pytest.mark.parametrize(
    ("venue", "rest", "stream", "requests"),
    [
        (
            Venue.BINANCE,
            "https://api.binance.com/api/v3",
            "wss://stream.binance.com:9443/ws",
            "wss://ws-api.binance.com:443/ws-api/v3",
        ),
        (
            Venue.DEMO,
            "https://demo-api.binance.com/api/v3",
            "wss://demo-stream.binance.com/ws",
            "wss://demo-ws-api.binance.com/ws-api/v3",
        ),
        (
            Venue.TESTNET,
            "https://testnet.binance.vision/api/v3",
            "wss://stream.testnet.binance.vision/ws",
            "wss://ws-api.testnet.binance.vision/ws-api/v3",
        ),
    ],
)
async def test_spot_addresses_are_the_venues_and_all_others_lead_nowhere(
    make: Make, venue: Venue, rest: str, stream: str, requests: str
) -> None:
    api = make(venue).urls["api"]
    assert (api["public"], api["private"]) == (rest, rest)
    assert (api["ws"]["spot"], api["ws"]["ws-api"]["spot"]) == (stream, requests)
    elsewhere = [
        address
        for table in (api, api["ws"], api["ws"]["ws-api"])
        for name, address in table.items()
        if isinstance(address, str) and name not in ("public", "private", "spot")
    ]
    assert elsewhere
    assert set(elsewhere) == {"https://unused.invalid"}


async def test_one_clients_poison_does_not_reach_the_next(make: Make) -> None:
    make(Venue.DEMO)
    make(Venue.TESTNET)
    assert make(Venue.BINANCE).urls["api"]["public"] == "https://api.binance.com/api/v3"


async def test_requests_are_never_repeated_by_the_library(make: Make) -> None:
    client = make(Venue.BINANCE)
    assert client.options["maxRetriesOnFailure"] == 0
    assert client.enableRateLimit is False
    assert client.streaming["keepAlive"] == 5_000
