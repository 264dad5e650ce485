"""The strategy in the configuration: a user's own file, its parameters from every source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autotrade.config.strategy_files import load_strategy, own_names
from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.base import StrategyFault
from tests.unit.config.conftest import Home

OWN = """
from __future__ import annotations
from dataclasses import dataclass
from typing import Annotated
from annotated_types import Ge, Le
from autotrade.domain.strategies.base import Sighting, Strategy
from autotrade.domain.strategies.parameters import parameter

class Own(Strategy):
    name = "own_idea"
    version = "3"
    @dataclass(frozen=True)
    class Parameters:
        period: Annotated[int, Ge(2), Le(50)] = parameter(20, "candles")
        is_loud: bool = parameter(False, "switch")
    def prepare(self) -> None:
        if self.parameters.period == 13:
            raise ValueError("expected another period, was 13")
    def signals(self, candle, values):
        return None
"""
BREAKOUT = {"name": "volatility_breakout"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "own"
    place.mkdir()
    (place / "own_idea.py").write_text(OWN, encoding="utf-8")
    (place / "test_own_idea.py").write_text("raise SystemExit", encoding="utf-8")
    yield place
    registry.forget("own_idea")


def own(folder: Path, **more: object) -> dict[str, object]:
    return {"strategy": {"name": "own_idea", "folder": str(folder), **more}}


def test_a_file_of_the_folder_is_found_by_its_name(home: Home, folder: Path) -> None:
    home.write_config(own(folder, parameters={"period": 30}))
    settings = home.load()
    runner = registry.create(settings.to_domain().strategy)
    assert (runner.name, runner.version, runner.parameters.period) == ("own_idea", "3", 30)
    assert settings.origin("strategy.parameters.period") == "config.json"
    assert not list(folder.glob("__pycache__"))


def test_an_edited_file_counts_at_the_next_start(home: Home, folder: Path) -> None:
    home.write_config(own(folder))
    home.load()
    path = folder / "own_idea.py"
    path.write_text(OWN.replace('version = "3"', 'version = "4"'), encoding="utf-8")
    assert registry.create(home.load().strategy).version == "4"


def test_only_the_named_file_is_run(home: Home, folder: Path) -> None:
    (folder / "broken.py").write_text("raise SystemExit", encoding="utf-8")
    home.write_config(own(folder))
    home.load()
    assert own_names(folder) == ["broken", "own_idea"]
    assert own_names(folder / "nowhere") == []


def test_an_unknown_strategy_is_told_the_nearest_of_all(home: Home, folder: Path) -> None:
    home.write_config(own(folder, name="own_ide"))
    [problem] = home.problems()
    assert problem == (
        "config.json: strategy.name: expected one of macd_orderbook, own_idea, "
        'volatility_breakout, was "own_ide"; the nearest is own_idea.'
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x = (", "own_idea.py, line 1: expected Python, was: '(' was never closed"),
        ("\n\nimport nothing_such", "own_idea.py, line 3: expected a file that can be loaded"),
        ("x = 1", "own_idea.py: expected one class that extends Strategy, was none"),
        (OWN.replace('"own_idea"', '"other"'), 'expected name = "own_idea", as the file is called'),
        (OWN.replace("def signals", "def signal"), "expected a method signals(candle, values)"),
        (OWN.replace("(20,", "(99,"), "expected the default of parameter period to be a whole"),
        (OWN.replace('version = "3"', ""), 'expected version to be a text like "1"'),
        (OWN.replace("== 13", "== 20"), "expected another period, was 13"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(
    home: Home, folder: Path, text: str, sentence: str
) -> None:
    (folder / "own_idea.py").write_text(text, encoding="utf-8")
    home.write_config(own(folder))
    [problem] = home.problems()
    assert problem.startswith("config.json: strategy.name: ")
    assert sentence in problem
    assert "Traceback" not in problem and "\n" not in problem


def test_a_file_that_is_not_text_or_not_there_is_refused(folder: Path) -> None:
    (folder / "own_idea.py").write_bytes(b"\x00\xff")
    with pytest.raises(StrategyFault, match=r"own_idea\.py"):
        load_strategy(folder / "own_idea.py")
    with pytest.raises(StrategyFault, match="expected a readable file"):
        load_strategy(folder / "gone.py")


@pytest.mark.parametrize(
    "environ",
    [
        {"STRATEGY_PARAMETERS": "k=0.7, session_candles = 60"},
        {"STRATEGY_PARAMETERS": '{"k": 0.7, "session_candles": 60}'},
        {"STRATEGY_PARAMETERS_K": "0.7", "STRATEGY_PARAMETERS_SESSION_CANDLES": "60"},
    ],
)
def test_the_environment_names_parameters_in_three_ways(
    home: Home, environ: dict[str, str]
) -> None:
    home.write_config({"strategy": {**BREAKOUT, "parameters": {"k": 9, "trend_candles": 5}}})
    parameters = registry.create(home.load(environ).strategy).parameters
    assert (parameters.k, parameters.session_candles, parameters.trend_candles) == (0.7, 60, 5)


def test_the_command_line_is_strongest(home: Home) -> None:
    settings = home.load(
        {"STRATEGY_PARAMETERS": "k=0.7"},
        strategy__name="volatility_breakout",
        strategy__parameters__k="0.9",
    )
    assert registry.create(settings.strategy).parameters.k == 0.9
    assert settings.origin("strategy.parameters.k") == "command line"
    together = home.load(strategy__name="volatility_breakout", strategy__parameters=(("k", "0.8"),))
    assert registry.create(together.strategy).parameters.k == 0.8
    assert together.written("strategy.parameters.k") == "--strategy__parameters"


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        (
            {"STRATEGY_PARAMETERS": "kk=1"},
            "environment: unknown name strategy.parameters.kk; the nearest valid name is "
            "strategy.parameters.k.",
        ),
        (
            {"STRATEGY_PARAMETERS_K": "0"},
            "environment: strategy.parameters.k: expected a number above 0 and at most 10, was "
            "'0'; correct it there.",
        ),
        (
            {"STRATEGY_PARAMETERS": "k"},
            "environment: STRATEGY_PARAMETERS: expected NAME=VALUE, separated by commas, was "
            '"k"; correct it there.',
        ),
        (
            {"STRATEGY_PARAMETERS": '{"k": [1]}'},
            "environment: strategy.parameters.k: expected a number, a text, true or false, was "
            "[1]; correct it there.",
        ),
        (
            {"STRATEGY_PARAMETERS": "{k}"},
            "environment: STRATEGY_PARAMETERS: expected JSON, was something else at column 2; "
            "write it as in config.json, or as NAME=VALUE.",
        ),
    ],
)
def test_bad_parameters_are_told_with_their_place(
    home: Home, environ: dict[str, str], sentence: str
) -> None:
    home.write_config({"strategy": BREAKOUT})
    assert home.problems(environ) == [sentence]


def test_all_bad_parameters_at_once(home: Home) -> None:
    home.write_config({"strategy": {**BREAKOUT, "parameters": {"k": 99, "trend": 5}}})
    assert len(home.problems()) == 2


def test_parameters_must_be_an_object(home: Home) -> None:
    home.write_config({"strategy": {**BREAKOUT, "parameters": 7}})
    assert home.problems() == [
        "config.json: strategy.parameters: expected an object of names and values, was 7; write "
        "it in braces."
    ]


def test_macds_old_names_are_its_parameters(home: Home) -> None:
    home.write_config({"strategy": {"macd_slow": 30, "parameters": {"macd_fast": 10}}})
    settings = home.load({"STRATEGY_SMA_FAST": "5"})
    assert settings.strategy == StrategySettings(macd_fast=10, macd_slow=30, sma_fast=5)
    assert settings.origin("strategy.macd_fast") == "config.json"
    [problem] = home.problems({"STRATEGY_PARAMETERS": "macd_fast=0"})
    assert "STRATEGY_PARAMETERS: expected a whole number above 0, was" in problem
    [problem] = home.problems({"STRATEGY_PARAMETERS": "k=1"})
    assert "macd_orderbook has no parameters of its own: expected k among" in problem


def test_what_belongs_to_macd_is_unknown_to_another(home: Home) -> None:
    home.write_config({"strategy": {**BREAKOUT, "parameters": {"macd_fast": 10}}})
    [problem] = home.problems()
    assert problem.startswith("config.json: unknown name strategy.parameters.macd_fast")
