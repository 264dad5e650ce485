"""One client's WebSocket as the server sees it: a bounded outbox and a writer that empties it.

Putting a message in never waits, so that no client can hold the exchange up. A client that
reads too slowly is disconnected when its outbox is full.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import WSMsgType, web

POLICY_VIOLATION = 1008
GOING_AWAY = 1001
SERVICE_RESTART = 1012
SLOW_CLOSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """Binance's figures for spot sockets; wall-clock seconds."""

    ping_interval_s: float = 20.0
    pong_timeout_s: float = 60.0
    lifetime_s: float = 86_400.0
    outbox_messages_max: int = 20_000
    incoming_per_second_max: int = 5
    """For stream sockets; the WebSocket API has request weights instead."""
    message_bytes_max: int = 64 * 1024


class ClientSocket:
    """A connected WebSocket with its outbox."""

    def __init__(self, ws: web.WebSocketResponse, address: str, settings: SocketSettings) -> None:
        self.ws = ws
        self.address = address
        self.settings = settings
        self.is_closing = False
        self.sent_messages = 0
        self._outbox: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._close_code: int | None = None
        self._close_text = ""
        self._last_pong_s = asyncio.get_running_loop().time()
        self._writer = asyncio.create_task(self._write())
        self._keeper = asyncio.create_task(self._keep_alive())

    def send(self, message: bytes) -> None:
        """Queue a message; a full outbox disconnects the client."""
        if self.is_closing:
            return
        if len(self._outbox) >= self.settings.outbox_messages_max:
            self._outbox.clear()
            self.close(POLICY_VIOLATION, "Slow consumer: outbox full")
            # its buffers are full: a close frame may never get through
            asyncio.get_running_loop().call_later(SLOW_CLOSE_SECONDS, self._cut)
            return
        self._outbox.append(message)
        self._wake.set()

    def close(self, code: int, text: str = "") -> None:
        """Close after what is queued was written; returns at once."""
        if not self.is_closing:
            self.is_closing = True
            self._close_code, self._close_text = code, text
            self._wake.set()

    def abort(self) -> None:
        """Cut the connection without a close frame, as a broken network does."""
        self.is_closing = True
        self._outbox.clear()
        self._cut()
        self._wake.set()

    def _cut(self) -> None:
        if self.ws._req is not None:
            cut(self.ws._req.transport)

    async def _write(self) -> None:
        outbox = self._outbox
        try:
            while True:
                while outbox:
                    await self.ws.send_frame(outbox.popleft(), WSMsgType.TEXT)
                    self.sent_messages += 1
                if self.is_closing:
                    break
                self._wake.clear()
                await self._wake.wait()
            if self._close_code is not None and not self.ws.closed:
                await self.ws.close(code=self._close_code, message=self._close_text.encode())
        except (ConnectionError, RuntimeError):
            self.is_closing = True  # the client is gone; the reader ends the session

    async def _keep_alive(self) -> None:
        """Ping, demand pongs, and end the connection after its lifetime."""
        loop = asyncio.get_running_loop()
        born_s = loop.time()
        settings = self.settings
        while not self.is_closing:
            left_s = settings.lifetime_s - (loop.time() - born_s)
            await asyncio.sleep(min(settings.ping_interval_s, max(left_s, 0)))
            if loop.time() - born_s >= settings.lifetime_s:
                self.close(GOING_AWAY, "Connection lifetime reached")
            elif loop.time() - self._last_pong_s > settings.pong_timeout_s:
                self.close(POLICY_VIOLATION, "Pong timeout")
            else:
                try:
                    await self.ws.ping(str(int(loop.time() * 1000)).encode())
                except (ConnectionError, RuntimeError):
                    return

    def pong_received(self) -> None:
        self._last_pong_s = asyncio.get_running_loop().time()

    async def finish(self) -> None:
        """Write what is left, then stop the helpers; called by the session that owns the socket."""
        self.is_closing = True
        self._wake.set()
        self._keeper.cancel()
        await asyncio.wait([self._writer], timeout=SLOW_CLOSE_SECONDS)
        self._writer.cancel()
        await asyncio.gather(self._keeper, self._writer, return_exceptions=True)


def cut(transport: asyncio.Transport | None) -> None:
    """End a connection at once, as a broken network does; one that has ended stays so."""
    if transport is None:
        return
    with contextlib.suppress(AttributeError):
        # CPython 3.11.2 (Debian 12) lets go of a TLS connection that was closed twice, and its
        # `abort` then misses it
        transport.abort()


async def text_messages(socket: ClientSocket) -> AsyncIterator[str]:
    """The client's text messages; control frames are dealt with here."""
    while not socket.ws.closed:
        message = await socket.ws.receive()
        if message.type is WSMsgType.TEXT:
            yield message.data
        elif message.type is WSMsgType.PING:
            await socket.ws.pong(message.data)
        elif message.type is WSMsgType.PONG:
            socket.pong_received()
        elif message.type is WSMsgType.CLOSE:
            await socket.ws.close(code=message.data or 1000)
            return
        else:
            return
