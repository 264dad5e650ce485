"""Deals played again and markets rearranged: what must stay, what may change."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.statistics import monte_carlo_candles, monte_carlo_deals
from autotrade.infrastructure.statistics.checks import Floats

from .samples import amounts, deals_of


def market(count: int, seed: int = 1, level: float = 5.0) -> tuple[Floats, Floats, Floats, Floats]:
    generator = np.random.default_rng(seed)
    opens = np.exp(level + np.cumsum(generator.normal(0, 0.01, count)))
    closes = opens * np.exp(generator.normal(0, 0.01, count))
    # Half of the candles have no wick: there a rounding could put a close above its high.
    wicks = generator.random((2, count)) * generator.integers(0, 2, (2, count)) / 100
    highs = np.maximum(opens, closes) * (1 + wicks[0])
    lows = np.minimum(opens, closes) * (1 - wicks[1])
    return opens, highs, lows, closes


def test_one_deal_has_one_future() -> None:
    futures = monte_carlo_deals(deals_of("-25"), 50, 1, capital=100.0)
    assert np.all(futures.final_equity == 75.0)
    assert np.all(futures.max_drawdown == 0.25)
    assert futures.probability_of_loss == 1.0
    assert futures.probability_of_ruin == 0.0


def test_shuffling_keeps_the_end_and_changes_the_way() -> None:
    deals = deals_of("50", "-40", "30", "-20")
    futures = monte_carlo_deals(deals, 500, 1, capital=100.0, method="shuffle")
    assert futures.final_equity.tolist() == pytest.approx([120.0] * 500)
    assert futures.observed_final_equity == pytest.approx(120.0)
    assert futures.observed_max_drawdown == pytest.approx(40 / 150)
    # Both losses first: 100 to 40.
    assert futures.max_drawdown.max() == pytest.approx(0.6)
    assert futures.max_drawdown.min() < futures.observed_max_drawdown


def test_resampling_two_deals_is_a_coin() -> None:
    futures = monte_carlo_deals(deals_of("10", "-10"), 20_000, 1, capital=100.0)
    ends, counts = np.unique(futures.final_equity, return_counts=True)
    assert ends.tolist() == [80.0, 100.0, 120.0]
    assert counts / 20_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.01)
    assert futures.probability_of_loss == pytest.approx(0.25, abs=0.01)


def test_ruin_is_final() -> None:
    deals = deals_of("-100", "500")
    futures = monte_carlo_deals(deals, 400, 1, capital=100.0, method="shuffle")
    assert sorted(set(futures.final_equity.tolist())) == [0.0, 500.0]
    assert futures.observed_final_equity == 0.0
    assert futures.observed_max_drawdown == 1.0
    assert futures.probability_of_ruin == pytest.approx(0.5, abs=0.1)


def test_the_report_is_json_and_the_seed_decides() -> None:
    deals = deals_of("10", "-8", "3", "-1")
    one, two, other = (monte_carlo_deals(deals, 300, seed) for seed in (5, 5, 6))
    assert json.dumps(one.as_dict()) == json.dumps(two.as_dict())
    assert not np.array_equal(one.final_equity, other.final_equity)
    assert one.capital == 100.0


def test_deals_that_cannot_be_played_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one deal to play again, was none"):
        monte_carlo_deals([], 10, 1)
    with pytest.raises(ValueError, match="runs of 1 or more, was 0"):
        monte_carlo_deals(deals_of("1"), 0, 1)
    with pytest.raises(ValueError, match="capital above 0, was 0"):
        monte_carlo_deals(deals_of("1"), 1, 1, capital=0)
    with pytest.raises(ValueError, match="resample or shuffle, was 'mix'"):
        monte_carlo_deals(deals_of("1"), 1, 1, method="mix")  # type: ignore[arg-type]


def test_candles_keep_their_shapes() -> None:
    candles = market(300)
    opens, highs, lows, closes = candles
    (path,) = monte_carlo_candles(*candles, block=10, seed=3)
    assert path.open[0] == pytest.approx(opens[0])
    assert path.close / path.open == pytest.approx((closes / opens)[path.source])
    assert path.high / path.open == pytest.approx((highs / opens)[path.source])
    assert path.low / path.open == pytest.approx((lows / opens)[path.source])
    gaps = np.append(1.0, opens[1:] / closes[:-1])
    assert path.open[1:] / path.close[:-1] == pytest.approx(gaps[path.source][1:])


def test_a_block_longer_than_time_is_the_market_itself_turned_round() -> None:
    candles = market(50)
    (path,) = monte_carlo_candles(*candles, block=1e12, seed=3)
    assert np.all(np.diff(path.source) % 50 == 1)


def test_paths_differ_among_themselves_and_not_between_runs() -> None:
    one, two = ([*monte_carlo_candles(*market(80), block=5, seed=3, paths=3)] for _ in range(2))
    assert len(one) == 3
    assert not np.array_equal(one[0].close, one[1].close)
    for before, again in zip(one, two, strict=True):
        assert np.array_equal(before.close, again.close)


def test_prices_that_are_no_candles_are_refused_at_once() -> None:
    ones = np.ones(3)
    with pytest.raises(ValueError, match=r"low <= open, close <= high, was 1.0, 1.0, 2.0, 1.0"):
        monte_carlo_candles(ones, ones, ones, np.array([1.0, 2.0, 1.0]), block=2, seed=1)
    with pytest.raises(ValueError, match=r"low above 0, was 0.0 at index 0"):
        monte_carlo_candles(ones, ones, ones * 0, ones, block=2, seed=1)
    with pytest.raises(ValueError, match="as many opens, highs, lows and closes, was 3, 2"):
        monte_carlo_candles(ones, ones[1:], ones, ones, block=2, seed=1)
    with pytest.raises(ValueError, match="block of 1 candle or more, was 0"):
        monte_carlo_candles(ones, ones, ones, ones, block=0, seed=1)
    with pytest.raises(ValueError, match="at least one candle, was none"):
        monte_carlo_candles([], [], [], [], block=1, seed=1)


@given(
    st.integers(1, 80),
    st.floats(1.0, 40.0),
    st.integers(0, 2**32),
    st.sampled_from([-12.0, 0.0, 11.0]),
)
def test_every_path_is_made_of_candles(count: int, block: float, seed: int, level: float) -> None:
    for path in monte_carlo_candles(*market(count, seed, level), block=block, seed=seed, paths=2):
        assert path.close.size == count
        assert np.all(path.low > 0)
        assert np.all(path.low <= np.minimum(path.open, path.close))
        assert np.all(path.high >= np.maximum(path.open, path.close))


@given(st.lists(amounts, min_size=1, max_size=20), st.integers(0, 2**32))
def test_futures_stay_in_bounds(pnl: list[object], seed: int) -> None:
    deals = deals_of(*map(str, pnl))
    for method in ("resample", "shuffle"):
        futures = monte_carlo_deals(deals, 20, seed, method=method, capital=500.0)  # type: ignore[arg-type]
        assert np.all((futures.max_drawdown >= 0) & (futures.max_drawdown <= 1))
        assert np.all(futures.final_equity >= 0)
        assert futures.final_equity.max() <= 500 + len(deals) * max(0.0, *futures_of(deals)) + 1e-6


def futures_of(deals: list[object]) -> list[float]:
    return [float(deal.pnl_net) for deal in deals]  # type: ignore[attr-defined]
