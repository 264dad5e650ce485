"""A market that stands still until the test moves it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal as D

from autotrade.infrastructure.simulated_exchange.core.types import Market, Side
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketLevels,
    MarketTrade,
    SourceCandle,
)

START_TS = 1_760_000_040_000
MINUTE_MS = 60_000
STEP_MS = 2_000
MIDDLE = 200_000
HALF_SPREAD = 5
LEVELS = 40
LEVEL_LOTS = 60_000
WALL_TICKS = 1_000
WALL_LOTS = 1_000_000
TICK = D("0.01")
LOT = D("0.0001")
ETH = Market(
    symbol="ETHUSDT",
    base="ETH",
    quote="USDT",
    tick_size=TICK,
    lot_size=LOT,
    minimum_amount=LOT,
    maximum_amount=D(9000),
    minimum_price=TICK,
    maximum_price=D(1_000_000),
    minimum_notional=D(5),
)


class HandMarket:
    """ETHUSDT at 2000 with a spread of ten ticks. A BUY takes the ask; while a wall of bids stands
    half a percent under the market it waits there instead, until somebody sells to it."""

    description = "a market moved by hand"

    def __init__(self, *, minutes: int | None = None) -> None:
        """With `minutes` it ends like a recording."""
        self.start_ts = START_TS
        self.end_ts = None if minutes is None else START_TS + minutes * MINUTE_MS
        self.markets = [replace(ETH)]
        self.middle = MIDDLE
        self.is_empty = self.has_wall = False
        self._orders: deque[tuple[int, int]] = deque()

    def rise(self, percent: float = 0.1) -> None:
        """Up (or down): after a quiet time a rise is a signal when its candle closes."""
        self.middle = round(self.middle * (1 + percent / 100))

    def sell(self, price: D, amount: D) -> None:
        """Somebody sells so much through this price, to our order that waits there."""
        self._orders.append((int(price / TICK) - 1, int(amount / LOT)))

    def history(self, symbol: str, count: int) -> list[SourceCandle]:
        price = TICK * MIDDLE
        return [
            SourceCandle(
                open_ts=START_TS - (count - index) * MINUTE_MS,
                open=price,
                high=price,
                low=price,
                close=price,
                volume=D(10),
                quote_volume=D(10) * price,
                trades=10,
                taker_buy_volume=D(5),
                taker_buy_quote=D(5) * price,
            )
            for index in range(count)
        ]

    def facts(self) -> Iterator[MarketFact]:
        ts = START_TS
        while self.end_ts is None or ts <= self.end_ts:
            yield self._levels(ts)
            while self._orders:
                price, amount = self._orders.popleft()
                yield MarketTrade(ts, ETH.symbol, price, amount, Side.SELL)
            yield MarketTrade(ts, ETH.symbol, self.middle, 1_000, Side.BUY)
            ts += STEP_MS

    def _levels(self, ts: int) -> MarketLevels:
        levels = 0 if self.is_empty else LEVELS
        lots = LEVEL_LOTS + ts // STEP_MS % 7  # a book that never changes would be a silent one
        bids = [(self.middle - HALF_SPREAD - 3 * step, lots) for step in range(levels)]
        if self.has_wall:
            bids.append((self.middle - WALL_TICKS, WALL_LOTS))
        asks = [(self.middle + HALF_SPREAD + 3 * step, lots) for step in range(levels)]
        return MarketLevels(ts, ETH.symbol, tuple(bids), tuple(asks), is_snapshot=True)
