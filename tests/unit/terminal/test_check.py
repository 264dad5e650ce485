"""`check --offline`: origins, masked keys, permissions and disk, without changing anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.terminal.conftest import Run

SECRET = "very-secret-value"


def test_every_value_is_shown_with_its_origin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADING_MAX_OPEN_DEALS", "4")
    monkeypatch.setenv("BINANCE_PROD_API_KEY", SECRET)
    outcome = run("check", "--offline", "--json")
    assert outcome.code == 0
    settings = {row["name"]: (row["value"], row["origin"]) for row in outcome.json["settings"]}
    assert settings["trading.max_open_deals"] == ("4", "environment (TRADING_MAX_OPEN_DEALS)")
    assert settings["currency_pairs.0.base_currency"][0] == "ETH"
    assert settings["strategy.macd_fast"] == ("12", "default")
    assert settings["data_dir"][1] == "command line (--data-dir)"
    assert settings["BINANCE_PROD_API_KEY"][0] == "**********"
    assert settings["BINANCE_PROD_SECRET"] == ("not set", "default")
    for text in (outcome.out, run("check", "--offline").out):
        assert SECRET not in text


def test_check_creates_nothing(run: Run, tmp_path: Path) -> None:
    assert run("check", "--offline").code == 0
    assert not (tmp_path / "data").exists()


def test_missing_consent_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXCHANGE_VENUE", "binance")
    monkeypatch.setenv("EXCHANGE_MODE", "live")
    outcome = run("check", "--offline", "--json")
    assert outcome.code == 1
    [mode] = [row for row in outcome.json["checks"] if row["name"] == "mode"]
    assert not mode["good"]
    assert "TRADING_APPROVED=true" in mode["text"]


def test_a_target_that_fees_eat_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURRENCY_PAIR_PROFIT_MARKUP", "0.6")
    outcome = run("check", "--offline")
    assert outcome.code == 1
    assert "BAD   profit ETH/USDT" in outcome.out


def test_a_data_folder_that_is_a_file_is_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    outcome = run("check", "--offline")
    assert outcome.code == 1
    assert "expected a writable folder" in outcome.out


def test_bad_configuration_is_refused_before_anything_is_looked_at(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXCHANGE_SPED", "1")
    outcome = run("check")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "autotrade: environment: unknown name EXCHANGE_SPED; the nearest valid name is "
        "EXCHANGE_SPEED.\n"
    )


def test_live_trading_without_consent_does_not_start(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = run("trade", "--venue", "binance", "--mode", "live")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("autotrade: Live orders on binance are refused: expected ")
