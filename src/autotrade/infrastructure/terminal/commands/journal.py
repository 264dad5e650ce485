"""`journal verify` and `journal show`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from autotrade.infrastructure.terminal.commands.common import data_folder_of, require_folder
from autotrade.infrastructure.terminal.formatting import format_time
from autotrade.infrastructure.terminal.output import write_json, write_result
from autotrade.infrastructure.terminal.tables import show_table

if TYPE_CHECKING:
    from autotrade.infrastructure.journal.reader import Row

_DATA_CHARACTERS_MAX = 100


def run(arguments: argparse.Namespace) -> int:
    journal = require_folder(data_folder_of(arguments)) / "journal.jsonl"
    return (
        _verify(arguments, journal) if arguments.action == "verify" else _show(arguments, journal)
    )


def _verify(arguments: argparse.Namespace, journal: Path) -> int:
    from autotrade.infrastructure.journal.chain import verify

    report = verify(journal)
    if arguments.json:
        write_json(
            {
                "holds": report.holds,
                "rows": report.rows,
                "last_hash": report.end.chain_hash,
                "torn_bytes": report.torn_bytes,
                "text": report.text,
            }
        )
    else:
        write_result(report.text)
    return 0 if report.holds else 1


def _show(arguments: argparse.Namespace, journal: Path) -> int:
    from autotrade.infrastructure.journal.reader import last_rows

    def is_wanted(row: Row) -> bool:
        return (arguments.deal is None or row.deal == arguments.deal) and (
            arguments.kind is None or row.kind == arguments.kind
        )

    rows = last_rows(journal, arguments.last, is_wanted)
    if arguments.json:
        for row in rows:
            sys.stdout.write(_line(row))
        return 0
    show_table(
        "Journal",
        ["seq>", "time", "kind", "type", "deal>", "cause>", "data"],
        [_row(row) for row in rows],
        "No rows.",
    )
    return 0


def _line(row: Row) -> str:
    """The row's own line of the file, untouched."""
    with row.path.open("rb") as stream:
        stream.seek(row.offset)
        return stream.read(row.end - row.offset).decode()


def _row(row: Row) -> tuple[str, ...]:
    data = row.data.decode()
    if len(data) > _DATA_CHARACTERS_MAX:
        data = f"{data[:_DATA_CHARACTERS_MAX]}..."
    return (
        str(row.seq),
        format_time(row.ts),
        row.kind,
        row.type,
        "-" if row.deal is None else str(row.deal),
        "-" if row.cause is None else str(row.cause),
        data,
    )
