"""Bollinger bands."""

from __future__ import annotations

from typing import NamedTuple

from autotrade.domain.services.indicators.window import RollingDeviation


class Bands(NamedTuple):
    lower: float
    middle: float
    upper: float


class Bollinger:
    """Mean of the last `period` values, plus and minus `width` population standard deviations."""

    __slots__ = ("_width", "_window", "value")

    def __init__(self, period: int = 20, width: float = 2.0) -> None:
        self._window = RollingDeviation(period)
        self._width = width
        self.value: Bands | None = None

    def update(self, value: float) -> Bands | None:
        self._window.push(value)
        mean, deviation = self._window.mean, self._window.deviation
        if mean is not None and deviation is not None:
            reach = self._width * deviation
            self.value = Bands(mean - reach, mean, mean + reach)
        return self.value
