"""ExchangeHistory: what the exchange says of the account, in the shapes of Binance's REST API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import orjson

Row = dict[str, Any]

_ORDER_FIELDS = ("symbol", "orderId", "clientOrderId", "side", "origQty", "price", "time")
_TRADE_FIELDS = (
    "symbol",
    "id",
    "orderId",
    "price",
    "qty",
    "commission",
    "commissionAsset",
    "time",
    "isBuyer",
)
_TRANSFER_FIELDS = ("asset", "amount", "time")
_AMOUNTS = ("origQty", "price", "qty", "commission", "amount")
_WHOLE_NUMBERS = ("orderId", "id", "time")


@dataclass(slots=True)
class ExchangeHistory:
    """Everything of one account. `ExchangeHistory.load` reads it from a file.

    Histories that do not reach back to the bot's first start say since when they are complete
    (`complete_from`), and those that were fetched while the bot ran say when (`taken_ts`): what the
    history cannot know of is not held against the journal. Both are milliseconds UTC.
    """

    orders: list[Row] = field(default_factory=list)
    """Rows of GET allOrders, of all symbols."""
    trades: list[Row] = field(default_factory=list)
    """Rows of GET myTrades, of all symbols."""
    balances: dict[str, Decimal] = field(default_factory=dict)
    """What the account has now, free and locked together."""
    transfers: list[Row] = field(default_factory=list)
    """`{"asset", "amount", "time"}` of each deposit; a withdrawal's amount is negative."""
    complete_from: int | None = None
    taken_ts: int | None = None

    @classmethod
    def load(cls, path: Path) -> ExchangeHistory:
        """Read a file; raises ValueError with a sentence that says what is wrong with it."""
        try:
            data = orjson.loads(path.read_bytes())
        except OSError as error:
            raise ValueError(
                f"expected the exchange's history in {path}, could not read it: "
                f"{error.strerror or error}"
            ) from error
        except orjson.JSONDecodeError as error:
            raise ValueError(
                f"expected JSON in {path}, was not: {error}; docs/guides/audit.md shows the form"
            ) from error
        try:
            return cls.of(data)
        except ValueError as error:
            raise ValueError(f"{path}: {error}; docs/guides/audit.md shows the form") from error

    @classmethod
    def of(cls, data: object) -> ExchangeHistory:
        """From JSON's own values. Balances may also be the list of GET account."""
        if not isinstance(data, dict):
            raise ValueError(f"expected an object, was {_kind(data)}")
        known = {"orders", "trades", "balances", "transfers", "complete_from", "taken_ts"}
        for name in data:
            if name not in known:
                raise ValueError(f"expected only {', '.join(sorted(known))}, was also {name}")
        for name in ("orders", "trades", "balances"):
            if name not in data:
                raise ValueError(f"expected the member {name}, was missing")
        return cls(
            orders=_rows(data["orders"], "orders", _ORDER_FIELDS),
            trades=_rows(data["trades"], "trades", _TRADE_FIELDS),
            balances=_balances(data["balances"]),
            transfers=_rows(data.get("transfers", []), "transfers", _TRANSFER_FIELDS),
            complete_from=_moment(data.get("complete_from"), "complete_from"),
            taken_ts=_moment(data.get("taken_ts"), "taken_ts"),
        )

    def dump(self, path: Path | None = None) -> bytes:
        """The file that `load` reads; written to `path` when one is given."""
        data: dict[str, Any] = {
            "orders": self.orders,
            "trades": self.trades,
            "balances": {asset: f"{amount:f}" for asset, amount in self.balances.items()},
            "transfers": self.transfers,
        }
        for name in ("complete_from", "taken_ts"):
            if (moment := getattr(self, name)) is not None:
                data[name] = moment
        encoded = orjson.dumps(data, default=str)
        if path is not None:
            path.write_bytes(encoded)
        return encoded


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", type(None): "null"}
    return names.get(type(value), f"{value!r}")


def _moment(value: object, name: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"expected milliseconds in {name}, was {_kind(value)}")


def _rows(value: object, name: str, fields: tuple[str, ...]) -> list[Row]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list in {name}, was {_kind(value)}")
    for number, row in enumerate(value):
        place = f"{name}[{number}]"
        if not isinstance(row, dict):
            raise ValueError(f"expected an object in {place}, was {_kind(row)}")
        for wanted in fields:
            if wanted not in row:
                raise ValueError(f"expected {wanted} in {place}, was missing")
            if wanted in _AMOUNTS:
                _amount(row[wanted], f"{place}.{wanted}")
            elif wanted in _WHOLE_NUMBERS and not isinstance(row[wanted], int):
                text = f"expected a whole number in {place}.{wanted}, was {_kind(row[wanted])}"
                raise ValueError(text)
    return value


def _amount(value: object, place: str) -> Decimal:
    """Only text is exact: a JSON number has lost digits before anybody looked."""
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise ValueError(f'expected an amount as text, like "0.1", in {place}, was {_kind(value)}')
    return number


def _balances(value: object) -> dict[str, Decimal]:
    if isinstance(value, Mapping):
        return {str(asset): _amount(text, f"balances.{asset}") for asset, text in value.items()}
    held: dict[str, Decimal] = {}
    for row in _rows(value, "balances", ("asset", "free", "locked")):
        asset = str(row["asset"])
        free, locked = (_amount(row[name], f"balances.{asset}") for name in ("free", "locked"))
        held[asset] = held.get(asset, Decimal(0)) + free + locked
    return held
