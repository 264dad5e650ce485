"""The exchange of `wire.py`, in its own process: the real one, with a market that makes signals.

It notes when it sends a closed candle and when the order that answers it arrives, both on its own
monotonic clock, and writes one line of JSON for each pair of them. It ends when its stdin ends.

    python benchmarks/wire_exchange.py --data-dir DIR --speed 60
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import measure  # noqa: F401 - makes autotrade importable

from autotrade.infrastructure.simulated_exchange.core.types import Market, Side
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange, EmbeddedOptions
from autotrade.infrastructure.simulated_exchange.market.listings import LISTINGS
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketLevels,
    MarketTrade,
    SourceCandle,
)
from autotrade.infrastructure.simulated_exchange.process import announcement

ANNOUNCE_FILE = "exchange.json"
SAMPLES_FILE = "samples.jsonl"
START_TS = 1_767_225_600_000
MINUTE_MS = 60_000
FACT_MS = 1_000
LEVELS = 100
ORDER_PATH = ("REST", "POST", "/api/v3/order")
FIRST_ENTRY = "-B1"
"""End of the client order id of a deal's first BUY; a re-created one answers no candle."""

WAVE_CANDLES = 4
RISE = 0.0005
RIPPLE = 0.001


@dataclass(frozen=True, slots=True)
class PricePath:
    """One pair's closes: a steady rise with a ripple, so that the MACD's histogram crosses zero
    once a wave while the fast average stays above the slow one. Phases keep the pairs apart."""

    market: Market
    start: float
    phase: int
    lots: int

    def ticks(self, minute: int) -> int:
        ripple = RIPPLE * math.sin(2 * math.pi * (minute + self.phase) / WAVE_CANDLES)
        price = self.start * math.exp(RISE * minute) * (1 + ripple)
        return round(price / float(self.market.tick_size))


PATHS = (
    PricePath(LISTINGS["BTCUSDT"].market, 100_000.0, 0, 100_000),
    PricePath(LISTINGS["ETHUSDT"].market, 2_500.0, 2, 400_000),
    PricePath(LISTINGS["SOLUSDT"].market, 160.0, 4, 600_000),
)


class RipplingMarket:
    """Implements MarketSource: every second a trade and a change of the book, a new price a
    minute."""

    description = "scripted market of the wire benchmark"
    markets = tuple(path.market for path in PATHS)
    start_ts = START_TS
    end_ts = None

    def history(self, symbol: str, count: int) -> list[SourceCandle]:
        path = next(path for path in PATHS if path.market.symbol == symbol)
        return [self._candle(path, minute) for minute in range(-count, 0)]

    def _candle(self, path: PricePath, minute: int) -> SourceCandle:
        price = path.ticks(minute) * path.market.tick_size
        return SourceCandle(
            open_ts=self.start_ts + minute * MINUTE_MS,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=Decimal(10),
            quote_volume=price * 10,
            trades=60,
            taker_buy_volume=Decimal(5),
            taker_buy_quote=price * 5,
        )

    def facts(self) -> Iterator[MarketFact]:
        for number in itertools.count():
            # half a step after the full second: a candle's last fact is well before its end
            ts = self.start_ts + number * FACT_MS + FACT_MS // 2
            minute, second = divmod(number * FACT_MS, MINUTE_MS)
            for path in PATHS:
                yield from _second(
                    path, ts, path.ticks(minute), is_first=second == 0, number=number
                )


def _second(
    path: PricePath, ts: int, price: int, *, is_first: bool, number: int
) -> Iterator[MarketFact]:
    symbol, lots = path.market.symbol, path.lots
    if is_first:
        bids = tuple((price - step, lots) for step in range(1, LEVELS + 1))
        asks = tuple((price + step, lots) for step in range(1, LEVELS + 1))
        yield MarketLevels(ts, symbol, bids, asks, is_snapshot=True)
    else:
        step = 1 + number % 20
        changed = lots + number % 97
        yield MarketLevels(ts, symbol, ((price - step, changed),), ((price + step, changed),))
    yield MarketTrade(ts, symbol, price, lots, Side.BUY if number % 2 else Side.SELL)


# --- the two moments ------------------------------------------------------------------------------


class CandleProbe:
    """Subscribes like a client, before every other one: told first when a candle is sent."""

    is_combined = False

    def __init__(self, symbol: str, closed_ns: dict[str, int]) -> None:
        self._symbol, self._closed_ns = symbol, closed_ns

    def send(self, message: bytes) -> None:
        if b'"x":true' in message:
            self._closed_ns[self._symbol] = perf_counter_ns()


def install(running: EmbeddedExchange, samples: Path) -> None:
    """Note the moments; the exchange itself is as it always is."""
    closed_ns: dict[str, int] = {}
    for market in running.source.markets:
        probe = CandleProbe(market.symbol, closed_ns)
        running.server.hub.subscribe(probe, f"{market.symbol.lower()}@kline_1m")
    table = running.server._dispatcher.table
    operation = table[ORDER_PATH]
    out = samples.open("w", buffering=1)

    def place(call: Any, values: Any) -> Any:
        entered_ns = perf_counter_ns()
        sent_ns = closed_ns.get(values["symbol"])
        is_first = str(values.get("newClientOrderId", "")).endswith(FIRST_ENTRY)
        if is_first and sent_ns is not None:
            sample = {"symbol": values["symbol"], "sent_ns": sent_ns, "ns": entered_ns - sent_ns}
            out.write(json.dumps(sample) + "\n")
        return operation.handler(call, values)

    table[ORDER_PATH] = replace(operation, handler=place)


async def serve(data_dir: Path, speed: float) -> None:
    running = EmbeddedExchange(
        RipplingMarket(),
        EmbeddedOptions(
            port=0,
            tls_port=0,
            speed=speed,
            balances={"USDT": Decimal(1_000_000)},
            data_dir=data_dir,
        ),
    )
    install(running, data_dir / SAMPLES_FILE)
    async with running:
        facts = json.dumps(announcement(running))
        (data_dir / ANNOUNCE_FILE).write_text(facts, encoding="utf-8")
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--speed", type=float, required=True)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.data_dir, arguments.speed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
