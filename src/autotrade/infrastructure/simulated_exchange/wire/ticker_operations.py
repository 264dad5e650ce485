"""Operations without security, continued: tickers over 24 hours, windows and the day."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.candles import DAY_MS
from autotrade.infrastructure.simulated_exchange.core.statistics import MarketStatistics
from autotrade.infrastructure.simulated_exchange.core.types import DayTicker, Market
from autotrade.infrastructure.simulated_exchange.wire import errors
from autotrade.infrastructure.simulated_exchange.wire import parameters as read
from autotrade.infrastructure.simulated_exchange.wire.dispatch import Call, Values
from autotrade.infrastructure.simulated_exchange.wire.market_operations import (
    MANY,
    TIME_ZONE,
    chosen_markets,
    public,
    statistics_of,
)
from autotrade.infrastructure.simulated_exchange.wire.parameters import Parameter
from autotrade.infrastructure.simulated_exchange.wire.shapes import text8

EIGHT_PLACES = Decimal("1E-8")
_TYPE = Parameter("type", read.one_of("FULL", "MINI"))


def _best_fields(call: Call, symbol: str) -> dict[str, Any]:
    bid, ask = call.exchange.best(symbol)
    none = (Decimal(0), Decimal(0))
    (bid_price, bid_amount), (ask_price, ask_amount) = bid or none, ask or none
    return {
        "bidPrice": text8(bid_price),
        "bidQty": text8(bid_amount),
        "askPrice": text8(ask_price),
        "askQty": text8(ask_amount),
    }


def _mini_fields(ticker: DayTicker) -> dict[str, Any]:
    return {
        "symbol": ticker.symbol,
        "openPrice": text8(ticker.open),
        "highPrice": text8(ticker.high),
        "lowPrice": text8(ticker.low),
        "lastPrice": text8(ticker.last),
        "volume": text8(ticker.volume),
        "quoteVolume": text8(ticker.quote_volume),
        "openTime": ticker.open_ts,
        "closeTime": ticker.close_ts,
        "firstId": ticker.first_trade_id,
        "lastId": ticker.last_trade_id,
        "count": ticker.trades,
    }


def _full_fields(ticker: DayTicker) -> dict[str, Any]:
    return {
        "symbol": ticker.symbol,
        "priceChange": text8(ticker.price_change),
        "priceChangePercent": f"{ticker.price_change_percent:.3f}",
        "weightedAvgPrice": text8(ticker.weighted_average),
        **_mini_fields(ticker),
    }


def _day_fields(call: Call, market: Market, values: Values) -> dict[str, Any]:
    ticker = statistics_of(call, market.symbol).ticker_24h()
    if values.get("type") == "MINI":
        return _mini_fields(ticker)
    full = _full_fields(ticker)
    return {
        "symbol": full.pop("symbol"),
        "priceChange": full.pop("priceChange"),
        "priceChangePercent": full.pop("priceChangePercent"),
        "weightedAvgPrice": full.pop("weightedAvgPrice"),
        "prevClosePrice": text8(ticker.previous_close),
        "lastPrice": full.pop("lastPrice"),
        "lastQty": text8(ticker.last_quantity),
        **_best_fields(call, market.symbol),
        **full,
    }


def window_ticker(
    statistics: MarketStatistics, symbol: str, window_ms: int, now_ms: int
) -> DayTicker:
    """A ticker over a window other than 24 hours, made of minute candles as Binance makes it:
    the window opens on a minute."""
    open_ts = now_ms - window_ms
    open_ts += -open_ts % 60_000
    return _ticker_since(statistics, symbol, open_ts, now_ms)


def _ticker_since(
    statistics: MarketStatistics, symbol: str, open_ts: int, now_ms: int
) -> DayTicker:
    rows = [row for row in statistics.klines("1m", limit=1500, start_ts=open_ts) if row.trades]
    zero = Decimal(0)
    volume = sum((row.volume for row in rows), zero)
    quote = sum((row.quote_volume for row in rows), zero)
    first, last = (rows[0].open, rows[-1].close) if rows else (zero, zero)
    change = last - first
    return DayTicker(
        symbol=symbol,
        open_ts=open_ts,
        close_ts=now_ms,
        open=first,
        high=max((row.high for row in rows), default=zero),
        low=min((row.low for row in rows), default=zero),
        last=last,
        last_quantity=zero,
        previous_close=first,
        volume=volume,
        quote_volume=quote,
        weighted_average=(quote / volume).quantize(EIGHT_PLACES, ROUND_DOWN) if volume else zero,
        price_change=change,
        price_change_percent=(change * 100 / first) if first else zero,
        first_trade_id=rows[0].first_trade_id if rows else -1,
        last_trade_id=rows[-1].last_trade_id if rows else -1,
        trades=sum(row.trades for row in rows),
    )


def _one_or_many(
    call: Call, values: Values, make: Callable[[Market], dict[str, Any]]
) -> dict[str, Any] | list[dict[str, Any]]:
    """An object for `symbol`, a list otherwise."""
    made = [make(market) for market in chosen_markets(call, values)]
    return made[0] if "symbol" in values and made else made


def ticker_day(call: Call, values: Values) -> Any:
    return _one_or_many(call, values, lambda market: _day_fields(call, market, values))


def ticker_price(call: Call, values: Values) -> Any:
    def make(market: Market) -> dict[str, Any]:
        last = statistics_of(call, market.symbol).ticker_24h().last
        return {"symbol": market.symbol, "price": text8(last)}

    return _one_or_many(call, values, make)


def ticker_book(call: Call, values: Values) -> Any:
    return _one_or_many(
        call,
        values,
        lambda market: {"symbol": market.symbol, **_best_fields(call, market.symbol)},
    )


def _require_symbols(values: Values) -> None:
    if "symbol" not in values and "symbols" not in values:
        raise errors.missing_one_of("symbol", "symbols")


def ticker_window(call: Call, values: Values) -> Any:
    _require_symbols(values)
    window_ms = values.get("windowSize", DAY_MS)

    def make(market: Market) -> dict[str, Any]:
        statistics = statistics_of(call, market.symbol)
        ticker = window_ticker(statistics, market.symbol, window_ms, call.now_ms)
        return _mini_fields(ticker) if values.get("type") == "MINI" else _full_fields(ticker)

    return _one_or_many(call, values, make)


def ticker_trading_day(call: Call, values: Values) -> Any:
    """Since midnight UTC."""
    _require_symbols(values)
    open_ts = call.now_ms - call.now_ms % DAY_MS

    def make(market: Market) -> dict[str, Any]:
        ticker = _ticker_since(
            statistics_of(call, market.symbol), market.symbol, open_ts, call.now_ms
        )
        fields = _mini_fields(ticker) if values.get("type") == "MINI" else _full_fields(ticker)
        return fields | {"closeTime": open_ts + DAY_MS - 1}

    return _one_or_many(call, values, make)


def _count_symbols(sent: Values) -> int | None:
    """How many symbols were asked for; None for all."""
    if sent.get("symbol"):
        return 1
    names = sent.get("symbols")
    if not names:
        return None
    return len(names) if isinstance(names, list) else str(names).count(",") + 1


def _day_weight(sent: Values) -> int:
    count = _count_symbols(sent)
    if count is None:
        return 80
    return 2 if count <= 20 else 40 if count <= 100 else 80


def _price_weight(sent: Values) -> int:
    return 2 if _count_symbols(sent) == 1 else 4


def _window_weight(sent: Values) -> int:
    return min(200, 4 * (_count_symbols(sent) or 1))


OPERATIONS = [
    public(ticker_day, "ticker/24hr", "ticker.24hr", _day_weight, (*MANY, _TYPE)),
    public(ticker_price, "ticker/price", "ticker.price", _price_weight, MANY),
    public(ticker_book, "ticker/bookTicker", "ticker.book", _price_weight, MANY),
    public(
        ticker_window,
        "ticker",
        "ticker",
        _window_weight,
        (*MANY, Parameter("windowSize", read.window_size), _TYPE),
    ),
    public(
        ticker_trading_day,
        "ticker/tradingDay",
        "ticker.tradingDay",
        _window_weight,
        (*MANY, TIME_ZONE, _TYPE),
    ),
]
