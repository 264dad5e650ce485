"""The embedded exchange over TLS on loopback, for tests of the connector: the real server with a
market that the test moves by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from autotrade.domain.events import Event
from autotrade.infrastructure.connectors.ccxt_connection import Connection, open_connector
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings, Venue
from autotrade.infrastructure.connectors.transport import loopback
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import Market, Side
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketLevels,
    MarketTrade,
    SourceCandle,
)
from autotrade.infrastructure.simulated_exchange.wire.keys import ApiKey
from autotrade.infrastructure.simulated_exchange.wire.server import ExchangeServer, ServerSettings
from autotrade.infrastructure.simulated_exchange.wire.tls import CertificateFiles

Kind = TypeVar("Kind", bound=Event)

START_TS = 1_767_225_600_000
MINUTE_MS = 60_000
API_KEY = "test-key-of-the-connector"
API_SECRET = "test-secret-of-the-connector"
PREFIX = "at-"
WAIT_SECONDS_MAX = 10.0
HISTORY_COUNT = 1_500


def market(base: str, tick: str, lot: str) -> Market:
    return Market(
        symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        minimum_amount=Decimal(lot),
        maximum_amount=Decimal(9000),
        minimum_price=Decimal(tick),
        maximum_price=Decimal(1_000_000),
        minimum_notional=Decimal(5),
    )


MARKETS = (market("BTC", "0.01", "0.00001"), market("ETH", "0.01", "0.0001"))
MIDDLE = {"BTCUSDT": 6_000_000, "ETHUSDT": 300_000}
"""Price in the middle of each book, in ticks."""


def levels(symbol: str, ts: int, middle: int) -> MarketLevels:
    """Twenty levels a side, one tick apart, ten units each on ETH and one on BTC."""
    amount = 100_000
    return MarketLevels(
        ts=ts,
        symbol=symbol,
        bids=tuple((middle - 1 - step, amount) for step in range(20)),
        asks=tuple((middle + 1 + step, amount) for step in range(20)),
        is_snapshot=True,
    )


def history(middle: Decimal, count: int) -> list[SourceCandle]:
    first = START_TS - count * MINUTE_MS
    return [
        SourceCandle(
            open_ts=first + index * MINUTE_MS,
            open=middle,
            high=middle + 2,
            low=middle - 2,
            close=middle + 1,
            volume=Decimal(index + 1),
            quote_volume=middle * (index + 1),
            trades=10,
            taker_buy_volume=Decimal(1),
            taker_buy_quote=middle,
        )
        for index in range(count)
    ]


@dataclass
class Collector:
    """A sink that keeps everything and can be waited for."""

    events: list[Event] = field(default_factory=list)
    market_events: list[Event] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, event: Event) -> None:
        self.events.append(event)
        self.changed.set()

    def put_market(self, event: Event) -> None:
        self.market_events.append(event)
        self.changed.set()

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in [*self.events, *self.market_events] if isinstance(event, kind)]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for a condition that no event announces; bounded."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while not condition():
            await asyncio.sleep(0.005)


class TestVenue:
    """Time stands still unless the test moves it; the server's windows are wide open for that."""

    __test__ = False

    def __init__(self, files: CertificateFiles, tolerance: float = 100_000.0) -> None:
        self.files = files
        self.exchange = SimulatedExchange(MARKETS, start_ts=START_TS)
        for one in MARKETS:
            middle = one.price(MIDDLE[one.symbol])
            self.exchange.seed_history(one.symbol, history(middle, HISTORY_COUNT))
            self.exchange.apply(levels(one.symbol, START_TS, MIDDLE[one.symbol]))
        self.exchange.open_account(
            "trader", {"USDT": Decimal(100_000), "BTC": Decimal(1), "ETH": Decimal(10)}
        )
        self.server = ExchangeServer(
            self.exchange, ServerSettings(window_tolerance=tolerance), settle=self._settle
        )
        self.server.add_key(ApiKey(API_KEY, "trader", secret=API_SECRET))
        self.faults = self.server.faults
        self.tls_port = 0
        self.clock: Callable[[], int] | None = None

    def _settle(self) -> None:
        if self.clock is not None:
            self.exchange.advance(self.clock())

    async def start(self) -> None:
        _, port = await self.server.start(port=None, tls_port=self.tls_port, files=self.files)
        assert port is not None
        self.tls_port = port

    async def stop(self) -> None:
        await self.server.stop()

    # the market

    def advance(self, ms: int) -> None:
        """Move the exchange's time on; streams are flushed at every cadence on the way."""
        target = self.exchange.now + ms
        while True:
            due = self.server.hub.next_due_ts()
            if due is None or due > target:
                break
            self.exchange.advance(due)
            self.server.publish(self.exchange.drain())
            self.server.hub.flush(due)
        self.exchange.advance(target)
        self.server.publish(self.exchange.drain())

    def trade(self, symbol: str, price: int, amount: int = 1_000, taker: Side = Side.BUY) -> None:
        self.exchange.apply(
            MarketTrade(
                ts=self.exchange.now, symbol=symbol, price=price, amount=amount, taker=taker
            )
        )
        self.server.publish(self.exchange.drain())

    def book(self, symbol: str, middle: int) -> None:
        self.exchange.apply(levels(symbol, self.exchange.now, middle))
        self.server.publish(self.exchange.drain())

    def tick(self, symbol: str = "BTCUSDT", ms: int = 100) -> None:
        """One small change of the book and the flush behind it."""
        self._nudge = getattr(self, "_nudge", 0) + 1
        self.change(symbol, bids=((MIDDLE[symbol] - 15, 50_000 + self._nudge),), ms=ms)

    def change(self, symbol: str, bids: tuple[tuple[int, int], ...], ms: int = 100) -> None:
        """Change these bids of the book (ticks, lots) and flush."""
        self.exchange.apply(MarketLevels(ts=self.exchange.now, symbol=symbol, bids=bids, asks=()))
        self.server.publish(self.exchange.drain())
        self.advance(ms)

    # the client

    def settings(self, **changes: object) -> ConnectorSettings:
        values: dict[str, object] = {
            "venue": Venue.EMBEDDED,
            "transport": loopback(self.tls_port, self.files.authority),
            "api_key": API_KEY,
            "api_secret": API_SECRET,
            "client_id_prefix": PREFIX,
            "request_timeout_seconds": 5.0,
            "backoff_longest_seconds": 0.2,
            "book_interval_seconds": 0.02,
            "clock_interval_seconds": 3_600.0,
            "candle_grace_ms": 3_600_000,
        }
        return ConnectorSettings(**(values | changes))  # type: ignore[arg-type]

    async def connect(self, **changes: object) -> Connection:
        return await open_connector(self.settings(**changes))


async def disconnect(connection: Connection) -> None:
    if connection.connector is not None:
        await connection.connector.close()
    await connection.feed.close()
