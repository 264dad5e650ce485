"""`walkforward`: choose on the past, trade the next days, again and again, and judge that."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from autotrade.config.errors import ConfigurationError
from autotrade.infrastructure.reports.figures import moment
from autotrade.infrastructure.terminal.commands.sweep import difference_text, prepare
from autotrade.infrastructure.terminal.output import write_json, write_progress, write_result
from autotrade.infrastructure.terminal.tables import show_table


def run(arguments: argparse.Namespace) -> int:
    from autotrade.infrastructure.backtest.walk_forward import KernelDiffers

    try:
        result = run_walk_forward(arguments)
    except KernelDiffers as difference:
        write_progress(difference_text(str(difference)))
        return 1
    if arguments.json:
        write_json(result)
    else:
        _show(result)
    return 0


def run_walk_forward(arguments: argparse.Namespace) -> dict[str, Any]:
    from autotrade.infrastructure.backtest.walk_forward import WalkForwardRun

    if arguments.trials is not None and not arguments.grid:
        raise ConfigurationError("expected --grid with --trials, was none; name what to draw from")
    prepared = prepare(arguments)
    if len(prepared.markets) > 1:
        raise ConfigurationError(
            f"expected one pair to walk forward, was {len(prepared.markets)}; run them one by one"
        )
    market, data = prepared.markets[0], prepared.data
    walk = WalkForwardRun(market, prepared.assumptions, data.start_ts, write_progress)
    try:
        done = walk.run(prepared.sets, arguments.train, arguments.test, arguments.draw_seed)
    except ValueError as error:
        raise ConfigurationError(f"{error}; take a longer range or shorter windows") from None
    return {
        "pair": market.symbol,
        "timeframe": market.series.timeframe,
        "is_modelled": data.is_modelled,
        "train_days": arguments.train,
        "test_days": arguments.test,
        "axes": {axis.path: list(axis.values) for axis in prepared.axes},
        **done.report,
        "warnings": data.warnings,
        "chosen": dict(arguments.chosen),
    }


def _show(result: Mapping[str, Any]) -> None:
    rows = [
        (
            moment(window["train_to_ms"]),
            moment(window["test_to_ms"]),
            ", ".join(f"{name}={value}" for name, value in window["chosen"].items()) or "as it is",
            f"{window['train_profit']:,.2f}",
            str(window["train_deals"]),
            f"{window['test_profit']:,.2f}",
            str(window["test_deals"]),
            f"{100 * window['test_max_drawdown']:.2f} %",
        )
        for window in result["windows"]
    ]
    show_table(
        f"{result['pair']}: {result['train_days']} days to choose, {result['test_days']} to trade",
        ["test from", "to", "chosen", "trained>", "deals>", "tested>", "deals>", "drawdown>"],
        rows,
        "no windows",
    )
    inside, outside = result["in_sample"], result["out_of_sample"]
    efficiency = result["efficiency"]
    write_result(
        f"In sample {inside['profit']:,.2f} over {inside['deals']} deals, out of sample "
        f"{outside['profit']:,.2f} over {outside['deals']}; {outside['windows_with_profit']} of "
        f"{outside['windows']} tests with a profit."
    )
    if efficiency["efficiency"] is None:
        write_result(f"No efficiency: {efficiency['reason']}.")
    else:
        write_result(f"Efficiency: {100 * efficiency['efficiency']:.0f} % of the promise was kept.")
    if result["is_modelled"]:
        write_result("These candles are modelled: nothing of them was ever recorded.")
    for sentence in result["verdict"]["sentences"]:
        write_result(sentence)
