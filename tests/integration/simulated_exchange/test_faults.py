"""The fault plan does what it says, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange
from tests.integration.simulated_exchange.raw_client import RawClient, api, command, read
from tests.integration.simulated_exchange.support import START_TS


@pytest.fixture
async def client(by_hand: EmbeddedExchange) -> AsyncIterator[RawClient]:
    async with RawClient(by_hand) as raw:
        yield raw


async def test_reply_lost_after_execution_over_both_transports(client: RawClient) -> None:
    running = client.running
    running.server.faults.lose_reply("POST /api/v3/order")
    with pytest.raises(aiohttp.ClientError):
        await client.buy(newClientOrderId="lost-by-rest")
    running.server.faults.lose_reply("order.place")
    async with client.socket("/ws-api/v3") as ws:
        with pytest.raises((TypeError, aiohttp.ClientError)):
            await api(
                client, ws, "order.place", sign=True, symbol="BTCUSDT", side="BUY", type="LIMIT",
                timeInForce="GTC", quantity="0.01", price="58000", newClientOrderId="lost-by-ws",
            )  # fmt: skip
    ids = [order.client_order_id for order in running.exchange.open_orders("main")]
    assert ids == ["lost-by-rest", "lost-by-ws"]
    assert (await client.buy())[0] == 200


async def test_planned_answers(client: RawClient) -> None:
    faults = client.running.server.faults
    faults.answer_timeout("POST /api/v3/order", is_executed=True)
    assert (await client.buy())[:2][0] == 408
    assert len(client.running.exchange.open_orders("main")) == 1
    faults.answer("POST /api/v3/order", -1001, "Internal error", 503, times=2)
    assert [(await client.buy())[0] for _ in range(3)] == [503, 503, 200]
    assert len(client.running.exchange.open_orders("main")) == 2
    faults.answer("/api/v3/account", -1003, "Too much", 429, headers={"Retry-After": "3"})
    status, _, headers = await client.signed("GET", "account")
    assert (status, headers["Retry-After"]) == (429, "3")


async def test_sockets_closed_with_and_without_a_code(client: RawClient) -> None:
    for code, seen in ((1012, 1012), (None, 1006)):
        async with client.socket("/ws/btcusdt@trade") as ws:
            while client.running.server.hub.stream_count < 1:
                await asyncio.sleep(0)
            client.running.server.close_all_sockets(code, "restart")
            await asyncio.wait_for(ws.receive(), 5)
            assert ws.close_code == seen
        while client.running.server.open_sockets:
            await asyncio.sleep(0.001)


async def test_refused_connections(client: RawClient) -> None:
    client.running.server.faults.refuse_connections = True
    with pytest.raises(aiohttp.ClientError):
        await client.send("GET", "ping")
    client.running.server.faults.refuse_connections = False
    assert (await client.send("GET", "ping"))[0] == 200


async def test_user_events_dropped_doubled_and_held(client: RawClient) -> None:
    faults = client.running.server.faults
    async with client.socket("/ws-api/v3") as ws:
        await api(client, ws, "userDataStream.subscribe.signature", sign=True)
        faults.user_event_rule = lambda event: 0 if event["e"] == "executionReport" else 2
        await client.buy()
        kinds = [(await read(ws))["event"]["e"] for _ in range(2)]
        assert kinds == ["outboundAccountPosition"] * 2
        faults.user_event_rule = None
        faults.hold_user_events()
        await client.buy()
        assert (await api(client, ws, "ping"))["status"] == 200  # nothing came before the reply
        faults.release_user_events()
        assert (await read(ws))["event"]["e"] == "executionReport"


async def test_silent_streams_and_depth_gap(client: RawClient) -> None:
    running = client.running
    async with client.socket("/ws") as ws:
        await command(ws, "SUBSCRIBE", "btcusdt@depth@100ms")
        running.server.faults.silent_streams = True
        running.driver.advance_to(START_TS + 1_000)
        running.server.faults.silent_streams = False
        running.driver.advance_to(START_TS + 1_200)
        first = await read(ws)
        assert first["E"] == START_TS + 1_100
        running.server.faults.open_depth_gap("BTCUSDT")
        running.driver.advance_to(START_TS + 1_800)
        after = await read(ws)
        assert after["U"] > first["u"] + 1
    assert running.server.faults.injected == ["depth gap BTCUSDT"]
