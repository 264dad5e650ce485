"""ExchangeServer: one core served over REST, WebSocket API and streams, plain and TLS.

Everything that changes the core happens here or in the driver, in one event loop, synchronously:
a request is carried out whole, its events are queued, then its reply leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import ExchangeError, Output
from autotrade.infrastructure.simulated_exchange.wire import (
    account_operations,
    errors,
    keys,
    market_operations,
    session_operations,
    ticker_operations,
    trade_operations,
)
from autotrade.infrastructure.simulated_exchange.wire.api_session import ApiSession
from autotrade.infrastructure.simulated_exchange.wire.client_socket import (
    GOING_AWAY,
    ClientSocket,
    SocketSettings,
    cut,
)
from autotrade.infrastructure.simulated_exchange.wire.dispatch import (
    Dispatcher,
    Incoming,
    Miss,
    Security,
)
from autotrade.infrastructure.simulated_exchange.wire.faults import FaultPlan, Mishap
from autotrade.infrastructure.simulated_exchange.wire.keys import ApiKey, KeyRing
from autotrade.infrastructure.simulated_exchange.wire.limits import LimitSettings, RateLimiter
from autotrade.infrastructure.simulated_exchange.wire.stream_hub import StreamHub
from autotrade.infrastructure.simulated_exchange.wire.stream_session import (
    StreamSession,
    initial_streams,
)
from autotrade.infrastructure.simulated_exchange.wire.tls import CertificateFiles, server_context
from autotrade.infrastructure.simulated_exchange.wire.user_streams import UserStreams

LOOPBACK = "127.0.0.1"
BODY_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the server stands to its clients."""

    limits: LimitSettings = field(default_factory=LimitSettings)
    sockets: SocketSettings = field(default_factory=SocketSettings)
    window_tolerance: float = 1.0
    """Multiplies recvWindow and the second of look-ahead; the speed of an accelerated clock."""
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")


class SocketKind(Enum):
    """What a WebSocket is for."""

    API = "api"
    """Requests and user data."""
    MARKET = "market"


class ExchangeServer:
    """The wire around one core."""

    def __init__(
        self,
        exchange: SimulatedExchange,
        settings: ServerSettings | None = None,
        *,
        settle: Callable[[], None] | None = None,
        on_outputs: Callable[[Sequence[Output]], None] | None = None,
    ) -> None:
        """`settle` brings the core to the present before a request; `on_outputs` is told what
        changed before anybody else is (persistence)."""
        self.exchange = exchange
        self.settings = settings or ServerSettings()
        self.maker_fee, self.taker_fee = self.settings.maker_fee, self.settings.taker_fee
        self.faults = FaultPlan()
        self.key_ring = KeyRing()
        self.limiter = RateLimiter(self.settings.limits)
        self.hub = StreamHub(exchange, self.faults)
        self.users = UserStreams(self.faults)
        self.requests = 0
        self._is_copy = False
        self._settle = settle or (lambda: None)
        self._on_outputs = on_outputs
        self._dispatcher = Dispatcher(
            self, self.key_ring, self.limiter, self.settings.window_tolerance
        )
        for operations in (
            market_operations.OPERATIONS,
            ticker_operations.OPERATIONS,
            trade_operations.OPERATIONS,
            account_operations.OPERATIONS,
            session_operations.OPERATIONS,
        ):
            self._dispatcher.register(operations)
        self._sockets: dict[ClientSocket, SocketKind] = {}
        self._runner: web.ServerRunner | None = None
        self._client_ids = 0

    # what handlers and sessions use

    def next_client_id(self) -> str:
        self._client_ids += 1
        return f"web_{self.exchange.now:x}{self._client_ids:09x}"[:36]

    def now_ms(self) -> int:
        return self.exchange.now + self.faults.clock_skew_ms

    @property
    def misses(self) -> list[Miss]:
        """Everything asked for that Binance does not know; a conforming client leaves it empty."""
        return [
            *self._dispatcher.misses,
            *(Miss("STREAM", name, "unknown stream") for name in self.hub.unknown),
        ]

    def publish(self, outputs: Sequence[Output]) -> None:
        """Write down, then send on, what the core told."""
        if not outputs:
            return
        if self._on_outputs is not None:
            self._on_outputs(outputs)
        self.users.on_outputs(outputs)
        self.hub.on_outputs(outputs)

    def carry_out(self, incoming: Incoming) -> Any:
        """Carry out one request; raises `ExchangeError` for a refusal."""
        self.requests += 1
        symbol = str(incoming.sent.get("symbol", ""))
        name = _named(incoming.verb, incoming.path, symbol)
        planned = None if self._is_copy else self.faults.take_answer(name)
        if planned is not None and not planned.is_executed:
            raise planned.error()
        if not self._is_copy:
            self._settle()
        try:
            result = self._dispatcher.call(incoming, self.exchange, self.now_ms())
        finally:
            self.publish(self.exchange.drain())
        if planned is not None:
            raise planned.error()
        return result

    def is_reply_lost(self, name: str) -> bool:
        return self.faults.take_lost_reply(name)

    def rate_limits(self, address: str, account: str | None) -> list[dict[str, Any]]:
        """The `rateLimits` member of a WebSocket API reply."""
        now = self.now_ms()
        orders = [] if account is None else self.limiter.order_state(account, now)
        return [*orders, self.limiter.weight_state(address, now)]

    # transports

    async def start(
        self,
        *,
        port: int | None = 0,
        tls_port: int | None = None,
        files: CertificateFiles | None = None,
    ) -> tuple[int | None, int | None]:
        """Listen on loopback; 0 picks a free port, None leaves a transport out.

        Returns the ports. Raises OSError when a port is in use.
        """
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await self._runner.setup()
        plain = secure = None
        if port is not None:
            plain = await self._listen(port, None)
        if tls_port is not None:
            if files is None:
                raise ValueError("expected certificate files for TLS, was None")
            secure = await self._listen(tls_port, server_context(files))
        return plain, secure

    async def _listen(self, port: int, context: Any) -> int:
        assert self._runner is not None
        site = web.TCPSite(self._runner, LOOPBACK, port, ssl_context=context, backlog=512)
        await site.start()
        listening = site._server
        assert isinstance(listening, asyncio.Server)
        return int(listening.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close every socket (1001) and stop listening."""
        self.close_all_sockets(GOING_AWAY, "Server is stopping")
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def close_all_sockets(self, code: int | None = None, text: str = "") -> None:
        """Close every WebSocket, with a code or (None) by cutting the connection."""
        for kind in SocketKind:
            self.close_sockets(kind, code, text)

    def close_sockets(self, kind: SocketKind, code: int | None = None, text: str = "") -> int:
        """As `close_all_sockets`, but one kind of them; how many there were."""
        found = [socket for socket, its_kind in self._sockets.items() if its_kind is kind]
        for socket in found:
            if code is None:
                socket.abort()
            else:
                socket.close(code, text)
        return len(found)

    @property
    def open_sockets(self) -> int:
        return len(self._sockets)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.faults.refuse_connections:
            cut(request.transport)
            return web.Response(status=503)
        path, _, query = request.raw_path.partition("?")
        if path.startswith("/api/"):
            return await self._serve_rest(request, path, query)
        address = request.remote or LOOPBACK
        if path.rstrip("/") == "/ws-api/v3":
            shows_limits = dict(parse_qsl(query)).get("returnRateLimits") != "false"
            return await self._serve_socket(
                request,
                lambda socket: ApiSession(socket, self, returns_rate_limits=shows_limits),
                address,
                SocketKind.API,
            )
        named = initial_streams(path, dict(parse_qsl(query)))
        if named is not None:
            streams, is_combined = named
            return await self._serve_socket(
                request,
                lambda socket: StreamSession(socket, self.hub, streams, is_combined=is_combined),
                address,
                SocketKind.MARKET,
            )
        self._dispatcher.miss("REST", f"{request.method} {path}", "unknown")
        refusal = errors.unknown_path(path, request.method)
        return _response(refusal.http_status, _error_body(refusal), {})

    async def _serve_socket(
        self,
        request: web.BaseRequest,
        make: Callable[[ClientSocket], ApiSession | StreamSession],
        address: str,
        kind: SocketKind,
    ) -> web.StreamResponse:
        settings = self.settings.sockets
        ws = web.WebSocketResponse(
            autoping=False,
            autoclose=False,
            compress=False,
            max_msg_size=settings.message_bytes_max,
        )
        if not ws.can_prepare(request):
            return web.Response(status=426, headers={"Upgrade": "websocket"})
        await ws.prepare(request)
        socket = ClientSocket(ws, address, settings)
        self._sockets[socket] = kind
        try:
            await make(socket).run()
        finally:
            del self._sockets[socket]
            await socket.finish()
        return ws

    async def _serve_rest(
        self, request: web.BaseRequest, path: str, query: str
    ) -> web.StreamResponse:
        body = (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""
        address = request.remote or LOOPBACK
        key = request.headers.get("X-MBX-APIKEY")
        sent = dict(parse_qsl(f"{query}&{body}"))
        name = _named(request.method, path, sent.get("symbol", ""))
        met = self.faults.take_mishap(name)
        if met is not None and met.mishap is Mishap.LOST:
            cut(request.transport)
            return _response(503, b"", {})
        if met is not None and met.mishap is Mishap.DELAYED:
            await asyncio.sleep(met.delay_s)
        ask = partial(self.answer_rest, request.method, path, query=query, body=body, key=key)
        status, reply, headers = ask(address=address)
        is_copied = met is not None and met.mishap is Mishap.DUPLICATED
        if is_copied and not self._is_over(key, sent):
            # at the same moment, or the first one's id may be free again; and no planned answer may
            # deny what came of it
            self._is_copy = True
            status, reply, headers = ask(address=address)
            self._is_copy = False
        if self.is_reply_lost(name):
            cut(request.transport)
        return _response(status, reply, headers)

    def _is_over(self, key: str | None, sent: Mapping[str, str]) -> bool:
        """Whether a new order was over as soon as it was placed. Its id is free again then, on
        Binance as here, so that a copy of the request would be a second order: no client can
        prevent that, hence it is not tried."""
        order_id = sent.get("newClientOrderId", sent.get("aboveClientOrderId"))
        if order_id is None:
            return False
        try:
            account = self.key_ring.find(key).account
            order = self.exchange.order(account, sent["symbol"], client_order_id=order_id)
        except (ExchangeError, KeyError):
            return False  # refused: nothing came of it
        return not order.status.is_open

    def answer_rest(
        self, verb: str, path: str, *, query: str, body: str, key: str | None, address: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """One REST request from its raw parts: HTTP status, body and headers."""
        payload, signature = keys.rest_payload(query, body)
        headers: dict[str, str] = {}
        try:
            incoming = Incoming(
                kind="REST",
                verb=verb,
                path=path,
                sent=self._parameters(verb, path, query, body),
                address=address,
                key=key,
                payload=payload,
                signature=signature,
            )
            reply = orjson.dumps(self.carry_out(incoming))
            status = 200
            headers = self._order_headers(incoming)
        except ExchangeError as refusal:
            status, reply = refusal.http_status, _error_body(refusal)
            headers = dict(getattr(refusal, "headers", {}))
        used = str(self.limiter.used_weight(address, self.now_ms()))
        headers["X-MBX-USED-WEIGHT"] = headers["X-MBX-USED-WEIGHT-1M"] = used
        return status, reply, headers

    def _parameters(self, verb: str, path: str, query: str, body: str) -> dict[str, str]:
        """Query and body as one mapping; the query wins, a name twice in one of them is -1101."""
        sent: dict[str, str] = {}
        for section in (body, query):
            pairs = parse_qsl(section, keep_blank_values=True)
            names = [name for name, _ in pairs]
            if len(set(names)) != len(names):
                self._dispatcher.miss("REST", f"{verb} {path}", f"duplicate in {sorted(names)}")
                raise errors.duplicate_parameter()
            sent.update(pairs)
        return sent

    def _order_headers(self, incoming: Incoming) -> dict[str, str]:
        operation = self._dispatcher.find("REST", incoming.verb, incoming.path)
        if operation is None or operation.security is not Security.TRADE:
            return {}
        account = self.key_ring.find(incoming.key).account
        short, day = self.limiter.order_counts(account, self.now_ms())
        return {"X-MBX-ORDER-COUNT-10S": str(short), "X-MBX-ORDER-COUNT-1D": str(day)}

    # accounts

    def add_key(self, key: ApiKey) -> None:
        self.key_ring.add(key)

    def operations(self) -> Iterable[tuple[str, str, str]]:
        """The whole surface: (kind, verb, path or method)."""
        return list(self._dispatcher.table)


def _named(verb: str, path: str, symbol: str = "") -> str:
    """`POST /api/v3/order BTCUSDT` or `order.place BTCUSDT`: how planned faults are looked up."""
    return f"{verb} {path} {symbol}".strip()


def _error_body(refusal: ExchangeError) -> bytes:
    body: dict[str, Any] = {"code": refusal.code, "msg": refusal.message}
    data = getattr(refusal, "data", None)
    if data is not None:
        body["data"] = data
    return orjson.dumps(body)


def _response(status: int, body: bytes, headers: dict[str, str]) -> web.Response:
    return web.Response(
        status=status, body=body, headers=headers, content_type="application/json", charset="UTF-8"
    )
