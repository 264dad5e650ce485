"""The planted defects still fit the sources, and the tool says what became of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tools.bite import UNCHANGED, Finding, Plan, Verdict, exit_code, table
from tools.planted_defects import DEFECTS, KNOWN_SURVIVORS
from tools.planting import PACKAGE, Defect, DefectDoesNotApply, defect

from tests.unit.house.sources import ROOT

PLAN = Plan(seeds=40, first_seed=0, hours=2.0)


def copy_of(planted: Defect, folder: Path) -> Path:
    path = folder / PACKAGE / planted.file
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / PACKAGE / planted.file, path)
    return path


def finding(name: str, verdict: Verdict, seeds: int = 3) -> Finding:
    invariant = "books_are_equal" if verdict is Verdict.FOUND else ""
    return Finding(name, "a mistake", verdict, seeds, invariant, 12.5, "why", 1.0)


@pytest.mark.parametrize("planted", DEFECTS, ids=lambda planted: planted.name)
def test_a_defect_changes_its_file_into_another_program(planted: Defect, tmp_path: Path) -> None:
    path = copy_of(planted, tmp_path)
    before = path.read_text(encoding="utf-8")

    planted.plant(tmp_path)

    after = path.read_text(encoding="utf-8")
    assert after != before
    compile(after, planted.file, "exec")


def test_there_are_enough_defects_and_no_name_twice() -> None:
    names = [planted.name for planted in DEFECTS]
    assert len(names) >= 30
    assert len(set(names)) == len(names)


def test_known_survivors_are_defects_with_a_reason() -> None:
    assert set(KNOWN_SURVIVORS) <= {planted.name for planted in DEFECTS}
    assert all(survivor.why for survivor in KNOWN_SURVIVORS.values())


@pytest.mark.parametrize(
    "node", sorted({survivor.test for survivor in KNOWN_SURVIVORS.values() if survivor.test})
)
def test_the_test_that_finds_a_survivor_exists(node: str) -> None:
    file, name = node.split("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def test_a_defect_whose_text_is_gone_says_so(tmp_path: Path) -> None:
    gone = defect("gone", "nothing", "domain/state.py", "no such text stands there", "x")
    copy_of(gone, tmp_path)

    with pytest.raises(DefectDoesNotApply, match=r"gone: expected once in domain/state\.py"):
        gone.plant(tmp_path)


def test_a_text_that_stands_twice_is_not_guessed_at(tmp_path: Path) -> None:
    twice = defect("twice", "nothing", "domain/state.py", "import", "x")
    copy_of(twice, tmp_path)

    with pytest.raises(DefectDoesNotApply, match="write the defect anew"):
        twice.plant(tmp_path)


@pytest.mark.parametrize(
    ("unchanged", "planted", "code"),
    [
        (Verdict.SURVIVED, Verdict.FOUND, 0),
        (Verdict.SURVIVED, Verdict.KNOWN_SURVIVOR, 0),
        (Verdict.SURVIVED, Verdict.FOUND_BY_TEST, 0),
        (Verdict.SURVIVED, Verdict.SURVIVED, 1),
        (Verdict.FOUND, Verdict.FOUND, 1),
        (Verdict.SURVIVED, Verdict.NOT_TRIED, 2),
    ],
)
def test_the_exit_code_says_whether_everything_was_found(
    unchanged: Verdict, planted: Verdict, code: int
) -> None:
    assert exit_code([finding(UNCHANGED, unchanged), finding("one", planted)]) == code


def test_the_table_names_seeds_invariant_and_survivors() -> None:
    findings = [
        finding(UNCHANGED, Verdict.SURVIVED),
        finding("one", Verdict.FOUND),
        finding("other", Verdict.SURVIVED),
        finding("third", Verdict.FOUND_BY_TEST),
    ]

    text = table(findings, PLAN)

    assert "| one | a mistake | 3 | books_are_equal |" in text
    assert "1 of 3 defects found in at most 40 worlds of 2 hours, 1 more by the test" in text
    assert "| third | a mistake | - | found by its test |" in text
    assert "survived: other" in text


def test_a_broken_start_is_told_in_the_table() -> None:
    text = table([finding(UNCHANGED, Verdict.FOUND), finding("one", Verdict.FOUND)], PLAN)

    assert "what is said above proves nothing" in text
