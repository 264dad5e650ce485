"""The operator's words to a running bot: small files in the data folder's `operator/`."""

from __future__ import annotations

from pathlib import Path

import orjson

from autotrade.application.ports import Notifier
from autotrade.domain.events import OperatorAction


class FileOperatorInbox:
    """Gives each word once and deletes its file; a file that says nothing sensible is named."""

    def __init__(self, folder: Path, notifier: Notifier) -> None:
        self._folder = folder
        self._notifier = notifier

    def take(self) -> list[tuple[OperatorAction, str]]:
        words = []
        if not self._folder.is_dir():
            return []
        for path in sorted(self._folder.glob("*.json")):
            try:
                word = orjson.loads(path.read_bytes())
                words.append((OperatorAction(word["action"]), str(word.get("by", "operator"))))
            except (ValueError, KeyError, TypeError) as error:
                self._notifier.notify(
                    f"{path.name}: expected an operator's word, was unreadable ({error}); deleted",
                    is_warning=True,
                )
            path.unlink(missing_ok=True)
        return words
