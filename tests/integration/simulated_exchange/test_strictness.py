"""Errors, signatures, clocks and limits: what Binance refuses is refused, in its words."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from autotrade.infrastructure.simulated_exchange.driver import HandClock
from autotrade.infrastructure.simulated_exchange.embedded import (
    EmbeddedExchange,
    EmbeddedOptions,
)
from autotrade.infrastructure.simulated_exchange.wire.keys import ApiKey
from autotrade.infrastructure.simulated_exchange.wire.limits import LimitSettings
from tests.integration.simulated_exchange.raw_client import RawClient, api
from tests.integration.simulated_exchange.support import START_TS, ScriptedMarket


@pytest.fixture
async def client(by_hand: EmbeddedExchange) -> AsyncIterator[RawClient]:
    async with RawClient(by_hand) as raw:
        yield raw


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("nothing", -5000, "Path /api/v3/nothing, Method GET is invalid"),
        ("depth", -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or "
         "malformed."),
        ("depth?symbol=BTCUSDT&x=1", -1104, "Not all sent parameters were read; read '1' "
         "parameter(s) but was sent '2'."),
        ("depth?symbol=BTCUSDT&symbol=BTCUSDT", -1101,
         "Duplicate values for a parameter detected."),
        ("depth?symbol=btcusdt", -1100, "Illegal characters found in parameter 'symbol'; legal "
         "range is '^[A-Z0-9-_.]{1,20}$'."),
        ("depth?symbol=NOPE", -1121, "Invalid symbol."),
        ("depth?symbol=BTCUSDT&limit=abc", -1100, "Illegal characters found in parameter 'limit'; "
         "legal range is '^[0-9]{1,20}$'."),
        ("depth?symbol=BTCUSDT&limit=", -1105, "Parameter 'limit' was empty."),
        ("klines?symbol=BTCUSDT&interval=7m", -1120, "Invalid interval."),
        ("ticker/24hr?symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D", -1128,
         "Combination of optional parameters invalid."),
        ("ticker", -1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!"),
    ],
)  # fmt: skip
async def test_public_refusals(client: RawClient, query: str, code: int, message: str) -> None:
    path, _, rest = query.partition("?")
    status, body, _ = await client.send("GET", path, rest)
    assert (status, body) == (404 if code == -5000 else 400, {"code": code, "msg": message})
    misses = client.running.server.misses
    assert len(misses) == (1 if code in (-5000, -1104, -1101) else 0)


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "LIMITED"}, -1116, "Invalid orderType."),
        ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
        ({"timeInForce": None}, -1102, "'timeInForce' was not sent"),
        ({"price": None}, -1102, "'price' was not sent"),
        ({"quantity": None}, -1102, "'quantity' was not sent"),
        ({"stopPrice": "1"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"quoteOrderQty": "5"}, -1106, "Parameter 'quoteOrderQty' sent when not required."),
        ({"type": "MARKET", "timeInForce": None}, -1106, "'price' sent when not required"),
        ({"type": "STOP_LOSS_LIMIT"}, -1102, "Param 'stopPrice' or 'trailingDelta' must be sent"),
        ({"newClientOrderId": "no spaces"}, -1100, "newClientOrderId"),
        ({"newOrderRespType": "LONG"}, -1122, "newOrderRespType"),
        ({"quantity": "-1"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"postOnly": "true"}, -1104, "Not all sent parameters were read"),
        ({"price": "58200.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
    ],
)
async def test_order_refusals(
    client: RawClient, changed: dict[str, Any], code: int, words: str
) -> None:
    status, body, _ = await client.buy(**changed)
    assert (status, body["code"]) == (400, code)
    assert words in body["msg"]
    assert client.running.exchange.open_orders("main") == []


async def test_signatures(client: RawClient) -> None:
    running = client.running
    key = running.options.api_key
    assert (await client.signed("GET", "account"))[0] == 200
    refused = [
        (await client.send("GET", "account", urlencode(client.stamp())), -2014),
        (await client.send("GET", "account", urlencode(client.stamp()), key="unknown-key"), -2015),
        (await client.send("GET", "account", urlencode(client.stamp()), key=key), -1102),
        (await client.send("GET", "account", "signature=00", key=key), -1102),
        (await client.signed("GET", "account", signature="00" * 32), -1022),
        (await client.signed("GET", "account", recvWindow=60_001), -1131),
    ]
    assert [answer[1]["code"] for answer, _ in refused] == [code for _, code in refused]


async def test_what_is_signed_are_the_exact_bytes_of_query_and_body(client: RawClient) -> None:
    """The same order in query, in body and split over both; percent signs stay as sent."""
    key = client.running.options.api_key
    order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=58200"
    stamp = f"timestamp={client.running.driver.time_ms()}"
    name = "newClientOrderId=a%3Ab"
    for query, body in (
        (f"{order}&{stamp}&{name}", ""),
        ("", f"{order}&{stamp}&newClientOrderId=b"),
        (order, f"{stamp}&newClientOrderId=c"),
    ):
        signature = f"&signature={client.sign(query + body)}"
        if body:
            answer = await client.send("POST", "order", query, body=body + signature, key=key)
        else:
            answer = await client.send("POST", "order", query + signature, key=key)
        assert answer[0] == 200, answer
    ids = {order.client_order_id for order in client.running.exchange.open_orders("main")}
    assert ids == {"a:b", "b", "c"}


async def test_clock_of_requests(client: RawClient) -> None:
    now = client.running.driver.time_ms()
    late = await client.signed("GET", "account", timestamp=now - 5_001)
    assert late[1] == {
        "code": -1021,
        "msg": "Timestamp for this request is outside of the recvWindow.",
    }
    early = await client.signed("GET", "account", timestamp=now + 1_000)
    assert early[1] == {
        "code": -1021,
        "msg": "Timestamp for this request was 1000ms ahead of the server's time.",
    }
    assert (await client.signed("GET", "account", timestamp=now + 999))[0] == 200
    wide = await client.signed("GET", "account", timestamp=now - 59_000, recvWindow=60_000)
    assert wide[0] == 200
    client.running.server.faults.clock_skew_ms = 15_000
    assert (await client.signed("GET", "account"))[1]["code"] == -1021
    assert (await client.send("GET", "time"))[1]["serverTime"] == now + 15_000


async def test_ed25519_key_signs_rest_and_logs_a_session_on(client: RawClient) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    client.running.server.add_key(ApiKey("ed-key", "main", public_key_pem=pem.decode()))

    def signature(text: str) -> str:
        return base64.b64encode(private.sign(text.encode())).decode()

    query = urlencode(client.stamp())
    signed = f"{query}&signature={quote(signature(query), safe='')}"
    assert (await client.send("GET", "account", signed, key="ed-key"))[0] == 200
    wrong = f"{query}&signature={quote(signature('x' + query), safe='')}"
    assert (await client.send("GET", "account", wrong, key="ed-key"))[1]["code"] == -1022
    async with client.socket("/ws-api/v3") as ws:
        params = client.stamp(apiKey="ed-key")
        text = "&".join(f"{name}={params[name]}" for name in sorted(params))
        reply = await api(client, ws, "session.logon", **params, signature=signature(text))
        assert reply["result"]["apiKey"] == "ed-key"
        assert (await api(client, ws, "account.status", **client.stamp()))["status"] == 200
        assert (await api(client, ws, "userDataStream.subscribe"))["result"] == {
            "subscriptionId": 0
        }
        await api(client, ws, "userDataStream.unsubscribe", subscriptionId=0)
        assert (await api(client, ws, "session.logout"))["result"]["apiKey"] is None
        assert (await api(client, ws, "account.status", **client.stamp()))["error"]["code"] == -2014
    assert client.running.server.misses == []


async def test_key_without_permission(client: RawClient) -> None:
    options = client.running.options
    client.running.server.add_key(
        ApiKey(options.api_key, "main", secret=options.api_secret, can_trade=False)
    )
    refused = await client.buy()
    assert (refused[0], refused[1]["code"]) == (401, -2015)
    account = await client.signed("GET", "account")
    assert account[1]["canTrade"] is False


async def test_listen_keys_are_gone(client: RawClient) -> None:
    for verb in ("POST", "PUT", "DELETE"):
        assert (await client.send(verb, "userDataStream"))[0] == 410


async def test_websocket_api_refusals(client: RawClient) -> None:
    async with client.socket("/ws-api/v3") as ws:
        await ws.send_str("{not json")
        assert (await ws.receive_json())["error"]["code"] == -1135
        unknown = await api(client, ws, "order.invent")
        assert (unknown["id"], unknown["status"], unknown["error"]["code"]) == ("x", 400, -1020)
        stray = await api(client, ws, "order.place", sign=True, symbol="BTCUSDT", postOnly="true")
        assert stray["error"]["code"] == -1104
        bad = await api(client, ws, "account.status", **client.stamp(), apiKey="unknown-key",
                        signature="00")  # fmt: skip
        assert (bad["status"], bad["error"]["code"]) == (401, -2015)
        reply = await api(client, ws, "time")
        assert reply["rateLimits"][-1]["rateLimitType"] == "REQUEST_WEIGHT"
        quiet = await api(client, ws, "time", returnRateLimits=False)
        assert "rateLimits" not in quiet
    assert [miss.kind for miss in client.running.server.misses] == ["WS", "WS"]


async def test_weights_budget_and_ban() -> None:
    options = EmbeddedOptions(
        limits=replace(LimitSettings(), weight_per_minute=50, refusals_before_ban=2)
    )
    exchange = EmbeddedExchange(ScriptedMarket(), options, clock=HandClock(START_TS))
    async with exchange, RawClient(exchange) as client:
        for used in (20, 40):
            _, _, headers = await client.send("GET", "exchangeInfo")
            assert headers["X-MBX-USED-WEIGHT-1M"] == str(used)
        statuses = []
        for _ in range(4):
            status, body, headers = await client.send("GET", "exchangeInfo")
            statuses.append((status, body["code"]))
        assert statuses == [(429, -1003), (429, -1003), (418, -1003), (418, -1003)]
        assert headers["Retry-After"] == "120"
        assert "IP banned until" in body["msg"]
        exchange.driver.advance_to(START_TS + 119_000)
        assert (await client.send("GET", "ping"))[0] == 418
        exchange.driver.advance_to(START_TS + 120_000)
        assert (await client.send("GET", "ping"))[0] == 200


async def test_order_counts() -> None:
    options = EmbeddedOptions(limits=replace(LimitSettings(), orders_per_10_seconds=2))
    exchange = EmbeddedExchange(ScriptedMarket(), options, clock=HandClock(START_TS))
    exchange.driver.advance_to(START_TS + 1)
    async with exchange, RawClient(exchange) as client:
        assert (await client.buy(quantity="0.000001"))[0] == 400  # refused: does not count
        headers = [(await client.buy())[2]["X-MBX-ORDER-COUNT-10S"] for _ in range(2)]
        assert headers == ["1", "2"]
        status, body, _ = await client.buy()
        assert (status, body["code"]) == (429, -1015)
        assert body["msg"] == "Too many new orders; current limit is 2 orders per 10 SECOND."
        exchange.driver.advance_to(START_TS + 10_000)
        assert (await client.buy())[0] == 200


async def test_cancel_replace_failures(client: RawClient) -> None:
    base = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
        "quantity": "0.01", "price": "58100",
    }  # fmt: skip
    stop = {**base, "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 999}
    status, body, _ = await client.signed("POST", "order/cancelReplace", stop)
    assert (status, body["code"]) == (400, -2022)
    assert body["data"]["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}
    assert body["data"]["newOrderResult"] == "NOT_ATTEMPTED"
    allow = {**base, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": 999}
    status, body, _ = await client.signed("POST", "order/cancelReplace", allow)
    assert (status, body["code"]) == (409, -2021)
    assert body["data"]["newOrderResponse"]["status"] == "NEW"
    placed = body["data"]["newOrderResponse"]["orderId"]
    poor = {**base, "quantity": "5", "cancelReplaceMode": "STOP_ON_FAILURE"}
    status, body, _ = await client.signed(
        "POST", "order/cancelReplace", {**poor, "cancelOrderId": placed}
    )
    assert (status, body["code"], body["data"]["cancelResult"]) == (409, -2021, "SUCCESS")
    assert body["data"]["newOrderResponse"]["code"] == -2010
