"""How likely the winner of a sweep won by fitting the noise of its own data.

Source: D. H. Bailey, J. M. Borwein, M. Lopez de Prado, Q. J. Zhu, "The Probability of Backtest
Overfitting", Journal of Computational Finance 20(4), 2017 (SSRN 2326253, 2015): combinatorially
symmetric cross-validation (CSCV).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autotrade.infrastructure.statistics.checks import ROUNDING_SHARE, Floats, checked_count

SPLITS_MAX = 20
# Performance numbers held at once: bounds memory whatever the number of trials.
CHUNK_NUMBERS = 2_000_000
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """What became, out of sample, of the trial that was best in sample, over all combinations.

    `probability` (PBO) is the share of combinations in which it ended in the lower half; `logits`
    hold ln(w / (1 - w)) of its relative rank w; `degradation_slope` is that of its performance out
    of sample over that in sample (None if the latter never varies); `probability_of_loss` the
    share with performance below 0. Performance is the Sharpe ratio per period.
    """

    probability: float
    probability_of_loss: float
    degradation_slope: float | None
    degradation_intercept: float | None
    degradation_r_squared: float | None
    logits: Floats
    in_sample: Floats
    out_of_sample: Floats
    trials: int
    periods: int
    periods_dropped: int
    splits: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; the distributions as quantiles."""
        return {
            "probability": self.probability,
            "probability_of_loss": self.probability_of_loss,
            "degradation_slope": self.degradation_slope,
            "degradation_intercept": self.degradation_intercept,
            "degradation_r_squared": self.degradation_r_squared,
            "logit_quantiles": _quantiles(self.logits),
            "in_sample_sharpe_quantiles": _quantiles(self.in_sample),
            "out_of_sample_sharpe_quantiles": _quantiles(self.out_of_sample),
            "combinations": int(self.logits.size),
            "trials": self.trials,
            "periods": self.periods,
            "periods_dropped": self.periods_dropped,
            "splits": self.splits,
        }


def probability_of_backtest_overfitting(matrix: ArrayLike, splits: int = 16) -> Overfitting:
    """CSCV over `matrix`: a row a period, a column a trial, each the period's return.

    The rows are cut into `splits` (even) blocks of equal length, the oldest rows left over being
    dropped; every choice of half the blocks is in-sample once. ValueError for fewer than 2 trials
    or too few rows for blocks of 2.
    """
    returns = _checked_matrix(matrix, splits)
    periods_given, trials = returns.shape
    length = periods_given // splits
    dropped = periods_given - length * splits
    blocks = returns[dropped:].reshape(splits, length, trials)
    sums, squares = blocks.sum(axis=1), (blocks * blocks).sum(axis=1)
    chosen = _halves(splits)
    parts = []
    rows = max(1, CHUNK_NUMBERS // trials)
    half = length * splits // 2
    for begin in range(0, len(chosen), rows):
        inside = chosen[begin : begin + rows]
        parts.append(_best_in_and_out(inside, sums, squares, half))
    best_in, best_out, rank = (np.concatenate(column) for column in zip(*parts, strict=True))
    relative = rank / (trials + 1.0)
    logits = np.log(relative / (1.0 - relative))
    slope, intercept, r_squared = _line(best_in, best_out)
    return Overfitting(
        probability=float(np.mean(logits <= 0)),
        probability_of_loss=float(np.mean(best_out < 0)),
        degradation_slope=slope,
        degradation_intercept=intercept,
        degradation_r_squared=r_squared,
        logits=logits,
        in_sample=best_in,
        out_of_sample=best_out,
        trials=trials,
        periods=periods_given - dropped,
        periods_dropped=dropped,
        splits=splits,
    )


def _checked_matrix(matrix: ArrayLike, splits: int) -> Floats:
    checked_count(splits, "splits", 2)
    if splits % 2 or splits > SPLITS_MAX:
        raise ValueError(f"expected an even number of splits up to {SPLITS_MAX}, was {splits}")
    returns = np.asarray(matrix, dtype=np.float64)
    if returns.ndim != 2:
        raise ValueError(
            f"expected a matrix of periods x trials, was {returns.ndim} dimensions of numbers"
        )
    periods, trials = returns.shape
    if trials < 2:
        raise ValueError(f"expected 2 trials or more to choose from, was {trials}")
    if periods < 2 * splits:
        raise ValueError(
            f"expected at least {2 * splits} periods for {splits} splits, was {periods}; "
            "take a longer span or fewer splits"
        )
    bad = np.argwhere(~np.isfinite(returns))
    if bad.size:
        row, column = (int(place) for place in bad[0])
        raise ValueError(
            f"expected finite returns, was {returns[row, column]} in period {row} of trial {column}"
        )
    return returns


def _halves(splits: int) -> Floats:
    """A row of zeros and ones for every way to choose half of the blocks."""
    count = math.comb(splits, splits // 2)
    chosen = np.zeros((count, splits))
    places = np.fromiter(
        (place for half in combinations(range(splits), splits // 2) for place in half),
        dtype=np.int64,
        count=count * (splits // 2),
    ).reshape(count, splits // 2)
    np.put_along_axis(chosen, places, 1.0, axis=1)
    return chosen


def _best_in_and_out(
    inside: Floats, sums: Floats, squares: Floats, periods: int
) -> tuple[Floats, Floats, Floats]:
    """Performance in and out of sample of each row's best trial, and its rank out of sample.

    Equal performances share the average of their ranks, 1 being the worst.
    """
    outside = 1.0 - inside
    performance_in = _sharpes(inside @ sums, inside @ squares, periods)
    performance_out = _sharpes(outside @ sums, outside @ squares, periods)
    best = performance_in.argmax(axis=1)[:, None]
    best_out = np.take_along_axis(performance_out, best, axis=1)
    worse = (performance_out < best_out).sum(axis=1)
    equal = (performance_out == best_out).sum(axis=1)
    rank = worse + (equal + 1.0) / 2.0
    return np.take_along_axis(performance_in, best, axis=1)[:, 0], best_out[:, 0], rank


def _sharpes(sums: Floats, squares: Floats, periods: int) -> Floats:
    """Sharpe ratio per period from sums; 0 where returns never vary (a trial without a deal)."""
    mean = sums / periods
    mean_square = squares / periods
    variance = mean_square - mean * mean
    is_flat = variance <= ROUNDING_SHARE * mean_square
    spread = np.sqrt(np.where(is_flat, 1.0, variance) * (periods / (periods - 1.0)))
    return np.where(is_flat, 0.0, mean / spread)


def _line(x: Floats, y: Floats) -> tuple[float | None, float | None, float | None]:
    """Least squares slope, intercept and R squared of y over x; None where x does not vary."""
    dx, dy = x - x.mean(), y - y.mean()
    square = float(dx @ dx)
    if square <= ROUNDING_SHARE * float(x @ x):
        return None, None, None
    slope = float(dx @ dy) / square
    total = float(dy @ dy)
    r_squared = slope * float(dx @ dy) / total if total > 0 else None
    return slope, float(y.mean()) - slope * float(x.mean()), r_squared


def _quantiles(values: Floats) -> dict[str, float]:
    found = np.quantile(values, QUANTILES)
    return {f"{share:g}": float(value) for share, value in zip(QUANTILES, found, strict=True)}
