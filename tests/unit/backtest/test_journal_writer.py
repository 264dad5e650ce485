"""The bulk writer's bytes are the live journal's."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from autotrade.infrastructure.backtest.journal_writer import JournalWriter
from autotrade.infrastructure.journal.chain import verify
from autotrade.infrastructure.journal.journal import JsonlJournal, read_rows
from tests.backtest_markets import random_series, random_settings, run_over


async def test_the_rows_are_those_of_the_live_journal(tmp_path: Path) -> None:
    path = tmp_path / "bulk.jsonl"
    settings = random_settings(random.Random(2))
    _, run = run_over([random_series(random.Random(2), 500)], settings, journal=JournalWriter(path))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == run.journal_sha256
    report = verify(path)
    assert report.holds and report.rows == run.journal_rows > 20
    live = JsonlJournal.open(tmp_path / "live.jsonl")
    for row in read_rows(path):
        live.append(row.record, cause=row.cause, deal=row.deal)
    await live.close()
    assert (tmp_path / "live.jsonl").read_bytes() == path.read_bytes()
