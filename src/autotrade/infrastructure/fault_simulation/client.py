"""The library's client as the connectors use it, with the simulated network behind it.

Two of them, like the real ones: one for requests, one that holds the account's stream. What they
answer comes from the exchange's own dispatch table, in the exchange's own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.in_process_client import Refused
from autotrade.infrastructure.connectors.weight_governor import WeightGovernor
from autotrade.infrastructure.fault_simulation.exchange_end import ExchangeEnd, UserSocket
from autotrade.infrastructure.fault_simulation.virtual_loop import Agenda, ProcessKilled
from autotrade.infrastructure.simulated_exchange.core.types import ExchangeError

TIMEOUT_SECONDS = 10.0
MEASURED_WRONG_SECONDS_MAX = TIMEOUT_SECONDS / 2
"""A measurement of the time is wrong by at most half of its round trip; a later one corrects it."""
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
        clock: ExchangeClock,
        receive_window_ms: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._end, self._governor = end, governor
        self._clock, self._window = clock, receive_window_ms
        self._monotonic = monotonic
        self._stay_away_until_ms = 0
        """As the exchange told this process, by this process's own clock."""
        self._stay_away_until_s = 0.0
        """The same by its monotonic clock: for a ban that was told before the other was set."""
        self._is_told_by_set_clock = False
        self.is_cut = False

    async def call(self, verb: str, path: str, parameters: Mapping[str, Any]) -> Any:
        is_order = path.startswith("order") and verb in ("POST", "DELETE")
        weight = 4 if path == "order" and verb == "GET" else WEIGHTS.get(path, 1)
        loop = asyncio.get_running_loop()
        wanted_at = loop.time()
        await self._governor.admit(weight, is_order=is_order)
        if self.is_cut:
            raise ProcessKilled
        self._check_leaving(f"{verb} {path}", loop.time() - wanted_at if is_order else 0.0)
        sent = {name: str(value) for name, value in parameters.items()}
        if path not in ("time", "klines", "exchangeInfo"):
            sent |= {"timestamp": str(self._clock.signing_ms()), "recvWindow": str(self._window)}
        future: asyncio.Future[Any] = loop.create_future()

        def give_up() -> None:
            if not future.done():
                future.set_exception(TimeoutError(f"{verb} {path}"))

        def reply(result: Any, refusal: ExchangeError | None, headers: Mapping[str, str]) -> None:
            if self.is_cut:
                return
            status = refusal.http_status if refusal is not None else 200
            self._governor.note(status, headers)
            if status in (418, 429):
                away_until_ms = self._clock.now_ms() + 1000 * int(headers.get("Retry-After", 0))
                self._stay_away_until_ms = max(self._stay_away_until_ms, away_until_ms)
                away_until_s = self._monotonic() + int(headers.get("Retry-After", 0))
                self._stay_away_until_s = max(self._stay_away_until_s, away_until_s)
                self._is_told_by_set_clock = self._clock.measurements > 0
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

    def _check_leaving(self, name: str, waited_seconds: float) -> None:
        """An order leaves at once or is refused; during a ban nothing leaves."""
        watch, early_s = self._end.watch, self._seconds_early()
        if watch is None:
            return
        if waited_seconds:
            watch.violate("order_leaves_at_once", f"{name} waited for {waited_seconds:.1f} s")
        if early_s > 0:
            watch.violate("stays_away", f"{name} left {early_s:.1f} s before the ban's end")

    def _seconds_early(self) -> float:
        if self._clock.measurements and not self._is_told_by_set_clock:
            return self._stay_away_until_s - self._monotonic() - MEASURED_WRONG_SECONDS_MAX
        return (self._stay_away_until_ms - self._clock.now_ms()) / 1000


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
