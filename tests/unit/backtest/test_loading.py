"""Which candles a backtest takes, and when it says that it has none."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from autotrade.infrastructure.backtest.loading import DataOrder, load
from autotrade.infrastructure.market_history import CandleStore, MarketHistoryRefused, resample
from tests.backtest_markets import MINUTE_MS, random_series

WARM_UP = 20


def stored(folder: Path, timeframe: str) -> CandleStore:
    store = CandleStore(folder)
    minutes = replace(random_series(random.Random(1), 400), exchange="binance")
    store.save(resample(minutes, timeframe), sources=["test"])
    return store


def test_a_longer_timeframe_is_taken_as_it_is_stored(tmp_path: Path) -> None:
    data = load(stored(tmp_path, "5m"), DataOrder(("ETH/USDT",), "5m"), WARM_UP, print)
    assert [one.timeframe for one in data.series] == ["5m"] and not data.is_modelled


def test_candles_of_another_timeframe_are_not_replaced_by_modelled_ones(tmp_path: Path) -> None:
    store, said = stored(tmp_path, "5m"), list[str]()
    with pytest.raises(MarketHistoryRefused, match=r"was binance 5m; .*--timeframe.*--seed"):
        load(store, DataOrder(("ETH/USDT",), "1m"), WARM_UP, said.append)
    assert not said and len(store.list()) == 1


def test_a_range_without_candles_before_it_begins_later_and_says_so(tmp_path: Path) -> None:
    store = stored(tmp_path, "1m")
    times = store.load("binance", "ETH/USDT", "1m").open_ts.tolist()
    early = load(store, DataOrder(("ETH/USDT",), "1m", from_ms=times[0]), WARM_UP, print)
    assert early.start_ts == times[WARM_UP]
    assert any("20 candles" in warning and "tested from" in warning for warning in early.warnings)
    pairs = zip(times, times[WARM_UP:], strict=False)
    whole = next(end for start, end in pairs if end - start == WARM_UP * MINUTE_MS)
    late = load(store, DataOrder(("ETH/USDT",), "1m", from_ms=whole), WARM_UP, print)
    assert late.start_ts == whole
    assert not any("tested from" in warning for warning in late.warnings)
