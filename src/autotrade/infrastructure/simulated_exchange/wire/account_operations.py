"""Operations of security USER_DATA: questions of an account about itself."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any

from autotrade.infrastructure.simulated_exchange.wire import errors, shapes
from autotrade.infrastructure.simulated_exchange.wire import parameters as read
from autotrade.infrastructure.simulated_exchange.wire.dispatch import (
    Call,
    Operation,
    Security,
    Values,
    Weight,
)
from autotrade.infrastructure.simulated_exchange.wire.parameters import Parameter
from autotrade.infrastructure.simulated_exchange.wire.trade_operations import ORDER_IDS, SYMBOL

START = Parameter("startTime", read.integer)
END = Parameter("endTime", read.integer)
LIMIT_1000 = Parameter("limit", read.limit_up_to(1000))


def check_time_range(values: Values, hours: int | None = None) -> None:
    """-1127 when the asked range is reversed or longer than Binance allows."""
    start, end = values.get("startTime"), values.get("endTime")
    if start is None or end is None:
        return
    if start > end:
        raise errors.WireRefusal(-1128, "Combination of optional parameters invalid.")
    if hours is not None and end - start > hours * 3_600_000:
        raise errors.WireRefusal(-1127, f"More than {hours} hours between startTime and endTime.")


def query_order(call: Call, values: Values) -> Any:
    if "orderId" not in values and "origClientOrderId" not in values:
        raise errors.missing_one_of("origClientOrderId", "orderId")
    return shapes.queried_order(
        call.exchange.order(
            call.account,
            values["symbol"],
            order_id=values.get("orderId"),
            client_order_id=values.get("origClientOrderId"),
        )
    )


def open_orders(call: Call, values: Values) -> Any:
    found = call.exchange.open_orders(call.account, values.get("symbol"))
    return [shapes.queried_order(order) for order in found]


def all_orders(call: Call, values: Values) -> Any:
    check_time_range(values, 24)
    found = call.exchange.all_orders(
        call.account,
        values["symbol"],
        from_order_id=values.get("orderId"),
        start_ts=values.get("startTime"),
        end_ts=values.get("endTime"),
        limit=values.get("limit", 500),
    )
    return [shapes.queried_order(order) for order in found]


def own_trades(call: Call, values: Values) -> Any:
    check_time_range(values, 24)
    if "fromId" in values and ("startTime" in values or "endTime" in values):
        raise errors.bad_combination()
    found = call.exchange.executions(
        call.account,
        values["symbol"],
        order_id=values.get("orderId"),
        from_trade_id=values.get("fromId"),
        start_ts=values.get("startTime"),
        end_ts=values.get("endTime"),
        limit=values.get("limit", 500),
    )
    return [shapes.own_trade(execution) for execution in found]


def query_list(call: Call, values: Values) -> Any:
    if "orderListId" not in values and "origClientOrderId" not in values:
        raise errors.missing_one_of("orderListId", "origClientOrderId")
    entry = call.exchange.order_list(
        call.account,
        list_id=values.get("orderListId"),
        list_client_order_id=values.get("origClientOrderId"),
    )
    return shapes.order_list(entry, call.exchange.orders_of_list(entry))


def open_lists(call: Call, values: Values) -> Any:
    found = call.exchange.open_order_lists(call.account)
    return [shapes.order_list(entry, call.exchange.orders_of_list(entry)) for entry in found]


def all_lists(call: Call, values: Values) -> Any:
    check_time_range(values, 24)
    if "fromId" in values and ("startTime" in values or "endTime" in values):
        raise errors.bad_combination()
    found = call.exchange.all_order_lists(call.account, limit=1000)
    first, start, end = values.get("fromId"), values.get("startTime"), values.get("endTime")
    kept = [
        entry
        for entry in found
        if (first is None or entry.id >= first)
        and (start is None or entry.ts >= start)
        and (end is None or entry.ts <= end)
    ]
    limit = values.get("limit", 500)
    page = kept[:limit] if first is not None else kept[-limit:]
    return [shapes.order_list(entry, call.exchange.orders_of_list(entry)) for entry in page]


def account_status(call: Call, values: Values) -> Any:
    maker, taker = call.services.maker_fee, call.services.taker_fee
    can_trade = call.key.can_trade if call.key is not None else False
    return {
        "makerCommission": int(maker * 10_000),
        "takerCommission": int(taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(maker, taker),
        "canTrade": can_trade,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": call.now_ms,
        "accountType": "SPOT",
        "balances": shapes.balances(
            call.exchange.balances(call.account),
            omit_zero=values.get("omitZeroBalances", False),
        ),
        "permissions": ["SPOT"],
        "uid": zlib.crc32(call.account.encode()),
    }


def _rates(maker: Decimal, taker: Decimal) -> dict[str, str]:
    return {
        "maker": shapes.text8(maker),
        "taker": shapes.text8(taker),
        "buyer": shapes.ZERO,
        "seller": shapes.ZERO,
    }


def commission(call: Call, values: Values) -> Any:
    call.exchange.market(values["symbol"])
    none = _rates(Decimal(0), Decimal(0))
    return {
        "symbol": values["symbol"],
        "standardCommission": _rates(call.services.maker_fee, call.services.taker_fee),
        "specialCommission": none,
        "taxCommission": none,
        "discount": {
            "enabledForAccount": True,
            "enabledForSymbol": True,
            "discountAsset": "BNB",
            "discount": "0.75000000",
        },
    }


def order_rate_limits(call: Call, values: Values) -> Any:
    return call.services.limiter.order_state(call.account, call.now_ms)


def prevented_matches(call: Call, values: Values) -> Any:
    """Always empty: accounts of this exchange do not prevent self trades."""
    call.exchange.market(values["symbol"])
    return []


def _my_trades_weight(sent: Values) -> int:
    return 5 if "orderId" in sent else 20


def _open_orders_weight(sent: Values) -> int:
    return 6 if sent.get("symbol") else 80


def _user(
    handler: Any,
    path: str,
    method: str,
    weight: Weight,
    parameters: tuple[Parameter, ...] = (),
) -> Operation:
    return Operation(
        handler, ("GET", f"/api/v3/{path}"), method, parameters, weight, Security.USER_DATA
    )


_LIST_IDS = (Parameter("orderListId", read.integer), Parameter("origClientOrderId", read.client_id))
_FROM_ID = Parameter("fromId", read.integer)

OPERATIONS = [
    _user(query_order, "order", "order.status", 4, (SYMBOL, *ORDER_IDS)),
    _user(
        open_orders,
        "openOrders",
        "openOrders.status",
        _open_orders_weight,
        (Parameter("symbol", read.symbol),),
    ),
    _user(
        all_orders,
        "allOrders",
        "allOrders",
        20,
        (SYMBOL, Parameter("orderId", read.integer), START, END, LIMIT_1000),
    ),
    _user(
        own_trades,
        "myTrades",
        "myTrades",
        _my_trades_weight,
        (SYMBOL, Parameter("orderId", read.integer), START, END, _FROM_ID, LIMIT_1000),
    ),
    _user(query_list, "orderList", "orderList.status", 4, _LIST_IDS),
    _user(open_lists, "openOrderList", "openOrderLists.status", 6),
    _user(all_lists, "allOrderList", "allOrderLists", 20, (_FROM_ID, START, END, LIMIT_1000)),
    _user(
        account_status,
        "account",
        "account.status",
        20,
        (Parameter("omitZeroBalances", read.boolean),),
    ),
    _user(commission, "account/commission", "account.commission", 20, (SYMBOL,)),
    _user(order_rate_limits, "rateLimit/order", "account.rateLimits.orders", 40),
    _user(
        prevented_matches,
        "myPreventedMatches",
        "myPreventedMatches",
        20,
        (
            SYMBOL,
            Parameter("preventedMatchId", read.integer),
            Parameter("orderId", read.integer),
            Parameter("fromPreventedMatchId", read.integer),
            LIMIT_1000,
        ),
    ),
]
