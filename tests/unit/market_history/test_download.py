"""The download asks for what is missing, goes on after a stop and never undoes what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.application.ports import ExchangeUnreachable
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.infrastructure.market_history import (
    CandleSeries,
    CandleStore,
    MarketHistoryRefused,
)
from autotrade.infrastructure.market_history.download import (
    ASKED_CANDLES,
    DownloadOrder,
    DownloadProgress,
    download,
    missing_ranges,
    places_of,
)
from autotrade.infrastructure.market_history.timeframes import MINUTE_MS
from tests.unit.market_history.builders import START_MS, rows_of, same, series


class FakeVenue:
    """Answers from a series; breaks where the test says so."""

    def __init__(self, known: CandleSeries) -> None:
        self._candles = {int(row[0]): Candle(int(row[0]), *row[1:]) for row in rows_of(known)}
        self.asked: list[tuple[int, int]] = []
        self.breaks_from_ms = 1 << 60
        self.breaks = 0

    async def rules(self, symbols: Sequence[str]) -> dict[str, MarketRules]:
        rules = MarketRules(
            tick_size=Decimal("0.0100"),
            lot_size=Decimal("0.00100"),
            minimum_amount=Decimal("0.001"),
            maximum_amount=Decimal(9_000),
            minimum_notional=Decimal(5),
        )
        return dict.fromkeys(symbols, rules)

    async def closed_candles(
        self,
        symbol: str,
        timeframe: str,
        *,
        count: int,
        first_open_ts: int | None = None,
        last_open_ts: int | None = None,
    ) -> list[Candle]:
        assert first_open_ts is not None
        assert last_open_ts is not None
        assert count == (last_open_ts - first_open_ts) // MINUTE_MS + 1 <= ASKED_CANDLES
        if last_open_ts >= self.breaks_from_ms and self.breaks:
            self.breaks -= 1
            raise ConnectionError("the line is dead")
        self.asked.append((first_open_ts, last_open_ts))
        opens = range(first_open_ts, last_open_ts + 1, MINUTE_MS)
        return [self._candles[ts] for ts in opens if ts in self._candles]


def order(count: int, first: int = 0) -> DownloadOrder:
    return DownloadOrder(
        "binance", "BTC/USDT", "1m", START_MS + first * MINUTE_MS, START_MS + count * MINUTE_MS
    )


class Pauses:
    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path)


def load(store: CandleStore) -> CandleSeries:
    return store.load("binance", "BTC/USDT", "1m")


async def test_everything_comes_and_progress_is_told(store: CandleStore) -> None:
    known, told = series(25_000), list[DownloadProgress]()
    result = await download(FakeVenue(known), store, order(25_000), told.append)
    assert (result.asked, result.added) == (25_000, 25_000)
    assert same(load(store), known)
    assert [one.done for one in told] == [10_000, 20_000, 25_000]
    assert {one.total for one in told} == {25_000}


async def test_decimals_are_the_pairs_own_even_when_no_candle_shows_them(
    store: CandleStore,
) -> None:
    flat = np.full(3, 100.0)
    known = series(3, open=flat, high=flat, low=flat, close=flat, volume=flat)
    await download(FakeVenue(known), store, order(3))
    assert (load(store).price_decimals, load(store).amount_decimals) == (2, 3)
    assert places_of(Decimal("1E+2")) == 0


async def test_a_second_download_asks_for_nothing(store: CandleStore) -> None:
    venue = FakeVenue(series(3_000))
    await download(venue, store, order(3_000))
    before = store.path("binance", "BTC/USDT", "1m").read_bytes()
    venue.asked.clear()
    result = await download(venue, store, order(3_000))
    assert (venue.asked, result.added, result.asked) == ([], 0, 0)
    assert store.path("binance", "BTC/USDT", "1m").read_bytes() == before


async def test_broken_off_it_keeps_what_came_and_goes_on_from_there(store: CandleStore) -> None:
    known = series(35_000)
    venue, pauses = FakeVenue(known), Pauses()
    venue.breaks_from_ms, venue.breaks = START_MS + 25_000 * MINUTE_MS, 99
    with pytest.raises(ExchangeUnreachable, match="run it again to go on"):
        await download(venue, store, order(35_000), sleep=pauses)
    assert pauses.seconds == [1.0, 2.0, 5.0, 10.0]
    assert len(load(store)) == 20_000
    venue.breaks, venue.asked = 0, []
    await download(venue, store, order(35_000), sleep=pauses)
    assert venue.asked[0][0] == START_MS + 20_000 * MINUTE_MS
    assert same(load(store), known)


async def test_a_hiccup_is_asked_again(store: CandleStore) -> None:
    venue, pauses = FakeVenue(series(100)), Pauses()
    venue.breaks_from_ms, venue.breaks = 0, 2
    result = await download(venue, store, order(100), sleep=pauses)
    assert (result.added, pauses.seconds) == (100, [1.0, 2.0])


async def test_only_what_lacks_before_between_and_behind_is_asked_for(store: CandleStore) -> None:
    known = series(20_000)
    store.save(known.rows(np.r_[3_000:5_000, 9_000:12_000]))
    venue = FakeVenue(known)
    result = await download(venue, store, order(20_000))
    asked = [((a - START_MS) // MINUTE_MS, (b - START_MS) // MINUTE_MS) for a, b in venue.asked]
    assert asked == [(0, 2_999), (5_000, 8_999), (12_000, 19_999)]
    assert result.added == 15_000
    assert same(load(store), known)


async def test_stored_candles_of_other_values_are_left_alone(store: CandleStore) -> None:
    """The neighbours of a small hole come again with it; they are not written over."""
    mine = replace(series(3_000), volume=np.full(3_000, 0.5))
    store.save(mine.rows(np.r_[0:1_000, 1_010:1_500, 1_520:3_000]))
    result = await download(FakeVenue(series(3_000)), store, order(3_000))
    assert result.added == 30
    volumes = load(store).volume
    assert int((volumes == 0.5).sum()) >= 2_970


async def test_a_range_without_candles_is_refused(store: CandleStore) -> None:
    with pytest.raises(MarketHistoryRefused, match="binance has none; choose another range"):
        await download(FakeVenue(series(3)), store, order(100, first=50))
    with pytest.raises(MarketHistoryRefused, match="expected a range that ends after it begins"):
        await download(FakeVenue(series(3)), store, order(50, first=50))


@pytest.mark.parametrize("timeframe", ["1w", "1M", "3d"])
async def test_long_candles_are_not_downloaded(store: CandleStore, timeframe: str) -> None:
    with pytest.raises(MarketHistoryRefused, match="take 1d"):
        await download(FakeVenue(series(3)), store, replace(order(3), timeframe=timeframe))


@given(st.sets(st.integers(0, 6_000), max_size=60), st.integers(0, 3_000), st.integers(1, 3_000))
def test_the_ranges_hold_all_that_lacks_and_are_a_page_apart(
    stored: set[int], first: int, count: int
) -> None:
    opens = np.array(sorted(stored), dtype=np.int64) * MINUTE_MS
    ranges = missing_ranges(opens, first * MINUTE_MS, (first + count) * MINUTE_MS, MINUTE_MS)
    asked = {ts // MINUTE_MS for start, end in ranges for ts in range(start, end, MINUTE_MS)}
    lacking = set(range(first, first + count)) - stored
    assert lacking <= asked <= set(range(first, first + count))
    for (_, end), (start, _) in pairwise(ranges):
        assert start - end >= 1_000 * MINUTE_MS
    if not lacking:
        assert ranges == []
