"""What goes in must be numbers, and a figure without a value says why.

Two kinds of trouble are kept apart: input nobody should compute with (not a number, a clock that
runs backwards) is refused with a ValueError; sound input for which a figure has no value (a Sharpe
ratio of returns that never vary) raises `UndefinedFigure`, which a report shows as a reason.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DAY_MS = 86_400_000
YEAR_DAYS = 365.0
YEAR_MS = YEAR_DAYS * DAY_MS
# Below this share of the size of the numbers themselves a spread is rounding, not variation.
ROUNDING_SHARE = 1e-12
# A return is a quotient near 1 less 1: whatever its own size, less than this of it is rounding.
RETURN_ROUNDING = 1e-14


class UndefinedFigure(Exception):
    """A figure that has no value for this input; the text is the reason, for a reader."""


def checked_floats(values: ArrayLike, name: str) -> Floats:
    """One-dimensional finite floats; ValueError names the first value that is none."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"expected {name} as one row of numbers, was {array.ndim} dimensions")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        first = int(bad[0])
        raise ValueError(
            f"expected finite numbers in {name}, was {array[first]} at index {first}; "
            "leave the gap out or fill it before"
        )
    return array


def checked_timestamps(values: ArrayLike, name: str, length: int) -> Integers:
    """Strictly rising milliseconds, as many as `length`; ValueError says where they are not."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        raise ValueError(f"expected {name} as whole milliseconds, was {array.dtype}")
    array = array.astype(np.int64)
    if array.shape != (length,):
        raise ValueError(f"expected {length} timestamps in {name}, was shape {array.shape}")
    falls = np.flatnonzero(np.diff(array) <= 0)
    if falls.size:
        first = int(falls[0]) + 1
        raise ValueError(
            f"expected rising timestamps in {name}, was {array[first]} after {array[first - 1]} "
            f"at index {first}; sort and drop duplicates before"
        )
    return array


def checked_equity(values: ArrayLike, name: str = "equity") -> Floats:
    """Finite amounts that start above 0 and stay at 0 once they are there (spot cannot owe)."""
    equity = checked_floats(values, name)
    if not equity.size:
        raise ValueError(f"expected at least one point in {name}, was none")
    if equity[0] <= 0:
        raise ValueError(f"expected {name} to start above 0, was {equity[0]}")
    below = np.flatnonzero(equity < 0)
    if below.size:
        first = int(below[0])
        raise ValueError(f"expected {name} of 0 or more, was {equity[first]} at index {first}")
    zeros = np.flatnonzero(equity == 0)
    if zeros.size and np.any(equity[zeros[0] :] > 0):
        raise ValueError(
            f"expected {name} to stay at 0 after a total loss at index {int(zeros[0])}, "
            "was above 0 later; pay-ins are not part of a result"
        )
    return equity


def checked_prices(values: ArrayLike, name: str) -> Floats:
    """Finite prices above 0."""
    prices = checked_floats(values, name)
    bad = np.flatnonzero(prices <= 0)
    if bad.size:
        first = int(bad[0])
        raise ValueError(f"expected {name} above 0, was {prices[first]} at index {first}")
    return prices


def checked_count(value: int, name: str, least: int = 1) -> int:
    """A whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"expected {name} as a whole number, was {value!r}")
    if value < least:
        raise ValueError(f"expected {name} of {least} or more, was {value}")
    return int(value)


def varies(values: Floats) -> bool:
    """Whether returns, of equity or of deals, differ by more than rounding."""
    if values.size < 2:
        return False
    noise = max(RETURN_ROUNDING, ROUNDING_SHARE * float(np.max(np.abs(values))))
    return float(np.std(values)) > noise
