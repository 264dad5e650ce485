"""Backtests that are kept: several at once, and what a dead one leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

from autotrade.infrastructure.backtest.archive import JOURNAL_NAME, RESULT_NAME, Archive


def keep(archive: Archive, folder: Path, identifier: str) -> Path:
    result = {"id": identifier, "journal_sha256": identifier}
    return archive.keep(folder, result, json.dumps(result))


def test_two_that_run_at_once_keep_each_their_own_journal(tmp_path: Path) -> None:
    first, second = Archive(tmp_path), Archive(tmp_path)
    writing = first.begin()
    (writing / JOURNAL_NAME).write_text("first")
    beside = second.begin()
    (beside / JOURNAL_NAME).write_text("second")
    kept = [keep(first, writing, "1a"), keep(second, beside, "2b")]
    assert [(path / JOURNAL_NAME).read_text() for path in kept] == ["first", "second"]
    assert [result["id"] for result in first.list()] == ["1a", "2b"]
    assert sorted(path.name for path in kept[0].iterdir()) == [JOURNAL_NAME, RESULT_NAME]


def test_what_a_dead_run_left_behind_is_cleared_away(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for name in (".writing", ".writing-abc"):
        (tmp_path / name).mkdir()
        (tmp_path / name / JOURNAL_NAME).write_text("half")
    running = archive.begin()
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [running]
    assert archive.list() == []
