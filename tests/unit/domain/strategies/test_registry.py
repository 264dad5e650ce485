"""Strategies by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.macd_orderbook import MacdOrderbook


def test_the_default_strategy_exists() -> None:
    strategy = registry.create(StrategySettings())
    assert isinstance(strategy, MacdOrderbook)
    assert (strategy.name, strategy.version) == ("macd_orderbook", "1")


def test_every_listed_name_can_be_made() -> None:
    assert registry.names() == ("macd_orderbook",)
    for name in registry.names():
        assert registry.create(replace(StrategySettings(), name=name)).name == name


@pytest.mark.parametrize("name", ["macd_orderbok", "MACD", "", "zzz"])
def test_an_unknown_name_is_told_the_nearest(name: str) -> None:
    with pytest.raises(registry.UnknownStrategyError) as error:
        registry.create(replace(StrategySettings(), name=name))
    assert str(error.value) == (
        f"expected strategy.name to be one of macd_orderbook, was {name!r}, "
        "did you mean 'macd_orderbook'?"
    )
