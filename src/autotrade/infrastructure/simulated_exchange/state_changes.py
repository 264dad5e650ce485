"""What changed in the accounts, as one JSON row, and the whole state again from such rows.

The cost of a row depends on what changed and on the open orders, never on the history. Merging
all rows into the snapshot they follow gives what `export_state` would have said (a test holds
them together). Reads the core's own parts: the format is `core/persistence.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

from autotrade.infrastructure.simulated_exchange.core import persistence
from autotrade.infrastructure.simulated_exchange.core.accounts import HISTORY_KEPT, Account
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    BalanceMoved,
    BalancesChanged,
    OrderChanged,
    OrderListChanged,
    Output,
    Status,
)

Json = dict[str, Any]
_OPEN = {status.value for status in Status if status.is_open}
_VOLATILE = ("name", "pays_fees_in_bnb", "free", "locked", "locks", "open")


def account_changes(exchange: SimulatedExchange, outputs: Sequence[Output]) -> Json | None:
    """The row for these outputs of the core; None when no account is concerned."""
    touched: dict[str, Json] = {}
    for output in outputs:
        match output:
            case OrderChanged(order=order, execution=execution):
                row = touched.setdefault(order.account, _empty_row())
                row["orders"][order.symbol, order.id] = None
                if order.order_list_id >= 0:
                    row["lists"][order.order_list_id] = None
                if execution is not None:
                    row["executions"].append(persistence._plain(execution))
            case OrderListChanged(order_list=order_list):
                row = touched.setdefault(order_list.account, _empty_row())
                row["lists"][order_list.id] = None
            case BalancesChanged(account=name) | BalanceMoved(account=name):
                touched.setdefault(name, _empty_row())
    if not touched:
        return None
    changes = persistence.export_state(
        exchange._context,
        cast(
            Any,
            SimpleNamespace(
                commissions=exchange.commissions, market_flow=exchange.market_flow, accounts={}
            ),
        ),
        exchange._engines,
    )
    changes["accounts"] = [
        _account_row(exchange._ledger.accounts[name], row) for name, row in touched.items()
    ]
    return changes


def _empty_row() -> Json:
    return {"orders": {}, "lists": {}, "executions": []}


def _account_row(account: Account, row: Json) -> Json:
    """The volatile part in full (bounded by the open orders), the rest only where it changed."""
    without_history = SimpleNamespace(
        name=account.name,
        pays_fees_in_bnb=account.pays_fees_in_bnb,
        free=account.free,
        locked=account.locked,
        open=account.open,
        orders={},
        executions={},
        lists={},
        closed=(),
        closed_lists=(),
    )
    data = persistence._account_json(cast(Account, without_history))
    return {
        **{name: data[name] for name in _VOLATILE},
        "orders": [
            persistence._plain(account.orders[symbol][number])
            for symbol, number in row["orders"]
            if number in account.orders.get(symbol, {})
        ],
        "executions": row["executions"],
        "lists": [
            persistence._list_json(account.lists[number])
            for number in row["lists"]
            if number in account.lists
        ],
    }


class StateMerger:
    """A snapshot to which rows are added."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self._state = dict(snapshot)
        self._accounts = {data["name"]: _Merged(data) for data in snapshot["accounts"]}

    def add(self, changes: Mapping[str, Any]) -> None:
        self._state.update({key: changes[key] for key in changes if key != "accounts"})
        for data in changes["accounts"]:
            merged = self._accounts.get(data["name"])
            if merged is None:
                merged = self._accounts[data["name"]] = _Merged(
                    {**data, "closed": [], "closed_lists": []}
                )
            else:
                merged.add(data)

    def state(self) -> Json:
        """For `SimulatedExchange.restore_state`."""
        accounts = [merged.state() for merged in self._accounts.values()]
        return {**self._state, "accounts": accounts}


class _Merged:
    def __init__(self, data: Json) -> None:
        self._data = dict(data)
        self._orders = {row["id"]: row for row in data["orders"]}
        self._executions = list(data["executions"])
        self._lists = {row["record"]["id"]: row for row in data["lists"]}
        self._closed = {number: symbol for symbol, number in data["closed"]}
        self._closed_lists = dict.fromkeys(data["closed_lists"])

    def add(self, changes: Json) -> None:
        self._data.update({name: changes[name] for name in _VOLATILE})
        for row in changes["orders"]:
            self._orders[row["id"]] = row
            if row["status"] not in _OPEN:
                self._closed.setdefault(row["id"], row["symbol"])
        self._executions += changes["executions"]
        for row in changes["lists"]:
            self._lists[row["record"]["id"]] = row
            if row["record"]["order_status"] != "EXECUTING":
                self._closed_lists.setdefault(row["record"]["id"])

    def state(self) -> Json:
        while len(self._closed) > HISTORY_KEPT:
            oldest = next(iter(self._closed))
            del self._closed[oldest]
            self._orders.pop(oldest, None)
        return {
            **self._data,
            "orders": list(self._orders.values()),
            "executions": self._executions[-HISTORY_KEPT:],
            "lists": list(self._lists.values()),
            "closed": [[symbol, number] for number, symbol in self._closed.items()],
            "closed_lists": list(self._closed_lists)[-HISTORY_KEPT:],
        }
