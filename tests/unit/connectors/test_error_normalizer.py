"""P4: meaning comes from code and status, whatever class the library chose."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from ccxt.base.errors import AuthenticationError, NetworkError

from autotrade.domain.events import RejectReason
from autotrade.infrastructure.connectors.error_normalizer import Outcome, normalize
from autotrade.infrastructure.connectors.weight_governor import StayAway


class LibraryError(Exception):
    """Any class of the library's: none is looked at."""


def answered(status: int, code: int, text: str) -> LibraryError:
    error = LibraryError("binance " + text)
    error.http_status, error.answer = status, f'{{"code":{code},"msg":"{text}"}}'  # type: ignore[attr-defined]
    return error


REFUSED, UNKNOWN, NOT_SENT = Outcome.REFUSED, Outcome.UNKNOWN, Outcome.NOT_SENT


@pytest.mark.parametrize(
    ("status", "code", "text", "outcome", "reason"),
    [
        (400, -2010, "Account has insufficient balance for requested action.", REFUSED,
         RejectReason.INSUFFICIENT_BALANCE),
        (400, -2010, "Duplicate order sent.", REFUSED, RejectReason.DUPLICATE),
        (400, -2010, "Order would immediately match and take.", REFUSED, RejectReason.WOULD_MATCH),
        (400, -2010, "Stop price would trigger immediately.", REFUSED, RejectReason.WOULD_TRIGGER),
        (400, -2010, "The relationship of the prices for the orders is not correct.", REFUSED,
         RejectReason.WOULD_TRIGGER),
        (400, -2010, "This symbol is not permitted for this account.", REFUSED,
         RejectReason.PERMISSION),
        (400, -1013, "Filter failure: LOT_SIZE", REFUSED, RejectReason.FILTER),
        (400, -1013, "Market is closed.", REFUSED, RejectReason.MARKET_HALTED),
        (400, -1111, "Precision is over the maximum defined for this asset.", REFUSED,
         RejectReason.FILTER),
        (400, -1021, "Timestamp for this request is outside of the recvWindow.", REFUSED,
         RejectReason.CLOCK),
        (400, -1022, "Signature for this request is not valid.", REFUSED, RejectReason.PERMISSION),
        (401, -2014, "API-key format invalid.", REFUSED, RejectReason.PERMISSION),
        (401, -2015, "Invalid API-key, IP, or permissions for action.", REFUSED,
         RejectReason.PERMISSION),
        (429, -1003, "Too much request weight used.", REFUSED, RejectReason.RATE_LIMIT),
        (418, -1003, "Way too much request weight used.", REFUSED, RejectReason.RATE_LIMIT),
        (429, -1015, "Too many new orders.", REFUSED, RejectReason.RATE_LIMIT),
        (400, -1121, "Invalid symbol.", REFUSED, RejectReason.OTHER),
        (400, -1006, "An unexpected response was received.", UNKNOWN, RejectReason.OTHER),
        (408, -1007, "Timeout waiting for response. Send status unknown; execution status unknown.",
         UNKNOWN, RejectReason.OTHER),
        (503, -1008, "Server is currently overloaded.", UNKNOWN, RejectReason.OTHER),
        (500, -1000, "An unknown error occurred.", UNKNOWN, RejectReason.OTHER),
    ],
)  # fmt: skip
def test_an_answer_is_read_by_its_number(
    status: int, code: int, text: str, outcome: Outcome, reason: RejectReason
) -> None:
    failure = normalize(answered(status, code, text))
    assert (failure.outcome, failure.reason, failure.code) == (outcome, reason, code)
    assert failure.message == text


def test_the_code_is_found_in_the_message_where_nothing_else_has_it() -> None:
    failure = normalize(LibraryError('binance {"code":-2019,"msg":"Margin is insufficient."}'))
    assert (failure.outcome, failure.code) == (Outcome.REFUSED, -2019)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_page_of_a_proxy_proves_nothing(status: int) -> None:
    error = LibraryError("binance POST https://api.binance.com 502 Bad Gateway <html>")
    error.http_status, error.answer = status, "<html>"  # type: ignore[attr-defined]
    assert normalize(error).outcome is Outcome.UNKNOWN


def caused(cause: BaseException) -> LibraryError:
    error = LibraryError("binance POST https://api.binance.com/api/v3/order")
    error.__cause__ = cause
    return error


def test_only_a_failed_connect_proves_that_nothing_left() -> None:
    key: Any = SimpleNamespace(ssl=True, host="api.binance.com", port=443, is_ssl=True)
    refused = aiohttp.ClientConnectorError(key, OSError(111, "refused"))
    assert normalize(caused(refused)).outcome is Outcome.NOT_SENT
    assert normalize(caused(aiohttp.ConnectionTimeoutError())).outcome is Outcome.NOT_SENT


@pytest.mark.parametrize(
    "cause",
    [
        TimeoutError(),
        aiohttp.SocketTimeoutError(),
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientOSError(104, "reset by peer"),
        aiohttp.ClientPayloadError(),
        ConnectionResetError(),
        RuntimeError("anything else"),
    ],
)
def test_everything_after_the_connect_leaves_the_outcome_unknown(cause: BaseException) -> None:
    assert normalize(caused(cause)).outcome is Outcome.UNKNOWN


def test_a_socket_closed_before_the_answer_proves_nothing_and_may_pass() -> None:
    """The library says so without a cause; a request that it refused to build has none either."""
    closed = normalize(NetworkError("Connection closed by remote server, closing code 1012"))
    assert (closed.outcome, closed.may_pass) == (UNKNOWN, True)
    assert "closing code 1012" in closed.message
    keyless = normalize(AuthenticationError('binance requires "apiKey" credential'))
    assert (keyless.outcome, keyless.may_pass) == (NOT_SENT, False)


def test_a_ban_that_the_governor_obeys_is_not_sent() -> None:
    failure = normalize(StayAway(7_000, 2_000))
    assert (failure.outcome, failure.reason) == (Outcome.NOT_SENT, RejectReason.RATE_LIMIT)


def test_no_secret_is_in_a_failures_text() -> None:
    error = LibraryError(
        "binance GET https://api.binance.com/api/v3/account?timestamp=1&signature=abcdef key-123456"
    )
    failure = normalize(error, ["key-123456"])
    assert "abcdef" not in failure.message
    assert "key-123456" not in failure.message


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (
            aiohttp.ClientConnectorError(
                SimpleNamespace(ssl=True, host="api.binance.com", port=443, is_ssl=True),  # type: ignore[arg-type]
                OSError(111, "Connection refused"),
            ),
            "no connection to api.binance.com (Connection refused)",
        ),
        (TimeoutError(), "no answer in time (TimeoutError)"),
        (
            aiohttp.ServerDisconnectedError("gone"),
            "the connection broke before an answer came (ServerDisconnectedError: gone)",
        ),
    ],
)
def test_what_happened_to_a_connection_is_said_in_words(cause: Exception, text: str) -> None:
    """Not with the address that was asked for, which is all that the library says."""
    assert normalize(caused(cause)).message == text
    assert normalize(LibraryError(cause)).message == text, "as its sockets tell it"
