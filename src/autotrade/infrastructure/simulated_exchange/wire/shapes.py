"""The core's words in the exact shape of Binance's replies (numbers as strings of 8 decimals)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeOrder,
    Execution,
    Market,
    OrderList,
    Side,
    Trade,
)

ZERO = "0.00000000"
STP_MODES = ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"]
ORDER_TYPES = [
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]


def text8(value: Decimal) -> str:
    """A number as Binance writes it."""
    return f"{value:.8f}"


def levels(side: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[text8(price), text8(amount)] for price, amount in side]


def _conditional_fields(order: ExchangeOrder) -> dict[str, Any]:
    """Members that Binance shows only when the order has them."""
    shown: dict[str, Any] = {}
    if order.stop_price:
        shown["stopPrice"] = text8(order.stop_price)
    if order.trailing_delta is not None:
        shown["trailingDelta"] = order.trailing_delta
        shown["trailingTime"] = order.created_ts
    if order.iceberg_quantity:
        shown["icebergQty"] = text8(order.iceberg_quantity)
    if order.strategy_id is not None:
        shown["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        shown["strategyType"] = order.strategy_type
    return shown


def order_ack(order: ExchangeOrder) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.order_list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": order.updated_ts,
    }


def _amounts(order: ExchangeOrder) -> dict[str, Any]:
    return {
        "price": text8(order.price),
        "origQty": text8(order.original_quantity),
        "executedQty": text8(order.executed_quantity),
        "origQuoteOrderQty": text8(order.original_quote_quantity),
        "cummulativeQuoteQty": text8(order.executed_quote),
        "status": order.status.value,
        "timeInForce": order.time_in_force.value,
        "type": order.kind.value,
        "side": order.side.value,
    }


def order_result(order: ExchangeOrder) -> dict[str, Any]:
    """newOrderRespType=RESULT, also an orderReports member of a list."""
    return {
        **order_ack(order),
        **_amounts(order),
        **_conditional_fields(order),
        "workingTime": order.working_ts,
        "selfTradePreventionMode": order.self_trade_prevention,
    }


def order_full(order: ExchangeOrder) -> dict[str, Any]:
    """newOrderRespType=FULL: RESULT with its fills."""
    return {**order_result(order), "fills": [fill(part) for part in order.executions]}


def placed_order(order: ExchangeOrder, response_type: str) -> dict[str, Any]:
    if response_type == "ACK":
        return order_ack(order)
    return order_full(order) if response_type == "FULL" else order_result(order)


def fill(execution: Execution) -> dict[str, Any]:
    return {
        "price": text8(execution.price),
        "qty": text8(execution.quantity),
        "commission": text8(execution.commission),
        "commissionAsset": execution.commission_asset,
        "tradeId": execution.trade_id,
    }


def canceled_order(order: ExchangeOrder) -> dict[str, Any]:
    """DELETE order: `clientOrderId` is the id of the cancel itself."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.id,
        "orderListId": order.order_list_id,
        "clientOrderId": order.cancel_client_order_id,
        "transactTime": order.updated_ts,
        **_amounts(order),
        **_conditional_fields(order),
        "selfTradePreventionMode": order.self_trade_prevention,
    }


def queried_order(order: ExchangeOrder) -> dict[str, Any]:
    """GET order, openOrders and allOrders."""
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": order.order_list_id,
        "clientOrderId": order.client_order_id,
        "price": text8(order.price),
        "origQty": text8(order.original_quantity),
        "executedQty": text8(order.executed_quantity),
        "cummulativeQuoteQty": text8(order.executed_quote),
        "status": order.status.value,
        "timeInForce": order.time_in_force.value,
        "type": order.kind.value,
        "side": order.side.value,
        "stopPrice": text8(order.stop_price),
        "icebergQty": text8(order.iceberg_quantity),
        "time": order.created_ts,
        "updateTime": order.updated_ts,
        "isWorking": order.is_working,
        "workingTime": order.working_ts,
        "origQuoteOrderQty": text8(order.original_quote_quantity),
        "selfTradePreventionMode": order.self_trade_prevention,
        **_conditional_fields(order),
    }


def order_list(entry: OrderList, legs: Sequence[ExchangeOrder]) -> dict[str, Any]:
    return {
        "orderListId": entry.id,
        "contingencyType": entry.contingency,
        "listStatusType": entry.status_type,
        "listOrderStatus": entry.order_status,
        "listClientOrderId": entry.list_client_order_id,
        "transactionTime": entry.ts,
        "symbol": entry.symbol,
        "orders": [
            {"symbol": leg.symbol, "orderId": leg.id, "clientOrderId": leg.client_order_id}
            for leg in legs
        ],
    }


def order_list_with_reports(
    entry: OrderList, legs: Sequence[ExchangeOrder], response_type: str
) -> dict[str, Any]:
    """The reply to a new list."""
    return {
        **order_list(entry, legs),
        "orderReports": [placed_order(leg, response_type) for leg in legs],
    }


def own_trade(execution: Execution) -> dict[str, Any]:
    """myTrades."""
    return {
        "symbol": execution.symbol,
        "id": execution.trade_id,
        "orderId": execution.order_id,
        "orderListId": execution.order_list_id,
        "price": text8(execution.price),
        "qty": text8(execution.quantity),
        "quoteQty": text8(execution.quote_quantity),
        "commission": text8(execution.commission),
        "commissionAsset": execution.commission_asset,
        "time": execution.ts,
        "isBuyer": execution.side is Side.BUY,
        "isMaker": execution.is_maker,
        "isBestMatch": True,
    }


def public_trade(trade: Trade) -> dict[str, Any]:
    """trades and historicalTrades."""
    return {
        "id": trade.id,
        "price": text8(trade.price),
        "qty": text8(trade.quantity),
        "quoteQty": text8(trade.quote_quantity),
        "time": trade.ts,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def balances(
    held: Mapping[str, tuple[Decimal, Decimal]], *, omit_zero: bool = False
) -> list[dict[str, str]]:
    return [
        {"asset": asset, "free": text8(free), "locked": text8(locked)}
        for asset, (free, locked) in sorted(held.items())
        if not omit_zero or free or locked
    ]


def symbol_info(market: Market) -> dict[str, Any]:
    """A member of exchangeInfo's `symbols`."""
    return {
        "symbol": market.symbol,
        "status": market.status.value,
        "baseAsset": market.base,
        "baseAssetPrecision": market.base_precision,
        "quoteAsset": market.quote,
        "quotePrecision": market.quote_precision,
        "quoteAssetPrecision": market.quote_precision,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": symbol_filters(market),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def symbol_filters(market: Market) -> list[dict[str, Any]]:
    filters: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": text8(market.minimum_price),
            "maxPrice": text8(market.maximum_price),
            "tickSize": text8(market.tick_size),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": text8(market.minimum_amount),
            "maxQty": text8(market.maximum_amount),
            "stepSize": text8(market.lot_size),
        },
        {"filterType": "ICEBERG_PARTS", "limit": market.max_iceberg_parts},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": ZERO,
            "maxQty": text8(market.market_maximum_amount),
            "stepSize": ZERO,
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": market.minimum_trailing_delta,
            "maxTrailingAboveDelta": market.maximum_trailing_delta,
            "minTrailingBelowDelta": market.minimum_trailing_delta,
            "maxTrailingBelowDelta": market.maximum_trailing_delta,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": _plain(market.bid_multiplier_up),
            "bidMultiplierDown": _plain(market.bid_multiplier_down),
            "askMultiplierUp": _plain(market.ask_multiplier_up),
            "askMultiplierDown": _plain(market.ask_multiplier_down),
            "avgPriceMins": market.average_price_minutes,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text8(market.minimum_notional),
            "applyMinToMarket": True,
            "maxNotional": text8(market.maximum_notional),
            "applyMaxToMarket": False,
            "avgPriceMins": market.average_price_minutes,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": market.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": market.max_algo_orders},
    ]
    if market.maximum_position is not None:
        filters.append(
            {"filterType": "MAX_POSITION", "maxPosition": text8(market.maximum_position)}
        )
    return filters


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
