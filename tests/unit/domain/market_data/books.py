"""Order books made by hand."""

from __future__ import annotations

from autotrade.domain.entities.orderbook import Level, OrderBook

TS = 1_700_000_000_000


def side(best: float, step: float, quotes: list[float]) -> tuple[Level, ...]:
    """Levels from `best` on, `step` apart, each holding so much quote currency."""
    levels = []
    for number, quote in enumerate(quotes):
        price = best + number * step
        levels.append((price, quote / price))
    return tuple(levels)


def book(
    bids: tuple[Level, ...] | None = None, asks: tuple[Level, ...] | None = None, ts: int = TS
) -> OrderBook:
    """Around 100, 0.125 wide, 20 levels of 1024 quote a side; sides given replace these."""
    flat = [1024.0] * 20
    return OrderBook(
        symbol="ETH/USDT",
        ts=ts,
        bids=side(99.9375, -0.0625, flat) if bids is None else bids,
        asks=side(100.0625, 0.0625, flat) if asks is None else asks,
    )
