"""User data events: what the core says of an account, as Binance's stream says it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.types import (
    BalanceMoved,
    BalancesChanged,
    ExchangeOrder,
    Execution,
    OrderChanged,
    OrderListChanged,
    Output,
)
from autotrade.infrastructure.simulated_exchange.wire.shapes import ZERO, text8


def account_of(output: Output) -> str | None:
    """Whose event this is; None for market data."""
    match output:
        case OrderChanged(order=order):
            return order.account
        case OrderListChanged(order_list=order_list):
            return order_list.account
        case BalancesChanged(account=account) | BalanceMoved(account=account):
            return account
    return None


def user_event(output: Output, execution_id: int) -> dict[str, Any] | None:
    """The event for an output of an account; None for market data."""
    match output:
        case OrderChanged():
            return execution_report(output, execution_id)
        case OrderListChanged():
            return list_status(output)
        case BalancesChanged():
            return {
                "e": "outboundAccountPosition",
                "E": output.ts,
                "u": output.ts,
                "B": [
                    {"a": asset, "f": text8(free), "l": text8(locked)}
                    for asset, free, locked in output.balances
                ],
            }
        case BalanceMoved():
            return {
                "e": "balanceUpdate",
                "E": output.ts,
                "a": output.asset,
                "d": text8(output.delta),
                "T": output.ts,
            }
    return None


def _execution_fields(execution: Execution | None) -> dict[str, Any]:
    if execution is None:
        return {"l": ZERO, "L": ZERO, "n": "0", "N": None, "t": -1, "m": False, "Y": ZERO}
    return {
        "l": text8(execution.quantity),
        "L": text8(execution.price),
        "n": text8(execution.commission),
        "N": execution.commission_asset,
        "t": execution.trade_id,
        "m": execution.is_maker,
        "Y": text8(execution.quote_quantity),
    }


def execution_report(change: OrderChanged, execution_id: int) -> dict[str, Any]:
    order = change.order
    event: dict[str, Any] = {
        "e": "executionReport",
        "E": change.ts,
        "s": order.symbol,
        "c": order.client_order_id,
        "S": order.side.value,
        "o": order.kind.value,
        "f": order.time_in_force.value,
        "q": text8(order.original_quantity),
        "p": text8(order.price),
        "P": text8(order.stop_price),
        "F": text8(order.iceberg_quantity),
        "g": order.order_list_id,
        "C": change.original_client_order_id,
        "x": change.execution_type,
        "X": order.status.value,
        "r": change.reject_reason,
        "i": order.id,
        "z": text8(order.executed_quantity),
        "T": change.ts,
        "I": execution_id,
        "w": order.is_working,
        "M": change.execution is not None,
        "O": order.created_ts,
        "Z": text8(order.executed_quote),
        "Q": text8(order.original_quote_quantity),
        "V": order.self_trade_prevention,
        **_execution_fields(change.execution),
        **_optional_fields(order),
    }
    return event


def _optional_fields(order: ExchangeOrder) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if order.working_ts >= 0:
        shown["W"] = order.working_ts
    if order.trailing_delta is not None:
        shown["d"] = order.trailing_delta
        shown["D"] = order.created_ts
    if order.strategy_id is not None:
        shown["j"] = order.strategy_id
    if order.strategy_type is not None:
        shown["J"] = order.strategy_type
    return shown


def list_status(change: OrderListChanged) -> dict[str, Any]:
    entry = change.order_list
    return {
        "e": "listStatus",
        "E": change.ts,
        "s": entry.symbol,
        "g": entry.id,
        "c": entry.contingency,
        "l": entry.status_type,
        "L": entry.order_status,
        "r": "NONE",
        "C": entry.list_client_order_id,
        "T": change.ts,
        "O": [
            {"s": entry.symbol, "i": order_id, "c": client_order_id}
            for order_id, client_order_id in change.orders
        ],
    }


def percent_change(first: Decimal, last: Decimal) -> str:
    """Binance's priceChangePercent: three decimals, 0 for an unknown first price."""
    return f"{(last - first) * 100 / first:.3f}" if first else "0.000"
