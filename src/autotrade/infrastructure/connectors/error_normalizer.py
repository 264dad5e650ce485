"""What a failed request means for us, from the exchange's numeric code and the HTTP status.

The library's exception classes are not looked at: which class a code gets depends on the URL and
on the message's text, and on some paths the code has no class at all. The raw answer hangs on the
exception (`http_status`, `answer`, set by the tapped client); where it does not, the JSON inside
the message is read. One class counts, where there is no answer at all: what ended in a network
error may have been sent.

Three outcomes, and the middle one is the reason for this module:
- REFUSED: the exchange said no. Not executed.
- UNKNOWN: it may have been executed. Ask by client order id before anything else.
- NOT_SENT: proven to have never left this machine. Not executed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import aiohttp

from autotrade.domain.events import RejectReason
from autotrade.infrastructure.connectors.scrub import scrub
from autotrade.infrastructure.connectors.weight_governor import StayAway


class Outcome(StrEnum):
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class Failure:
    outcome: Outcome
    reason: RejectReason
    code: int | None
    status: int | None
    message: str

    @property
    def is_unknown(self) -> bool:
        return self.outcome is Outcome.UNKNOWN

    @property
    def may_pass(self) -> bool:
        """The exchange or the way to it is in trouble: the same request may be answered later."""
        return self.is_unknown or self.reason in _PASSING


def is_clock_refusal(failure: Failure) -> bool:
    """The time stamp was refused: proof that nothing was executed, and that the clock is off."""
    return failure.outcome is Outcome.REFUSED and failure.code == OUTSIDE_WINDOW


UNKNOWN_OUTCOME_CODES = frozenset({-1000, -1006, -1007})
"""Internal error, unexpected reply from the matching engine, time-out waiting for it."""
UNKNOWN_ORDER = -2011
ORDER_NOT_FOUND = -2013
ORDER_ARCHIVED = -2026
OUTSIDE_WINDOW = -1021
BAD_SYMBOL = -1121

_PASSING = frozenset({RejectReason.UNAVAILABLE, RejectReason.RATE_LIMIT, RejectReason.CLOCK})
_REASON_BY_CODE: dict[int, RejectReason] = {
    -1002: RejectReason.PERMISSION,
    -1003: RejectReason.RATE_LIMIT,
    -1013: RejectReason.FILTER,
    -1015: RejectReason.RATE_LIMIT,
    -1016: RejectReason.UNAVAILABLE,
    OUTSIDE_WINDOW: RejectReason.CLOCK,
    -1022: RejectReason.PERMISSION,
    -1034: RejectReason.RATE_LIMIT,
    -1111: RejectReason.FILTER,
    -2014: RejectReason.PERMISSION,
    -2015: RejectReason.PERMISSION,
}

_REASON_BY_TEXT: tuple[tuple[str, RejectReason], ...] = (
    ("insufficient balance", RejectReason.INSUFFICIENT_BALANCE),
    ("duplicate order", RejectReason.DUPLICATE),
    ("immediately match", RejectReason.WOULD_MATCH),
    ("trigger immediately", RejectReason.WOULD_TRIGGER),
    # an order list whose target or stop lies on the wrong side of the market by now
    ("relationship of the prices", RejectReason.WOULD_TRIGGER),
    ("market is closed", RejectReason.MARKET_HALTED),
    ("trading is not enabled", RejectReason.MARKET_HALTED),
    ("not permitted for this account", RejectReason.PERMISSION),
    ("action is disabled", RejectReason.PERMISSION),
    ("may not place or cancel orders", RejectReason.PERMISSION),
    ("filter failure", RejectReason.FILTER),
    ("is zero or less", RejectReason.FILTER),
    ("unsupported order combination", RejectReason.FILTER),
)
"""-2010 and -1013 say in words what they mean; the words are the exchange's documented ones."""
_WORDED_CODES = frozenset({-2010, -2021, -2022, -1013})

_JSON = re.compile(r"\{.*\}", re.S)
_STATUS = re.compile(r"\b([45]\d\d)\b")


def normalize(error: BaseException, secrets: Iterable[str] = ()) -> Failure:
    """Classify whatever a request raised; the message is free of secrets."""
    message = scrub(str(error), secrets)
    if isinstance(error, StayAway):
        return Failure(Outcome.NOT_SENT, RejectReason.RATE_LIMIT, None, None, message)
    status = getattr(error, "http_status", None)
    if status is not None and status < 100:
        status = None  # on the WebSocket API the library passes the exchange's code in its place
    answer = getattr(error, "answer", None)
    code, text = read_answer(answer if answer is not None else str(error))
    if status is None and code is None:
        return _of_connection(error, message)
    return of_answer(status, code, scrub(text or message, secrets))


def of_answer(status: int | None, code: int | None, text: str) -> Failure:
    """The meaning of an answer that did arrive."""
    is_ban = status in (403, 418, 429)
    if not is_ban and (code in UNKNOWN_OUTCOME_CODES or (status is not None and status >= 500)):
        return Failure(Outcome.UNKNOWN, RejectReason.OTHER, code, status, text)
    if "execution status unknown" in text.lower():
        return Failure(Outcome.UNKNOWN, RejectReason.OTHER, code, status, text)
    if code is None and not is_ban and (status is None or status < 400):
        # an answer that is neither a result nor a refusal proves nothing
        return Failure(Outcome.UNKNOWN, RejectReason.OTHER, code, status, text)
    reason = RejectReason.RATE_LIMIT if is_ban else _reason(code, text)
    return Failure(Outcome.REFUSED, reason, code, status, text)


def _reason(code: int | None, text: str) -> RejectReason:
    if code in _WORDED_CODES:
        lowered = text.lower()
        for words, reason in _REASON_BY_TEXT:
            if words in lowered:
                return reason
    return _REASON_BY_CODE.get(code or 0, RejectReason.OTHER)


def read_answer(text: str) -> tuple[int | None, str | None]:
    """(code, msg) of the exchange's error JSON anywhere in `text`."""
    found = _JSON.search(text)
    if found is None:
        return None, None
    try:
        data = json.loads(found.group())
        return int(data["code"]), str(data.get("msg", ""))
    except (ValueError, KeyError, TypeError):
        return None, None


def _connection_text(cause: BaseException, message: str) -> str:
    """What happened in words. The library's message is the request's address and says nothing."""
    name = type(cause).__name__
    if isinstance(cause, aiohttp.ClientConnectorError):
        reason = cause.os_error.strerror or str(cause.os_error) or type(cause.os_error).__name__
        return f"no connection to {cause.host} ({reason})"
    if isinstance(cause, TimeoutError):
        return f"no answer in time ({name})"
    if isinstance(cause, aiohttp.ClientConnectionError | ConnectionError):
        return f"the connection broke before an answer came ({name}: {cause})"
    return f"{message} ({name})"


def _of_connection(error: BaseException, message: str) -> Failure:
    """No answer at all. Only a failed connect proves that nothing left."""
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    cause = error.__cause__ if error.__cause__ is not None else inner
    text = _connection_text(cause, message)
    never_connected = isinstance(
        cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL
    )
    if never_connected:
        return Failure(Outcome.NOT_SENT, RejectReason.UNAVAILABLE, None, None, text)
    if error.__cause__ is None and type(error).__module__.startswith("ccxt."):
        found = _STATUS.search(message)
        if found is not None:
            return of_answer(int(found.group()), None, message)
        # a network error without a cause: the socket was closed while its answer was awaited
        if not any(kind.__name__ == "NetworkError" for kind in type(error).__mro__):
            # the library refused to build the request (a missing key, a wrong argument)
            return Failure(Outcome.NOT_SENT, RejectReason.OTHER, None, None, text)
    return Failure(Outcome.UNKNOWN, RejectReason.OTHER, None, None, text)
