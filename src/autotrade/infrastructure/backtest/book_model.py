"""The book that a backtest from candles sees: one deterministic model, in integers.

Around the last price p (ticks) stand `LEVELS` levels on each side. The best bid is h ticks under p
and the best ask h ticks over it, h = max(1, p * spread_bp // 20000). Neighbouring levels are
max(1, p * level_step_bp // 10000) ticks apart. Every level holds the same amount: a share of the
volume of the last closed candle, at least one lot. So the book is even (it speaks neither for nor
against a signal, and shows no walls), thin where little is traded, and a large order pays for its
size level by level. Nothing of the running candle is known to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from autotrade.infrastructure.backtest.settings import BacktestSettings

LEVELS = 20
"""On each side; the order-book filter looks at 15."""


@dataclass(frozen=True, slots=True)
class BookModel:
    """Prices in ticks, amounts in lots."""

    spread_bp: int
    level_step_bp: int
    level_volume_percent: int

    @classmethod
    def of(cls, settings: BacktestSettings) -> BookModel:
        return cls(settings.spread_bp, settings.level_step_bp, settings.level_volume_percent)

    def half_spread(self, price: int) -> int:
        return max(1, price * self.spread_bp // 20_000)

    def level_step(self, price: int) -> int:
        return max(1, price * self.level_step_bp // 10_000)

    def level_lots(self, volume_lots: int) -> int:
        return max(1, volume_lots * self.level_volume_percent // 100)

    def bid(self, price: int) -> int:
        """Never under one tick: a price of one tick has no better bid than itself."""
        return max(1, price - self.half_spread(price))

    def ask(self, price: int) -> int:
        return price + self.half_spread(price)

    def bids(self, price: int) -> range:
        """Prices of the bids, best first; those under one tick are left out."""
        best, step = self.bid(price), self.level_step(price)
        return range(best, max(0, best - LEVELS * step), -step)

    def asks(self, price: int) -> range:
        best, step = self.ask(price), self.level_step(price)
        return range(best, best + LEVELS * step, step)

    def price_whose_bid_reaches(self, bid: int) -> int:
        """A price such that the bid is above `bid` for every price above it: never too low, at most
        a few ticks too high."""
        if self.spread_bp >= 20_000:
            return 1 << 60
        return (bid + 2) * 20_000 // (20_000 - self.spread_bp) + 3
