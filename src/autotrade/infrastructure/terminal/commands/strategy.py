"""`strategy`: list strategies, begin one, check one."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from autotrade.config.config_loader import read_layers
from autotrade.config.errors import ConfigurationError, nearest, shown
from autotrade.config.schema import section_settings
from autotrade.config.strategy_files import load_strategy, own_names, strategy_folder
from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.base import Strategy, StrategyFault
from autotrade.domain.strategies.parameters import declared
from autotrade.infrastructure.terminal.commands.common import command_line_overrides
from autotrade.infrastructure.terminal.output import write_json, write_progress, write_result
from autotrade.infrastructure.terminal.tables import show_table


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    default: str
    expected: str
    help: str


@dataclass(frozen=True, slots=True)
class _Listed:
    name: str
    version: str
    origin: str
    about: str
    parameters: tuple[_Parameter, ...]
    fault: str | None = None


def run(arguments: argparse.Namespace) -> int:
    folder = _folder(arguments)
    match arguments.action:
        case "list":
            return _list(folder, arguments)
        case "new":
            return _new(folder, arguments)
        case _:
            return _check(folder, arguments)


def _folder(arguments: argparse.Namespace) -> Path:
    """Without judging the rest of the configuration: the strategy it names may be the broken one
    that is to be checked."""
    layers = read_layers(
        config_file=arguments.config,
        env_file=arguments.env_file,
        overrides=command_line_overrides(arguments),
    )
    named = (layer.values.get("strategy", {}).get("folder") for layer in layers)
    return strategy_folder(str(next(filter(None, named), StrategySettings().folder)))


# --- list ---------------------------------------------------------------------------------------


def _list(folder: Path, arguments: argparse.Namespace) -> int:
    rows = [_shipped(name) for name in registry.shipped_names()]
    rows += [_own(name, folder) for name in own_names(folder)]
    if arguments.json:
        write_json({"folder": folder, "strategies": rows})
        return 0
    show_table(
        "Strategies",
        ["name", "version", "from", "what it does"],
        [(row.name, row.version, row.origin, row.fault or row.about) for row in rows],
        "",
    )
    show_table(
        "Parameters",
        ["strategy", "setting", "default", "must be", "meaning"],
        [(row.name, p.name, p.default, p.expected, p.help) for row in rows for p in row.parameters],
        "",
    )
    write_result(f"your own: {folder}")
    return 0


def _shipped(name: str) -> _Listed:
    found = registry.find(name)
    assert found is not None, "the registry lists it"
    return _listed(found.kind, registry.SHIPPED)


def _own(name: str, folder: Path) -> _Listed:
    path = folder / f"{name}.py"
    try:
        kind = load_strategy(path)
        if problems := registry.contract_problems(kind):
            raise StrategyFault(f"{path.name}: {problems[0]}")
        if name in registry.shipped_names():
            raise StrategyFault(f"{path.name}: a shipped strategy has this name; rename it")
    except StrategyFault as fault:
        return _Listed(name, "", path.name, "", (), str(fault))
    return _listed(kind, path.name)


def _listed(kind: type[Strategy], origin: str) -> _Listed:
    about = (kind.__doc__ or "").strip().partition("\n")[0]
    if registry.shares_settings(kind):
        parameters = tuple(
            _Parameter(item.path, str(item.default), item.expected, item.help)
            for item in section_settings("strategy", StrategySettings)
            if item.leaf in registry.shared_settings()
        )
    else:
        parameters = tuple(
            _Parameter(f"strategy.parameters.{i.name}", str(i.default), i.expected, i.help)
            for i in declared(kind.Parameters)
        )
    return _Listed(kind.name, kind.version, origin, about, parameters)


# --- new ----------------------------------------------------------------------------------------


def _new(folder: Path, arguments: argparse.Namespace) -> int:
    from autotrade.infrastructure.strategies.skeleton import write_skeleton

    paths = write_skeleton(arguments.name, folder)
    if arguments.json:
        write_json({"files": paths})
        return 0
    write_result("\n".join(f"wrote {path}" for path in paths))
    write_progress(
        f"next: python main.py strategy check {arguments.name}; then set strategy.name to "
        f"{arguments.name} (STRATEGY_NAME={arguments.name})"
    )
    return 0


# --- check --------------------------------------------------------------------------------------


def _check(folder: Path, arguments: argparse.Namespace) -> int:
    from autotrade.infrastructure.strategies.contract import check_file, check_strategy

    name, timeframe = arguments.name, arguments.timeframe
    if timeframe not in TIMEFRAME_MS:
        raise ConfigurationError(
            f"--timeframe: expected one of {', '.join(TIMEFRAME_MS)}, was {shown(timeframe)}"
        )
    found = registry.find(name) if name in registry.shipped_names() else None
    if found is None and name not in own_names(folder):
        known = sorted({*registry.shipped_names(), *own_names(folder)})
        raise ConfigurationError(
            f"expected a strategy, was {shown(name)}; the nearest is {nearest(name, known)}, your "
            f"own are looked for in {folder}"
        )
    if found is not None:
        results = check_strategy(found.kind, timeframe)
    else:
        results = check_file(folder / f"{name}.py", timeframe)
    is_good = all(result.passed for result in results)
    if arguments.json:
        write_json({"strategy": name, "good": is_good, "checks": results})
    else:
        show_table(
            f"Strategy {name}",
            ["", "promise", "found"],
            [("ok" if r.passed else "BAD", r.name, r.text) for r in results],
            "",
        )
    return 0 if is_good else 1
