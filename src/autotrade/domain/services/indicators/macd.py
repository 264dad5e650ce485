"""Moving average convergence divergence (MACD)."""

from __future__ import annotations

from typing import NamedTuple

from autotrade.domain.services.indicators.ema import Ema
from autotrade.domain.services.indicators.window import check_period


class MacdPoint(NamedTuple):
    """All three in quote currency; `histogram` is `macd - signal`."""

    macd: float
    signal: float
    histogram: float


class Macd:
    """Fast EMA minus slow EMA, its signal EMA, and their difference.

    As TA-Lib aligns it: the fast EMA starts `slow - fast` values late, so that both are seeded on
    the same candle; the first point comes after `slow + signal - 1` values.
    """

    __slots__ = ("_fast", "_signal", "_skip", "_slow", "value")

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        if check_period(fast) >= check_period(slow):
            raise ValueError(
                f"expected a fast period below the slow one, was {fast} and {slow}, swap them"
            )
        self._fast, self._slow, self._signal = Ema(fast), Ema(slow), Ema(signal)
        self._skip = slow - fast
        self.value: MacdPoint | None = None

    def update(self, value: float) -> MacdPoint | None:
        slow = self._slow.update(value)
        if self._skip:
            self._skip -= 1
            return None
        fast = self._fast.update(value)
        if fast is None or slow is None:
            return None
        macd = fast - slow
        signal = self._signal.update(macd)
        if signal is not None:
            self.value = MacdPoint(macd, signal, macd - signal)
        return self.value
