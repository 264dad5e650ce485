"""The private calls of the library's client, answered in process by the exchange's own table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import ExchangeError, Output
from autotrade.infrastructure.simulated_exchange.wire.dispatch import Incoming
from autotrade.infrastructure.simulated_exchange.wire.keys import ApiKey
from autotrade.infrastructure.simulated_exchange.wire.limits import LimitSettings
from autotrade.infrastructure.simulated_exchange.wire.server import ExchangeServer, ServerSettings

ACCOUNT = "simulation"
NO_LIMIT = 10**12


class Refused(Exception):
    """An exchange's no, with what error_normalizer reads."""

    def __init__(self, error: ExchangeError) -> None:
        super().__init__(error.message)
        self.http_status = error.http_status
        self.answer = f'{{"code":{error.code},"msg":"{error.message}"}}'


class InProcessClient:
    """No sockets, no signatures; `publish` hands out what the core has to say."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        clock: ExchangeClock,
        on_outputs: Callable[[Sequence[Output]], None],
    ) -> None:
        self._exchange, self._clock = exchange, clock
        self._key = ApiKey("in-process", ACCOUNT)
        unlimited = LimitSettings(
            weight_per_minute=NO_LIMIT,
            orders_per_10_seconds=NO_LIMIT,
            orders_per_day=NO_LIMIT,
            raw_requests_per_5_minutes=NO_LIMIT,
        )
        self._server = ExchangeServer(
            exchange,
            ServerSettings(limits=unlimited, window_tolerance=1_000_000),
            settle=self._settle,
            on_outputs=on_outputs,
        )

    def publish(self) -> None:
        self._server.publish(self._exchange.drain())

    def _settle(self) -> None:
        self._exchange.advance(max(self._exchange.now, self._clock.now_ms()))

    def _call(self, verb: str, path: str, parameters: Mapping[str, Any]) -> Any:
        incoming = Incoming(
            kind="REST",
            verb=verb,
            path=f"/api/v3/{path}",
            sent={**parameters, "timestamp": str(self._exchange.now)},
            address="in-process",
            key=None,
            payload=b"",
            signature=None,
            session_key=self._key,
        )
        try:
            return self._server.carry_out(incoming)
        except ExchangeError as error:
            raise Refused(error) from error

    async def private_post_order(self, parameters: Mapping[str, Any]) -> Any:
        return self._call("POST", "order", parameters)

    async def private_post_orderlist_oco(self, parameters: Mapping[str, Any]) -> Any:
        return self._call("POST", "orderList/oco", parameters)

    async def private_delete_order(self, parameters: Mapping[str, Any]) -> Any:
        return self._call("DELETE", "order", parameters)

    async def private_delete_orderlist(self, parameters: Mapping[str, Any]) -> Any:
        return self._call("DELETE", "orderList", parameters)

    async def private_get_order(self, parameters: Mapping[str, Any]) -> Any:
        return self._call("GET", "order", parameters)

    async def private_get_openorders(self, parameters: Mapping[str, Any]) -> Any:
        return self._call("GET", "openOrders", parameters)

    async def private_get_mytrades(self, parameters: Mapping[str, Any]) -> Any:
        return self._call("GET", "myTrades", parameters)

    async def private_get_account(self, parameters: Mapping[str, Any]) -> Any:
        return self._call("GET", "account", parameters)

    async def private_get_account_commission(self, parameters: Mapping[str, Any]) -> Any:
        return self._call("GET", "account/commission", parameters)
