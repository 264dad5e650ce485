"""Parameters of the chosen strategy, as every source may name them: `strategy.parameters.NAME`.

In config.json they are an object, in the environment `STRATEGY_PARAMETERS` (`k=0.6, trend=20`, or
JSON) or `STRATEGY_PARAMETERS_NAME`, on the command line a path. Sources are merged name by name.
"""

from __future__ import annotations

import json
from decimal import Decimal

from autotrade.config.errors import shown
from autotrade.config.layer import Layer
from autotrade.domain.settings import StrategySettings

PARAMETERS = "strategy.parameters"
_VARIABLE = "STRATEGY_PARAMETERS"


def take_json_parameters(layer: Layer, value: object, problems: list[str]) -> None:
    """An object of names and plain values."""
    if not isinstance(value, dict):
        problems.append(
            f"{layer.name}: {PARAMETERS}: expected an object of names and values, was "
            f"{shown(value)}; write it in braces."
        )
        return
    for name, item in value.items():
        if not isinstance(item, bool | int | float | Decimal | str):
            problems.append(
                f"{layer.name}: {PARAMETERS}.{name}: expected a number, a text, true or false, was "
                f"{shown(item)}; correct it there."
            )
            continue
        layer.put(f"{PARAMETERS}.{name}", item, f"{PARAMETERS}.{name}")


def take_named_parameters(layer: Layer, name: str, text: str, problems: list[str]) -> bool:
    """True when the variable was one of ours."""
    if name == _VARIABLE:
        if text.strip():
            _take_list(layer, text.strip(), problems)
        return True
    if not name.startswith(f"{_VARIABLE}_"):
        return False
    if text.strip():
        leaf = name.removeprefix(f"{_VARIABLE}_").lower()
        layer.put(f"{PARAMETERS}.{leaf}", text.strip(), name)
    return True


def _take_list(layer: Layer, text: str, problems: list[str]) -> None:
    if text.startswith("{"):
        try:
            take_json_parameters(layer, json.loads(text, parse_float=Decimal), problems)
        except json.JSONDecodeError as error:
            problems.append(
                f"{layer.name}: {_VARIABLE}: expected JSON, was something else at column "
                f"{error.colno}; write it as in config.json, or as NAME=VALUE."
            )
        return
    for part in text.split(","):
        name, sign, value = (word.strip() for word in part.partition("="))
        if not sign or not name or not value:
            problems.append(
                f"{layer.name}: {_VARIABLE}: expected NAME=VALUE, separated by commas, was "
                f"{shown(part.strip())}; correct it there."
            )
            continue
        layer.put(f"{PARAMETERS}.{name}", value, _VARIABLE)


def fold_parameters(layers: list[Layer]) -> Layer:
    """The parameters of all layers as one layer; of two that name the same the stronger wins.

    For a strategy whose parameters are settings of the section `strategy`, `parameters.macd_fast`
    is another way to say `strategy.macd_fast`.
    """
    from autotrade.domain.strategies import registry

    chosen = next(
        (name for layer in layers if (name := layer.values.get("strategy", {}).get("name"))),
        StrategySettings().name,
    )
    known = registry.find(chosen) if chosen in registry.shipped_names() else None
    is_shared = known is not None and registry.shares_settings(known.kind)
    merged: dict[str, object] = {}
    for layer in reversed(layers):
        own = dict(layer.values.get("strategy", {}).pop("parameters", {}))
        together = layer.written.pop(PARAMETERS, None)
        for name, value in own.items():
            path = f"{PARAMETERS}.{name}"
            written = layer.written.pop(path, together or path)
            if is_shared and name in registry.shared_settings():
                layer.put(f"strategy.{name}", value, written)
                continue
            merged[name] = value
            layer.written[path] = written
            layer.written[PARAMETERS] = together or PARAMETERS
    folded = Layer("parameters")
    if merged:
        folded.values["strategy"] = {"parameters": tuple(sorted(merged.items()))}
    return folded
