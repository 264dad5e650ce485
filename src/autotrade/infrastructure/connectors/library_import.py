"""Import ccxt.pro's binance class alone.

The library's package files import every exchange it knows: a hundred modules, about 50 MB and most
of a second that a bot for one exchange never uses. Here the three packages are entered into
`sys.modules` without running those files; the files of the library itself are unchanged, and the
first access to a name that we did not provide runs the real package file after all.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


def load_binance_class() -> Any:
    """The class `ccxt.pro.binance.binance`, with as little of the library as it needs."""
    if "ccxt" not in sys.modules:
        _prepare_packages()
    return importlib.import_module("ccxt.pro.binance").binance


def _prepare_packages() -> None:
    root = _lazy_package("ccxt")
    errors = importlib.import_module("ccxt.base.errors")
    for name in vars(errors):
        if isinstance(getattr(errors, name), type):
            setattr(root, name, getattr(errors, name))
    vars(root)["Exchange"] = importlib.import_module("ccxt.base.exchange").Exchange
    asynchronous = _lazy_package("ccxt.async_support")
    binance = importlib.import_module("ccxt.async_support.binance").binance
    vars(asynchronous)["binance"] = binance
    _lazy_package("ccxt.pro")


def _lazy_package(name: str) -> ModuleType:
    specification = importlib.util.find_spec(name)
    if specification is None or specification.loader is None:
        raise ImportError(f"expected the package {name}, was none, install requirements.txt")
    package = importlib.util.module_from_spec(specification)
    loader = specification.loader

    def run_package_file(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        vars(package).pop("__getattr__", None)
        loader.exec_module(package)
        return getattr(package, attribute)

    vars(package)["__getattr__"] = run_package_file
    sys.modules[name] = package
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, package)
    return package
