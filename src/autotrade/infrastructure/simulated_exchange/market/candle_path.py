"""One recorded candle as trades: prices, amounts and moments that rebuild it exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from autotrade.infrastructure.simulated_exchange.core.types import Side

MINUTE_MS = 60_000
_MAXIMUM_TRADES = 160
_AMOUNT_SIGMA = 1.6


@dataclass(frozen=True, slots=True)
class LotCandle:
    """A 1-minute candle in ticks and lots."""

    open_ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int


@dataclass(frozen=True, slots=True)
class PathTrade:
    """A trade of the path; `offset_ms` counts from the candle's open time."""

    offset_ms: int
    price: int
    lots: int
    taker: Side


def _turning_points(candle: LotCandle, *, low_first: bool) -> list[int]:
    inner = (candle.low, candle.high) if low_first else (candle.high, candle.low)
    points = [candle.open]
    for price in (*inner, candle.close):
        if price != points[-1]:
            points.append(price)
    return points


def trades_needed(candle: LotCandle) -> int:
    """The fewest trades that can have made this candle; 0 if nothing was traded."""
    if candle.volume == 0:
        return 0
    return min(len(_turning_points(candle, low_first=first)) for first in (True, False))


def is_possible(candle: LotCandle) -> bool:
    """Prices in order and a lot at least for every trade it needs."""
    in_order = (
        0 < candle.low <= min(candle.open, candle.close)
        and max(candle.open, candle.close) <= candle.high
    )
    return in_order and candle.volume >= trades_needed(candle)


def candle_trades(candle: LotCandle, rng: Random, wanted: int) -> list[PathTrade]:
    """About `wanted` trades in order of time, none for an empty candle. The first is at the open,
    the last at the close, none outside high and low, both touched, amounts sum to the volume."""
    if candle.volume == 0:
        return []
    # A rising minute mostly dips first, a falling one mostly rises first.
    low_first = (rng.random() < 0.7) == (candle.close >= candle.open)
    points = _turning_points(candle, low_first=low_first)
    if len(points) > candle.volume:
        points = _turning_points(candle, low_first=not low_first)
    count = min(candle.volume, _MAXIMUM_TRADES, max(len(points), wanted))
    prices = _prices(points, count, candle, rng)
    amounts = _amounts(candle.volume, count, rng)
    moments = sorted(rng.randrange(MINUTE_MS) for _ in range(count))
    trades, previous = [], prices[0]
    taker = Side.BUY if candle.close >= candle.open else Side.SELL
    for moment, price, lots in zip(moments, prices, amounts, strict=True):
        if price == 1 or price < previous:
            taker = Side.SELL
        elif price > previous:
            taker = Side.BUY
        elif rng.random() < 0.2:
            taker = taker.opposite
        trades.append(PathTrade(moment, price, lots, taker))
        previous = price
    return trades


def _prices(points: list[int], count: int, candle: LotCandle, rng: Random) -> list[int]:
    """`count` prices through `points`, wandering in between but never beyond the extremes."""
    if len(points) == 1:
        return points * count
    legs = [abs(b - a) + 1 for a, b in pairwise(points)]
    extra, total, given = count - len(points), sum(legs), 0
    prices = [points[0]]
    wander = (candle.high - candle.low) * 0.12
    covered = 0
    for start, end, leg in zip(points, points[1:], legs, strict=False):
        covered += leg
        share = extra * covered // total - given
        given += share
        for index in range(1, share + 1):
            exact = start + (end - start) * index / (share + 1) + wander * rng.gauss(0, 1)
            prices.append(min(candle.high, max(candle.low, round(exact))))
        prices.append(end)
    return prices


def _amounts(volume: int, count: int, rng: Random) -> list[int]:
    """`count` positive amounts with a heavy tail that sum to `volume`."""
    weights = [math.exp(_AMOUNT_SIGMA * rng.gauss(0, 1)) for _ in range(count)]
    total, spare = sum(weights), volume - count
    amounts, reached, given = [], 0.0, 0
    for weight in weights[:-1]:
        reached += weight
        upto = min(spare, int(spare * (reached / total)))
        amounts.append(1 + upto - given)
        given = upto
    return [*amounts, 1 + spare - given]
