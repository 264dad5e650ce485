"""`why`: the story of a deal or of a decision."""

from __future__ import annotations

import argparse
from pathlib import Path

from autotrade.infrastructure.terminal.cli import UsageError
from autotrade.infrastructure.terminal.commands.common import data_folder_of, require_folder
from autotrade.infrastructure.terminal.output import plain, write_json, write_progress, write_result


def run(arguments: argparse.Namespace) -> int:
    word = arguments.id.strip().upper().removeprefix("#")
    digits = word.removeprefix("D")
    if not digits.isascii() or not digits.isdigit():
        raise UsageError(
            f'expected a deal\'s number (7) or a decision (D12), was "{arguments.id}"; '
            "`python main.py deals` and `python main.py decisions` list them"
        )
    folder = require_folder(data_folder_of(arguments))
    if word.startswith("D"):
        return _decision(arguments, folder / "journal.jsonl", f"D{int(digits)}")
    return _deal(arguments, folder / "journal.jsonl", int(digits))


def _deal(arguments: argparse.Namespace, journal: Path, deal_id: int) -> int:
    from autotrade.infrastructure.journal.reader import read_rows
    from autotrade.infrastructure.terminal.story import rows_of_interest, tell_deal
    from autotrade.infrastructure.terminal.story_text import render_story, story_json

    story = tell_deal(rows_of_interest(read_rows(journal), deal_id), deal_id)
    if story is None:
        return _nothing(f"deal {deal_id}", "deals")
    if arguments.json:
        write_json(story_json(story))
    else:
        write_result(render_story(story))
    return 0


def _decision(arguments: argparse.Namespace, journal: Path, decision_id: str) -> int:
    from autotrade.infrastructure.journal.reader import read_rows
    from autotrade.infrastructure.terminal.story import find_decision
    from autotrade.infrastructure.terminal.story_text import render_decision

    decision = find_decision(read_rows(journal, types={"Decision"}), decision_id)
    if decision is None:
        return _nothing(f"decision {decision_id}", "decisions")
    if arguments.json:
        write_json(plain(decision))
    else:
        write_result(render_decision(decision))
    return 0


def _nothing(what: str, command: str) -> int:
    write_progress(
        f"autotrade: expected {what} in the journal, was not there; "
        f"`python main.py {command}` lists what is"
    )
    return 1
