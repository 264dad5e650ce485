"""A small market for the fault simulation: a price a second, books and candles on demand.

It is made to be eventful and cheap, not to look real (simulated_exchange/market does that): waves
for the signals, falls for the stops, a new price for every pair each second.
"""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from autotrade.domain.entities.orderbook import OrderBook
from autotrade.infrastructure.simulated_exchange.core.types import Market, Side
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketLevels,
    MarketTrade,
)

MINUTE_MS = 60_000
HISTORY_MINUTES = 400
LEVELS = 20
KEPT_CANDLES = 3_000

WAVE_TURN = math.tau / 700
"""A wave in less than twelve minutes: a signal or two in each."""
WAVE_STEP = 0.00005
SECOND_DEVIATION = 0.00018

LISTED = (
    ("BTC", "60000", "0.01", "0.00001"),
    ("ETH", "2000", "0.01", "0.0001"),
    ("SOL", "150", "0.01", "0.001"),
    ("XRP", "0.6", "0.0001", "0.1"),
    ("ADA", "0.4", "0.0001", "0.1"),
    ("LTC", "80", "0.01", "0.001"),
)
"""(base, price, tick size, lot size); the filters are of Binance's size for such prices."""


@dataclass(slots=True)
class PairMarket:
    """One pair's price in ticks, its running candle and the candles before."""

    market: Market
    price: int
    tick: float
    lot: float
    phase: float
    start_price: int
    candle: list[int] = field(default_factory=list)
    """[open, high, low, close] in ticks"""
    closed: deque[tuple[int, int, int, int, int]] = field(
        default_factory=lambda: deque(maxlen=KEPT_CANDLES)
    )
    drift: float = 0.0
    fall_left: int = 0
    level_lots: int = 1
    is_thin: bool = False
    fact_number: int = 0

    @property
    def symbol(self) -> str:
        """Binance's name."""
        return self.market.symbol

    @property
    def pair(self) -> str:
        return f"{self.market.base}/{self.market.quote}"

    def decimal(self, ticks: int) -> Decimal:
        return self.market.tick_size * ticks


class SimulatedMarket:
    def __init__(self, seed: int, count: int, start_ms: int) -> None:
        self._random = random.Random(f"{seed}:market")
        self.start_ms = start_ms
        self.pairs = [self._listed(index) for index in range(count)]
        self.by_symbol = {pair.symbol: pair for pair in self.pairs}
        self.by_pair = {pair.pair: pair for pair in self.pairs}
        self._second = -HISTORY_MINUTES * 60
        while self._second < 0:
            self.move()

    def _listed(self, index: int) -> PairMarket:
        base, price, tick, lot = LISTED[index]
        market = Market(
            symbol=f"{base}USDT",
            base=base,
            quote="USDT",
            tick_size=Decimal(tick),
            lot_size=Decimal(lot),
            minimum_amount=Decimal(lot),
            maximum_amount=Decimal(1_000_000),
            minimum_price=Decimal(tick),
            maximum_price=Decimal(1_000_000),
            minimum_notional=Decimal(5),
            market_maximum_amount=Decimal(100_000),
        )
        ticks = int(Decimal(price) / Decimal(tick))
        return PairMarket(
            market,
            ticks,
            float(tick),
            float(lot),
            phase=self._random.random() * math.tau,
            start_price=ticks,
            level_lots=max(1, int(Decimal(3_000) / Decimal(price) / Decimal(lot))),
        )

    @property
    def seconds(self) -> int:
        """Since the start; the history lies below 0."""
        return self._second

    def move(self) -> bool:
        """One second; True when a minute ended with it."""
        gauss, chance = self._random.gauss, self._random.random
        self._second += 1
        is_minute = self._second % 60 == 0
        for pair in self.pairs:
            wave = math.sin(pair.phase + self._second * WAVE_TURN) * WAVE_STEP
            step = gauss(wave + pair.drift, SECOND_DEVIATION)
            if pair.fall_left:
                pair.fall_left -= 1
                step -= 0.0004
            price = max(20, pair.price + round(pair.price * step))
            pair.price = price
            candle = pair.candle
            if candle:
                candle[1] = max(candle[1], price)
                candle[2] = min(candle[2], price)
                candle[3] = price
            else:
                pair.candle = [price, price, price, price]
            if is_minute:
                self._end_minute(pair, chance())
        return is_minute

    def _end_minute(self, pair: PairMarket, chance: float) -> None:
        open_ts = self.start_ms + (self._second - 60) * 1000
        pair.closed.append((open_ts, *pair.candle))  # type: ignore[arg-type]
        pair.candle = []
        if chance < 0.012 and not pair.fall_left:
            pair.fall_left = 100  # some 4 % within two minutes: below every stop
        away = math.log(pair.price / pair.start_price)
        pair.drift = -away * 0.0005 + self._random.gauss(0, 0.000015)

    # --- as the exchange sees it --------------------------------------------------------------

    def facts(self, pair: PairMarket, ts: int) -> list[MarketFact]:
        """The market's liquidity now, and a trade at its price."""
        pair.fact_number += 1
        lots = max(1, pair.level_lots // (40 if pair.is_thin else 1))
        price = pair.price
        bids = tuple((price - 1 - 3 * step, lots + step) for step in range(LEVELS))
        asks = tuple((price + 3 * step, lots + step) for step in range(LEVELS))
        bids = tuple(level for level in bids if level[0] > 0)
        is_buy = pair.fact_number % 2 == 0
        trade = MarketTrade(
            ts,
            pair.symbol,
            price if is_buy else max(1, price - 1),
            max(1, lots // 3),
            Side.BUY if is_buy else Side.SELL,
        )
        return [MarketLevels(ts, pair.symbol, bids, asks, is_snapshot=True), trade]

    # --- as clients see it --------------------------------------------------------------------

    def book(self, pair: PairMarket, ts: int) -> OrderBook:
        tick, size = pair.tick, pair.level_lots * pair.lot
        price = pair.price
        return OrderBook(
            symbol=pair.pair,
            ts=ts,
            bids=tuple([((price - 1 - 3 * step) * tick, size) for step in range(LEVELS)]),
            asks=tuple([((price + 3 * step) * tick, size) for step in range(LEVELS)]),
            update_id=ts,
        )

    def kline_rows(self, symbol: str, start_ts: int, end_ts: int, limit: int) -> list[list[Any]]:
        """Rows of GET klines: closed candles that open within the span, oldest first."""
        pair = self.by_symbol[symbol]
        rows = []
        for candle in pair.closed:
            if start_ts <= candle[0] <= end_ts:
                rows.append(self._row(pair, candle))
                if len(rows) == limit:
                    break
        return rows

    def kline_line(self, pair: PairMarket) -> dict[str, Any]:
        """The `k` of a kline message: the candle that closed last."""
        candle = pair.closed[-1]
        prices = [str(pair.decimal(value)) for value in candle[1:]]
        return {
            "i": "1m",
            "t": candle[0],
            "T": candle[0] + MINUTE_MS - 1,
            "o": prices[0],
            "h": prices[1],
            "l": prices[2],
            "c": prices[3],
            "v": "10",
            "x": True,
        }

    @staticmethod
    def _row(pair: PairMarket, candle: tuple[int, int, int, int, int]) -> list[Any]:
        prices = [str(pair.decimal(value)) for value in candle[1:]]
        end_ts = candle[0] + MINUTE_MS - 1
        return [candle[0], *prices, "10", end_ts, "0", 1, "0", "0", "0"]
