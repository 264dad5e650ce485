"""Candles of the model: the same for the same seed, sound, and like the market in their figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotrade.infrastructure.market_history import CandleStore, MarketHistoryRefused, check
from autotrade.infrastructure.market_history.modelled import (
    START_MS,
    modelled_candles,
    stored_modelled_candles,
)
from autotrade.infrastructure.market_history.timeframes import DAY_MS
from tests.unit.market_history.builders import same

MONTHS = modelled_candles("BTC/USDT", 7, 62)


def test_they_are_whole_sound_and_on_the_pairs_own_grid() -> None:
    report = check(MONTHS)
    assert report.is_sound
    assert not report.has_gaps
    assert len(MONTHS) == 62 * 1_440
    assert (MONTHS.exchange, MONTHS.symbol, MONTHS.timeframe) == ("modelled", "BTC/USDT", "1m")
    assert (MONTHS.price_decimals, MONTHS.amount_decimals) == (2, 5)
    assert MONTHS.open_ts[0] == START_MS


def test_the_same_seed_gives_the_same_and_more_days_begin_with_fewer() -> None:
    assert same(modelled_candles("BTCUSDT", 7, 31), MONTHS.slice(None, START_MS + 31 * DAY_MS))


def test_another_seed_or_pair_gives_others_and_pairs_move_together() -> None:
    assert not same(modelled_candles("BTC/USDT", 8, 1), MONTHS.slice(None, START_MS + DAY_MS))
    ether = modelled_candles("ETH/USDT", 7, 62)
    moves = [np.diff(np.log(one.close)) for one in (MONTHS, ether)]
    assert 0.75 < float(np.corrcoef(*moves)[0, 1]) < 0.95


def test_prices_go_on_where_a_month_ends() -> None:
    assert np.array_equal(MONTHS.open[1:], MONTHS.close[:-1])


def test_the_figures_are_the_models_own() -> None:
    """The stylised facts that docs/reference/market_model.md states, on candles without a book."""
    moves = np.diff(np.log(MONTHS.close))
    sizes = np.abs(moves)
    assert 6e-4 < float(moves.std()) < 11e-4
    assert float(((moves - moves.mean()) ** 4).mean() / moves.var() ** 2) > 8
    assert abs(float(np.corrcoef(moves[1:], moves[:-1])[0, 1])) < 0.05
    assert float(np.corrcoef(sizes[60:], sizes[:-60])[0, 1]) > 0.1
    assert 0.5e6 < float(np.median(MONTHS.volume * MONTHS.close)) < 2.5e6


def test_the_store_keeps_them_and_makes_only_what_lacks(tmp_path: Path) -> None:
    store, made = CandleStore(tmp_path), list[int]()

    def ask(days: int) -> None:
        found = stored_modelled_candles(
            store, "BTC/USDT", 7, days, progress=lambda done, _: made.append(done)
        )
        assert same(found, MONTHS.slice(None, START_MS + days * DAY_MS))

    ask(2)
    assert made == [2]
    ask(1)
    ask(2)
    assert made == [2]
    ask(33)
    assert made == [2, 30, 33]


def test_two_seeds_are_never_mixed(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    stored_modelled_candles(store, "BTC/USDT", 7, 3)
    with pytest.raises(MarketHistoryRefused, match="was of the modelled market, seed 7") as caught:
        stored_modelled_candles(store, "BTC/USDT", 8, 1)
    assert "--exchange modelled8" in str(caught.value)
    other = stored_modelled_candles(store, "BTC/USDT", 8, 1, exchange="modelled8")
    assert other.exchange == "modelled8"
    replaced = stored_modelled_candles(store, "BTC/USDT", 8, 1, replace=True)
    assert len(store.load("modelled", "BTC/USDT", "1m")) == len(replaced) == 1_440


def test_what_the_model_does_not_have_is_said() -> None:
    with pytest.raises(MarketHistoryRefused, match="expected a pair that the modelled market"):
        modelled_candles("NOPE/USDT", 1, 1)
    with pytest.raises(MarketHistoryRefused, match="expected 1 to 3660 days, was 0"):
        modelled_candles("BTC/USDT", 1, 0)
