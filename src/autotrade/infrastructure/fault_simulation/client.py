"""The library's client as the connectors use it, with the simulated network behind it.

Two of them, like the real ones: one for requests, one that holds the account's stream. What they
answer comes from the exchange's own dispatch table, in the exchange's own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from autotrade.infrastructure.connectors.in_process_client import Refused
from autotrade.infrastructure.connectors.weight_governor import WeightGovernor
from autotrade.infrastructure.fault_simulation.exchange_end import ExchangeEnd, UserSocket
from autotrade.infrastructure.fault_simulation.virtual_loop import Agenda, ProcessKilled
from autotrade.infrastructure.simulated_exchange.core.types import ExchangeError

TIMEOUT_SECONDS = 10.0
STREAM_URL = "wss://simulated/ws-api"
WEIGHTS = {
    "time": 1,
    "klines": 2,
    "exchangeInfo": 20,
    "openOrders": 6,
    "myTrades": 20,
    "account": 20,
    "account/commission": 20,
}
"""Of the questions; orders and cancels cost 1, asking for an order 4."""


class Wires:
    """One process's requests; `cut` ends them all, whoever still waits."""

    def __init__(
        self,
        end: ExchangeEnd,
        governor: WeightGovernor,
        signing_ms: Callable[[], int],
        receive_window_ms: int,
    ) -> None:
        self._end, self._governor = end, governor
        self._signing_ms, self._window = signing_ms, receive_window_ms
        self.is_cut = False

    async def call(self, verb: str, path: str, parameters: Mapping[str, Any]) -> Any:
        is_order = path.startswith("order") and verb in ("POST", "DELETE")
        weight = 4 if path == "order" and verb == "GET" else WEIGHTS.get(path, 1)
        await self._governor.admit(weight, is_order=is_order)
        if self.is_cut:
            raise ProcessKilled
        sent = {name: str(value) for name, value in parameters.items()}
        if path not in ("time", "klines", "exchangeInfo"):
            sent |= {"timestamp": str(self._signing_ms()), "recvWindow": str(self._window)}
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def give_up() -> None:
            if not future.done():
                future.set_exception(TimeoutError(f"{verb} {path}"))

        def reply(result: Any, refusal: ExchangeError | None, headers: Mapping[str, str]) -> None:
            if self.is_cut:
                return
            self._governor.note(refusal.http_status if refusal is not None else 200, headers)
            if not future.done():
                if refusal is not None:
                    future.set_exception(Refused(refusal))
                else:
                    future.set_result(result)

        self._end.request(verb, path, sent, reply)
        patience = loop.call_later(TIMEOUT_SECONDS, give_up)
        try:
            return await future
        finally:
            patience.cancel()


class SimulatedClient:
    """Questions and orders."""

    def __init__(self, wires: Wires, end: ExchangeEnd) -> None:
        self._call, self._market = wires.call, end.market
        self.markets: dict[str, Any] = {}
        self.urls = {"api": {"public": "https://simulated/api/v3"}}

    async def public_get_time(self) -> Any:
        return await self._call("GET", "time", {})

    async def public_get_exchangeinfo(self, parameters: Mapping[str, Any] | None = None) -> Any:
        return await self._call("GET", "exchangeInfo", parameters or {})

    async def public_get_klines(self, parameters: Mapping[str, Any]) -> Any:
        await self._call("GET", "time", {})  # the way there and back; the market itself answers
        return self._market.kline_rows(
            parameters["symbol"],
            int(parameters["startTime"]),
            int(parameters["endTime"]),
            int(parameters["limit"]),
        )

    def parse_market(self, market: Mapping[str, Any]) -> dict[str, Any]:
        return {"symbol": f"{market['baseAsset']}/{market['quoteAsset']}"}

    def set_markets(self, markets: list[dict[str, Any]]) -> None:
        self.markets = {market["symbol"]: market for market in markets}

    async def private_post_order(self, parameters: Mapping[str, Any]) -> Any:
        return await self._call("POST", "order", parameters)

    async def private_post_orderlist_oco(self, parameters: Mapping[str, Any]) -> Any:
        return await self._call("POST", "orderList/oco", parameters)

    async def private_delete_order(self, parameters: Mapping[str, Any]) -> Any:
        return await self._call("DELETE", "order", parameters)

    async def private_delete_orderlist(self, parameters: Mapping[str, Any]) -> Any:
        return await self._call("DELETE", "orderList", parameters)

    async def private_get_order(self, parameters: Mapping[str, Any]) -> Any:
        return await self._call("GET", "order", parameters)

    async def private_get_openorders(self, parameters: Mapping[str, Any]) -> Any:
        return await self._call("GET", "openOrders", parameters)

    async def private_get_mytrades(self, parameters: Mapping[str, Any]) -> Any:
        return await self._call("GET", "myTrades", parameters)

    async def private_get_account(self, parameters: Mapping[str, Any]) -> Any:
        return await self._call("GET", "account", parameters)

    async def private_get_account_commission(self, parameters: Mapping[str, Any]) -> Any:
        return await self._call("GET", "account/commission", parameters)

    async def shut(self) -> None:
        pass


class SimulatedUserClient:
    """The socket of the account's stream; UserStream watches over it."""

    def __init__(self, wires: Wires, end: ExchangeEnd, agenda: Agenda, seed: str) -> None:
        self._wires, self._end, self._agenda, self._seed = wires, end, agenda, seed
        self.tap: Callable[[Any, Any], None] = self.forward
        self.on_socket_down: Callable[[str, str], None] = lambda url, text: None
        self.clients: dict[str, UserSocket] = {}
        self._dials = 0

    async def ensure_user_data_stream_ws_subscribe_signature(self, kind: str) -> None:
        await self._wires.call("GET", "account", {"omitZeroBalances": "true"})
        self._dials += 1
        socket = UserSocket(
            self._agenda, f"{self._seed}:{self._dials}", self._deliver, self._closed
        )
        socket.is_silent = self._end.user_stream_is_silent
        self.clients[STREAM_URL] = socket
        self._end.attach(socket)

    def forget_dial_delays(self) -> None:
        pass

    def forward(self, socket: Any, message: Any) -> None:
        pass

    def drop_socket(self, url: str, text: str) -> None:
        socket = self.clients.pop(url, None)
        if socket is not None:
            self._end.detach(socket)
            self.on_socket_down(url, text)

    async def shut(self) -> None:
        for socket in self.clients.values():
            self._end.detach(socket)
        self.clients.clear()

    def _deliver(self, event: dict[str, Any]) -> None:
        if not self._wires.is_cut:
            self.tap(None, {"event": event})

    def _closed(self, text: str) -> None:
        if not self._wires.is_cut:
            self.clients.clear()
            self.on_socket_down(STREAM_URL, text)
