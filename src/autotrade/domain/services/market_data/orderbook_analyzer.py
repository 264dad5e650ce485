"""OrderBookAnalyzer: what a book says about buying now. A pure function of book, size and time."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from autotrade.domain.decisions import Check, RefusalReason
from autotrade.domain.entities.orderbook import Level, OrderBook
from autotrade.domain.services.market_data.orderbook_metrics import (
    BookRejection,
    BookVerdict,
    OrderBookMetrics,
)
from autotrade.domain.services.utils.check_maker import Rule, make_check
from autotrade.domain.settings import OrderbookAnalyzerSettings

__all__ = ["BookRejection", "BookVerdict", "OrderBookAnalyzer", "OrderBookMetrics"]

WALL_REACH = 0.02
"""Walls further from the mid price than this part of it say nothing about the next hours."""

WALL_FACTOR = 4.0
"""A wall holds so many times the median of the levels around it, and as many times the mean of its
neighbours. The median alone is not enough on busy books: most of their levels are crumbs, and every
fourth level of BTC/USDT would be a wall."""

NOT_QUITE = 1.0 - 1e-12
"""A level that misses a wall's measure by the last bit of a product is a wall."""

WALL_STEP = 20
WALL_MARGIN = 10
"""The levels around: windows of up to 40 levels that move by 20, so every level has at least 10
neighbours on each side of it, where the book has them. One sort serves twenty levels."""

LEVELS_MAX = 500
"""Levels looked at on each side, however deep the book is."""

WEAK_PRESSURE = 30.0
STRONG_PRESSURE = 60.0
"""Percent of pressure from which a verdict is WEAK or STRONG. The imbalance of the first 15 levels
of a busy book is noisy (half of BTC/USDT's, recorded in 2024, lies beyond +-50), so a small one is
no word against a signal."""

WALL_WEIGHT = 0.25
"""Part of the walls in the pressure; the rest is the imbalance of the first levels."""

NUMBER_MIN, NUMBER_MAX = 1e-30, 1e100
"""A level's price and what it is worth in quote lie between the two; among such levels no product
or sum can overflow. Anything else in a book is passed over."""

NOISE_DECIMALS = 9
"""Figures are rounded to so many decimals before they meet a limit: 100.3 - 100.0 is not quite 0.3
in binary, and the last bit must not refuse a deal."""


class _Walls(NamedTuple):
    price: float | None
    quote: float
    number: int
    total_quote: float


_NO_WALLS = _Walls(None, 0.0, 0, 0.0)


class OrderBookAnalyzer:
    """Thresholds are in quote currency, so they mean the same on every pair."""

    def __init__(self, settings: OrderbookAnalyzerSettings) -> None:
        self._volume_min = float(settings.min_volume_threshold)
        self._wall_quote = float(settings.big_wall_threshold) * NOT_QUITE
        self._spread_max = float(settings.max_spread_percent)
        self._depth = settings.min_liquidity_depth
        self._typical_quote = max(float(settings.typical_order_size), 2.0 * NUMBER_MIN)
        self._slippage_max = float(settings.max_slippage_percent)
        self._age_seconds_max = settings.max_book_age_seconds

    def analyze(self, book: OrderBook | None, *, order_quote: float, ts: int) -> OrderBookMetrics:
        """Measure `book` for an order of `order_quote` at the moment `ts`.

        Without a size (`order_quote` not above zero) `typical_order_size` is measured. Never
        raises: what is wrong with a book is in `reject`.
        """
        size = order_quote if order_quote > NUMBER_MIN else self._typical_quote
        size = min(size, NUMBER_MAX)
        if book is None:
            return _rejected(0.0, 0.0, None, size, presence=_presence_check(0.0, 0.0))
        age_ms = max(0, ts - book.ts)
        bid, ask = _best(book.bids), _best(book.asks)
        presence = _presence_check(bid, ask)
        if not presence.passed:
            rules = (self._age_rule(age_ms),)
            return _rejected(bid, ask, age_ms, size, presence=presence, rules=rules)
        return self._measure(book, bid, ask, age_ms=age_ms, size=size, presence=presence)

    def _measure(
        self, book: OrderBook, bid: float, ask: float, *, age_ms: int, size: float, presence: Check
    ) -> OrderBookMetrics:
        mid = (bid + ask) / 2.0
        spread = round((ask - bid) / mid * 100.0, NOISE_DECIMALS)
        bids, bid_quotes = _usable(book.bids)
        asks, ask_quotes = _usable(book.asks)
        bid_volume = round(sum(bid_quotes[: self._depth]), NOISE_DECIMALS)
        ask_volume = round(sum(ask_quotes[: self._depth]), NOISE_DECIMALS)
        buy_slippage = _slippage_percent(asks, ask_quotes, size)
        sell_slippage = _slippage_percent(bids, bid_quotes, size)
        reach = mid * WALL_REACH
        support = self._walls(bids, bid_quotes, mid, reach)
        resistance = self._walls(asks, ask_quotes, mid, reach)
        imbalance = _balance_percent(bid_volume, ask_volume)
        rules = (
            self._age_rule(age_ms),
            Rule("spread", RefusalReason.SPREAD, "spread", spread, self._spread_max, unit="%"),
            self._slippage_rule(buy_slippage, sell_slippage, size),
            self._liquidity_rule(bid_volume, ask_volume),
        )
        rejection = _first_rejection(presence, rules)
        verdict, confidence, quality = BookVerdict.REJECT, 0.0, 0.0
        if rejection is None:
            slippage = max(buy_slippage, sell_slippage)
            quality = self._quality(spread, slippage, min(bid_volume, ask_volume))
            pressure = _pressure(imbalance, support, resistance)
            verdict = _verdict(pressure)
            confidence = quality * _conviction(pressure)
        return OrderBookMetrics(
            bid=bid,
            ask=ask,
            mid=mid,
            spread_percent=spread,
            bid_volume_quote=bid_volume,
            ask_volume_quote=ask_volume,
            imbalance_percent=imbalance,
            support_price=support.price,
            support_quote=support.quote,
            resistance_price=resistance.price,
            resistance_quote=resistance.quote,
            buy_slippage_percent=buy_slippage,
            sell_slippage_percent=sell_slippage,
            bid_walls=support.number,
            ask_walls=resistance.number,
            age_ms=age_ms,
            verdict=verdict,
            confidence=confidence,
            reject=rejection,
            quality=quality,
            order_quote=size,
            presence=presence,
            rules=rules,
        )

    def _walls(
        self, side: Sequence[Level], quotes: list[float], mid: float, reach: float
    ) -> _Walls:
        """The walls of one side: tall, and taller than their like. `quotes` belong to `side`."""
        if quotes and abs(side[-1][0] - mid) > reach:
            side = [level for level in side if abs(level[0] - mid) <= reach]
            quotes = [price * amount for price, amount in side]
        factor = WALL_FACTOR * NOT_QUITE
        nearest: int | None = None
        found: list[float] = []
        for start in range(0, len(quotes), WALL_STEP):
            stop = start + WALL_STEP
            tallest = max(quotes[start:stop])
            if tallest < self._wall_quote:
                continue
            around = quotes[max(0, start - WALL_MARGIN) : stop + WALL_MARGIN]
            # quote >= factor * (sum - quote) / (count - 1), solved for the quote
            over_mean = factor * sum(around) / (len(around) - 1 + factor)
            if tallest < over_mean:
                continue
            around.sort()
            over_median = factor * around[len(around) // 2]
            wall_min = max(self._wall_quote, over_mean, over_median)
            if tallest < wall_min:
                continue
            walls = [quote for quote in quotes[start:stop] if quote >= wall_min]
            if nearest is None:
                nearest = quotes.index(walls[0], start)
            found += walls
        if nearest is None:
            return _NO_WALLS
        return _Walls(side[nearest][0], found[0], len(found), sum(found))

    def _quality(self, spread: float, slippage: float, volume: float) -> float:
        """Mean of three rooms: what is left of each limit, 1 for all of it and 0 at the limit."""
        spread_room = 1.0 - spread / self._spread_max
        slippage_room = 1.0 - slippage / self._slippage_max
        volume_room = 1.0 - self._volume_min / volume if volume > 0 else 0.0
        return (spread_room + slippage_room + volume_room) / 3.0

    def _age_rule(self, age_ms: int) -> Rule:
        age, age_max = age_ms / 1000.0, self._age_seconds_max
        reason = RefusalReason.BOOK_STALE
        return Rule("book_age", reason, "book age", age, age_max, decimals=1, unit=" s")

    def _slippage_rule(self, buy: float, sell: float, size: float) -> Rule:
        """Both ways must be open: who gets in but not out has lost."""
        side, worst = ("buy", buy) if buy >= sell else ("sell", sell)
        reason, label = RefusalReason.SLIPPAGE, f"{side} slippage"
        if worst == inf:
            label = f"{label}, the book cannot fill {size:.2f}:"
        return Rule("slippage", reason, label, worst, self._slippage_max, unit="%")

    def _liquidity_rule(self, bid_volume: float, ask_volume: float) -> Rule:
        side, volume = ("bid", bid_volume) if bid_volume <= ask_volume else ("ask", ask_volume)
        reason, label = RefusalReason.LIQUIDITY, f"{side} liquidity"
        volume_min = self._volume_min
        return Rule("liquidity", reason, label, volume, volume_min, is_upper=False, decimals=0)


def _is_level(level: Level) -> bool:
    price, amount = level
    return NUMBER_MIN < price < NUMBER_MAX and NUMBER_MIN < price * amount < NUMBER_MAX


def _best(side: Sequence[Level]) -> float:
    """Price of the first level that holds anything; 0 without one."""
    if side and _is_level(side[0]):
        return side[0][0]
    return next((level[0] for level in side if _is_level(level)), 0.0)


def _usable(side: Sequence[Level]) -> tuple[Sequence[Level], list[float]]:
    """The first levels and the quote each holds.

    A sound book, and they all are, is not copied: sums and extremes show what is unsound (a NaN
    fails every comparison).
    """
    side = side[:LEVELS_MAX]
    quotes = [price * amount for price, amount in side]
    if not (min(quotes) > NUMBER_MIN and sum(quotes) < NUMBER_MAX):
        side = [level for level in side if _is_level(level)]
        quotes = [price * amount for price, amount in side]
    return side, quotes


def _slippage_percent(side: Sequence[Level], quotes: list[float], size: float) -> float:
    """Distance from the best price of the average price of trading `size` quote at once.

    The average price is the quote traded over the base traded; infinite beyond the levels given.
    """
    rest, base = size, 0.0
    for (price, amount), quote in zip(side, quotes, strict=True):
        if quote >= rest:
            base += rest / price
            average = size / max(base, NUMBER_MIN)
            return round(abs(average / side[0][0] - 1.0) * 100.0, NOISE_DECIMALS)
        rest -= quote
        base += amount
    return inf


def _balance_percent(bids: float, asks: float) -> float:
    total = bids + asks
    return round((bids - asks) / total * 100.0, NOISE_DECIMALS) if total else 0.0


def _pressure(imbalance: float, support: _Walls, resistance: _Walls) -> float:
    """-100 (down) to 100 (up): the first levels' imbalance, and the walls' where there are any."""
    if not support.number and not resistance.number:
        return imbalance
    walls = _balance_percent(support.total_quote, resistance.total_quote)
    return (1.0 - WALL_WEIGHT) * imbalance + WALL_WEIGHT * walls


def _verdict(pressure: float) -> BookVerdict:
    if pressure >= STRONG_PRESSURE:
        return BookVerdict.STRONG_BUY
    if pressure >= WEAK_PRESSURE:
        return BookVerdict.WEAK_BUY
    if pressure > -WEAK_PRESSURE:
        return BookVerdict.NEUTRAL
    if pressure > -STRONG_PRESSURE:
        return BookVerdict.WEAK_SELL
    return BookVerdict.STRONG_SELL


def _conviction(pressure: float) -> float:
    """0.5..1: how deep inside its verdict's range the pressure lies."""
    size = abs(pressure)
    if size < WEAK_PRESSURE:
        return 1.0 - 0.5 * size / WEAK_PRESSURE
    return 0.5 + 0.5 * min(1.0, size / STRONG_PRESSURE)


def _presence_check(bid: float, ask: float) -> Check:
    """Both sides hold something, and the best bid stands below the best ask."""
    value, limit = f"{bid:.10g} / {ask:.10g}", "bid < ask"
    reason, passed, text = RefusalReason.BOOK_EMPTY, False, f"book {value}"
    if not bid or not ask:
        missing = " and ".join(name for name, price in (("bids", bid), ("asks", ask)) if not price)
        text = f"book has no {missing}"
    elif bid >= ask:
        reason, text = (
            RefusalReason.BOOK_STALE,
            f"book is crossed, bid {bid:.10g} >= ask {ask:.10g}",
        )
    else:
        passed = True
    return make_check("book", reason, passed=passed, value=value, limit=limit, text=text)


def _first_rejection(presence: Check, rules: tuple[Rule, ...]) -> BookRejection | None:
    broken = presence
    if presence.passed:
        rule = next((rule for rule in rules if not rule.is_kept), None)
        if rule is None:
            return None
        broken = rule.check()
    assert broken.reason is not None
    return BookRejection(broken.reason, broken.text, broken.value, broken.limit)


def _rejected(
    bid: float,
    ask: float,
    age_ms: int | None,
    size: float,
    *,
    presence: Check,
    rules: tuple[Rule, ...] = (),
) -> OrderBookMetrics:
    """Of a book that cannot be measured: empty, one-sided or crossed."""
    return OrderBookMetrics(
        bid=bid,
        ask=ask,
        mid=(bid + ask) / 2.0 if bid and ask else 0.0,
        spread_percent=inf,
        bid_volume_quote=0.0,
        ask_volume_quote=0.0,
        imbalance_percent=0.0,
        support_price=None,
        support_quote=0.0,
        resistance_price=None,
        resistance_quote=0.0,
        buy_slippage_percent=inf,
        sell_slippage_percent=inf,
        bid_walls=0,
        ask_walls=0,
        age_ms=age_ms,
        verdict=BookVerdict.REJECT,
        confidence=0.0,
        reject=_first_rejection(presence, rules),
        order_quote=size,
        presence=presence,
        rules=rules,
    )
