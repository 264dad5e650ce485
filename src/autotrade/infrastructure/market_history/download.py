"""Download candles from a venue into the store: only what is missing, page by page, resumable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import numpy as np

from autotrade.application.ports import ExchangeUnreachable, UnknownSymbol
from autotrade.domain.entities.candle import TIMEFRAME_MS, Candle
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.infrastructure.market_history.candle_store import CandleStore
from autotrade.infrastructure.market_history.decimals import decimal_places
from autotrade.infrastructure.market_history.errors import (
    MarketHistoryError,
    MarketHistoryRefused,
)
from autotrade.infrastructure.market_history.integrity import time_text
from autotrade.infrastructure.market_history.series import FLOAT_COLUMNS, CandleSeries
from autotrade.infrastructure.market_history.timeframes import Times, timeframe_of

PAGE_CANDLES = 1_000
"""What the exchange gives in one answer."""
ASKED_CANDLES = 10 * PAGE_CANDLES
"""One question of ours, ten pages; progress is told after each."""
_SAVED_CANDLES_MIN = 50_000
_SAVED_SHARE = 0.1
"""Saving rewrites the file, so it is done rarely, and in any case at the end and on an error."""
TRIES_MAX = 5
_PAUSE_SECONDS = (1.0, 2.0, 5.0, 10.0)
_PLACES_MAX = 12


class CandleQuestions(Protocol):
    """What the download needs of a connection: see `connectors.market_questions`."""

    async def rules(self, symbols: Sequence[str]) -> dict[str, MarketRules]: ...

    async def closed_candles(
        self,
        symbol: str,
        timeframe: str,
        *,
        count: int,
        first_open_ts: int | None = None,
        last_open_ts: int | None = None,
    ) -> list[Candle]: ...


@dataclass(frozen=True, slots=True)
class DownloadOrder:
    """What to get: candles that open from `from_ms` until before `to_ms` (ms UTC)."""

    exchange: str
    symbol: str
    timeframe: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far it is: candles asked for so far and in all, and where it stands."""

    done: int
    total: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class DownloadResult:
    asked: int
    """Candles that were missing before."""
    added: int
    """Of them, those that the exchange had."""


async def download(
    questions: CandleQuestions,
    store: CandleStore,
    order: DownloadOrder,
    said: Callable[[DownloadProgress], None] = lambda progress: None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> DownloadResult:
    """Get what the store lacks of the order. Stopped at any moment, the next call goes on.

    Raises `UnknownSymbol`, `ExchangeUnreachable` after `TRIES_MAX` tries, `MarketHistoryRefused`
    when the exchange has nothing in the range. Waiting for the rate limit is the connection's.
    """
    length = download_length(order.timeframe)
    if order.from_ms >= order.to_ms:
        raise MarketHistoryRefused(
            f"expected a range that ends after it begins, was {time_text(order.from_ms)} to "
            f"{time_text(order.to_ms)} UTC"
        )
    rules = (await questions.rules([order.symbol]))[order.symbol]
    stored = _stored_opens(store, order)
    ranges = missing_ranges(stored, order.from_ms, order.to_ms, length)
    total = sum((end - first) // length for first, end in ranges)
    basket = _Basket(store, order, rules, stored)
    done = 0
    try:
        for first, end in ranges:
            for start in range(first, end, ASKED_CANDLES * length):
                stop = min(end, start + ASKED_CANDLES * length)
                basket.put(await _ask(questions, order, (start, stop - length), length, sleep))
                done += (stop - start) // length
                said(DownloadProgress(done, total, stop))
    finally:
        basket.save()
    if not len(stored) and not basket.added:
        raise MarketHistoryRefused(
            f"expected candles of {order.symbol} {order.timeframe} from {time_text(order.from_ms)} "
            f"to {time_text(order.to_ms)} UTC, {order.exchange} has none; choose another range"
        )
    return DownloadResult(total, basket.added)


def download_length(timeframe: str) -> int:
    """Milliseconds of a candle; raises `MarketHistoryRefused` for what is not downloaded."""
    length = TIMEFRAME_MS.get(timeframe_of(timeframe))
    if length is None:
        raise MarketHistoryRefused(
            f"expected a timeframe up to 1d to download, was {timeframe}; longer candles are made "
            "of shorter ones where they are needed: take 1d"
        )
    return length


def missing_ranges(stored: Times, from_ms: int, to_ms: int, length: int) -> list[tuple[int, int]]:
    """(first open time, end) of what lacks; ranges less than a page apart are one question."""
    first, end = -(-from_ms // length) * length, -(-to_ms // length) * length
    inside = stored[(stored >= first) & (stored < end)]
    edges = np.r_[first - length, inside, end]
    steps = np.flatnonzero(np.diff(edges) > length)
    found: list[tuple[int, int]] = []
    for step in steps:
        start, stop = int(edges[step]) + length, int(edges[step + 1])
        if found and start - found[-1][1] < PAGE_CANDLES * length:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return found


class _Basket:
    """Candles on their way to the store."""

    def __init__(
        self, store: CandleStore, order: DownloadOrder, rules: MarketRules, stored: Times
    ) -> None:
        self._store, self._order, self._rules, self._stored = store, order, rules, stored
        self._candles: list[Candle] = []
        self.added = 0

    def put(self, candles: list[Candle]) -> None:
        self._candles += candles
        enough = max(_SAVED_CANDLES_MIN, _SAVED_SHARE * (len(self._stored) + self.added))
        if len(self._candles) >= enough:
            self.save()

    def save(self) -> None:
        """What is stored already is never touched: a download only adds."""
        candles, self._candles = self._candles, []
        series = series_of(candles, self._order, self._rules)
        series = series.rows(~np.isin(series.open_ts, self._stored))
        if len(series):
            result = self._store.save(series, sources=[f"download from {self._order.exchange}"])
            self.added += result.added


def series_of(candles: Sequence[Candle], order: DownloadOrder, rules: MarketRules) -> CandleSeries:
    """Decimals are those of the pair's tick and lot, more where older candles have more."""
    columns = {
        name: np.array([getattr(candle, name) for candle in candles], dtype=np.float64)
        for name in FLOAT_COLUMNS
    }
    prices = decimal_places(*(columns[name] for name in FLOAT_COLUMNS[:-1]))
    amounts = decimal_places(columns["volume"])
    if prices is None or amounts is None:
        raise MarketHistoryError(
            f"expected decimal numbers from {order.exchange}, were others; try again"
        )
    return CandleSeries(
        open_ts=np.array([candle.open_ts for candle in candles], dtype=np.int64),
        **columns,
        symbol=order.symbol,
        timeframe=order.timeframe,
        exchange=order.exchange,
        price_decimals=max(prices, places_of(rules.tick_size)),
        amount_decimals=max(amounts, places_of(rules.lot_size)),
    )


def places_of(step: Decimal) -> int:
    """Decimal places of a tick or a lot: 2 of 0.01000000."""
    return min(_PLACES_MAX, max(0, -int(step.normalize().as_tuple().exponent)))


def _stored_opens(store: CandleStore, order: DownloadOrder) -> Times:
    if not store.exists(order.exchange, order.symbol, order.timeframe):
        return np.zeros(0, dtype=np.int64)
    return store.load(order.exchange, order.symbol, order.timeframe).open_ts


async def _ask(
    questions: CandleQuestions,
    order: DownloadOrder,
    opens: tuple[int, int],
    length: int,
    sleep: Callable[[float], Awaitable[None]],
) -> list[Candle]:
    """One question, asked again when the network or the exchange hiccups."""
    from autotrade.infrastructure.connectors.error_normalizer import normalize

    first, last = opens
    for tried in range(TRIES_MAX):
        try:
            return await questions.closed_candles(
                order.symbol,
                order.timeframe,
                count=(last - first) // length + 1,
                first_open_ts=first,
                last_open_ts=last,
            )
        except (UnknownSymbol, ExchangeUnreachable):
            raise
        except Exception as error:
            if tried + 1 == TRIES_MAX:
                failure = normalize(error)
                raise ExchangeUnreachable(
                    f"expected the candles of {order.symbol} from {time_text(first)} UTC, was "
                    f"{failure.message} ({TRIES_MAX} tries); what came before is stored, run it "
                    "again to go on"
                ) from error
        await sleep(_PAUSE_SECONDS[tried])
    raise AssertionError("the last try returns or raises")
