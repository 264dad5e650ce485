"""The download over the real connector from the embedded exchange on loopback TLS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autotrade.application.ports import UnknownSymbol
from autotrade.infrastructure.connectors.ccxt_connection import Connection
from autotrade.infrastructure.market_history import CandleStore, MarketHistoryRefused, check
from autotrade.infrastructure.market_history.download import DownloadOrder, download
from tests.integration.connectors.venue import HISTORY_COUNT, MINUTE_MS, START_TS, TestVenue

Connect = Callable[..., Awaitable[Connection]]
FIRST_MS = START_TS - HISTORY_COUNT * MINUTE_MS
ORDER = DownloadOrder("embedded", "BTC/USDT", "1m", FIRST_MS, START_TS)


async def test_pages_come_over_the_wire_and_a_second_time_nothing_does(
    venue: TestVenue, connect: Connect, tmp_path: Path
) -> None:
    store = CandleStore(tmp_path)
    connection = await connect(api_key="", api_secret="")
    half = replace(ORDER, to_ms=FIRST_MS + 1_200 * MINUTE_MS)
    first = await download(connection.feed.questions, store, half)
    assert first.added == 1_200
    used = connection.governor.used
    rest = await download(connection.feed.questions, store, ORDER)
    assert rest.added == HISTORY_COUNT - 1_200
    assert connection.governor.used > used
    series = store.load("embedded", "BTC/USDT", "1m")
    report = check(series)
    assert report.is_sound
    assert not report.has_gaps
    assert len(series) == HISTORY_COUNT
    assert series.volume.tolist() == [float(index + 1) for index in range(HISTORY_COUNT)]
    assert (series.price_decimals, series.amount_decimals) == (2, 5)
    again = await download(connection.feed.questions, store, ORDER)
    assert (again.asked, again.added) == (0, 0)


async def test_the_open_candle_is_not_stored(
    venue: TestVenue, connect: Connect, tmp_path: Path
) -> None:
    venue.advance(5 * MINUTE_MS + 30_000)
    connection = await connect(api_key="", api_secret="")
    store = CandleStore(tmp_path)
    late = replace(ORDER, to_ms=START_TS + 20 * MINUTE_MS)
    await download(connection.feed.questions, store, late)
    facts = store.facts("embedded", "BTC/USDT", "1m")
    assert facts is not None
    assert facts.last_ms is not None
    assert facts.last_ms < START_TS + 5 * MINUTE_MS


async def test_an_unknown_pair_names_the_nearest(
    venue: TestVenue, connect: Connect, tmp_path: Path
) -> None:
    connection = await connect(api_key="", api_secret="")
    with pytest.raises(UnknownSymbol, match="was BTCC/USDT, did you mean BTC/USDT"):
        await download(
            connection.feed.questions, CandleStore(tmp_path), replace(ORDER, symbol="BTCC/USDT")
        )


async def test_before_the_listing_there_is_nothing(
    venue: TestVenue, connect: Connect, tmp_path: Path
) -> None:
    connection = await connect(api_key="", api_secret="")
    early = replace(ORDER, from_ms=FIRST_MS - 2_000 * MINUTE_MS, to_ms=FIRST_MS - 10 * MINUTE_MS)
    with pytest.raises(MarketHistoryRefused, match="embedded has none"):
        await download(connection.feed.questions, CandleStore(tmp_path), early)
