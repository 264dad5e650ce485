"""A planted defect: a mistake somebody could make, as exact changes of one file's text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path("src") / "autotrade"


class DefectDoesNotApply(Exception):
    """The text that a defect changes is not in its file (exactly once) any more."""


@dataclass(frozen=True, slots=True)
class Change:
    """Replace `old`, which stands exactly once in the file, by `new`."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Defect:
    """`mistake` says what the programmer got wrong, `file` is below src/autotrade."""

    name: str
    mistake: str
    file: str
    changes: tuple[Change, ...]

    def plant(self, root: Path) -> Path:
        """Change the file in the copy of the repository at `root`; returns which file."""
        path = root / PACKAGE / self.file
        if not path.is_file():
            raise DefectDoesNotApply(
                f"{self.name}: expected the file {self.file}, was none; write the defect anew"
            )
        text = path.read_text(encoding="utf-8")
        for change in self.changes:
            count = text.count(change.old)
            if count != 1:
                raise DefectDoesNotApply(
                    f"{self.name}: expected once in {self.file} the text below, was {count} times; "
                    f"write the defect anew\n{change.old}"
                )
            text = text.replace(change.old, change.new)
        path.write_text(text, encoding="utf-8")
        return path


def defect(name: str, mistake: str, file: str, *texts: str) -> Defect:
    """`texts` are pairs: old, new, old, new ... A line break at a text's begin is cut."""
    cut = [text.removeprefix("\n") for text in texts]
    changes = [Change(old, new) for old, new in zip(cut[::2], cut[1::2], strict=True)]
    return Defect(name, mistake, file, tuple(changes))
