"""Parameters of a strategy: declared once, read from texts, held in their bounds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt
from hypothesis import given
from hypothesis import strategies as st

from autotrade.domain.strategies.parameters import ParameterFault, declared, parameter, parse


@dataclass(frozen=True, slots=True)
class Sample:
    period: Annotated[int, Ge(2), Le(50)] = parameter(20, "candles")
    k: Annotated[float, Gt(0), Lt(10)] = parameter(0.5, "part")
    money: Decimal = parameter(Decimal("1.5"), "quote")
    is_on: bool = parameter(False, "switch")
    side: Literal["high", "close"] = parameter("close", "which price")
    word: str = parameter("a", "text")


def test_nothing_given_is_every_default() -> None:
    assert parse(Sample, {}) == Sample()


@pytest.mark.parametrize(
    ("name", "given_value", "value"),
    [
        ("period", "7", 7),
        ("period", Decimal("7.0"), 7),
        ("k", "0.25", 0.25),
        ("k", 3, 3.0),
        ("money", "0.10", Decimal("0.10")),
        ("is_on", "true", True),
        ("is_on", False, False),
        ("side", "high", "high"),
        ("word", " b ", " b "),
    ],
)
def test_texts_and_numbers_become_the_declared_type(
    name: str, given_value: Any, value: object
) -> None:
    found = getattr(parse(Sample, {name: given_value}), name)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("period", "1", "a whole number at least 2 and at most 50"),
        ("period", 51, "a whole number at least 2 and at most 50"),
        ("period", "7.5", "a whole number at least 2 and at most 50"),
        ("period", True, "a whole number at least 2 and at most 50"),
        ("period", "many", "a whole number at least 2 and at most 50"),
        ("k", "0", "a number above 0 and below 10"),
        ("k", "10", "a number above 0 and below 10"),
        ("k", "nan", "a number above 0 and below 10"),
        ("k", "inf", "a number above 0 and below 10"),
        ("money", "x", "a number"),
        ("is_on", "perhaps", "true or false"),
        ("side", "low", "one of high, close"),
        ("word", 7, "a text"),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_what_was_expected(
    name: str, value: Any, expected: str
) -> None:
    with pytest.raises(ParameterFault) as caught:
        parse(Sample, {name: value})
    [problem] = caught.value.problems
    assert problem == (
        f"strategy.parameters.{name}: expected {expected}, was {value!r}; correct it there"
    )


def test_unknown_names_are_told_the_nearest_all_at_once() -> None:
    with pytest.raises(ParameterFault) as caught:
        parse(Sample, {"perod": 7, "kk": 1, "k": 99})
    assert caught.value.problems[0] == (
        "unknown name strategy.parameters.perod; the nearest valid name is "
        "strategy.parameters.period"
    )
    assert "the nearest valid name is strategy.parameters.k" in caught.value.problems[1]
    assert len(caught.value.problems) == 3


@given(st.integers(-10, 100))
def test_whole_numbers_are_taken_exactly_within_the_bounds(value: int) -> None:
    try:
        is_taken = parse(Sample, {"period": value}).period == value
    except ParameterFault:
        is_taken = False
    assert is_taken is (2 <= value <= 50)


def test_bounds_are_named_and_allowed_themselves() -> None:
    bounds = {info.name: info.bounds for info in declared(Sample)}
    assert bounds["period"] == (2, 50)
    assert bounds["k"] == ()  # open ends have no last number
    assert bounds["is_on"] == (True, False)
    assert bounds["side"] == ("high", "close")
    for name, values in bounds.items():
        for value in values:
            parse(Sample, {name: value})


def test_a_class_that_declares_badly_is_refused_in_sentences() -> None:
    @dataclass
    class Thawed:
        k: int = parameter(1, "")

    @dataclass(frozen=True)
    class Odd:
        many: list[int] = parameter((), "")
        wrong: Annotated[int, Ge(5)] = parameter(1, "")

    @dataclass(frozen=True)
    class Bare:
        k: int

    with pytest.raises(ParameterFault, match="expected Parameters to be a frozen dataclass"):
        declared(Thawed)
    with pytest.raises(ParameterFault) as caught:
        declared(Odd)
    assert "expected parameter many to be int, float" in caught.value.problems[0]
    assert (
        "expected the default of parameter wrong to be a whole number at least 5"
        in (caught.value.problems[1])
    )
    with pytest.raises(ParameterFault, match="expected a default for parameter k"):
        declared(Bare)
