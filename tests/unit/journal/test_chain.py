"""Whatever is changed in a journal is found, and only a torn end is forgiven."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrade.infrastructure.journal import chain
from autotrade.infrastructure.journal.chain import ROW_BYTES_MAX, VerifyReport, verify
from tests.unit.journal.samples import accepted, placed, write_journal

COUNT = 12
given_files = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "journal.jsonl"
    write_journal(path, [accepted(n) if n % 2 else placed(n) for n in range(COUNT)])
    return path.read_bytes()


def verify_bytes(path: Path, data: bytes) -> VerifyReport:
    path.write_bytes(data)
    return verify(path)


def line_of(data: bytes, position: int) -> int:
    return data[:position].count(b"\n")


def test_a_sound_journal_holds(path: Path, sound: bytes) -> None:
    report = verify_bytes(path, sound)
    assert (report.rows, report.holds, report.torn_bytes) == (COUNT, True, 0)
    assert report.end.offset == len(sound)


@pytest.mark.parametrize("data", [None, b""])
def test_missing_and_empty_files_hold(path: Path, data: bytes | None) -> None:
    if data is not None:
        path.write_bytes(data)
    assert verify(path).holds
    assert verify(path).rows == 0


@given(data=st.data(), bit=st.integers(0, 7))
@given_files
def test_a_flipped_bit_is_found_wherever_it_is(
    path: Path, sound: bytes, data: st.DataObject, bit: int
) -> None:
    position = data.draw(st.integers(0, len(sound) - 1))
    changed = bytearray(sound)
    changed[position] ^= 1 << bit
    report = verify_bytes(path, bytes(changed))
    line = line_of(sound, position)
    assert report.rows == line
    if line < COUNT - 1:
        assert report.broken is not None
        assert (report.broken.line_number, report.broken.seq_expected) == (line + 1, line + 1)
        assert report.broken.offset == sum(len(row) for row in sound.splitlines(True)[:line])
    else:
        assert report.broken is not None or report.torn_bytes > 0


def test_every_byte_of_a_line_counts(path: Path, sound: bytes) -> None:
    lines = sound.splitlines(True)
    start = len(lines[0])
    for position in range(start, start + len(lines[1])):
        changed = bytearray(sound)
        changed[position] = ord("~") if changed[position] != ord("~") else ord("!")
        assert verify_bytes(path, bytes(changed)).broken is not None, position


@given(data=st.data())
@given_files
def test_truncation_loses_the_torn_row_only(path: Path, sound: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(sound)))
    report = verify_bytes(path, sound[:length])
    assert report.holds
    assert report.rows == sound[:length].count(b"\n")
    assert report.end.offset + report.torn_bytes == length


@given(data=st.data())
@given_files
def test_a_missing_line_is_found(path: Path, sound: bytes, data: st.DataObject) -> None:
    lines = sound.splitlines(True)
    gone = data.draw(st.integers(0, COUNT - 2))
    report = verify_bytes(path, b"".join(lines[:gone] + lines[gone + 1 :]))
    assert report.broken is not None
    assert (report.broken.seq_expected, report.broken.seq_found) == (gone + 1, gone + 2)
    assert "missing" in report.broken.reason


@given(data=st.data())
@given_files
def test_swapped_and_repeated_lines_are_found(
    path: Path, sound: bytes, data: st.DataObject
) -> None:
    lines = sound.splitlines(True)
    first, second = sorted(
        data.draw(st.lists(st.integers(0, COUNT - 1), min_size=2, max_size=2, unique=True))
    )
    swapped = list(lines)
    swapped[first], swapped[second] = swapped[second], swapped[first]
    repeated = [*lines[: second + 1], lines[first], *lines[second + 1 :]]
    for changed, row in ((swapped, first), (repeated, second + 1)):
        report = verify_bytes(path, b"".join(changed))
        assert report.broken is not None
        assert report.broken.line_number == row + 1


def test_the_last_line_twice_is_a_broken_chain_not_a_torn_end(path: Path, sound: bytes) -> None:
    last = sound.splitlines(True)[-1]
    report = verify_bytes(path, sound + last)
    assert report.broken is not None
    assert report.broken.seq_found == COUNT


def test_a_row_that_was_changed_and_sealed_again_is_found(path: Path, sound: bytes) -> None:
    lines = sound.splitlines(True)
    body = lines[3][: -chain.HASH_FIELD_BYTES - 1].replace(b"at-3", b"at-4")
    lines[3] = chain.seal(body)[0]
    report = verify_bytes(path, b"".join(lines))
    assert report.broken is not None
    assert report.broken.line_number == 5


def test_a_seq_that_was_changed_and_sealed_again_is_found(path: Path) -> None:
    prev, lines = "0" * 64, []
    for seq in (1, 3):
        line, prev = chain.seal(b'{"seq":%d,"ts":1,"prev":"%b"' % (seq, prev.encode()))
        lines.append(line)
    report = verify_bytes(path, b"".join(lines))
    assert report.broken is not None
    assert (report.broken.seq_expected, report.broken.seq_found) == (2, 3)


def test_a_changed_line_with_anything_behind_it_is_not_a_torn_end(path: Path, sound: bytes) -> None:
    changed = sound[:-100] + b"#" + sound[-99:]
    assert verify_bytes(path, changed).holds
    assert verify_bytes(path, changed + b"{").broken is not None


def test_the_text_of_a_broken_chain_says_where_and_what_to_do(path: Path, sound: bytes) -> None:
    lines = sound.splitlines(True)
    report = verify_bytes(path, b"".join([*lines[:4], b"not a row\n", *lines[4:]]))
    text = report.text
    assert f"{path}: line 5 at byte {sum(map(len, lines[:4]))}" in text
    assert "expected seq 5" in text and "no seq at all" in text
    assert "restore" in text and "journal verify" in text


@pytest.mark.parametrize("chunk_bytes", [1, 7, 300, 4096])
def test_the_verdict_does_not_depend_on_where_a_chunk_ends(
    path: Path, sound: bytes, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = sound.splitlines(True)
    cases = [
        sound,
        sound[:-5],
        sound[:-100] + b"#" + sound[-99:],
        b"".join(lines[:5] + lines[6:]),
        b"".join([*lines[:5], lines[5].replace(b"at-", b"xx-"), *lines[6:]]),
        sound[:-100] + b"#" + sound[-99:] + b"{",
        sound + b"\n",
        sound + bytes(50),
    ]
    expected = [verify_bytes(path, case).text for case in cases]
    monkeypatch.setattr(chain, "_CHUNK_BYTES", chunk_bytes)
    assert [verify_bytes(path, case).text for case in cases] == expected


def test_a_long_run_of_zeros_at_the_end_is_torn_and_in_the_middle_broken(
    path: Path, sound: bytes
) -> None:
    zeros = bytes(3 * ROW_BYTES_MAX)
    report = verify_bytes(path, sound + zeros)
    assert (report.rows, report.torn_bytes, report.holds) == (COUNT, len(zeros), True)
    report = verify_bytes(path, sound + zeros + b"\n" + sound)
    assert report.broken is not None
    assert report.broken.line_number == COUNT + 1


def test_a_part_of_the_file_can_be_verified(path: Path, sound: bytes) -> None:
    path.write_bytes(sound + b"garbage\ngarbage\n")
    report = verify(path, end=len(sound))
    assert (report.rows, report.holds, report.torn_bytes) == (COUNT, True, 0)


def test_what_is_known_to_hold_is_not_verified_again(path: Path, sound: bytes) -> None:
    lines = sound.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    start = verify(path).end
    path.write_bytes(b"x" * start.offset + b"".join(lines[3:]))
    assert verify(path, start=start).rows == COUNT
    path.write_bytes(sound.replace(lines[4], lines[4].replace(b'"ts":', b'"tz":')))
    broken = verify(path, start=start).broken
    assert broken is not None
    assert (broken.line_number, broken.offset) == (5, len(b"".join(lines[:4])))
