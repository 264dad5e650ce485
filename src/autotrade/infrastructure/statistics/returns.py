"""Returns of an equity curve and the ratios of gain to risk made of them.

All ratios are of excess return over a target per period (0 unless told otherwise: cash in a spot
account earns nothing) and are annualised by the square root of the periods in a year.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from autotrade.infrastructure.statistics.checks import (
    DAY_MS,
    RETURN_ROUNDING,
    YEAR_MS,
    Floats,
    Integers,
    UndefinedFigure,
    checked_equity,
    checked_floats,
    checked_prices,
    checked_timestamps,
    varies,
)


def period_returns(equity: ArrayLike) -> Floats:
    """Simple return of each step: -1 for a total loss, 0 ever after it."""
    curve = checked_equity(equity)
    before = curve[:-1]
    gone = before == 0
    return np.where(gone, 0.0, np.diff(curve) / np.where(gone, 1.0, before))


def daily_samples(ts: ArrayLike, equity: ArrayLike) -> tuple[Integers, Floats]:
    """The curve as known every 24 hours from its first point on, milliseconds and amounts.

    A day without a point keeps the last known amount. What is left at the end is a day of its own
    from half a day on, else it belongs to the last day, so no gain or loss is lost.
    """
    curve = checked_equity(equity)
    times = checked_timestamps(ts, "equity_ts", curve.size)
    start, end = int(times[0]), int(times[-1])
    days, rest = divmod(end - start, DAY_MS)
    grid = start + DAY_MS * np.arange(days + 1, dtype=np.int64)
    if rest * 2 >= DAY_MS:
        grid = np.append(grid, np.int64(end))
    elif days:
        grid[-1] = end
    return grid, curve[np.searchsorted(times, grid, side="right") - 1]


def total_return(equity: ArrayLike) -> float:
    """Last amount over the first, less 1."""
    curve = checked_equity(equity)
    return float(curve[-1] / curve[0] - 1.0)


def annual_return(total: float, span_ms: float) -> float:
    """Compound annual growth rate: (1 + total) ** (1 / years) - 1, a year being 365 days."""
    if span_ms <= 0:
        raise UndefinedFigure("the curve covers no time")
    if total < -1.0:
        raise ValueError(f"expected a total return of -1 or more, was {total}")
    try:
        return float((1.0 + total) ** (YEAR_MS / span_ms) - 1.0)
    except OverflowError:
        raise UndefinedFigure("the span is too short for a yearly figure") from None


def buy_and_hold_return(ts: ArrayLike, prices: ArrayLike, start_ts: int, end_ts: int) -> float:
    """Return of buying at the price known at `start_ts` and holding to `end_ts`, without fees.

    The first price after the start stands in when none is known yet, but only within a day:
    a comparison over another span would compare nothing.
    """
    values = checked_prices(prices, "prices")
    times = checked_timestamps(ts, "prices_ts", values.size)
    if not values.size:
        raise UndefinedFigure("there are no prices")
    if times[0] > start_ts + DAY_MS or times[-1] < end_ts - DAY_MS:
        raise UndefinedFigure("the prices do not cover the span of the equity curve")
    first = max(0, int(np.searchsorted(times, start_ts, side="right")) - 1)
    last = max(0, int(np.searchsorted(times, end_ts, side="right")) - 1)
    return float(values[last] / values[first] - 1.0)


def equal_weight_index(
    series: Sequence[tuple[ArrayLike, ArrayLike]],
) -> tuple[Integers, Floats]:
    """Several price series (timestamps, prices) as one: equal sums bought at the latest start.

    What buy-and-hold means for a run over several pairs; starts at 1.0.
    """
    if not series:
        raise ValueError("expected at least one price series, was none")
    checked = []
    for index, (ts, prices) in enumerate(series):
        values = checked_prices(prices, f"prices of series {index}")
        if not values.size:
            raise ValueError(f"expected prices in series {index}, was none")
        checked.append((checked_timestamps(ts, f"timestamps of {index}", values.size), values))
    grid = np.unique(np.concatenate([times for times, _ in checked]))
    grid = grid[grid >= max(int(times[0]) for times, _ in checked)]
    index_sum = np.zeros(grid.size)
    for times, values in checked:
        known = values[np.searchsorted(times, grid, side="right") - 1]
        index_sum += known / known[0]
    return grid, index_sum / len(checked)


def volatility(returns: ArrayLike, periods_per_year: float) -> float:
    """Annualised standard deviation of the returns (n - 1 in the denominator)."""
    values = checked_floats(returns, "returns")
    if values.size < 2:
        raise UndefinedFigure(f"needs at least 2 returns, was {values.size}")
    return float(np.std(values, ddof=1)) * math.sqrt(periods_per_year)


def sharpe_ratio(returns: ArrayLike, periods_per_year: float = 1.0, target: float = 0.0) -> float:
    """Sharpe ratio: mean of the returns over `target`, divided by their standard deviation.

    Source: W. F. Sharpe, "The Sharpe Ratio", Journal of Portfolio Management 21(1), 1994 (the
    ex-post ratio, n - 1 in the denominator). `target` is per period; times sqrt(periods_per_year).
    """
    values = checked_floats(returns, "returns") - target
    if values.size < 2:
        raise UndefinedFigure(f"needs at least 2 returns, was {values.size}")
    if not varies(values):
        raise UndefinedFigure("the returns do not vary")
    return float(np.mean(values) / np.std(values, ddof=1)) * math.sqrt(periods_per_year)


def sortino_ratio(returns: ArrayLike, periods_per_year: float = 1.0, target: float = 0.0) -> float:
    """Sortino ratio: mean of the returns over `target`, divided by the target downside deviation.

    The deviation is the root of the mean over *all* returns of the squared shortfalls below the
    target. Source: F. A. Sortino, L. N. Price, "Performance Measurement in a Downside Risk
    Framework", Journal of Investing 3(3), 1994; the computation as in T. N. Rollinger,
    S. T. Hoffman, "Sortino: A 'Sharper' Ratio", Red Rock Capital, 2013.
    """
    values = checked_floats(returns, "returns") - target
    if values.size < 2:
        raise UndefinedFigure(f"needs at least 2 returns, was {values.size}")
    downside = math.sqrt(float(np.mean(np.minimum(values, 0.0) ** 2)))
    if downside <= RETURN_ROUNDING:
        raise UndefinedFigure("no return is below the target")
    return float(np.mean(values)) / downside * math.sqrt(periods_per_year)


def calmar_ratio(annual: float, max_drawdown: float) -> float:
    """Annual return over the deepest drawdown (a positive share).

    Source: T. W. Young, "Calmar Ratio: A Smoother Tool", Futures magazine, October 1991 (there
    over 36 months; here over the whole span).
    """
    if max_drawdown <= RETURN_ROUNDING:
        raise UndefinedFigure("the equity curve never falls")
    return annual / max_drawdown


def skewness(returns: ArrayLike) -> float:
    """Third standardised moment, population form; 0 for a symmetric distribution."""
    return _standardised_moment(returns, 3)


def kurtosis(returns: ArrayLike) -> float:
    """Fourth standardised moment, population form, not in excess; 3 for a Normal distribution."""
    return _standardised_moment(returns, 4)


def _standardised_moment(returns: ArrayLike, order: int) -> float:
    values = checked_floats(returns, "returns")
    if values.size < 2:
        raise UndefinedFigure(f"needs at least 2 returns, was {values.size}")
    if not varies(values):
        raise UndefinedFigure("the returns do not vary")
    scaled = (values - np.mean(values)) / np.std(values)
    return float(np.mean(scaled**order))
