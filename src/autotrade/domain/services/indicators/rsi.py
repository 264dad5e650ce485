"""Relative strength index (Wilder, New Concepts in Technical Trading Systems, 1978)."""

from __future__ import annotations

from autotrade.domain.services.indicators.window import check_period


class Rsi:
    """100 * average gain / (average gain + average loss), Wilder smoothed; 0..100.

    The first value comes after `period + 1` values. Where nothing ever moved it is 0, as in TA-Lib.
    """

    __slots__ = ("_count", "_gain", "_loss", "_period", "_previous", "value")

    def __init__(self, period: int) -> None:
        self._period = check_period(period)
        self._previous: float | None = None
        self._gain = self._loss = 0.0
        self._count = 0
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        previous, self._previous = self._previous, value
        if previous is None:
            return None
        change = value - previous
        gain, loss = (change, 0.0) if change > 0 else (0.0, -change)
        period = self._period
        if self._count < period:
            self._count += 1
            self._gain += gain
            self._loss += loss
            if self._count < period:
                return None
            self._gain /= period
            self._loss /= period
        else:
            self._gain = (self._gain * (period - 1) + gain) / period
            self._loss = (self._loss * (period - 1) + loss) / period
        total = self._gain + self._loss
        self.value = 100.0 * (self._gain / total) if total else 0.0
        return self.value
