"""A market on bad days: books that are empty or so thin that orders are filled in many pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import Enum

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.market.source import (
    LotLevel,
    MarketFact,
    MarketLevels,
    MarketTrade,
)

THIN_DIVISOR = 2_000
"""What is left of every amount in a thin market, as one part of so many; at least one lot."""

Levels = dict[int, int]


class Bend(Enum):
    """How a market's facts are changed."""

    THIN = "thin"
    EMPTY = "empty"


class MarketBender:
    """Changes a symbol's facts on their way into the core, and gives the true book back after."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange = exchange
        self._bends: dict[str, dict[Bend, None]] = {}
        self._true: dict[str, tuple[Levels, Levels]] = {}
        """symbol -> the market's own bids and asks, as its source says, while they are changed"""

    def begin(self, symbol: str, bend: Bend) -> None:
        if symbol not in self._true:
            bids, asks = self._exchange.market_levels(symbol)
            self._true[symbol] = (dict(bids), dict(asks))
        self._bends.setdefault(symbol, {})[bend] = None
        self._lay_anew(symbol)

    def end(self, symbol: str, bend: Bend) -> None:
        self._bends.get(symbol, {}).pop(bend, None)
        self._lay_anew(symbol)
        if not self._bends.get(symbol):
            self._bends.pop(symbol, None)
            self._true.pop(symbol, None)

    def bend(self, fact: MarketFact) -> MarketFact:
        """The fact that the core is given instead of this one."""
        if fact.symbol not in self._bends:
            return fact
        if isinstance(fact, MarketTrade):
            if Bend.THIN not in self._bends[fact.symbol]:
                return fact
            return replace(fact, amount=_thin(fact.amount))
        self._remember(fact)
        change = self._change(fact.symbol)
        return replace(fact, bids=_changed(fact.bids, change), asks=_changed(fact.asks, change))

    def _remember(self, fact: MarketLevels) -> None:
        for known, levels in zip(self._true[fact.symbol], (fact.bids, fact.asks), strict=True):
            if fact.is_snapshot:
                known.clear()
            for ticks, lots in levels:
                if lots:
                    known[ticks] = lots
                else:
                    known.pop(ticks, None)

    def _change(self, symbol: str) -> Callable[[int], int]:
        bends = self._bends.get(symbol, {})
        if Bend.EMPTY in bends:
            return lambda lots: 0
        return _thin if Bend.THIN in bends else lambda lots: lots

    def _lay_anew(self, symbol: str) -> None:
        if symbol not in self._true:
            return
        change = self._change(symbol)
        bids, asks = (_changed(side.items(), change) for side in self._true[symbol])
        self._exchange.apply(MarketLevels(self._exchange.now, symbol, bids, asks, is_snapshot=True))


def _thin(lots: int) -> int:
    return max(1, lots // THIN_DIVISOR) if lots else 0


def _changed(levels: Iterable[LotLevel], change: Callable[[int], int]) -> tuple[LotLevel, ...]:
    return tuple((ticks, change(lots)) for ticks, lots in levels)
