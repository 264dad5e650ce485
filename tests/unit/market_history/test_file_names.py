"""What names of files and folders say."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from autotrade.infrastructure.market_history.errors import MarketHistoryRefused
from autotrade.infrastructure.market_history.importers.file_names import describe
from autotrade.infrastructure.market_history.names import pair_name
from autotrade.infrastructure.market_history.timeframes import find_timeframe


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("BTCUSDT-1m-2024-01.zip", "- BTC/USDT 1m"),
        ("BTCUSDT-1mo-2024-01.zip", "- BTC/USDT 1M"),
        ("1000PEPEUSDT-5m-2024-01-31.csv", "- 1000PEPE/USDT 5m"),
        ("BTCUSDT-aggTrades-2024-01-31.zip", "- BTC/USDT 1m trades"),
        ("spot/monthly/klines/ETHBTC/1h/ETHBTC-1h-2024-01.zip", "binance ETH/BTC 1h"),
        ("futures/um/daily/klines/X/BTCUSDT-1m-2024-01-01.csv", "binanceusdm BTC/USDT 1m"),
        ("futures/cm/daily/BTCUSD_PERP-1m-2024-01-01.csv", "binancecoinm BTCUSD_PERP 1m"),
        ("user_data/data/binance/BTC_USDT-5m.feather", "binance BTC/USDT 5m"),
        ("binance/futures/ADA_USDT_USDT-1h-futures.feather", "binanceusdm ADA/USDT 1h"),
        ("kraken/XRP_ETH-trades.json.gz", "kraken XRP/ETH 1m trades"),
        ("binanceusdm_LINKUSDT_1m_2025_2026.parquet", "binanceusdm LINK/USDT 1m"),
        ("otherexchange_BTC-PERP_1m_20211231.parquet", "otherexchange BTC-PERP 1m"),
        ("Binance_BTCUSDT_d.csv", "binance BTC/USDT -"),
        ("Bitstamp_ETHUSD_2021_minute.csv", "bitstamp ETH/USD 1m"),
        ("btc-usdt 15min.json", "- BTC/USDT 15m"),
        ("binance/BTCUSDT/1h.parquet", "binance BTC/USDT 1h"),
        ("prices.csv", "- - -"),
    ],
)
def test_known_families(name: str, found: str) -> None:
    about = describe(PurePosixPath(name))
    words = [about.exchange or "-", about.symbol or "-", about.timeframe or "-"]
    assert " ".join(words + ["trades"] * about.has_trades) == found


@pytest.mark.parametrize("kind", ["mark", "funding_rate"])
def test_prices_that_nobody_traded_at_are_refused(kind: str) -> None:
    with pytest.raises(MarketHistoryRefused, match=f"was freqtrade's {kind}"):
        describe(PurePosixPath(f"futures/BTC_USDT_USDT-8h-{kind}.feather"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("BTC/USDT", "BTC/USDT"),
        ("btcusdt", "BTC/USDT"),
        ("BTC-USDT", "BTC/USDT"),
        ("BTC_USDT", "BTC/USDT"),
        ("BTC/USDT:USDT", "BTC/USDT"),
        ("BTCFDUSD", "BTC/FDUSD"),
        ("ETHUSD", "ETH/USD"),
        ("BNBBTC", "BNB/BTC"),
        ("BTC-PERP", "BTC-PERP"),
    ],
)
def test_pairs_have_one_name(text: str, name: str) -> None:
    assert pair_name(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1m", "1m"), ("1M", "1M"), ("60m", "1h"), ("1H", "1h"), ("1D", "1d"), ("24h", "1d"),
        ("1mo", "1M"), ("daily", "1d"), ("7d", "1w"), ("minute", "1m"), ("2m", None), ("x", None),
    ],
)  # fmt: skip
def test_timeframes_have_one_name(text: str, name: str | None) -> None:
    assert find_timeframe(text) == name
