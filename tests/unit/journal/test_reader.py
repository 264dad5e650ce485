"""Reading rows: filtered, from the middle, from the end, while the file grows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrade.domain.events import SessionStarted
from autotrade.infrastructure.journal import reader
from autotrade.infrastructure.journal.chain import JOURNAL_START, JournalPosition
from autotrade.infrastructure.journal.reader import (
    UnreadableRow,
    last_rows,
    offset_of,
    position_problem,
    read_rows,
    rows_backwards,
)
from tests.unit.journal.samples import accepted, canceled, decision, placed, ready, write_journal

RECORDS = [
    ready(),
    placed(1),
    accepted(1),
    decision(),
    placed(2),
    canceled(1),
    accepted(2),
    ready(),
]
given_files = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "journal.jsonl"
    write_journal(path, RECORDS)
    return path


def seqs(rows: object) -> list[int]:
    return [row.seq for row in rows]  # type: ignore[attr-defined]


def test_all_rows_in_order_with_their_places(path: Path) -> None:
    rows = list(read_rows(path))
    assert [row.record for row in rows] == RECORDS
    assert [row.offset for row in rows] == [0, *(row.end for row in rows[:-1])]
    data = path.read_bytes()
    assert all(data[row.offset : row.end].endswith(b"\n") for row in rows)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"kinds": {"command"}}, [2, 5, 6]),
        ({"types": {"PlaceOrder", "Decision"}}, [2, 4, 5]),
        ({"deal": 1}, [2, 6]),
        ({"deal": 1, "types": {"PlaceOrder"}}, [2]),
        ({"from_seq": 6}, [6, 7, 8]),
        ({"from_seq": 99}, []),
        ({"limit": 2}, [1, 2]),
        ({"kinds": ("event",), "from_seq": 2, "limit": 1}, [3]),
        ({"limit": 0}, []),
    ],
)
def test_filters(path: Path, filters: dict[str, object], expected: list[int]) -> None:
    assert seqs(read_rows(path, **filters)) == expected  # type: ignore[arg-type]


def test_reading_goes_on_exactly_behind_a_row(path: Path) -> None:
    for row in list(read_rows(path)):
        rest = list(range(row.seq + 1, len(RECORDS) + 1))
        assert seqs(read_rows(path, from_offset=row.end)) == rest


def test_the_binary_search_finds_every_row(path: Path) -> None:
    rows = list(read_rows(path))
    assert [offset_of(path, row.seq) for row in rows] == [row.offset for row in rows]
    assert offset_of(path, len(rows) + 1) == rows[-1].end
    assert offset_of(path, 0) == 0


def test_a_row_that_is_being_written_is_not_seen_yet(path: Path) -> None:
    data = path.read_bytes()
    for cut in (1, 30, 200):
        path.write_bytes(data[:-cut])
        assert seqs(read_rows(path)) == list(range(1, len(RECORDS)))
        assert seqs(last_rows(path, 1)) == [len(RECORDS) - 1]
        assert seqs(read_rows(path, from_seq=len(RECORDS))) == []


def test_a_reader_that_waits_sees_rows_that_come_later(path: Path) -> None:
    rows = list(read_rows(path))
    write_journal(path, [ready(77)])
    assert [row.record for row in read_rows(path, from_offset=rows[-1].end)] == [ready(77)]


@given(chunk_bytes=st.integers(1, 2_000), before=st.integers(1, len(RECORDS)))
@given_files
def test_backwards_is_forwards_reversed_wherever_a_chunk_ends(
    path: Path, chunk_bytes: int, before: int
) -> None:
    rows = list(read_rows(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_BACKWARD_CHUNK_BYTES", chunk_bytes)
        assert list(rows_backwards(path)) == rows[::-1]
        assert list(rows_backwards(path, before=rows[before - 1].end)) == rows[:before][::-1]


def test_last_rows_with_a_condition_are_oldest_first(path: Path) -> None:
    assert seqs(last_rows(path, 3)) == [6, 7, 8]
    assert seqs(last_rows(path, 2, lambda row: row.type == "PlaceOrder")) == [2, 5]
    assert seqs(last_rows(path, 100)) == list(range(1, len(RECORDS) + 1))


def test_the_end_of_a_long_journal_is_read_without_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write_journal(path, [accepted(number) for number in range(2_000)])
    data = bytearray(path.read_bytes())
    data[: len(data) // 2] = bytes(len(data) // 2)
    path.write_bytes(data)
    assert seqs(last_rows(path, 3)) == [1_998, 1_999, 2_000]


@pytest.mark.parametrize("data", [None, b"", b"no newline"])
def test_nothing_to_read(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "journal.jsonl"
    if data is not None:
        path.write_bytes(data)
    assert list(read_rows(path)) == []
    assert last_rows(path, 5) == []
    assert list(read_rows(path, from_seq=3)) == []


def test_a_line_that_is_no_row_is_named_by_its_place(path: Path) -> None:
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"hello\n")
    with pytest.raises(UnreadableRow, match=f"byte {size}.*hello"):
        list(read_rows(path))


def test_an_unknown_record_says_which_version_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    started = SessionStarted(
        ts=1,
        installation_id="a",
        version="7.1.0",
        commit="c",
        mode="simulation",
        venue="embedded",
        market="seed:1",
        request_window_ms=5_000,
        start_balances=(),
    )
    write_journal(path, [started, ready()])
    path.write_bytes(path.read_bytes().replace(b"SessionReady", b"LeverageSet"))
    row = list(read_rows(path))[1]
    assert row.type == "LeverageSet"
    with pytest.raises(UnreadableRow, match=r"row 2:.*LeverageSet.*version 7\.1\.0"):
        _ = row.record


def test_a_record_is_decoded_once_and_only_when_asked_for(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"amount":"0.00012"', b'"amount":"dear"'))
    rows = list(read_rows(path))
    assert rows[0].record is rows[0].record
    with pytest.raises(UnreadableRow, match=r"row 2:.*PlaceOrder.*amount"):
        _ = rows[1].record


def test_a_position_is_checked_against_the_row_it_names(path: Path) -> None:
    rows = list(read_rows(path))
    good = rows[3].position
    assert position_problem(path, good) is None
    assert position_problem(path, JOURNAL_START) is None
    bad = {
        "hash": JournalPosition(good.seq, "f" * 64, good.offset),
        "seq 5 with": JournalPosition(good.seq + 1, good.chain_hash, good.offset),
        "end at byte": JournalPosition(good.seq, good.chain_hash, good.offset - 1),
        "bytes long": JournalPosition(99, good.chain_hash, 1 << 30),
    }
    for words, position in bad.items():
        assert words in (position_problem(path, position) or "")
    assert "bytes long" in (position_problem(path.with_name("none"), good) or "")
