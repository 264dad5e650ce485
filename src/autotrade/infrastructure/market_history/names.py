"""Names of exchanges, pairs and files, as users write them and as the store keeps them."""

from __future__ import annotations

import re
from pathlib import Path

from autotrade.infrastructure.market_history.errors import MarketHistoryRefused
from autotrade.infrastructure.simulated_exchange.market.listings import split_symbol

_EXCHANGE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_SYMBOL = re.compile(r"[^\W_][\w.-]{0,29}(?:/[^\W_][\w.-]{0,14})?")
QUOTES = (
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDP", "USD1", "DAI", "USD", "EUR", "TRY", "BRL",
    "GBP", "JPY", "BTC", "ETH", "BNB",
)  # fmt: skip
_FILE_NAME_OF_MONTH = "1mo"
"""`1M.parquet` and `1m.parquet` are one file where the disk does not tell cases apart."""


def exchange_name(text: str) -> str:
    """The exchange as a folder's name; raises `MarketHistoryRefused`."""
    name = text.strip().lower()
    if not _EXCHANGE.fullmatch(name):
        raise MarketHistoryRefused(
            f'expected an exchange\'s name like binance or binanceusdm, was "{text}"'
        )
    return name


def pair_name(text: str) -> str:
    """BASE/QUOTE of BTC/USDT, BTCUSDT, BTC-USDT, BTC_USDT or BTC/USDT:USDT.

    A name without a known quote currency (BTC-PERP) stays as it is.
    """
    word = text.strip().upper().partition(":")[0]
    if not _SYMBOL.fullmatch(word):
        raise MarketHistoryRefused(f'expected a pair like BTC/USDT, was "{text}"')
    if "/" in word:
        return word
    base, mark, quote = word.replace("_", "-").rpartition("-")
    if mark and quote in QUOTES:
        return f"{base}/{quote}"
    if not mark and any(word.endswith(quote) and word != quote for quote in QUOTES):
        if word.endswith("USD") and not word.endswith(("FDUSD", "TUSD", "BUSD")):
            return f"{word[:-3]}/USD"
        return "/".join(split_symbol(word))
    return word


def market_id(symbol: str) -> str:
    """BTCUSDT of BTC/USDT: the folder's name."""
    return symbol.replace("/", "")


def file_name(timeframe: str) -> str:
    return f"{_FILE_NAME_OF_MONTH if timeframe == '1M' else timeframe}.parquet"


def timeframe_of_file(path: Path) -> str:
    return "1M" if path.stem == _FILE_NAME_OF_MONTH else path.stem
