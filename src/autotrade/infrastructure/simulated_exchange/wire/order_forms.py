"""From request parameters to the core's order requests: what each order type must and may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.types import (
    OcoRequest,
    OrderKind,
    OrderRequest,
    OtocoRequest,
    Side,
)
from autotrade.infrastructure.simulated_exchange.wire import errors
from autotrade.infrastructure.simulated_exchange.wire import parameters as read
from autotrade.infrastructure.simulated_exchange.wire.parameters import Parameter

Values = Mapping[str, Any]

_LIMITS = (
    OrderKind.LIMIT,
    OrderKind.LIMIT_MAKER,
    OrderKind.STOP_LOSS_LIMIT,
    OrderKind.TAKE_PROFIT_LIMIT,
)
_STOPS = (
    OrderKind.STOP_LOSS,
    OrderKind.STOP_LOSS_LIMIT,
    OrderKind.TAKE_PROFIT,
    OrderKind.TAKE_PROFIT_LIMIT,
)
_TIMED = (OrderKind.LIMIT, OrderKind.STOP_LOSS_LIMIT, OrderKind.TAKE_PROFIT_LIMIT)
STP = Parameter("selfTradePreventionMode", read.one_of("NONE"))
RESPONSE = Parameter("newOrderRespType", read.response_type)


def order_parameters(extra: tuple[Parameter, ...] = ()) -> tuple[Parameter, ...]:
    """What POST order and its relatives take."""
    return (
        Parameter("symbol", read.symbol, is_required=True),
        Parameter("side", read.side, is_required=True),
        Parameter("type", read.order_type, is_required=True),
        Parameter("timeInForce", read.time_in_force),
        Parameter("quantity", read.decimal),
        Parameter("quoteOrderQty", read.decimal),
        Parameter("price", read.decimal),
        Parameter("newClientOrderId", read.client_id),
        Parameter("strategyId", read.integer),
        Parameter("strategyType", read.integer),
        Parameter("stopPrice", read.decimal),
        Parameter("trailingDelta", read.integer),
        Parameter("icebergQty", read.decimal),
        RESPONSE,
        STP,
        *extra,
    )


def leg_parameters(prefix: str, *, is_required: bool = True) -> tuple[Parameter, ...]:
    """The parameters of one leg of an order list, named after the leg (aboveType, ...)."""
    return (
        Parameter(f"{prefix}Type", read.order_type, is_required),
        Parameter(f"{prefix}ClientOrderId", read.client_id),
        Parameter(f"{prefix}IcebergQty", read.decimal),
        Parameter(f"{prefix}Price", read.decimal),
        Parameter(f"{prefix}StopPrice", read.decimal),
        Parameter(f"{prefix}TrailingDelta", read.integer),
        Parameter(f"{prefix}TimeInForce", read.time_in_force),
        Parameter(f"{prefix}StrategyId", read.integer),
        Parameter(f"{prefix}StrategyType", read.integer),
    )


def _demand(is_needed: bool, values: Values, key: str, shown: str) -> None:
    """`key` is needed by the order's type, or must not be there."""
    if is_needed and key not in values:
        raise errors.missing(shown)
    if not is_needed and key in values:
        raise errors.not_required(shown)


def check_type_fields(kind: OrderKind, values: Values, prefix: str = "") -> None:
    """-1102 for what the order's type needs, -1106 for what it cannot have."""

    def shown(name: str) -> str:
        return f"{prefix}{name[0].upper()}{name[1:]}" if prefix else name

    _demand(kind in _TIMED, values, "timeInForce", shown("timeInForce"))
    _demand(kind in _LIMITS, values, "price", shown("price"))
    if kind in _STOPS:
        if "stopPrice" not in values and "trailingDelta" not in values:
            raise errors.missing_one_of(shown("stopPrice"), shown("trailingDelta"))
    else:
        for name in ("stopPrice", "trailingDelta"):
            _demand(False, values, name, shown(name))
    if kind not in _LIMITS:
        _demand(False, values, "icebergQty", shown("icebergQty"))


def order_request(values: Values, client_order_id: str) -> OrderRequest:
    """A new order as sent; raises what Binance raises for missing and needless fields."""
    kind: OrderKind = values["type"]
    check_type_fields(kind, values)
    if kind is OrderKind.MARKET:
        if "quantity" not in values and "quoteOrderQty" not in values:
            raise errors.missing_one_of("quantity", "quoteOrderQty")
        if "quantity" in values and "quoteOrderQty" in values:
            raise errors.bad_combination()
    else:
        _demand(True, values, "quantity", "quantity")
        _demand(False, values, "quoteOrderQty", "quoteOrderQty")
    strategy_type = values.get("strategyType")
    if strategy_type is not None and strategy_type < 1_000_000:
        raise errors.invalid_data("strategyType")
    return OrderRequest(
        symbol=values["symbol"],
        side=values["side"],
        kind=kind,
        quantity=values.get("quantity"),
        quote_quantity=values.get("quoteOrderQty"),
        price=values.get("price"),
        stop_price=values.get("stopPrice"),
        trailing_delta=values.get("trailingDelta"),
        time_in_force=values.get("timeInForce"),
        client_order_id=values.get("newClientOrderId", client_order_id),
        iceberg_quantity=values.get("icebergQty"),
        self_trade_prevention=values.get("selfTradePreventionMode", "NONE"),
        strategy_id=values.get("strategyId"),
        strategy_type=strategy_type,
    )


def leg_request(
    values: Values, prefix: str, side: Side, quantity: Any, client_order_id: str
) -> OrderRequest:
    """One leg of a list, read from the parameters that begin with its name."""
    names = {
        "type": f"{prefix}Type",
        "timeInForce": f"{prefix}TimeInForce",
        "price": f"{prefix}Price",
        "stopPrice": f"{prefix}StopPrice",
        "trailingDelta": f"{prefix}TrailingDelta",
        "icebergQty": f"{prefix}IcebergQty",
        "newClientOrderId": f"{prefix}ClientOrderId",
        "strategyId": f"{prefix}StrategyId",
        "strategyType": f"{prefix}StrategyType",
    }
    leg = {name: values[sent] for name, sent in names.items() if sent in values}
    check_type_fields(leg["type"], leg, prefix)
    leg |= {"symbol": values["symbol"], "side": side, "quantity": quantity}
    return order_request(leg, client_order_id)


def oco_request(values: Values, new_id: Any) -> OcoRequest:
    """orderList/oco: `new_id()` names what the client did not."""
    side, quantity = values["side"], values["quantity"]
    return OcoRequest(
        symbol=values["symbol"],
        above=leg_request(values, "above", side, quantity, new_id()),
        below=leg_request(values, "below", side, quantity, new_id()),
        list_client_order_id=values.get("listClientOrderId", new_id()),
    )


def legacy_oco_request(values: Values, new_id: Any) -> OcoRequest:
    """order/oco (and orderList.place): one limit maker leg and one stop leg."""
    side: Side = values["side"]
    has_limit = "stopLimitPrice" in values
    _demand(has_limit, values, "stopLimitTimeInForce", "stopLimitTimeInForce")
    limit = OrderRequest(
        symbol=values["symbol"],
        side=side,
        kind=OrderKind.LIMIT_MAKER,
        quantity=values["quantity"],
        price=values["price"],
        client_order_id=values.get("limitClientOrderId", new_id()),
        iceberg_quantity=values.get("limitIcebergQty"),
        strategy_id=values.get("limitStrategyId"),
        strategy_type=values.get("limitStrategyType"),
    )
    stop = OrderRequest(
        symbol=values["symbol"],
        side=side,
        kind=OrderKind.STOP_LOSS_LIMIT if has_limit else OrderKind.STOP_LOSS,
        quantity=values["quantity"],
        price=values.get("stopLimitPrice"),
        stop_price=values.get("stopPrice"),
        trailing_delta=values.get("trailingDelta"),
        time_in_force=values.get("stopLimitTimeInForce"),
        client_order_id=values.get("stopClientOrderId", new_id()),
        iceberg_quantity=values.get("stopIcebergQty"),
        strategy_id=values.get("stopStrategyId"),
        strategy_type=values.get("stopStrategyType"),
    )
    above, below = (limit, stop) if side is Side.SELL else (stop, limit)
    return OcoRequest(
        symbol=values["symbol"],
        above=above,
        below=below,
        list_client_order_id=values.get("listClientOrderId", new_id()),
    )


def working_parameters() -> tuple[Parameter, ...]:
    """The working order of an OTO or OTOCO."""
    return (
        *leg_parameters("working")[:3],
        Parameter("workingSide", read.side, is_required=True),
        Parameter("workingQuantity", read.decimal, is_required=True),
        Parameter("workingPrice", read.decimal, is_required=True),
        Parameter("workingTimeInForce", read.time_in_force),
        Parameter("workingStrategyId", read.integer),
        Parameter("workingStrategyType", read.integer),
        Parameter("pendingSide", read.side, is_required=True),
        Parameter("pendingQuantity", read.decimal, is_required=True),
    )


def otoco_request(values: Values, new_id: Any, pending_names: tuple[str, ...]) -> OtocoRequest:
    """orderList/oto (pending) and orderList/otoco (pendingAbove, pendingBelow)."""
    working_kind: OrderKind = values["workingType"]
    if working_kind not in (OrderKind.LIMIT, OrderKind.LIMIT_MAKER):
        raise errors.invalid_data("workingType")
    side, quantity = values["pendingSide"], values["pendingQuantity"]
    return OtocoRequest(
        symbol=values["symbol"],
        working=leg_request(
            values, "working", values["workingSide"], values["workingQuantity"], new_id()
        ),
        pending=tuple(
            leg_request(values, name, side, quantity, new_id())
            for name in pending_names
            if f"{name}Type" in values
        ),
        list_client_order_id=values.get("listClientOrderId", new_id()),
    )
