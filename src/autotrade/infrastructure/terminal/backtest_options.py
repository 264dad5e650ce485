"""`backtest` and `backtests` on the command line: words and options. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from autotrade.infrastructure.terminal.candle_options import _moment, _pair
from autotrade.infrastructure.terminal.numbers import number

SEED_MAX = 999_999_999
PATHS_MAX = 10_000


def _assignment(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark or not name or not value:
        raise argparse.ArgumentTypeError(
            f'expected a setting and its value like strategy.macd_fast=10, was "{text}"'
        )
    return name, value


def add_data_options(parser: argparse.ArgumentParser, seed: str = "--seed") -> None:
    """Which candles, which settings: the same for everything that runs backtests. `seed` is the
    option of the modelled market's seed."""
    parser.add_argument(
        "--pair",
        type=_pair,
        action="append",
        metavar="PAIR",
        help="BTC/USDT; several times for several pairs on one account (the configured ones)",
    )
    parser.add_argument(
        "--from", dest="from_ms", type=_moment, metavar="TIME", help="UTC: 2024-01-01[T12:00]"
    )
    parser.add_argument(
        "--to", dest="to_ms", type=_moment, metavar="TIME", help="until before this"
    )
    parser.add_argument("--timeframe", metavar="T", help="candles: 1m ... 1d (strategy.timeframe)")
    parser.add_argument("--exchange", metavar="NAME", help="whose candles, when several are stored")
    parser.add_argument(
        "--set",
        dest="chosen",
        type=_assignment,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any setting of the domain, of currency_pair or of backtest, for this run",
    )
    parser.add_argument(
        seed,
        dest="seed",
        type=number(int, 0, SEED_MAX, "a whole number"),
        metavar="N",
        help="candles of the modelled market from this seed",
    )


def _backtest_options(parser: argparse.ArgumentParser) -> None:
    add_data_options(parser)
    parser.add_argument(
        "--no-skip",
        action="store_true",
        help="look at every point of every candle: slow, the same journal to the last byte",
    )
    parser.add_argument(
        "--monte-carlo",
        type=number(int, 1, PATHS_MAX, "a whole number"),
        metavar="N",
        help="run it too over N markets made of the same candles in other orders",
    )
    parser.add_argument(
        "--check-lookahead",
        action="store_true",
        help="cut the future off at several places; exit 1 if a decision before changes",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write the result as one HTML file that opens without a network",
    )


BACKTEST = (
    "backtest",
    "the live bot over stored candles: exact, fast, and frank about what it shows",
    "Runs the real engine with the real services against the exchange's own core on the candles'\n"
    "clock. Fees, spread, latency and partial fills are paid; a limit fills only when traded\n"
    "through; of a stop and a target in one candle the stop comes first. Without stored candles\n"
    "it makes modelled ones and says so. Result and journal are kept under DATA_DIR/backtests.",
    (
        ("backtest --pair BTC/USDT", "everything that is stored of the pair"),
        ("backtest --pair BTC/USDT --report report.html", "and a page with charts for the browser"),
        ("backtest --pair BTC/USDT --pair ETH/USDT --from 2024-01-01 --to 2024-07-01", "a range"),
        ("backtest --set strategy.macd_fast=10 --set backtest.spread_bp=5", "other settings"),
        ("backtest --check-lookahead --monte-carlo 50", "is it honest, and is it more than luck?"),
        ("backtest --pair BTC/USDT --json --no-skip", "for machines; every candle looked at"),
    ),
    _backtest_options,
    "backtest:run",
)


def _backtests_options(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--delete", metavar="ID", help="forget this one")
    what.add_argument("--all", action="store_true", help="forget all of them")
    what.add_argument("--compare", nargs=2, metavar="ID", help="two of them side by side")
    what.add_argument(
        "--report", nargs=2, metavar=("ID", "FILE"), help="this one as an HTML file, as it was kept"
    )


BACKTESTS = (
    "backtests",
    "backtests that were run: list, compare, show, delete",
    "Lists what is stored under DATA_DIR/backtests. An id may be shortened to its beginning.",
    (
        ("backtests", "all of them"),
        ("backtests --compare 3f2a 91bc", "two side by side"),
        ("backtests --report 3f2a report.html", "one as a page for the browser"),
        ("backtests --delete 3f2a", "forget one"),
    ),
    _backtests_options,
    "backtest:listed",
)
