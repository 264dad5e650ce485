"""Operations that belong to a WebSocket API session: logon, and its user data subscriptions."""

from __future__ import annotations

from typing import Any

from autotrade.infrastructure.simulated_exchange.wire import errors
from autotrade.infrastructure.simulated_exchange.wire import parameters as read
from autotrade.infrastructure.simulated_exchange.wire.dispatch import (
    Call,
    Operation,
    Security,
    Values,
)
from autotrade.infrastructure.simulated_exchange.wire.parameters import Parameter


def logon(call: Call, values: Values) -> Any:
    """Ed25519 keys only, as on Binance."""
    if call.key is None or not call.key.public_key_pem:
        raise errors.WireRefusal(-4056, "HMAC_SHA256 API key is not supported.", 400)
    call.session.log_on(call.key, call.now_ms)
    return call.session.status(call.now_ms)


def status(call: Call, values: Values) -> Any:
    return call.session.status(call.now_ms)


def logout(call: Call, values: Values) -> Any:
    call.session.log_out()
    return call.session.status(call.now_ms)


def subscribe(call: Call, values: Values) -> Any:
    """userDataStream.subscribe: for the key that logged on."""
    key = call.session.key
    if key is None:
        raise errors.WireRefusal(
            -2015, "Session is not authenticated; send session.logon first.", 401
        )
    return {"subscriptionId": call.session.subscribe(key.account)}


def subscribe_signed(call: Call, values: Values) -> Any:
    return {"subscriptionId": call.session.subscribe(call.account)}


def unsubscribe(call: Call, values: Values) -> Any:
    call.session.unsubscribe(values.get("subscriptionId"))
    return {}


def subscriptions(call: Call, values: Values) -> Any:
    return [{"subscriptionId": number} for number in call.session.subscription_numbers()]


def gone(call: Call, values: Values) -> Any:
    """listenKeys of spot were removed on 2026-02-20."""
    raise errors.WireRefusal(
        -1020, "This endpoint was removed; use userDataStream.subscribe of the WebSocket API.", 410
    )


_LISTEN_KEY = (Parameter("listenKey", read.text),)

OPERATIONS = [
    Operation(logon, None, "session.logon", (), 2, Security.USER_DATA),
    Operation(status, None, "session.status", (), 2),
    Operation(logout, None, "session.logout", (), 2),
    Operation(subscribe, None, "userDataStream.subscribe", (), 2),
    Operation(
        subscribe_signed,
        None,
        "userDataStream.subscribe.signature",
        (),
        2,
        Security.USER_STREAM,
    ),
    Operation(
        unsubscribe,
        None,
        "userDataStream.unsubscribe",
        (Parameter("subscriptionId", read.integer),),
        2,
    ),
    Operation(subscriptions, None, "session.subscriptions", (), 2),
    *(
        Operation(gone, (verb, "/api/v3/userDataStream"), None, _LISTEN_KEY, 2)
        for verb in ("POST", "PUT", "DELETE")
    ),
]
