"""How bytes reach the exchange: the open internet, or the embedded exchange on loopback.

The loopback transport keeps the library's production addresses and remaps them below it: names
under binance.com resolve to 127.0.0.1 and the TLS port of the embedded exchange, every other name
is refused, and no socket may be opened to any other address. So a simulation cannot reach the
real exchange, whatever the library does.
"""

from __future__ import annotations

import errno
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

LOOPBACK = "127.0.0.1"
EXCHANGE_DOMAIN = "binance.com"
CONNECTIONS_MAX = 32
"""Of a session, at the same time; more requests wait. All that were ever needed at once stay open
in the library's pool."""
TLS_BUFFER_BYTES = 17 * 1024
"""asyncio keeps a buffer of this size for the life of every TLS connection and makes another for
each read of it, 256 KiB by its own choice: a burst of requests then costs megabytes. One read
returns one TLS record, 16 KiB and some 260 bytes around it. Set for the whole process."""


class TransportKind(StrEnum):
    LIVE = "live"
    LOOPBACK = "loopback"


class TransportRefused(ValueError):
    """The loopback guard is missing, or is where it must not be."""


@dataclass(frozen=True, slots=True)
class Transport:
    """`tls_port` and `certificate_authority` (PEM) are the embedded exchange's; loopback only."""

    kind: TransportKind
    tls_port: int | None = None
    certificate_authority: Path | None = None

    def __post_init__(self) -> None:
        has_guard = self.tls_port is not None and self.certificate_authority is not None
        if self.kind is TransportKind.LOOPBACK and not has_guard:
            raise TransportRefused(
                "expected the embedded exchange's TLS port and certificate for the loopback "
                "transport, was none, start the embedded exchange first"
            )
        if self.kind is TransportKind.LIVE and (self.tls_port or self.certificate_authority):
            raise TransportRefused(
                "expected no loopback port or certificate on the live transport, was one, "
                "choose either the embedded exchange or a live venue"
            )

    @property
    def is_live(self) -> bool:
        return self.kind is TransportKind.LIVE


def loopback(tls_port: int, certificate_authority: Path) -> Transport:
    return Transport(TransportKind.LOOPBACK, tls_port, certificate_authority)


def live() -> Transport:
    return Transport(TransportKind.LIVE)


def refused(wanted: str, was: str) -> OSError:
    """What the library reports as a connection that could not be made."""
    text = f"refused by the loopback guard: expected {wanted}, was {was}"
    return OSError(errno.ECONNREFUSED, text)


class LoopbackResolver(AbstractResolver):
    """Answers for the exchange's domain only, always with the embedded exchange's address."""

    def __init__(self, tls_port: int) -> None:
        self._tls_port = tls_port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if not (host == EXCHANGE_DOMAIN or host.endswith("." + EXCHANGE_DOMAIN)):
            raise refused(f"a host under {EXCHANGE_DOMAIN}", host)
        return [
            ResolveResult(
                hostname=host,
                host=LOOPBACK,
                port=self._tls_port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


class GuardedConnector(aiohttp.TCPConnector):
    """The last lock: a socket is made for the embedded exchange's address and for no other."""

    def __init__(self, tls_port: int, context: ssl.SSLContext) -> None:
        def guarded_socket(address: Any) -> socket.socket:
            family, kind, protocol, _, target = address
            if tuple(target[:2]) != (LOOPBACK, tls_port):
                raise refused(f"{LOOPBACK}:{tls_port}", str(target))
            return socket.socket(family=family, type=kind, proto=protocol)

        super().__init__(
            ssl=context,
            resolver=LoopbackResolver(tls_port),
            use_dns_cache=False,
            socket_factory=guarded_socket,
            limit=CONNECTIONS_MAX,
        )


def tls_context(transport: Transport) -> ssl.SSLContext:
    """Loopback trusts the embedded exchange's own certificate authority and nothing else."""
    if transport.is_live:
        import certifi

        return ssl.create_default_context(cafile=certifi.where())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=str(transport.certificate_authority))
    except OSError as error:  # a certificate that cannot be read is an SSLError, which is one too
        raise TransportRefused(
            "expected the embedded exchange's certificate, was "
            f"{transport.certificate_authority} ({error.strerror or error}); look whether that "
            "exchange still runs, or start another one"
        ) from None
    return context


def open_session(transport: Transport, context: ssl.SSLContext) -> aiohttp.ClientSession:
    """A session that never reads proxies from the environment; close it yourself."""
    SSLProtocol.max_size = TLS_BUFFER_BYTES
    if transport.tls_port is not None:
        connector: aiohttp.TCPConnector = GuardedConnector(transport.tls_port, context)
    else:
        # the system's resolver in a thread works with every event loop, Windows' default included
        connector = aiohttp.TCPConnector(
            ssl=context, resolver=aiohttp.ThreadedResolver(), limit=CONNECTIONS_MAX
        )
    return aiohttp.ClientSession(connector=connector, trust_env=False)


def require_guard(transport: Transport, session: aiohttp.ClientSession) -> None:
    """Assert once more, where the client is built, that guard and mode fit."""
    is_guarded = isinstance(session.connector, GuardedConnector)
    if not transport.is_live and not is_guarded:
        raise TransportRefused(
            "expected the loopback guard on a session that is not live, was an open one, "
            "build it with open_session"
        )
    if transport.is_live and is_guarded:
        raise TransportRefused(
            "expected an open session for a live venue, was one with the loopback guard, "
            "build it with open_session"
        )
