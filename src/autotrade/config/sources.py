"""Where settings come from: command line, environment, .env, config.json; each is one layer.

A layer is what one source says, nested like config.json, with the name the user wrote for each
value. Layers know nothing of bounds; they refuse names that do not exist and text that cannot be
read. Pydantic-settings merges the layers (`settings.py`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from autotrade.config.errors import ConfigurationError, nearest, shown
from autotrade.config.layer import Layer, Values
from autotrade.config.schema import (
    KEYS,
    PAIR_LIST,
    PAIR_SECTION,
    SECTIONS,
    all_settings,
    environment_prefixes,
)
from autotrade.config.strategy_parameters import (
    PARAMETERS,
    take_json_parameters,
    take_named_parameters,
)

PROJECT_FOLDER = Path(__file__).resolve().parents[3]
CONFIG_FILE = Path(__file__).resolve().with_name("config.json")
ENV_FILE = PROJECT_FOLDER / ".env"

COMMAND_LINE, ENVIRONMENT, DEFAULT = "command line", "environment", "default"


def command_line_layer(overrides: Mapping[str, tuple[str, object]]) -> Layer:
    """Setting path -> (option as the user wrote it, value)."""
    layer = Layer(COMMAND_LINE)
    for path, (option, value) in overrides.items():
        layer.put(path, value, option)
    return layer


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Our names of the environment; other programs' names are left alone."""
    known = _environment_names()
    ours = {
        name: value
        for name, value in environ.items()
        if name in known or name.startswith(environment_prefixes())
    }
    return _named_layer(ENVIRONMENT, ours)


def dotenv_layer(path: Path) -> Layer:
    """The .env file: every name in it must be ours. A missing file is an empty layer."""
    from dotenv.parser import parse_stream

    if not path.exists():
        return Layer(path.name)
    logging.getLogger("dotenv").setLevel(logging.ERROR)
    import io

    pairs: dict[str, str] = {}
    problems = []
    for binding in parse_stream(io.StringIO(_read_text(path))):
        if binding.error:
            problems.append(
                f"{path.name}, line {binding.original.line}: expected NAME=value, was something "
                "else; correct or remove the line."
            )
        elif binding.key is not None:
            pairs[binding.key] = binding.value or ""
    if problems:
        raise ConfigurationError(problems)
    return _named_layer(path.name, pairs)


def json_layer(path: Path) -> Layer:
    """config.json, or the file that --config names."""
    if not path.exists():
        raise ConfigurationError(
            f"{path}: expected a configuration file, was nothing; name the right one with "
            "--config FILE."
        )
    layer = Layer(path.name)
    content = _parse_json(path)
    problems: list[str] = []
    for name, value in content.items():
        _take_json_entry(layer, name, value, problems)
    if problems:
        raise ConfigurationError(problems)
    return layer


def _take_json_entry(layer: Layer, name: str, value: object, problems: list[str]) -> None:
    leaves = _leaves_by_section()
    if name == PAIR_LIST:
        _take_json_pairs(layer, value, problems)
    elif name in leaves or name == PAIR_SECTION:
        if not isinstance(value, dict):
            problems.append(
                f"{layer.name}: {name}: expected an object of settings, was {shown(value)}; "
                "write it in braces."
            )
            return
        for leaf, leaf_value in value.items():
            if leaf not in leaves[name]:
                problems.append(_unknown_leaf(layer.name, name, leaf))
            elif f"{name}.{leaf}" == PARAMETERS:
                take_json_parameters(layer, leaf_value, problems)
            else:
                layer.put(f"{name}.{leaf}", leaf_value, f"{name}.{leaf}")
    elif name == "data_dir":
        layer.put(name, value, name)
    elif name.upper() in KEYS:
        problems.append(
            f"{layer.name}: {name}: expected no keys in this file; put {name.upper()} into .env "
            "or the environment."
        )
    else:
        names = [*leaves, PAIR_LIST, "data_dir"]
        problems.append(
            f"{layer.name}: unknown name {shown(name)}; the nearest valid name is "
            f'"{nearest(name, names)}".'
        )


def _take_json_pairs(layer: Layer, value: object, problems: list[str]) -> None:
    if not isinstance(value, list) or not all(isinstance(pair, dict) for pair in value):
        problems.append(
            f"{layer.name}: {PAIR_LIST}: expected a list of objects, was {shown(value)}; "
            "write each pair in braces inside brackets."
        )
        return
    if not value:
        problems.append(
            f"{layer.name}: {PAIR_LIST}: expected at least one pair, was an empty list; add one."
        )
        return
    valid = _leaves_by_section()[PAIR_SECTION]
    for index, pair in enumerate(value):
        for leaf in pair:
            if leaf not in valid:
                problems.append(_unknown_leaf(layer.name, f"{PAIR_LIST}.{index}", leaf, valid))
            layer.written[f"{PAIR_LIST}.{index}.{leaf}"] = f"{PAIR_LIST}.{index}.{leaf}"
    layer.values[PAIR_LIST] = value
    layer.written[PAIR_LIST] = PAIR_LIST


def _unknown_leaf(where: str, section: str, leaf: str, valid: list[str] | None = None) -> str:
    leaves = _leaves_by_section()
    if valid is None:
        valid = leaves[section]
    elsewhere = [name for name, owned in leaves.items() if leaf in owned]
    name = f"{elsewhere[0]}.{leaf}" if elsewhere else f"{section}.{nearest(leaf, valid)}"
    return f'{where}: unknown name "{section}.{leaf}"; the nearest valid name is "{name}".'


def _parse_json(path: Path) -> Values:
    try:
        content = json.loads(
            _read_text(path),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_refuse_twins,
        )
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"{path.name}, line {error.lineno}, column {error.colno}: expected JSON, was something "
            f"else ({error.msg[0].lower()}{error.msg[1:]}); correct the file."
        ) from None
    except _BadJson as error:
        raise ConfigurationError(f"{path.name}: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path.name}: expected an object of sections, was {shown(content)}; "
            "begin the file with a brace."
        )
    return content


class _BadJson(Exception):
    pass


def _refuse_constant(text: str) -> object:
    raise _BadJson(f"expected a number, was {text}; write a finite number.")


def _refuse_twins(pairs: list[tuple[str, object]]) -> Values:
    found: Values = {}
    for name, value in pairs:
        if name in found:
            raise _BadJson(f'expected each name once, was "{name}" twice; remove one of them.')
        found[name] = value
    return found


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path.name}: expected UTF-8 text, was byte {error.object[error.start]:#04x} at "
            f"{error.start}; save the file as UTF-8."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path}: expected a readable file, was {error.strerror}; correct its permissions, or "
            "name another file."
        ) from None


def _named_layer(where: str, pairs: Mapping[str, str]) -> Layer:
    """A layer of NAME=value texts. An empty value counts as not set."""
    known = _environment_names()
    layer = Layer(where)
    problems = []
    for name, text in pairs.items():
        if take_named_parameters(layer, name, text, problems):
            continue
        if name not in known:
            problems.append(
                f"{where}: unknown name {name}; the nearest valid name is "
                f"{nearest(name, list(known))}."
            )
        elif text.strip():
            path = known[name]
            value: object = text if path.startswith("keys.") else text.strip()
            if path == PAIR_LIST:
                _take_pairs_text(layer, text, problems)
                continue
            if path == "exchange.recordings":
                value = _split_list(text)
            layer.put(path, value, name)
    if problems:
        raise ConfigurationError(problems)
    return layer


def _take_pairs_text(layer: Layer, text: str, problems: list[str]) -> None:
    try:
        value = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as error:
        problems.append(
            f"{layer.name}: {PAIR_LIST.upper()}: expected a JSON list of pairs, was something else "
            f"at column {error.colno}; write it as in config.json."
        )
        return
    _take_json_pairs(layer, value, problems)


def _split_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _environment_names() -> dict[str, str]:
    """Name in the environment -> path of the setting."""
    names = {item.environment: item.path for item in all_settings()}
    names[PAIR_LIST.upper()] = PAIR_LIST
    names.update({key: f"keys.{key.lower()}" for key in KEYS})
    return names


def _leaves_by_section() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in [PAIR_SECTION, *SECTIONS]}
    for item in all_settings():
        if item.section:
            found[item.section].append(item.leaf)
    return found
