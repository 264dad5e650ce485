"""Commands with actions (`candles import`): which parser is meant by the words of a user."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def named_parser(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of the action that the first word names, else the command's own."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) and words and words[0] in action.choices:
            return action.choices[words[0]]
    return parser


def action_parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Those of all actions, in the order in which they were added."""
    return [
        sub_parser
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for sub_parser in action.choices.values()
    ]
