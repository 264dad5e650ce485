"""How an exchange's core treats its market. The defaults are a live exchange's; a backtest, whose
market is a few points of a candle, takes others."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from autotrade.infrastructure.simulated_exchange.core.context import Context
from autotrade.infrastructure.simulated_exchange.core.statistics import (
    EIGHT_PLACES,
    MarketStatistics,
)
from autotrade.infrastructure.simulated_exchange.core.types import Trade


@dataclass(frozen=True, slots=True)
class MatchingRules:
    """Each rule is off by default."""

    fills_only_through: bool = False
    """A resting order trades only when the market's trade goes beyond its price by a tick or more.
    The market's levels never fill it: those that reach it are left out of the book."""
    tells_accounts_only: bool = False
    """No `BookChanged` and `TradeExecuted`: nobody listens to the market."""
    keeps_last_price_only: bool = False
    """No candles, no 24 hours, no tape; the average price is the last one."""


LIVE_RULES = MatchingRules()


class LastPrice(MarketStatistics):
    """Statistics of a market that nobody asks for its past."""

    def __init__(self, symbol: str, tick: Decimal, lot: Decimal, context: Context) -> None:
        super().__init__(symbol, tick, lot, context)
        self._tick = tick
        self._last: int | None = None

    def record(self, trade: Trade, ticks: int, lots: int, taker: int) -> None:
        self._last = ticks

    def saw(self, ticks: int) -> None:
        """A trade of the market with itself."""
        self._last = ticks

    def roll(self, now: int) -> None:
        """Nothing is kept, so nothing closes."""

    @property
    def last_ticks(self) -> int | None:
        return self._last

    def average_ticks(self, minutes: int) -> Decimal | None:
        return None if self._last is None else Decimal(self._last)

    def average_price(self, minutes: int) -> Decimal | None:
        if self._last is None:
            return None
        return (self._tick * self._last).quantize(EIGHT_PLACES, ROUND_DOWN)
