"""The accounts' side of an exchange as plain JSON data, and back.

The market's liquidity is not part of it: the source brings it again. Open orders go back to the
end of the queue at their price.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from enum import Enum
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.accounts import (
    HISTORY_KEPT,
    Account,
    Ledger,
    Lock,
)
from autotrade.infrastructure.simulated_exchange.core.context import Context
from autotrade.infrastructure.simulated_exchange.core.matching import SymbolEngine
from autotrade.infrastructure.simulated_exchange.core.orders import LiveList, LiveOrder
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeOrder,
    Execution,
    OrderKind,
    OrderList,
    Side,
    Status,
    TimeInForce,
)

VERSION = 1
Json = dict[str, Any]

_ORDER_DECIMALS = (
    "original_quantity",
    "original_quote_quantity",
    "price",
    "stop_price",
    "executed_quantity",
    "executed_quote",
    "iceberg_quantity",
)
_EXECUTION_DECIMALS = ("price", "quantity", "quote_quantity", "commission")


def export_state(context: Context, ledger: Ledger, engines: Mapping[str, SymbolEngine]) -> Json:
    """See `SimulatedExchange.export_state`."""
    return {
        "version": VERSION,
        "now": context.now,
        "next_order_id": context.next_order_id,
        "next_list_id": context.next_list_id,
        "next_client_id": context.next_client_id,
        "commissions": _texts(ledger.commissions),
        "market_flow": _texts(ledger.market_flow),
        "symbols": {
            symbol: {
                "last_trade_id": engine.last_trade_id,
                "last_update_id": engine.last_update_id,
            }
            for symbol, engine in engines.items()
        },
        "accounts": [_account_json(account) for account in ledger.accounts.values()],
    }


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {asset: str(amount) for asset, amount in amounts.items()}


def _plain(value: object) -> Json:
    """A flat dataclass as JSON data; nested executions are left to their own list."""
    data: Json = {}
    for field in fields(value):  # type: ignore[arg-type]
        item = getattr(value, field.name)
        if field.name == "executions":
            continue
        if isinstance(item, Decimal):
            item = str(item)
        elif isinstance(item, tuple):
            item = list(item)
        data[field.name] = item.value if isinstance(item, Enum) else item
    return data


def _account_json(account: Account) -> Json:
    locks: dict[int, Lock] = {}
    for live in account.open.values():
        if live.lock is not None:
            locks[id(live.lock)] = live.lock
    numbers = {key: index for index, key in enumerate(locks)}
    return {
        "name": account.name,
        "pays_fees_in_bnb": account.pays_fees_in_bnb,
        "free": _texts(account.free),
        "locked": _texts(account.locked),
        "locks": [[lock.asset, str(lock.amount)] for lock in locks.values()],
        "orders": [
            _plain(record) for known in account.orders.values() for record in known.values()
        ],
        "executions": [_plain(one) for known in account.executions.values() for one in known],
        "lists": [_list_json(group) for group in account.lists.values()],
        "closed": [list(pair) for pair in account.closed],
        "closed_lists": list(account.closed_lists),
        "open": [
            {
                "id": live.record.id,
                "lock": None if live.lock is None else numbers[id(live.lock)],
                "ticks": live.ticks,
                "stop_ticks": live.stop_ticks,
                "lots": live.lots,
                "extreme": live.extreme,
                "is_waiting": live.is_waiting,
                "is_tracking": live.is_tracking,
                "is_resting": live.is_resting,
            }
            for live in account.open.values()
        ],
    }


def _list_json(group: LiveList) -> Json:
    """Only its open orders still matter to a list."""
    working = group.working
    is_working = working is not None and working.record.status.is_open
    return {
        "record": _plain(group.record),
        "client_ids": list(group.client_ids),
        "working": working.record.id if working is not None and is_working else None,
        "legs": [leg.record.id for leg in group.legs if leg.record.status.is_open],
        "pending": [leg.record.id for leg in group.pending if leg.record.status.is_open],
    }


def restore_state(
    state: Mapping[str, Any],
    context: Context,
    ledger: Ledger,
    engines: Mapping[str, SymbolEngine],
) -> None:
    """See `SimulatedExchange.restore_state`. Raises ValueError for another version's state or
    one of a symbol that is not listed."""
    if state.get("version") != VERSION:
        raise ValueError(
            f"expected exchange state of version {VERSION}, was {state.get('version')};"
            " start with a new state"
        )
    unknown = [symbol for symbol in state["symbols"] if symbol not in engines]
    if unknown:
        raise ValueError(
            f"expected the state's symbols to be listed, {', '.join(unknown)} were not;"
            " list them or start with a new state"
        )
    if any(account.open for account in ledger.accounts.values()):
        raise ValueError("expected an exchange without open orders, had some; restore it first")
    context.next_order_id = state["next_order_id"]
    context.next_list_id = state["next_list_id"]
    context.next_client_id = state["next_client_id"]
    ledger.commissions = _amounts(state["commissions"])
    ledger.market_flow = _amounts(state["market_flow"])
    for symbol, ids in state["symbols"].items():
        engines[symbol].last_trade_id = ids["last_trade_id"]
        engines[symbol].last_update_id = ids["last_update_id"]
    resting: list[LiveOrder] = []
    for data in state["accounts"]:
        account = _restore_account(data, engines, resting)
        ledger.accounts[account.name] = account
    for live in sorted(resting, key=lambda one: one.record.id):
        live.engine.rest(live)


def _amounts(texts: Mapping[str, str]) -> dict[str, Decimal]:
    return {asset: Decimal(text) for asset, text in texts.items()}


def _restore_account(
    data: Json, engines: Mapping[str, SymbolEngine], resting: list[LiveOrder]
) -> Account:
    account = Account(data["name"], pays_fees_in_bnb=data["pays_fees_in_bnb"])
    account.free, account.locked = _amounts(data["free"]), _amounts(data["locked"])
    for plain in data["orders"]:
        record = _order(plain)
        account.orders.setdefault(record.symbol, {})[record.id] = record
        account.latest_client_ids[record.symbol, record.client_order_id] = record.id
    for plain in data["executions"]:
        execution = _execution(plain)
        account.executed(execution)
        known = account.orders.get(execution.symbol, {}).get(execution.order_id)
        if known is not None:
            known.executions.append(execution)
    account.closed = deque((symbol, number) for symbol, number in data["closed"])
    account.closed_lists = deque(data["closed_lists"], maxlen=HISTORY_KEPT + 1)
    _restore_open(account, data, engines, resting)
    for plain in data["lists"]:
        _restore_list(account, plain)
    return account


def _restore_open(
    account: Account,
    data: Json,
    engines: Mapping[str, SymbolEngine],
    resting: list[LiveOrder],
) -> None:
    locks = [Lock(asset, Decimal(amount), 0) for asset, amount in data["locks"]]
    by_id = {number: one for known in account.orders.values() for number, one in known.items()}
    for plain in data["open"]:
        record = by_id[plain["id"]]
        live = LiveOrder(
            record,
            account,
            engines[record.symbol],
            ticks=plain["ticks"],
            stop_ticks=plain["stop_ticks"],
            lots=plain["lots"],
        )
        if plain["lock"] is not None:
            live.lock = locks[plain["lock"]]
            live.lock.holders += 1
        account.open[record.id] = live
        account.open_client_ids[record.symbol, record.client_order_id] = record.id
        if plain["is_waiting"]:
            live.engine.triggers.add(live, None)
        live.is_tracking, live.extreme = plain["is_tracking"], plain["extreme"]
        if plain["is_resting"]:
            resting.append(live)


def _restore_list(account: Account, data: Json) -> None:
    plain = dict(data["record"], order_ids=tuple(data["record"]["order_ids"]))
    group = LiveList(OrderList(**plain), account)
    group.client_ids = tuple(data["client_ids"])
    working = data["working"]
    group.working = None if working is None else account.open.get(working)
    group.legs = [account.open[one] for one in data["legs"] if one in account.open]
    group.pending = [account.open[one] for one in data["pending"] if one in account.open]
    if group.is_open:
        for member in group.members:
            member.group = group
    account.lists[group.record.id] = group
    if group.is_open:
        account.open_lists[group.record.id] = group


def _order(plain: Json) -> ExchangeOrder:
    data = dict(plain)
    for name in _ORDER_DECIMALS:
        data[name] = Decimal(data[name])
    data["side"], data["kind"] = Side(data["side"]), OrderKind(data["kind"])
    data["status"] = Status(data["status"])
    data["time_in_force"] = TimeInForce(data["time_in_force"])
    return ExchangeOrder(**data)


def _execution(plain: Json) -> Execution:
    data = dict(plain)
    for name in _EXECUTION_DECIMALS:
        data[name] = Decimal(data[name])
    data["side"] = Side(data["side"])
    return Execution(**data)
