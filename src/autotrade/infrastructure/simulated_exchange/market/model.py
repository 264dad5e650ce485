"""The default market: several correlated pairs from a seed, without an end.

Prices come from `price_path`, books from `book_model`. A pair acts at irregular times, on average
4 to 6 times a second in a median minute and up to three times as often in a storm: its best prices
follow the path once they are 0.35 bp off, an order of a taker may print a trade (most moves are
such an order, sweeping levels), levels are placed, canceled and resized. The recorded BTCUSDT had
11 taker orders and 460 level changes a second, so orders are thinned about 2.7 times and level
changes 3 to 8 times; volumes are kept, an order is as much larger as orders are fewer.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.types import Market, Side
from autotrade.infrastructure.simulated_exchange.market.book_model import BookModel, BookShape
from autotrade.infrastructure.simulated_exchange.market.errors import MarketSourceError
from autotrade.infrastructure.simulated_exchange.market.listings import LISTINGS, Listing
from autotrade.infrastructure.simulated_exchange.market.modelled_history import (
    CandleTally,
    candle_of,
    past_candles,
)
from autotrade.infrastructure.simulated_exchange.market.price_path import (
    MINUTE_MS,
    CommonFactor,
    PairPath,
    stream,
)
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketLevels,
    MarketTrade,
    SourceCandle,
)

START_TS = 1_748_995_200_000
"""2025-06-04T00:00:00Z: the prices of the listings are those of the evening before."""
HISTORY_MINUTES = 1_500
KEPT_CANDLES = 240
"""Candles a checkpoint carries; older ones are modelled afresh."""
CHECKPOINT_FORMAT = 1

_ORDER_SIGMA = 2.3
"""Log deviation of taker orders' amounts (capture: 2.5 of all, the far tail cut)."""
_ORDER_TABLE = 4096
_FOLLOW_BP = 0.35
_PRINTED_MOVES = 0.85
_CHURN = 8
"""Fewer than so many levels of a side change in a batch, besides those that the price moved."""
_BURST = (0.35, 0.1, 1.485)
"""Share of short gaps, their length and that of the others against the mean gap: taker orders come
in bursts (capture: coefficient of variation of the gaps 1.7; here 1.4)."""


def _order_factors() -> list[float]:
    from statistics import NormalDist

    normal = NormalDist()
    factors = [
        math.exp(_ORDER_SIGMA * normal.inv_cdf((index + 0.5) / _ORDER_TABLE))
        for index in range(_ORDER_TABLE)
    ]
    mean = sum(factors) / _ORDER_TABLE
    return [factor / mean for factor in factors]


_ORDER_FACTORS = _order_factors()


class PairProcess:
    """One pair: its path, its book, its takers. `step` makes the facts of one moment."""

    def __init__(
        self, listing: Listing, path: PairPath, seed: int, session: int, start: tuple[int, float]
    ) -> None:
        start_ts, price = start
        market = listing.market
        self.market = market
        self.path = path
        self.listing = listing
        self._rng = stream(seed, session, f"book {market.symbol}")
        self._tick, self._lot = float(market.tick_size), float(market.lot_size)
        self.start_price = price
        self._shape_price = price
        bid = max(1, int(price / self._tick))
        self.book = BookModel(BookShape.of(listing, price), self._rng, bid, bid + 1)
        self.tally = CandleTally(start_ts, bid)
        self._pressure = 1
        self._orders_share = listing.orders_per_second / listing.batches_per_second
        self._follow_ticks = 0.0
        self._set_follow(price)

    def _set_follow(self, price: float) -> None:
        self._follow_ticks = max(0.5, _FOLLOW_BP * 1e-4 * price / self._tick)

    def opening(self, ts: int) -> MarketLevels:
        """The whole book."""
        return MarketLevels(
            ts,
            self.market.symbol,
            self.book.bids.drain(),
            self.book.asks.drain(),
            is_snapshot=True,
        )

    def gap_ms(self) -> int:
        """Time until the pair acts again."""
        rng = self._rng
        minute = self.path.minute
        activity = minute.activity if minute else 1.0
        share, short, long = _BURST
        mean = 1000.0 / (self.listing.batches_per_second * activity)
        mean *= short if rng.random() < share else long
        return 1 + int(mean * -math.log(1.0 - rng.random()))

    def step(self, ts: int) -> list[MarketFact]:
        """Let the book follow the path, print what takers do, change some levels."""
        rng, book = self._rng, self.book
        target = self.start_price * math.exp(self.path.advance(ts)) / self._tick
        facts: list[MarketFact] = []
        bid, ask = book.bids.best, book.asks.best
        has_order = rng.random() < self._orders_share
        if not bid - self._follow_ticks <= target <= ask + self._follow_ticks:
            self._follow(ts, target, has_order, facts)
        elif ask - bid > 1 and rng.random() < 0.7:
            book.move(bid, bid + 1) if rng.random() < 0.5 else book.move(ask - 1, ask)
        elif has_order:
            self._order_at_touch(ts, facts)
        book.bids.churn(int(rng.random() * _CHURN))
        book.asks.churn(int(rng.random() * _CHURN))
        bids, asks = book.bids.drain(), book.asks.drain()
        if bids or asks:
            facts.append(MarketLevels(ts, self.market.symbol, bids, asks))
        return facts

    def _follow(self, ts: int, target: float, has_order: bool, facts: list[MarketFact]) -> None:
        """Move the best prices to `target` (ticks); mostly a taker's order sweeps the way there."""
        rng, book = self._rng, self.book
        width = 1
        if rng.random() < 0.02:
            width += int(self._follow_ticks * -math.log(1.0 - rng.random()))
        bid = max(1, int(target - width / 2 + 0.5))
        swept_bids, swept_asks = book.move(bid, bid + width)
        prices, taker = (swept_asks, Side.BUY) if swept_asks else (swept_bids, Side.SELL)
        if prices and (has_order or rng.random() < _PRINTED_MOVES):
            if rng.random() < 0.4:
                self._pressure = 1 if taker is Side.BUY else -1
            lots = self._order_lots(target)
            shown = prices if len(prices) < 4 else [prices[0], prices[len(prices) // 2], prices[-1]]
            for index, price in enumerate(shown):
                last = index == len(shown) - 1
                part = lots if last else lots // (len(shown) - index)
                if part:
                    self._print(ts, price, part, taker, facts)
                    lots -= part
        if abs(target * self._tick / self._shape_price - 1) > 0.1:
            self._shape_price = target * self._tick
            book.reshape(BookShape.of(self.listing, self._shape_price))
            self._set_follow(self._shape_price)

    def _order_at_touch(self, ts: int, facts: list[MarketFact]) -> None:
        rng = self._rng
        if rng.random() < 0.05:
            self._pressure = -self._pressure
        buys = (rng.random() < 0.85) == (self._pressure > 0)
        side = self.book.asks if buys else self.book.bids
        price = side.best
        lots = self._order_lots(price)
        side.take(lots)
        self._print(ts, price, lots, Side.BUY if buys else Side.SELL, facts)

    def _order_lots(self, price_ticks: float) -> int:
        minute = self.path.minute
        volume = minute.quote_volume if minute else self.listing.minute_quote
        activity = minute.activity if minute else 1.0
        orders = 60.0 * self.listing.orders_per_second * activity
        mean = volume / orders / (price_ticks * self._tick) / self._lot
        return int(mean * _ORDER_FACTORS[int(self._rng.random() * _ORDER_TABLE)]) + 1

    def _print(self, ts: int, price: int, lots: int, taker: Side, facts: list[MarketFact]) -> None:
        facts.append(MarketTrade(ts, self.market.symbol, price, lots, taker))
        self.tally.add(ts, price, lots, taker is Side.BUY)


def _nearest(symbol: str) -> str:
    near = get_close_matches(symbol, LISTINGS, n=1)
    return f", nearest is {near[0]}" if near else ""


class ModelMarket:
    """A `MarketSource` from a seed. The same seed, session and symbols give the same facts, and a
    pair's facts do not depend on which other pairs run."""

    def __init__(
        self,
        seed: int,
        symbols: Sequence[str],
        *,
        checkpoint: Mapping[str, Any] | None = None,
        history_minutes: int = HISTORY_MINUTES,
    ) -> None:
        self._seed = seed
        state = _checked(checkpoint)
        self._session = int(state["session"]) + 1 if state else 0
        self._start_ts = -(-int(state["ts"]) // MINUTE_MS) * MINUTE_MS if state else START_TS
        self._now = self._start_ts
        self._factor = CommonFactor(seed, self._session, self._start_ts, history_minutes)
        if state:
            self._factor.restore(state["weather"])
        self._processes: list[PairProcess] = []
        self._kept: dict[str, list[list[int]]] = {}
        for symbol in dict.fromkeys(symbols):
            self._add_pair(symbol, (state or {}).get("pairs", {}).get(symbol))
        self._iterated = False

    def _add_pair(self, symbol: str, state: Mapping[str, Any] | None) -> None:
        listing = LISTINGS.get(symbol)
        if listing is None:
            raise MarketSourceError(
                f"expected a symbol that the modelled market lists, was {symbol}"
                f"{_nearest(symbol)}; it lists {', '.join(LISTINGS)}"
            )
        path = PairPath(listing, self._factor, self._seed, self._session, self._start_ts)
        price = listing.price
        self._kept[symbol] = []
        if state:
            path.restore(state)
            price = float(state["price"])
            self._kept[symbol] = [list(map(int, row)) for row in state["candles"]]
        start = (self._start_ts, price)
        self._processes.append(PairProcess(listing, path, self._seed, self._session, start))

    @property
    def description(self) -> str:
        session = f", session {self._session + 1}" if self._session else ""
        names = ", ".join(market.symbol for market in self.markets)
        return (
            f"modelled market, seed {self._seed}{session}: {names}; nothing is recorded, "
            "its figures are calibrated on recordings"
        )

    @property
    def markets(self) -> Sequence[Market]:
        return [process.market for process in self._processes]

    @property
    def start_ts(self) -> int:
        return self._start_ts

    @property
    def end_ts(self) -> int | None:
        return None

    def history(self, symbol: str, count: int) -> list[SourceCandle]:
        """The last `count` of 1500 candles; after a resumption the newest are the session's own."""
        process = next((p for p in self._processes if p.market.symbol == symbol), None)
        if process is None or count <= 0:
            return []
        kept = self._kept[symbol]
        market = process.market
        first_ts = kept[0][0] if kept else self._start_ts
        first_price = kept[0][1] if kept else round(process.start_price / float(market.tick_size))
        rng = stream(self._seed, self._session, f"candles {symbol}")
        older = past_candles(process.listing, process.path, rng, first_ts, first_price)
        return [*older, *(candle_of(market, row) for row in kept)][-count:]

    def facts(self) -> Iterator[MarketFact]:
        if self._iterated:
            raise MarketSourceError("expected one iteration of a market's facts, was a second one")
        self._iterated = True
        queue: list[tuple[int, int]] = []
        for index, process in enumerate(self._processes):
            yield process.opening(self._start_ts)
            heapq.heappush(queue, (self._start_ts + process.gap_ms(), index))
        while queue:
            ts, index = queue[0]
            self._now = ts
            process = self._processes[index]
            yield from process.step(ts)
            heapq.heapreplace(queue, (ts + process.gap_ms(), index))

    def checkpoint(self) -> dict[str, Any]:
        """What is needed to go on later from this time and these prices (JSON-ready). The next
        session starts at the next full minute, its random streams seeded by (seed, session)."""
        pairs = {}
        for process in self._processes:
            rows = process.tally.rows(-(-self._now // MINUTE_MS) * MINUTE_MS)
            kept = deque([*self._kept[process.market.symbol], *rows], maxlen=KEPT_CANDLES)
            pairs[process.market.symbol] = {
                **process.path.export(),
                "price": process.book.bids.best * float(process.market.tick_size),
                "candles": list(kept),
            }
        return {
            "format": CHECKPOINT_FORMAT,
            "seed": self._seed,
            "session": self._session,
            "ts": self._now,
            "weather": self._factor.export(),
            "pairs": pairs,
        }


def _checked(checkpoint: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if checkpoint is None:
        return None
    if checkpoint.get("format") != CHECKPOINT_FORMAT:
        raise MarketSourceError(
            f"expected a checkpoint of format {CHECKPOINT_FORMAT}, was "
            f"{checkpoint.get('format')!r}: start without it"
        )
    return checkpoint
