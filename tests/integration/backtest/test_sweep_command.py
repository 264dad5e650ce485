"""`sweep` and `walkforward` as a user runs them, on candles on disk."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.settings import DomainSettings
from autotrade.infrastructure.backtest import sweep as sweep_module
from autotrade.infrastructure.backtest.sweep_space import axis_of, sets_of
from autotrade.infrastructure.market_history import CandleStore
from autotrade.infrastructure.market_history.modelled import modelled_candles
from autotrade.infrastructure.terminal.entry import main

GRID = ("--grid", "macd_fast=3,5", "--grid", "currency_pair.profit_markup=0.8,1.2")
SETTINGS = (
    "--set", "strategy.macd_fast=4",
    "--set", "strategy.macd_slow=9",
    "--set", "strategy.macd_signal=4",
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with four modelled days."""
    folder = tmp_path_factory.mktemp("data")
    CandleStore(folder / "candles").save(modelled_candles("ETH/USDT", 10, 4), sources=["test"])
    return folder


def run(data: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    command, *rest = words
    given = [command, "--pair", "ETH/USDT", "--data-dir", str(data), "--json", *SETTINGS, *rest]
    assert main(given) == 0
    return json.loads(capsys.readouterr().out)


def refusal(data: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words, "--pair", "ETH/USDT", "--data-dir", str(data)]) == 2
    return capsys.readouterr().err


def test_a_sweep_ranks_checks_judges_and_keeps(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(data, capsys, "sweep", *GRID, "--verify", "2")
    facts = result["sweep"]
    assert (facts["trials"], facts["by_kernel"], facts["checked_against_engine"]) == (4, 4, 2)
    profits = [one["profit"] for one in facts["best"]]
    assert profits == sorted(profits, reverse=True)
    best = facts["best"][0]
    assert Decimal(best["pnl_net"]) == Decimal(result["pnl_net"])
    assert best["deals"] == result["deals"]
    assert result["deals"] > 0
    assert result["statistics"]["trials"] == 4
    page = data / "report.html"
    assert main(["backtests", "--data-dir", str(data), "--report", result["id"], str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "Net result over strategy.macd_fast and" in text or "and strategy.macd_fast" in text
    assert "kept without curves" not in text
    heat = facts["heat_map"]
    net = {tuple(one["values"].values()): float(one["pnl_net"]) for one in facts["best"]}
    assert heat["x"]["name"] == "strategy.macd_fast"
    for row, markup in zip(heat["net"], heat["y"]["values"], strict=True):
        for cell, fast in zip(row, heat["x"]["values"], strict=True):
            assert cell == pytest.approx(net[fast, markup])
    assert (data / "backtests" / result["id"] / "result.json").exists()


def test_what_the_kernel_does_not_know_the_engine_runs(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("sweep", "--grid", "macd_fast=3,5", "--set", "stop_loss_monitor.limit_exit_first=true")
    result = run(data, capsys, *words)
    facts = result["sweep"]
    assert (facts["by_kernel"], sum(facts["by_engine"].values())) == (0, 2)
    assert "limit_exit_first" in next(iter(facts["by_engine"]))


def test_a_kernel_that_is_not_the_engine_is_found_out(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One cent of difference in one deal: exit 1, and no result."""
    right = sweep_module.engine_run

    def wrong(*given: Any) -> Any:
        backtest, plan, run = right(*given)
        run.deals[0].pnl_net += Decimal("0.01")
        return backtest, plan, run

    monkeypatch.setattr(sweep_module, "engine_run", wrong)
    words = ["sweep", "--pair", "ETH/USDT", "--data-dir", str(data), "--json", *SETTINGS, *GRID]
    assert main(words) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "the kernel is not the engine" in captured.err and "deal 0" in captured.err


def test_draws_repeat_themselves() -> None:
    axes = [axis_of("macd_fast", "2..8"), axis_of("profit_markup", "0.6..3:0.1")]
    pair = CurrencyPair("ETH", "USDT", 1, Decimal(15), Decimal("1.5"), 3)
    first, again, other = (
        [one.values for one in sets_of(axes, DomainSettings(), pair, trials=9, seed=seed)[0]]
        for seed in (4, 4, 5)
    )
    assert first == again != other
    assert len({tuple(values.values()) for values in first}) == 9


def test_a_walk_forward_tests_each_day_once_and_judges(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(data, capsys, "walkforward", "--train", "1d", "--test", "1d", *GRID)
    windows = result["windows"]
    assert len(windows) == 2
    assert windows[0]["test_to_ms"] == windows[1]["train_to_ms"]
    assert result["out_of_sample"]["deals"] == sum(one["test_deals"] for one in windows)
    assert result["statistics"]["trials"] == 1
    assert result["verdict"]["level"] in ("loses money", "no evidence of an edge")


def test_a_walk_forward_without_a_grid_walks_with_the_settings(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(data, capsys, "walkforward", "--train", "1d", "--test", "1d")
    assert result["sets"] == 1 and all(one["chosen"] == {} for one in result["windows"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sweep",), "expected at least one --grid"),
        (("sweep", "--grid", "macd_fats=3"), 'nearest valid name is "strategy.macd_fast"'),
        (("sweep", "--grid", "enabled=true"), "unknown name"),
        (("sweep", "--grid", "macd_fast=zwölf"), "--grid strategy.macd_fast"),
        (("sweep", "--grid", "macd_fast=9..3"), "a range that rises"),
        (("sweep", "--grid", "macd_fast=30,40"), "at least one set that makes sense"),
        (("walkforward", "--train", "90"), "at least"),
    ],
)
def test_refusals_are_sentences(
    data: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert said in refusal(data, capsys, *words)
