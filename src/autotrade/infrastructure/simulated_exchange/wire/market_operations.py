"""Operations without security: what anybody may ask about the markets."""

from __future__ import annotations

from typing import Any

from autotrade.infrastructure.simulated_exchange.core.statistics import MarketStatistics
from autotrade.infrastructure.simulated_exchange.core.types import (
    AggregateTrade,
    Kline,
    Market,
)
from autotrade.infrastructure.simulated_exchange.wire import errors, shapes
from autotrade.infrastructure.simulated_exchange.wire import parameters as read
from autotrade.infrastructure.simulated_exchange.wire.account_operations import (
    END,
    LIMIT_1000,
    START,
    check_time_range,
)
from autotrade.infrastructure.simulated_exchange.wire.dispatch import (
    Call,
    Operation,
    Values,
    Weight,
)
from autotrade.infrastructure.simulated_exchange.wire.parameters import Parameter
from autotrade.infrastructure.simulated_exchange.wire.shapes import text8
from autotrade.infrastructure.simulated_exchange.wire.trade_operations import SYMBOL


def ping(call: Call, values: Values) -> Any:
    return {}


def server_time(call: Call, values: Values) -> Any:
    return {"serverTime": call.now_ms}


def chosen_markets(call: Call, values: Values) -> list[Market]:
    """`symbol`, `symbols` or all; -1128 for both."""
    if "symbol" in values and "symbols" in values:
        raise errors.bad_combination()
    if "symbol" in values:
        markets = [call.exchange.market(values["symbol"])]
    elif "symbols" in values:
        markets = [call.exchange.market(name) for name in values["symbols"]]
    else:
        markets = call.exchange.markets
    status = values.get("symbolStatus")
    return [market for market in markets if status is None or market.status.value == status]


def exchange_info(call: Call, values: Values) -> Any:
    if "permissions" in values and ("symbol" in values or "symbols" in values):
        raise errors.bad_combination()
    markets = chosen_markets(call, values)
    if "permissions" in values and "SPOT" not in values["permissions"]:
        markets = []
    return {
        "timezone": "UTC",
        "serverTime": call.now_ms,
        "rateLimits": call.services.limiter.describe(),
        "exchangeFilters": [],
        "symbols": [shapes.symbol_info(market) for market in markets],
    }


def depth(call: Call, values: Values) -> Any:
    update_id, bids, asks = call.exchange.depth(values["symbol"], values.get("limit", 100))
    return {
        "lastUpdateId": update_id,
        "bids": shapes.levels(bids),
        "asks": shapes.levels(asks),
    }


def recent_trades(call: Call, values: Values) -> Any:
    found = call.exchange.trades(
        values["symbol"], limit=values.get("limit", 500), from_id=values.get("fromId")
    )
    return [shapes.public_trade(trade) for trade in found]


def statistics_of(call: Call, symbol: str) -> MarketStatistics:
    call.exchange.market(symbol)
    return call.exchange.statistics(symbol)


def aggregate_trade(trade: AggregateTrade) -> dict[str, Any]:
    return {
        "a": trade.id,
        "p": text8(trade.price),
        "q": text8(trade.quantity),
        "f": trade.first_trade_id,
        "l": trade.last_trade_id,
        "T": trade.ts,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def aggregate_trades(call: Call, values: Values) -> Any:
    check_time_range(values)
    if "fromId" in values and ("startTime" in values or "endTime" in values):
        raise errors.bad_combination()
    found = statistics_of(call, values["symbol"]).aggregate_trades(
        limit=values.get("limit", 500),
        from_id=values.get("fromId"),
        start_ts=values.get("startTime"),
        end_ts=values.get("endTime"),
    )
    return [aggregate_trade(trade) for trade in found]


def kline_row(kline: Kline) -> list[Any]:
    return [
        kline.open_ts,
        text8(kline.open),
        text8(kline.high),
        text8(kline.low),
        text8(kline.close),
        text8(kline.volume),
        kline.close_ts,
        text8(kline.quote_volume),
        kline.trades,
        text8(kline.taker_buy_volume),
        text8(kline.taker_buy_quote),
        "0",
    ]


def klines(call: Call, values: Values) -> Any:
    found = statistics_of(call, values["symbol"]).klines(
        values["interval"],
        limit=values.get("limit", 500),
        start_ts=values.get("startTime"),
        end_ts=values.get("endTime"),
    )
    return [kline_row(kline) for kline in found]


def average_price(call: Call, values: Values) -> Any:
    market = call.exchange.market(values["symbol"])
    trades = call.exchange.trades(values["symbol"], limit=1)
    return {
        "mins": market.average_price_minutes,
        "price": text8(call.exchange.average_price(values["symbol"])),
        "closeTime": trades[-1].ts if trades else call.now_ms,
    }


def _depth_weight(sent: Values) -> int:
    try:
        limit = int(sent.get("limit", 100))
    except (TypeError, ValueError):
        return 5
    for top, weight in ((100, 5), (500, 25), (1000, 50)):
        if limit <= top:
            return weight
    return 250


def public(
    handler: Any,
    path: str,
    method: str,
    weight: Weight,
    parameters: tuple[Parameter, ...] = (),
) -> Operation:
    return Operation(handler, ("GET", f"/api/v3/{path}"), method, parameters, weight)


SYMBOL_OPTIONAL = Parameter("symbol", read.symbol)
SYMBOLS = Parameter("symbols", read.symbol_list)
STATUS = Parameter("symbolStatus", read.one_of("TRADING", "HALT", "BREAK"))
TIME_ZONE = Parameter("timeZone", read.text)
MANY = (SYMBOL_OPTIONAL, SYMBOLS, STATUS)
_KLINES = (
    SYMBOL,
    Parameter("interval", read.interval, is_required=True),
    START,
    END,
    TIME_ZONE,
    LIMIT_1000,
)

OPERATIONS = [
    public(ping, "ping", "ping", 1),
    public(server_time, "time", "time", 1),
    public(
        exchange_info,
        "exchangeInfo",
        "exchangeInfo",
        20,
        (
            *MANY,
            Parameter("permissions", read.text_list),
            Parameter("showPermissionSets", read.boolean),
        ),
    ),
    public(
        depth,
        "depth",
        "depth",
        _depth_weight,
        (SYMBOL, Parameter("limit", read.limit_up_to(5000)), STATUS),
    ),
    public(recent_trades, "trades", "trades.recent", 25, (SYMBOL, LIMIT_1000)),
    public(
        recent_trades,
        "historicalTrades",
        "trades.historical",
        25,
        (SYMBOL, LIMIT_1000, Parameter("fromId", read.integer)),
    ),
    public(
        aggregate_trades,
        "aggTrades",
        "trades.aggregate",
        4,
        (SYMBOL, Parameter("fromId", read.integer), START, END, LIMIT_1000),
    ),
    public(klines, "klines", "klines", 2, _KLINES),
    public(klines, "uiKlines", "uiKlines", 2, _KLINES),
    public(average_price, "avgPrice", "avgPrice", 2, (SYMBOL,)),
]
