"""Parameters of a strategy: declared as a frozen dataclass, read from texts, held in bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from math import isfinite
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from autotrade.domain.settings import ParameterValue, setting

parameter = setting
"""A field of a strategy's `Parameters`: its default and its sentence of help."""

_KINDS = {int: "a whole number", float: "a number", Decimal: "a number", bool: "true or false"}
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter as people see it."""

    name: str
    expected: str
    default: object
    help: str
    bounds: tuple[ParameterValue, ...]
    """The values at its limits, as far as it has them and they are allowed."""


class ParameterFault(ValueError):
    """Parameters that cannot be used. `problems` holds a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


def declared(parameters: type) -> list[ParameterInfo]:
    """The parameters of a `Parameters` class in their order.

    Raises ParameterFault when the class itself is not as it must be.
    """
    if not (is_dataclass(parameters) and parameters.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        raise ParameterFault(
            [f"expected Parameters to be a frozen dataclass, was {parameters.__name__}"]
        )
    try:
        hints = get_type_hints(parameters, include_extras=True)
    except NameError as error:
        raise ParameterFault([f"expected types that exist in Parameters, was: {error}"]) from None
    infos, problems = [], []
    for item in fields(parameters):
        try:
            infos.append(_declared_one(item, hints[item.name]))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ParameterFault(problems)
    return infos


def _declared_one(item: Field[Any], hint: Any) -> ParameterInfo:
    if item.default is MISSING:
        raise ValueError(f"expected a default for parameter {item.name}, was none")
    expected = describe(hint)
    if expected is None:
        raise ValueError(
            f"expected parameter {item.name} to be int, float, Decimal, bool, str or Literal, "
            f"was {hint}"
        )
    try:
        read(hint, item.default)
    except ValueError:
        raise ValueError(
            f"expected the default of parameter {item.name} to be {expected}, was {item.default!r}"
        ) from None
    text = item.metadata.get("help", "")
    return ParameterInfo(item.name, expected, item.default, text, _bounds(hint))


def parse(
    parameters: type, given: Mapping[str, ParameterValue], prefix: str = "strategy.parameters."
) -> Any:
    """The `Parameters` object for what was given; the rest keeps its defaults.

    Raises ParameterFault with a sentence for every unknown name and every value out of bounds.
    """
    infos = {info.name: info for info in declared(parameters)}
    hints = get_type_hints(parameters, include_extras=True)
    values, problems = {}, []
    for name, value in given.items():
        if name not in infos:
            problems.append(_unknown(name, list(infos), prefix))
            continue
        try:
            values[name] = read(hints[name], value)
        except ValueError:
            problems.append(
                f"{prefix}{name}: expected {infos[name].expected}, was {value!r}; correct it there"
            )
    if problems:
        raise ParameterFault(problems)
    return parameters(**values)


def _unknown(name: str, known: list[str], prefix: str) -> str:
    if not known:
        return f"{prefix}{name}: expected no parameters, this strategy has none; remove it"
    nearest = get_close_matches(name, known, n=1, cutoff=0.0)[0]
    return f"unknown name {prefix}{name}; the nearest valid name is {prefix}{nearest}"


def describe(hint: Any) -> str | None:
    """What a value must be, for people; None for a type that no parameter can have."""
    if get_origin(hint) is Annotated:
        base, *limits = get_args(hint)
        words = [text for limit in limits if (text := _limit_text(limit)) is not None]
        kind = describe(base)
        return None if kind is None else " ".join([kind, " and ".join(words)]).strip()
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(hint))
    if hint is str:
        return "a text"
    return _KINDS.get(hint)


def _limit_text(limit: object) -> str | None:
    match limit:
        case Gt(gt=bound):
            return f"above {bound}"
        case Ge(ge=bound):
            return f"at least {bound}"
        case Lt(lt=bound):
            return f"below {bound}"
        case Le(le=bound):
            return f"at most {bound}"
    return None


def _bounds(hint: Any) -> tuple[ParameterValue, ...]:
    found: list[Any] = []
    if get_origin(hint) is Literal:
        return tuple(get_args(hint))
    if get_origin(hint) is Annotated:
        base, *limits = get_args(hint)
        for limit in limits:
            match limit:
                case Ge(ge=bound) | Le(le=bound):
                    found.append(base(bound))
                case Gt(gt=bound) if base is int:
                    found.append(int(str(bound)) + 1)
                case Lt(lt=bound) if base is int:
                    found.append(int(str(bound)) - 1)
    return (True, False) if hint is bool else tuple(found)


def read(hint: Any, value: object) -> Any:
    """The value in the type that `hint` names. Raises ValueError when it cannot be that."""
    if get_origin(hint) is Annotated:
        base, *limits = get_args(hint)
        found = read(base, value)
        if not all(_keeps(limit, found) for limit in limits):
            raise ValueError("out of bounds")
        return found
    if get_origin(hint) is Literal:
        by_text = {str(choice): choice for choice in get_args(hint)}
        if str(value) in by_text:
            return by_text[str(value)]
        raise ValueError("not a choice")
    return _read_plain(hint, value)


def _read_plain(kind: Any, value: object) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        return _BOOLS[str(value).lower()] if str(value).lower() in _BOOLS else _refuse(value)
    if kind is str:
        return value if isinstance(value, str) else _refuse(value)
    if isinstance(value, bool | NoneType):
        return _refuse(value)
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return _refuse(value)
    if not number.is_finite() or (kind is int and number != int(number)):
        return _refuse(value)
    found = kind(number)
    return found if not isinstance(found, float) or isfinite(found) else _refuse(value)


def _refuse(value: object) -> Any:
    raise ValueError(f"cannot be read: {value!r}")


def _keeps(limit: object, value: Any) -> bool:
    match limit:
        case Gt(gt=bound):
            return bool(value > bound)
        case Ge(ge=bound):
            return bool(value >= bound)
        case Lt(lt=bound):
            return bool(value < bound)
        case Le(le=bound):
            return bool(value <= bound)
    return True
