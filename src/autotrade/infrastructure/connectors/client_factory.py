"""Build one tapped client: venue, guard, poisoned addresses, options. Heavy, see tapped_client."""

from __future__ import annotations

import ssl
from typing import Any

from autotrade.infrastructure.connectors.connector_settings import (
    ConnectorSettings,
    Venue,
    normal_secret,
)
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.tapped_client import TappedBinance
from autotrade.infrastructure.connectors.transport import open_session, require_guard
from autotrade.infrastructure.connectors.weight_governor import WeightGovernor

NOWHERE = "https://unused.invalid"
"""Where the library's other products point: a name that never resolves."""
NEEDED_REST = frozenset({"public", "private"})
NEEDED_STREAMS = frozenset({"spot", "ws-api"})


def make_client(
    settings: ConnectorSettings,
    clock: ExchangeClock,
    governor: WeightGovernor,
    context: ssl.SSLContext,
    *,
    with_keys: bool,
) -> TappedBinance:
    """A client for spot only; market data, trading and the user stream have one each."""
    session = open_session(settings.transport, context)
    require_guard(settings.transport, session)
    client = TappedBinance(
        _configuration(settings, with_keys=with_keys),
        session=session,
        milliseconds=clock.signing_ms,
        governor=governor,
    )
    if settings.venue is Venue.DEMO:
        client.enable_demo_trading(True)
    elif settings.venue is Venue.TESTNET:
        client.set_sandbox_mode(True)
    poison(client.urls["api"])
    return client


def _configuration(settings: ConnectorSettings, *, with_keys: bool) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "enableRateLimit": False,  # the governor stands in front of every request instead
        "timeout": int(settings.request_timeout_seconds * 1000),
        "newUpdates": True,
        "streaming": {"keepAlive": int(settings.ping_seconds * 1000), "maxPingPongMisses": 2},
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "crossMarginPairsData": [],
            "isolatedMarginPairsData": [],
            "recvWindow": settings.receive_window_ms,
            "maxRetriesOnFailure": 0,
            "watchOrderBookLimit": settings.book_snapshot_levels,
            "watchOrderBook": {"maxRetries": 1, "checksum": True},
            "ws": {"cost": 5, "compress": 15 if settings.transport.is_live else 0},
        },
    }
    if with_keys:
        configuration["apiKey"] = settings.api_key
        configuration["secret"] = normal_secret(settings.api_secret)
    return configuration


def poison(addresses: dict[str, Any]) -> None:
    """Point every address that spot trading does not need to nowhere."""
    for name in list(addresses):
        if name == "ws":
            streams = addresses["ws"]
            for stream in list(streams):
                if stream not in NEEDED_STREAMS:
                    streams[stream] = NOWHERE
            requests = streams["ws-api"]
            for market in list(requests):
                if market != "spot":
                    requests[market] = NOWHERE
        elif name not in NEEDED_REST:
            addresses[name] = NOWHERE
