"""How far and how long an equity curve stays below its earlier peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from autotrade.infrastructure.statistics.checks import (
    Floats,
    checked_equity,
    checked_timestamps,
)


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall from a peak: `depth` as a share of the peak, 0 for a curve that never falls.

    `length_ms` runs from the peak to the recovery, or to the end of the curve without one;
    `longest_ms` is the longest time below any peak, which need not be the deepest fall.
    """

    depth: float
    peak_ts: int
    trough_ts: int
    recovered_ts: int | None
    length_ms: int
    longest_ms: int

    @property
    def is_recovered(self) -> bool:
        return self.recovered_ts is not None


def underwater(equity: ArrayLike) -> Floats:
    """Share lost since the highest point so far, at each point: 0 at a peak, 1 for a total loss."""
    curve = checked_equity(equity)
    return 1.0 - curve / np.maximum.accumulate(curve)


def max_drawdown(ts: ArrayLike, equity: ArrayLike) -> Drawdown:
    """The deepest drawdown of the curve, the first of equals.

    Source of the measure: M. Magdon-Ismail, A. F. Atiya, "Maximum Drawdown", Risk 17(10), 2004.
    """
    depths = underwater(equity)
    times = checked_timestamps(ts, "equity_ts", depths.size)
    trough = int(np.argmax(depths))
    depth = float(depths[trough])
    if depth <= 0:
        start = int(times[0])
        return Drawdown(0.0, start, start, start, 0, 0)
    at_peak = np.flatnonzero(depths <= 0)
    peak = int(at_peak[at_peak < trough][-1])
    later = at_peak[at_peak > trough]
    recovered = int(times[later[0]]) if later.size else None
    end = int(times[-1]) if recovered is None else recovered
    return Drawdown(
        depth=depth,
        peak_ts=int(times[peak]),
        trough_ts=int(times[trough]),
        recovered_ts=recovered,
        length_ms=end - int(times[peak]),
        longest_ms=_longest_below_peak_ms(times, at_peak),
    )


def _longest_below_peak_ms(times: np.ndarray, at_peak: np.ndarray) -> int:
    """Longest gap between points at a peak with a point below in between, the end included."""
    marks = np.append(at_peak, times.size - 1) if at_peak[-1] != times.size - 1 else at_peak
    steps = np.diff(marks)
    # Two neighbouring peaks have nothing below between them; the end itself may be below.
    is_below = steps > 1
    if at_peak[-1] != times.size - 1:
        is_below[-1] = True
    gaps = np.diff(times[marks])[is_below]
    return int(gaps.max()) if gaps.size else 0


def path_drawdowns(returns: Floats) -> Floats:
    """Deepest drawdown of each row of simple returns, the start counted as a peak."""
    curves = np.cumprod(1.0 + returns, axis=1)
    peaks = np.maximum(np.maximum.accumulate(curves, axis=1), 1.0)
    deepest: Floats = np.maximum((1.0 - curves / peaks).max(axis=1), 0.0)
    return deepest
