"""The one dispatch table: an operation is declared once and served over both transports.

An `Operation` names its REST route and its WebSocket API method, its parameters, its weight and
its security. The table maps (kind, verb, path or method) to it; `Dispatcher.call` does what
is the same for both: budget, key, clock, signature, permissions, parameters, handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import ExchangeError
from autotrade.infrastructure.simulated_exchange.wire import errors, keys, parameters
from autotrade.infrastructure.simulated_exchange.wire.keys import ApiKey, KeyRing
from autotrade.infrastructure.simulated_exchange.wire.limits import RateLimiter
from autotrade.infrastructure.simulated_exchange.wire.parameters import Parameter


class Security(Enum):
    """Binance's endpoint security types."""

    NONE = "NONE"
    USER_DATA = "USER_DATA"
    TRADE = "TRADE"
    USER_STREAM = "USER_STREAM"

    @property
    def is_signed(self) -> bool:
        return self is not Security.NONE


class Services(Protocol):
    """What handlers may use of the server."""

    limiter: RateLimiter
    maker_fee: Decimal
    taker_fee: Decimal

    def next_client_id(self) -> str:
        """An id for an order or cancel that the client did not name."""


@dataclass(slots=True)
class Call:
    """One request on its way to a handler."""

    services: Services
    exchange: SimulatedExchange
    now_ms: int
    address: str
    key: ApiKey | None = None
    session: Any = None
    """The WebSocket API session the request came through; None over REST."""

    @property
    def account(self) -> str:
        if self.key is None:
            raise errors.key_rejected()
        return self.key.account


Values = Mapping[str, Any]
Handler = Callable[[Call, Values], Any]
Weight = int | Callable[[Values], int]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the exchange can do for a client."""

    handler: Handler
    rest: tuple[str, str] | None = None
    method: str | None = None
    parameters: tuple[Parameter, ...] = ()
    weight: Weight = 1
    security: Security = Security.NONE
    order_count: int = 0
    """How many orders of the account's order budget it takes."""

    def weight_of(self, sent: Values) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(sent)


@dataclass(frozen=True, slots=True)
class Miss:
    """Something that a client asked for and that Binance does not know."""

    kind: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as a transport read it, before anything was checked."""

    kind: str
    """REST or WS"""
    verb: str
    path: str
    sent: Mapping[str, Any]
    address: str
    key: Any
    payload: bytes
    """What the client signed."""
    signature: Any
    session_key: ApiKey | None = None
    """The key of an authenticated WebSocket API session; requests need no signature then."""
    session: Any = None


@dataclass(slots=True)
class Dispatcher:
    """The table, and the checks that every request passes."""

    services: Services
    key_ring: KeyRing
    limiter: RateLimiter
    window_tolerance: float = 1.0
    table: dict[tuple[str, str, str], Operation] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list)

    def register(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            for route in _routes(operation):
                if route in self.table:
                    raise ValueError(f"expected one operation for {route}, was a second one")
                self.table[route] = operation

    def find(self, kind: str, verb: str, path: str) -> Operation | None:
        return self.table.get((kind, verb, path))

    def miss(self, kind: str, what: str, detail: str) -> None:
        self.misses.append(Miss(kind, what, detail))

    def call(self, incoming: Incoming, exchange: SimulatedExchange, now_ms: int) -> Any:
        """Check and carry out; raises `ExchangeError` for every refusal."""
        operation = self.find(incoming.kind, incoming.verb, incoming.path)
        if operation is None:
            self.limiter.spend(incoming.address, 1, now_ms)
            self.miss(incoming.kind, f"{incoming.verb} {incoming.path}".strip(), "unknown")
            if incoming.kind == "WS":
                raise errors.unknown_method()
            raise errors.unknown_path(incoming.path, incoming.verb)
        self.limiter.spend(incoming.address, operation.weight_of(incoming.sent), now_ms)
        call = Call(self.services, exchange, now_ms, incoming.address, session=incoming.session)
        try:
            authentication: Sequence[str] = ()
            if operation.security.is_signed:
                call.key = self._authenticate(operation, incoming, now_ms)
                authentication = parameters.COMMON_SIGNED
            values = parameters.read(operation.parameters, incoming.sent, authentication)
        except errors.WireRefusal as refusal:
            if refusal.is_miss:
                self.miss(
                    incoming.kind,
                    f"{incoming.verb} {incoming.path}".strip(),
                    f"{refusal.message} {sorted(incoming.sent)}",
                )
            raise
        if not operation.order_count:
            return operation.handler(call, values)
        self.limiter.take_orders(call.account, operation.order_count, now_ms)
        try:
            return operation.handler(call, values)
        except ExchangeError:
            self.limiter.give_back_orders(call.account, operation.order_count, now_ms)
            raise

    def _authenticate(self, operation: Operation, incoming: Incoming, now_ms: int) -> ApiKey:
        has_own_key = incoming.key is not None or incoming.signature is not None
        if incoming.session_key is not None and not has_own_key:
            key = incoming.session_key
            keys.check_timing(incoming.sent, now_ms, self.window_tolerance)
        else:
            key = self.key_ring.find(incoming.key)
            keys.check_timing(incoming.sent, now_ms, self.window_tolerance)
            keys.check_signature(key, incoming.payload, incoming.signature)
        is_allowed = key.can_trade if operation.security is Security.TRADE else key.can_read
        if not is_allowed:
            raise errors.key_rejected()
        return key


def _routes(operation: Operation) -> Iterable[tuple[str, str, str]]:
    if operation.rest is not None:
        yield ("REST", *operation.rest)
    if operation.method is not None:
        yield ("WS", "", operation.method)
