"""Windows for walk-forward tests, what they keep of the promise, and where to cut the future off.

Source of the method: R. Pardo, "The Evaluation and Optimization of Trading Strategies", 2nd
edition, Wiley, 2008: choose on one window, trade the next, never look back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autotrade.infrastructure.statistics.checks import (
    DAY_MS,
    checked_count,
    checked_floats,
)

WINDOWS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class WalkForwardWindow:
    """Where to choose and where to trade the choice; milliseconds, ends not included."""

    train_start_ts: int
    train_end_ts: int
    test_end_ts: int

    @property
    def test_start_ts(self) -> int:
        return self.train_end_ts

    @property
    def train_days(self) -> float:
        return (self.train_end_ts - self.train_start_ts) / DAY_MS

    @property
    def test_days(self) -> float:
        return (self.test_end_ts - self.train_end_ts) / DAY_MS


@dataclass(frozen=True, slots=True)
class WalkForwardResult:
    """`efficiency`: daily profit out of sample over that in sample; 1 keeps the whole promise."""

    efficiency: float | None
    reason: str | None
    train_profit_per_day: float
    test_profit_per_day: float
    profitable_windows: int
    windows: int

    def as_dict(self) -> dict[str, Any]:
        return {
            "efficiency": self.efficiency,
            "reason": self.reason,
            "train_profit_per_day": self.train_profit_per_day,
            "test_profit_per_day": self.test_profit_per_day,
            "profitable_windows": self.profitable_windows,
            "windows": self.windows,
        }


def walk_forward_windows(
    start_ts: int, end_ts: int, train_days: float, test_days: float, anchored: bool = False
) -> tuple[WalkForwardWindow, ...]:
    """Windows whose tests follow one another without gap or overlap.

    Rolling windows train on the `train_days` before each test; anchored ones on everything since
    `start_ts`. A rest shorter than a test stays unused. ValueError if not even one fits.
    """
    train_ms, test_ms = round(train_days * DAY_MS), round(test_days * DAY_MS)
    if train_ms <= 0 or test_ms <= 0:
        raise ValueError(
            f"expected train and test days above 0, was {train_days:g} and {test_days:g}"
        )
    count = (end_ts - start_ts - train_ms) // test_ms
    if count < 1:
        raise ValueError(
            f"expected at least {train_days + test_days:g} days for one window of {train_days:g} "
            f"to choose and {test_days:g} to test, was {(end_ts - start_ts) / DAY_MS:g}"
        )
    if count > WINDOWS_MAX:
        raise ValueError(
            f"expected at most {WINDOWS_MAX} windows, was {count}; take longer test days"
        )
    return tuple(
        WalkForwardWindow(
            train_start_ts=start_ts if anchored else start_ts + step * test_ms,
            train_end_ts=start_ts + train_ms + step * test_ms,
            test_end_ts=start_ts + train_ms + (step + 1) * test_ms,
        )
        for step in range(count)
    )


def walk_forward_efficiency(
    windows: Sequence[WalkForwardWindow], train_profits: ArrayLike, test_profits: ArrayLike
) -> WalkForwardResult:
    """Pardo's walk-forward efficiency: profit a day of all tests over that of all trainings.

    Profits are those of the chosen parameters, in quote currency or as returns, one a window.
    """
    trained, tested = checked_floats(train_profits, "train"), checked_floats(test_profits, "test")
    if not len(windows) == trained.size == tested.size:
        raise ValueError(
            f"expected one train and one test profit for each of {len(windows)} windows, was "
            f"{trained.size} and {tested.size}"
        )
    if not windows:
        raise ValueError("expected at least one window, was none")
    train_rate = float(trained.sum()) / sum(window.train_days for window in windows)
    test_rate = float(tested.sum()) / sum(window.test_days for window in windows)
    efficiency: float | None = None
    reason: str | None = None
    if train_rate > 0:
        efficiency = test_rate / train_rate
    else:
        reason = "nothing was earned in sample, so there is nothing to keep"
    return WalkForwardResult(
        efficiency=efficiency,
        reason=reason,
        train_profit_per_day=train_rate,
        test_profit_per_day=test_rate,
        profitable_windows=int(np.count_nonzero(tested > 0)),
        windows=len(windows),
    )


def truncation_points(length: int, count: int, seed: int) -> tuple[int, ...]:
    """Rising numbers of candles to keep when checking that a strategy does not look ahead.

    Decisions of the first k candles alone must equal the first decisions of the whole series. The
    points lie one in each of `count` equal stretches of 1..length - 1, so no part is left out; all
    of them where there are no more. Fewer than 2 candles have no future to cut off.
    """
    checked_count(count, "points")
    if checked_count(length, "candles", 0) < 2:
        raise ValueError(f"expected at least 2 candles to cut, was {length}")
    places = length - 1
    if count >= places:
        return tuple(range(1, length))
    generator = np.random.default_rng(seed)
    edges = [1 + places * step // count for step in range(count + 1)]
    return tuple(int(generator.integers(low, high)) for low, high in pairwise(edges))
