"""A user's own strategies: NAME.py in the folder `strategy.folder` holds the strategy NAME.

A file is run when its strategy is asked for, no other: a mistake in one never stops another.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from autotrade.config.errors import shown
from autotrade.config.sources import PROJECT_FOLDER
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.base import Strategy, StrategyFault
from autotrade.domain.strategies.runner import raised_at

_MODULES = "autotrade_own_strategies"
_NOT_STRATEGIES = ("test_", "_", "conftest")


def strategy_folder(folder: str) -> Path:
    """Absolute; a relative one starts at the project's folder."""
    return PROJECT_FOLDER / folder


def own_names(folder: Path) -> list[str]:
    """Names of the strategies in the folder, by their files; none of them is run."""
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.glob("*.py") if path.is_file())
    return [path.stem for path in files if not path.stem.startswith(_NOT_STRATEGIES)]


def register_own(name: str, folder: Path) -> None:
    """Make a strategy of the folder known to the registry. Raises StrategyFault."""
    path = folder / f"{name}.py"
    registry.register(load_strategy(path), str(path))


def load_strategy(path: Path) -> type[Strategy]:
    """The strategy class of one file. Raises StrategyFault with the file and the line."""
    module = _run(path)
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Strategy)
        and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        names = ", ".join(kind.__name__ for kind in found) or "none"
        raise StrategyFault(
            f"{path.name}: expected one class that extends Strategy, was {names}; "
            "python main.py strategy new NAME writes a file to begin with"
        )
    [kind] = found
    name = getattr(kind, "name", None)
    if name != path.stem:
        line = kind.signals.__code__.co_firstlineno if hasattr(kind.signals, "__code__") else 1
        raise StrategyFault(
            f"{path.name}, near line {line}: expected name = {shown(path.stem)}, as the file is "
            f"called, was {shown(name)}; rename one of them"
        )
    return kind


def _run(path: Path) -> ModuleType:
    """Compiled from the text each time: no cache beside a file that somebody is editing."""
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except OSError as error:
        raise StrategyFault(
            f"{path}: expected a readable file, was {error.strerror}; correct the path"
        ) from None
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise StrategyFault(f"{path.name}{line}: expected Python, was: {reason}") from None
    module = ModuleType(f"{_MODULES}.{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their module up there
    try:
        exec(code, module.__dict__)
    except Exception as error:  # noqa: BLE001 - whatever a user's file does becomes a sentence
        place = raised_at(error, str(path)) or path.name
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise StrategyFault(
            f"{place}: expected a file that can be loaded, it raised {text}"
        ) from None
    return module
