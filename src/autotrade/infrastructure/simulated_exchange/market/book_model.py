"""A modelled order book: how many levels lie where, how large they are, how they change.

Shape. The i-th level of a side lies `D(i)` ticks behind the best one: a linear step up to level
`knee`, exponential from there on, continuous in slope, so that 150 levels reach from the touch to
2 % away: dense where the recorded book is dense, thinned where it has thousands of levels. The mean
amount of a level follows the recorded cumulative depth by distance, so thinning keeps the depth.
Single amounts scatter as recorded (a quarter of all levels is dust, one in a hundred ten times the
mean). Where the tick is coarse every tick is a level.

Change. Levels are placed, canceled and resized at indexes drawn evenly (recorded: the same rate for
each of our thinned indexes up to 50 bp, less behind); the front follows the price. Only integers
and one `random.Random` are used on the way.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from statistics import NormalDist

from autotrade.infrastructure.simulated_exchange.market.listings import Listing
from autotrade.infrastructure.simulated_exchange.market.source import LotLevel

LEVELS = 150
_REACH_BP = 200.0
_STEP_BP = 0.055
"""Mean distance of neighbouring levels near the touch: 18 levels in 1 bp, 37 in 2 bp (capture)."""

DEPTH_CURVE = (
    (0.0, 0.045),
    (1.0, 0.094),
    (2.0, 0.153),
    (5.0, 0.505),
    (10.0, 1.0),
    (20.0, 1.45),
    (50.0, 2.0),
    (100.0, 2.7),
    (200.0, 3.4),
)
"""(distance in bp, quote amount of a side within it against that within 10 bp). Up to 10 bp: the
medians of the BTCUSDT capture of 2024-08-08/09; beyond: the 5000-level snapshots of 2025-04-14."""

_TABLE = 4096
_MAXIMUM_FILL = 40
_FRONT = 25
_BEHIND = 1.6
"""Levels the price left behind are small for where they are until they change: those farther than
2 bp are drawn larger by so much (calibrated: the depth within 10 bp)."""


def _normal_quantiles(size: int) -> list[float]:
    normal = NormalDist()
    return [normal.inv_cdf((index + 0.5) / size) for index in range(size)]


def _level_factors() -> list[float]:
    """Amount of a level against the mean there; 28 % dust, the rest log-normal."""
    dust = round(0.28 * _TABLE)
    factors = [0.002 * math.exp(1.2 * z) for z in _normal_quantiles(dust)]
    factors += [0.68 * math.exp(1.2 * z) for z in _normal_quantiles(_TABLE - dust)]
    mean = sum(factors) / _TABLE
    return [factor / mean for factor in factors]


def _best_factors() -> list[float]:
    """Amount of the best level against its median (capture: 5 % 0.04, 95 % 2.7)."""
    factors = [math.exp(1.0 * z) for z in _normal_quantiles(_TABLE)]
    return [min(factor, 3.5) for factor in factors]


LEVEL_FACTORS = _level_factors()
BEST_FACTORS = _best_factors()
_GAP_FACTORS = [-math.log(1 - (index + 0.5) / _TABLE) for index in range(_TABLE)]


def depth_within(distance_bp: float) -> float:
    """The depth curve between its points (linear); flat behind the last one."""
    points = DEPTH_CURVE
    for (near, low), (far, high) in pairwise(points):
        if distance_bp <= far:
            return low + (high - low) * (distance_bp - near) / (far - near)
    return points[-1][1]


@dataclass(frozen=True, slots=True)
class BookShape:
    """Where levels lie and how large they are on average, for one market at one price."""

    distance_ticks: list[float]
    gap_ticks: list[float]
    mean_lots: list[float]
    best_lots: float
    coarse: bool

    @classmethod
    def of(cls, listing: Listing, price: float) -> BookShape:
        tick = float(listing.market.tick_size)
        ticks_a_bp = price * 1e-4 / tick
        step = max(1.0, _STEP_BP * ticks_a_bp)
        distances = _distances(step, _REACH_BP * ticks_a_bp)
        lots = listing.depth_quote / price / float(listing.market.lot_size)
        edges = [0.0]
        edges += [(a + b) / 2 for a, b in pairwise(distances[1:])]
        depths = [depth_within(edge / ticks_a_bp) for edge in edges]
        means = [
            (b - a) * lots * (_BEHIND if edge > 2 * ticks_a_bp else 1.0)
            for edge, (a, b) in zip(edges, pairwise(depths), strict=False)
        ]
        gaps = [b - a for a, b in pairwise(distances)]
        floor = 0.002 * lots / LEVELS
        mean_lots = [max(mean, floor, 1.0) for mean in means]
        coarse = step < 1.5
        best = DEPTH_CURVE[0][1] * lots
        if coarse:
            best = max(best, 0.6 * mean_lots[0])
        return cls(distances, gaps, [best, *mean_lots], max(1.0, best), coarse)


def _distances(step: float, reach: float) -> list[float]:
    """D(0..LEVELS+1): linear with `step`, then exponential, reaching `reach` where it can."""
    count = LEVELS + 2
    low, high = 5.0, float(LEVELS)
    for _ in range(40):
        knee = (low + high) / 2
        if step * knee * math.exp((LEVELS - knee) / knee) > reach:
            low = knee
        else:
            high = knee
    return [
        step * i if i <= knee else step * knee * math.exp((i - knee) / knee) for i in range(count)
    ]


class BookSide:
    """One side. Keys are prices for bids and negative prices for asks: the best is the largest."""

    __slots__ = ("_random", "changes", "keys", "lots", "shape", "sign")

    def __init__(self, sign: int, shape: BookShape, rng: Random) -> None:
        self.sign = sign
        self.shape = shape
        self._random = rng.random
        self.keys: list[int] = []
        self.lots: dict[int, int] = {}
        self.changes: dict[int, int] = {}

    @property
    def best(self) -> int:
        """Price of the best level in ticks."""
        return self.keys[-1] * self.sign

    def _put(self, key: int, lots: int) -> None:
        self.lots[key] = lots
        self.changes[key * self.sign] = lots

    def _amount(self, index: int) -> int:
        means = self.shape.mean_lots
        mean = means[index] if index < len(means) else means[-1]
        return int(mean * LEVEL_FACTORS[int(self._random() * _TABLE)]) + 1

    def _best_amount(self) -> int:
        return int(self.shape.best_lots * BEST_FACTORS[int(self._random() * _TABLE)]) + 1

    def _gap(self, index: int) -> int:
        gaps = self.shape.gap_ticks
        gap = gaps[index] if index < len(gaps) else gaps[-1]
        if self.shape.coarse and gap < 1.5:
            return 1
        if index < LEVELS // 4 and self._random() < 0.3:
            return 1
        return int(gap * 1.43 * _GAP_FACTORS[int(self._random() * _TABLE)]) + 1

    def sweep(self, key: int) -> list[int]:
        """Take away all levels better than `key`; their prices, best first."""
        keys, gone = self.keys, []
        while keys and keys[-1] > key:
            taken = keys.pop()
            del self.lots[taken]
            price = taken * self.sign
            self.changes[price] = 0
            gone.append(price)
        return gone

    def set_best(self, key: int) -> None:
        """Make `key` the best level (nothing better rests, see `sweep`) and fill in behind it."""
        keys = self.keys
        if keys and keys[-1] == key:
            self._trim()
            return
        floor = keys[-1] if keys else key - (1 << 60)
        fills, position, index = [key], key, 0
        limit = _MAXIMUM_FILL if keys else LEVELS
        stretch = 1.0
        while index < limit:
            position -= int(self._gap(index) * stretch)
            index += 1
            if position <= floor or (self.sign > 0 and position < 1):
                break
            fills.append(position)
            if index > _MAXIMUM_FILL // 2 and keys:
                stretch *= 1.25
        self._put(key, self._best_amount())
        for index, filled in enumerate(fills[1:], start=1):
            self._put(filled, self._amount(index))
        fills.reverse()
        keys.extend(fills)
        self._trim()

    def _trim(self) -> None:
        """Hold the number of levels: drop from the far end, or grow there."""
        keys = self.keys
        surplus = len(keys) - LEVELS
        if surplus > 20:
            for key in keys[:surplus]:
                del self.lots[key]
                self.changes[key * self.sign] = 0
            del keys[:surplus]
        elif surplus < -20:
            grown: list[int] = []
            position = keys[0]
            for index in range(len(keys), LEVELS):
                position -= self._gap(index)
                if self.sign > 0 and position < 1:
                    break
                grown.append(position)
                self._put(position, self._amount(index))
            grown.reverse()
            keys[:0] = grown

    def thin_front(self) -> None:
        """The price came nearer: most of the large levels in its way are pulled or cut."""
        random, keys, lots, means = self._random, self.keys, self.lots, self.shape.mean_lots
        for index in range(1, min(_FRONT, len(keys))):
            key = keys[-1 - index]
            if lots[key] > 2.5 * means[index] and random() < 0.6:
                self._put(key, self._amount(index))

    def churn(self, count: int) -> None:
        """Place, cancel and resize `count` levels behind the best one."""
        random, keys, shape = self._random, self.keys, self.shape
        share_canceled = 0.03 if shape.coarse else 0.42
        for _ in range(count):
            length = len(keys)
            if length < 3:
                return
            index = int((length - 1) * random() ** 1.2) + 1
            draw = random()
            if draw < share_canceled:
                if length > LEVELS - 25:
                    key = keys.pop(length - 1 - index)
                    del self.lots[key]
                    self.changes[key * self.sign] = 0
                continue
            if draw < 0.87 and index < LEVELS:
                distance = shape.distance_ticks[index] + random() * shape.gap_ticks[index]
                key = keys[-1] - max(1, int(distance))
                if key in self.lots or (self.sign > 0 and key < 1):
                    continue
                keys.insert(bisect_left(keys, key), key)
                self._put(key, self._amount(index))
                continue
            key = keys[length - 1 - index]
            self._put(key, self._amount(index))

    def take(self, lots: int) -> None:
        """A taker took `lots` off the best level; an emptied level is refilled (hidden orders)."""
        key = self.keys[-1]
        left = self.lots[key] - lots
        self._put(key, left if left > 0 else self._best_amount())

    def refresh_best(self) -> None:
        self._put(self.keys[-1], self._best_amount())

    def drain(self) -> tuple[LotLevel, ...]:
        """The levels that changed since the last call."""
        changed = tuple(self.changes.items())
        self.changes.clear()
        return changed


class BookModel:
    """Both sides of one market's modelled book, in ticks and lots."""

    __slots__ = ("asks", "bids")

    def __init__(self, shape: BookShape, rng: Random, bid: int, ask: int) -> None:
        self.bids = BookSide(1, shape, rng)
        self.asks = BookSide(-1, shape, rng)
        self.bids.set_best(bid)
        self.asks.set_best(-ask)

    def reshape(self, shape: BookShape) -> None:
        """The price has gone far: distances and amounts follow it."""
        self.bids.shape = self.asks.shape = shape

    def move(self, bid: int, ask: int) -> tuple[list[int], list[int]]:
        """Let `bid` and `ask` be the best prices; (bids, asks) that were swept, best first."""
        swept_asks = self.asks.sweep(-ask)
        swept_bids = self.bids.sweep(bid)
        self.bids.set_best(bid)
        self.asks.set_best(-ask)
        if swept_bids:
            self.bids.thin_front()
        if swept_asks:
            self.asks.thin_front()
        return swept_bids, swept_asks
