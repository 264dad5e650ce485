"""`strategy list`, `new`, `check`, and a strategy that breaks at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.terminal.conftest import Run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STRATEGY_FOLDER", str(tmp_path / "own"))
    return tmp_path / "own"


def test_shipped_strategies_are_listed_with_their_parameters(run: Run, folder: Path) -> None:
    outcome = run("strategy", "list", "--json")
    assert outcome.code == 0
    rows = {row["name"]: row for row in outcome.json["strategies"]}
    assert list(rows) == ["macd_orderbook", "volatility_breakout"]
    assert rows["macd_orderbook"]["origin"] == "shipped"
    names = [item["name"] for item in rows["macd_orderbook"]["parameters"]]
    assert names[0] == "strategy.macd_fast" and len(names) == 6
    [k] = [i for i in rows["volatility_breakout"]["parameters"] if i["name"].endswith(".k")]
    assert k["name"] == "strategy.parameters.k"
    assert (k["default"], k["expected"]) == ("0.5", "a number above 0 and at most 10")
    assert "volatility_breakout" in run("strategy", "list").out


def test_new_writes_a_strategy_that_list_and_check_know(run: Run, folder: Path) -> None:
    outcome = run("strategy", "new", "my_idea", "--json")
    assert [Path(name).name for name in outcome.json["files"]] == ["my_idea.py", "test_my_idea.py"]
    listed = {row["name"]: row for row in run("strategy", "list", "--json").json["strategies"]}
    assert listed["my_idea"]["origin"] == "my_idea.py"
    checked = run("strategy", "check", "my_idea", "--json")
    assert (checked.code, checked.json["good"]) == (0, True)
    again = run("strategy", "new", "my_idea")
    assert again.code == 2
    assert again.err.startswith("autotrade: expected a free place, was a file: ")


def test_check_says_what_is_broken_and_exits_with_1(run: Run, folder: Path) -> None:
    run("strategy", "new", "my_idea")
    path = folder / "my_idea.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("if mean is None:", "if 1 / 0 and mean is None:"))
    line = text[: text.index("if mean is None")].count("\n") + 1
    outcome = run("strategy", "check", "my_idea")
    assert outcome.code == 1
    assert (
        f"strategy my_idea (my_idea.py, line {line}) raised ZeroDivisionError in signals"
        in outcome.out
    )
    assert "Traceback" not in outcome.out + outcome.err


def test_a_broken_file_is_listed_with_its_fault(run: Run, folder: Path) -> None:
    folder.mkdir()
    (folder / "torn.py").write_text("class (")
    (folder / "macd_orderbook.py").write_text("x = 1")
    rows = run("strategy", "list", "--json").json["strategies"]
    faults = {row["origin"]: row["fault"] for row in rows if row["fault"]}
    assert faults["torn.py"].startswith("torn.py, line 1: expected Python")
    assert "macd_orderbook.py" in faults


def test_an_unknown_name_is_told_the_nearest(run: Run, folder: Path) -> None:
    outcome = run("strategy", "check", "breakout")
    assert outcome.code == 2
    assert 'was "breakout"; the nearest is volatility_breakout' in outcome.err
    bad = run("strategy", "check", "volatility_breakout", "--timeframe", "7m")
    assert bad.code == 2 and 'was "7m"' in bad.err
    worse = run("strategy", "new", "My-Idea")
    assert worse.code == 2 and "use small letters" in worse.err


def test_check_shows_the_parameters_in_force(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRATEGY_NAME", "volatility_breakout")
    monkeypatch.setenv("STRATEGY_PARAMETERS", "k=0.7")
    rows = run("check", "--offline", "--json").json["settings"]
    found = {row["name"]: (row["value"], row["origin"]) for row in rows}
    assert found["strategy.parameters.k"] == ("0.7", "environment (STRATEGY_PARAMETERS)")
    assert found["strategy.parameters.session_candles"] == ("0", "default")
    assert "strategy.parameters" not in found


def test_the_bot_does_not_start_with_a_file_that_cannot_be_used(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder.mkdir()
    (folder / "torn.py").write_text("import nothing_such")
    monkeypatch.setenv("STRATEGY_NAME", "torn")
    outcome = run("trade", "--for", "10s")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "autotrade: environment: STRATEGY_NAME: torn.py, line 1: expected a file that can be "
        "loaded, it raised ModuleNotFoundError: No module named 'nothing_such'.\n"
    )
    assert not (tmp_path / "data").exists()
