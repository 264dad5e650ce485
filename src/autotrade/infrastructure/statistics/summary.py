"""All figures of one run in one value: what `backtest --json` prints and every report shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from autotrade.infrastructure.statistics import bootstrap, deals, returns, track_record
from autotrade.infrastructure.statistics.bootstrap import Interval
from autotrade.infrastructure.statistics.checks import (
    DAY_MS,
    YEAR_MS,
    Floats,
    Integers,
    UndefinedFigure,
    checked_count,
    checked_equity,
    checked_floats,
    checked_timestamps,
)
from autotrade.infrastructure.statistics.drawdown import Drawdown, max_drawdown

ANNUAL_DAYS_MIN = 30
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures of a run; None where one has no value, the reason then in `undefined` by its name.

    Rates and returns are shares (0.01 is 1 %), ratios annualised, times milliseconds, amounts in
    the quote currency (exact sums as Decimal). Ratios are made of returns a day apart unless told
    otherwise (`periods` of them); drawdowns of every point of the curve. An interval is at 95 %.
    """

    start_ts: int
    end_ts: int
    periods: int
    periods_per_year: float | None
    trials: int
    start_equity: float
    end_equity: float
    deals: int
    deals_by_exit: Mapping[str, int]
    net_profit: Decimal
    gross_profit: Decimal
    fees_paid: Decimal
    turnover: Decimal
    total_return: float
    annual_return: float | None = None
    buy_and_hold_return: float | None = None
    exposure: float | None = None
    max_drawdown: float | None = None
    max_drawdown_ms: int | None = None
    max_drawdown_recovered: bool | None = None
    longest_drawdown_ms: int | None = None
    volatility: float | None = None
    sharpe: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    skewness: float | None = None
    kurtosis: float | None = None
    profit_factor: float | None = None
    expectancy: float | None = None
    win_rate: float | None = None
    average_win: float | None = None
    average_loss: float | None = None
    best_deal: float | None = None
    worst_deal: float | None = None
    average_deal_return: float | None = None
    best_deal_return: float | None = None
    worst_deal_return: float | None = None
    average_deal_ms: float | None = None
    median_deal_ms: float | None = None
    sqn: float | None = None
    sqn_100: float | None = None
    fee_rate_paid: float | None = None
    break_even_fee_rate: float | None = None
    sharpe_interval: Interval | None = None
    total_return_interval: Interval | None = None
    max_drawdown_interval: Interval | None = None
    expectancy_interval: Interval | None = None
    win_rate_interval: Interval | None = None
    probabilistic_sharpe: float | None = None
    expected_max_sharpe: float | None = None
    deflated_sharpe: float | None = None
    minimum_track_record_days: float | None = None
    undefined: Mapping[str, str] = field(default_factory=dict)

    @property
    def days(self) -> float:
        return (self.end_ts - self.start_ts) / DAY_MS

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: amounts as strings, intervals as objects, missing figures as null."""
        plain = {item.name: _plain(getattr(self, item.name)) for item in fields(self)}
        return {"days": self.days, **plain}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Interval):
        return value.as_dict()
    return dict(value) if isinstance(value, Mapping) else value


class _Figures:
    """Collects figures by name, and the reasons of those that have no value."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.undefined: dict[str, str] = {}

    def add(self, name: str, compute: Callable[[], Any]) -> None:
        try:
            self.values[name] = compute()
        except UndefinedFigure as reason:
            self.undefined[name] = str(reason)

    def need(self, name: str) -> Any:
        """A figure another one is made of; that one then has the same reason to be missing."""
        if name in self.undefined:
            raise UndefinedFigure(self.undefined[name])
        return self.values[name]


def summarise(
    deal_results: Sequence[deals.DealResult],
    equity_ts: ArrayLike,
    equity: ArrayLike,
    prices_ts: ArrayLike,
    prices: ArrayLike,
    *,
    trials: int = 1,
    seed: int = 0,
    trial_sharpes: ArrayLike | None = None,
    periods_per_year: float | None = None,
    bootstrap_runs: int = bootstrap.RUNS_DEFAULT,
    open_since: Sequence[int] = (),
) -> Statistics:
    """Every figure of a run from its closed deals, its equity curve and the market's prices.

    The curve starts with the capital before the first deal and values what is held. `trials`
    counts every parameter set tried before this one was shown; `trial_sharpes` are their annual
    Sharpe ratios if known. `periods_per_year` takes the curve's own points as periods instead of
    days. `open_since` are the opening times of deals that are not closed: they count as exposure.
    Same input and seed, same figures. ValueError for input nobody should compute with.
    """
    checked_count(trials, "trials")
    curve = checked_equity(equity)
    times = checked_timestamps(equity_ts, "equity_ts", curve.size)
    table = deals.deal_table(deal_results)
    sampled = curve if periods_per_year is not None else returns.daily_samples(times, curve)[1]
    steps = returns.period_returns(sampled)
    span_ms = int(times[-1] - times[0])
    if periods_per_year is None and span_ms:
        periods_per_year = steps.size * YEAR_MS / span_ms or None
    figures = _Figures()
    _add_curve(figures, times, curve, span_ms)
    start, end = int(times[0]), int(times[-1])
    figures.add(
        "buy_and_hold_return",
        lambda: returns.buy_and_hold_return(prices_ts, prices, start, end),
    )
    figures.add("exposure", lambda: deals.exposure(table, start, end, open_since))
    _add_ratios(figures, steps, periods_per_year)
    _add_deals(figures, table)
    _add_return_intervals(figures, steps, periods_per_year, seed, bootstrap_runs)
    _add_deal_intervals(figures, table, seed, bootstrap_runs)
    _add_luck(figures, steps, periods_per_year, trials, trial_sharpes)
    return Statistics(
        start_ts=start,
        end_ts=end,
        periods=int(steps.size),
        periods_per_year=periods_per_year,
        trials=trials,
        start_equity=float(curve[0]),
        end_equity=float(curve[-1]),
        deals=table.count,
        deals_by_exit=_counted(deal.exit_reason for deal in deal_results),
        net_profit=table.net_profit,
        gross_profit=table.gross_profit,
        fees_paid=table.fees_paid,
        turnover=table.turnover,
        undefined=figures.undefined,
        **figures.values,
    )


def _counted(names: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def _add_curve(figures: _Figures, times: Integers, curve: Floats, span_ms: int) -> None:
    figures.add("total_return", lambda: returns.total_return(curve))

    def annual() -> float:
        if span_ms < ANNUAL_DAYS_MIN * DAY_MS:
            raise UndefinedFigure(
                f"a yearly figure of {span_ms / DAY_MS:.1f} days would only mislead; "
                f"needs {ANNUAL_DAYS_MIN}"
            )
        return returns.annual_return(figures.need("total_return"), span_ms)

    figures.add("annual_return", annual)
    fall: Drawdown = max_drawdown(times, curve)
    figures.values |= {
        "max_drawdown": fall.depth,
        "max_drawdown_ms": fall.length_ms,
        "max_drawdown_recovered": fall.is_recovered,
        "longest_drawdown_ms": fall.longest_ms,
    }
    figures.add(
        "calmar",
        lambda: returns.calmar_ratio(figures.need("annual_return"), fall.depth),
    )


def _add_ratios(figures: _Figures, steps: Floats, periods_per_year: float | None) -> None:
    yearly = periods_per_year or 1.0  # without periods there are no returns to make ratios of
    figures.add("volatility", lambda: returns.volatility(steps, yearly))
    figures.add("sharpe", lambda: returns.sharpe_ratio(steps, yearly))
    figures.add("sortino", lambda: returns.sortino_ratio(steps, yearly))
    figures.add("skewness", lambda: returns.skewness(steps))
    figures.add("kurtosis", lambda: returns.kurtosis(steps))


def _add_deals(figures: _Figures, table: deals.DealTable) -> None:
    figures.add("profit_factor", lambda: deals.profit_factor(table.pnl))
    figures.add("expectancy", lambda: deals.expectancy(table.pnl))
    figures.add("win_rate", lambda: deals.win_rate(table.pnl))
    figures.add("average_win", lambda: deals.average_win(table.pnl))
    figures.add("average_loss", lambda: deals.average_loss(table.pnl))
    figures.add("sqn", lambda: deals.system_quality_number(table.returns))
    figures.add("sqn_100", lambda: deals.system_quality_number(table.returns, 100))
    figures.add("fee_rate_paid", lambda: deals.fee_rate_paid(table))
    figures.add("break_even_fee_rate", lambda: deals.break_even_fee_rate(table))
    times = (table.closed_ts - table.opened_ts).astype(np.float64)
    for name, values, pick in (
        ("best_deal", table.pnl, np.max),
        ("worst_deal", table.pnl, np.min),
        ("average_deal_return", table.returns, np.mean),
        ("best_deal_return", table.returns, np.max),
        ("worst_deal_return", table.returns, np.min),
        ("average_deal_ms", times, np.mean),
        ("median_deal_ms", times, np.median),
    ):
        if table.count:
            figures.values[name] = float(pick(values))
        else:
            figures.undefined[name] = "there are no deals"


def _add_return_intervals(
    figures: _Figures, steps: Floats, periods_per_year: float | None, seed: int, runs: int
) -> None:
    names = ("sharpe_interval", "total_return_interval", "max_drawdown_interval")
    try:
        figures.need("sharpe")
        again = bootstrap.resample_returns(steps, np.random.default_rng([seed, 0]), runs=runs)
    except UndefinedFigure as reason:
        figures.undefined |= dict.fromkeys(names, str(reason))
        return
    yearly = math.sqrt(periods_per_year or 1.0)
    samples = (again.sharpe_per_period * yearly, again.total_return, again.max_drawdown)
    for name, values in zip(names, samples, strict=True):
        figures.values[name] = bootstrap.percentile_interval(values)


def _add_deal_intervals(figures: _Figures, table: deals.DealTable, seed: int, runs: int) -> None:
    figures.add(
        "expectancy_interval",
        lambda: bootstrap.mean_interval(table.pnl, np.random.default_rng([seed, 1]), runs=runs),
    )
    figures.add(
        "win_rate_interval",
        lambda: bootstrap.share_interval(
            int(np.count_nonzero(table.pnl > 0)),
            table.count,
            np.random.default_rng([seed, 2]),
            runs=runs,
        ),
    )


def _add_luck(
    figures: _Figures,
    steps: Floats,
    periods_per_year: float | None,
    trials: int,
    trial_sharpes: ArrayLike | None,
) -> None:
    """Probabilistic and deflated Sharpe ratio and track record, from figures per period."""
    yearly = periods_per_year or 1.0
    variance: float | None = None
    if trial_sharpes is not None:
        known = checked_floats(trial_sharpes, "trial_sharpes")
        if known.size > trials:
            raise ValueError(
                f"expected at most {trials} trial_sharpes for {trials} trials, was {known.size}; "
                "count every trial"
            )
        variance = float(np.var(known, ddof=1)) / yearly if known.size > 1 else None

    def moments() -> tuple[float, float, float]:
        figures.need("sharpe")
        return returns.sharpe_ratio(steps), figures.need("skewness"), figures.need("kurtosis")

    def probabilistic() -> float:
        sharpe, skew, kurt = moments()
        return track_record.probabilistic_sharpe_ratio(sharpe, steps.size, skew, kurt)

    def deflated() -> float:
        sharpe, skew, kurt = moments()
        return track_record.deflated_sharpe_ratio(
            sharpe, steps.size, skew, kurt, trials=trials, trial_variance=variance
        )

    def best_of_luck() -> float:
        moments()
        spread = 1.0 / (steps.size - 1) if variance is None else variance
        return track_record.expected_max_sharpe(trials, spread) * math.sqrt(yearly)

    def record() -> float:
        needed: float = track_record.minimum_track_record_length(*moments(), 0.0, CONFIDENCE)
        return needed * YEAR_MS / DAY_MS / yearly

    figures.add("probabilistic_sharpe", probabilistic)
    figures.add("expected_max_sharpe", best_of_luck)
    figures.add("deflated_sharpe", deflated)
    figures.add("minimum_track_record_days", record)
