"""Bad configuration: one clear sentence for each mistake, and all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotrade.config.config_loader import load_settings
from autotrade.config.errors import ConfigurationError
from tests.unit.config.conftest import PAIR, Home


def with_pair(**changes: object) -> dict[str, object]:
    return {"currency_pairs": [{**PAIR, **changes}]}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (
            {"trading": {"max_open_deals": "nine"}},
            'config.json: trading.max_open_deals: expected a whole number above 0, was "nine"',
        ),
        (
            {"trading": {"max_open_deals": 2.5}},
            "config.json: trading.max_open_deals: expected a whole number above 0, was 2.5",
        ),
        (
            {"orderbook_analyzer": {"max_spread_percent": -0.3}},
            "config.json: orderbook_analyzer.max_spread_percent: expected a number above 0 and at "
            "most 100, was -0.3",
        ),
        (
            {"trading": {"max_open_deals": True}},
            "config.json: trading.max_open_deals: expected a whole number above 0, was true",
        ),
        (
            {"strategy": {"name": 7}},
            "config.json: strategy.name: expected a text, was 7",
        ),
        (
            {"trading": {"require_orderbook_support": 1}},
            "config.json: trading.require_orderbook_support: expected true or false, was 1",
        ),
        (
            {"exchange": {"venue": "kraken"}},
            "config.json: exchange.venue: expected one of embedded, demo, testnet, binance, was "
            '"kraken"',
        ),
        (
            {"exchange": {"market_source": "sead:7"}},
            "config.json: exchange.market_source: expected seed: and a whole number, like seed:7, "
            'was "sead:7"',
        ),
        (
            with_pair(deal_quota=None),
            "config.json: currency_pairs.0.deal_quota: expected a number above 0, was null",
        ),
        (
            with_pair(base_currency="btc"),
            "config.json: currency_pairs.0.base_currency: expected an asset's name in capital "
            'letters, like USDT, was "btc"',
        ),
        (
            {"trading": 5},
            "config.json: trading: expected an object of settings, was 5",
        ),
        (
            {"currency_pairs": {}},
            "config.json: currency_pairs: expected a list of objects, was {}",
        ),
        (
            {"currency_pairs": []},
            "config.json: currency_pairs: expected at least one pair, was an empty list",
        ),
        ("[1]", "config.json: expected an object of sections, was [1]"),
        ('{"a": NaN}', "config.json: expected a number, was NaN"),
        ('{"log": {}, "log": {}}', 'config.json: expected each name once, was "log" twice'),
        ('{\n  "log" {}}', "config.json, line 2, column 9: expected JSON, was something else"),
    ],
)
def test_a_bad_value_is_named_with_its_place(home: Home, config: object, sentence: str) -> None:
    home.write_config(config)
    [problem] = home.problems()
    assert problem.startswith(sentence)
    assert problem.endswith(".")


@pytest.mark.parametrize(
    ("config", "name", "near"),
    [
        ({"tradng": {}}, '"tradng"', '"trading"'),
        ({"trading": {"max_open_deal": 3}}, '"trading.max_open_deal"', '"trading.max_open_deals"'),
        (
            {"trading": {"max_spread_percent": 1}},
            '"trading.max_spread_percent"',
            '"orderbook_analyzer.max_spread_percent"',
        ),
        (with_pair(deal_quot=3), '"currency_pairs.0.deal_quot"', '"currency_pairs.0.deal_quota"'),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    home: Home, config: object, name: str, near: str
) -> None:
    home.write_config(config)
    [problem] = home.problems()
    assert problem == f"config.json: unknown name {name}; the nearest valid name is {near}."


def test_unknown_variables_with_our_prefix_are_refused(home: Home) -> None:
    [problem] = home.problems({"STOP_LOSS_MONITOR_EMERGENCY": "2", "STOP_THE_WORLD": "1"})
    assert problem == (
        "environment: unknown name STOP_LOSS_MONITOR_EMERGENCY; the nearest valid name is "
        "STOP_LOSS_MONITOR_EMERGENCY_PERCENT."
    )


def test_any_unknown_name_in_dotenv_is_refused(home: Home) -> None:
    home.write_env("BINANCE_PROD_API_KEYS=abcdefghij", "EXCHANGE_SPEED=2")
    [problem] = home.problems()
    assert problem == (
        ".env: unknown name BINANCE_PROD_API_KEYS; the nearest valid name is BINANCE_PROD_API_KEY."
    )


def test_a_bad_line_of_dotenv_is_named_by_number_only(home: Home) -> None:
    home.write_env("EXCHANGE_SPEED=2", "BINANCE_PROD_SECRET 'hushhush", "")
    [problem] = home.problems()
    assert problem.startswith(".env, line 2: expected NAME=value")
    assert "hush" not in problem


def test_infinite_numbers_are_refused(home: Home) -> None:
    problems = home.problems(
        {"STOP_LOSS_MONITOR_HOLD_SECONDS_MAX": "inf", "TRADING_MIN_NET_PROFIT_PERCENT": "nan"}
    )
    assert len(problems) == 2
    assert all("expected a number" in problem for problem in problems)


def test_all_mistakes_of_all_sources_are_told_at_once(home: Home) -> None:
    home.write_config({"tradng": {}, "lgo": {}})
    home.write_env("NONSENSE=1")
    problems = home.problems({"EXCHANGE_SPED": "1"})
    assert [problem.partition(":")[0] for problem in problems] == [
        "environment",
        ".env",
        "config.json",
        "config.json",
    ]


def test_a_missing_file_is_refused(home: Home, tmp_path: Path) -> None:
    home.config_file.unlink()
    [problem] = home.problems()
    assert problem.startswith(f"{home.config_file}: expected a configuration file, was nothing")
    home.write_config({})
    with pytest.raises(ConfigurationError, match="--env-file: expected an existing file"):
        load_settings(config_file=home.config_file, env_file=tmp_path / "none", environ={})


def test_a_file_that_is_not_text_is_refused(home: Home) -> None:
    home.config_file.write_bytes(b'{"log": "\xff"}')
    [problem] = home.problems()
    assert problem.startswith("config.json: expected UTF-8 text, was byte 0xff at 9")


def test_keys_do_not_belong_into_config_json(home: Home) -> None:
    home.write_config({"binance_prod_secret": "hushhushhush"})
    [problem] = home.problems()
    assert "put BINANCE_PROD_SECRET into .env or the environment" in problem
    assert "hush" not in problem


def test_long_values_are_cut_in_sentences(home: Home) -> None:
    home.write_config({"exchange": {"venue": "x" * 500}})
    [problem] = home.problems()
    assert len(problem) < 250
