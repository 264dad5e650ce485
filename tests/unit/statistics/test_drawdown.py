"""Drawdowns by hand, and against the slow obvious way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.statistics.checks import DAY_MS
from autotrade.infrastructure.statistics.drawdown import (
    max_drawdown,
    path_drawdowns,
    underwater,
)

from .samples import curve_of, day_returns, days, equities


def test_a_fall_that_recovers() -> None:
    fall = max_drawdown(days(7), [100.0, 120.0, 90.0, 60.0, 110.0, 130.0, 125.0])
    assert fall.depth == pytest.approx(0.5)
    assert (fall.peak_ts, fall.trough_ts) == (DAY_MS, 3 * DAY_MS)
    assert fall.recovered_ts == 5 * DAY_MS
    assert fall.is_recovered
    assert fall.length_ms == 4 * DAY_MS
    assert fall.longest_ms == 4 * DAY_MS


def test_a_fall_without_end_lasts_to_the_end() -> None:
    fall = max_drawdown(days(5), [100.0, 80.0, 100.0, 50.0, 99.0])
    assert fall.depth == pytest.approx(0.5)
    assert fall.recovered_ts is None
    assert not fall.is_recovered
    assert fall.length_ms == 2 * DAY_MS


def test_the_longest_need_not_be_the_deepest() -> None:
    fall = max_drawdown(days(8), [100.0, 99.0, 98.0, 99.0, 100.0, 50.0, 101.0, 100.0])
    assert fall.depth == pytest.approx(0.5)
    assert fall.length_ms == 2 * DAY_MS
    assert fall.longest_ms == 4 * DAY_MS


def test_a_long_time_at_a_peak_is_no_drawdown() -> None:
    fall = max_drawdown([0, 50, 51, 52], [100.0, 101.0, 90.0, 101.0])
    assert fall.longest_ms == fall.length_ms == 2
    fall = max_drawdown([0, 1, 2, 90, 91], [100.0, 50.0, 100.0, 100.0, 99.0])
    assert fall.longest_ms == fall.length_ms == 2


def test_a_curve_that_never_falls() -> None:
    for equity in ([100.0], [100.0, 100.0], [1.0, 2.0, 3.0]):
        fall = max_drawdown(days(len(equity)), equity)
        assert (fall.depth, fall.length_ms, fall.longest_ms) == (0.0, 0, 0)
        assert fall.is_recovered


def test_a_total_loss_is_a_drawdown_of_one() -> None:
    fall = max_drawdown(days(3), [100.0, 0.0, 0.0])
    assert fall.depth == 1.0
    assert fall.length_ms == fall.longest_ms == 2 * DAY_MS


def test_a_first_day_that_falls_counts_from_the_start() -> None:
    assert path_drawdowns(np.array([[-0.5, 0.1], [0.1, 0.2]])).tolist() == pytest.approx([0.5, 0])


@given(equities)
def test_agrees_with_looking_at_every_pair(equity: list[float]) -> None:
    fall = max_drawdown(days(len(equity)), equity)
    slow = max(1 - later / equity[i] for i in range(len(equity)) for later in equity[i:])
    assert fall.depth == pytest.approx(slow, abs=1e-12)
    below_ms = [0]
    for start, peak in enumerate(equity):
        end = start
        while end + 1 < len(equity) and equity[end + 1] < peak:
            end += 1
        if end > start:
            last = min(end + 1, len(equity) - 1)
            below_ms.append((last - start) * DAY_MS)
    assert fall.longest_ms == max(below_ms)
    assert fall.length_ms <= fall.longest_ms


@given(equities, st.floats(0.001, 1000.0))
def test_does_not_know_the_unit_and_stays_in_bounds(equity: list[float], scale: float) -> None:
    depths = underwater(equity)
    assert np.all((depths >= 0) & (depths <= 1))
    assert underwater(np.array(equity) * scale) == pytest.approx(depths, abs=1e-9)


@given(equities, equities)
def test_more_days_never_make_it_shallower(equity: list[float], more: list[float]) -> None:
    whole = equity + more
    assert (
        max_drawdown(days(len(whole)), whole).depth >= max_drawdown(days(len(equity)), equity).depth
    )


@given(day_returns)
def test_paths_agree_with_the_curve(returns: list[float]) -> None:
    values = np.array(returns)
    curve = curve_of(values)
    assert path_drawdowns(values[None, :])[0] == pytest.approx(
        max_drawdown(days(curve.size), curve).depth, abs=1e-12
    )
