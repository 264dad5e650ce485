"""Confidence intervals from resampling what was observed, with a seeded generator.

Returns follow one another (a bad day rarely comes alone), so they are resampled in blocks; deals
are resampled one by one. Intervals are plain percentile intervals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autotrade.infrastructure.statistics.checks import (
    RETURN_ROUNDING,
    ROUNDING_SHARE,
    Floats,
    UndefinedFigure,
    checked_count,
    checked_floats,
)
from autotrade.infrastructure.statistics.drawdown import path_drawdowns

INTERVAL_LEVEL = 0.95
# Fewer observations resample into an interval that looks narrow only because so little was seen.
SAMPLES_MIN = 10
RUNS_DEFAULT = 1000
# Resampled numbers held at once: bounds memory whatever the runs and the length.
CHUNK_NUMBERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies with probability `level` if the future resembles the sample."""

    low: float
    high: float
    level: float = INTERVAL_LEVEL

    def as_dict(self) -> dict[str, float]:
        return {"low": self.low, "high": self.high, "level": self.level}


@dataclass(frozen=True, slots=True, eq=False)
class ResampledReturns:
    """Figures of every resampled series of returns, one number a run."""

    sharpe_per_period: Floats
    total_return: Floats
    max_drawdown: Floats


def percentile_interval(samples: ArrayLike, level: float = INTERVAL_LEVEL) -> Interval:
    """The middle `level` of the samples.

    Source: B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics
    7(1), 1979; the percentile method.
    """
    values = checked_floats(samples, "samples")
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, was {level}")
    if not values.size:
        raise UndefinedFigure("nothing was resampled")
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(values, (tail, 1.0 - tail))
    return Interval(float(low), float(high), level)


def block_length(count: int) -> float:
    """Mean block length for `count` observations: their cube root, at least 1.

    The rate at which Politis and Romano (1994) show the block length should grow.
    """
    return max(1.0, float(round(checked_count(count, "observations") ** (1.0 / 3.0))))


def stationary_indices(
    count: int, mean_block: float, runs: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of `count` indices: blocks of geometric length, starting anywhere, going round the end.

    Source: D. N. Politis, J. P. Romano, "The Stationary Bootstrap", Journal of the American
    Statistical Association 89(428), 1994: each index follows the one before with probability
    1 - 1/mean_block and is drawn afresh otherwise.
    """
    checked_count(count, "observations")
    checked_count(runs, "runs")
    if mean_block < 1:
        raise ValueError(f"expected a mean block of 1 or more, was {mean_block}")
    place = np.arange(count, dtype=np.int64)
    is_fresh = generator.random((runs, count)) < 1.0 / mean_block
    drawn = generator.integers(0, count, size=(runs, count))
    # The first one is fresh whatever was drawn for it: nothing comes before.
    block_start = np.maximum.accumulate(np.where(is_fresh, place, 0), axis=1)
    start_index = np.take_along_axis(drawn, block_start, axis=1)
    return (start_index + place - block_start) % count


def resample_returns(
    returns: ArrayLike,
    generator: np.random.Generator,
    *,
    runs: int = RUNS_DEFAULT,
    mean_block: float | None = None,
) -> ResampledReturns:
    """Sharpe ratio (per period), total return and drawdown of block-resampled simple returns."""
    values = checked_floats(returns, "returns")
    _enough(values.size, "returns")
    mean_block = block_length(values.size) if mean_block is None else mean_block
    parts: list[tuple[Floats, Floats, Floats]] = []
    for rows in _chunks(runs, values.size):
        sample = values[stationary_indices(values.size, mean_block, rows, generator)]
        parts.append(
            (_row_sharpes(sample), np.prod(1.0 + sample, axis=1) - 1.0, path_drawdowns(sample))
        )
    sharpe, total, drawdown = (np.concatenate(column) for column in zip(*parts, strict=True))
    return ResampledReturns(sharpe, total, drawdown)


def mean_interval(
    values: ArrayLike,
    generator: np.random.Generator,
    *,
    runs: int = RUNS_DEFAULT,
    level: float = INTERVAL_LEVEL,
) -> Interval:
    """Interval of a mean by drawing single observations with replacement (Efron 1979)."""
    sample = checked_floats(values, "values")
    _enough(sample.size, "deals")
    means = [
        sample[generator.integers(0, sample.size, size=(rows, sample.size), dtype=np.int32)].mean(
            axis=1
        )
        for rows in _chunks(runs, sample.size)
    ]
    return percentile_interval(np.concatenate(means), level)


def share_interval(
    hits: int,
    count: int,
    generator: np.random.Generator,
    *,
    runs: int = RUNS_DEFAULT,
    level: float = INTERVAL_LEVEL,
) -> Interval:
    """Interval of a share such as a win rate.

    Drawing yes-or-no observations with replacement is drawing from the binomial distribution, so
    that is drawn at once.
    """
    _enough(count, "deals")
    if not 0 <= hits <= count:
        raise ValueError(f"expected hits between 0 and {count}, was {hits}")
    checked_count(runs, "runs")
    return percentile_interval(generator.binomial(count, hits / count, runs) / count, level)


def _enough(count: int, name: str) -> None:
    if count < SAMPLES_MIN:
        raise UndefinedFigure(f"needs at least {SAMPLES_MIN} {name}, was {count}")


def _chunks(runs: int, count: int) -> Iterator[int]:
    left = checked_count(runs, "runs")
    size = max(1, CHUNK_NUMBERS // count)
    while left > 0:
        yield min(size, left)
        left -= size


def _row_sharpes(sample: Floats) -> Floats:
    """Sharpe ratio of each row; 0 for a row that never varies: such a draw shows nothing."""
    spread = sample.std(axis=1, ddof=1)
    noise = np.maximum(RETURN_ROUNDING, ROUNDING_SHARE * np.abs(sample).max(axis=1))
    is_flat = spread <= noise
    return np.where(is_flat, 0.0, sample.mean(axis=1) / np.where(is_flat, 1.0, spread))
