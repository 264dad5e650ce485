"""Market stream messages: what each stream's event looks like on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.types import (
    AggregateTrade,
    DayTicker,
    Kline,
    Trade,
)
from autotrade.infrastructure.simulated_exchange.wire.shapes import levels, text8

Level = tuple[Decimal, Decimal]
Best = tuple[Level | None, Level | None]
_NO_LEVEL: Level = (Decimal(0), Decimal(0))


def trade_event(trade: Trade, ts: int) -> dict[str, Any]:
    return {
        "e": "trade",
        "E": ts,
        "s": trade.symbol,
        "t": trade.id,
        "p": text8(trade.price),
        "q": text8(trade.quantity),
        "T": trade.ts,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def aggregate_event(symbol: str, trade: AggregateTrade, ts: int) -> dict[str, Any]:
    return {
        "e": "aggTrade",
        "E": ts,
        "s": symbol,
        "a": trade.id,
        "p": text8(trade.price),
        "q": text8(trade.quantity),
        "f": trade.first_trade_id,
        "l": trade.last_trade_id,
        "T": trade.ts,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def book_ticker_event(symbol: str, update_id: int, best: Best) -> dict[str, Any]:
    bid, ask = best[0] or _NO_LEVEL, best[1] or _NO_LEVEL
    return {
        "u": update_id,
        "s": symbol,
        "b": text8(bid[0]),
        "B": text8(bid[1]),
        "a": text8(ask[0]),
        "A": text8(ask[1]),
    }


def depth_event(
    symbol: str, ts: int, ids: tuple[int, int], bids: Iterable[Level], asks: Iterable[Level]
) -> dict[str, Any]:
    return {
        "e": "depthUpdate",
        "E": ts,
        "s": symbol,
        "U": ids[0],
        "u": ids[1],
        "b": levels(bids),
        "a": levels(asks),
    }


def partial_depth_event(
    update_id: int, bids: Iterable[Level], asks: Iterable[Level]
) -> dict[str, Any]:
    return {"lastUpdateId": update_id, "bids": levels(bids), "asks": levels(asks)}


def kline_event(
    symbol: str, interval: str, kline: Kline, ts: int, *, is_closed: bool
) -> dict[str, Any]:
    return {
        "e": "kline",
        "E": ts,
        "s": symbol,
        "k": {
            "t": kline.open_ts,
            "T": kline.close_ts,
            "s": symbol,
            "i": interval,
            "f": kline.first_trade_id,
            "L": kline.last_trade_id,
            "o": text8(kline.open),
            "c": text8(kline.close),
            "h": text8(kline.high),
            "l": text8(kline.low),
            "v": text8(kline.volume),
            "n": kline.trades,
            "x": is_closed,
            "q": text8(kline.quote_volume),
            "V": text8(kline.taker_buy_volume),
            "Q": text8(kline.taker_buy_quote),
            "B": "0",
        },
    }


def mini_ticker_event(ticker: DayTicker, ts: int) -> dict[str, Any]:
    return {
        "e": "24hrMiniTicker",
        "E": ts,
        "s": ticker.symbol,
        "c": text8(ticker.last),
        "o": text8(ticker.open),
        "h": text8(ticker.high),
        "l": text8(ticker.low),
        "v": text8(ticker.volume),
        "q": text8(ticker.quote_volume),
    }


def _window_fields(ticker: DayTicker) -> dict[str, Any]:
    return {
        "s": ticker.symbol,
        "p": text8(ticker.price_change),
        "P": f"{ticker.price_change_percent:.3f}",
        "o": text8(ticker.open),
        "h": text8(ticker.high),
        "l": text8(ticker.low),
        "c": text8(ticker.last),
        "w": text8(ticker.weighted_average),
        "v": text8(ticker.volume),
        "q": text8(ticker.quote_volume),
        "O": ticker.open_ts,
        "C": ticker.close_ts,
        "F": ticker.first_trade_id,
        "L": ticker.last_trade_id,
        "n": ticker.trades,
    }


def ticker_event(ticker: DayTicker, best: Best, ts: int) -> dict[str, Any]:
    bid, ask = best[0] or _NO_LEVEL, best[1] or _NO_LEVEL
    return {
        "e": "24hrTicker",
        "E": ts,
        **_window_fields(ticker),
        "x": text8(ticker.previous_close),
        "Q": text8(ticker.last_quantity),
        "b": text8(bid[0]),
        "B": text8(bid[1]),
        "a": text8(ask[0]),
        "A": text8(ask[1]),
    }


def window_ticker_event(ticker: DayTicker, window: str, ts: int) -> dict[str, Any]:
    return {"e": f"{window}Ticker", "E": ts, **_window_fields(ticker)}


def average_price_event(
    symbol: str, minutes: int, price: Decimal, last_trade_ts: int, ts: int
) -> dict[str, Any]:
    return {
        "e": "avgPrice",
        "E": ts,
        "s": symbol,
        "i": f"{minutes}m",
        "w": text8(price),
        "T": last_trade_ts,
    }
