"""Names of market streams: what a client may subscribe to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from autotrade.infrastructure.simulated_exchange.core.candles import INTERVALS

_WINDOWS_MS = {"1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000}
_DEPTH = re.compile(r"^depth(5|10|20)?(?:@(100|1000)ms)?$")
_KLINE = re.compile(r"^kline_([0-9]{1,2}[smhdwM])(@\+08:00)?$")
_WINDOW = re.compile(r"^ticker_(1h|4h|1d)$")
_ALL = re.compile(r"^!(miniTicker@arr|ticker@arr|ticker_(?:1h|4h|1d)@arr|bookTicker)$")


@dataclass(frozen=True, slots=True)
class StreamName:
    """A parsed stream name.

    `kind` is one of trade, aggTrade, bookTicker, depth, partialDepth, kline, miniTicker, ticker,
    windowTicker, avgPrice, or one of these for all symbols (`symbol` is "" then).
    """

    text: str
    symbol: str
    kind: str
    cadence_ms: int = 0
    """0 for streams that send at once."""
    levels: int = 0
    interval: str = ""
    window_ms: int = 0


def parse_stream(text: str) -> StreamName | None:
    """The stream named `text`; None when Binance knows no such stream."""
    if text.startswith("!"):
        return _parse_all(text)
    symbol, _, rest = text.partition("@")
    if not symbol or not rest or symbol != symbol.lower():
        return None
    symbol = symbol.upper()
    if rest in ("trade", "aggTrade", "bookTicker"):
        return StreamName(text, symbol, rest)
    if rest in ("miniTicker", "ticker", "avgPrice"):
        return StreamName(text, symbol, rest, cadence_ms=1_000)
    if match := _DEPTH.match(rest):
        kind = "partialDepth" if match[1] else "depth"
        return StreamName(
            text, symbol, kind, cadence_ms=int(match[2] or 1_000), levels=int(match[1] or 0)
        )
    if (match := _KLINE.match(rest)) and match[1] in INTERVALS:
        cadence_ms = 1_000 if match[1] == "1s" else 2_000
        return StreamName(text, symbol, "kline", cadence_ms=cadence_ms, interval=match[1])
    if match := _WINDOW.match(rest):
        return StreamName(
            text, symbol, "windowTicker", cadence_ms=1_000, window_ms=_WINDOWS_MS[match[1]]
        )
    return None


def _parse_all(text: str) -> StreamName | None:
    match = _ALL.match(text)
    if match is None:
        return None
    kind = match[1].partition("@")[0]
    if kind == "bookTicker":
        return StreamName(text, "", kind)
    if kind.startswith("ticker_"):
        window_ms = _WINDOWS_MS[kind.removeprefix("ticker_")]
        return StreamName(text, "", "windowTicker", cadence_ms=1_000, window_ms=window_ms)
    return StreamName(text, "", kind, cadence_ms=1_000)
