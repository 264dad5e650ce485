"""Floats give the exact decimal numbers back; a series cannot be changed by accident."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.market_history.decimals import (
    decimal_places,
    exact_decimal,
    whole_units,
    without_noise,
)
from tests.unit.market_history.builders import START_MS, series

UNITS = st.integers(0, 2**51 - 1)


@given(st.lists(UNITS, min_size=1), st.integers(0, 12))
def test_decimals_come_back_exactly(units: list[int], places: int) -> None:
    decimals = [Decimal(unit).scaleb(-places) for unit in units]
    floats = np.array([float(one) for one in decimals])
    assert [exact_decimal(value, places) for value in floats] == decimals
    assert whole_units(floats, places).tolist() == units


@given(st.lists(UNITS, min_size=1), st.integers(0, 8))
def test_the_places_found_hold_every_number_and_are_the_fewest(
    units: list[int], places: int
) -> None:
    decimals = [Decimal(unit).scaleb(-places) for unit in units]
    found = decimal_places(np.array([float(one) for one in decimals]))
    assert found == max(
        max(0, -int(one.normalize().as_tuple().exponent)) if one else 0 for one in decimals
    )


def test_digits_that_a_float_cannot_hold_are_not_promised() -> None:
    assert decimal_places(np.array([12_345_678_901.12, 0.12345678])) is None
    assert decimal_places(np.array([12_345_678_901.12])) == 2


def test_noise_of_float_arithmetic_is_recognised_and_other_numbers_are_not() -> None:
    noisy = np.array([0.1 + 0.2, 1.1 * 3])
    assert decimal_places(noisy) is None
    cleaned = without_noise(noisy, 1)
    assert cleaned is not None
    assert cleaned.tolist() == [0.3, 3.3]
    assert without_noise(np.array([1 / 3]), 8) is None


def test_a_slice_is_half_open_and_shares_the_memory() -> None:
    whole = series(10)
    part = whole.slice(START_MS + 60_000, START_MS + 180_000)
    assert part.open_ts.tolist() == [START_MS + 60_000, START_MS + 120_000]
    assert np.shares_memory(part.open, whole.open)
    assert len(whole.slice(START_MS + 61_000, None)) == 8
    assert len(whole.slice(START_MS + 600_000, START_MS)) == 0


def test_arrays_cannot_be_written_to() -> None:
    whole = series(3)
    with pytest.raises(ValueError, match="read-only"):
        whole.close[0] = 1.0


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 10 values in close"):
        series(10, close=np.ones(9))


def test_units_and_decimals_of_a_column() -> None:
    one = series(1, close=np.array([100.07]), volume=np.array([0.001]))
    assert one.units("close").tolist() == [10_007]
    assert one.decimal("close", 0) == Decimal("100.07")
    assert one.decimal("volume", 0) == Decimal("0.001")
    with pytest.raises(ValueError, match="expected one of open, high"):
        one.units("open_ts")


@pytest.mark.parametrize(
    "change",
    [
        {"exchange": "binanceusdm"},
        {"symbol": "ETH/USDT"},
        {"timeframe": "5m"},
        {"price_decimals": 3},
        {"amount_decimals": 4},
        {"volume": series(10).volume + 1},
        {"open_ts": series(10).open_ts + 60_000},
    ],
)
def test_the_hash_sees_everything_a_backtest_depends_on(change: dict[str, object]) -> None:
    assert series(10, **change).content_sha256() != series(10).content_sha256()


def test_the_hash_is_of_the_content_not_of_the_object() -> None:
    assert series(10).content_sha256() == series(10).content_sha256()
    known = series(10, quote_volume=np.ones(10), trades=np.ones(10, dtype=np.int64))
    assert known.content_sha256() == series(10).content_sha256()
