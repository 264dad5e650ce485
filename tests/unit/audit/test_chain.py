"""The audit's own view of the hash chain."""

from __future__ import annotations

import pytest

from autotrade.infrastructure.audit import AuditReport, audit_lines
from tests.unit.audit.story import sound_story


def codes(report: AuditReport) -> list[tuple[str, int | None]]:
    return [(one.code, one.seq) for one in report.violations]


def chain_codes(lines: list[bytes]) -> list[tuple[str, int | None]]:
    return [one for one in codes(audit_lines(lines)) if one[0] in ("chain_broken", "seq_gap")]


@pytest.mark.parametrize("end", [b"\n", b"", b"\r\n"])
def test_lines_with_and_without_their_ends(end: bytes) -> None:
    lines = [line.rstrip(b"\n") + end for line in sound_story().lines()]
    assert audit_lines(iter(lines)).is_clean


def test_a_changed_row_is_named_once() -> None:
    lines = sound_story().lines()
    lines[16] = lines[16].replace(b"0.41%", b"0.29%")
    assert codes(audit_lines(lines)) == [("chain_broken", 17)]


def test_a_changed_last_row() -> None:
    """It can be read, so it is no torn write."""
    lines = sound_story().lines()
    lines[-1] = lines[-1].replace(b"done", b"gone")
    assert codes(audit_lines(lines)) == [("chain_broken", 20)]


def test_a_row_with_a_new_hash_of_its_own() -> None:
    """Whoever changes a row and seals it anew breaks the chain at the next one."""
    story = sound_story()
    honest = story.lines()
    story.rows[1]["data"]["rules"]["minimum_notional"] = "6"
    forged = story.lines()
    assert codes(audit_lines([honest[0], forged[1], *honest[2:]])) == [("chain_broken", 3)]


def test_a_missing_row() -> None:
    lines = sound_story().lines()
    del lines[16]
    assert chain_codes(lines) == [("chain_broken", 18), ("seq_gap", 18)]


def test_a_row_twice() -> None:
    lines = sound_story().lines()
    lines.insert(16, lines[16])
    assert chain_codes(lines) == [("chain_broken", 17), ("seq_gap", 17)]


def test_a_journal_without_its_beginning() -> None:
    assert chain_codes(sound_story().lines()[1:]) == [("chain_broken", 2), ("seq_gap", 2)]


@pytest.mark.parametrize("bad", [b"\n", b"{}\n", b'{"seq":"3"}\n', b"\x00\xff\n", b"[1]\n"])
def test_a_line_in_the_middle_that_is_no_row(bad: bytes) -> None:
    lines = sound_story().lines()
    lines[16] = bad
    assert chain_codes(lines) == [("chain_broken", None)]


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_torn_last_row_is_a_note(kept: int) -> None:
    lines = sound_story().lines()
    torn = lines[-1].rstrip(b"\n")[:kept]
    report = audit_lines([*lines[:-1], torn])
    assert report.is_clean and report.rows == 19
    assert len(report.notes) == 1 and "torn_tail" in report.notes[0]


def test_nothing_at_all() -> None:
    report = audit_lines([])
    assert (report.is_clean, report.rows, report.balances) == (True, 0, {})
