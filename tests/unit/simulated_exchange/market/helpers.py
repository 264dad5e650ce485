"""What the tests of the market sources share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import takewhile

from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketLevels,
    MarketSource,
    MarketTrade,
)


def facts_until(source: MarketSource, ts: int) -> Iterator[MarketFact]:
    """The source's facts before `ts`."""
    return takewhile(lambda fact: fact.ts < ts, source.facts())


def digest(facts: Iterable[MarketFact]) -> str:
    """One text for a whole stream of facts."""
    total = hashlib.sha256()
    for fact in facts:
        total.update(repr(fact).encode())
    return total.hexdigest()


class Book:
    """A book kept by hand from facts; amounts in lots, prices in ticks."""

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    def apply(self, levels: MarketLevels) -> None:
        if levels.is_snapshot:
            self.bids.clear()
            self.asks.clear()
        for side, changes in ((self.bids, levels.bids), (self.asks, levels.asks)):
            for price, lots in changes:
                if lots:
                    side[price] = lots
                else:
                    side.pop(price, None)

    @property
    def best(self) -> tuple[int, int]:
        return max(self.bids), min(self.asks)


def minute_candles(trades: Iterable[MarketTrade]) -> dict[tuple[str, int], tuple[int, ...]]:
    """(symbol, open time) -> (open, high, low, close, volume) rebuilt from trades."""
    candles: dict[tuple[str, int], tuple[int, ...]] = {}
    for trade in trades:
        key = (trade.symbol, trade.ts // 60_000 * 60_000)
        price = trade.price
        opened, high, low, _, volume = candles.get(key, (price, price, price, price, 0))
        candles[key] = (opened, max(high, price), min(low, price), price, volume + trade.amount)
    return candles
