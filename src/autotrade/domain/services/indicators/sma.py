"""Simple moving average."""

from __future__ import annotations

from autotrade.domain.services.indicators.window import RollingMean


class Sma:
    """Mean of the last `period` values; None for the first `period - 1`."""

    __slots__ = ("_window", "value")

    def __init__(self, period: int) -> None:
        self._window = RollingMean(period)
        self.value: float | None = None

    def update(self, value: float) -> float | None:
        self._window.push(value)
        self.value = self._window.mean
        return self.value
