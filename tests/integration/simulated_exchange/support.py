"""A scripted market, and clients of the embedded exchange over its two transports."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import ccxt.pro
from aiohttp.abc import AbstractResolver

from autotrade.infrastructure.simulated_exchange.core.types import Market, Side
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketLevels,
    MarketTrade,
    SourceCandle,
)
from autotrade.infrastructure.simulated_exchange.wire.tls import client_context

START_TS = 1_700_000_400_000
MINUTE_MS = 60_000


def market(symbol: str, *, tick: str = "0.01", lot: str = "0.00001") -> Market:
    return Market(
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        tick_size=Decimal(tick),
        lot_size=Decimal(lot),
        minimum_amount=Decimal(lot),
        maximum_amount=Decimal(9000),
        minimum_price=Decimal(tick),
        maximum_price=Decimal(1_000_000),
        minimum_notional=Decimal(5),
        maximum_notional=Decimal(900_000_000),
        market_maximum_amount=Decimal(500),
    )


class ScriptedMarket:
    """Two symbols with a still book: a trade and a book change every `pace_ms`."""

    description = "scripted market of the tests"

    def __init__(
        self, *, pace_ms: int = 200, end_ts: int | None = None, symbols: Sequence[str] | None = None
    ) -> None:
        self._prices = {"BTCUSDT": 6_000_000, "ETHUSDT": 300_000}
        names = symbols or list(self._prices)
        self.markets = [market(name) for name in names]
        self.start_ts = START_TS
        self.end_ts = end_ts
        self._pace_ms = pace_ms

    def history(self, symbol: str, count: int) -> list[SourceCandle]:
        tick = Decimal("0.01")
        price = self._prices[symbol] * tick
        return [
            SourceCandle(
                open_ts=self.start_ts - (count - number) * MINUTE_MS,
                open=price,
                high=price + tick,
                low=price - tick,
                close=price,
                volume=Decimal("1.5"),
                quote_volume=price * Decimal("1.5"),
                trades=10,
                taker_buy_volume=Decimal("0.5"),
                taker_buy_quote=price * Decimal("0.5"),
            )
            for number in range(count)
        ]

    def facts(self) -> Iterator[MarketFact]:
        for one in self.markets:
            yield self.opening(one.symbol, self.start_ts)
        for number in itertools.count(1):
            ts = self.start_ts + number * self._pace_ms
            if self.end_ts is not None and ts > self.end_ts:
                return
            for one in self.markets:
                price = self._prices[one.symbol]
                amount = 50_000 + number % 7
                yield MarketLevels(ts, one.symbol, ((price - 1, amount),), ((price + 1, amount),))
                taker = Side.BUY if number % 2 else Side.SELL
                at = price + 1 if taker is Side.BUY else price - 1
                yield MarketTrade(ts, one.symbol, at, 100 + number % 5, taker)

    def opening(self, symbol: str, ts: int) -> MarketLevels:
        """Fifty levels a side, a tick apart."""
        price = self._prices[symbol]
        bids = tuple((price - offset, 50_000) for offset in range(1, 51))
        asks = tuple((price + offset, 50_000) for offset in range(1, 51))
        return MarketLevels(ts, symbol, bids, asks, is_snapshot=True)


def inject(running: EmbeddedExchange, *facts: MarketFact) -> None:
    """Let something happen in the market now."""
    for fact in facts:
        running.exchange.apply(fact)
    running.server.publish(running.exchange.drain())


class LoopbackResolver(AbstractResolver):
    """Every host of binance.com is the exchange's TLS port; every other host is refused."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.resolved: list[tuple[str, int]] = []

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> Any:
        if not host.endswith("binance.com"):
            raise OSError(f"refused to resolve {host}")
        self.resolved.append((host, port))
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": self._port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]

    async def close(self) -> None: ...


def _config(running: EmbeddedExchange) -> dict[str, Any]:
    return {
        "apiKey": running.options.api_key,
        "secret": running.options.api_secret,
        "enableRateLimit": False,
        "options": {
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            "fetchOpenOrders": {"warnWithoutSymbol": False},
        },
    }


def plain_urls(port: int) -> dict[str, Any]:
    """Everything that ccxt could ask for, at the plain port or nowhere."""
    rest = f"http://127.0.0.1:{port}/api/v3"
    nowhere = "http://127.0.0.1:9/poisoned"
    names = ("sapi", "sapiV2", "sapiV3", "sapiV4", "dapiPublic", "dapiPrivate", "eapiPublic")
    return {
        "public": rest,
        "private": rest,
        "v1": f"http://127.0.0.1:{port}/api/v1",
        "ws": {
            "spot": f"ws://127.0.0.1:{port}/stream/ws",
            "ws-api": {"spot": f"ws://127.0.0.1:{port}/ws-api/v3"},
        },
        **dict.fromkeys(names, nowhere),
    }


@asynccontextmanager
async def ccxt_client(running: EmbeddedExchange, transport: str) -> Any:
    """Unmodified ccxt.pro: `plain` by URL override, `tls` with its production URLs."""
    config = _config(running)
    session: aiohttp.ClientSession | None = None
    if transport == "plain":
        assert running.port is not None
        config["urls"] = {"api": plain_urls(running.port)}
    client = ccxt.pro.binance(config)
    client.milliseconds = running.driver.time_ms
    if transport == "tls":
        assert running.tls_port is not None
        assert running.certificates is not None
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=client_context(Path(running.certificates.authority)),
                resolver=LoopbackResolver(running.tls_port),
                use_dns_cache=False,
            )
        )
        client.session = session
        client.own_session = False
    try:
        yield client
    finally:
        await client.close()
        if session is not None:
            await session.close()
