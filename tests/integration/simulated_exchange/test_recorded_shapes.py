"""Replies and events have the members, and the kinds of values, of recorded examples."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange
from tests.integration.simulated_exchange.raw_client import RawClient, api, command, read
from tests.integration.simulated_exchange.support import START_TS
from tests.recordings import recording

pytestmark = pytest.mark.recorded

ENDPOINTS = "payloads/binance_net/Endpoints/Spot"
EVENTS = "payloads/binance_net/Subscriptions/Spot"
PLAIN = "payloads/nautilus_binance_py/http_responses"

OPTIONAL = {
    # shown for some orders only
    "stopPrice", "icebergQty", "trailingDelta", "trailingTime", "strategyId", "strategyType",
    "preventedMatchId", "preventedQuantity", "workingTime", "usedSor", "workingFloor", "fills",
    "tradeGroupId", "expiryReason", "selfTradePreventionMode", "W", "d", "D", "j", "J",
    # older or newer than the recorded examples
    "origQuoteOrderQty", "isIsolated", "b", "a", "sors", "specialCommission", "uid",
}  # fmt: skip


@pytest.fixture
async def client(by_hand: EmbeddedExchange) -> AsyncIterator[RawClient]:
    by_hand.driver.advance_to(START_TS + 2_000)
    async with RawClient(by_hand) as raw:
        yield raw


def _example(name: str) -> Any:
    """The JSON of a recorded example; the first lines of some files describe the request."""
    text = recording(name).read_text(encoding="utf-8")
    start = min(index for index in (text.find("{"), text.find("[")) if index >= 0)
    return orjson.loads(re.sub(r",(\s*[}\]])", r"\1", text[start:]))


def _event_example(name: str) -> Any:
    text = recording(f"{EVENTS}/{name}.txt").read_text(encoding="utf-8")
    whole = orjson.loads(text.split("\n= ", 1)[1].replace("|1|", "1"))
    return whole.get("data", whole.get("event", whole))


def _differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Members and kinds of values of the example that ours lacks or has otherwise."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = [
            f"{path}.{name} is missing"
            for name in theirs
            if name not in ours and name not in OPTIONAL
        ]
        for name in theirs.keys() & ours.keys():
            found += _differences(ours[name], theirs[name], f"{path}.{name}")
        return found
    if isinstance(theirs, list) and isinstance(ours, list):
        return _differences(ours[0], theirs[0], f"{path}[]") if ours and theirs else []
    if theirs is None or ours is None or type(ours) is type(theirs):
        return []
    return [f"{path} is {type(ours).__name__}, was {type(theirs).__name__}"]


PUBLIC = [
    ("depth", "symbol=BTCUSDT&limit=5", f"{PLAIN}/http_spot_market_depth.json"),
    ("trades", "symbol=BTCUSDT", f"{PLAIN}/http_spot_market_trades.json"),
    ("aggTrades", "symbol=BTCUSDT", f"{PLAIN}/http_spot_market_agg_trades.json"),
    ("klines", "symbol=BTCUSDT&interval=1m", f"{PLAIN}/http_spot_market_klines.json"),
    ("ticker/bookTicker", "symbol=BTCUSDT", f"{ENDPOINTS}/ExchangeData/GetBookPrice.txt"),
    ("avgPrice", "symbol=BTCUSDT", f"{ENDPOINTS}/ExchangeData/GetAvgPrice.txt"),
    ("ticker/24hr", "symbol=BTCUSDT", f"{ENDPOINTS}/ExchangeData/GetTicker.txt"),
    ("ticker", "symbol=BTCUSDT", f"{ENDPOINTS}/ExchangeData/GetRollingWindowTicker.txt"),
    ("ticker/tradingDay", "symbol=BTCUSDT", f"{ENDPOINTS}/ExchangeData/GetTradingDayTicker.txt"),
]


@pytest.mark.parametrize(("path", "query", "example"), PUBLIC, ids=[row[0] for row in PUBLIC])
async def test_public_replies(client: RawClient, path: str, query: str, example: str) -> None:
    theirs = _example(example)
    _, ours, _ = await client.send("GET", path, query)
    if isinstance(theirs, list) and not isinstance(ours, list):
        theirs = theirs[0]
    assert _differences(ours, theirs) == []


async def test_exchange_info(client: RawClient) -> None:
    theirs = _example(f"{PLAIN}/http_spot_market_exchange_info.json")
    _, ours, _ = await client.send("GET", "exchangeInfo")
    theirs["symbols"][0].pop("filters")
    assert _differences(ours, theirs) == []


async def test_account_and_order_replies(client: RawClient) -> None:
    _, placed, _ = await client.buy(newOrderRespType="FULL")
    assert _differences(placed, _example(f"{ENDPOINTS}/Trading/PlaceOrder.txt")) == []
    number = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    _, found, _ = await client.signed("GET", "order", number)
    assert _differences(found, _example(f"{ENDPOINTS}/Trading/GetOrder.txt")) == []
    _, opened, _ = await client.signed("GET", "openOrders")
    assert _differences(opened, _example(f"{ENDPOINTS}/Trading/GetOpenOrders.txt")) == []
    _, canceled, _ = await client.signed("DELETE", "order", number)
    assert _differences(canceled, _example(f"{ENDPOINTS}/Trading/CancelOrder.txt")) == []
    await client.buy(type="MARKET", timeInForce=None, price=None)
    _, trades, _ = await client.signed("GET", "myTrades", {"symbol": "BTCUSDT"})
    assert _differences(trades, _example(f"{ENDPOINTS}/Trading/GetUserTrades.txt")) == []
    _, account, _ = await client.signed("GET", "account")
    assert _differences(account, _example(f"{ENDPOINTS}/Account/GetAccountInfo.txt")) == []


async def test_order_list_replies(client: RawClient) -> None:
    oco = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01",
        "aboveType": "LIMIT_MAKER", "abovePrice": "61200",
        "belowType": "STOP_LOSS", "belowStopPrice": "58800",
    }  # fmt: skip
    _, placed, _ = await client.signed("POST", "orderList/oco", oco)
    assert _differences(placed, _example(f"{ENDPOINTS}/Trading/PlaceOcoOrderList.txt")) == []
    number = {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]}
    _, canceled, _ = await client.signed("DELETE", "orderList", number)
    assert _differences(canceled, _example(f"{ENDPOINTS}/Trading/CancelOcoOrder.txt")) == []


STREAMS = [
    ("aggTrade", "AggregatedTrades"),
    ("bookTicker", "BookTicker"),
    ("kline_1m", "Klines"),
    ("miniTicker", "MiniTicker"),
    ("depth5@100ms", "PartialBook"),
    ("ticker_1h", "RollingWindowTicker"),
    ("ticker", "Ticker"),
    ("trade", "Trades"),
]


@pytest.mark.parametrize(("stream", "example"), STREAMS, ids=[row[0] for row in STREAMS])
async def test_stream_events(client: RawClient, stream: str, example: str) -> None:
    async with client.socket("/ws") as ws:
        await command(ws, "SUBSCRIBE", f"btcusdt@{stream}")
        client.running.driver.advance_to(START_TS + 8_000)
        event = await read(ws)
    assert _differences(event, _event_example(f"ExchangeData/{example}")) == []


async def test_user_events(client: RawClient) -> None:
    async with client.socket("/ws-api/v3") as ws:
        await api(client, ws, "userDataStream.subscribe.signature", sign=True)
        await client.buy()
        report, position = (await read(ws))["event"], (await read(ws))["event"]
        client.running.exchange.deposit("main", "USDT", 5)  # type: ignore[arg-type]
        client.running.server.publish(client.running.exchange.drain())
        moved = (await asyncio.wait_for(read(ws), 5))["event"]
    assert _differences(report, _event_example("Account/Order")) == []
    assert _differences(position, _event_example("Account/AccountPosition")) == []
    assert _differences(moved, _event_example("Account/Balance")) == []
