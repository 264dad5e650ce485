"""Operations of security TRADE: new orders, cancels, lists."""

from __future__ import annotations

from typing import Any

from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    ExchangeOrder,
    OrderList,
    Status,
)
from autotrade.infrastructure.simulated_exchange.wire import errors, order_forms, shapes
from autotrade.infrastructure.simulated_exchange.wire import parameters as read
from autotrade.infrastructure.simulated_exchange.wire.dispatch import (
    Call,
    Operation,
    Security,
    Values,
)
from autotrade.infrastructure.simulated_exchange.wire.parameters import Parameter

SYMBOL = Parameter("symbol", read.symbol, is_required=True)
ORDER_IDS = (
    Parameter("orderId", read.integer),
    Parameter("origClientOrderId", read.client_id),
)


def place_order(call: Call, values: Values) -> Any:
    request = order_forms.order_request(values, call.services.next_client_id())
    order = call.exchange.place(call.account, request)
    default = "FULL" if request.kind.value in ("MARKET", "LIMIT") else "ACK"
    if order.status is Status.FILLED:
        call.services.limiter.give_back_orders(call.account, 1, call.now_ms)
    return shapes.placed_order(order, values.get("newOrderRespType", default))


def test_order(call: Call, values: Values) -> Any:
    request = order_forms.order_request(values, call.services.next_client_id())
    call.exchange.test_order(call.account, request)
    if not values.get("computeCommissionRates"):
        return {}
    rates = {
        "maker": shapes.text8(call.services.maker_fee),
        "taker": shapes.text8(call.services.taker_fee),
    }
    none = {"maker": shapes.ZERO, "taker": shapes.ZERO}
    return {
        "standardCommissionForOrder": rates,
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": {
            "enabledForAccount": True,
            "enabledForSymbol": True,
            "discountAsset": "BNB",
            "discount": "0.75000000",
        },
    }


def _require_order_id(values: Values, first: str, second: str) -> None:
    if first not in values and second not in values:
        raise errors.missing_one_of(second, first)


def cancel_order(call: Call, values: Values) -> Any:
    _require_order_id(values, "orderId", "origClientOrderId")
    return _cancel(
        call,
        values["symbol"],
        order_id=values.get("orderId"),
        client_order_id=values.get("origClientOrderId"),
        new_client_order_id=values.get("newClientOrderId"),
        restriction=values.get("cancelRestrictions"),
    )


def _cancel(
    call: Call,
    symbol: str,
    *,
    order_id: int | None,
    client_order_id: str | None,
    new_client_order_id: str | None,
    restriction: str | None,
) -> dict[str, Any]:
    """Cancel one order, or the whole list that it belongs to."""
    if restriction is not None:
        _check_restriction(call, symbol, order_id, client_order_id, restriction)
    order = call.exchange.cancel(
        call.account,
        symbol,
        order_id=order_id,
        client_order_id=client_order_id,
        new_client_order_id=new_client_order_id,
    )
    if order.order_list_id >= 0:
        entry = call.exchange.order_list(call.account, list_id=order.order_list_id)
        return _canceled_list(call, entry)
    return shapes.canceled_order(order)


def _check_restriction(
    call: Call, symbol: str, order_id: int | None, client_order_id: str | None, restriction: str
) -> None:
    try:
        order = call.exchange.order(
            call.account, symbol, order_id=order_id, client_order_id=client_order_id
        )
    except ExchangeError:
        raise ExchangeError(-2011, "Unknown order sent.") from None
    wanted = {"ONLY_NEW": Status.NEW, "ONLY_PARTIALLY_FILLED": Status.PARTIALLY_FILLED}
    if order.status.is_open and order.status is not wanted[restriction]:
        raise ExchangeError(-2011, "Order was not canceled due to cancel restrictions.")


def _canceled_list(call: Call, entry: OrderList) -> dict[str, Any]:
    legs = call.exchange.orders_of_list(entry)
    return {
        **shapes.order_list(entry, legs),
        "orderReports": [shapes.canceled_order(leg) for leg in legs],
    }


def cancel_all(call: Call, values: Values) -> Any:
    canceled = call.exchange.cancel_all(call.account, values["symbol"])
    return [_canceled_entry(call, entry) for entry in canceled]


def _canceled_entry(call: Call, entry: ExchangeOrder | OrderList) -> dict[str, Any]:
    if isinstance(entry, OrderList):
        return _canceled_list(call, entry)
    return shapes.canceled_order(entry)


def cancel_replace(call: Call, values: Values) -> Any:
    """Cancel one order and place another; partial failures are Binance's -2021 and -2022."""
    _require_order_id(values, "cancelOrderId", "cancelOrigClientOrderId")
    request = order_forms.order_request(values, call.services.next_client_id())
    outcome: dict[str, Any] = {
        "cancelResult": "SUCCESS",
        "newOrderResult": "NOT_ATTEMPTED",
        "cancelResponse": None,
        "newOrderResponse": None,
    }
    try:
        outcome["cancelResponse"] = _cancel(
            call,
            values["symbol"],
            order_id=values.get("cancelOrderId"),
            client_order_id=values.get("cancelOrigClientOrderId"),
            new_client_order_id=values.get("cancelNewClientOrderId"),
            restriction=values.get("cancelRestrictions"),
        )
    except ExchangeError as refusal:
        outcome["cancelResult"] = "FAILURE"
        outcome["cancelResponse"] = {"code": refusal.code, "msg": refusal.message}
        if values["cancelReplaceMode"] == "STOP_ON_FAILURE":
            raise errors.WireRefusal(
                -2022, "Order cancel-replace failed.", 400, data=outcome
            ) from None
    try:
        order = call.exchange.place(call.account, request)
    except ExchangeError as refusal:
        outcome["newOrderResult"] = "FAILURE"
        outcome["newOrderResponse"] = {"code": refusal.code, "msg": refusal.message}
        if outcome["cancelResult"] == "FAILURE":
            raise errors.WireRefusal(
                -2022, "Order cancel-replace failed.", 400, data=outcome
            ) from None
        raise errors.WireRefusal(
            -2021, "Order cancel-replace partially failed.", 409, data=outcome
        ) from None
    outcome["newOrderResult"] = "SUCCESS"
    default = "FULL" if request.kind.value in ("MARKET", "LIMIT") else "ACK"
    outcome["newOrderResponse"] = shapes.placed_order(
        order, values.get("newOrderRespType", default)
    )
    if outcome["cancelResult"] == "FAILURE":
        raise errors.WireRefusal(-2021, "Order cancel-replace partially failed.", 409, data=outcome)
    return outcome


def _placed_list(call: Call, entry: OrderList, values: Values) -> dict[str, Any]:
    legs = call.exchange.orders_of_list(entry)
    return shapes.order_list_with_reports(entry, legs, values.get("newOrderRespType", "RESULT"))


def place_oco(call: Call, values: Values) -> Any:
    request = order_forms.oco_request(values, call.services.next_client_id)
    return _placed_list(call, call.exchange.place_oco(call.account, request), values)


def place_legacy_oco(call: Call, values: Values) -> Any:
    request = order_forms.legacy_oco_request(values, call.services.next_client_id)
    return _placed_list(call, call.exchange.place_oco(call.account, request), values)


def place_oto(call: Call, values: Values) -> Any:
    request = order_forms.otoco_request(values, call.services.next_client_id, ("pending",))
    return _placed_list(call, call.exchange.place_otoco(call.account, request), values)


def place_otoco(call: Call, values: Values) -> Any:
    names = ("pendingAbove", "pendingBelow")
    request = order_forms.otoco_request(values, call.services.next_client_id, names)
    return _placed_list(call, call.exchange.place_otoco(call.account, request), values)


def cancel_list(call: Call, values: Values) -> Any:
    _require_order_id(values, "orderListId", "listClientOrderId")
    entry = call.exchange.cancel_list(
        call.account,
        values["symbol"],
        list_id=values.get("orderListId"),
        list_client_order_id=values.get("listClientOrderId"),
    )
    return _canceled_list(call, entry)


_REPLACE = (
    Parameter("cancelReplaceMode", read.one_of("STOP_ON_FAILURE", "ALLOW_FAILURE"), True),
    Parameter("cancelNewClientOrderId", read.client_id),
    Parameter("cancelOrigClientOrderId", read.client_id),
    Parameter("cancelOrderId", read.integer),
    Parameter("cancelRestrictions", read.one_of("ONLY_NEW", "ONLY_PARTIALLY_FILLED")),
    Parameter("orderRateLimitExceededMode", read.one_of("DO_NOTHING", "CANCEL_ONLY")),
)
_LIST_COMMON = (
    SYMBOL,
    Parameter("side", read.side, is_required=True),
    Parameter("quantity", read.decimal, is_required=True),
    Parameter("listClientOrderId", read.client_id),
    order_forms.RESPONSE,
    order_forms.STP,
)
_LINKED = (
    SYMBOL,
    *order_forms.working_parameters(),
    Parameter("listClientOrderId", read.client_id),
    order_forms.RESPONSE,
    order_forms.STP,
)
_LEGACY_OCO = (
    Parameter("price", read.decimal, is_required=True),
    Parameter("limitClientOrderId", read.client_id),
    Parameter("limitStrategyId", read.integer),
    Parameter("limitStrategyType", read.integer),
    Parameter("limitIcebergQty", read.decimal),
    Parameter("stopPrice", read.decimal, is_required=True),
    Parameter("trailingDelta", read.integer),
    Parameter("stopClientOrderId", read.client_id),
    Parameter("stopStrategyId", read.integer),
    Parameter("stopStrategyType", read.integer),
    Parameter("stopLimitPrice", read.decimal),
    Parameter("stopIcebergQty", read.decimal),
    Parameter("stopLimitTimeInForce", read.time_in_force),
)


def _trade(
    handler: Any,
    rest: tuple[str, str],
    method: str | None,
    parameters: tuple[Parameter, ...],
    order_count: int = 0,
) -> Operation:
    return Operation(
        handler, (rest[0], f"/api/v3/{rest[1]}"), method, parameters, 1, Security.TRADE, order_count
    )


OPERATIONS = [
    _trade(place_order, ("POST", "order"), "order.place", order_forms.order_parameters(), 1),
    _trade(
        test_order,
        ("POST", "order/test"),
        "order.test",
        order_forms.order_parameters((Parameter("computeCommissionRates", read.boolean),)),
    ),
    _trade(
        cancel_order,
        ("DELETE", "order"),
        "order.cancel",
        (
            SYMBOL,
            *ORDER_IDS,
            Parameter("newClientOrderId", read.client_id),
            Parameter("cancelRestrictions", read.one_of("ONLY_NEW", "ONLY_PARTIALLY_FILLED")),
        ),
    ),
    _trade(cancel_all, ("DELETE", "openOrders"), "openOrders.cancelAll", (SYMBOL,)),
    _trade(
        cancel_replace,
        ("POST", "order/cancelReplace"),
        "order.cancelReplace",
        order_forms.order_parameters(_REPLACE),
        1,
    ),
    _trade(
        place_oco,
        ("POST", "orderList/oco"),
        "orderList.place.oco",
        (*_LIST_COMMON, *order_forms.leg_parameters("above"), *order_forms.leg_parameters("below")),
        2,
    ),
    _trade(
        place_legacy_oco,
        ("POST", "order/oco"),
        "orderList.place",
        (*_LIST_COMMON, *_LEGACY_OCO),
        2,
    ),
    _trade(
        place_oto,
        ("POST", "orderList/oto"),
        "orderList.place.oto",
        (*_LINKED, *order_forms.leg_parameters("pending")),
        2,
    ),
    _trade(
        place_otoco,
        ("POST", "orderList/otoco"),
        "orderList.place.otoco",
        (
            *_LINKED,
            *order_forms.leg_parameters("pendingAbove"),
            *order_forms.leg_parameters("pendingBelow", is_required=False),
        ),
        3,
    ),
    _trade(
        cancel_list,
        ("DELETE", "orderList"),
        "orderList.cancel",
        (
            SYMBOL,
            Parameter("orderListId", read.integer),
            Parameter("listClientOrderId", read.client_id),
            Parameter("newClientOrderId", read.client_id),
        ),
    ),
]
