"""`pause`, `resume`, `stop`, `flatten`: a word to the running bot, left in its data folder.

The word is a small JSON file in `operator/`. The loop looks there every second, journals the word
and deletes the file. A file appears whole or not at all (temporary name, then rename).
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import time
from pathlib import Path

from autotrade.infrastructure.terminal.commands.common import data_folder_of, require_folder
from autotrade.infrastructure.terminal.output import write_json, write_progress, write_result

FOLDER_NAME = "operator"


def pause(arguments: argparse.Namespace) -> int:
    return _leave_word(arguments, "pause")


def resume(arguments: argparse.Namespace) -> int:
    return _leave_word(arguments, "resume")


def stop(arguments: argparse.Namespace) -> int:
    return _leave_word(arguments, "stop")


def flatten(arguments: argparse.Namespace) -> int:
    return _leave_word(arguments, "flatten")


def write_word(folder: Path, action: str, by: str, ts_ms: int) -> Path:
    """Leave one word for the bot of `folder`; returns its file. Names sort by time."""
    inbox = folder / FOLDER_NAME
    inbox.mkdir(parents=True, exist_ok=True)
    path = inbox / f"{ts_ms:015d}-{os.getpid()}-{action}.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"action": action, "by": by, "ts": ts_ms}), encoding="utf-8")
    temporary.replace(path)
    return path


def _leave_word(arguments: argparse.Namespace, action: str) -> int:
    from autotrade.infrastructure.journal.data_folder import DataFolder

    folder = require_folder(data_folder_of(arguments))
    if DataFolder(folder).holder() is None:
        write_progress(
            f"autotrade: expected a running bot on {folder}, was none; start it with "
            "`python main.py` (a stopped bot has nothing to " + action + ")"
        )
        return 1
    path = write_word(folder, action, getpass.getuser(), time.time_ns() // 1_000_000)
    if arguments.json:
        write_json({"action": action, "file": path})
    else:
        write_result(f"{action}: left for the bot in {path}; its log shows when it took it")
    return 0
