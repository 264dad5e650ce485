from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.simulated_exchange.market.candle_path import (
    MINUTE_MS,
    LotCandle,
    candle_trades,
    is_possible,
    trades_needed,
)

PRICES = st.integers(1, 50) | st.integers(1, 10**9)


@st.composite
def candles(draw: st.DrawFn) -> LotCandle:
    low, high, opened, close = sorted(draw(st.tuples(PRICES, PRICES, PRICES, PRICES)))
    low, opened, close, high = low, *draw(st.permutations([high, opened])), close
    shape = LotCandle(0, opened, high, low, close, 1)
    if draw(st.booleans()):
        shape = LotCandle(0, low, low, low, low, 1)
    needed = trades_needed(shape)
    volume = draw(st.just(0) | st.integers(needed, needed + 3) | st.integers(needed, 10**12))
    return LotCandle(0, shape.open, shape.high, shape.low, shape.close, volume)


@given(candles(), st.integers(0, 2**32), st.integers(0, 200))
def test_any_candle_is_rebuilt_exactly_from_its_trades(
    candle: LotCandle, seed: int, wanted: int
) -> None:
    assert candle.volume == 0 or is_possible(candle)
    trades = candle_trades(candle, Random(seed), wanted)

    if candle.volume == 0:
        assert trades == []
        return
    prices = [trade.price for trade in trades]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (
        candle.open,
        candle.high,
        candle.low,
        candle.close,
    )
    assert sum(trade.lots for trade in trades) == candle.volume
    assert all(trade.lots >= 1 for trade in trades)
    moments = [trade.offset_ms for trade in trades]
    assert moments == sorted(moments)
    assert moments[0] >= 0
    assert moments[-1] < MINUTE_MS


@given(candles(), st.integers(0, 2**32))
def test_takers_push_the_way_the_price_goes(candle: LotCandle, seed: int) -> None:
    trades = candle_trades(candle, Random(seed), 30)
    for before, trade in pairwise(trades):
        if trade.price > before.price:
            assert trade.taker == "BUY"
        elif trade.price < before.price:
            assert trade.taker == "SELL"


@pytest.mark.parametrize(
    ("prices", "needed"),
    [
        ((5, 5, 5, 5), 1),
        ((5, 6, 5, 6), 2),
        ((5, 6, 5, 5), 3),
        ((5, 7, 4, 6), 4),
        ((5, 7, 4, 4), 3),
    ],
)
def test_the_fewest_trades_of_a_candle(prices: tuple[int, int, int, int], needed: int) -> None:
    assert trades_needed(LotCandle(0, *prices, 100)) == needed
    assert is_possible(LotCandle(0, *prices, needed))
    assert not is_possible(LotCandle(0, *prices, needed - 1)) or needed == 1


def test_a_candle_with_crossed_prices_is_not_possible() -> None:
    assert not is_possible(LotCandle(0, 5, 4, 3, 4, 100))
    assert not is_possible(LotCandle(0, 5, 6, 0, 5, 100))
    assert not is_possible(LotCandle(0, 5, 6, 6, 6, 100))


def test_amounts_have_a_heavy_tail() -> None:
    trades = candle_trades(LotCandle(0, 100, 120, 90, 110, 10**6), Random(1), 100)
    lots = sorted(trade.lots for trade in trades)

    assert len(lots) == 100
    assert lots[-1] > 10 * lots[50]
