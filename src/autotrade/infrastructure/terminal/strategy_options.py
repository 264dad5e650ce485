"""`strategy` on the command line: its words, its three actions and their options."""

from __future__ import annotations

import argparse

_LIST = "List every strategy, shipped and your own, with its parameters and their bounds."
_NEW = (
    "Write NAME.py, a strategy that works, and test_NAME.py, its tests, into the folder\n"
    "strategy.folder (strategies). Then set strategy.name to NAME."
)
_CHECK = (
    "Check what every engine relies on, on synthetic candles: the same candles give the same\n"
    "signals, a restart changes nothing, nothing looks ahead, scan names every signal, every\n"
    "parameter works at its limits. Exit 1 when a promise is broken."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """One sub-parser an action: each has its own help."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    found = {}
    for name, summary, description, example in (
        ("list", "shipped and your own", _LIST, "list --json"),
        ("new", "write one to begin with", _NEW, "new my_idea"),
        ("check", "does it keep the contract (exit 1)", _CHECK, "check my_idea"),
    ):
        found[name] = actions.add_parser(
            name,
            help=summary,
            description=description,
            epilog=f"example:\n  {parser.prog} {example}",
        )
    found["new"].add_argument("name", metavar="NAME", help="small letters, digits and _")
    found["check"].add_argument("name", metavar="NAME", help="shipped, or a file of your folder")
    found["check"].add_argument("--timeframe", default="1m", metavar="T", help="candles (1m)")


STRATEGY = (
    "strategy",
    "strategies: list them, begin one, check one",
    "One file, one class says when to buy; the order book, the limits and the economics decide\n"
    "whether a deal comes of it. Your own live in the folder strategy.folder, a file each.\n"
    "Each action has a help of its own: strategy new --help.",
    (
        ("strategy list", "names, versions, parameters with their bounds"),
        ("strategy new my_idea", "a file to begin with, and its tests"),
        ("strategy check my_idea", "does it keep the contract?"),
    ),
    add_options,
    "strategy:run",
)
"""Name, summary, description, examples, options and place of the command."""
