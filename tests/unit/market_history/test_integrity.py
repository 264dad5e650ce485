"""`check` sees what it must see, and nothing in whole series."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from autotrade.infrastructure.market_history import CandleSeries, check
from autotrade.infrastructure.market_history.timeframes import DAY_MS, MINUTE_MS
from tests.unit.market_history.builders import START_MS, gappy_series, series


def test_a_whole_series_is_sound() -> None:
    report = check(series(100))
    assert report.is_sound
    assert not report.has_gaps
    assert report.faults() == []
    assert "100 candles from 2024-01-01 00:00 to 2024-01-01 01:39 UTC" in report.sentences()[0]


@settings(max_examples=60, deadline=None)
@given(gappy_series())
def test_gaps_count_what_is_missing(one: CandleSeries) -> None:
    report = check(one)
    expected = (int(one.open_ts[-1]) - int(one.open_ts[0])) // MINUTE_MS + 1 - len(one)
    assert report.is_sound
    assert report.missing == expected
    have = set(one.open_ts.tolist())
    for gap in report.gaps:
        assert gap.from_ms not in have
        assert gap.from_ms - MINUTE_MS in have
        assert gap.to_ms in have
        assert gap.count == (gap.to_ms - gap.from_ms) // MINUTE_MS


def test_gaps_are_said_with_their_times() -> None:
    one = series(10).rows([0, 1, 5, 6, 7, 8, 9])
    report = check(one)
    assert report.is_sound
    assert report.sentences()[1:] == [
        "binance BTC/USDT 1m: 1 gap, candles missing: 3",
        "binance BTC/USDT 1m: missing from 2024-01-01 00:02 until before 2024-01-01 00:05 UTC (3)",
    ]


@pytest.mark.parametrize(
    ("change", "count", "sentence"),
    [
        ({"high": series(10).high - 5}, "impossible", "low <= open, close <= high"),
        ({"low": series(10).low + 5}, "impossible", "low <= open, close <= high"),
        ({"close": np.zeros(10)}, "not_positive", "prices above zero"),
        ({"open": np.full(10, np.nan)}, "not_positive", "prices above zero"),
        ({"volume": np.full(10, -1.0)}, "not_positive", "volumes not below"),
        ({"open_ts": series(10).open_ts + 1}, "misaligned", "open times that begin a candle"),
        ({"open_ts": series(10).open_ts[::-1]}, "disordered", "in the order of time"),
        ({"open_ts": series(10).open_ts // 120_000 * 120_000}, "duplicates", "every candle once"),
    ],
)
def test_each_fault_is_found_and_said(
    change: dict[str, np.ndarray], count: str, sentence: str
) -> None:
    report = check(series(10, **change))
    assert not report.is_sound
    assert getattr(report, count) >= 5
    assert any(sentence in line for line in report.faults())


def test_months_and_weeks_have_their_own_alignment_and_gaps() -> None:
    months = np.array(["2024-01", "2024-02", "2024-04"], dtype="datetime64[M]")
    opens = months.astype("datetime64[ms]").astype(np.int64)
    report = check(series(3, timeframe="1M", open_ts=opens))
    assert report.is_sound
    assert report.missing == 1
    assert check(series(3, timeframe="1M", open_ts=opens + DAY_MS)).misaligned == 3
    assert check(series(3, timeframe="1w", step_ms=7 * DAY_MS)).is_sound
    tuesday = series(3, timeframe="1w", step_ms=7 * DAY_MS, start_ms=START_MS + DAY_MS)
    assert check(tuesday).misaligned == 3


def test_volume_of_zero_is_counted_and_no_fault() -> None:
    report = check(series(4, volume=np.array([0.0, 1.0, 0.0, 2.0])))
    assert report.zero_volume == 2
    assert report.is_sound


def test_nothing_is_said_of_nothing() -> None:
    assert check(series(0)).sentences() == ["binance BTC/USDT 1m: no candles"]
