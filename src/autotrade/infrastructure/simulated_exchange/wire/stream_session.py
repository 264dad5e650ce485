"""A client on /ws or /stream: SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS and properties."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import orjson

from autotrade.infrastructure.simulated_exchange.wire.client_socket import (
    POLICY_VIOLATION,
    ClientSocket,
    text_messages,
)
from autotrade.infrastructure.simulated_exchange.wire.stream_hub import StreamHub

STREAMS_MAX = 1024
COMMAND_CODES = {
    "unknown": (
        2,
        "Invalid request: unknown variant, expected one of SUBSCRIBE, UNSUBSCRIBE, "
        "LIST_SUBSCRIPTIONS, SET_PROPERTY, GET_PROPERTY",
    ),
    "json": (3, "Invalid JSON: expected value at line 1 column 1"),
    "params": (2, "Invalid request: invalid type, expected an array of strings"),
    "property": (1, "Invalid value type: expected Boolean"),
    "too many": (2, f"Invalid request: more than {STREAMS_MAX} streams"),
}


def initial_streams(path: str, query: dict[str, str]) -> tuple[list[str], bool] | None:
    """The streams named by the address, and whether messages are wrapped (combined).

    /ws, /ws/<n>, /ws/<stream>[/<stream>], /stream?streams=a/b. A client with overridden URLs
    asks for /stream/ws/<n>, which is /ws/<n>. None for an address that is none of these.
    """
    if path == "/stream":
        return [name for name in query.get("streams", "").split("/") if name], True
    for prefix in ("/stream/ws", "/ws"):
        if path == prefix or path.startswith(f"{prefix}/"):
            names = path[len(prefix) :].strip("/").split("/")
            return [name for name in names if name and not name.isdigit()], False
    return None


class StreamSession:
    """One stream socket and its subscriptions, in the order in which they were made."""

    def __init__(
        self, socket: ClientSocket, hub: StreamHub, streams: list[str], *, is_combined: bool
    ) -> None:
        self.is_combined = is_combined
        self.socket = socket
        self._hub = hub
        self._streams: dict[str, None] = {}
        self._recent_s: deque[float] = deque()
        self._add(streams)

    def send(self, message: bytes) -> None:
        self.socket.send(message)

    async def run(self) -> None:
        """Serve the client until it leaves."""
        try:
            async for text in text_messages(self.socket):
                if self._is_flooding():
                    self.socket.close(POLICY_VIOLATION, "Too many requests")
                    break
                self.send(orjson.dumps(self.answer(text)))
        finally:
            for name in self._streams:
                self._hub.unsubscribe(self, name)

    def _is_flooding(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        recent = self._recent_s
        recent.append(now_s)
        while now_s - recent[0] > 1.0:
            recent.popleft()
        return len(recent) > self.socket.settings.incoming_per_second_max

    def _add(self, names: list[str]) -> None:
        for name in names:
            if name not in self._streams:
                self._streams[name] = None
                self._hub.subscribe(self, name)

    def answer(self, text: str) -> dict[str, Any]:
        """Carry out a command of the client."""
        try:
            command = orjson.loads(text)
        except orjson.JSONDecodeError:
            return _refusal("json", None)
        if not isinstance(command, dict):
            return _refusal("json", None)
        number, params = command.get("id"), command.get("params")
        match command.get("method"):
            case "SUBSCRIBE" | "UNSUBSCRIBE" as method:
                return self._change(method, params, number)
            case "LIST_SUBSCRIPTIONS":
                return {"result": list(self._streams), "id": number}
            case "SET_PROPERTY":
                return self._set_property(params, number)
            case "GET_PROPERTY":
                return {"result": self.is_combined, "id": number}
        return _refusal("unknown", number)

    def _change(self, method: str, params: Any, number: Any) -> dict[str, Any]:
        if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
            return _refusal("params", number)
        if method == "SUBSCRIBE":
            if len(self._streams) + len(params) > STREAMS_MAX:
                return _refusal("too many", number)
            self._add(params)
        else:
            for name in params:
                if name in self._streams:
                    del self._streams[name]
                    self._hub.unsubscribe(self, name)
        return {"result": None, "id": number}

    def _set_property(self, params: Any, number: Any) -> dict[str, Any]:
        match params:
            case ["combined", bool() as value]:
                self.is_combined = value
                return {"result": None, "id": number}
        return _refusal("property", number)


def _refusal(kind: str, number: Any) -> dict[str, Any]:
    code, message = COMMAND_CODES[kind]
    return {"error": {"code": code, "msg": message}, "id": number}
