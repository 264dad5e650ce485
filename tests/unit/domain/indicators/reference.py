"""Batch results of TA-Lib and exact fractions to hold the incremental indicators against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import isnan, sqrt
from typing import Any

import numpy as np
from pyarrow import parquet

from tests.recordings import recording

RELATIVE = 1e-9


def feed(update: Callable[[float], Any], values: Sequence[float]) -> list[Any]:
    return [update(value) for value in values]


def column(points: Sequence[Any], index: int) -> list[float | None]:
    return [None if point is None else point[index] for point in points]


def assert_equal(
    mine: Sequence[float | None], reference: Iterable[float], floor: float = 0.0
) -> None:
    """Same candles without a value, and values that differ by less than 1e-9 relative.

    `floor` is the magnitude under which a value (a difference of two larger ones) is noise.
    """
    expected = [float(value) for value in reference]
    assert len(mine) == len(expected)
    for index, (value, wanted) in enumerate(zip(mine, expected, strict=True)):
        if isnan(wanted):
            assert value is None, f"candle {index}: expected nothing yet, was {value}"
            continue
        assert value is not None, f"candle {index}: expected {wanted}, was nothing"
        limit = RELATIVE * max(abs(wanted), floor)
        assert abs(value - wanted) <= limit, f"candle {index}: expected {wanted}, was {value}"


def exact_mean(window: Sequence[float]) -> float:
    return float(sum(map(Fraction, window)) / len(window))


def exact_deviation(window: Sequence[float]) -> float:
    values = [Fraction(value) for value in window]
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / len(values))


def candles(name: str, rows: int) -> tuple[Any, Any, Any]:
    """High, low and close of a recording's first rows."""
    table = parquet.read_table(recording(f"klines/{name}.parquet")).slice(0, rows)
    high, low, close = (
        np.ascontiguousarray(table[key].to_numpy(), dtype=float) for key in ("high", "low", "close")
    )
    return high, low, close
