"""Between floats and the decimal numbers they stand for.

Binance writes prices and amounts with a fixed number of decimal places. A float64 is the nearest
one to such a number; if k is the number in units of 10**-places, then k / 10**places (both exact
as floats, division correctly rounded) is that float again. So `rint(x * 10**places)` finds k and
the comparison of the quotient with x proves it. The product is off by at most k * 2**-52, two
roundings of half a unit in the last place each, so k must stay below 2**51 to be found for sure.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PLACES_MAX = 12
FALLBACK_PLACES = 8
_EXACT_MAX = 2.0**51
_NOISE = 8e-16
"""Relative error of a few float operations: 0.1 + 0.2 stands for 0.3."""


def _is_exact(values: Floats, places: int) -> NDArray[np.bool_]:
    scale = 10.0**places
    units = np.rint(values * scale)
    return (units / scale == values) & (np.abs(units) < _EXACT_MAX)


def decimal_places(*columns: Floats) -> int | None:
    """The fewest places that write every number exactly; None if there are none.

    That is so when a number has more than 12 places, or is too large to be told from its
    neighbours with as many places as another one needs (more than 15 digits in all).
    """
    found, largest = 0, 0.0
    for column in columns:
        rest = column[np.isfinite(column)]
        largest = max(largest, float(np.abs(rest).max(initial=0.0)))
        for places in range(PLACES_MAX + 1):
            rest = rest[~_is_exact(rest, places)]
            if not len(rest):
                found = max(found, places)
                break
        else:
            return None
    return found if largest * 10.0**found < _EXACT_MAX else None


def without_noise(values: Floats, places: int) -> Floats | None:
    """The numbers with so many places that float arithmetic has blurred; None if they are others.

    Some tools sum or scale in floats before they write; 0.30000000000000004 is 0.3.
    """
    scale = 10.0**places
    rounded = np.rint(values * scale) / scale
    is_near = np.abs(rounded - values) <= _NOISE * np.abs(values)
    return rounded if bool(is_near.all()) else None


def rounded_places(values: Floats, places: int) -> Floats:
    scale = 10.0**places
    return np.rint(values * scale) / scale


def exact_decimal(value: float, places: int) -> Decimal:
    """The decimal number with so many places that `value` is the nearest float to."""
    return Decimal(float(value)).quantize(Decimal(1).scaleb(-places))


def whole_units(values: Floats, places: int) -> NDArray[np.int64]:
    """The numbers counted in units of 10**-places, for kernels that reckon in ticks and lots."""
    return np.rint(values * 10.0**places).astype(np.int64)
