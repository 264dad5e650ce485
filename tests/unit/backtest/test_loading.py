"""Which candles a backtest takes, and when it says that it has none."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from autotrade.infrastructure.backtest.loading import DataOrder, load
from autotrade.infrastructure.market_history import CandleStore, MarketHistoryRefused, resample
from tests.backtest_markets import random_series

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
