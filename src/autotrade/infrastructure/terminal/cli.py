"""The command line: which command is meant, and the help. Imports nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from autotrade.config.errors import nearest
from autotrade.infrastructure.terminal.command_list import COMMANDS, Command
from autotrade.infrastructure.terminal.sub_commands import named_parser

PROGRAM = "python main.py"
DEFAULT_COMMAND = "trade"


class UsageError(Exception):
    """The command line cannot be understood; the text says what was expected."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,
        )

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


_BY_NAME = {command.name: command for command in COMMANDS}


def _global_options() -> _Parser:
    parser = _Parser(add_help=False, prog=PROGRAM)
    group = parser.add_argument_group("options of every command")
    group.add_argument("--data-dir", type=Path, metavar="DIR", help="data folder (data)")
    group.add_argument("--config", type=Path, metavar="FILE", help="instead of config.json")
    group.add_argument("--env-file", type=Path, metavar="FILE", help="instead of .env")
    group.add_argument("--json", action="store_true", help="result for machines, on stdout")
    return parser


def command_parser(command: Command) -> argparse.ArgumentParser:
    """The parser of one command, with its help."""
    lines = [f"  {PROGRAM} {words}".rstrip() for words, _ in command.examples]
    width = max(len(line) for line in lines)
    examples = "\n".join(
        f"{line:<{width}}   {text}" for line, (_, text) in zip(lines, command.examples, strict=True)
    )
    parser = _Parser(
        prog=f"{PROGRAM} {command.name}",
        description=command.description,
        epilog=f"examples:\n{examples}",
        parents=[_global_options()],
    )
    command.add_options(parser)
    return parser


def overview() -> str:
    """The text of `python main.py --help`."""
    width = max(len(command.name) for command in COMMANDS)
    commands = "\n".join(f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS)
    return (
        f"usage: {PROGRAM} [COMMAND] [OPTIONS]\n\n"
        "AutoTrade trades spot pairs on Binance, or on the exchange it brings along, and can\n"
        "always say why. Without a command it trades in simulation; no order leaves this machine.\n"
        f"\ncommands:\n{commands}\n\n"
        f"{_global_options().format_help().partition(chr(10) * 2)[2]}"
        "  --version        version and commit\n\n"
        "examples:\n"
        f"  {PROGRAM} --for 3m             trade in simulation for three minutes\n"
        f"  {PROGRAM} why 7                the story of deal 7\n"
        f"  {PROGRAM} trade --help         more about one command\n\n"
        "exit codes: 0 done; 1 something failed or was found; 2 the command line, the\n"
        "configuration or the machine does not allow it; 130 interrupted\n"
    )


def parse(words: Sequence[str]) -> tuple[Command, argparse.Namespace] | str:
    """The command and its arguments, or a text to print (help, version).

    Options of every command may stand anywhere, also in front of the command. Raises `UsageError`.
    """
    common, rest = _global_options().parse_known_args(words)
    if rest and rest[0] in ("-h", "--help", "help"):
        return overview()
    if rest and rest[0] == "--version":
        return version_text()
    if rest and not rest[0].startswith("-"):
        name, rest = rest[0], rest[1:]
        if name not in _BY_NAME:
            raise UsageError(
                f'unknown command "{name}"; the nearest is "{nearest(name, list(_BY_NAME))}"; '
                f"see {PROGRAM} --help"
            )
    else:
        name = DEFAULT_COMMAND
    command = _BY_NAME[name]
    parser = command_parser(command)
    if "-h" in rest or "--help" in rest:
        return named_parser(parser, rest).format_help()
    arguments, unknown = parser.parse_known_args(rest)
    if unknown:
        raise UsageError(_unknown_text(named_parser(parser, rest), unknown[0]))
    for option, value in vars(common).items():
        setattr(arguments, option, value)
    return command, arguments


def _unknown_text(parser: argparse.ArgumentParser, word: str) -> str:
    if not word.startswith("-"):
        return f'unexpected "{word}"; see {parser.prog} --help'
    options = [name for action in parser._actions for name in action.option_strings]
    return (
        f'unknown option "{word}"; the nearest is "{nearest(word, options)}"; '
        f"see {parser.prog} --help"
    )


def version_text() -> str:
    from autotrade.infrastructure.terminal.version import read_commit, read_version

    return f"AutoTrade {read_version()} ({read_commit()})\n"
