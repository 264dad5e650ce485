"""A strategy to begin with: a file that works, and its tests."""

from __future__ import annotations

import keyword
from pathlib import Path

from autotrade.domain.strategies import registry
from autotrade.domain.strategies.base import StrategyFault

STRATEGY = '''"""{name}: say in a sentence when it buys and why that should earn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.domain.services.indicators.sma import Sma
from autotrade.domain.strategies.base import Sighting, Strategy
from autotrade.domain.strategies.parameters import parameter


class {class_name}(Strategy):
    """BUY when the close rises above its mean."""

    name = "{name}"
    version = "1"  # raise it whenever the same candles could give other signals

    @dataclass(frozen=True, slots=True)
    class Parameters:
        period: Annotated[int, Ge(2), Le(1_000)] = parameter(20, "closes of the mean")

    parameters: Parameters

    def prepare(self) -> None:
        """One object a pair: what is kept here belongs to that pair alone."""
        self._mean = Sma(self.parameters.period)
        self._was_above: bool | None = None

    @property
    def history_candles(self) -> int:
        return self.parameters.period + 1

    def signals(self, candle: Candle, values: IndicatorValues) -> Sighting | None:
        mean = self._mean.update(candle.close)
        if mean is None:
            return None
        was_above, self._was_above = self._was_above, candle.close > mean
        if was_above is not False or not self._was_above:
            return None
        return Sighting("close_above_mean", {{"close": candle.close, "mean": mean}})
'''

TESTS = '''"""{name} keeps the contract, and speaks where it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotrade.infrastructure.strategies.contract import CheckResult, check_file, signals_on

FILE = Path(__file__).with_name("{name}.py")


@pytest.mark.parametrize("result", check_file(FILE), ids=lambda result: result.name)
def test_the_contract(result: CheckResult) -> None:
    assert result.passed, result.text


def test_a_rise_above_the_mean_is_a_signal_once() -> None:
    assert signals_on(FILE, [100.0] * 30 + [99.0, 101.0, 102.0]) == [31]


def test_a_still_price_says_nothing() -> None:
    assert signals_on(FILE, [100.0] * 100) == []
'''


def write_skeleton(name: str, folder: Path) -> list[Path]:
    """NAME.py and test_NAME.py in the folder; raises StrategyFault rather than overwrite."""
    problem = name_problem(name)
    if problem:
        raise StrategyFault(f"expected a name for a strategy, was {name!r}: {problem}")
    class_name = "".join(word.capitalize() for word in name.split("_"))
    texts = {
        folder / f"{name}.py": STRATEGY.format(name=name, class_name=class_name),
        folder / f"test_{name}.py": TESTS.format(name=name),
    }
    for path in texts:
        if path.exists():
            raise StrategyFault(f"expected a free place, was a file: {path}; choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return list(texts)


def name_problem(name: str) -> str:
    """Why no strategy can be called so; empty when it can."""
    if not name.isascii() or not name.isidentifier() or name != name.lower():
        return "use small letters, digits and _, a letter first"
    if keyword.iskeyword(name) or name.startswith(("_", "test_")) or name == "conftest":
        return "Python or its tests use that name"
    if name in registry.shipped_names():
        return "a shipped strategy has it"
    return ""
