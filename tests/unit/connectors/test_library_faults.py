"""Faults of the pinned library, shown, and that our path does not go through them.

When a new version of the library makes one of the first kind of test fail, the fault is gone: look
whether our precaution is still needed.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from autotrade.domain.commands import PlaceOrder, PlaceOrderList
from autotrade.domain.entities.order import OrderRole, OrderSide, OrderType
from autotrade.infrastructure.connectors.error_normalizer import normalize
from autotrade.infrastructure.connectors.library_import import load_binance_class
from autotrade.infrastructure.connectors.order_gateway import list_parameters, placement_parameters

load_binance_class()

PERPETUAL = {
    "id": "BTCUSDT",
    "symbol": "BTC/USDT:USDT",
    "lowercaseId": "btcusdt",
    "base": "BTC",
    "quote": "USDT",
    "settle": "USDT",
    "type": "swap",
    "spot": False,
    "swap": True,
    "future": False,
    "option": False,
    "margin": False,
    "contract": True,
    "linear": True,
    "inverse": False,
    "active": True,
    "precision": {"amount": 0.001, "price": 0.1},
    "limits": {"amount": {}, "price": {}, "cost": {}, "market": {}},
    "info": {"orderTypes": ["LIMIT", "MARKET"]},
}


@pytest_asyncio.fixture
async def futures() -> AsyncIterator[Any]:
    """The library's futures client with no way out: requests are recorded and answered here."""
    import ccxt.pro

    class Recording(ccxt.pro.binanceusdm):  # type: ignore[misc]
        requests: list[tuple[str, str, str]] = []  # noqa: RUF012

        async def fetch(
            self, url: str, method: str = "GET", headers: Any = None, body: Any = None
        ) -> Any:
            self.requests.append((method, url, body or ""))
            return {"listenKey": "key"} if "listenKey" in url else {"orderId": 1, "symbol": "B"}

    client = Recording({"apiKey": "key-123456", "secret": "secret", "enableRateLimit": False})
    client.requests = []
    client.set_markets([PERPETUAL])
    client.open()
    yield client
    await client.close()


async def test_p1_the_library_keeps_a_futures_listen_key_alive_only_once(futures: Any) -> None:
    delayed: list[Any] = []
    futures.delay = lambda timeout, method, *args: delayed.append(method)
    futures.options["defaultType"] = "future"
    await futures.authenticate({"type": "future", "subType": "linear"})
    assert delayed == [futures.keep_alive_listen_key]
    stream = futures.client(futures.get_private_ws_url("linear", "key"))
    stream.subscriptions["linear"] = True  # somebody watches
    await futures.keep_alive_listen_key({"subType": "linear"})
    assert [method for method, url, _ in futures.requests if "listenKey" in url] == ["POST", "PUT"]
    assert len(delayed) == 1, "the timer is not set again: the key dies an hour later"


async def test_p2_the_library_ignores_that_a_listen_key_expired(futures: Any) -> None:
    futures.options["linear"] = {"listenKey": "key", "lastAuthenticatedTime": 1}
    stream = futures.client(futures.get_private_ws_url("linear", "key"))
    futures.handle_message(stream, {"e": "listenKeyExpired", "E": 1, "listenKey": "key"})
    assert futures.options["linear"]["listenKey"] == "key", "it would dial the dead key again"


async def test_p3_the_library_makes_an_order_wait_behind_snapshots() -> None:
    """Shown by its own queue: one bucket, first in, first out, whatever the request is."""
    from ccxt.async_support.base.throttler import Throttler

    finished: list[str] = []
    config = {"refillRate": 1 / 5, "capacity": 1, "maxCapacity": 1_000, "tokens": 1, "cost": 1}
    throttle = Throttler(config, asyncio.get_running_loop())

    async def request(name: str, cost: float) -> None:
        await throttle(cost)
        finished.append(name)

    await asyncio.gather(request("snapshot", 10), request("snapshot", 10), request("order", 1))
    assert finished == ["snapshot", "snapshot", "order"]
    # that ours do not wait: tests/integration/connectors/test_order_path.py


async def test_p4_the_librarys_class_of_a_code_depends_on_the_address(futures: Any) -> None:
    classes, codes = set(), set()
    answer = {"code": -2019, "msg": "Margin is insufficient."}
    for url in ("https://fapi.binance.com/fapi/v1/order", "wss://ws-fapi.binance.com/ws-fapi/v1"):
        with pytest.raises(Exception, match="-2019") as caught:
            futures.handle_errors(400, "", url, "POST", {}, futures.json(answer), answer, {}, {})
        classes.add(type(caught.value).__name__)
        codes.add(normalize(caught.value).code)
    assert classes == {"InsufficientFunds", "ExchangeError"}
    assert codes == {-2019}, "ours is the same"


async def test_p5_the_library_sends_an_attached_stop_as_a_stray_parameter(futures: Any) -> None:
    await futures.create_order(
        "BTC/USDT:USDT", "limit", "buy", 0.01, 58000, {"stopLoss": {"triggerPrice": 57000}}
    )
    ((_, _, body),) = [request for request in futures.requests if request[0] == "POST"]
    assert "type=LIMIT" in body
    assert "stopLoss=" in body


KNOWN_ORDER_NAMES = {
    "symbol", "side", "type", "timeInForce", "quantity", "price", "stopPrice",
    "newClientOrderId", "newOrderRespType",
}  # fmt: skip
KNOWN_LIST_NAMES = {
    "symbol", "side", "quantity", "listClientOrderId", "newOrderRespType",
    "aboveType", "abovePrice", "aboveClientOrderId",
    "belowType", "belowStopPrice", "belowPrice", "belowTimeInForce", "belowClientOrderId",
}  # fmt: skip


@pytest.mark.parametrize("kind", list(OrderType))
def test_p5_ours_sends_only_names_that_the_exchange_knows(kind: OrderType) -> None:
    command = PlaceOrder(
        ts=0,
        deal_id=1,
        symbol="BTC/USDT",
        order_id="at-1",
        role=OrderRole.ENTRY,
        side=OrderSide.SELL,
        type=kind,
        amount=Decimal("0.01"),
        price=Decimal("1E+5"),
        stop_price=Decimal("57000.50") if "STOP" in kind else None,
    )
    parameters = placement_parameters(command)
    assert set(parameters) <= KNOWN_ORDER_NAMES
    assert all(isinstance(value, str) for value in parameters.values()), "no float anywhere"
    assert parameters.get("price", "100000") == "100000"
    assert ("timeInForce" in parameters) == (kind in ("LIMIT", "STOP_LOSS_LIMIT"))


@pytest.mark.parametrize("stop_limit", [None, Decimal("57900")])
def test_p5_a_list_too(stop_limit: Decimal | None) -> None:
    command = PlaceOrderList(
        ts=0,
        deal_id=1,
        symbol="BTC/USDT",
        list_id="l",
        target_id="t",
        stop_id="s",
        amount=Decimal("0.01"),
        target_price=Decimal(61000),
        stop_price=Decimal(58000),
        stop_limit_price=stop_limit,
    )
    parameters = list_parameters(command)
    assert set(parameters) <= KNOWN_LIST_NAMES
    assert ("belowPrice" in parameters) == (stop_limit is not None)
    assert parameters["belowType"] == ("STOP_LOSS" if stop_limit is None else "STOP_LOSS_LIMIT")


def test_the_library_is_imported_without_its_hundred_other_exchanges() -> None:
    """And by nothing of ours before a connection is made: `main.py --help` must be quick."""
    lines = (
        "import sys",
        "import autotrade.infrastructure.connectors.ccxt_connection",
        "assert not any(name.startswith('ccxt') for name in sys.modules)",
        "import autotrade.infrastructure.connectors.tapped_client",
        "loaded = [name for name in sys.modules if name.startswith('ccxt.')]",
        "assert len(loaded) < 40, len(loaded)",
        "import ccxt",
        "assert ccxt.kraken.__name__ == 'kraken'",  # and what was left out is there when asked for
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
