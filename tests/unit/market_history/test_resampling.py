"""Longer candles against a slow, plain reference; the calendar's edges by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.infrastructure.market_history import (
    TIMEFRAMES,
    CandleSeries,
    MarketHistoryRefused,
    resample,
)
from autotrade.infrastructure.market_history.timeframes import DAY_MS, MINUTE_MS
from tests.unit.market_history.builders import START_MS, gappy_series, rows_of, series

MINUTES = {"m": 1, "h": 60, "d": 1_440}


def bucket(ts: int, timeframe: str) -> tuple[datetime, datetime]:
    """Begin and end of the long candle that `ts` falls into, by the calendar."""
    moment = datetime.fromtimestamp(ts / 1000, UTC)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if timeframe == "1M":
        first = day.replace(day=1)
        return first, (first + timedelta(days=32)).replace(day=1)
    if timeframe == "1w":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    length = timedelta(minutes=int(timeframe[:-1]) * MINUTES[timeframe[-1]])
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    begin = epoch + (moment - epoch) // length * length
    return begin, begin + length


def plain_resample(one: CandleSeries, timeframe: str) -> list[tuple[float, ...]]:
    found: dict[datetime, list[tuple[float, ...]]] = {}
    for row in rows_of(one):
        found.setdefault(bucket(int(row[0]), timeframe)[0], []).append(row)
    last_ms = int(one.open_ts[-1]) + MINUTE_MS
    result = []
    for begin, rows in found.items():
        begin_ms = int(begin.timestamp() * 1000)
        if last_ms < bucket(begin_ms, timeframe)[1].timestamp() * 1000:
            continue
        volume = sum((Decimal(str(row[5])) for row in rows), Decimal(0))
        result.append(
            (
                begin_ms,
                rows[0][1],
                max(row[2] for row in rows),
                min(row[3] for row in rows),
                rows[-1][4],
                float(volume),
            )
        )
    return result


@settings(max_examples=150, deadline=None)
@given(gappy_series(), st.sampled_from([name for name in TIMEFRAMES if name != "1m"]))
def test_as_the_plain_reference(one: CandleSeries, timeframe: str) -> None:
    assert rows_of(resample(one, timeframe)) == plain_resample(one, timeframe)


def test_a_week_begins_on_monday_and_a_month_on_its_first() -> None:
    days = series(75, step_ms=DAY_MS, timeframe="1d")
    weeks, months = resample(days, "1w"), resample(days, "1M")
    assert {datetime.fromtimestamp(ts / 1000, UTC).weekday() for ts in weeks.open_ts} == {0}
    opens = [datetime.fromtimestamp(ts / 1000, UTC) for ts in months.open_ts]
    assert [(one.month, one.day) for one in opens] == [(1, 1), (2, 1)]
    assert months.timeframe == "1M"


def test_the_last_candle_needs_its_last_minute() -> None:
    assert len(resample(series(119), "1h")) == 1
    assert len(resample(series(120), "1h")) == 2


def test_a_cut_first_candle_stays_unless_asked() -> None:
    one = series(90, start_ms=START_MS + 30 * MINUTE_MS)
    assert resample(one, "1h").open_ts[0] == START_MS
    assert resample(one, "1h", drops_partial_first=True).open_ts[0] == START_MS + 60 * MINUTE_MS


def test_resampling_twice_is_resampling_once() -> None:
    one = series(3_000)
    assert rows_of(resample(resample(one, "15m"), "4h")) == rows_of(resample(one, "4h"))


def test_extras_are_summed_and_what_is_unknown_stays_unknown() -> None:
    one = series(
        6, quote_volume=np.full(6, 2.5), trades=np.array([1, 2, 3, 4, -1, 6], dtype=np.int64)
    )
    long = resample(one, "3m")
    assert long.quote_volume is not None
    assert long.trades is not None
    assert long.quote_volume.tolist() == [7.5, 7.5]
    assert long.trades.tolist() == [6, -1]


@pytest.mark.parametrize(
    ("source", "target"), [("5m", "3m"), ("1h", "30m"), ("3d", "1w"), ("1w", "1M"), ("1M", "1w")]
)
def test_candles_that_do_not_fit_are_refused(source: str, target: str) -> None:
    with pytest.raises(MarketHistoryRefused, match=f"candles of {source} fill without a rest"):
        resample(series(10, timeframe=source), target)


def test_an_unknown_timeframe_names_the_known_ones() -> None:
    with pytest.raises(MarketHistoryRefused, match=r'3m, 5m.*was "7m"; the nearest is'):
        resample(series(10), "7m")


def test_nothing_stays_nothing() -> None:
    assert len(resample(series(0), "1h")) == 0
