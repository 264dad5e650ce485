"""Secrets that this process has read, and the eraser that keeps them out of all text."""

from __future__ import annotations

MASK = "**********"
_LENGTH_MIN = 6
"""Shorter values are not searched for: masking "a" would destroy every line."""

_known: list[str] = []


def protect(*secrets: str | None) -> None:
    """From now on `clean` erases these. A PEM text is erased line by line."""
    for secret in secrets:
        for line in (secret or "").splitlines():
            text = line.strip()
            if len(text) >= _LENGTH_MIN and not text.startswith("-----") and text not in _known:
                _known.append(text)
    _known.sort(key=len, reverse=True)


def clean(text: str) -> str:
    """The text with every known secret replaced by asterisks."""
    for secret in _known:
        text = text.replace(secret, MASK)
    return text
