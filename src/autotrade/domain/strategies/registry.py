"""The strategies by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies.base import Strategy
from autotrade.domain.strategies.macd_orderbook import MacdOrderbook

_STRATEGIES: dict[str, Callable[[StrategySettings], Strategy]] = {
    MacdOrderbook.name: MacdOrderbook,
}


class UnknownStrategyError(ValueError):
    """The settings name a strategy that does not exist."""


def names() -> tuple[str, ...]:
    return tuple(sorted(_STRATEGIES))


def create(settings: StrategySettings) -> Strategy:
    """The strategy that the settings name. Raises UnknownStrategyError with the nearest name."""
    factory = _STRATEGIES.get(settings.name)
    if factory is None:
        nearest = get_close_matches(settings.name, names(), n=1, cutoff=0.0)[0]
        raise UnknownStrategyError(
            f"expected strategy.name to be one of {', '.join(names())}, was {settings.name!r}, "
            f"did you mean {nearest!r}?"
        )
    return factory(settings)
