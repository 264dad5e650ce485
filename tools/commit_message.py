"""Is a commit's first line a Conventional Commit? Used as commit-msg hook: `FILE` is the message.

feat(connector): ask for the order again before sending it twice
fix!: sell what is really held
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

TYPES = (
    "feat",
    "fix",
    "perf",
    "refactor",
    "docs",
    "test",
    "build",
    "ci",
    "chore",
    "style",
    "revert",
)
_HEAD = re.compile(r"(?P<type>[a-z]+)(?:\((?P<scope>[^()]+)\))?(?P<breaking>!)?: (?P<text>\S.*)")
_BREAKING_FOOTER = re.compile(r"^BREAKING[ -]CHANGE: ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CommitMessage:
    type: str
    scope: str | None
    text: str
    is_breaking: bool


def parse(message: str) -> CommitMessage | None:
    """The message's meaning, or None when it is not a Conventional Commit."""
    match = _HEAD.fullmatch(message.splitlines()[0].strip() if message.strip() else "")
    if match is None or match["type"] not in TYPES:
        return None
    is_breaking = bool(match["breaking"] or _BREAKING_FOOTER.search(message))
    return CommitMessage(match["type"], match["scope"], match["text"], is_breaking)


def main(words: list[str]) -> int:
    message = Path(words[0]).read_text(encoding="utf-8")
    if message.startswith(("Merge ", "Revert ")) or parse(message) is not None:
        return 0
    sys.stderr.write(
        f"expected `type(scope): text` with a type of {', '.join(TYPES)}; was: "
        f"{message.splitlines()[0] if message.strip() else 'nothing'}\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
