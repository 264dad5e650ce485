"""A market made of a trend, a wave and a fall: signals, winners and losers on demand."""

from __future__ import annotations

import math
from collections.abc import Iterator
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
STEP_MS = 6_000
BASE_PRICE = 2_000.0
TREND_PER_MINUTE = 0.0004
WAVE_MINUTES = 14.0
WAVE_HEIGHT = 0.002


class WaveMarket:
    """ETHUSDT. `fall_at` names the minute at which the price drops by 3 % within four minutes."""

    description = "waves made for tests"
    end_ts = None

    def __init__(self, *, fall_at: float = 60.0) -> None:
        self._fall_at = fall_at
        self.start_ts = START_TS
        self.markets = [
            Market(
                symbol="ETHUSDT",
                base="ETH",
                quote="USDT",
                tick_size=D("0.01"),
                lot_size=D("0.0001"),
                minimum_amount=D("0.0001"),
                maximum_amount=D(9000),
                minimum_price=D("0.01"),
                maximum_price=D(1_000_000),
                minimum_notional=D(5),
            )
        ]

    def price(self, minute: float) -> float:
        """The price in ticks of 0.01 at a minute since the start."""
        fall = -0.03 * min(max((minute - self._fall_at) / 4, 0.0), 1.0)
        wave = WAVE_HEIGHT * math.sin(2 * math.pi * minute / WAVE_MINUTES)
        return 100 * BASE_PRICE * (1 + TREND_PER_MINUTE * minute + wave + fall)

    def history(self, symbol: str, count: int) -> list[SourceCandle]:
        return [self._candle(index - count) for index in range(count)]

    def _candle(self, minute: int) -> SourceCandle:
        points = [D(round(self.price(minute + part))) / 100 for part in (0.0, 0.5, 0.99)]
        return SourceCandle(
            open_ts=START_TS + minute * MINUTE_MS,
            open=points[0],
            high=max(points),
            low=min(points),
            close=points[-1],
            volume=D(10),
            quote_volume=D(10) * points[1],
            trades=10,
            taker_buy_volume=D(5),
            taker_buy_quote=D(5) * points[1],
        )

    def facts(self) -> Iterator[MarketFact]:
        number = 0
        while True:
            ts = START_TS + number * STEP_MS
            middle = round(self.price(number * STEP_MS / MINUTE_MS))
            bids = tuple((middle - 1 - 3 * step, 60_000) for step in range(20))
            asks = tuple((middle + 1 + 3 * step, 60_000) for step in range(20))
            yield MarketLevels(ts, "ETHUSDT", bids, asks, is_snapshot=True)
            taker = Side.BUY if number % 2 else Side.SELL
            at = middle + 1 if taker is Side.BUY else middle - 1
            yield MarketTrade(ts, "ETHUSDT", at, 20_000, taker)
            number += 1
