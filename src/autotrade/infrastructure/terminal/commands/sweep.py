"""`sweep`: many parameter sets over the same candles, checked against the engine and judged."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autotrade.config.errors import ConfigurationError
from autotrade.infrastructure.backtest.archive import FOLDER_NAME, JOURNAL_NAME, Archive
from autotrade.infrastructure.terminal.commands.backtest import (
    _json,
    _plain_json,
    _require_one_quote,
    _settings,
)
from autotrade.infrastructure.terminal.commands.candles import FOLDER_NAME as CANDLES_FOLDER
from autotrade.infrastructure.terminal.output import write_json, write_progress, write_result
from autotrade.infrastructure.terminal.tables import show_table

if TYPE_CHECKING:
    from autotrade.config.settings import Settings
    from autotrade.domain.settings import StrategySettings
    from autotrade.infrastructure.backtest.loading import LoadedData
    from autotrade.infrastructure.backtest.pair_market import PairMarket
    from autotrade.infrastructure.backtest.settings import BacktestSettings
    from autotrade.infrastructure.backtest.sweep import Sweep, SweepRun, Trial
    from autotrade.infrastructure.backtest.sweep_space import Axis, ParameterSet

TRIALS_LISTED_MAX = 2_000


@dataclass(slots=True)
class Prepared:
    """What a sweep and a walk forward start from."""

    settings: Settings
    assumptions: BacktestSettings
    axes: list[Axis]
    sets: list[ParameterSet]
    left_out: int
    data: LoadedData
    markets: list[PairMarket]


def run(arguments: argparse.Namespace) -> int:
    if not arguments.grid:
        raise ConfigurationError(
            "expected at least one --grid NAME=VALUES, was none; try "
            "--grid macd_fast=8..16, or run `python main.py backtest` for one set"
        )
    result, difference = run_sweep(arguments)
    if difference is not None:
        write_progress(difference_text(difference))
        return 1
    if arguments.json:
        write_json(result)
    else:
        _show(result, arguments.top)
    return 0


def difference_text(difference: str) -> str:
    return (
        f"the kernel is not the engine: {difference}; this is a fault of the program, its results "
        "are not shown"
    )


def prepare(arguments: argparse.Namespace) -> Prepared:
    """Settings, sets and candles with enough history for the slowest set."""
    from autotrade.infrastructure.backtest.book_model import BookModel
    from autotrade.infrastructure.backtest.loading import DataOrder, load
    from autotrade.infrastructure.backtest.pair_market import PairMarket
    from autotrade.infrastructure.backtest.sweep_space import axis_of, sets_of
    from autotrade.infrastructure.market_history import CandleStore

    settings, assumptions = _settings(arguments)
    domain, pairs = settings.to_domain(), settings.pairs()
    _require_one_quote([pair.symbol for pair in pairs])
    axes = [axis_of(name, values) for name, values in arguments.grid]
    if len({axis.path for axis in axes}) != len(axes):
        raise ConfigurationError("expected each --grid name once; put its values into one list")
    sets, left_out = sets_of(
        axes, domain, pairs[0], trials=arguments.trials, seed=arguments.draw_seed
    )
    if left_out:
        write_progress(f"{left_out} sets contradict themselves and are left out")
    order = DataOrder(
        tuple(pair.symbol for pair in pairs),
        domain.strategy.timeframe,
        arguments.from_ms,
        arguments.to_ms,
        arguments.exchange,
        arguments.seed,
    )
    store = CandleStore(settings.data_folder / CANDLES_FOLDER)
    data = load(store, order, _history(domain.strategy, sets), write_progress)
    if data.is_modelled:
        write_progress("these candles are modelled: nothing of them was ever recorded")
    for warning in data.warnings:
        write_progress(f"warning: {warning}")
    model = BookModel.of(assumptions)
    markets = [PairMarket(series, model) for series in data.series]
    return Prepared(settings, assumptions, axes, sets, left_out, data, markets)


def _history(strategy: StrategySettings, sets: Sequence[ParameterSet]) -> int:
    """Candles of warm-up that are enough for every set, so that all are tested on the same."""
    from autotrade.application.use_cases.run_realtime_trading import history_needed

    strategies = [one.combination.settings.strategy for one in sets]
    longest = {
        name: max(getattr(one, name) for one in strategies)
        for name in ("macd_slow", "macd_signal", "sma_slow", "min_candles")
    }
    return history_needed(replace(strategy, macd_fast=1, sma_fast=1, **longest))


def sweep_of(prepared: Prepared) -> Sweep:
    from autotrade.infrastructure.backtest.sweep import Sweep

    return Sweep(
        prepared.markets,
        prepared.assumptions,
        prepared.data.start_ts,
        write_progress,
        prepared.settings.pairs()[1:],
    )


def run_sweep(arguments: argparse.Namespace) -> tuple[dict[str, Any], str | None]:
    """(the best set's backtest with the sweep inside, the first difference to the engine)."""
    from autotrade.infrastructure.backtest.charts import charts_of
    from autotrade.infrastructure.backtest.journal_writer import JournalWriter
    from autotrade.infrastructure.backtest.result import Timing, Tries, result_of
    from autotrade.infrastructure.backtest.sweep import overfitting_of

    prepared = prepare(arguments)
    sweep, seed = sweep_of(prepared), arguments.draw_seed
    done = sweep.run(prepared.sets, checks=arguments.verify, seed=seed)
    if done.difference is not None:
        return {}, done.difference
    best = done.best
    overfitting, reason = overfitting_of(done.trials)
    archive = Archive(prepared.settings.data_folder / FOLDER_NAME)
    writing = archive.begin()
    started = time.perf_counter()
    backtest, plan, run_result = sweep.engine(best.tried, JournalWriter(writing / JOURNAL_NAME))
    timing = Timing(time.perf_counter() - started)
    chosen = {**dict(arguments.chosen), **{k: str(v) for k, v in best.tried.values.items()}}
    result = result_of(
        backtest, plan, run_result, prepared.data, timing, chosen=chosen, seed=seed,
        tries=Tries(
            len(done.trials),
            [trial.sharpe for trial in done.trials],
            None if overfitting is None else overfitting.probability,
        ),
    )  # fmt: skip
    result["sweep"] = _facts(prepared, done) | {
        "overfitting": None if overfitting is None else overfitting.as_dict(),
        "overfitting_undefined": reason,
    }
    archive.keep(writing, result, _json(result), _plain_json(charts_of(plan, run_result)))
    return result, None


def _facts(prepared: Prepared, done: SweepRun) -> dict[str, Any]:
    from autotrade.infrastructure.backtest.sweep import heat_map

    left = done.left_to_engine()
    by_kernel = len(done.trials) - sum(left.values())
    ranked = sorted(done.trials, key=lambda trial: (-trial.profit, -trial.net))
    seconds = done.kernel_seconds
    return {
        "axes": {axis.path: list(axis.values) for axis in prepared.axes},
        "trials": len(done.trials),
        "left_out": prepared.left_out,
        "by_kernel": by_kernel,
        "by_engine": left,
        "checked_against_engine": done.checked,
        "kernel_seconds": round(seconds, 6),
        "engine_seconds": round(done.engine_seconds, 6),
        "combination_candles_per_second": (
            round(len(done.trials) * done.candles / seconds) if seconds and by_kernel else None
        ),
        "best": [trial_facts(trial) for trial in ranked[:TRIALS_LISTED_MAX]],
        "heat_map": heat_map(prepared.axes, done.trials),
    }


def trial_facts(trial: Trial) -> dict[str, Any]:
    return {
        "values": dict(trial.tried.values),
        "profit": round(trial.profit, 8),
        "pnl_net": trial.net,
        "deals": trial.deals,
        "fees": trial.fees,
        "max_drawdown": trial.max_drawdown,
        "sharpe": trial.sharpe,
    }


def _show(result: Mapping[str, Any], top: int) -> None:
    sweep = result["sweep"]
    names = list(sweep["axes"])
    rows = [
        (
            *[str(trial["values"][name]) for name in names],
            f"{trial['profit']:,.2f}",
            f"{float(trial['pnl_net']):,.2f}",
            str(trial["deals"]),
            f"{100 * trial['max_drawdown']:.2f} %",
            f"{float(trial['fees']):,.2f}",
        )
        for trial in sweep["best"][:top]
    ]
    columns = [f"{name}>" for name in names]
    show_table(
        f"The best of {sweep['trials']} sets on {', '.join(result['pairs'])}",
        [*columns, "profit>", "net of closed>", "deals>", "max drawdown>", "fees>"],
        rows,
        "no sets",
    )
    write_result(_checked_text(sweep))
    overfitting = sweep["overfitting"]
    if overfitting is not None:
        write_result(f"Probability of backtest overfitting: {overfitting['probability']:.3f}.")
    else:
        write_result(f"No probability of overfitting: {sweep['overfitting_undefined']}.")
    if result["is_modelled"]:
        write_result("These candles are modelled: nothing of them was ever recorded.")
    for sentence in result["verdict"]["sentences"]:
        write_result(sentence)
    write_result(f"The best one's backtest is stored as {result['id']}.")


def _checked_text(sweep: Mapping[str, Any]) -> str:
    by_engine = sum(sweep["by_engine"].values())
    parts = []
    if sweep["by_kernel"]:
        parts.append(
            f"{sweep['by_kernel']} by the kernel in {sweep['kernel_seconds']:.2f} s "
            f"({sweep['combination_candles_per_second'] / 1e6:,.0f} M combination-candles/s), "
            f"{sweep['checked_against_engine']} of them checked against the engine: equal to the "
            "last unit"
        )
    if by_engine:
        parts.append(f"{by_engine} by the engine in {sweep['engine_seconds']:.1f} s")
    return f"{sweep['trials']} sets: {'; '.join(parts)}."
