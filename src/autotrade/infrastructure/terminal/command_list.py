"""Every command: its words for the help, its options, its examples. Imports nothing heavy.

A command is a `Command`: words for the help, a function that adds its options, and the place of
the function that runs it, imported only when it runs.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autotrade.infrastructure.terminal.backtest_options import BACKTEST, BACKTESTS
from autotrade.infrastructure.terminal.candle_options import CANDLES
from autotrade.infrastructure.terminal.duration import parse_duration
from autotrade.infrastructure.terminal.numbers import number
from autotrade.infrastructure.terminal.replay_options import DRIFT, REPLAY
from autotrade.infrastructure.terminal.simulate_options import SIMULATE
from autotrade.infrastructure.terminal.strategy_options import STRATEGY
from autotrade.infrastructure.terminal.sweep_options import SWEEP, WALKFORWARD

_COMMANDS_FOLDER = "autotrade.infrastructure.terminal.commands"


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    summary: str
    description: str
    examples: tuple[tuple[str, str], ...]
    """(arguments after the program, what they do)."""
    add_options: Callable[[argparse.ArgumentParser], None]
    place: str
    """module:function inside the commands folder; takes the arguments, returns the exit code."""

    def load(self) -> Callable[[argparse.Namespace], int]:
        module, _, function = self.place.partition(":")
        return getattr(importlib.import_module(f"{_COMMANDS_FOLDER}.{module}"), function)


def _duration(text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _market(text: str) -> str:
    from autotrade.config.schema import is_market_source

    if not is_market_source(text):
        raise argparse.ArgumentTypeError(
            f'expected seed: and a whole number, like seed:7, was "{text}"'
        )
    return text


_count = number(int, 1, 1_000_000, "a whole number")
_speed = number(float, 0.001, 1000, "a number")


def _no_options(parser: argparse.ArgumentParser) -> None:
    pass


def _add_market_options(parser: argparse.ArgumentParser, speed: str) -> None:
    parser.add_argument(
        "--speed", type=_speed, metavar="N", help=f"market time per real time (default: {speed})"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--market", type=_market, metavar="seed:N", help="modelled market from this seed"
    )
    source.add_argument(
        "--recording",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="replay recorded files (raw depth capture or 1-minute candles) instead",
    )


def _trade_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--for",
        dest="duration_seconds",
        type=_duration,
        metavar="TIME",
        help="stop in order after this real time: 10m, 180s, 1h30m (default: until Ctrl+C)",
    )
    _add_market_options(parser, "60, or exchange.speed")
    parser.add_argument(
        "--recording-start",
        metavar="TIME",
        help="begin here in recorded candles, UTC: 2023-03-10 or 2023-03-10T13:30",
    )
    parser.add_argument(
        "--recording-minutes",
        type=_count,
        metavar="N",
        help="replay so many minutes of recorded candles (default: to their end)",
    )
    parser.add_argument(
        "--venue", choices=["embedded", "demo", "testnet", "binance"], help="which exchange"
    )
    parser.add_argument(
        "--mode", choices=["simulation", "live"], help="live sends orders to the venue"
    )
    parser.add_argument(
        "--attach",
        type=Path,
        metavar="FILE",
        help="use the running embedded exchange that wrote this announce file",
    )
    parser.add_argument(
        "--flatten-on-stop",
        action="store_true",
        help="when stopping, cancel entries and sell what is held",
    )


def _exchange_options(parser: argparse.ArgumentParser) -> None:
    from autotrade.infrastructure.simulated_exchange.process_options import add_arguments

    add_arguments(parser)


def _last_option(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument(
        "--last", type=_count, default=default, metavar="N", help=f"newest N only ({default})"
    )
    parser.add_argument("--symbol", metavar="PAIR", help="one pair only, like ETH/USDT")


def _deals_options(parser: argparse.ArgumentParser) -> None:
    _last_option(parser, 50)
    parser.add_argument("--open", action="store_true", help="open deals only")


def _orders_options(parser: argparse.ArgumentParser) -> None:
    _last_option(parser, 50)
    parser.add_argument("--open", action="store_true", help="orders that the exchange may hold")
    parser.add_argument("--deal", type=_count, metavar="ID", help="orders of one deal")


def _decisions_options(parser: argparse.ArgumentParser) -> None:
    _last_option(parser, 20)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--approved", action="store_true", help="approved ones only")
    which.add_argument("--refused", action="store_true", help="refused ones only")


def _why_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", help="a deal's number (7), or a decision (D12) of a refused signal"
    )


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--offline", action="store_true", help="configuration and disk only, no connection"
    )


def _journal_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=["verify", "show"],
        help="verify: the whole hash chain; show: the rows",
    )
    parser.add_argument(
        "--last", type=_count, default=50, metavar="N", help="show: newest N rows (50)"
    )
    parser.add_argument("--deal", type=_count, metavar="ID", help="show: rows of one deal")
    parser.add_argument(
        "--kind", choices=["event", "decision", "command"], help="show: rows of one kind"
    )


def _audit_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", metavar="DATA_DIR", help="data folder to check"
    )
    parser.add_argument(
        "--exchange-history",
        type=Path,
        metavar="FILE",
        help="the account's orders, trades and balances as JSON, or the data folder of an "
        "embedded exchange (default: the one inside DATA_DIR, if any)",
    )


def _backup_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="where the archive goes (default: backups/ in the data folder)",
    )


def _restore_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="what backup wrote")
    parser.add_argument(
        "--force", action="store_true", help="move files that are there aside first"
    )


COMMANDS: tuple[Command, ...] = (
    Command(
        "trade",
        "trade until Ctrl+C (the command when none is named)",
        "Trade the pairs of config.json. By default in simulation, against the exchange inside\n"
        "AutoTrade, which it starts itself; no order leaves this machine. Ctrl+C once stops in\n"
        "order: nothing new is opened, everything is written down, a summary is printed.\n"
        "Progress goes to stderr; with --json the summary is one JSON object on stdout.",
        (
            ("", "simulation on the modelled market, until Ctrl+C"),
            ("--for 3m", "the same for three minutes"),
            ("trade --for 180s --speed 120 --json", "faster, summary for a machine"),
            ("trade --venue binance", "Binance's live prices, orders simulated here, no keys"),
            ("trade --venue demo --mode live", "orders to Binance's demo, needs demo keys"),
        ),
        _trade_options,
        "trade:run",
    ),
    Command(
        "exchange",
        "run the embedded exchange alone, for any Binance client",
        "Serve the embedded exchange on 127.0.0.1: Binance's spot REST API, WebSocket API and\n"
        "streams, with a modelled or a recorded market. Nothing outside this machine can reach it.",
        (
            ("exchange", "ports 8090 (plain) and 8443 (TLS), real time"),
            ("exchange --port 9000 --speed 60 --market seed:7", "another port, faster"),
        ),
        _exchange_options,
        "exchange:run",
    ),
    Command(
        "status",
        "what the bot is doing: deals, orders, balances, last reasons",
        "Read the data folder and say where things stand. Works while the bot runs and when it\n"
        "does not; locks nothing.",
        (("status", "for people"), ("status --json", "for machines")),
        _no_options,
        "reports:status",
    ),
    Command(
        "deals",
        "list deals with their profit",
        "Deals of the data folder, newest last. Amounts in base, money in quote currency.",
        (("deals", "the newest 50"), ("deals --open --symbol ETH/USDT", "open ones of a pair")),
        _deals_options,
        "reports:deals",
    ),
    Command(
        "orders",
        "list orders",
        "Orders of the data folder, newest last, with what they filled.",
        (("orders --open", "what rests on the exchange"), ("orders --deal 7", "of one deal")),
        _orders_options,
        "reports:orders",
    ),
    Command(
        "decisions",
        "list decisions: approved and refused signals with the reason",
        "Every signal was answered; this lists the answers, newest last.",
        (("decisions --refused", "why it did not trade"), ("decisions --json", "every check")),
        _decisions_options,
        "reports:decisions",
    ),
    Command(
        "why",
        "tell a deal's or a decision's whole story",
        "The signal, every check with its number and its limit, each order, each fill, each\n"
        "reason, in the order in which they happened. All of it comes from the journal.",
        (("why 7", "the story of deal 7"), ("why D12", "why decision D12 refused its signal")),
        _why_options,
        "why:run",
    ),
    Command(
        "check",
        "check configuration, keys, connection, clock, filters and disk",
        "Changes nothing and sends no order. Shows every setting with its origin, keys masked,\n"
        "then asks the exchange for its time and the pairs' filters.",
        (("check", "everything"), ("check --offline", "without the exchange")),
        _check_options,
        "check:run",
    ),
    Command(*CANDLES),
    Command(*BACKTEST),
    Command(*BACKTESTS),
    Command(*SWEEP),
    Command(*WALKFORWARD),
    Command(*STRATEGY),
    Command(
        "journal",
        "verify or show the journal",
        "verify recomputes the whole hash chain and says where it breaks, if it does (exit 1).\n"
        "show prints rows; with --json one JSON object a line, as they are in the file.",
        (("journal verify", "is it whole?"), ("journal show --deal 7", "rows of one deal")),
        _journal_options,
        "journal:run",
    ),
    Command(
        "audit",
        "check the journal against the exchange's own history, independently",
        "A second implementation that shares no code with the bot reads the journal's raw lines,\n"
        "derives orders, deals, balances and profit anew and compares them with what the exchange\n"
        "says. Exit 0: nothing is wrong; 1: violations were found; 2: it could not be checked.\n"
        "Works while the bot runs and when it does not; only reads.",
        (
            ("audit data", "the data folder, with the embedded exchange's log in it"),
            ("audit data --exchange-history account.json", "with an account's own history"),
            ("audit data --json", "figures and violations for machines"),
        ),
        _audit_options,
        "audit:run",
    ),
    Command(*REPLAY),
    Command(*DRIFT),
    Command(*SIMULATE),
    Command(
        "backup",
        "write the data folder into a dated archive, also while the bot runs",
        "The archive holds the journal and the snapshots, consistent with each other.",
        (("backup", "into backups/"), ("backup --to ../safe", "into another folder")),
        _backup_options,
        "archive:backup",
    ),
    Command(
        "restore",
        "unpack a backup into an empty data folder",
        "Every hash is verified. Refuses to overwrite: the data folder must be empty or absent\n"
        "(or --force, which moves its files aside), and no bot may run on it.",
        (("restore data/backups/NAME --data-dir data2", "into a new folder"),),
        _restore_options,
        "archive:restore",
    ),
    Command(
        "pause",
        "tell the running bot to open no new deals",
        "Open deals live on under their monitors. The bot takes the word within a second.",
        (("pause", "no new deals until resume"),),
        _no_options,
        "operator:pause",
    ),
    Command(
        "resume",
        "let the paused bot open deals again",
        "The counterpart of pause.",
        (("resume", "deals may open again"),),
        _no_options,
        "operator:resume",
    ),
    Command(
        "stop",
        "tell the running bot to stop in order, as Ctrl+C does",
        "No new deals; journal and snapshots are written; what rests on the exchange stays there\n"
        "and is listed.",
        (("stop", "stop in order"),),
        _no_options,
        "operator:stop",
    ),
    Command(
        "flatten",
        "tell the running bot to cancel entries and sell what is held",
        "For the moment when you want out of everything. Each step is reported in the bot's log.",
        (("flatten", "out of everything"),),
        _no_options,
        "operator:flatten",
    ),
)
