from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autotrade.domain.entities.candle import Candle
from autotrade.infrastructure.connectors.candle_gate import CandleGate

STEP = 60_000


def candle(index: int) -> Candle:
    return Candle(index * STEP, 1.0, 1.0, 1.0, 1.0, float(index))


def minutes(candles: list[Candle]) -> list[int]:
    return [one.open_ts // STEP for one in candles]


def test_a_gap_holds_later_candles_back_until_it_is_filled() -> None:
    gate = CandleGate(STEP)
    gate.anchor(0)
    assert minutes(gate.offer([candle(3)])) == []
    assert gate.missing() == (STEP, 2 * STEP)
    assert minutes(gate.offer([candle(2), candle(1)])) == [1, 2, 3]
    assert gate.missing() is None


def test_a_candle_is_delivered_once() -> None:
    gate = CandleGate(STEP)
    gate.anchor(0)
    assert minutes(gate.offer([candle(1)])) == [1]
    assert gate.offer([candle(1), candle(0)]) == []


def test_without_an_anchor_the_first_candle_begins() -> None:
    gate = CandleGate(STEP)
    assert minutes(gate.offer([candle(9)])) == [9]


def test_a_hole_that_the_exchange_cannot_fill_is_skipped() -> None:
    gate = CandleGate(STEP)
    gate.anchor(0)
    gate.offer([candle(3), candle(5)])
    assert minutes(gate.skip()) == [3]
    assert gate.missing() == (4 * STEP, 4 * STEP)
    assert minutes(gate.skip()) == [5]


def test_what_history_brought_is_not_delivered_again() -> None:
    gate = CandleGate(STEP)
    gate.anchor(0)
    gate.offer([candle(3)])
    gate.anchor(3 * STEP)
    assert gate.missing() is None
    assert minutes(gate.offer([candle(4)])) == [4]


@given(st.lists(st.lists(st.integers(1, 30), max_size=6), max_size=30))
def test_in_order_once_and_without_a_hole_whatever_arrives(batches: list[list[int]]) -> None:
    gate = CandleGate(STEP)
    gate.anchor(0)
    left: list[int] = []
    for batch in batches:
        left += minutes(gate.offer([candle(index) for index in batch]))
    left += minutes(gate.offer([candle(index) for index in range(1, 31)]))
    assert left == list(range(1, 31))
