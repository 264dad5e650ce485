"""What was recorded is read back; what is torn is read so far; what was changed is refused."""

from __future__ import annotations

import errno
import gzip
import os
from decimal import Decimal as D
from pathlib import Path

import pytest

from autotrade.application.market_tape import RecordedSession
from autotrade.application.use_cases.run_replay import SeenEvent
from autotrade.domain import events as e
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.ticker import Ticker
from autotrade.domain.settings import DomainSettings, StrategySettings
from autotrade.infrastructure.market_recording.folder import (
    recorded_files,
    recording_path,
    remove_old,
)
from autotrade.infrastructure.market_recording.reader import (
    Recording,
    RecordingDamaged,
    Recordings,
)
from autotrade.infrastructure.market_recording.recorder import GzipMarketRecorder
from tests.engine_harness import SYMBOL, eth_pair, good_book
from tests.recorded_runs import Told
from tests.unit.journal.faulty_files import FaultyFiles

SESSION = RecordedSession(
    settings=DomainSettings(
        strategy=StrategySettings(parameters=(("length", 7), ("is_on", True), ("factor", 0.5)))
    ),
    pairs=(eth_pair(),),
    tickers=(Ticker(SYMBOL, D("2000.10"), D("2000.0"), D("2000.20"), 5, signals={"macd": 0.1}),),
    history={SYMBOL: (Candle(0, 1.1, 1.3, 0.1 + 0.2, 1.2, 5e-8),)},
)
CANDLE = e.CandleClosed(
    ts=9, symbol=SYMBOL, timeframe="1m", candle=Candle(60_000, 1.0, 2.0, 0.3, 1.5, 1e6)
)
BOOK = e.OrderBookUpdated(ts=8, symbol=SYMBOL, book=good_book(SYMBOL, 2000.1, 8))
TIMER = e.TimerTicked(ts=10)


def recorded(folder: Path, *, is_closed: bool = True) -> Path:
    """A session that started at row 7, with three events and three marks."""
    recorder = GzipMarketRecorder(folder, Told())
    recorder.begin(7, SESSION)
    recorder.flush(8)
    recorder.take(8, BOOK, is_remembered=True)
    recorder.take(8, CANDLE, is_remembered=False)
    recorder.flush(12)
    recorder.take(12, TIMER, is_remembered=False)
    recorder.flush(13)
    if is_closed:
        recorder.close()
    return recording_path(folder, 7)


def test_what_was_recorded_is_read_back_exactly(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    recording = Recording(path)
    assert recording.session == SESSION
    seen = list(recording.events())
    assert seen == [
        SeenEvent(8, None),
        SeenEvent(8, BOOK, is_remembered=True),
        SeenEvent(8, CANDLE),
        SeenEvent(12, None),
        SeenEvent(12, TIMER),
        SeenEvent(13, None),
        SeenEvent(13, None),
    ]


def test_a_running_recording_is_read_up_to_its_last_flush(tmp_path: Path) -> None:
    recorder = GzipMarketRecorder(tmp_path, Told())
    recorder.begin(1, SESSION)
    recorder.take(2, TIMER, is_remembered=False)
    recorder.flush(3)
    recorder.take(3, CANDLE, is_remembered=False)
    assert list(Recording(recording_path(tmp_path, 1)).events()) == [
        SeenEvent(2, TIMER),
        SeenEvent(3, None),
    ]
    recorder.close()


def test_a_torn_recording_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    """Whatever byte a killed process wrote last: what can be read is a beginning of the truth."""
    path = recorded(tmp_path)
    whole, data = list(Recording(path).events()), path.read_bytes()
    lengths = set()
    for size in range(0, len(data), 7):
        path.write_bytes(data[:size])
        recording = Recording(path)
        if recording.is_begun:
            seen = list(recording.events())
            assert seen == whole[: len(seen)]
            lengths.add(len(seen))
        else:
            assert Recordings(tmp_path).find(7) is None
    assert 0 in lengths and len(whole) - 1 in lengths


def test_a_changed_line_is_refused_with_its_place(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    text = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(text.replace(b'"close":1.5', b'"close":1.6')))
    with pytest.raises(RecordingDamaged, match=r"000000000007\.jsonl\.gz: line 5: expected the"):
        list(Recording(path).events())


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    path = recorded(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(RecordingDamaged, match="cannot be replayed"):
        list(Recording(path).events())


def test_recordings_of_rows_that_the_journal_lost_make_room(tmp_path: Path) -> None:
    for seq in (1, 7, 30):
        recorder = GzipMarketRecorder(tmp_path, Told())
        recorder.begin(seq, SESSION)
        recorder.close()
    recorder = GzipMarketRecorder(tmp_path, Told())
    recorder.begin(7, SESSION)
    recorder.close()
    assert [seq for seq, _ in recorded_files(tmp_path)] == [1, 7]


def test_old_recordings_go_and_only_they(tmp_path: Path) -> None:
    for seq, age_days in ((1, 31), (2, 29)):
        path = recording_path(tmp_path, seq)
        path.write_bytes(b"")
        os.utime(path, (1e9 - age_days * 86_400,) * 2)
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    os.utime(other, (0, 0))
    assert remove_old(tmp_path, 30, 1e9) == 1
    assert [seq for seq, _ in recorded_files(tmp_path)] == [2]
    assert other.exists()
    assert remove_old(tmp_path / "missing", 30, 1e9) == 0


@pytest.mark.parametrize("operation", ["open_new", "write"])
def test_a_full_disk_ends_the_recording_and_is_told_once(tmp_path: Path, operation: str) -> None:
    files, told = FaultyFiles(), Told()
    recorder = GzipMarketRecorder(tmp_path, told, files=files)
    files.fail(operation, errno.ENOSPC, partial=10, forever=True)
    recorder.begin(1, SESSION)
    for seq in range(2, 5):
        recorder.take(seq, TIMER, is_remembered=False)
        recorder.flush(seq + 1)
    recorder.close()
    [line] = told.lines
    assert "the disk is full" in line and "Trading goes on" in line
    assert not recording_path(tmp_path, 1).exists() or Recordings(tmp_path).find(1) is None


def test_memory_is_bounded_without_a_row_of_the_journal(tmp_path: Path) -> None:
    recorder = GzipMarketRecorder(tmp_path, Told())
    recorder.begin(1, SESSION)
    for _ in range(40):
        recorder.take(2, BOOK, is_remembered=False)
        assert recorder._bytes < 80_000
    assert len(list(Recording(recording_path(tmp_path, 1)).events())) > 10
    recorder.close()
