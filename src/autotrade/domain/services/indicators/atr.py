"""Average true range (Wilder, New Concepts in Technical Trading Systems, 1978)."""

from __future__ import annotations

from autotrade.domain.services.indicators.window import check_period


class Atr:
    """Wilder-smoothed true range in quote currency; the first after `period + 1` candles.

    The true range of a candle is its own range, widened to the close before it.
    """

    __slots__ = ("_count", "_period", "_previous_close", "_seed", "value")

    def __init__(self, period: int) -> None:
        self._period = check_period(period)
        self._previous_close: float | None = None
        self._seed = 0.0
        self._count = 0
        self.value: float | None = None

    def update(self, high: float, low: float, close: float) -> float | None:
        previous, self._previous_close = self._previous_close, close
        if previous is None:
            return None
        true_range = max(high - low, abs(previous - high), abs(previous - low))
        if self.value is not None:
            self.value = (self.value * (self._period - 1) + true_range) / self._period
            return self.value
        self._seed += true_range
        self._count += 1
        if self._count == self._period:
            self.value = self._seed / self._period
        return self.value
