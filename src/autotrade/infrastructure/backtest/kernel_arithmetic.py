"""Exact arithmetic of the compiled kernel, where 64 bits are not enough."""

from __future__ import annotations

from typing import Any

import numpy as np

from autotrade.infrastructure.backtest.kernel_layout import compiled

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_TOP = np.uint64(63)
_ZERO = np.uint64(0)


@compiled
def _product(left: Any, right: Any) -> tuple[Any, Any]:
    """The 128 bits of a product of two numbers of 64, as (high, low)."""
    left_high, left_low = left >> _HALF, left & _LOW
    right_high, right_low = right >> _HALF, right & _LOW
    low = left_low * right_low
    middle = left_high * right_low + (low >> _HALF)
    cross = left_low * right_high + (middle & _LOW)
    high = left_high * right_high + (middle >> _HALF) + (cross >> _HALF)
    return high, (cross << _HALF) | (low & _LOW)


@compiled
def multiply_divide(left: int, right: int, divisor: int) -> tuple[int, int]:
    """(floor of left * right / divisor, remainder), all at least 0; (-1, 0) beyond 63 bits."""
    high, low = _product(np.uint64(left), np.uint64(right))
    below = np.uint64(divisor)
    if high == _ZERO:
        quotient, rest = low // below, low % below
    elif high >= below:
        return np.int64(-1), np.int64(0)
    else:
        quotient, rest = _ZERO, high
        for place in range(64):
            rest = (rest << _ONE) | ((low >> np.uint64(63 - place)) & _ONE)
            quotient <<= _ONE
            if rest >= below:
                rest -= below
                quotient |= _ONE
    if quotient >> _TOP:
        return np.int64(-1), np.int64(0)
    return np.int64(quotient), np.int64(rest)


@compiled
def multiply_divide_half_even(left: int, right: int, divisor: int) -> int:
    """left * right / divisor rounded to the nearest, halves to even; -1 beyond 63 bits."""
    quotient, rest = multiply_divide(left, right, divisor)
    if quotient < 0:
        return quotient
    over = rest - (divisor - rest)
    return quotient + (over > 0 or (over == 0 and quotient % 2 == 1))


@compiled
def share_of_average(cost: int, amount: int, share: int, divisor: int) -> tuple[int, bool]:
    """(floor of cost / amount * share / divisor, whether that is beyond doubt).

    The engine rounds the average to 28 digits. That decides nothing unless the exact result is a
    whole number and the average itself is none.
    """
    if cost % amount == 0:
        return cost // amount * share // divisor, True
    quotient, rest = multiply_divide(cost, share, amount * divisor)
    return quotient, rest != 0 and quotient >= 0
