"""SignalCooldownManager: each waiting time and the distance, on both sides of their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from autotrade.domain.decisions import Check, RefusalReason
from autotrade.domain.services.trading.signal_cooldown_manager import SignalCooldownManager
from autotrade.domain.settings import SignalCooldownSettings

TS = 1_700_000_000_000


def checks(
    *,
    entry_price: str = "100",
    last_approved_ts: int | None = None,
    last_loss_ts: int | None = None,
    open_entries: Sequence[str] = (),
    **changes: Any,
) -> list[Check]:
    manager = SignalCooldownManager(replace(SignalCooldownSettings(), **changes))
    return manager.checks(
        ts=TS,
        entry_price=Decimal(entry_price),
        last_approved_ts=last_approved_ts,
        last_loss_ts=last_loss_ts,
        open_entries=[Decimal(entry) for entry in open_entries],
    )


def test_nothing_happened_before() -> None:
    assert checks() == [
        Check("cooldown_signal", True, "none", "60 s", "no last signal yet"),
        Check("cooldown_loss", True, "none", "600 s", "no last loss yet"),
        Check("entry_distance", True, "none", "0.10%", "no open entry on the pair"),
    ]


@pytest.mark.parametrize(
    ("elapsed_ms", "passed", "text"),
    [
        (0, False, "time since last signal 0 s < 60 s"),
        (37_000, False, "time since last signal 37 s < 60 s"),
        (59_999, False, "time since last signal 59.999 s < 60.000 s"),
        (60_000, True, "time since last signal 60 s >= 60 s"),
        (75_000, True, "time since last signal 75 s >= 60 s"),
    ],
)
def test_time_since_the_last_signal(elapsed_ms: int, passed: bool, text: str) -> None:
    found, loss, _ = checks(last_approved_ts=TS - elapsed_ms)
    assert (found.name, found.passed, found.text) == ("cooldown_signal", passed, text)
    assert found.reason is (None if passed else RefusalReason.COOLDOWN_SIGNAL)
    assert loss.passed
    assert checks(last_approved_ts=TS - elapsed_ms, after_signal_seconds=0.0)[0].passed


@pytest.mark.parametrize(("elapsed_ms", "passed"), [(599_999, False), (600_000, True)])
def test_time_since_the_last_loss(elapsed_ms: int, passed: bool) -> None:
    signal, found, _ = checks(last_loss_ts=TS - elapsed_ms)
    assert (found.name, found.passed) == ("cooldown_loss", passed)
    assert found.reason is (None if passed else RefusalReason.COOLDOWN_LOSS)
    assert found.text.startswith("time since last loss ")
    assert signal.passed
    assert checks(last_loss_ts=TS - elapsed_ms, after_loss_seconds=599.0)[1].passed


@pytest.mark.parametrize(
    ("entries", "passed", "text"),
    [
        (["100"], False, "distance from open entry 0.00% < 0.10%"),
        (["99.95"], False, "distance from open entry 0.05% < 0.10%"),
        (["100.05", "90"], False, "distance from open entry 0.05% < 0.10%"),
        (["90", "110"], True, "distance from open entry 9.09% >= 0.10%"),
        (["100.2", "99.8"], True, "distance from open entry 0.1996% >= 0.1000%"),
    ],
)
def test_distance_from_the_nearest_open_entry(entries: list[str], passed: bool, text: str) -> None:
    found = checks(open_entries=entries)[2]
    assert found.name == "entry_distance"
    assert found.passed is passed
    assert found.reason is (None if passed else RefusalReason.ENTRY_DISTANCE)
    assert found.text == text or passed


def test_distance_at_its_limit() -> None:
    assert checks(entry_price="100.1", open_entries=["100"])[2].passed
    assert not checks(entry_price="100.0999", open_entries=["100"])[2].passed
    assert checks(entry_price="99.9", open_entries=["100"])[2].passed
    assert not checks(entry_price="99.9001", open_entries=["100"])[2].passed
    same = checks(open_entries=["100"], min_entry_distance_percent=Decimal(0))[2]
    assert same.passed
