"""Documents that are written from the code: .env.example, settings.md, commands.md."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from autotrade.config.schema import KEYS, SettingName, all_settings
from autotrade.infrastructure.terminal.cli import command_parser, overview
from autotrade.infrastructure.terminal.command_list import COMMANDS
from autotrade.infrastructure.terminal.sub_commands import action_parsers

if TYPE_CHECKING:
    from autotrade.infrastructure.simulated_exchange.wire.dispatch import Operation

_SECTION_TEXTS = {
    "currency_pair": "The pairs. config.json lists them as `currency_pairs`: [{...}, {...}]; a "
    "single `currency_pair`: {...} is accepted too. A variable overrides its value in every pair; "
    "`CURRENCY_PAIRS` takes a whole list as JSON.",
    "strategy": "What gives the signals.",
    "orderbook_analyzer": "How the order book is judged before a deal.",
    "trading": "What a signal must pass to become a deal.",
    "buy_order_monitor": "What happens to a BUY that is not filled.",
    "stop_loss_monitor": "When a losing position is left. The four percents must rise.",
    "signal_cooldown": "How long and how far deals of one pair keep from each other.",
    "exchange": "Where prices come from and where orders go.",
    "log": "The log file and the console.",
    "recording": "What the engine saw of the market, kept in DATA_DIR/recording.",
    "": "The data folder.",
}
_NOTE = "Written by tools/generate.py from the code; a test compares. Do not edit."


def env_example() -> str:
    """.env.example: every variable with its default, all commented out, keys empty."""
    lines = [
        "# Copy to .env and uncomment what you change.",
        f"# {_NOTE}",
        "# Stronger than config.json; weaker than the environment and the command line.",
        "",
        "# Keys. Needed for orders on demo, testnet or Binance only; never commit them.",
    ]
    for name, text in KEYS.items():
        lines += [f"## {text}", f"# {name}="]
    for section, group in groupby(all_settings(), key=lambda item: item.section):
        text = _SECTION_TEXTS[section].replace("`", "")
        lines += ["", *(f"# {line}" for line in textwrap.wrap(text, 96))]
        for item in group:
            lines += [f"## {item.help}: {item.expected}", f"# {item.environment}={_default(item)}"]
    return "\n".join(lines) + "\n"


def settings_reference() -> str:
    """docs/reference/settings.md."""
    lines = [
        "# Settings",
        "",
        f"<!-- {_NOTE} -->",
        "",
        "Order of strength: command line, environment, `.env`, `config.json`, default.",
        "`python main.py check` shows every value that is in force and where it came from.",
        "A name that does not exist is refused with the nearest one that does, a value that cannot",
        "be with what was expected. In `config.json` a setting stands in its section:",
        '`{"trading": {"max_open_deals": 5}}`. Keys come from the environment or `.env` only.',
    ]
    for section, group in groupby(all_settings(), key=lambda item: item.section):
        lines += ["", f"## {section or 'data_dir'}", "", _SECTION_TEXTS[section], ""]
        lines += ["| name | variable | default | must be | meaning |", "| --- " * 5 + "|"]
        lines += [_settings_row(item) for item in group]
    lines += ["", "## Keys", "", "| variable | meaning |", "| --- | --- |"]
    lines += [f"| `{name}` | {text} |" for name, text in KEYS.items()]
    return "\n".join(lines) + "\n"


def commands_reference() -> str:
    """docs/reference/commands.md: the help texts, as the program prints them."""
    lines = ["# Commands", "", f"<!-- {_NOTE} -->"]
    with _width(100):
        lines += ["", "```text", overview().rstrip(), "```"]
        for command in COMMANDS:
            parser = command_parser(command)
            lines += ["", f"## {command.name}", "", "```text", parser.format_help().rstrip()]
            for action in action_parsers(parser):
                lines += ["", action.format_help().rstrip()]
            lines.append("```")
    return "\n".join(lines) + "\n"


@contextmanager
def _width(columns: int) -> Iterator[None]:
    """argparse asks the environment how wide it may write."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


def operations_reference() -> str:
    """docs/reference/embedded_exchange_operations.md: the dispatch table, as it is."""
    rows = []
    for operation in _operations():
        rest = "" if operation.rest is None else f"`{operation.rest[0]} {operation.rest[1]}`"
        method = "" if operation.method is None else f"`{operation.method}`"
        weight = str(operation.weight) if isinstance(operation.weight, int) else "by request"
        names = ", ".join(f"`{item.name}`" for item in operation.parameters)
        rows.append(f"| {rest} | {method} | {operation.security.value} | {weight} | {names} |")
    lines = [
        "# Operations of the embedded exchange",
        "",
        f"<!-- {_NOTE} -->",
        "",
        "What [the embedded exchange](embedded_exchange.md) answers over REST and over the "
        "WebSocket API.",
        "Anything else is refused as Binance would, and counted.",
        "",
        "| REST | WebSocket API | security | weight | parameters |",
        "| --- " * 5 + "|",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def _operations() -> list[Operation]:
    from autotrade.infrastructure.simulated_exchange.wire import (
        account_operations,
        market_operations,
        session_operations,
        trade_operations,
    )

    modules = (market_operations, trade_operations, account_operations, session_operations)
    return [operation for module in modules for operation in module.OPERATIONS]


def _settings_row(item: SettingName) -> str:
    default = f"`{_default(item)}`" if _default(item) else "none"
    cells = (f"`{item.leaf}`", f"`{item.environment}`", default, item.expected, item.help)
    return "| " + " | ".join(cells) + " |"


def _default(item: SettingName) -> str:
    match item.default:
        case bool():
            return str(item.default).lower()
        case tuple() | None:
            return ""
        case Decimal():
            return f"{item.default:f}"
        case Path():
            return item.default.as_posix()
    return str(item.default)
