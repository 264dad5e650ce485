"""An account's whole history from the exchange's own log, in the shapes of Binance's REST API.

For the audit of a data folder whose embedded exchange is not running (or is: it only reads).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from autotrade.infrastructure.audit.history import ExchangeHistory
from autotrade.infrastructure.simulated_exchange.core import persistence
from autotrade.infrastructure.simulated_exchange.core.accounts import HISTORY_KEPT
from autotrade.infrastructure.simulated_exchange.core.types import Status
from autotrade.infrastructure.simulated_exchange.state_log import FOLDER, STATE_FILE, StateDamaged
from autotrade.infrastructure.simulated_exchange.wire import shapes

Json = dict[str, Any]
_READ_ERRORS = (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError)
_OPEN = {status.value for status in Status if status.is_open}


def has_account_log(data_dir: Path) -> bool:
    """Whether an embedded exchange kept its accounts in this data folder."""
    return (data_dir / FOLDER / STATE_FILE).is_file()


def account_history(data_dir: Path, account: str | None = None) -> ExchangeHistory:
    """What the exchange's log in `data_dir` says of an account; of the only one when none is
    named. Raises `StateDamaged` where the log cannot be read, ValueError for an unknown account.

    Deposits are told by the rows in which funds change without a trade. Those of earlier runs of
    the exchange are not in the log any more: each run begins it anew.
    """
    path = data_dir / FOLDER / STATE_FILE
    found: dict[str, _Account] = {}
    number = 0
    try:
        for number, (ts, accounts) in enumerate(_rows(path), start=1):  # noqa: B007 - named below
            for data in accounts:
                known = found.get(data["name"])
                if known is None:
                    found[data["name"]] = _Account(data)
                else:
                    known.add(data, ts)
        if account is None:
            account = _only(found)
        if account not in found:
            raise LookupError(f"expected the account {account} in {path}, was not there")
        return found[account].history()
    except LookupError as error:
        if isinstance(error, KeyError | IndexError):
            raise _damaged(path, number, error) from error
        raise ValueError(str(error)) from error
    except _READ_ERRORS as error:
        raise _damaged(path, number, error) from error


def _damaged(path: Path, number: int, error: Exception) -> StateDamaged:
    return StateDamaged(
        f"expected whole lines in {path}, was a damaged one near line {number} ({error!r}): "
        "restore a backup of it, or name the exchange's history with --exchange-history"
    )


def _only(found: Mapping[str, _Account]) -> str:
    if len(found) != 1:
        names = ", ".join(sorted(found)) or "none"
        raise LookupError(f"expected one account in the exchange's log, were {names}: name one")
    return next(iter(found))


def _rows(path: Path) -> Iterator[tuple[int, list[Json]]]:
    """(time, accounts) of each whole line; a last one without its end is being written."""
    with path.open("rb") as stream:
        for line in stream:
            if not line.endswith(b"\n"):
                return
            row = orjson.loads(line)
            content = row.get("snapshot") or row["changes"]
            yield int(content["now"]), content["accounts"]


class _Account:
    """A snapshot and the changes behind it; nothing of them is ever forgotten here."""

    def __init__(self, data: Json) -> None:
        self._orders: dict[int, Json] = {row["id"]: row for row in data["orders"]}
        self._executions: list[Json] = list(data["executions"])
        self._held = _totals(data)
        self._transfers: list[Json] = []
        self._complete_from = _complete_from(data)

    def add(self, changes: Json, ts: int) -> None:
        for row in changes["orders"]:
            self._orders[row["id"]] = row
        self._executions += changes["executions"]
        held = _totals(changes)
        if not changes["executions"]:
            for asset, amount in held.items():
                moved = amount - self._held.get(asset, Decimal(0))
                if moved:
                    self._transfers.append({"asset": asset, "amount": f"{moved:f}", "time": ts})
        self._held = held

    def history(self) -> ExchangeHistory:
        orders = [shapes.queried_order(persistence._order(row)) for row in self._orders.values()]
        trades = [shapes.own_trade(persistence._execution(row)) for row in self._executions]
        return ExchangeHistory(
            orders=orders,
            trades=trades,
            balances=dict(self._held),
            transfers=self._transfers,
            complete_from=self._complete_from,
        )


def _totals(data: Json) -> dict[str, Decimal]:
    return {
        asset: Decimal(free) + Decimal(data["locked"].get(asset, "0"))
        for asset, free in data["free"].items()
    }


def _complete_from(data: Json) -> int | None:
    """Since when a snapshot knows everything; None when it never forgot anything."""
    moments = []
    closed = [row["updated_ts"] for row in data["orders"] if row["status"] not in _OPEN]
    if len(closed) >= HISTORY_KEPT:
        moments.append(min(closed))
    per_symbol: dict[str, list[int]] = {}
    for row in data["executions"]:
        per_symbol.setdefault(row["symbol"], []).append(row["ts"])
    if len(data["executions"]) >= HISTORY_KEPT:
        moments.append(min(row["ts"] for row in data["executions"]))
    moments += [min(times) for times in per_symbol.values() if len(times) >= HISTORY_KEPT]
    return max(moments, default=None)
