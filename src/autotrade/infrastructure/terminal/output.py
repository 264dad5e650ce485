"""The two doors to the terminal: results go to stdout, progress to stderr."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePath
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_PIPED_WIDTH = 1000
"""Columns when nobody looks: wide enough that no cell is ever cut."""


def use_utf8() -> None:
    """Windows' consoles and pipes are not UTF-8 by themselves."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def write_result(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def write_progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def write_json(value: object) -> None:
    """One JSON document on one line; Decimals are strings, so that no digit is lost."""
    import orjson

    text = orjson.dumps(plain(value), option=orjson.OPT_NON_STR_KEYS).decode()
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def plain(value: object) -> object:
    """A value in JSON's own kinds."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, PurePath):
        return str(value)
    return value


def console(stream: IO[str] | None = None) -> Console:
    """A rich console: colors and the window's width on a terminal, plain and wide in a pipe."""
    from rich.console import Console

    stream = stream or sys.stdout
    width = None if stream.isatty() else _PIPED_WIDTH
    return Console(file=stream, width=width, highlight=False, emoji=False, markup=False)
