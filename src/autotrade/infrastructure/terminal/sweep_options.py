"""`sweep` and `walkforward` on the command line: words and options. Imports nothing heavy."""

from __future__ import annotations

import argparse

from autotrade.infrastructure.terminal.backtest_options import (
    SEED_MAX,
    _assignment,
    add_data_options,
)
from autotrade.infrastructure.terminal.numbers import number

SETS_MAX, CHECKS_MAX, SHOWN_MAX = 200_000, 10_000, 1_000
DAYS_MAX = 3_660


def _days(text: str) -> int:
    return number(int, 1, DAYS_MAX, "whole days")(text.removesuffix("d"))


def _add_grid(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--grid",
        type=_assignment,
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="values of one parameter: 8,10,12 or 8..20 or 0.6..1.5:0.1; several times for several",
    )
    parser.add_argument(
        "--trials",
        type=number(int, 1, SETS_MAX, "a whole number"),
        metavar="N",
        help="try N sets of the grid, drawn by --seed, instead of all",
    )
    parser.add_argument(
        "--seed",
        dest="draw_seed",
        type=number(int, 0, SEED_MAX, "a whole number"),
        default=0,
        metavar="N",
        help="of the random draw, of the sample that is checked and of the statistics (0)",
    )


def _sweep_options(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser, "--market-seed")
    _add_grid(parser)
    parser.add_argument(
        "--verify",
        type=number(int, 1, CHECKS_MAX, "a whole number"),
        default=5,
        metavar="N",
        help="sets that the engine runs too, the best among them (5)",
    )
    parser.add_argument(
        "--top",
        type=number(int, 1, SHOWN_MAX, "a whole number"),
        default=10,
        metavar="N",
        help="sets to show (10)",
    )


SWEEP = (
    "sweep",
    "many parameter sets over the same candles, and how lucky the best one is",
    "Runs every set of a grid, or a random draw of it, through a compiled kernel whose deals are\n"
    "the engine's to the last unit; the best and a sample are run by the engine as well, and any\n"
    "difference is an error (exit 1). What the kernel does not know the engine runs, slower, and\n"
    "that is said. The best is judged by what it is: the best of many tries. Its backtest is kept\n"
    "under DATA_DIR/backtests with the sweep in its result.",
    (
        (
            "sweep --pair BTC/USDT --grid macd_fast=8..16 --grid profit_markup=0.9,1.2,1.5",
            "a grid of 27 sets",
        ),
        (
            "sweep --pair BTC/USDT --grid macd_fast=5..30 --grid macd_slow=20..90 --trials 200 "
            "--seed 7",
            "200 sets drawn from a larger one",
        ),
        ("sweep --pair ETH/USDT --grid profit_markup=0.8..3:0.2 --json", "for machines"),
    ),
    _sweep_options,
    "sweep:run",
)


def _walkforward_options(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser, "--market-seed")
    _add_grid(parser)
    parser.add_argument(
        "--train", type=_days, default=60, metavar="DAYS", help="days to choose on: 60d (60d)"
    )
    parser.add_argument(
        "--test", type=_days, default=20, metavar="DAYS", help="days to trade the choice (20d)"
    )


WALKFORWARD = (
    "walkforward",
    "choose on the past, trade the next days, again and again: what is left of the promise",
    "Cuts the candles into windows. On each training window the best set of --grid is chosen, on\n"
    "the days that follow the real engine trades it; no day is tested twice and none is known\n"
    "beforehand. The tests are chained and judged. Without --grid the settings as they are walk.",
    (
        ("walkforward --pair BTC/USDT", "the settings as they are, 60 days and 20 days"),
        (
            "walkforward --pair BTC/USDT --train 90d --test 30d --grid macd_fast=8..16 "
            "--grid profit_markup=0.9,1.5,2.1",
            "27 sets to choose from in each window",
        ),
    ),
    _walkforward_options,
    "walkforward:run",
)
