"""The one error of configuration: one sentence for each thing that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

_SHOWN_CHARACTERS_MAX = 60


class ConfigurationError(Exception):
    """Settings that cannot be used. `problems` holds a sentence for each; none holds a secret."""

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


def shown(value: object) -> str:
    """A value as an error may show it: quoted, and cut when it is long."""
    text = str(value) if not isinstance(value, str) else f'"{value}"'
    if isinstance(value, bool):
        text = text.lower()
    if value is None:
        text = "null"
    if len(text) > _SHOWN_CHARACTERS_MAX:
        text = f"{text[:_SHOWN_CHARACTERS_MAX]}..."
    return text.replace("\n", " ")


def nearest(name: str, valid: Sequence[str]) -> str:
    """The valid name that looks most like `name`."""
    by_folded = {candidate.casefold(): candidate for candidate in valid}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.0)
    return by_folded[found[0]]
