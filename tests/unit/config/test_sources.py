"""Who wins, and where each value came from."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from autotrade.config.config_loader import data_folder, load_settings, read_layers
from autotrade.config.schema import DEFAULT_MARKET_SOURCE
from autotrade.domain.settings import DomainSettings
from autotrade.infrastructure.simulated_exchange.market.catalog import DEFAULT_SEED
from tests.unit.config.conftest import PAIR, Home


def test_defaults_are_the_domains_own(home: Home) -> None:
    assert home.load().to_domain() == DomainSettings()


def test_each_layer_is_stronger_than_the_next(home: Home) -> None:
    def effective(**sources: object) -> tuple[int, str]:
        home.write_config(
            {
                "currency_pairs": [PAIR],
                "trading": {"max_open_deals": 2} if "json" in sources else {},
            }
        )
        home.write_env("TRADING_MAX_OPEN_DEALS=3" if "dotenv" in sources else "")
        environ = {"TRADING_MAX_OPEN_DEALS": "4"} if "environ" in sources else {}
        overrides = {"trading__max_open_deals": 5} if "line" in sources else {}
        settings = home.load(environ, **overrides)
        return settings.trading.max_open_deals, settings.origin("trading.max_open_deals")

    assert effective() == (9, "default")
    assert effective(json=1) == (2, "config.json")
    assert effective(json=1, dotenv=1) == (3, ".env")
    assert effective(json=1, dotenv=1, environ=1) == (4, "environment")
    assert effective(json=1, dotenv=1, environ=1, line=1) == (5, "command line")


def test_layers_merge_value_by_value(home: Home) -> None:
    home.write_config({"currency_pairs": [PAIR], "strategy": {"sma_slow": 30, "sma_fast": 8}})
    settings = home.load({"STRATEGY_SMA_FAST": "9"})
    assert (settings.strategy.sma_fast, settings.strategy.sma_slow) == (9, 30)
    assert settings.origin("strategy.sma_slow") == "config.json"


def test_numbers_of_json_stay_exact(home: Home) -> None:
    home.write_config(
        '{"currency_pair": {"base_currency": "ETH", "quote_currency": "USDT",'
        ' "deal_quota": 0.1, "profit_markup": 1.10}}'
    )
    [pair] = home.load().pairs()
    assert (str(pair.deal_quota), str(pair.profit_markup)) == ("0.1", "1.10")


def test_a_single_pair_is_accepted(home: Home) -> None:
    home.write_config({"currency_pair": {"base_currency": "SOL", "deal_count": 2}})
    [pair] = home.load().pairs()
    assert (pair.symbol, pair.deal_count, pair.deal_quota) == ("SOL/USDT", 2, Decimal("15.0"))


def test_a_pair_variable_overrides_every_pair(home: Home) -> None:
    home.write_config({"currency_pairs": [PAIR, {**PAIR, "base_currency": "ETH"}]})
    settings = home.load({"CURRENCY_PAIR_DEAL_QUOTA": "42.5"})
    assert [pair.deal_quota for pair in settings.pairs()] == [Decimal("42.5")] * 2
    assert [pair.base for pair in settings.pairs()] == ["BTC", "ETH"]
    assert settings.origin("currency_pairs.1.deal_quota") == "environment"
    assert settings.origin("currency_pairs.1.base_currency") == "config.json"
    assert settings.origin("currency_pairs.1.deal_count") == "default"


def test_pairs_as_json_in_the_environment_replace_the_list(home: Home) -> None:
    settings = home.load({"CURRENCY_PAIRS": '[{"base_currency": "SOL", "deal_quota": 7.25}]'})
    assert [(pair.symbol, str(pair.deal_quota)) for pair in settings.pairs()] == [
        ("SOL/USDT", "7.25")
    ]


def test_recordings_are_split_at_commas(home: Home) -> None:
    settings = home.load({"EXCHANGE_RECORDINGS": "a.gz, b.gz"})
    assert settings.exchange.recordings == (Path("a.gz"), Path("b.gz"))
    assert settings.market_source == "recording:a.gz,b.gz"


def test_an_empty_variable_counts_as_not_set(home: Home) -> None:
    settings = home.load({"EXCHANGE_SPEED": "", "BINANCE_PROD_SECRET": " "})
    assert settings.exchange.speed == 60
    assert settings.keys.binance_prod_secret is None


def test_a_file_with_a_byte_order_mark_is_read(home: Home) -> None:
    home.config_file.write_bytes(b"\xef\xbb\xbf" + home.config_file.read_bytes())
    home.env_file.write_bytes(b"\xef\xbb\xbfEXCHANGE_SPEED=5\r\n")
    assert home.load().exchange.speed == 5


def test_dotenv_values_are_not_interpolated(home: Home) -> None:
    home.write_env("BINANCE_SANDBOX_API_KEY='a$HOME b'", "export LOGS=1"[:0])
    key = home.load().keys.binance_sandbox_api_key
    assert key is not None
    assert key.get_secret_value() == "a$HOME b"


def test_only_the_embedded_exchange_is_fast(home: Home) -> None:
    assert home.load().market_speed == 60
    assert home.load(exchange__venue="binance").market_speed == 1


def test_the_shipped_configuration_trades_three_pairs(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("")
    settings = load_settings(env_file=tmp_path / ".env", environ={})
    assert [pair.symbol for pair in settings.pairs()] == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assert {pair.deal_quota for pair in settings.pairs()} == {Decimal(100)}
    assert settings.exchange.market_source == DEFAULT_MARKET_SOURCE == f"seed:{DEFAULT_SEED}"


def test_the_quick_way_to_the_data_folder_agrees(home: Home, tmp_path: Path) -> None:
    for environ in ({}, {"AUTOTRADE_DATA_DIR": "elsewhere"}, {"AUTOTRADE_DATA_DIR": str(tmp_path)}):
        layers = read_layers(home.config_file, home.env_file, environ)
        assert data_folder(layers) == home.load(environ).data_folder
