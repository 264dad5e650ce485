"""Options of the exchange's process and its command line; light to import."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

DEFAULT_DATA_DIR = Path("data/exchange-alone")
"""Accounts of an exchange that runs by itself; one that a bot starts lives in the bot's folder."""


@dataclass(frozen=True, slots=True)
class ExchangeProcessOptions:
    """What `python main.py exchange` takes; ports: 0 picks a free one, None leaves it out."""

    port: int | None = 8090
    tls_port: int | None = 8443
    speed: float = 1.0
    market: str | None = None
    """`seed:7`; None is the default seed, or goes on where the stored market stood."""
    recordings: tuple[Path, ...] = ()
    symbols: tuple[str, ...] = ()
    start: str | None = None
    """Where to begin in recorded candles (UTC)."""
    minutes: int | None = None
    data_dir: Path = DEFAULT_DATA_DIR
    balances: dict[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(10_000)})
    fee: Decimal = Decimal("0.001")
    rate_limits: Literal["real", "scaled"] = "scaled"
    faults: str | None = None
    """`seed:N` for endless random faults, or a fault script's file."""
    parent_pipe: bool = False
    """End when stdin reaches its end: the parent has died."""

    def to_arguments(self) -> list[str]:
        """The command line that says the same (after `main.py exchange`)."""
        words = ["--port", _port_text(self.port), "--tls-port", _port_text(self.tls_port)]
        words += ["--speed", repr(self.speed), "--data-dir", str(self.data_dir)]
        words += ["--fee", str(self.fee), "--rate-limits", self.rate_limits]
        if self.market is not None:
            words += ["--market", self.market]
        for path in self.recordings:
            words += ["--recording", str(path)]
        for symbol in self.symbols:
            words += ["--symbol", symbol]
        if self.start is not None:
            words += ["--start", self.start]
        if self.minutes is not None:
            words += ["--minutes", str(self.minutes)]
        for asset, amount in self.balances.items():
            words += ["--balance", f"{asset}:{amount}"]
        if self.faults is not None:
            words += ["--faults", self.faults]
        return [*words, "--parent-pipe"] if self.parent_pipe else words


def _port_text(port: int | None) -> str:
    return "off" if port is None else str(port)


# --- command line ---------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the exchange's options on a parser; `--data-dir` is the caller's."""
    parser.add_argument("--port", type=_port, default=8090, help="plain http and ws; 0 any, off")
    parser.add_argument("--tls-port", type=_port, default=8443, help="https and wss; 0 any, off")
    parser.add_argument("--speed", type=float, default=1.0, help="times as fast as real time")
    parser.add_argument("--market", help="the modelled market of a seed, for example seed:7")
    parser.add_argument(
        "--recording",
        type=Path,
        action="append",
        nargs="+",
        default=[],
        metavar="FILE",
        help="recorded market data to replay: raw L2 captures or 1-minute candles",
    )
    parser.add_argument("--symbol", action="append", default=[], help="list only these symbols")
    parser.add_argument("--start", help="where to begin in recorded candles, UTC")
    parser.add_argument("--minutes", type=int, help="how long to replay recorded candles")
    parser.add_argument(
        "--balance",
        type=_balance,
        action="append",
        default=[],
        metavar="ASSET:AMOUNT",
        help="what a fresh account holds (default USDT:10000)",
    )
    parser.add_argument("--fee", type=Decimal, default=Decimal("0.001"), help="maker and taker")
    parser.add_argument(
        "--rate-limits",
        choices=("scaled", "real"),
        default="scaled",
        help="scaled: weights, order counts and recvWindow grow with the speed",
    )
    parser.add_argument(
        "--faults",
        metavar="FILE|seed:N",
        help="what goes wrong on purpose: a fault script, or random faults without end",
    )
    parser.add_argument(
        "--parent-pipe", action="store_true", help="end when stdin ends (used by the bot)"
    )


def _port(text: str) -> int | None:
    if text == "off":
        return None
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"expected a port 0..65535 or off, was {text}")
    return port


def _balance(text: str) -> tuple[str, Decimal]:
    asset, _, amount = text.partition(":")
    try:
        return asset, Decimal(amount)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"expected ASSET:AMOUNT, was {text}") from None


def options_from(arguments: argparse.Namespace) -> ExchangeProcessOptions:
    """The options that `add_arguments` read."""
    recordings: list[Path] = []
    for entry in arguments.recording:
        recordings.extend(entry if isinstance(entry, list) else [entry])
    options = ExchangeProcessOptions(
        port=arguments.port,
        tls_port=arguments.tls_port,
        speed=arguments.speed,
        market=arguments.market,
        recordings=tuple(recordings),
        symbols=tuple(arguments.symbol),
        start=arguments.start,
        minutes=arguments.minutes,
        data_dir=arguments.data_dir or DEFAULT_DATA_DIR,
        fee=arguments.fee,
        rate_limits=arguments.rate_limits,
        faults=arguments.faults,
        parent_pipe=arguments.parent_pipe,
    )
    return replace(options, balances=dict(arguments.balance)) if arguments.balance else options
