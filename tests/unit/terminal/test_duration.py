"""10m, 180s, 1h30m: read and written."""

from __future__ import annotations

import pytest

from autotrade.infrastructure.terminal.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("180s", 180), ("1h30m", 5400), ("2d", 172_800), ("1H5S", 3605), (" 3m ", 180)],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "10", "m", "0s", "-3m", "3 m", "1.5h", "30m1h", "10x", "\u0663m"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration like 10m, 180s or 1h30m, was"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (3.24, "3.2s"),
        (59, "59s"),
        (760, "12m 40s"),
        (5400, "1h 30m"),
        (90_061, "1d 1h"),
    ],
)
def test_durations_are_written_with_two_units(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
