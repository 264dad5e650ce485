"""Strategies by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.base import Strategy, StrategyFault
from autotrade.domain.strategies.macd_orderbook import MacdOrderbook
from autotrade.domain.strategies.parameters import ParameterFault, parameter


def test_the_default_strategy_exists() -> None:
    strategy = registry.create(StrategySettings())
    found = registry.find("macd_orderbook")
    assert found is not None and (found.kind, found.origin) == (MacdOrderbook, registry.SHIPPED)
    assert (strategy.name, strategy.version) == ("macd_orderbook", "1")


def test_every_listed_name_can_be_made() -> None:
    assert registry.names() == ("macd_orderbook", "volatility_breakout")
    for name in registry.names():
        assert registry.create(replace(StrategySettings(), name=name)).name == name


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("macd_orderbok", "macd_orderbook"),
        ("breakout", "volatility_breakout"),
        ("", "volatility_breakout"),
    ],
)
def test_an_unknown_name_is_told_the_nearest(name: str, near: str) -> None:
    with pytest.raises(registry.UnknownStrategyError) as error:
        registry.create(replace(StrategySettings(), name=name))
    assert str(error.value) == (
        f"expected strategy.name to be one of macd_orderbook, volatility_breakout, was {name!r}, "
        f"did you mean {near!r}?"
    )


class Mine(MacdOrderbook):
    name = "mine"
    version = "1"


@pytest.fixture
def mine() -> Iterator[type[Strategy]]:
    registry.register(Mine, "mine.py")
    yield Mine
    registry.forget("mine")


def test_a_handed_in_class_is_a_strategy_like_any_other(mine: type[Strategy]) -> None:
    assert "mine" in registry.names()
    assert registry.create(replace(StrategySettings(), name="mine")).name == "mine"
    registry.register(mine, "mine.py")  # the same file again, edited
    with pytest.raises(StrategyFault, match=r"elsewhere.py: .*was 'mine', which mine.py has"):
        registry.register(mine, "elsewhere.py")
    with pytest.raises(StrategyFault, match="'macd_orderbook', which shipped has"):
        registry.register(MacdOrderbook, "x.py")


def test_a_class_that_lacks_something_is_refused_in_sentences() -> None:
    class Nothing(Strategy):
        name = "Not Small"

    problems = registry.contract_problems(Nothing)
    assert [text.partition(",")[0] for text in problems] == [
        "expected name to be a word of small letters",
        'expected version to be a text like "1"',
        "expected a method signals(candle",
    ]
    with pytest.raises(StrategyFault, match=r"x\.py: expected name to be a word"):
        registry.register(Nothing, "x.py")


def test_a_parameter_may_not_take_the_name_of_a_setting() -> None:
    @dataclass(frozen=True)
    class Taken:
        macd_fast: int = parameter(3, "mine")

    kind = type("Own", (MacdOrderbook,), {"name": "own", "Parameters": Taken})
    assert registry.contract_problems(kind) == [
        "expected another name for parameter macd_fast, was the name of the setting "
        "strategy.macd_fast; rename it"
    ]


def test_macd_takes_its_numbers_from_the_settings_of_the_section() -> None:
    settings = replace(StrategySettings(), macd_fast=5)
    assert registry.create(settings).parameters is settings
    with pytest.raises(ParameterFault, match="macd_orderbook has no parameters of its own"):
        registry.create(replace(StrategySettings(), parameters=(("k", 1),)))
