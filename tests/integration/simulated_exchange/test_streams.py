"""Market streams and user events on a clock moved by hand: cadence, order, shape."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from autotrade.infrastructure.simulated_exchange.core.types import Side
from autotrade.infrastructure.simulated_exchange.driver import HandClock
from autotrade.infrastructure.simulated_exchange.embedded import (
    EmbeddedExchange,
    EmbeddedOptions,
)
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels, MarketTrade
from autotrade.infrastructure.simulated_exchange.wire.client_socket import SocketSettings
from tests.integration.simulated_exchange.raw_client import RawClient, api, command, read
from tests.integration.simulated_exchange.support import START_TS, ScriptedMarket, inject

SECOND = 1_000


@pytest.fixture
async def client(by_hand: EmbeddedExchange) -> AsyncIterator[RawClient]:
    async with RawClient(by_hand) as raw:
        yield raw


async def _read_until(ws: aiohttp.ClientWebSocketResponse, wanted: Any) -> Any:
    for _ in range(500):
        message = await read(ws)
        if wanted(message):
            return message
    raise AssertionError("expected the message among the next 500, it was not")


async def test_depth_diffs_are_merged_and_contiguous(client: RawClient) -> None:
    running = client.running
    async with client.socket("/ws/7") as fast, client.socket("/ws/btcusdt@depth@1000ms") as slow:
        assert await command(fast, "SUBSCRIBE", "btcusdt@depth@100ms") == {"result": None, "id": 1}
        running.driver.advance_to(START_TS + 3 * SECOND)
        events = [await read(fast) for _ in range(14)]
        merged = [await read(slow) for _ in range(2)]
    assert all(event["E"] % 100 == 0 for event in events)
    for earlier, later in itertools.pairwise(events):
        assert later["U"] == earlier["u"] + 1
    assert merged[1]["U"] == merged[0]["u"] + 1
    assert [event["E"] % 1000 for event in merged] == [0, 0]
    assert merged[0]["u"] - merged[0]["U"] > events[0]["u"] - events[0]["U"]


async def test_a_diff_begins_with_the_first_update_id_of_its_first_change(
    client: RawClient,
) -> None:
    """Recorded changes cover many ids each; a client that lost none must see no gap."""
    running = client.running
    async with client.socket("/ws") as ws:
        await command(ws, "SUBSCRIBE", "btcusdt@depth@100ms")
        last_id, _, _ = running.exchange.depth("BTCUSDT", 1)
        now = running.exchange.now
        for first, last in ((1, 40), (41, 90)):
            ids = (last_id + first, last_id + last)
            inject(
                running,
                MarketLevels(now, "BTCUSDT", ((5_999_900 + first, 7),), (), update_ids=ids),
            )
        running.driver.advance_to(START_TS + 100)
        event = await read(ws)
    assert (event["U"], event["u"]) == (last_id + 1, running.exchange.depth("BTCUSDT", 1)[0])
    assert event["u"] - event["U"] > 80
    assert [price for price, _ in event["b"]] == ["59999.41000000", "59999.01000000"]


async def test_closed_candle_leaves_exactly_at_its_end_before_everything_else(
    client: RawClient,
) -> None:
    running = client.running
    path = "/stream?streams=btcusdt@depth@100ms/btcusdt@kline_1m/btcusdt@miniTicker"
    async with client.socket(path) as ws:
        while running.server.hub.stream_count < 3:
            await asyncio.sleep(0)
        end_ts = START_TS - START_TS % 60_000 + 60_000
        running.driver.advance_to(end_ts - 1)
        inject(running, MarketLevels(end_ts - 1, "BTCUSDT", ((5_999_950, 7),), ()))
        running.driver.advance_to(end_ts)
        at_end = []
        while len(at_end) < 3:
            message = await read(ws)
            if message["data"].get("E") == end_ts:
                at_end.append(message)
    assert at_end[0]["stream"] == "btcusdt@kline_1m"
    candle = at_end[0]["data"]["k"]
    assert candle["x"] is True
    assert (candle["t"], candle["T"]) == (end_ts - 60_000, end_ts - 1)
    _, rows, _ = await client.send("GET", "klines", "symbol=BTCUSDT&interval=1m&limit=2")
    assert rows[0][:6] == [candle["t"], *(candle[name] for name in "ohlcv")]


async def test_streams_equal_what_rest_says(client: RawClient) -> None:
    running = client.running
    names = ["trade", "aggTrade", "bookTicker", "depth5@100ms", "ticker", "ticker_1h", "avgPrice"]
    async with client.socket("/stream") as ws:
        await command(ws, "SUBSCRIBE", *(f"btcusdt@{name}" for name in names))
        running.driver.advance_to(START_TS + 2 * SECOND)
        got: dict[str, Any] = {}
        while len(got) < len(names):
            message = await read(ws)
            got[message["stream"].removeprefix("btcusdt@")] = message["data"]
    _, trades, _ = await client.send("GET", "trades", "symbol=BTCUSDT&limit=1000")
    matching = next(trade for trade in trades if trade["id"] == got["trade"]["t"])
    assert (matching["price"], matching["qty"]) == (got["trade"]["p"], got["trade"]["q"])
    _, aggregates, _ = await client.send("GET", "aggTrades", "symbol=BTCUSDT&limit=1000")
    aggregate = {key: got["aggTrade"][key] for key in "apqflTmM"}
    assert aggregate in aggregates
    _, book, _ = await client.send("GET", "depth", "symbol=BTCUSDT&limit=5")
    assert got["depth5@100ms"]["bids"][0][0] == book["bids"][0][0]
    assert got["bookTicker"]["b"] == book["bids"][0][0]
    assert got["ticker"]["e"] == "24hrTicker"
    assert got["ticker_1h"]["e"] == "1hTicker"
    assert float(got["avgPrice"]["w"]) == pytest.approx(60_000, rel=1e-3)


async def test_arrays_of_all_symbols(client: RawClient) -> None:
    async with client.socket("/ws") as ws:
        await command(ws, "SUBSCRIBE", "!miniTicker@arr", "!ticker@arr")
        client.running.driver.advance_to(START_TS + SECOND)
        seen = {row["s"] for row in await read(ws)} | {row["s"] for row in await read(ws)}
    assert seen == {"BTCUSDT", "ETHUSDT"}


async def test_commands_of_a_stream_socket(client: RawClient) -> None:
    async with client.socket("/ws/btcusdt@trade") as ws:
        assert await command(ws, "LIST_SUBSCRIPTIONS") == {"result": ["btcusdt@trade"], "id": 1}
        await ws.send_json({"method": "SET_PROPERTY", "params": ["combined", True], "id": 2})
        assert await read(ws) == {"result": None, "id": 2}
        client.running.driver.advance_to(START_TS + 200)
        assert (await read(ws))["stream"] == "btcusdt@trade"
        await command(ws, "UNSUBSCRIBE", "btcusdt@trade")
        await ws.send_json({"method": "SHOUT", "id": 3})
        assert (await read(ws))["error"]["code"] == 2
    assert client.running.server.hub.stream_count == 0


async def test_unknown_streams_stay_silent_and_are_counted(client: RawClient) -> None:
    async with client.socket("/ws") as ws:
        answer = await command(ws, "SUBSCRIBE", "btcusdt@dreams", "nopeusdt@trade", "BTCUSDT@trade")
        assert answer == {"result": None, "id": 1}
    assert [miss.kind for miss in client.running.server.misses] == ["STREAM"] * 3


async def test_flooding_and_slow_clients_are_disconnected() -> None:
    options = EmbeddedOptions(sockets=replace(SocketSettings(), outbox_messages_max=5))
    exchange = EmbeddedExchange(ScriptedMarket(), options, clock=HandClock(START_TS))
    async with exchange, RawClient(exchange) as client:
        async with client.socket("/ws/btcusdt@trade/ethusdt@trade") as slow:
            while exchange.server.hub.stream_count < 2:
                await asyncio.sleep(0)
            exchange.driver.advance_to(START_TS + 5 * SECOND)  # 50 trades in one go
            closed = await asyncio.wait_for(slow.receive(), 5)
            assert (closed.type, slow.close_code) == (aiohttp.WSMsgType.CLOSE, 1008)
        async with client.socket("/ws") as flooding:
            for number in range(7):
                await flooding.send_json({"method": "LIST_SUBSCRIPTIONS", "id": number})
            async for _ in flooding:
                pass
            assert flooding.close_code == 1008


async def _user_socket(client: RawClient, ws: aiohttp.ClientWebSocketResponse) -> None:
    reply = await api(client, ws, "userDataStream.subscribe.signature", sign=True)
    assert reply["result"] == {"subscriptionId": 0}


async def test_user_events_of_an_order_and_its_fill(client: RawClient) -> None:
    async with client.socket("/ws-api/v3") as ws:
        await _user_socket(client, ws)
        _, placed, _ = await client.buy(price="59999.00", newClientOrderId="mine")
        new, position = await read(ws), await read(ws)
        assert new["subscriptionId"] == 0
        assert (new["event"]["x"], new["event"]["X"], new["event"]["c"]) == ("NEW", "NEW", "mine")
        assert position["event"]["B"] == [{"a": "USDT", "f": "99400.01000000", "l": "599.99000000"}]
        now = client.running.exchange.now
        inject(
            client.running,
            MarketLevels(now, "BTCUSDT", ((5_999_900, 50_000),), ()),
            MarketTrade(now, "BTCUSDT", 5_999_900, 60_000, Side.SELL),
        )
        filled = (await read(ws))["event"]
        assert (filled["x"], filled["X"], filled["l"], filled["L"]) == (
            "TRADE", "FILLED", "0.01000000", "59999.00000000",
        )  # fmt: skip
        assert (filled["n"], filled["N"], filled["m"]) == ("0.00001000", "BTC", True)
        _, trades, _ = await client.signed("GET", "myTrades", {"symbol": "BTCUSDT"})
        assert (trades[0]["id"], trades[0]["orderId"]) == (filled["t"], placed["orderId"])
        again = await api(client, ws, "userDataStream.subscribe.signature", sign=True)
        while "event" in again:
            again = await read(ws)
        assert again["error"]["code"] == -2035


async def test_cancel_report_carries_both_client_ids(client: RawClient) -> None:
    async with client.socket("/ws-api/v3") as ws:
        await _user_socket(client, ws)
        await client.buy(newClientOrderId="first")
        sent = {"symbol": "BTCUSDT", "origClientOrderId": "first", "newClientOrderId": "second"}
        _, reply, _ = await client.signed("DELETE", "order", sent)
        assert (reply["origClientOrderId"], reply["clientOrderId"]) == ("first", "second")
        report = await _read_until(ws, lambda message: message["event"].get("x") == "CANCELED")
        assert (report["event"]["C"], report["event"]["c"]) == ("first", "second")


async def test_order_list_events(client: RawClient) -> None:
    async with client.socket("/ws-api/v3") as ws:
        await _user_socket(client, ws)
        oco = {
            "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01",
            "aboveType": "LIMIT_MAKER", "abovePrice": "61200",
            "belowType": "STOP_LOSS", "belowStopPrice": "58800",
        }  # fmt: skip
        _, placed, _ = await client.signed("POST", "orderList/oco", oco)
        status = await _read_until(ws, lambda message: message["event"]["e"] == "listStatus")
        assert (status["event"]["l"], status["event"]["g"]) == (
            "EXEC_STARTED", placed["orderListId"],
        )  # fmt: skip
        now = client.running.exchange.now
        inject(client.running, MarketTrade(now, "BTCUSDT", 5_880_000, 10, Side.SELL))
        done = await _read_until(ws, lambda message: message["event"].get("l") == "ALL_DONE")
        assert done["event"]["g"] == placed["orderListId"]
    _, account, _ = await client.signed("GET", "account")
    assert all(balance["locked"] == "0.00000000" for balance in account["balances"])
