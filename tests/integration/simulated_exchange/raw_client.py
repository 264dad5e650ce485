"""A bare client that signs by hand, for what ccxt would never send."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any
from urllib.parse import urlencode

import aiohttp

from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange


class RawClient:
    """REST and WebSockets over the plain port, as exactly as the test wants."""

    def __init__(self, running: EmbeddedExchange) -> None:
        self.running = running
        self.base = f"http://127.0.0.1:{running.port}"
        self.session = aiohttp.ClientSession()

    async def __aenter__(self) -> RawClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    def stamp(self, **params: Any) -> dict[str, Any]:
        return {**params, "timestamp": self.running.driver.time_ms()}

    def sign(self, text: str) -> str:
        secret = self.running.options.api_secret.encode()
        return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()

    async def send(
        self,
        verb: str,
        path: str,
        query: str = "",
        *,
        body: str | None = None,
        key: str | None = None,
    ) -> tuple[int, Any, Any]:
        """Exactly these bytes; (status, JSON, headers)."""
        from yarl import URL

        url = URL(f"{self.base}/api/v3/{path}{'?' if query else ''}{query}", encoded=True)
        headers = {} if key is None else {"X-MBX-APIKEY": key}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with self.session.request(verb, url, data=body, headers=headers) as response:
            return response.status, await response.json(), response.headers

    async def signed(
        self, verb: str, path: str, params: dict[str, Any] | None = None, **changed: Any
    ) -> tuple[int, Any, Any]:
        """Stamped and signed in the query; `changed` may replace timestamp and signature."""
        sent = self.stamp(**(params or {}))
        sent |= {name: value for name, value in changed.items() if name != "signature"}
        text = urlencode(sent)
        signature = changed.get("signature", self.sign(text))
        return await self.send(
            verb, path, f"{text}&signature={signature}", key=self.running.options.api_key
        )

    async def buy(self, **changed: Any) -> tuple[int, Any, Any]:
        """A resting limit order, or what `changed` makes of it."""
        order: dict[str, Any] = {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.01",
            "price": "58200",
        }
        order |= changed
        return await self.signed(
            "POST", "order", {name: value for name, value in order.items() if value is not None}
        )

    def socket(self, path: str) -> Any:
        return self.session.ws_connect(f"{self.base}{path}", autoping=True)


async def read(ws: aiohttp.ClientWebSocketResponse) -> Any:
    """The next message as JSON, within a bound."""
    return await asyncio.wait_for(ws.receive_json(), 5)


async def command(ws: aiohttp.ClientWebSocketResponse, method: str, *params: str) -> Any:
    await ws.send_json({"method": method, "params": list(params), "id": 1})
    return await read(ws)


async def api(
    client: RawClient,
    ws: aiohttp.ClientWebSocketResponse,
    method: str,
    *,
    sign: bool = False,
    **params: Any,
) -> Any:
    """One WebSocket API request, signed when asked."""
    if sign:
        params = {**client.stamp(**params), "apiKey": client.running.options.api_key}
        text = "&".join(f"{name}={params[name]}" for name in sorted(params))
        params["signature"] = client.sign(text)
    await ws.send_json({"id": "x", "method": method, "params": params})
    return await read(ws)
