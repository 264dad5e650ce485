"""Histogram and heat map: every deal in one bar, every result in its cell."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.reports.drawings import distribution, find_heat_map, heat_map
from autotrade.infrastructure.reports.figures import span


def counted(drawing: str) -> tuple[int, int]:
    """Deals in bars that lost and in bars that gained."""
    found = {"loss": 0, "gain": 0}
    for kind, count in re.findall(r'<rect class="(\w+)".*?: ([\d,]+) deals?</title>', drawing):
        found[kind] += int(count.replace(",", ""))
    return found["loss"], found["gain"]


@given(st.lists(st.floats(-0.9, 3.0), min_size=1, max_size=200))
def test_every_deal_is_counted_on_its_side_of_zero(returns: list[float]) -> None:
    # A result that is rounding away from zero may stand on either side of it.
    returns = [round(value, 4) for value in returns]
    lost = sum(value < 0 for value in returns)
    assert counted(distribution(returns)) == (lost, len(returns) - lost)


def test_one_odd_deal_does_not_squeeze_the_others() -> None:
    drawing = distribution([0.001 * number for number in range(-200, 200)] + [90.0])
    assert drawing.count("<rect") > 20


def test_no_deals_no_drawing() -> None:
    assert distribution([]) == ""


MAP = {
    "x": {"name": "fast", "values": [8, 12, 16]},
    "y": {"name": "slow", "values": [21, 26]},
    "net": [[1.0, -2.0, None], ["3.5", 0.0, -250.0]],
}


def test_a_heat_map_has_every_cell_with_its_settings() -> None:
    drawing = heat_map(MAP)
    assert drawing.count("<rect") == 6
    assert "fast 12, slow 21: -2.00" in drawing and "fast 8, slow 26: 3.50" in drawing
    assert "fast 16, slow 21: not run" in drawing
    strongest = re.search(r'class="loss" fill-opacity="([\d.]+)"[^>]*><title>[^<]*-250', drawing)
    assert strongest is not None and float(strongest[1]) == 0.8


def test_a_heat_map_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 rows of 3 results"):
        heat_map({**MAP, "net": [[1.0, 2.0]]})


def test_a_heat_map_is_found_wherever_the_result_keeps_it() -> None:
    assert find_heat_map({"id": "a", "sweep": {"trials": 4, "heat_map": MAP}}) is MAP
    assert find_heat_map({"id": "a", "sweep": MAP}) is MAP
    assert find_heat_map(MAP) is MAP
    assert find_heat_map({"id": "a", "statistics": {"x": 1}}) is None


@pytest.mark.parametrize(
    ("length_ms", "words"),
    [(0, "0 s"), (61_000, "1 min 1 s"), (3_600_000, "1 h"), (90_061_000, "1 d 1 h"), (None, "-")],
)
def test_spans(length_ms: float | None, words: str) -> None:
    assert span(length_ms) == words
