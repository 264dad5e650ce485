"""A data folder as a whole, and what the audit may not touch or know."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

import autotrade.infrastructure.audit as package
from autotrade.infrastructure.audit import audit_folder
from tests.unit.audit.story import sound_story

MODULES = sorted(Path(package.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_it_shares_no_code_with_what_it_checks(path: Path) -> None:
    """The standard library, a JSON parser and itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            is_own = name.startswith("autotrade.infrastructure.audit")
            is_allowed = name.partition(".")[0] in {*sys.stdlib_module_names, "orjson"}
            assert is_own or is_allowed, f"{path.name} imports {name}"


def write(folder: Path, lines: list[bytes], deals: list[dict[str, Any]], seq: int) -> None:
    (folder / "journal.jsonl").write_bytes(b"".join(lines))
    snapshot = {"format": "autotrade snapshot", "name": "deals", "seq": seq, "items": deals}
    (folder / "deals.json").write_bytes(orjson.dumps(snapshot))


def shown_deal(**changes: Any) -> dict[str, Any]:
    deal = {
        "id": 1,
        "status": "CLOSED",
        "bought": "0.5",
        "cost": "50",
        "sold": "0.4995",
        "proceeds": "54.945",
        "dust_in": "0",
        "dust_out": "0",
        "pnl_net": "4.895",
    }
    return {**deal, **changes}


def test_the_bots_own_figures_agree(tmp_path: Path) -> None:
    write(tmp_path, sound_story().lines(), [shown_deal()], 20)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    report = audit_folder(tmp_path)
    assert (report.violations, report.notes) == ([], [])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "changes", [{"pnl_net": "4.9"}, {"sold": "0.5"}, {"status": "OPEN"}, {"id": 2}]
)
def test_a_figure_that_the_fills_deny(tmp_path: Path, changes: dict[str, Any]) -> None:
    write(tmp_path, sound_story().lines(), [shown_deal(**changes)], 20)
    assert [one.code for one in audit_folder(tmp_path).violations] == ["deal_numbers"]


def test_figures_of_another_moment_are_not_compared(tmp_path: Path) -> None:
    old, young = shown_deal(status="OPEN", sold="0"), shown_deal()
    write(tmp_path, sound_story().lines(), [old], 12)
    assert audit_folder(tmp_path).violations == []
    write(tmp_path, sound_story().lines()[:12], [young], 20)
    report = audit_folder(tmp_path)
    assert report.violations == [] and "younger" in report.notes[-1]


@pytest.mark.parametrize("content", [b"{", b"{}", b'{"seq":20,"items":[{"id":1}]}'])
def test_a_damaged_deals_file_is_a_note(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, sound_story().lines(), [], 20)
    (tmp_path / "deals.json").write_bytes(content)
    report = audit_folder(tmp_path)
    assert report.violations == [] and "deals.json" in report.notes[0]


def test_a_journal_that_grows_is_read_to_where_it_was(tmp_path: Path) -> None:
    lines = sound_story().lines()
    write(tmp_path, lines, [], 20)
    size = sum(map(len, lines[:12]))
    report = audit_folder(tmp_path, bytes_max=size)
    assert (report.rows, report.violations) == (12, [])
    report = audit_folder(tmp_path, bytes_max=size + 30)
    assert report.rows == 12 and "torn_tail" in report.notes[0]


def test_a_folder_without_a_journal(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"found no journal\.jsonl there"):
        audit_folder(tmp_path)
