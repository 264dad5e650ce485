"""A client on /ws-api/v3: JSON requests, their replies, and user data events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from autotrade.infrastructure.simulated_exchange.core.types import ExchangeError
from autotrade.infrastructure.simulated_exchange.wire import errors, keys
from autotrade.infrastructure.simulated_exchange.wire.client_socket import (
    ClientSocket,
    text_messages,
)
from autotrade.infrastructure.simulated_exchange.wire.dispatch import Incoming
from autotrade.infrastructure.simulated_exchange.wire.keys import ApiKey
from autotrade.infrastructure.simulated_exchange.wire.user_streams import UserStreams


class Server(Protocol):
    """What a session needs of the server."""

    users: UserStreams

    def now_ms(self) -> int: ...

    def carry_out(self, incoming: Incoming) -> Any: ...

    def is_reply_lost(self, name: str) -> bool: ...

    def rate_limits(self, address: str, account: str | None) -> list[dict[str, Any]]: ...


class ApiSession:
    """One WebSocket API connection."""

    def __init__(
        self, socket: ClientSocket, server: Server, *, returns_rate_limits: bool = True
    ) -> None:
        self.socket = socket
        self.key: ApiKey | None = None
        self._server = server
        self._returns_rate_limits = returns_rate_limits
        self._authorized_ts = 0
        self._subscriptions: dict[int, str] = {}
        self._next_number = 0
        self._connected_ts = 0

    async def run(self) -> None:
        """Serve the client until it leaves."""
        try:
            async for text in text_messages(self.socket):
                reply, path = self.answer(text)
                if self._server.is_reply_lost(path):
                    self.socket.abort()
                    break
                self.socket.send(orjson.dumps(reply))
        finally:
            for number in list(self._subscriptions):
                self._drop(number)

    def answer(self, text: str) -> tuple[dict[str, Any], str]:
        """The reply to one request, and its method."""
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            request = None
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error_reply(None, errors.invalid_json()), ""
        number, method = request.get("id"), request["method"]
        params = request.get("params") or {}
        if not isinstance(params, dict):
            return _error_reply(number, errors.invalid_json()), method
        shows_limits = params.pop("returnRateLimits", self._returns_rate_limits)
        incoming = Incoming(
            kind="WS",
            verb="",
            path=method,
            sent=params,
            address=self.socket.address,
            key=params.get("apiKey"),
            payload=self._payload(params, shows_limits, text),
            signature=params.get("signature"),
            session_key=self.key,
            session=self,
        )
        try:
            reply: dict[str, Any] = {
                "id": number,
                "status": 200,
                "result": self._server.carry_out(incoming),
            }
        except ExchangeError as refusal:
            reply = _error_reply(number, refusal)
            wait_s = getattr(refusal, "headers", {}).get("Retry-After")
            if wait_s is not None:
                now = self._server.now_ms()
                reply["error"]["data"] = {
                    "serverTime": now,
                    "retryAfter": now + int(wait_s) * 1000,
                }
        if shows_limits:
            account = self.key.account if self.key is not None else None
            reply["rateLimits"] = self._server.rate_limits(self.socket.address, account)
        return reply, method

    @staticmethod
    def _payload(params: Mapping[str, Any], shows_limits: Any, text: str) -> bytes:
        """`returnRateLimits` is signed with the rest when it was sent with the rest."""
        if '"returnRateLimits"' in text:
            params = {**params, "returnRateLimits": shows_limits}
        return keys.websocket_payload(params)

    # what session operations do

    def log_on(self, key: ApiKey, now_ms: int) -> None:
        self.key, self._authorized_ts = key, now_ms

    def log_out(self) -> None:
        self.key = None

    def status(self, now_ms: int) -> dict[str, Any]:
        if not self._connected_ts:
            self._connected_ts = now_ms
        return {
            "apiKey": None if self.key is None else self.key.key,
            "authorizedSince": None if self.key is None else self._authorized_ts,
            "connectedSince": self._connected_ts,
            "returnRateLimits": self._returns_rate_limits,
            "serverTime": now_ms,
            "userDataStream": bool(self._subscriptions),
        }

    def subscribe(self, account: str) -> int:
        """A new user data subscription; its number. A second one of an account is refused."""
        if account in self._subscriptions.values():
            raise errors.WireRefusal(-2035, "User Data Stream subscription already active.")
        number = self._next_number
        self._next_number += 1
        self._subscriptions[number] = account
        self._server.users.subscribe(
            account, self.socket, number, lambda: self._subscriptions.pop(number, None)
        )
        return number

    def unsubscribe(self, number: int | None) -> None:
        """One subscription, or all when no number is given."""
        if number is not None and number not in self._subscriptions:
            raise errors.WireRefusal(-2036, "User Data Stream subscription not active.")
        for each in list(self._subscriptions) if number is None else [number]:
            self._drop(each)

    def _drop(self, number: int) -> None:
        account = self._subscriptions.pop(number)
        self._server.users.unsubscribe(account, self.socket, number)

    def subscription_numbers(self) -> list[int]:
        return list(self._subscriptions)


def _error_reply(number: Any, refusal: ExchangeError) -> dict[str, Any]:
    error: dict[str, Any] = {"code": refusal.code, "msg": refusal.message}
    data = getattr(refusal, "data", None)
    if data is not None:
        error["data"] = data
    return {"id": number, "status": refusal.http_status, "error": error}
