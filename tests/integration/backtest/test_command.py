"""`backtest` and `backtests` as a user runs them, on files on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autotrade.infrastructure.backtest.archive import Archive
from autotrade.infrastructure.journal.chain import verify
from autotrade.infrastructure.market_history import CandleStore
from autotrade.infrastructure.market_history.modelled import modelled_candles
from autotrade.infrastructure.terminal.entry import main


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with four modelled days of two pairs."""
    folder = tmp_path_factory.mktemp("data")
    for symbol in ("BTC/USDT", "ETH/USDT"):
        CandleStore(folder / "candles").save(modelled_candles(symbol, 10, 4), sources=["test"])
    return folder


def run(data: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["backtest", "--data-dir", str(data), "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_runs_keeps_and_repeats_itself(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(data, capsys, "--pair", "BTC/USDT", "--pair", "ETH/USDT")
    again = run(data, capsys, "--pair", "BTC/USDT", "--pair", "ETH/USDT", "--no-skip")
    assert first["journal_sha256"] == again["journal_sha256"]
    assert first["skipped_candles"] > 0 == again["skipped_candles"]
    assert first["is_modelled"] and first["deals"] > 0 and first["candles"] > 10_000
    assert first["statistics"]["deals"] == first["deals"]
    assert first["verdict"]["sentences"]
    report = verify(data / "backtests" / first["id"] / "journal.jsonl")
    assert report.holds and report.rows == first["journal_rows"]


def test_a_report_is_written_and_can_be_written_again(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.html", tmp_path / "second.html"
    words = ["--monte-carlo", "2", "--to", "2024-01-02", "--report", str(first)]
    result = run(data, capsys, "--pair", "BTC/USDT", *words)
    assert result["monte_carlo_candles"]["paths"] == 2
    page = first.read_text(encoding="utf-8")
    assert result["journal_sha256"] in page and "markets made of the same candles" in page
    again = ["backtests", "--data-dir", str(data), "--report", result["id"][:8], str(second)]
    assert main([*again, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(second)}
    assert second.read_text(encoding="utf-8") == page
    assert main(["backtests", "--data-dir", str(data), "--report", "zzz", str(second)]) == 2
    assert "none of that name" in capsys.readouterr().err


def test_the_table_shows_every_figure_that_the_statistics_have(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["backtest", "--data-dir", str(data), "--pair", "BTC/USDT", "--to", "2024-01-02"]
    assert main(words) == 0
    names = [line.partition("  ")[0] for line in capsys.readouterr().out.splitlines()]
    for name in (
        "total return", "annual return", "buy and hold", "exposure", "max drawdown", "Sharpe",
        "Sortino, Calmar", "win rate", "profit factor", "average deal", "best, worst deal",
        "SQN, of 100", "time in deal", "fees paid", "break-even fee", "deals drawn anew",
    ):  # fmt: skip
        assert name in names, name


def test_a_longer_timeframe_is_made_of_minutes(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(data, capsys, "--pair", "BTC/USDT", "--timeframe", "5m")
    assert result["timeframe"] == "5m" and 500 < result["candles"] < 1_152


def test_settings_of_the_command_line_are_used(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(
        data, capsys, "--pair", "BTC/USDT",
        "--set", "strategy.macd_fast=10",
        "--set", "backtest.latency_ms=500",
        "--set", "currency_pair.deal_quota=50",
        "--set", "stop_loss_monitor.enabled=false",
    )  # fmt: skip
    assert result["settings"]["strategy"]["macd_fast"] == 10
    assert result["settings"]["stop_loss_monitor"]["enabled"] is False
    assert result["assumptions"]["latency_ms"] == 500
    assert result["pair_settings"][0]["deal_quota"] == "50"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "strategy.macd_fats=3"], "strategy.macd_fast"),
        (["--set", "backtest.sprad_bp=3"], "backtest.spread_bp"),
        (["--set", "backtest.spread_bp=-1"], "at least 0"),
        (["--set", "strategy.macd_fast=40"], "expected macd_fast below macd_slow"),
        (["--set", "nonsense"], "expected a setting and its value"),
        (["--pair", "FOO/BAR"], "expected stored candles of FOO/BAR"),
        (["--pair", "BTC/USDT", "--pair", "ETH/BTC"], "one quote currency"),
        (["--pair", "BTC/USDT", "--from", "2030-01-01"], "the store has them from"),
        (
            ["--pair", "BTC/USDT", "--from", "2024-01-03", "--to", "2024-01-02"],
            "expected --from before --to",
        ),
        (["--pair", "BTC/USDT", "--timeframe", "12h"], "expected more than"),
        (["--pair", "BTC/USDT", "--timeframe", "7m"], "expected one of 1m"),
        (["--pair", "BTC/USDT", "--exchange", "nowhere"], "the store has modelled BTC/USDT"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_sentence(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(["backtest", "--data-dir", str(data), *words]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err and not captured.out


def test_gaps_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    series = modelled_candles("BTC/USDT", 10, 2)
    keep = [index for index in range(len(series)) if not 1_000 <= index < 1_060]
    CandleStore(tmp_path / "candles").save(series.rows(keep), sources=["test"])
    assert main(["backtest", "--data-dir", str(tmp_path), "--pair", "BTC/USDT", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["missing_candles"] == 60
    assert "1 gap, candles missing: 60" in captured.err


def test_without_candles_it_makes_modelled_ones_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from autotrade.infrastructure.backtest import loading

    monkeypatch.setattr(loading, "MODELLED_DAYS", 2)
    assert main(["backtest", "--data-dir", str(tmp_path), "--pair", "BTC/USDT"]) == 0
    captured = capsys.readouterr()
    assert "making 2 days of the modelled market" in captured.err
    assert "nothing of them was ever recorded" in captured.out


def test_stored_ones_are_listed_compared_and_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    CandleStore(tmp_path / "candles").save(modelled_candles("BTC/USDT", 10, 2), sources=["test"])
    first = run(tmp_path, capsys, "--pair", "BTC/USDT")["id"]
    second = run(tmp_path, capsys, "--pair", "BTC/USDT", "--set", "backtest.spread_bp=9")["id"]
    assert first != second
    where = ["backtests", "--data-dir", str(tmp_path)]
    assert main(where) == 0
    text = capsys.readouterr().out
    assert first in text and second in text
    assert main([*where, "--compare", first[:6], second[:6]]) == 0
    assert "backtest.spread_bp" in capsys.readouterr().out
    assert main([*where, "--delete", "zzz"]) == 2
    assert "none of that name" in capsys.readouterr().err
    assert main([*where, "--delete", first]) == 0
    assert [one["id"] for one in Archive(tmp_path / "backtests").list()] == [second]
    assert main([*where, "--all"]) == 0
    capsys.readouterr()
    assert main([*where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["backtests"] == []
