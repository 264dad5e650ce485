"""The strategies by name: every module of this package that holds one, and what a user brings.

A module's name is its strategy's name. A user's class is handed in (`register`) by who may read
files; nothing here does, but for the package's own modules, which the import system lists.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from importlib import import_module

from autotrade.domain import strategies as package
from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies.base import Strategy, StrategyFault
from autotrade.domain.strategies.parameters import ParameterFault, declared, parse
from autotrade.domain.strategies.runner import StrategyRunner

SHIPPED = "shipped"
_OWN_MODULES = ("base", "parameters", "registry", "runner")
_GENERAL_SETTINGS = ("name", "timeframe", "folder", "parameters")


@dataclass(frozen=True, slots=True)
class RegisteredStrategy:
    kind: type[Strategy]
    origin: str
    """SHIPPED, or the file it came from."""


class UnknownStrategyError(ValueError):
    """The settings name a strategy that does not exist."""


_registered: dict[str, RegisteredStrategy] = {}


@cache
def shipped_names() -> tuple[str, ...]:
    """Without importing any of them. The folder is read once: each start of a bot asks."""
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(sorted(name for name in found if name not in _OWN_MODULES))


def names() -> tuple[str, ...]:
    """Shipped and registered ones, sorted."""
    return tuple(sorted({**dict.fromkeys(shipped_names()), **_registered}))


def register(kind: type[Strategy], origin: str) -> None:
    """Add a user's strategy; the same origin may come again. Raises StrategyFault."""
    for problem in contract_problems(kind):
        raise StrategyFault(f"{origin}: {problem}")
    known = find(kind.name)
    if known is not None and known.origin != origin:
        raise StrategyFault(
            f"{origin}: expected a name of its own, was {kind.name!r}, which {known.origin} has; "
            "rename the file and the strategy"
        )
    _registered[kind.name] = RegisteredStrategy(kind, origin)


def forget(name: str) -> None:
    """Take a user's strategy out again."""
    _registered.pop(name, None)


def find(name: str) -> RegisteredStrategy | None:
    if name in shipped_names():
        return RegisteredStrategy(_only_strategy(name), SHIPPED)
    return _registered.get(name)


def create(settings: StrategySettings) -> StrategyRunner:
    """The strategy that the settings name, ready to be asked.

    Raises UnknownStrategyError with the nearest name, ParameterFault for its parameters, and
    StrategyFault when it cannot be made with them.
    """
    known = find(settings.name)
    if known is None:
        nearest = get_close_matches(settings.name, names(), n=1, cutoff=0.0)[0]
        raise UnknownStrategyError(
            f"expected strategy.name to be one of {', '.join(names())}, was {settings.name!r}, "
            f"did you mean {nearest!r}?"
        )
    return StrategyRunner(known.kind, parameters_of(known.kind, settings), settings.timeframe)


def parameters_of(kind: type[Strategy], settings: StrategySettings) -> object:
    """The strategy's parameters as the settings have them. Raises ParameterFault."""
    given = dict(settings.parameters)
    if not shares_settings(kind):
        return parse(kind.Parameters, given)
    if given:
        shared = [name for name in given if name in shared_settings()]
        text = ", ".join(shared or given)
        raise ParameterFault(
            [
                f"{kind.name} has no parameters of its own: expected {text} among the settings of "
                f"the section strategy ({', '.join(shared_settings())})"
            ]
        )
    return settings


def shares_settings(kind: type[Strategy]) -> bool:
    """True when its parameters are the settings of the section `strategy` themselves."""
    return kind.Parameters is StrategySettings


def shared_settings() -> tuple[str, ...]:
    """The settings of the section `strategy` that are a strategy's or an indicator's numbers."""
    return tuple(
        item.name for item in fields(StrategySettings) if item.name not in _GENERAL_SETTINGS
    )


def contract_problems(kind: type[Strategy]) -> list[str]:
    """A sentence for everything that the class itself lacks; empty when it may be used."""
    problems = []
    name, version = getattr(kind, "name", None), getattr(kind, "version", None)
    if not isinstance(name, str) or not name.isidentifier() or name != name.lower():
        problems.append(f"expected name to be a word of small letters, was {name!r}")
    if not isinstance(version, str) or not version:
        problems.append(f'expected version to be a text like "1", was {version!r}')
    if missing := sorted(getattr(kind, "__abstractmethods__", ())):
        problems.append(f"expected a method {missing[0]}(candle, values), was none")
    if not isinstance(getattr(kind, "Parameters", None), type):
        return [*problems, "expected Parameters to be a frozen dataclass, was something else"]
    if shares_settings(kind):
        return problems
    try:
        infos = declared(kind.Parameters)
    except ParameterFault as fault:
        return [*problems, *fault.problems]
    taken = [info.name for info in infos if info.name in shared_settings()]
    if taken:
        problems.append(
            f"expected another name for parameter {taken[0]}, was the name of the setting "
            f"strategy.{taken[0]}; rename it"
        )
    return problems


def _only_strategy(name: str) -> type[Strategy]:
    module = import_module(f"{package.__name__}.{name}")
    [kind] = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Strategy)
        and value.__module__ == module.__name__
    ]
    assert kind.name == name, f"strategy {kind.name} must live in {kind.name}.py"
    return kind
