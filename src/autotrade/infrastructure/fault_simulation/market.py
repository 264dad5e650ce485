"""A small market for the fault simulation: a price a second, books and candles on demand.

It is made to be eventful and cheap, not to look real (simulated_exchange/market does that): waves
for the signals, falls for the stops, a new price for every pair each second.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from autotrade.domain.entities.orderbook import OrderBook
from autotrade.infrastructure.simulated_exchange.core.types import Market, Side
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketLevels,
    MarketTrade,
)

MINUTE_MS = 60_000
MINUTE_SECONDS = 60
HISTORY_MINUTES = 215
LEVELS = 20
KEPT_CANDLES = 3_000

WAVE_TURN = math.tau / 700
"""A wave in less than twelve minutes: a signal or two in each."""
WAVE_STEP = 0.00005
SECOND_DEVIATION = 0.00018
DRIFT_DEVIATION = 0.000015
RETURN_PULL = 0.0005
"""Of the distance from the first price, a second: prices stay where the lot sizes fit them."""
FALL_CHANCE = 0.012
FALL_STEP = 0.00035
"""Now and then some 4 % are lost within two minutes: that is below every stop."""
LOWEST_TICKS = 100
MARKET_STREAM = 1
"""Keeps the market's chance apart from other uses of the seed."""

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
    minute: list[int] = field(default_factory=list)
    """The prices of the running minute's seconds, the coming ones too."""
    closed: deque[tuple[int, int, int, int, int]] = field(
        default_factory=lambda: deque(maxlen=KEPT_CANDLES)
    )
    fall_minutes: int = 0
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
        self._random = np.random.default_rng([seed, MARKET_STREAM])
        self.start_ms = start_ms
        self.pairs = [self._listed(index) for index in range(count)]
        self.by_symbol = {pair.symbol: pair for pair in self.pairs}
        self.by_pair = {pair.pair: pair for pair in self.pairs}
        self._second = -HISTORY_MINUTES * MINUTE_SECONDS
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
            phase=float(self._random.random()) * math.tau,
            start_price=ticks,
            level_lots=max(1, int(Decimal(3_000) / Decimal(price) / Decimal(lot))),
        )

    @property
    def seconds(self) -> int:
        """Since the start; the history lies below 0."""
        return self._second

    def move(self) -> bool:
        """One second; True when a minute ended with it."""
        place = self._second % MINUTE_SECONDS
        if place == 0:
            for pair in self.pairs:
                pair.minute = self._next_minute(pair)
        self._second += 1
        for pair in self.pairs:
            pair.price = pair.minute[place]
        if place + 1 < MINUTE_SECONDS:
            return False
        open_ts = self.start_ms + (self._second - MINUTE_SECONDS) * 1000
        for pair in self.pairs:
            prices = pair.minute
            pair.closed.append((open_ts, prices[0], max(prices), min(prices), prices[-1]))
        return True

    def _next_minute(self, pair: PairMarket) -> list[int]:
        """The prices of the coming minute's seconds, in ticks."""
        if pair.fall_minutes:
            pair.fall_minutes -= 1
        elif self._random.random() < FALL_CHANCE:
            pair.fall_minutes = 2
        seconds = np.arange(self._second, self._second + MINUTE_SECONDS)
        away = math.log(pair.price / pair.start_price)
        drift = -away * RETURN_PULL + self._random.normal(0.0, DRIFT_DEVIATION)
        steps = self._random.normal(drift, SECOND_DEVIATION, MINUTE_SECONDS)
        steps += np.sin(pair.phase + seconds * WAVE_TURN) * WAVE_STEP
        if pair.fall_minutes:
            steps -= FALL_STEP
        prices = np.rint(pair.price * np.cumprod(1.0 + steps))
        return [int(price) for price in np.maximum(prices, LOWEST_TICKS)]

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
