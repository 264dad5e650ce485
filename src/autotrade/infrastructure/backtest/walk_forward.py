"""Walk forward: choose on each training window, let the engine trade the days that follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.result import deal_results
from autotrade.infrastructure.backtest.runner import BacktestRun
from autotrade.infrastructure.backtest.settings import BacktestSettings
from autotrade.infrastructure.backtest.sweep import Sweep, Trial
from autotrade.infrastructure.backtest.sweep_space import ParameterSet
from autotrade.infrastructure.statistics import (
    Statistics,
    WalkForwardWindow,
    summarise,
    verdict,
    walk_forward_efficiency,
    walk_forward_windows,
)
from autotrade.infrastructure.statistics.returns import period_returns

Tell = Callable[[str], None]


class KernelDiffers(Exception):
    """The kernel's best set is not the engine's; the text is the first difference."""


@dataclass(slots=True)
class WindowResult:
    """One window: what was chosen in it, and what that did in and out of sample."""

    window: WalkForwardWindow
    chosen: ParameterSet
    tried: int
    train: Trial
    test: Trial
    run: BacktestRun


@dataclass(slots=True)
class WalkForward:
    """All windows, and the tests one behind the other as one account."""

    windows: list[WindowResult]
    statistics: Statistics
    report: dict[str, Any]


def _until(market: PairMarket, end_ts: int) -> PairMarket:
    """The market up to a moment, as if nothing came after it."""
    return PairMarket(market.series.slice(None, end_ts), market.model)


class WalkForwardRun:
    """Sets over one pair's candles. Every window sees all candles before it as warm-up, and none
    behind its end."""

    def __init__(
        self,
        market: PairMarket,
        assumptions: BacktestSettings,
        start_ts: int,
        tell: Tell = lambda text: None,
    ) -> None:
        self._market, self._assumptions = market, assumptions
        self._start_ts, self._tell = start_ts, tell
        self._length = TIMEFRAME_MS[market.series.timeframe]

    def run(
        self, sets: Sequence[ParameterSet], train_days: int, test_days: int, seed: int = 0
    ) -> WalkForward:
        """Raises ValueError, in one sentence, when not one window fits."""
        end_ts = int(self._market.series.open_ts[-1]) + self._length
        windows = walk_forward_windows(self._start_ts, end_ts, train_days, test_days)
        found = []
        for number, window in enumerate(windows):
            self._tell(f"window {number + 1} of {len(windows)}")
            found.append(self._window(window, sets, seed))
        return self._chained(found, seed)

    def _window(
        self, window: WalkForwardWindow, sets: Sequence[ParameterSet], seed: int
    ) -> WindowResult:
        training = Sweep(
            [_until(self._market, window.train_end_ts)], self._assumptions, window.train_start_ts
        )
        if len(sets) == 1:
            _, plan, done = training.engine(sets[0])
            train = training.trial_of(sets[0], plan, done)
        else:
            swept = training.run(sets, checks=1, seed=seed)
            if swept.difference is not None:
                raise KernelDiffers(swept.difference)
            train = swept.best
        testing = Sweep(
            [_until(self._market, window.test_end_ts)], self._assumptions, window.test_start_ts
        )
        _, plan, run = testing.engine(train.tried)
        test = testing.trial_of(train.tried, plan, run)
        return WindowResult(window, train.tried, len(sets), train, test, run)

    # --- the chain ------------------------------------------------------------------------------

    def _chained(self, found: list[WindowResult], seed: int) -> WalkForward:
        """Each test starts with the stated balance; the chain multiplies their daily returns."""
        balance = float(self._assumptions.balance)
        returns = np.concatenate([period_returns(one.test.daily) for one in found])
        worth = balance * np.concatenate(([1.0], np.cumprod(1.0 + returns)))
        start, end = found[0].window.test_start_ts, found[-1].window.test_end_ts
        times = np.linspace(start, end, len(worth)).astype(np.int64)
        series = self._market.series
        known = (series.open_ts + self._length).searchsorted(times, side="right") - 1
        deals = [deal for one in found for deal in deal_results(one.run)]
        prices = series.close[np.maximum(known, 0)]
        statistics = summarise(deals, times, worth, times, prices, seed=seed)
        efficiency = walk_forward_efficiency(
            [one.window for one in found],
            [one.train.profit for one in found],
            [one.test.profit for one in found],
        )
        report = {
            "windows": [_window_facts(one) for one in found],
            "sets": found[0].tried,
            "in_sample": _side(found, [one.train for one in found]),
            "out_of_sample": _side(found, [one.test for one in found]),
            "efficiency": efficiency.as_dict(),
            "statistics": statistics.as_dict(),
            "verdict": verdict(statistics).as_dict(),
        }
        return WalkForward(found, statistics, report)


def _side(found: Sequence[WindowResult], trials: Sequence[Trial]) -> dict[str, Any]:
    return {
        "profit": round(sum(trial.profit for trial in trials), 8),
        "pnl_net": sum((trial.net for trial in trials), Decimal(0)),
        "deals": sum(trial.deals for trial in trials),
        "fees": sum((trial.fees for trial in trials), Decimal(0)),
        "max_drawdown": max(trial.max_drawdown for trial in trials),
        "windows_with_profit": sum(trial.profit > 0 for trial in trials),
        "windows": len(found),
    }


def _window_facts(one: WindowResult) -> dict[str, Any]:
    return {
        "train_from_ms": one.window.train_start_ts,
        "train_to_ms": one.window.train_end_ts,
        "test_to_ms": one.window.test_end_ts,
        "chosen": dict(one.chosen.values),
        "train_profit": round(one.train.profit, 8),
        "train_deals": one.train.deals,
        "test_profit": round(one.test.profit, 8),
        "test_pnl_net": one.test.net,
        "test_deals": one.test.deals,
        "test_max_drawdown": one.test.max_drawdown,
    }
