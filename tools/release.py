"""The next version from the Conventional Commits since the last tag.

A breaking change raises the first number (the second one while the version is 0.x), `feat` the
second, `fix` and `perf` the third; other commits release nothing. `--write` puts the version into
pyproject.toml, dates the changelog's Unreleased section and writes its text to release-notes.md.
Prints `version=...` and `released=true|false` for the workflow.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.commit_message import parse

Version = tuple[int, int, int]
_VERSION_LINE = re.compile(r'^version = "(\d+)\.(\d+)\.(\d+)"$', re.MULTILINE)
_UNRELEASED = "## [Unreleased]"


def next_version(current: Version, messages: Sequence[str]) -> Version | None:
    """The version that these commits make, or None when they release nothing."""
    commits = [commit for commit in map(parse, messages) if commit is not None]
    major, minor, patch = current
    if any(commit.is_breaking for commit in commits):
        return (0, minor + 1, 0) if major == 0 else (major + 1, 0, 0)
    if any(commit.type == "feat" for commit in commits):
        return major, minor + 1, 0
    if any(commit.type in ("fix", "perf") for commit in commits):
        return major, minor, patch + 1
    return None


def date_changelog(changelog: str, version: str, day: str) -> tuple[str, str]:
    """(the changelog with its Unreleased section turned into this version, that section's text)."""
    head, mark, rest = changelog.partition(_UNRELEASED)
    if not mark:
        raise ValueError(f"expected a line {_UNRELEASED} in CHANGELOG.md, was none; add it")
    notes, _, _ = rest.partition("\n## [")
    dated = f"{head}{_UNRELEASED}\n\n## [{version}] - {day}{rest}"
    return dated, notes.strip() + "\n"


def read_version(pyproject: str) -> Version:
    match = _VERSION_LINE.search(pyproject)
    if match is None:
        raise ValueError('expected a line version = "x.y.z" in pyproject.toml, was none; add it')
    return int(match[1]), int(match[2]), int(match[3])


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def _messages_since_last_tag() -> list[str]:
    tags = _git("tag", "--list", "v*", "--sort=-version:refname", "--merged").split()
    since = [f"{tags[0]}..HEAD"] if tags else ["HEAD"]
    return [
        text.strip() for text in _git("log", "--format=%B%x00", *since).split("\0") if text.strip()
    ]


def main(words: list[str]) -> int:
    pyproject = ROOT / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    version = next_version(read_version(text), _messages_since_last_tag())
    if version is None:
        sys.stdout.write("released=false\n")
        return 0
    name = ".".join(str(number) for number in version)
    if "--write" in words:
        pyproject.write_text(_VERSION_LINE.sub(f'version = "{name}"', text), encoding="utf-8")
        changelog = ROOT / "CHANGELOG.md"
        day = datetime.now(UTC).date().isoformat()
        dated, notes = date_changelog(changelog.read_text(encoding="utf-8"), name, day)
        changelog.write_text(dated, encoding="utf-8")
        (ROOT / "release-notes.md").write_text(notes, encoding="utf-8")
    sys.stdout.write(f"released=true\nversion={name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
