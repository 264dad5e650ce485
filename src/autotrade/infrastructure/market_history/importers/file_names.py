"""What a file's name and its folders say: exchange, pair, timeframe, candles or trades.

Names of four families are known word for word; in others a word that looks like a pair, a
timeframe or an exchange is believed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

from autotrade.infrastructure.market_history.errors import MarketHistoryRefused
from autotrade.infrastructure.market_history.names import QUOTES, pair_name
from autotrade.infrastructure.market_history.timeframes import find_timeframe

EXCHANGES = frozenset(
    {
        "binance", "binanceusdm", "binancecoinm", "binanceus", "binancetr", "bitfinex", "bitget",
        "bitmex", "bitstamp", "bybit", "coinbase", "cryptocom", "deribit", "ftx", "gate", "gateio",
        "gemini", "htx", "huobi", "hyperliquid", "kraken", "krakenfutures", "kucoin", "mexc",
        "modelled", "okex", "okx", "poloniex",
    }
)  # fmt: skip
_ARCHIVE = re.compile(
    r"(?P<pair>[^\W_]+?(?:USD_PERP|_\d{6})?)-(?P<kind>aggTrades|trades|\d+[a-zA-Z]+)"
    r"-\d{4}-\d{2}(?:-\d{2})?"
)
_FREQTRADE = re.compile(
    r"(?P<base>[A-Z0-9]+)_(?P<quote>[A-Z0-9]+?)(?:_(?P<settle>[A-Z0-9]+))?-(?P<timeframe>\d+[a-zA-Z]+)"
    r"(?:-(?P<type>[a-z_A-Z]+))?"
)
_FREQTRADE_TRADES = re.compile(r"(?P<base>[A-Z0-9]+)_(?P<quote>[A-Z0-9]+)-trades")
_EXCHANGE_FIRST = re.compile(
    r"(?P<exchange>[a-z][a-z0-9]*)_(?P<pair>[A-Z0-9]+(?:-[A-Z0-9]+)?)_(?P<timeframe>\d+[a-zA-Z]+)"
    r"(?:_.*)?"
)
_PAIR_WORD = re.compile(rf"(?<![A-Z0-9])([A-Z0-9]{{2,12}}?[-_]?(?:{'|'.join(QUOTES)}))(?![A-Z0-9])")
_TIMEFRAME_WORD = re.compile(
    r"(?<![A-Za-z0-9])(\d{1,2}[a-zA-Z]{1,6}|minute|hour|daily)(?![A-Za-z0-9])"
)
_SUFFIXES = (".gz", ".zip", ".csv", ".json", ".parquet", ".feather", ".arrow", ".txt", ".pq")


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a file's series; None is not known yet."""

    exchange: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    has_trades: bool = False
    is_archive: bool = False
    """Named like a file of Binance's public archive, which holds whole days or months."""

    def filled(self, other: Description) -> Description:
        """With what `other` knows where this does not."""
        return Description(
            self.exchange or other.exchange,
            self.symbol or other.symbol,
            self.timeframe or other.timeframe,
            self.has_trades or other.has_trades,
            self.is_archive or other.is_archive,
        )


def describe(path: PurePath) -> Description:
    """Raises `MarketHistoryRefused` for freqtrade's files that hold no trade prices."""
    stem = path.name
    while stem.lower().endswith(_SUFFIXES):
        stem = stem.rpartition(".")[0]
    found = _by_family(stem) or _by_words(stem)
    return found.filled(_by_folders(path))


def _by_family(stem: str) -> Description | None:
    if match := _ARCHIVE.fullmatch(stem):
        kind = match["kind"]
        is_trades = kind in ("aggTrades", "trades")
        timeframe = "1m" if is_trades else find_timeframe(kind)
        return Description(None, _pair(match["pair"]), timeframe, is_trades, is_archive=True)
    if match := _FREQTRADE_TRADES.fullmatch(stem):
        return Description(None, f"{match['base']}/{match['quote']}", "1m", has_trades=True)
    if match := _FREQTRADE.fullmatch(stem):
        if match["type"] not in (None, "futures", "spot"):
            raise MarketHistoryRefused(
                f"expected candles of trades, was freqtrade's {match['type']}: leave {stem} out"
            )
        symbol = f"{match['base']}/{match['quote']}"
        return Description(None, symbol, find_timeframe(match["timeframe"]))
    if match := _EXCHANGE_FIRST.fullmatch(stem):
        timeframe = find_timeframe(match["timeframe"])
        return Description(match["exchange"], _pair(match["pair"]), timeframe)
    return None


def _by_words(stem: str) -> Description:
    exchange = next(
        (word for word in re.split(r"[^a-z0-9]+", stem.lower()) if word in EXCHANGES), None
    )
    pair = _PAIR_WORD.search(stem.upper())
    timeframe = next(
        filter(None, (find_timeframe(word) for word in _TIMEFRAME_WORD.findall(stem))), None
    )
    has_trades = "trades" in stem.lower()
    return Description(exchange, _pair(pair[1]) if pair else None, timeframe, has_trades)


def _by_folders(path: PurePath) -> Description:
    """`futures/um` and `spot` as in Binance's archive; an exchange's name; a pair's folder."""
    folders = [part.lower() for part in path.parts[:-1]]
    exchange = next((name for name in reversed(folders) if name in EXCHANGES), None)
    if "um" in folders and "futures" in folders:
        exchange = "binanceusdm"
    elif "cm" in folders and "futures" in folders:
        exchange = "binancecoinm"
    elif "spot" in folders and exchange in (None, "binance"):
        exchange = "binance"
    elif folders and folders[-1] == "futures" and exchange == "binance":
        exchange = "binanceusdm"
    pair = None
    for folder in path.parts[-3:-1]:
        match = _PAIR_WORD.fullmatch(folder)
        pair = _pair(match[1]) if match else pair
    timeframe = find_timeframe(path.parts[-2]) if len(path.parts) > 1 else None
    return Description(exchange, pair, timeframe)


def _pair(text: str) -> str | None:
    try:
        return pair_name(text)
    except MarketHistoryRefused:
        return None
