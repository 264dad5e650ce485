"""A recorded run decides again as it did; whatever was changed in it is found with its place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import orjson
import pytest

from autotrade.application.use_cases.run_replay import Replay, ReplayReport, SeenEvent
from autotrade.config.errors import ConfigurationError
from autotrade.domain import events as e
from autotrade.infrastructure.journal.chain import JOURNAL_START, BrokenChain
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.reader import read_rows
from autotrade.infrastructure.journal.rows import sealed_row
from autotrade.infrastructure.market_recording.folder import recorded_files
from autotrade.infrastructure.market_recording.reader import Recording
from autotrade.infrastructure.market_recording.recorder import GzipMarketRecorder
from autotrade.infrastructure.terminal.commands.replay import encode, replay_folder
from autotrade.infrastructure.terminal.entry import main
from tests.engine_harness import SYMBOL, EngineHarness
from tests.recorded_runs import Told, make_run

Change = Callable[[int, str, dict[str, Any]], dict[str, Any] | None]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions with deals; the second process was killed."""
    folder = tmp_path_factory.mktemp("run")
    maker = make_run(folder, 90, 60, kill_last=True)
    assert maker.state.totals.deals_closed >= 2 and maker.told.lines == []
    return folder


@pytest.fixture
def folder(run_folder: Path, tmp_path: Path) -> DataFolder:
    """A copy that may be changed."""
    return DataFolder(Path(shutil.copytree(run_folder, tmp_path / "copy")))


def rewrite_journal(folder: DataFolder, change: Change) -> None:
    """Change rows' data (None drops the row) and seal the chain anew, as a careful forger would."""
    lines, chain_hash, seq = [], JOURNAL_START.chain_hash, 0
    for row in read_rows(folder.journal):
        data = change(row.seq, row.type, orjson.loads(row.data))
        if data is None:
            continue
        seq += 1
        line, chain_hash = sealed_row(
            row.record,
            orjson.dumps(data),
            seq,
            deal=row.deal,
            cause=row.cause,
            chain_hash=chain_hash,
        )
        lines.append(line)
    folder.journal.write_bytes(b"".join(lines))


def rewrite_recording(folder: DataFolder, change: Callable[[e.Event], e.Event | None]) -> None:
    """Change the first session's events and record them anew; None leaves one out."""
    seq, path = recorded_files(folder.recording)[0]
    recording = Recording(path)
    session, seen = recording.session, list(recording.events())
    others = {other: other.read_bytes() for _, other in recorded_files(folder.recording)[1:]}
    recorder = GzipMarketRecorder(folder.recording, Told())
    recorder.begin(seq, session)
    for item in seen:
        if item.event is None:
            recorder.flush(item.seq)
        elif (event := change(item.event)) is not None:
            recorder.take(item.seq, event, is_remembered=item.is_remembered)
    recorder.close()
    for other, data in others.items():
        other.write_bytes(data)


def differing(report: ReplayReport) -> tuple[int, str | None, str | None]:
    difference = report.difference
    assert difference is not None
    recorded, replayed = difference.recorded, difference.replayed
    return (
        difference.seq,
        None if recorded is None else recorded.type,
        None if replayed is None else replayed.type,
    )


def test_a_killed_and_continued_run_is_replayed(folder: DataFolder) -> None:
    report = replay_folder(folder)
    assert report.difference is None
    assert (report.sessions, report.sessions_unrecorded, report.rows_unrecorded) == (2, 0, 0)
    rows = list(read_rows(folder.journal))
    assert report.rows == len(rows)
    assert report.decisions == sum(row.kind == "decision" for row in rows) >= 2
    assert report.commands == sum(row.kind == "command" for row in rows) >= 6
    assert report.compared + report.journal_events == len(rows)


def test_whatever_happens_is_replayed(tmp_path: Path) -> None:
    """Jitter, lost and refused orders, broken channels, operators, kills: never a difference."""
    compared = 0
    for seed in range(5):
        maker = make_run(tmp_path / str(seed), 60, 45, kill_last=True, seed=seed)
        report = replay_folder(maker.folder)
        assert report.difference is None, f"seed {seed}: {report.difference}"
        assert (report.sessions, report.rows_unrecorded, report.answers_unwritten) == (2, 0, 0)
        assert report.compared + report.journal_events == report.rows
        compared += report.compared
    assert compared > 100, "too little happened to prove anything"


def test_a_remembered_price_decides_nothing() -> None:
    """A price far under the stop, seen before the BUY filled: only whoever looks may act on it."""
    bot = EngineHarness()
    ts = bot.ts
    low = e.TickerUpdated(ts=ts, symbol=SYMBOL, price=D(1500), bid=D(1500), ask=D(1500))
    replay = Replay([], lambda _: None, encode, lambda _: None)
    bot.bought()
    replay._state = bot.state
    replay._take_market(bot.engine, SeenEvent(1, low, is_remembered=True), 1)
    assert bot.deal.exit_reason is None
    ticker = bot.state.tickers.find(SYMBOL)
    assert ticker is not None and ticker.price == D(1500)
    replay._take_market(bot.engine, SeenEvent(1, low), 1)
    assert bot.deal.exit_reason is not None
    assert replay.report.answers_unwritten > 0, "the journal of nothing has no row for it"


@pytest.mark.parametrize(
    ("row_type", "name"),
    [("Decision", "confidence"), ("PlaceOrder", "price"), ("DealClosed", "text")],
)
def test_a_changed_answer_is_shown_with_its_row(
    folder: DataFolder, row_type: str, name: str
) -> None:
    [seq, *_] = [row.seq for row in read_rows(folder.journal, types={row_type})]

    def change(row_seq: int, _: str, data: dict[str, Any]) -> dict[str, Any]:
        values = {"confidence": 0.123, "price": "1.5", "text": "otherwise"}
        return {**data, name: values[name]} if row_seq == seq else data

    rewrite_journal(folder, change)
    assert differing(replay_folder(folder)) == (seq, row_type, row_type)


def test_a_command_that_is_missing_is_found(folder: DataFolder) -> None:
    [seq, *_] = [row.seq for row in read_rows(folder.journal, types={"PlaceOrder"})]
    rewrite_journal(folder, lambda row_seq, _, data: None if row_seq == seq else data)
    found_seq, recorded, replayed = differing(replay_folder(folder))
    assert (found_seq, replayed) == (seq, "PlaceOrder") and recorded != "PlaceOrder"


def test_an_answer_that_nothing_caused_is_found(folder: DataFolder) -> None:
    """The recording lost the candles: the journal's first decision comes out of nothing."""
    [seq, *_] = [row.seq for row in read_rows(folder.journal, types={"Decision"})]
    rewrite_recording(folder, lambda event: None if isinstance(event, e.CandleClosed) else event)
    assert differing(replay_folder(folder)) == (seq, "Decision", None)


def test_a_changed_candle_changes_a_decision(folder: DataFolder) -> None:
    def change(event: e.Event) -> e.Event:
        if not isinstance(event, e.CandleClosed):
            return event
        candle = event.candle
        return replace(event, candle=replace(candle, close=round(candle.close + 0.01, 2)))

    rewrite_recording(folder, change)
    assert differing(replay_folder(folder))[1] == "Decision"


def test_a_broken_chain_is_refused_with_its_place(folder: DataFolder) -> None:
    data = folder.journal.read_bytes()
    folder.journal.write_bytes(data.replace(b'"approved":true', b'"approved":null', 1))
    with pytest.raises(BrokenChain, match="line 5"):
        replay_folder(folder)


def test_without_the_first_recording_the_replay_starts_at_the_second(folder: DataFolder) -> None:
    second = recorded_files(folder.recording)[1][0]
    recorded_files(folder.recording)[0][1].unlink()
    report = replay_folder(folder)
    assert report.difference is None
    assert (report.sessions, report.sessions_unrecorded) == (1, 1)
    assert report.first_seq == second
    assert any(f"starts at row {second}" in note for note in report.notes)


def test_a_recording_that_ended_early_says_from_where_on(folder: DataFolder) -> None:
    path = recorded_files(folder.recording)[1][1]
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    report = replay_folder(folder)
    assert report.difference is None
    assert report.rows_unrecorded > 0
    assert any("is not compared" in note for note in report.notes)


def test_rows_that_a_killed_process_could_not_write_are_no_difference(folder: DataFolder) -> None:
    """Cut right behind a row in the middle of one event's answers."""
    rows = list(read_rows(folder.journal))
    opened = [row for row in rows if row.type == "DealOpened"][-1]
    folder.journal.write_bytes(folder.journal.read_bytes()[: opened.end])
    report = replay_folder(folder)
    assert report.difference is None
    assert report.answers_unwritten >= 2


def test_the_command_shows_both_sides_and_exits_with_1(
    folder: DataFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(folder.path)]) == 0
    assert "0 differing" in capsys.readouterr().out
    [seq, *_] = [row.seq for row in read_rows(folder.journal, types={"PlaceOrder"})]
    rewrite_journal(
        folder,
        lambda row_seq, _, data: {**data, "price": "1.5"} if row_seq == seq else data,
    )
    assert main(["replay", str(folder.path)]) == 1
    shown = capsys.readouterr().out
    assert f"1 differing: row {seq}" in shown
    [line] = [text for text in shown.splitlines() if text.split()[:1] == ["price"]]
    assert line.split()[1] == "1.5" and float(line.split()[2]) > 1000
    assert main(["replay", str(folder.path), "--json"]) == 1
    assert orjson.loads(capsys.readouterr().out)["difference"]["recorded"]["data"]["price"] == "1.5"


def test_a_folder_without_a_recording_is_refused(
    folder: DataFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(folder.recording)
    assert main(["replay", str(folder.path)]) == 2
    assert "recording.enabled" in capsys.readouterr().err


def test_a_foreign_recording_is_refused(folder: DataFolder) -> None:
    for number, path in recorded_files(folder.recording):
        path.rename(path.with_name(f"{number + 1:012d}.jsonl.gz"))
    with pytest.raises(ConfigurationError, match="starts no session"):
        replay_folder(folder)
