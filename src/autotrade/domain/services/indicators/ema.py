"""Exponential moving average."""

from __future__ import annotations

from autotrade.domain.services.indicators.window import check_period


class Ema:
    """EMA with factor 2 / (period + 1), as TA-Lib seeds it: by the mean of the first values.

    None for the first `period - 1` values. The recursion forgets, so rounding does not pile up: the
    results differ from TA-Lib's in the last bits at most.
    """

    __slots__ = ("_count", "_factor", "_period", "_seed", "value")

    def __init__(self, period: int) -> None:
        self._period = check_period(period)
        self._factor = 2.0 / (period + 1)
        self._seed = 0.0
        self._count = 0
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        if self.value is not None:
            self.value = (value - self.value) * self._factor + self.value
            return self.value
        self._seed += value
        self._count += 1
        if self._count == self._period:
            self.value = self._seed / self._period
        return self.value
