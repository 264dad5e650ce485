"""`replay`: a recorded run once more, every answer compared with the journal."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrade.config.errors import ConfigurationError
from autotrade.infrastructure.terminal.cli import UsageError
from autotrade.infrastructure.terminal.commands.common import data_folder_of, require_folder
from autotrade.infrastructure.terminal.output import write_json, write_result
from autotrade.infrastructure.terminal.tables import show_pairs, show_table

if TYPE_CHECKING:
    from autotrade.application.market_tape import RecordedSession
    from autotrade.application.use_cases.run_replay import Answer, Difference, ReplayReport
    from autotrade.domain.state import Record
    from autotrade.infrastructure.journal.data_folder import DataFolder
    from autotrade.infrastructure.journal.reader import Row
    from autotrade.infrastructure.market_recording.reader import Recordings


def run(arguments: argparse.Namespace) -> int:
    folder = recorded_folder(arguments)
    report = replay_folder(folder)
    if arguments.json:
        write_json(report_json(report))
    else:
        _show(report, folder)
    return 0 if report.difference is None else 1


def recorded_folder(arguments: argparse.Namespace) -> DataFolder:
    """The folder that the user means. Raises when there is no journal or no recording in it."""
    from autotrade.infrastructure.journal.data_folder import DataFolder
    from autotrade.infrastructure.market_recording.folder import recorded_files

    if arguments.folder is None:
        path = data_folder_of(arguments)
    elif arguments.data_dir is not None and arguments.data_dir != arguments.folder:
        raise UsageError(
            f"expected one data folder, were {arguments.folder} and {arguments.data_dir}; "
            "leave --data-dir out"
        )
    else:
        path = Path(arguments.folder).absolute()
    folder = DataFolder(require_folder(path))
    if not recorded_files(folder.recording):
        raise ConfigurationError(
            f"expected a market recording in {folder.recording}, was none: the run was recorded "
            "with recording.enabled false, by an older version, or longer ago than "
            "recording.retention_days; trade again to make one"
        )
    return folder


def whole_rows(folder: DataFolder) -> Iterator[Row]:
    """The journal as it is now: a bot may be writing, and its newest rows would have no end.
    Raises `BrokenChain`."""
    from autotrade.infrastructure.journal.chain import verify
    from autotrade.infrastructure.journal.reader import read_rows

    verified = verify(folder.journal)
    if verified.broken is not None:
        raise verified.broken
    for row in read_rows(folder.journal):
        if row.end > verified.end.offset:
            return
        yield row


def replay_folder(folder: DataFolder) -> ReplayReport:
    from autotrade.application.use_cases.run_replay import Replay
    from autotrade.infrastructure.market_recording.reader import Recordings

    recordings = Recordings(folder.recording)
    versions: dict[str, int] = {}
    rows = (_noted(row, versions) for row in whole_rows(folder))
    report = Replay(rows, recordings.find, encode, make_strategy_known).run()
    _require_a_session(report, recordings, folder)
    report.notes[:0] = _version_notes(versions)
    return report


def _require_a_session(report: ReplayReport, recordings: Recordings, folder: DataFolder) -> None:
    if report.sessions == 0:
        raise ConfigurationError(
            f"expected a recorded session of the journal in {folder.path}, was none: the "
            f"recordings in {folder.recording} start at rows "
            f"{', '.join(map(str, recordings.starts))}, where the journal starts no session"
        )
    if report.first_seq is not None and report.first_seq > 1:
        report.notes.insert(
            0,
            f"the replay starts at row {report.first_seq}, the first session that is recorded as "
            "a whole; older recordings are not there (recording.retention_days removes them)",
        )


def encode(record: Record) -> tuple[str, bytes]:
    """(type, data) as the journal writes them."""
    from autotrade.infrastructure.journal.codec import record_type

    entry = record_type(record)
    return entry.name, entry.codec.encode(record)


def make_strategy_known(session: RecordedSession) -> None:
    """A strategy of the user's own is loaded from the folder that the session named."""
    from autotrade.config.strategy_files import own_names, register_own, strategy_folder
    from autotrade.domain.strategies import registry

    strategy = session.settings.strategy
    folder = strategy_folder(strategy.folder)
    if strategy.name not in registry.shipped_names() and strategy.name in own_names(folder):
        register_own(strategy.name, folder)
    if registry.find(strategy.name) is None:
        raise ConfigurationError(
            f"the recorded run used the strategy {strategy.name}: expected it in {folder}, was "
            "not there; put its file back"
        )


def _noted(row: Row, versions: dict[str, int]) -> Row:
    if row.type == "SessionStarted":
        record: Any = row.record
        versions.setdefault(f"{record.version} ({record.commit})", row.seq)
    return row


def _version_notes(versions: dict[str, int]) -> list[str]:
    from autotrade.infrastructure.terminal.version import read_commit, read_version

    now = f"{read_version()} ({read_commit()})"
    return [
        f"the session at row {seq} ran with AutoTrade {version}, this is {now}: a difference may "
        "be a change of the program"
        for version, seq in versions.items()
        if version != now
    ]


# --- saying ---------------------------------------------------------------------------------------


def report_json(report: ReplayReport) -> dict[str, object]:
    """The object `replay --json` prints."""
    return {
        "differing": report.differing,
        "sessions": report.sessions,
        "sessions_unrecorded": report.sessions_unrecorded,
        "rows": report.rows,
        "rows_unrecorded": report.rows_unrecorded,
        "journal_events": report.journal_events,
        "market_events": report.market_events,
        "decisions": report.decisions,
        "commands": report.commands,
        "deal_facts": report.deal_facts,
        "answers_unwritten": report.answers_unwritten,
        "first_seq": report.first_seq,
        "difference": None if report.difference is None else _difference_json(report.difference),
        "notes": report.notes,
    }


def _difference_json(difference: Difference) -> dict[str, object]:
    return {
        "seq": difference.seq,
        "session_seq": difference.session_seq,
        "after": difference.after,
        "recorded": _answer_json(difference.recorded),
        "replayed": _answer_json(difference.replayed),
    }


def _answer_json(answer: Answer | None) -> dict[str, object] | None:
    if answer is None:
        return None
    import orjson

    return {
        "type": answer.type,
        "deal": answer.deal,
        "cause": answer.cause,
        "data": orjson.loads(answer.data),
    }


def _show(report: ReplayReport, folder: DataFolder) -> None:
    show_pairs(
        [
            ("data folder", str(folder.path)),
            ("sessions", f"{report.sessions} replayed, {report.sessions_unrecorded} not recorded"),
            ("journal", f"{report.rows} rows, {report.rows_unrecorded} without a recording"),
            (
                "given",
                f"{report.journal_events} events of the journal, {report.market_events} of the "
                "market recording",
            ),
            (
                "compared",
                f"{report.decisions} decisions, {report.commands} commands, "
                f"{report.deal_facts} facts of deals",
            ),
        ]
    )
    for note in report.notes:
        write_result(f"note: {note}")
    if report.difference is None:
        write_result(
            f"0 differing: the replay gave the same {report.compared} answers, byte for byte"
        )
        return
    _show_difference(report.difference)


def _show_difference(difference: Difference) -> None:
    write_result(
        f"1 differing: row {difference.seq} of the session that starts at row "
        f"{difference.session_seq}, after {difference.after}"
    )
    recorded, replayed = _fields(difference.recorded), _fields(difference.replayed)
    show_table(
        "First difference",
        ["field", "journal", "replay"],
        [
            (name, recorded.get(name, "-"), replayed.get(name, "-"))
            for name in dict.fromkeys([*recorded, *replayed])
            if recorded.get(name) != replayed.get(name)
        ],
        "",
    )


def _fields(answer: Answer | None) -> dict[str, str]:
    """Field by field, nested ones with a dot: `signal.price`."""
    found = _answer_json(answer)
    if found is None:
        return {"type": "no row"}
    flat: dict[str, str] = {}
    _flatten("", found, flat)
    return flat


def _flatten(path: str, value: object, into: dict[str, str]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _flatten(f"{path}.{name}" if path and path != "data" else name, inner, into)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _flatten(f"{path}.{number}", inner, into)
    else:
        into[path] = str(value)
