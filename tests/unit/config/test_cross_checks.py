"""Settings that contradict each other, and what live orders need."""

from __future__ import annotations

import pytest

from autotrade.config.cross_checks import missing_for_live, refuse_live_without_consent
from autotrade.domain.settings import StopLossMonitorSettings
from tests.unit.config.conftest import PAIR, Home

LEVELS = ("warning_percent", "orderbook_percent", "emergency_percent", "exchange_stop_percent")


@pytest.mark.parametrize("index", range(3))
def test_loss_levels_must_rise(home: Home, index: int) -> None:
    lower, upper = LEVELS[index], LEVELS[index + 1]
    value = getattr(StopLossMonitorSettings(), upper)
    problems = home.problems({f"STOP_LOSS_MONITOR_{lower.upper()}": str(value)})
    assert problems[0].startswith(
        f"stop_loss_monitor: expected {lower} below {upper}, was {value} and {value} "
        f"(environment: STOP_LOSS_MONITOR_{lower.upper()} and default"
    )


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("STRATEGY_MACD_FAST", "26", "strategy: expected macd_fast below macd_slow, was 26 and 26"),
        ("STRATEGY_SMA_SLOW", "7", "strategy: expected sma_fast below sma_slow, was 7 and 7"),
        ("STRATEGY_TIMEFRAME", "7m", "environment: STRATEGY_TIMEFRAME: expected one of 1m, 3m"),
        ("STRATEGY_NAME", "macd", "environment: STRATEGY_NAME: expected one of macd_orderbook"),
        ("EXCHANGE_MODE", "live", 'environment: EXCHANGE_MODE: expected "simulation" on venue'),
        (
            "CURRENCY_PAIR_PROFIT_MARKUP",
            "0.5",
            "environment: CURRENCY_PAIR_PROFIT_MARKUP: expected more than "
            "trading.min_net_profit_percent (0.5)",
        ),
        (
            "CURRENCY_PAIR_BASE_CURRENCY",
            "USDT",
            "currency_pairs.0: expected two different currencies, was USDT/USDT",
        ),
    ],
)
def test_contradictions_are_refused(home: Home, variable: str, value: str, sentence: str) -> None:
    [problem] = home.problems({variable: value})
    assert problem.startswith(sentence)


def test_a_pair_may_stand_once_only(home: Home) -> None:
    home.write_config({"currency_pairs": [PAIR, PAIR]})
    [problem] = home.problems()
    assert problem.startswith("currency_pairs: expected each pair once, was BTC/USDT 2 times")


def test_live_on_binance_names_everything_that_is_missing(home: Home) -> None:
    settings = home.load(exchange__venue="binance", exchange__mode="live")
    [refusal] = refuse_live_without_consent(settings)
    for name in ("BINANCE_PROD_API_KEY", "BINANCE_PROD_PRIVATE_KEY_PATH", "TRADING_APPROVED=true"):
        assert name in refusal


def test_each_missing_thing_alone_refuses_live(home: Home) -> None:
    whole = {
        "EXCHANGE_VENUE": "binance",
        "EXCHANGE_MODE": "live",
        "TRADING_APPROVED": "true",
        "BINANCE_PROD_API_KEY": "key-key-key",
        "BINANCE_PROD_SECRET": "secret-secret",
    }
    assert refuse_live_without_consent(home.load(whole)) == []
    for name in ("TRADING_APPROVED", "BINANCE_PROD_API_KEY", "BINANCE_PROD_SECRET"):
        less = {key: value for key, value in whole.items() if key != name}
        [refusal] = refuse_live_without_consent(home.load(less))
        assert name in refusal
        assert sum(other in refusal for other in whole) == 1
    without_mode = home.load({key: v for key, v in whole.items() if key != "EXCHANGE_MODE"})
    assert missing_for_live(without_mode) == ["exchange.mode=live (EXCHANGE_MODE=live)"]


@pytest.mark.parametrize("venue", ["demo", "testnet"])
def test_play_money_needs_keys_but_no_consent(home: Home, venue: str) -> None:
    settings = home.load(exchange__venue=venue, exchange__mode="live")
    assert missing_for_live(settings) == ["BINANCE_SANDBOX_API_KEY", "BINANCE_SANDBOX_SECRET"]
    keys = {"BINANCE_SANDBOX_API_KEY": "key-key", "BINANCE_SANDBOX_SECRET": "secret-secret"}
    settings = home.load(keys, exchange__venue=venue, exchange__mode="live")
    assert refuse_live_without_consent(settings) == []


def test_simulation_needs_nothing(home: Home) -> None:
    for venue in ("embedded", "binance", "demo"):
        assert refuse_live_without_consent(home.load(exchange__venue=venue)) == []
