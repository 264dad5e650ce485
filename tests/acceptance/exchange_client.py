"""A small Binance client for the checker: plain http, its own signing, nothing of the product."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
from typing import Any
from urllib.parse import urlencode

PAGE = 1000


class ExchangeClient:
    """Asks an exchange about one account, over its plain port."""

    def __init__(self, port: int, api_key: str, api_secret: str) -> None:
        self._port, self._key, self._secret = port, api_key, api_secret.encode()

    def server_time(self) -> int:
        return int(self._get("/api/v3/time", {}, headers={})["serverTime"])

    def signed(self, path: str, **parameters: object) -> Any:
        query = urlencode({**parameters, "timestamp": self.server_time()})
        signature = hmac.new(self._secret, query.encode(), hashlib.sha256).hexdigest()
        return self._get(
            path, f"{query}&signature={signature}", headers={"X-MBX-APIKEY": self._key}
        )

    def account(self) -> Any:
        return self.signed("/api/v3/account")

    def open_orders(self) -> list[Any]:
        return list(self.signed("/api/v3/openOrders"))

    def all_orders(self, symbol: str) -> list[Any]:
        return self._paged("/api/v3/allOrders", symbol, "orderId", "orderId")

    def my_trades(self, symbol: str) -> list[Any]:
        return self._paged("/api/v3/myTrades", symbol, "fromId", "id")

    def _paged(self, path: str, symbol: str, start: str, key: str) -> list[Any]:
        """Everything from the first id on; a page begins behind the last one's end."""
        found: list[Any] = []
        while True:
            after = {start: found[-1][key] + 1 if found else 0}
            page = self.signed(path, symbol=symbol, limit=PAGE, **after)
            found.extend(page)
            if len(page) < PAGE:
                return found

    def _get(self, path: str, query: dict[str, Any] | str, headers: dict[str, str]) -> Any:
        text = query if isinstance(query, str) else urlencode(query)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", f"{path}?{text}" if text else path, headers=headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise AssertionError(f"GET {path}: expected 200, was {response.status}: {body!r}")
        return json.loads(body)
