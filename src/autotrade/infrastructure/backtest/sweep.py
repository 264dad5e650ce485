"""A sweep: every parameter set by the compiled kernel, what it leaves by the engine, the best and a
sample checked against the engine, and how likely the best is only lucky."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.infrastructure.backtest.equity import equity_curve
from autotrade.infrastructure.backtest.journal_writer import JournalWriter
from autotrade.infrastructure.backtest.kernel import Kernel
from autotrade.infrastructure.backtest.kernel_check import engine_run, first_difference
from autotrade.infrastructure.backtest.kernel_rules import fresh_pair, uncovered
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.runner import Backtest, BacktestPlan, BacktestRun
from autotrade.infrastructure.backtest.settings import BacktestSettings
from autotrade.infrastructure.backtest.sweep_space import Axis, ParameterSet
from autotrade.infrastructure.statistics import (
    Overfitting,
    UndefinedFigure,
    probability_of_backtest_overfitting,
)
from autotrade.infrastructure.statistics.drawdown import max_drawdown
from autotrade.infrastructure.statistics.returns import (
    daily_samples,
    period_returns,
    sharpe_ratio,
)

SPLITS = (16, 14, 12, 10, 8, 6)
"""Blocks of the cross-validation; the most that the days allow."""
BATCH = 64
YEAR_DAYS = 365.0
Tell = Callable[[str], None]


@dataclass(slots=True)
class Trial:
    """One parameter set and what it came to; money in quote currency."""

    tried: ParameterSet
    deals: int
    net: Decimal
    """Of closed deals, after fees."""
    fees: Decimal
    profit: float
    """The account's worth at the end less its start: what is still held is in it."""
    max_drawdown: float
    daily: NDArray[np.float64]
    engine_because: str | None = None
    """Why the engine ran it; None when the kernel did."""

    @property
    def sharpe(self) -> float:
        """Annual, of daily returns; 0 where nothing ever moved."""
        try:
            return sharpe_ratio(period_returns(self.daily), YEAR_DAYS)
        except UndefinedFigure:
            return 0.0


@dataclass(slots=True)
class SweepRun:
    trials: list[Trial] = field(default_factory=list)
    """In the order of the sets."""
    kernel_seconds: float = 0.0
    engine_seconds: float = 0.0
    candles: int = 0
    checked: int = 0
    """Sets of the kernel that were run by the engine as well, the best among them."""
    difference: str | None = None
    """The first one found; None when all were equal."""

    @property
    def best(self) -> Trial:
        return max(self.trials, key=lambda trial: (trial.profit, trial.net))

    def left_to_engine(self) -> dict[str, int]:
        return dict(Counter(one.engine_because for one in self.trials if one.engine_because))


class Sweep:
    """Sets over one pair's candles, or several pairs' (then by the engine alone)."""

    def __init__(
        self,
        markets: Sequence[PairMarket],
        assumptions: BacktestSettings,
        start_ts: int,
        tell: Tell = lambda text: None,
        others: Sequence[Any] = (),
    ) -> None:
        """`others` are the pairs beside the one that is swept."""
        self._markets, self._assumptions = markets, assumptions
        self._start_ts, self._tell, self._others = start_ts, tell, others
        self.kernel = Kernel(markets[0], assumptions, start_ts)

    def run(self, sets: Sequence[ParameterSet], *, checks: int, seed: int = 0) -> SweepRun:
        """All sets; `checks` of them, the best always, are compared with the engine."""
        run = SweepRun(candles=self.kernel.candles)
        reason = self._why_engine(sets[0])
        if reason is not None:
            self._tell(f"{reason}: the engine runs all {len(sets)} sets, which is slower")
            run.trials = [self._by_engine(one, reason, run) for one in self._counted(sets)]
            return run
        self._by_kernel(sets, run)
        self._check(run, checks, seed)
        return run

    def _why_engine(self, one: ParameterSet) -> str | None:
        if len(self._markets) > 1:
            return "the kernel knows one pair alone"
        return uncovered(one.combination, self._assumptions)

    # --- the kernel -----------------------------------------------------------------------------

    def _by_kernel(self, sets: Sequence[ParameterSet], run: SweepRun) -> None:
        kernel, count = self.kernel, len(sets)
        self._tell("getting the compiled kernel ready (the first time it is compiled: a minute)")
        kernel.run([sets[0].combination])
        started = perf_counter()

        def tell(done: int) -> None:
            self._tell(f"{done} of {count} sets, {perf_counter() - started:.1f} s")

        results = kernel.run([one.combination for one in sets], tell=tell)
        run.kernel_seconds = perf_counter() - started
        left = [number for number, result in enumerate(results) if result.trouble is not None]
        for reason, number in Counter(results[place].trouble for place in left).items():
            self._tell(f"the engine runs {number} sets, slower, because {reason}")
        balance = float(self._assumptions.balance)
        for one, result in zip(sets, results, strict=True):
            if result.trouble is not None:
                run.trials.append(self._by_engine(one, result.trouble, run))
                continue
            run.trials.append(
                Trial(
                    tried=one,
                    deals=result.deals,
                    net=result.net,
                    fees=result.fees,
                    profit=result.end_equity - balance,
                    max_drawdown=result.max_drawdown,
                    daily=result.daily,
                )
            )

    def _check(self, run: SweepRun, checks: int, seed: int) -> None:
        """The best and a random sample of the others, kernel against engine."""
        able = [trial for trial in run.trials if trial.engine_because is None]
        if not able:
            return
        first = max(able, key=lambda trial: (trial.profit, trial.net))
        rest = [trial for trial in able if trial is not first]
        sample = random.Random(seed).sample(rest, min(max(0, checks - 1), len(rest)))
        for trial in (first, *sample):
            [again] = self.kernel.run([trial.tried.combination], keeps_deals=True)
            started = perf_counter()
            _, _, engine = engine_run(self.kernel, trial.tried.combination)
            run.engine_seconds += perf_counter() - started
            run.checked += 1
            difference = again.trouble or first_difference(self.kernel, again, engine)
            if difference is None and (again.net, again.deals) != (trial.net, trial.deals):
                difference = f"kernel {trial.net} in the sweep, {again.net} alone"
            if difference is not None:
                run.difference = f"{_named(trial.tried)}: {difference}"
                return
        self._tell(f"{run.checked} sets checked against the engine, the best among them: equal")

    # --- the engine -----------------------------------------------------------------------------

    def _counted(self, sets: Sequence[ParameterSet]) -> Any:
        for number, one in enumerate(sets):
            if number and number % 10 == 0:
                self._tell(f"{number} of {len(sets)} sets")
            yield one

    def plan_of(self, one: ParameterSet) -> BacktestPlan:
        return BacktestPlan(
            settings=one.combination.settings,
            assumptions=self._assumptions,
            pairs=[fresh_pair(one.combination.pair), *map(fresh_pair, self._others)],
            markets=self._markets,
            start_ts=self._start_ts,
        )

    def engine(
        self, one: ParameterSet, journal: JournalWriter | None = None
    ) -> tuple[Backtest, BacktestPlan, BacktestRun]:
        plan = self.plan_of(one)
        backtest = Backtest(plan, journal or JournalWriter())
        return backtest, plan, backtest.run()

    def _by_engine(self, one: ParameterSet, reason: str, run: SweepRun) -> Trial:
        started = perf_counter()
        _, plan, done = self.engine(one)
        run.engine_seconds += perf_counter() - started
        return self.trial_of(one, plan, done, reason)

    def trial_of(
        self, one: ParameterSet, plan: BacktestPlan, done: BacktestRun, reason: str | None = None
    ) -> Trial:
        balance = self._assumptions.balance
        times, worth = equity_curve(
            done.fills, self._markets, self._start_ts, done.end_ts, balance=balance,
            candle_ms=TIMEFRAME_MS[plan.settings.strategy.timeframe],
        )  # fmt: skip
        return Trial(
            tried=one,
            deals=len(done.deals),
            net=sum((deal.pnl_net for deal in done.deals), Decimal(0)),
            fees=sum((deal.fees for deal in done.deals), Decimal(0)),
            profit=float(worth[-1]) - float(balance),
            max_drawdown=max_drawdown(times, worth).depth,
            daily=daily_samples(times, worth)[1],
            engine_because=reason,
        )


def overfitting_of(trials: Sequence[Trial]) -> tuple[Overfitting | None, str | None]:
    """(the figure over every trial, or None and why it has no value)."""
    if len(trials) < 2:
        return None, "one set alone was not chosen from others"
    matrix = np.column_stack([period_returns(trial.daily) for trial in trials])
    splits = next((count for count in SPLITS if len(matrix) >= 2 * count), None)
    if splits is None:
        return None, f"needs at least {2 * SPLITS[-1]} days, was {len(matrix)}"
    return probability_of_backtest_overfitting(matrix, splits), None


def heat_map(axes: Sequence[Axis], trials: Sequence[Trial]) -> dict[str, Any] | None:
    """Mean net profit over the two parameters with the most values: `net[row of y][column of x]`,
    None where nothing was tried. None for a sweep of one parameter."""
    wide = sorted((axis for axis in axes if len(axis.values) > 1), key=lambda a: -len(a.values))
    if len(wide) < 2:
        return None
    x, y = wide[:2]
    sums: dict[tuple[Any, Any], list[float]] = {}
    for trial in trials:
        values = trial.tried.values
        sums.setdefault((values[y.path], values[x.path]), []).append(float(trial.net))
    return {
        "x": {"name": x.path, "values": list(x.values)},
        "y": {"name": y.path, "values": list(y.values)},
        "net": [
            [_mean(sums.get((row, column))) for column in x.values] for row in y.values
        ],
    }  # fmt: skip


def _mean(values: list[float] | None) -> float | None:
    return None if values is None else sum(values) / len(values)


def _named(one: ParameterSet) -> str:
    return ", ".join(f"{name}={value}" for name, value in one.values.items())
