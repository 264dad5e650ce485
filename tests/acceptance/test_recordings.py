"""Recorded data: trading over it leaves a right ledger, and the book is the recorded one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.recordings_run import CAPTURE, DAY, DAY_MINUTES, run_capture, run_day
from tests.recordings import recording

pytestmark = pytest.mark.recorded


@pytest.mark.timeout(150)
def test_the_captures_book_and_ledger(tmp_path: Path) -> None:
    files = [recording(name) for name in CAPTURE]
    report = run_capture(
        tmp_path, files, speed=32, seconds=None, is_busy=True, book_interval_seconds=0.02
    )
    run, books = report["run"], report["books"]
    assert run["stopped_by"] == "the recording is at its end"
    assert run["deals"]["opened"] > 0, run
    assert set(run["ledger_difference"].values()) == {"0"}, run
    assert books["different"] == []
    assert books["compared"] > 300 and books["not_in_capture"] == 0, books
    assert report["feed_events"] == []


@pytest.mark.timeout(120)
def test_a_lively_days_candles(tmp_path: Path) -> None:
    files = [recording(name) for name in DAY]
    report = run_day(
        tmp_path,
        files,
        start="2023-03-10T16:00",
        minutes=DAY_MINUTES,
        speed=120,
        seconds=12,
        exit_seconds_max=90,
        is_busy=True,
    )
    run, found = report["run"], report["audit"]
    assert run["stopped_by"] == "the time is over"
    assert set(run["ledger_difference"].values()) == {"0"}, run
    assert found["faults"] == []
    assert run["signals"] > 0 and found["trades"] > 0, run
