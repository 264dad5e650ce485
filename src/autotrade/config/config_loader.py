"""Load the settings: read the layers, merge them, check them, refuse in sentences."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrade.config.errors import ConfigurationError, shown
from autotrade.config.schema import DATA_DIR_DEFAULT, PAIR_LIST, PAIR_SECTION, all_settings
from autotrade.config.sources import (
    CONFIG_FILE,
    ENV_FILE,
    PROJECT_FOLDER,
    Layer,
    command_line_layer,
    dotenv_layer,
    environment_layer,
    json_layer,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from autotrade.config.settings import Settings

Overrides = Mapping[str, tuple[str, object]]
"""Setting path -> (option as the user wrote it, value)."""


def read_layers(
    config_file: Path | None = None,
    env_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Overrides | None = None,
) -> list[Layer]:
    """All sources, strongest first; reports what is wrong in all of them at once."""
    problems: list[str] = []
    layers = [command_line_layer(overrides or {})]
    readers = (
        lambda: environment_layer(os.environ if environ is None else environ),
        lambda: dotenv_layer(_explicit(env_file, "--env-file") or ENV_FILE),
        lambda: json_layer(config_file or CONFIG_FILE),
    )
    for read in readers:
        try:
            layers.append(read())
        except ConfigurationError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigurationError(problems)
    return layers


def data_folder(layers: list[Layer]) -> Path:
    """The data folder alone, for commands that only read it and must be quick."""
    values = [layer.values["data_dir"] for layer in layers if "data_dir" in layer.values]
    return PROJECT_FOLDER / Path(str(values[0]) if values else DATA_DIR_DEFAULT)


def load_settings(
    config_file: Path | None = None,
    env_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Overrides | None = None,
) -> Settings:
    """The settings of this run; raises `ConfigurationError` with a sentence for each problem.

    `environ` stands for the process environment, `overrides` for the command line.
    """
    from pydantic import ValidationError

    from autotrade.config.cross_checks import cross_check
    from autotrade.config.settings import Settings, fold_pairs
    from autotrade.config.strategy_parameters import fold_parameters

    layers = read_layers(config_file, env_file, environ, overrides)
    pairs = fold_pairs(layers)
    layers_all = [*layers, pairs, fold_parameters(layers)]
    problems = list(dict.fromkeys(_find_odd_values(layers_all)))
    if problems:
        raise ConfigurationError(problems)
    try:
        settings = Settings(layers=layers_all)  # type: ignore[call-arg]
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ConfigurationError(_sentences(details, layers_all)) from None
    settings.take_origins(layers)
    problems = cross_check(settings)
    if problems:
        raise ConfigurationError(problems)
    return settings


def _explicit(path: Path | None, option: str) -> Path | None:
    """A file the user named must be there."""
    if path is not None and not path.exists():
        raise ConfigurationError(
            f"{option}: expected an existing file, was {path}; name another one."
        )
    return path


def _find_odd_values(layers: list[Layer]) -> list[str]:
    """What pydantic would silently accept: true for a number, infinity."""
    expected = _expectations()
    problems = []
    for layer in layers:
        for path, value in _leaves(layer.values):
            wanted = expected.get(_generic(path), "")
            is_number = "number" in wanted and not wanted.startswith("seed")
            if isinstance(value, bool) and wanted != "true or false":
                problems.append(_sentence(path, value, wanted, layers))
            elif wanted == "true or false" and isinstance(value, int | Decimal | float):
                if not isinstance(value, bool):
                    problems.append(_sentence(path, value, wanted, layers))
            elif is_number and _is_infinite(value):
                problems.append(_sentence(path, value, wanted, layers))
    return problems


def _is_infinite(value: object) -> bool:
    try:
        return not math.isfinite(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def _leaves(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            found.extend(_leaves(value, f"{path}."))
        elif path == PAIR_LIST:
            for index, pair in enumerate(value):
                found.extend(_leaves(pair, f"{path}.{index}."))
        else:
            found.append((path, value))
    return found


def _expectations() -> dict[str, str]:
    return {item.path: item.expected for item in all_settings()}


def _generic(path: str) -> str:
    """`currency_pairs.0.deal_quota` -> `currency_pair.deal_quota`."""
    parts = path.split(".")
    return f"{PAIR_SECTION}.{parts[-1]}" if parts[0] == PAIR_LIST else path


def _sentences(details: list[ErrorDetails], layers: list[Layer]) -> list[str]:
    expected = _expectations()
    found: dict[str, str] = {}
    for detail in details:
        location = [str(part) for part in detail["loc"]]
        depth = 3 if location[0] == PAIR_LIST else 1 if location[0] == "data_dir" else 2
        path = ".".join(location[:depth])
        wanted = expected.get(_generic(path), "a value of the right kind")
        found.setdefault(path, _sentence(path, _value_at(path, layers), wanted, layers))
    return list(dict.fromkeys(found.values()))


def _value_at(path: str, layers: list[Layer]) -> object:
    for layer in layers:
        for leaf_path, value in _leaves(layer.values):
            if leaf_path == path:
                return value
    return None


def _sentence(path: str, value: object, wanted: str, layers: list[Layer]) -> str:
    where, name = next(
        ((layer.name, layer.written[path]) for layer in layers if path in layer.written),
        ("config.json", path),
    )
    was = "not usable" if path.startswith("keys.") else shown(value)
    return f"{where}: {name}: expected {wanted}, was {was}; correct it there."
