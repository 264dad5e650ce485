"""Backtests that were run: one folder each, named after what came of it."""

from __future__ import annotations

import builtins
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from autotrade.config.errors import ConfigurationError, nearest
from autotrade.infrastructure.journal.files import store_faults

if TYPE_CHECKING:
    from filelock import FileLock

FOLDER_NAME = "backtests"
RESULT_NAME, JOURNAL_NAME, CHARTS_NAME = "result.json", "journal.jsonl", "charts.json"
_WRITING, _LOCK = ".writing", ".lock"


class Archive:
    """`root/ID/`: journal.jsonl, result.json, and charts.json for reports. The id is the beginning
    of the journal's hash, so the same backtest run twice is one entry."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock: FileLock | None = None

    def begin(self) -> Path:
        """A folder of its own for a run that is under way: several may run at once. Those of runs
        that did not come to their end are cleared away; a living one holds its lock."""
        import filelock

        with store_faults(self.root, "make"):
            self.root.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(self.root / _LOCK):
                for left in self.root.glob(f"{_WRITING}*/"):
                    _clear(left)
                folder = self.root / f"{_WRITING}-{uuid4().hex}"
                folder.mkdir()
                self._lock = filelock.FileLock(folder / _LOCK)
                self._lock.acquire()
            return folder

    def keep(
        self, written: Path, result: Mapping[str, Any], text: str, charts: str | None = None
    ) -> Path:
        """Put the folder in its place; `text` is the result as JSON, `charts` what is drawn."""
        import filelock

        folder = self.root / str(result["id"])
        with store_faults(folder, "write"), filelock.FileLock(self.root / _LOCK):
            (written / RESULT_NAME).write_text(text, encoding="utf-8")
            if charts is not None:
                (written / CHARTS_NAME).write_text(charts, encoding="utf-8")
            if self._lock is not None:
                self._lock.release()
                (written / _LOCK).unlink(missing_ok=True)
            if folder.exists():
                shutil.rmtree(folder)
            written.replace(folder)
        return folder

    def _results(self) -> builtins.list[Path]:
        found = sorted(self.root.glob(f"*/{RESULT_NAME}"))
        return [path for path in found if not path.parent.name.startswith(_WRITING)]

    def list(self) -> list[dict[str, Any]]:
        """Every result, by id; a damaged one has only its id and `fault`."""
        found = []
        for path in self._results():
            try:
                result = json.loads(path.read_text(encoding="utf-8"))
                if not isinstance(result, dict) or "journal_sha256" not in result:
                    raise ValueError("no result of a backtest")
            except (OSError, ValueError) as error:
                result = {"id": path.parent.name, "fault": str(error)}
            found.append(result)
        return found

    def read(self, identifier: str) -> dict[str, Any]:
        """One result; the beginning of its id is enough. Raises ConfigurationError."""
        return json.loads((self.folder(identifier) / RESULT_NAME).read_text(encoding="utf-8"))

    def charts(self, identifier: str) -> dict[str, Any] | None:
        """What a report draws of it; None for a result that was kept without."""
        path = self.folder(identifier) / CHARTS_NAME
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def folder(self, identifier: str) -> Path:
        names = [path.parent.name for path in self._results()]
        fitting = [name for name in names if name.startswith(identifier)]
        if len(fitting) == 1:
            return self.root / fitting[0]
        if not names:
            raise ConfigurationError(
                f"expected a stored backtest, was none in {self.root}; run `python main.py "
                "backtest` first"
            )
        what = "several that begin so" if fitting else "none of that name"
        raise ConfigurationError(
            f'expected the id of a stored backtest, was "{identifier}": {what}; the nearest is '
            f"{nearest(identifier, names)}"
        )

    def delete(self, identifier: str) -> str:
        folder = self.folder(identifier)
        with store_faults(folder, "delete"):
            shutil.rmtree(folder)
        return folder.name

    def delete_all(self) -> int:
        names = [path.parent for path in self._results()]
        for folder in names:
            with store_faults(folder, "delete"):
                shutil.rmtree(folder)
        return len(names)


def _clear(folder: Path) -> None:
    """Unless the run that writes there is alive."""
    import filelock

    lock = filelock.FileLock(folder / _LOCK, timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        return
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)
