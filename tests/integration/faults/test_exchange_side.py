"""What the exchange does on its sockets when a script tells it to, seen by a bare client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind, ScriptedFault
from tests.integration.simulated_exchange.conftest import by_hand
from tests.integration.simulated_exchange.raw_client import RawClient, api, read

__all__ = ["by_hand"]

K = FaultKind


@pytest.fixture
async def client(by_hand: EmbeddedExchange) -> AsyncIterator[RawClient]:
    async with RawClient(by_hand) as raw:
        yield raw


def play(client: RawClient, *faults: ScriptedFault) -> None:
    client.running.play(faults)
    pass_seconds(client, 0.001)


def pass_seconds(client: RawClient, seconds: float) -> None:
    running = client.running
    running.driver.advance_to(running.exchange.now + max(1, round(seconds * 1000)))


def placed(client: RawClient) -> list[str]:
    orders = client.running.exchange.all_orders("main", "BTCUSDT")
    return [order.client_order_id for order in orders]


async def test_a_lost_request_never_was(client: RawClient) -> None:
    play(client, ScriptedFault(0, K.REQUEST_LOST))
    with pytest.raises(aiohttp.ClientError):
        await client.buy(newClientOrderId="lost")
    assert (await client.buy(newClientOrderId="heard"))[0] == 200
    assert placed(client) == ["heard"]


async def test_every_other_doubtful_answer_hides_an_order(client: RawClient) -> None:
    play(client, ScriptedFault(0, K.SERVER_ERROR, count=2), ScriptedFault(0, K.STATUS_UNKNOWN))
    statuses = [(await client.buy(newClientOrderId=f"doubt-{n}"))[0] for n in range(4)]
    assert statuses == [503, 503, 408, 200]
    assert placed(client) == ["doubt-0", "doubt-2", "doubt-3"]


async def test_a_copy_is_a_duplicate_or_nothing(client: RawClient) -> None:
    """An order that rests refuses its copy. One that filled has set its id free, so a copy would
    be a second order: no client could prevent it."""
    play(client, ScriptedFault(0, K.REQUEST_DUPLICATED, count=2))
    status, answer, _ = await client.buy(newClientOrderId="rests")
    assert (status, answer["code"]) == (400, -2010)
    status, answer, _ = await client.buy(newClientOrderId="fills", price="61000")
    assert (status, answer["status"]) == (200, "FILLED")
    assert placed(client) == ["rests", "fills"]


@pytest.mark.parametrize(("kind", "status"), [(K.RATE_LIMITED, 429), (K.BANNED, 418)])
async def test_the_time_to_stay_away_counts_down(
    client: RawClient, kind: FaultKind, status: int
) -> None:
    play(client, ScriptedFault(0, kind, duration_s=30))
    seen = []
    for _ in range(3):
        found, _, headers = await client.send("GET", "ping")
        seen.append((found, headers.get("Retry-After")))
        pass_seconds(client, 15)
    assert seen == [(status, "30"), (status, "15"), (200, None)]


async def test_an_expired_key_ends_the_stream_and_is_renewed(client: RawClient) -> None:
    async with client.socket("/ws-api/v3") as ws:
        subscribe = "userDataStream.subscribe.signature"
        assert (await api(client, ws, subscribe, sign=True))["status"] == 200
        play(client, ScriptedFault(0, K.KEY_EXPIRED, duration_s=30))
        assert (await read(ws))["event"]["e"] == "eventStreamTerminated"
        refused = await api(client, ws, subscribe, sign=True)
        assert refused["error"]["code"] == -2015
        assert (await client.buy())[1]["code"] == -2015
        pass_seconds(client, 31)
        assert (await api(client, ws, subscribe, sign=True))["status"] == 200
        await client.buy()
        assert (await read(ws))["event"]["e"] == "executionReport"


async def test_trades_by_other_hands_are_on_the_account(client: RawClient) -> None:
    before = client.running.exchange.balances("main")["BTC"][0]
    play(client, ScriptedFault(0, K.TRADED_BY_HAND, count=2, symbol="BTCUSDT"))
    pass_seconds(client, 5)
    assert client.running.exchange.balances("main")["BTC"][0] > before
    assert len(placed(client)) == 2
