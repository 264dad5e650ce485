"""Which parameter sets a sweep tries: axes of values, their grid, or a random draw from it."""

from __future__ import annotations

import itertools
import math
import random
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from autotrade.config.cross_checks import ASCENDING
from autotrade.config.errors import ConfigurationError, nearest
from autotrade.config.schema import PAIR_SECTION, CurrencyPairSettings
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.settings import DomainSettings
from autotrade.infrastructure.backtest.kernel_rules import Combination

SETS_MAX = 200_000
VALUES_MAX = 1_000
NOT_SWEPT = frozenset(
    {"strategy.name", "strategy.timeframe", "strategy.folder", "strategy.parameters"}
)
SWEPT_PAIR = ("order_life_time", "deal_quota", "profit_markup", "deal_count")


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and the values it takes, in the order they were given."""

    path: str
    """As in the configuration: strategy.macd_fast, currency_pair.profit_markup."""
    values: tuple[Any, ...]

    @property
    def section(self) -> str:
        return self.path.partition(".")[0]

    @property
    def leaf(self) -> str:
        return self.path.partition(".")[2]


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """The values of one trial, by path, and what they make of the settings."""

    values: Mapping[str, Any]
    combination: Combination


def _known() -> dict[str, Any]:
    """Path -> annotated type of everything that can be swept."""
    found: dict[str, Any] = {}
    sections = typing.get_type_hints(DomainSettings)
    for section, kind in sections.items():
        for leaf, hint in typing.get_type_hints(kind, include_extras=True).items():
            found[f"{section}.{leaf}"] = hint
    pair = typing.get_type_hints(CurrencyPairSettings, include_extras=True)
    found |= {f"{PAIR_SECTION}.{leaf}": pair[leaf] for leaf in SWEPT_PAIR}
    return {path: hint for path, hint in found.items() if path not in NOT_SWEPT}


def axis_of(name: str, text: str) -> Axis:
    """`8,10,12`, `8..20` or `0.6..1.5:0.1` for a parameter; its last word is enough of a name where
    only one ends so. Raises ConfigurationError in one sentence."""
    known = _known()
    fitting = [path for path in known if path == name or path.rpartition(".")[2] == name]
    if len(fitting) != 1:
        raise ConfigurationError(
            f'--grid: unknown name "{name}"; the nearest valid name is "'
            f'{nearest(name, list(known))}".'
        )
    path = fitting[0]
    texts = _listed(path, text)
    if len(set(texts)) != len(texts):
        raise ConfigurationError(f"--grid {path}: expected each value once, was {text}")
    return Axis(path, tuple(_typed(path, known[path], one) for one in texts))


def _listed(path: str, text: str) -> list[str]:
    begin, dots, rest = text.partition("..")
    if not dots:
        return [one.strip() for one in text.split(",") if one.strip()]
    end, _, step = rest.partition(":")
    try:
        low, high, width = Decimal(begin), Decimal(end), Decimal(step or "1")
    except InvalidOperation:
        raise ConfigurationError(
            f'--grid {path}: expected values like 8,10,12 or 8..20 or 0.6..1.5:0.1, was "{text}"'
        ) from None
    if not low < high or width <= 0 or (high - low) / width > VALUES_MAX:
        raise ConfigurationError(
            f"--grid {path}: expected a range that rises in at most {VALUES_MAX} steps, was {text}"
        )
    count = int((high - low) / width)
    return [f"{low + width * number:f}" for number in range(count + 1)]


def _typed(path: str, hint: Any, text: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(hint).validate_python(text)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ConfigurationError(f'--grid {path}: was "{text}": {reason.lower()}') from None


def sets_of(
    axes: Sequence[Axis],
    settings: DomainSettings,
    pair: CurrencyPair,
    *,
    trials: int | None = None,
    seed: int = 0,
) -> tuple[list[ParameterSet], int]:
    """(sets to try, how many contradict themselves and are left out): the whole grid, or `trials`
    of it drawn without putting back."""
    count = math.prod(len(axis.values) for axis in axes)
    if trials is None and count > SETS_MAX:
        raise ConfigurationError(
            f"expected a grid of at most {SETS_MAX} sets, was {count}; take fewer values or draw "
            "from it with --trials"
        )
    if trials is None or trials >= count:
        chosen: Any = itertools.product(*(axis.values for axis in axes))
    else:
        rng = random.Random(seed)
        numbers = rng.sample(range(count), trials)
        chosen = [_values_at(axes, number) for number in numbers]
    found, left_out = [], 0
    for values in chosen:
        named = {axis.path: value for axis, value in zip(axes, values, strict=True)}
        combination = _combined(axes, values, settings, pair)
        if _contradiction(combination):
            left_out += 1
            continue
        found.append(ParameterSet(named, combination))
    if not found:
        raise ConfigurationError(
            f"expected at least one set that makes sense, was none of {left_out}: a fast period "
            "must be below its slow one, loss levels must rise, and profit_markup must be above "
            "min_net_profit_percent"
        )
    return found, left_out


def _values_at(axes: Sequence[Axis], number: int) -> tuple[Any, ...]:
    values = []
    for axis in reversed(axes):
        number, place = divmod(number, len(axis.values))
        values.append(axis.values[place])
    return tuple(reversed(values))


def _combined(
    axes: Sequence[Axis], values: Sequence[Any], settings: DomainSettings, pair: CurrencyPair
) -> Combination:
    changes: dict[str, dict[str, Any]] = {}
    for axis, value in zip(axes, values, strict=True):
        changes.setdefault(axis.section, {})[axis.leaf] = value
    for_pair = changes.pop(PAIR_SECTION, {})
    sections = {
        name: replace(getattr(settings, name), **changed) for name, changed in changes.items()
    }
    return Combination(replace(settings, **sections), replace(pair, **for_pair))


def _contradiction(one: Combination) -> bool:
    for section, names in ASCENDING:
        values = [getattr(getattr(one.settings, section), name) for name in names]
        if any(not low < high for low, high in itertools.pairwise(values)):
            return True
    return one.pair.profit_markup <= one.settings.trading.min_net_profit_percent
