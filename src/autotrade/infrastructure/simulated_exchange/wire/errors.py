"""Refusals in Binance's words: code, message and HTTP status.

Messages are the public ones of Binance's error table. Where Binance leaves a figure open
("%s"), the figure is filled in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.types import ExchangeError


class WireRefusal(ExchangeError):
    """An `ExchangeError` that also carries reply headers or a `data` object (cancelReplace)."""

    def __init__(
        self,
        code: int,
        message: str,
        http_status: int = 400,
        *,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        is_miss: bool = False,
    ) -> None:
        super().__init__(code, message, http_status)
        self.data = data
        self.headers = dict(headers or {})
        self.is_miss = is_miss
        """True when the client asked for something that Binance does not know."""


def unknown_error() -> WireRefusal:
    return WireRefusal(-1000, "An unknown error occurred while processing the request.", 500)


def status_unknown() -> WireRefusal:
    return WireRefusal(
        -1007,
        "Timeout waiting for response from backend server. "
        "Send status unknown; execution status unknown.",
        408,
    )


def too_much_weight(limit: int, retry_after_seconds: int) -> WireRefusal:
    return WireRefusal(
        -1003,
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        429,
        headers={"Retry-After": str(retry_after_seconds)},
    )


def banned(until_ts: int, retry_after_seconds: int) -> WireRefusal:
    return WireRefusal(
        -1003,
        f"Way too much request weight used; IP banned until {until_ts}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        418,
        headers={"Retry-After": str(retry_after_seconds)},
    )


def too_many_orders(limit: int, interval: str, retry_after_seconds: int) -> WireRefusal:
    return WireRefusal(
        -1015,
        f"Too many new orders; current limit is {limit} orders per {interval}.",
        429,
        headers={"Retry-After": str(retry_after_seconds)},
    )


def outside_receive_window() -> WireRefusal:
    return WireRefusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def ahead_of_server() -> WireRefusal:
    return WireRefusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def invalid_signature() -> WireRefusal:
    return WireRefusal(-1022, "Signature for this request is not valid.")


def key_format() -> WireRefusal:
    return WireRefusal(-2014, "API-key format invalid.", 401)


def key_rejected() -> WireRefusal:
    return WireRefusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def missing(name: str) -> WireRefusal:
    return WireRefusal(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def missing_one_of(first: str, second: str) -> WireRefusal:
    return WireRefusal(
        -1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!"
    )


def illegal_characters(name: str, legal: str) -> WireRefusal:
    return WireRefusal(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."
    )


def duplicate_parameter() -> WireRefusal:
    return WireRefusal(-1101, "Duplicate values for a parameter detected.", is_miss=True)


def unread_parameters(read: int, sent: int) -> WireRefusal:
    return WireRefusal(
        -1104,
        f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.",
        is_miss=True,
    )


def empty_parameter(name: str) -> WireRefusal:
    return WireRefusal(-1105, f"Parameter '{name}' was empty.")


def not_required(name: str) -> WireRefusal:
    return WireRefusal(-1106, f"Parameter '{name}' sent when not required.")


def invalid_data(name: str) -> WireRefusal:
    return WireRefusal(-1130, f"Data sent for parameter '{name}' is not valid.")


def bad_combination() -> WireRefusal:
    return WireRefusal(-1128, "Combination of optional parameters invalid.")


def unknown_path(path: str, verb: str) -> WireRefusal:
    return WireRefusal(-5000, f"Path {path}, Method {verb} is invalid", 404, is_miss=True)


def unknown_method() -> WireRefusal:
    return WireRefusal(-1020, "This operation is not supported.", is_miss=True)


def invalid_json() -> WireRefusal:
    return WireRefusal(-1135, "Invalid JSON Request")
