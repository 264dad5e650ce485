"""Tables for people, one look for all commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autotrade.infrastructure.terminal.output import console


def show_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str
) -> None:
    """Print a table on stdout; `empty` is the sentence when there are no rows.

    A column whose name ends in `>` holds numbers and is set to the right.
    """
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        is_number = column.endswith(">")
        table.add_column(
            column.removesuffix(">"), justify="right" if is_number else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        console().print(table)
    else:
        console().print(empty)


def show_pairs(rows: Iterable[tuple[str, str]]) -> None:
    """Name and value, one pair a line, values aligned."""
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0)
    target = console()
    for name, value in rows:
        target.print(f"{name:<{width}}  {value}", soft_wrap=True)
