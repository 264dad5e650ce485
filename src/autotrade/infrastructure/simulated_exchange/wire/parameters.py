"""Declared request parameters: how each is read and which error a bad one meets.

A handler gets parsed values only. Names that were not declared are refused, as Binance does
(-1104), and counted by the server, because a client that sends them has a fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import orjson

from autotrade.infrastructure.simulated_exchange.core.candles import INTERVALS
from autotrade.infrastructure.simulated_exchange.core.types import OrderKind, Side, TimeInForce
from autotrade.infrastructure.simulated_exchange.wire import errors

SYMBOL_RANGE = r"^[A-Z0-9-_.]{1,20}$"
DECIMAL_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER_RANGE = r"^[0-9]{1,20}$"
CLIENT_ID_RANGE = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"

_SYMBOL = re.compile(SYMBOL_RANGE)
_DECIMAL = re.compile(DECIMAL_RANGE)
_INTEGER = re.compile(INTEGER_RANGE)
_CLIENT_ID = re.compile(CLIENT_ID_RANGE)

Parser = Callable[[str, Any], Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter; `parse(name, raw)` raises Binance's error for a bad value."""

    name: str
    parse: Parser
    is_required: bool = False


def symbol(name: str, raw: Any) -> str:
    text = str(raw)
    if not _SYMBOL.match(text):
        raise errors.illegal_characters(name, SYMBOL_RANGE)
    return text


def decimal(name: str, raw: Any) -> Decimal:
    text = str(raw)
    if not _DECIMAL.match(text):
        raise errors.illegal_characters(name, DECIMAL_RANGE)
    return Decimal(text)


def integer(name: str, raw: Any) -> int:
    text = str(raw)
    if not _INTEGER.match(text):
        raise errors.illegal_characters(name, INTEGER_RANGE)
    return int(text)


def limit_up_to(maximum: int) -> Parser:
    """A page size: at least 1; more than `maximum` is truncated, as Binance does."""

    def parse(name: str, raw: Any) -> int:
        value = integer(name, raw)
        if value < 1:
            raise errors.invalid_data(name)
        return min(value, maximum)

    return parse


def client_id(name: str, raw: Any) -> str:
    text = str(raw)
    if not _CLIENT_ID.match(text):
        raise errors.illegal_characters(name, CLIENT_ID_RANGE)
    return text


def boolean(name: str, raw: Any) -> bool:
    text = str(raw).lower()
    if text not in ("true", "false"):
        raise errors.invalid_data(name)
    return text == "true"


def text(name: str, raw: Any) -> str:
    return str(raw)


def one_of(*allowed: str) -> Parser:
    def parse(name: str, raw: Any) -> str:
        value = str(raw)
        if value not in allowed:
            raise errors.invalid_data(name)
        return value

    return parse


def _enumeration(kind: type[StrEnum], code: int, message: str) -> Parser:
    def parse(name: str, raw: Any) -> StrEnum:
        try:
            return kind(str(raw))
        except ValueError:
            raise errors.WireRefusal(code, message) from None

    return parse


side = _enumeration(Side, -1117, "Invalid side.")
order_type = _enumeration(OrderKind, -1116, "Invalid orderType.")
time_in_force = _enumeration(TimeInForce, -1115, "Invalid timeInForce.")


def response_type(name: str, raw: Any) -> str:
    if str(raw) not in ("ACK", "RESULT", "FULL"):
        raise errors.WireRefusal(-1122, "Invalid newOrderRespType.")
    return str(raw)


def interval(name: str, raw: Any) -> str:
    if str(raw) not in INTERVALS:
        raise errors.WireRefusal(-1120, "Invalid interval.")
    return str(raw)


def window_size(name: str, raw: Any) -> int:
    """1m..59m, 1h..23h, 1d..7d, in milliseconds."""
    match = re.fullmatch(r"([0-9]{1,2})([mhd])", str(raw))
    if match:
        count, unit = int(match[1]), match[2]
        top, unit_ms = {"m": (59, 60_000), "h": (23, 3_600_000), "d": (7, 86_400_000)}[unit]
        if 1 <= count <= top:
            return count * unit_ms
    raise errors.invalid_data(name)


def text_list(name: str, raw: Any) -> list[str]:
    """A JSON array (REST writes it as text, the WebSocket API as JSON)."""
    items = raw
    if isinstance(raw, str):
        if not raw.startswith("["):
            return [raw]
        try:
            items = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise errors.illegal_characters(name, r'^\[("[A-Z0-9-_.]{1,20}"(,...)*)?\]$') from None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise errors.invalid_data(name)
    return items


def symbol_list(name: str, raw: Any) -> list[str]:
    names = [symbol(name, item) for item in text_list(name, raw)]
    if len(set(names)) != len(names):
        raise errors.WireRefusal(-1151, "Symbol is present multiple times in the list.")
    return names


COMMON_SIGNED = ("timestamp", "recvWindow", "signature", "apiKey")
"""Read by the authenticator, never by a handler."""


def read(
    declared: Sequence[Parameter], sent: Mapping[str, Any], authentication: Sequence[str]
) -> dict[str, Any]:
    """The parsed values of what was sent; raises for what is missing, malformed or unknown."""
    known = {parameter.name for parameter in declared}
    unknown = [name for name in sent if name not in known and name not in authentication]
    if unknown:
        raise errors.unread_parameters(len(sent) - len(unknown), len(sent))
    values: dict[str, Any] = {}
    for parameter in declared:
        raw = sent.get(parameter.name)
        if raw is None or raw == "":
            if parameter.is_required:
                raise errors.missing(parameter.name)
            if raw == "" and parameter.name in sent:
                raise errors.empty_parameter(parameter.name)
            continue
        values[parameter.name] = parameter.parse(parameter.name, raw)
    return values
