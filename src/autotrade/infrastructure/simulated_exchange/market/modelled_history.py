"""Candles: those before the start, made from the model's minutes, and a tally of the running ones.

A row of a candle is a list of integers: open time, open, high, low, close (ticks), volume (lots),
quote volume (ticks x lots), trades, taker's buy volume (lots), taker's buy quote (ticks x lots).
"""

from __future__ import annotations

import math
from random import Random

from autotrade.infrastructure.simulated_exchange.core.types import Market
from autotrade.infrastructure.simulated_exchange.market.listings import Listing
from autotrade.infrastructure.simulated_exchange.market.price_path import (
    MINUTE_MS,
    CommonFactor,
    PairMinute,
    PairPath,
    stream,
)
from autotrade.infrastructure.simulated_exchange.market.source import SourceCandle

Row = list[int]


def candle_of(market: Market, row: Row) -> SourceCandle:
    """The row in the market's own decimals."""
    ts, opened, high, low, close, volume, quote, trades, buy_volume, buy_quote = row
    unit = market.tick_size * market.lot_size
    return SourceCandle(
        open_ts=ts,
        open=market.price(opened),
        high=market.price(high),
        low=market.price(low),
        close=market.price(close),
        volume=market.amount(volume),
        quote_volume=unit * quote,
        trades=trades,
        taker_buy_volume=market.amount(buy_volume),
        taker_buy_quote=unit * buy_quote,
    )


class CandleTally:
    """The candles of a pair's own trades, so that a later session has them as history."""

    def __init__(self, start_ts: int, price: int, limit: int = 240) -> None:
        self._limit = limit
        self._closed: list[Row] = []
        self._row = self._flat(start_ts, price)

    @staticmethod
    def _flat(ts: int, price: int) -> Row:
        return [ts, price, price, price, price, 0, 0, 0, 0, 0]

    def add(self, ts: int, price: int, lots: int, is_buy: bool) -> None:
        if ts >= self._row[0] + MINUTE_MS:
            self._roll(ts)
        row = self._row
        if not row[7]:
            row[1] = row[2] = row[3] = price
        elif price > row[2]:
            row[2] = price
        elif price < row[3]:
            row[3] = price
        row[4] = price
        quote = price * lots
        row[5] += lots
        row[6] += quote
        row[7] += 1
        if is_buy:
            row[8] += lots
            row[9] += quote

    def _roll(self, ts: int) -> None:
        while ts >= self._row[0] + MINUTE_MS:
            self._closed.append(self._row)
            self._row = self._flat(self._row[0] + MINUTE_MS, self._row[4])
        del self._closed[: -self._limit]

    def rows(self, end_ts: int) -> list[Row]:
        """The candles up to `end_ts` (a full minute), the one that was cut short included."""
        rows = [list(row) for row in self._closed]
        row = list(self._row)
        while row[0] < end_ts:
            rows.append(row)
            row = self._flat(row[0] + MINUTE_MS, row[4])
        return rows[-self._limit :]


def past_candles(
    listing: Listing, path: PairPath, rng: Random, end_ts: int, end_price: int
) -> list[SourceCandle]:
    """The path's past minutes as candles; the last one closes at `end_price` (ticks)."""
    level, levels = 0.0, [0.0]
    for value in reversed(path.past_returns):
        level -= value
        levels.append(level)
    levels.reverse()
    prices = [max(1, round(end_price * math.exp(value))) for value in levels]
    first_ts = end_ts - len(path.past) * MINUTE_MS
    rows = (
        _past_row(listing, path, minute, rng, (opened, close))
        for minute, opened, close in zip(path.past, prices[:-1], prices[1:], strict=True)
    )
    candles = []
    for index, row in enumerate(rows):
        row[0] = first_ts + index * MINUTE_MS
        candles.append(candle_of(listing.market, row))
    return candles


def _past_row(
    listing: Listing, path: PairPath, minute: PairMinute, rng: Random, ends: tuple[int, int]
) -> Row:
    """One candle between two prices: extremes of a Brownian bridge, volume of the minute."""
    opened, close = ends
    common = path.common_sd * minute.common.scale
    variance = common**2 * minute.common.mixing + minute.scale**2 * minute.mixing
    change = math.log(close / opened)

    def reach() -> float:
        root = math.sqrt(change**2 - 2 * variance * math.log(1.0 - rng.random()))
        return (root - abs(change)) / 2

    high = max(opened, close, round(max(opened, close) * math.exp(reach())))
    low = max(1, min(opened, close, round(min(opened, close) * math.exp(-reach()))))
    typical = (opened + high + low + close) / 4
    market = listing.market
    unit = typical * float(market.tick_size) * float(market.lot_size)
    volume = max(4, round(minute.quote_volume / unit))
    share = 0.5 + 0.2 * math.tanh(change / math.sqrt(variance)) + 0.08 * rng.gauss(0, 1)
    bought = round(volume * min(0.95, max(0.05, share)))
    trades = 60 * listing.orders_per_second * minute.activity * 1.15
    count = max(1, min(volume, round(trades * (1 + 0.1 * rng.gauss(0, 1)))))
    price = round(typical)
    row = [0, opened, high, low, close, volume, volume * price, count, bought, bought * price]
    return row


def invented_history(
    listing: Listing, price_ticks: int, start_ts: int, minutes: int
) -> list[SourceCandle]:
    """Candles for a recording that has none before its start: modelled, from a seed that is the
    start's own, ending at the recording's first price."""
    symbol = listing.market.symbol
    factor = CommonFactor(start_ts, 0, start_ts, minutes)
    path = PairPath(listing, factor, start_ts, 0, start_ts)
    rng = stream(start_ts, 0, f"candles {symbol}")
    return past_candles(listing, path, rng, start_ts, price_ticks)
