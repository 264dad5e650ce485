"""Windows that follow one another, what is kept of the promise, and where the future is cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.statistics import (
    truncation_points,
    walk_forward_efficiency,
    walk_forward_windows,
)
from autotrade.infrastructure.statistics.checks import DAY_MS


def in_days(start: int, end: int, *rest: object) -> list[tuple[int, int, int]]:
    windows = walk_forward_windows(start * DAY_MS, end * DAY_MS, *rest)  # type: ignore[arg-type]
    return [
        (w.train_start_ts // DAY_MS, w.test_start_ts // DAY_MS, w.test_end_ts // DAY_MS)
        for w in windows
    ]


def test_rolling_windows_by_hand() -> None:
    assert in_days(0, 100, 40, 20) == [(0, 40, 60), (20, 60, 80), (40, 80, 100)]
    assert in_days(0, 119, 40, 20) == in_days(0, 100, 40, 20)


def test_anchored_windows_train_on_everything_before() -> None:
    assert in_days(10, 90, 40, 20, True) == [(10, 50, 70), (10, 70, 90)]


def test_a_span_without_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 60 days for one window of 40 .* was 59"):
        in_days(0, 59, 40, 20)
    with pytest.raises(ValueError, match="days above 0, was 0 and 20"):
        in_days(0, 59, 0, 20)
    with pytest.raises(ValueError, match="at most 10000 windows"):
        in_days(0, 20_000, 1, 1)


def test_efficiency_by_hand() -> None:
    # 40 earned in 80 days of choosing, 10 in 40 of testing: 0.25 of 0.5 a day.
    windows = walk_forward_windows(0, 80 * DAY_MS, 40, 20)
    found = walk_forward_efficiency(windows, [30.0, 10.0], [15.0, -5.0])
    assert found.efficiency == pytest.approx(0.5)
    assert found.train_profit_per_day == pytest.approx(0.5)
    assert found.test_profit_per_day == pytest.approx(0.25)
    assert (found.profitable_windows, found.windows) == (1, 2)
    assert json.loads(json.dumps(found.as_dict()))["reason"] is None


def test_efficiency_of_nothing_earned_has_no_value() -> None:
    windows = walk_forward_windows(0, 80 * DAY_MS, 40, 20)
    found = walk_forward_efficiency(windows, [1.0, -2.0], [3.0, 4.0])
    assert found.efficiency is None
    assert found.reason is not None
    assert "nothing was earned in sample" in found.reason


def test_efficiency_of_other_windows_is_refused() -> None:
    windows = walk_forward_windows(0, 80 * DAY_MS, 40, 20)
    with pytest.raises(ValueError, match="each of 2 windows, was 1 and 2"):
        walk_forward_efficiency(windows, [1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="at least one window"):
        walk_forward_efficiency([], [], [])
    with pytest.raises(ValueError, match="finite numbers in test, was nan"):
        walk_forward_efficiency(windows, [1.0, 1.0], [1.0, float("nan")])


@given(
    st.integers(0, 2000),
    st.integers(1, 600),
    st.integers(1, 100),
    st.integers(1, 50),
    st.booleans(),
)
def test_tests_follow_one_another_and_training_never_sees_them(
    start: int, length: int, train: int, test: int, anchored: bool
) -> None:
    if length < train + test:
        with pytest.raises(ValueError, match="at least"):
            in_days(start, start + length, train, test, anchored)
        return
    windows = in_days(start, start + length, train, test, anchored)
    for (begin, cut, end), after in zip(windows, [*windows[1:], None], strict=True):
        assert start <= begin < cut < end <= start + length
        assert end - cut == test
        assert cut - begin >= train if anchored else cut - begin == train
        if after is not None:
            assert after[1] == end
    assert start + length - windows[-1][2] < test


@given(st.integers(2, 5000), st.integers(1, 60), st.integers(0, 2**32))
def test_cuts_rise_and_leave_no_part_out(length: int, count: int, seed: int) -> None:
    points = truncation_points(length, count, seed)
    assert points == truncation_points(length, count, seed)
    assert len(points) == min(count, length - 1)
    assert list(points) == sorted(set(points))
    assert points[0] >= 1
    assert points[-1] <= length - 1
    stretch = (length - 1) / len(points)
    assert all(int(stretch * k) < point <= stretch * (k + 1) + 1 for k, point in enumerate(points))


def test_nothing_to_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 candles to cut, was 1"):
        truncation_points(1, 5, 1)
    with pytest.raises(ValueError, match="points of 1 or more, was 0"):
        truncation_points(10, 0, 1)
    assert truncation_points(4, 10, 1) == (1, 2, 3)
