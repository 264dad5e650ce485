"""The small programs that make releases, check commits and draw the diagram."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.class_diagram import render
from tools.commit_message import parse
from tools.release import date_changelog, next_version, read_version


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("feat: a", ("feat", None, "a", False)),
        ("fix(journal): b c", ("fix", "journal", "b c", False)),
        ("feat!: c", ("feat", None, "c", True)),
        ("refactor(core)!: d", ("refactor", "core", "d", True)),
        ("fix: e\n\nBREAKING CHANGE: f", ("fix", None, "e", True)),
    ],
)
def test_conventional_commits_are_understood(message: str, meaning: tuple[object, ...]) -> None:
    commit = parse(message)
    assert commit is not None
    assert (commit.type, commit.scope, commit.text, commit.is_breaking) == meaning


@pytest.mark.parametrize("message", ["", "update", "feat a", "feat:", "feature: x", "Feat: x"])
def test_other_messages_are_not(message: str) -> None:
    assert parse(message) is None


@pytest.mark.parametrize(
    ("current", "messages", "expected"),
    [
        ((1, 2, 3), ["docs: a", "chore: b", "not conventional"], None),
        ((1, 2, 3), ["fix: a", "docs: b"], (1, 2, 4)),
        ((1, 2, 3), ["perf: a"], (1, 2, 4)),
        ((1, 2, 3), ["fix: a", "feat: b"], (1, 3, 0)),
        ((1, 2, 3), ["feat: a", "fix!: b"], (2, 0, 0)),
        ((0, 2, 3), ["feat!: a"], (0, 3, 0)),
        ((0, 1, 0), [], None),
    ],
)
def test_the_next_version_follows_from_the_commits(
    current: tuple[int, int, int], messages: list[str], expected: tuple[int, int, int] | None
) -> None:
    assert next_version(current, messages) == expected


def test_the_changelog_gets_its_date_and_gives_the_notes() -> None:
    before = (
        "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- x\n\n## [0.1.0] - 2024-01-01\n\n- y\n"
    )
    dated, notes = date_changelog(before, "0.2.0", "2024-02-02")
    assert "## [Unreleased]\n\n## [0.2.0] - 2024-02-02\n\n### Added\n\n- x\n" in dated
    assert notes == "### Added\n\n- x\n"
    with pytest.raises(ValueError, match=r"expected a line ## \[Unreleased\]"):
        date_changelog("# Changelog\n", "0.2.0", "2024-02-02")


def test_the_version_is_read_from_pyproject() -> None:
    assert read_version('[project]\nversion = "1.20.3"\n') == (1, 20, 3)


def test_the_diagram_shows_fields_methods_and_who_holds_whom(tmp_path: Path) -> None:
    folder = tmp_path / "domain" / "entities"
    folder.mkdir(parents=True)
    (folder / "things.py").write_text(
        "from enum import Enum\n"
        "class Kind(Enum):\n    A = 1\n"
        "class Part:\n    size: int\n    def grow(self, by): ...\n    def _hidden(self): ...\n"
        "class Whole(Part):\n    kind: Kind | None\n    def __init__(self, part: Part): ...\n"
        "class _Private: ...\n"
    )
    text = render(tmp_path)
    for line in ("enum Kind {", "    A", "    size: int", "    grow(by)", "Part <|-- Whole"):
        assert line in text
    assert "Whole --> Kind" in text
    assert "Whole --> Part" in text
    assert "hidden" not in text
    assert "_Private" not in text
