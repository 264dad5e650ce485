"""ccxt.pro's binance client with hooks, and nothing changed in what it does.

Heavy: importing this module imports the library. Only the factory does so, when a connection is
made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import aiohttp

from autotrade.infrastructure.connectors.library_import import load_binance_class
from autotrade.infrastructure.connectors.weight_governor import WeightGovernor

_Binance: Any = load_binance_class()

WEIGHT_OF_COST = 5
"""The library's cost of a spot request is a fifth of the exchange's weight."""
ORDER_PATHS = frozenset({"order", "orderList", "orderList/oco"})
SNAPSHOT_PATH = "depth"

MessageTap = Callable[[Any, Any], None]
"""(socket, decoded message); calls `forward` for what the library must see too."""


class HeardFutures(dict[str, Any]):
    """The library's waiting calls of one socket. Some it makes for nobody; when the socket breaks,
    Python would report each of those as an error that was never looked at."""

    def __setitem__(self, name: str, future: Any) -> None:
        future.add_done_callback(_hear)
        super().__setitem__(name, future)


def _hear(future: Any) -> None:
    if not future.cancelled():
        future.exception()


class TappedBinance(_Binance):  # type: ignore[misc]
    """Hooks: raw messages, sockets that went down, our clock, weight headers, raw error answers."""

    def __init__(
        self,
        config: dict[str, Any],
        *,
        session: aiohttp.ClientSession,
        milliseconds: Callable[[], int],
        governor: WeightGovernor,
    ) -> None:
        self._milliseconds = milliseconds
        self._governor = governor
        self.tap: MessageTap = self.forward
        self.on_socket_down: Callable[[str, str], None] = lambda url, text: None
        self.snapshots_under_way = Counter[str]()
        """By market id: how often its book was asked for and has not come yet."""
        super().__init__(config | {"session": session})
        self.timeout_on_exit = 0  # the session is ours and closed by us

    def milliseconds(self) -> int:
        return self._milliseconds()

    # --- sockets --------------------------------------------------------------------------

    def client(self, url: str) -> Any:
        """The library's socket to this address, made where it is missing."""
        client = super().client(url)
        if not isinstance(client.futures, HeardFutures):
            client.futures = HeardFutures(client.futures)
        return client

    def handle_message(self, client: Any, message: Any) -> None:
        self.tap(client, message)

    def forward(self, client: Any, message: Any) -> None:
        """The library's own handling of a message."""
        super().handle_message(client, message)

    def on_error(self, client: Any, error: Any) -> None:
        super().on_error(client, error)
        self.on_socket_down(client.url, f"{type(error).__name__}: {error}")

    def on_close(self, client: Any, error: Any) -> None:
        super().on_close(client, error)
        self.on_socket_down(client.url, f"closed by the exchange with code {error}")

    def drop_socket(self, url: str, text: str) -> None:
        """Give up a socket that is open but silent; the library then dials anew."""
        client = self.clients.get(url)
        if client is not None:
            client.on_error(ConnectionError(text))
            self.clients.pop(url, None)

    def forget_dial_delays(self) -> None:
        """Our own back-off decides when to dial; the library's may sleep for half a minute more."""
        self.ws_dial_backoff: dict[str, Any] = {}

    # --- requests -------------------------------------------------------------------------

    async def fetch2(
        self,
        path: Any,
        api: Any = "public",
        method: Any = "GET",
        params: Any = {},  # noqa: B006 the library's own signature
        config: Any = {},  # noqa: B006
    ) -> Any:
        cost = self.calculate_rate_limiter_cost(api, method, path, params, config)
        is_order = path in ORDER_PATHS and method in ("POST", "DELETE")
        await self._governor.admit(round(cost * WEIGHT_OF_COST), is_order=is_order)
        if path != SNAPSHOT_PATH:
            return await super().fetch2(path, api, method, params, config)
        market_id = str(params.get("symbol", ""))
        self.snapshots_under_way[market_id] += 1
        try:
            return await super().fetch2(path, api, method, params, config)
        finally:
            self.snapshots_under_way[market_id] -= 1

    def on_rest_response(self, code: int, reason: Any, url: Any, *rest: Any) -> Any:
        """`rest` is (method, headers, body, request headers, request body)."""
        self._governor.note(code, rest[1])
        return super().on_rest_response(code, reason, url, *rest)

    def handle_errors(self, code: int, reason: Any, url: Any, *rest: Any) -> Any:
        """`rest` is (method, headers, body, decoded body, request headers, request body)."""
        try:
            return super().handle_errors(code, reason, url, *rest)
        except Exception as error:
            # the library puts the exchange's text into its message but not always the number
            error.http_status, error.answer = code, rest[2]  # type: ignore[attr-defined]
            raise

    def handle_http_status_code(
        self, code: int, reason: Any, url: Any, method: Any, body: Any
    ) -> None:
        try:
            super().handle_http_status_code(code, reason, url, method, body)
        except Exception as error:
            error.http_status, error.answer = code, body  # type: ignore[attr-defined]
            raise

    async def shut(self) -> None:
        """Close sockets and session."""
        session = self.session
        await self.close()
        if session is not None:
            await session.close()
