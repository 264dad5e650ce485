"""`candles` on the command line: its words, its four actions and their options. Imports nothing
heavy."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DAYS_MAX = 3_660
_SEED = re.compile(r"seed:(\d{1,9})")


def add_candle_options(parser: argparse.ArgumentParser) -> None:
    """One sub-parser an action: each has its own help."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary, description, example, add in (
        (
            "import",
            "take candle and trade files of other tools in",
            _IMPORT,
            "import downloads/ --exchange binance",
            _import_options,
        ),
        (
            "download",
            "from the modelled market, or from Binance when it is named",
            _DOWNLOAD,
            "download --pair ETH/USDT --venue binance --from 2024-01-01 --to 2024-07-01",
            _download_options,
        ),
        (
            "check",
            "look for gaps, doubles, impossible candles (exit 1)",
            _CHECK,
            "check --exchange binance --strict",
            _check_options,
        ),
        ("list", "what is stored", _LIST, "list --pair BTC/USDT", _filter_options),
    ):
        action = actions.add_parser(
            name,
            help=summary,
            description=description,
            epilog=f"example:\n  {parser.prog} {example}",
        )
        add(action)


CANDLES = (
    "candles",
    "market history: import, download, check, list",
    "Candles for backtests, kept in DATA_DIR/candles/EXCHANGE/PAIR/TIMEFRAME.parquet. One minute\n"
    "is enough: longer timeframes are made of it where they are needed. Each action has a help\n"
    "of its own: candles import --help.",
    (
        ("candles download --pair BTC/USDT --days 30", "of the modelled market, no network"),
        ("candles import BTCUSDT-1m-2024-01.zip", "Binance's public archive"),
        ("candles import folder --exchange binance --pair BTC/USDT", "files that do not say it"),
        (
            "candles download --pair BTC/USDT --venue binance --from 2024-01-01",
            "real ones; stopped, it goes on where it was",
        ),
        ("candles check --strict", "exit 1 when a minute is missing"),
        ("candles list --json", "what is stored"),
    ),
    add_candle_options,
    "candles:run",
)
"""Name, summary, description, examples, options and place of the command."""

_IMPORT = (
    "Import candle files into data/candles/EXCHANGE/PAIR/TIMEFRAME.parquet. Known are the zips\n"
    "and CSVs of Binance's public archive (klines, trades, aggTrades), Parquet, Feather, CSV and\n"
    "JSON of common tools, each also as gzip or zip. Exchange, pair and timeframe are read from\n"
    "names and content; what they do not say is asked for. Importing twice changes nothing;\n"
    "ranges that overlap are merged; candles that contradict stored ones are refused."
)
_DOWNLOAD = (
    "Without --venue: candles of the modelled market, made here from a seed and stored as the\n"
    "exchange `modelled`; no network. With --venue binance (or demo, testnet): real candles over\n"
    "public requests, no keys needed, at most the permitted rate. Only what is missing is asked\n"
    "for; stop at any moment, the same command goes on."
)
_CHECK = (
    "Look at every stored candle. Impossible or double candles, a wrong order or times between\n"
    "two candles are faults (exit 1). Gaps are named; with --strict they are faults too."
)
_LIST = "List the stored series with their range. Reads no candles."


def _import_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="files, or folders to search"
    )
    _name_options(parser, "when the files do not say it, or say it wrongly")
    parser.add_argument(
        "--replace", action="store_true", help="new candles win over stored ones of other values"
    )
    parser.add_argument(
        "--trades", action="store_true", help="in folders, make candles of trade files too"
    )


def _download_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pair", type=_pair, required=True, metavar="PAIR", help="BTC/USDT")
    parser.add_argument(
        "--venue",
        choices=["embedded", "demo", "testnet", "binance"],
        default="embedded",
        help="embedded: the modelled market, without network (default)",
    )
    parser.add_argument("--timeframe", default="1m", metavar="T", help="1m ... 1d (1m)")
    parser.add_argument(
        "--from", dest="from_ms", type=_moment, metavar="TIME", help="UTC: 2024-01-01[T12:00]"
    )
    parser.add_argument(
        "--to", dest="to_ms", type=_moment, metavar="TIME", help="until before this (default: now)"
    )
    parser.add_argument(
        "--market", dest="seed", type=_seed, metavar="seed:N", help="modelled: the seed (seed:10)"
    )
    parser.add_argument(
        "--days", type=_days, metavar="N", help="modelled: days from 2024-01-01 on (30)"
    )
    parser.add_argument("--exchange", metavar="NAME", help="store under this name instead")
    parser.add_argument(
        "--replace", action="store_true", help="modelled: in the place of another seed's candles"
    )


def _check_options(parser: argparse.ArgumentParser) -> None:
    _filter_options(parser)
    parser.add_argument("--strict", action="store_true", help="gaps are faults too")


def _filter_options(parser: argparse.ArgumentParser) -> None:
    _name_options(parser, "only this")


def _name_options(parser: argparse.ArgumentParser, when: str) -> None:
    group = parser.add_argument_group(when)
    group.add_argument("--exchange", metavar="NAME", help="binance, binanceusdm, ...")
    group.add_argument("--pair", type=_pair, metavar="PAIR", help="BTC/USDT or BTCUSDT")
    group.add_argument("--timeframe", metavar="T", help="1m 3m 5m 15m 30m 1h ... 1d 3d 1w 1M")


def _pair(text: str) -> str:
    if not re.fullmatch(r"[^\W_][\w.-]{0,29}([/:][^\W_][\w.-]{0,14}){0,2}", text):
        raise argparse.ArgumentTypeError(f'expected a pair like BTC/USDT, was "{text}"')
    return text.upper()


def _moment(text: str) -> int:
    """Milliseconds UTC of a date or a date with a time."""
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'expected a time in UTC like 2024-01-31 or 2024-01-31T12:00, was "{text}"'
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _seed(text: str) -> int:
    match = _SEED.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(
            f'expected seed: and a whole number, like seed:7, was "{text}"'
        )
    return int(match[1])


def _whole(high: int) -> Callable[[str], Any]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= high:
            raise argparse.ArgumentTypeError(
                f'expected a whole number from 1 to {high}, was "{text}"'
            )
        return int(text)

    return parse


_days = _whole(DAYS_MAX)
