"""Durations as people write them: 10m, 180s, 1h30m."""

from __future__ import annotations

import re

_UNIT_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PATTERN = re.compile("(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")


def parse_duration(text: str) -> int:
    """Whole seconds, at least one; raises ValueError with a sentence."""
    match = _PATTERN.fullmatch(text.strip().lower())
    parts = match.groups() if match else ()
    units = _UNIT_SECONDS.values()
    seconds = sum(int(part) * unit for part, unit in zip(parts, units, strict=False) if part)
    if seconds == 0:
        raise ValueError(
            f'expected a duration like 10m, 180s or 1h30m, was "{text}"; write number and unit'
        )
    return seconds


def format_duration(seconds: float) -> str:
    """Two biggest units: `1h 30m`, `12m 40s`, `3.2s`."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    rest, words = round(seconds), []
    for unit, length in _UNIT_SECONDS.items():
        count, rest = divmod(rest, length)
        if count:
            words.append(f"{count}{unit}")
    return " ".join(words[:2])
