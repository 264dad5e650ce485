"""Real ccxt.pro, the spot part of its wire, over both transports, with no miss."""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt
import pytest

from autotrade.infrastructure.simulated_exchange.core.types import Side
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels, MarketTrade
from tests.integration.simulated_exchange.support import ccxt_client, inject

pytestmark = pytest.mark.parametrize("transport", ["plain", "tls"])

BTC, ETH = "BTC/USDT", "ETH/USDT"


async def _in_time(awaitable: Any, seconds: float = 10.0) -> Any:
    return await asyncio.wait_for(awaitable, seconds)


async def test_market_questions(running: EmbeddedExchange, transport: str) -> None:
    async with ccxt_client(running, transport) as client:
        markets = await client.load_markets()
        assert sorted(markets) == [BTC, ETH]
        assert markets[BTC]["limits"]["cost"]["min"] == 5.0
        assert markets[BTC]["precision"]["amount"] == 1e-05
        assert markets[BTC]["precision"]["price"] == 0.01
        assert abs(await client.fetch_time() - running.driver.time_ms()) < 60_000
        assert (await client.fetch_ticker(BTC))["last"] in (59999.99, 60000.01, 60000.0)
        assert sorted(await client.fetch_tickers([BTC, ETH])) == [BTC, ETH]
        assert sorted(await client.fetch_tickers()) == [BTC, ETH]
        bids_asks = await client.fetch_bids_asks([BTC])
        assert (bids_asks[BTC]["bid"], bids_asks[BTC]["ask"]) == (59999.99, 60000.01)
        book = await client.fetch_order_book(BTC, 20)
        assert len(book["bids"]) == len(book["asks"]) == 20
        assert book["bids"][0][0] == 59999.99
        assert len(await client.fetch_ohlcv(BTC, "1m", limit=10)) == 10
        since = running.source.start_ts - 50 * 60_000
        candles = await client.fetch_ohlcv(BTC, "1m", since, None, {"until": since + 49 * 60_000})
        assert len(candles) == 50
        assert candles[0][0] == since
        while running.driver.stats.facts < 40:
            await asyncio.sleep(0.01)
        assert len(await client.fetch_trades(BTC, limit=5)) == 5
    assert running.server.misses == []


async def test_market_streams(running: EmbeddedExchange, transport: str) -> None:
    async with ccxt_client(running, transport) as client:
        await client.load_markets()
        book = await _in_time(client.watch_order_book(BTC))
        assert book["bids"][0][0] == 59999.99
        again = await _in_time(client.watch_order_book(BTC))
        assert again["nonce"] >= book["nonce"]
        await _in_time(client.watch_order_book(ETH, 100))
        await _in_time(client.watch_order_book_for_symbols([BTC, ETH]))
        assert (await _in_time(client.watch_ticker(BTC)))["last"] > 0
        assert set(await _in_time(client.watch_tickers([BTC, ETH]))) <= {BTC, ETH}
        assert set(await _in_time(client.watch_tickers())) <= {BTC, ETH}
        best = await _in_time(client.watch_bids_asks([BTC]))
        assert best[BTC]["bid"] == 59999.99
        candle = (await _in_time(client.watch_ohlcv(BTC, "1m")))[-1]
        assert candle[0] % 60_000 == 0
        several = await _in_time(client.watch_ohlcv_for_symbols([[BTC, "1m"], [ETH, "1m"]]))
        assert set(several) <= {BTC, ETH}
        assert len(await _in_time(client.watch_trades(BTC))) >= 1
        full = await _in_time(client.watch_ticker(BTC, {"name": "ticker"}))
        assert full["bid"] == 59999.99
    assert running.server.misses == []


async def test_book_equals_the_servers_after_a_gap(
    running: EmbeddedExchange, transport: str
) -> None:
    async with ccxt_client(running, transport) as client:
        await client.load_markets()
        await _in_time(client.watch_order_book(BTC))
        running.server.faults.open_depth_gap("BTCUSDT", 2)
        seen_gap = False
        for _ in range(200):
            try:
                book = await _in_time(client.watch_order_book(BTC))
            except ccxt.ChecksumError:
                seen_gap = True
                continue
            if seen_gap:
                break
        assert seen_gap
        assert book["bids"][0][0] == 59999.99
        assert len(book["bids"]) == 50


async def _place(client: Any, **changed: Any) -> dict[str, Any]:
    wanted = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": 58200.0}
    wanted |= changed
    params = wanted.pop("params", {})
    return await client.create_order(*wanted.values(), params)


async def test_orders_over_rest(running: EmbeddedExchange, transport: str) -> None:
    async with ccxt_client(running, transport) as client:
        await client.load_markets()
        balance = await client.fetch_balance()
        assert balance["USDT"] == {"free": 100000.0, "used": 0.0, "total": 100000.0}
        order = await _place(client)
        assert (order["status"], order["filled"], order["price"]) == ("open", 0.0, 58200.0)
        same = await client.fetch_order(order["id"], BTC)
        assert same["clientOrderId"] == order["clientOrderId"]
        named = {"origClientOrderId": order["clientOrderId"]}
        assert (await client.fetch_order("", BTC, named))["id"] == order["id"]
        assert len(await client.fetch_open_orders(BTC)) == 1
        assert len(await client.fetch_open_orders()) == 1
        edited = await client.edit_order(order["id"], BTC, "limit", "buy", 0.01, 58190.0)
        assert (edited["price"], edited["id"] != order["id"]) == (58190.0, True)
        canceled = await client.cancel_order(edited["id"], BTC)
        assert (canceled["status"], canceled["id"]) == ("canceled", edited["id"])
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await client.cancel_order("999", BTC)
        with pytest.raises(ccxt.OrderNotFound, match="-2013"):
            await client.fetch_order("999", BTC)
        bought = await _place(client, type="market", price=None)
        assert (bought["status"], bought["filled"], bought["average"]) == ("closed", 0.01, 60000.01)
        by_cost = await _place(client, type="market", price=None, params={"cost": 700})
        assert (by_cost["status"], by_cost["filled"]) == ("closed", 0.01166)
        with_price = await _place(client, type="market", price=59999.0)
        assert with_price["filled"] == 0.00999
        assert len(await client.fetch_my_trades(BTC)) == 3
        assert len(await client.fetch_orders(BTC)) == 5
        assert len(await client.fetch_closed_orders(BTC)) == 3
    assert running.server.misses == []


async def test_order_types_and_refusals(running: EmbeddedExchange, transport: str) -> None:
    invalid = ccxt.InvalidOrder if transport == "tls" else ccxt.BaseError
    async with ccxt_client(running, transport) as client:
        await client.load_markets()
        own = {"clientOrderId": "bot-1"}
        assert (await _place(client, params=own))["clientOrderId"] == "bot-1"
        with pytest.raises(invalid, match="Duplicate order sent"):
            await _place(client, params=own)
        maker = await _place(client, params={"postOnly": True})
        assert (maker["status"], maker["postOnly"]) == ("open", True)
        with pytest.raises(ccxt.OrderImmediatelyFillable):
            await _place(client, price=60599.99, params={"postOnly": True})
        for time_in_force in ("IOC", "FOK"):
            order = await _place(client, params={"timeInForce": time_in_force})
            assert order["status"] == "expired"
        with pytest.raises(ccxt.BadRequest, match="Filter failure: NOTIONAL"):
            await _place(client, amount=0.00001)
        with pytest.raises(ccxt.InsufficientFunds):
            await _place(client, amount=50)
        assert len(await client.cancel_all_orders(BTC)) == 2
        sells = {"side": "sell", "amount": 0.01}
        stop = await _place(
            client, **sells, type="market", price=None, params={"stopLossPrice": 58800.0}
        )
        assert (stop["status"], stop["triggerPrice"]) == ("open", 58800.0)
        limit = await _place(client, **sells, price=58800.0, params={"stopLossPrice": 58800.0})
        assert limit["triggerPrice"] == 58800.0
        target = await _place(client, **sells, price=61200.0, params={"takeProfitPrice": 61200.0})
        assert target["takeProfitPrice"] == 61200.0
        trigger = await _place(
            client,
            **sells,
            price=58800.0,
            params={"triggerPrice": 58800.0},
        )
        assert trigger["triggerPrice"] == 58800.0
        trailing = await _place(
            client,
            **sells,
            type="market",
            price=None,
            params={"trailingPercent": 1, "stopLossOrTakeProfit": "stopLoss"},
        )
        assert trailing["status"] == "open"
        assert len(await client.cancel_all_orders(BTC)) == 5
        assert await client.create_order(BTC, "limit", "buy", 0.01, 58200.0, {"test": True})
        with pytest.raises(ccxt.NotSupported):
            await client.create_orders(
                [{"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": 58200}]
            )
        with pytest.raises(ccxt.BadRequest):
            await client.cancel_orders(["1"], BTC)
    assert running.server.misses == []


async def test_order_lists(running: EmbeddedExchange, transport: str) -> None:
    async with ccxt_client(running, transport) as client:
        await client.load_markets()
        placed = await client.private_post_orderlist_oco(
            {
                "symbol": "BTCUSDT",
                "side": "SELL",
                "quantity": "0.01",
                "aboveType": "LIMIT_MAKER",
                "abovePrice": "61200.0",
                "belowType": "STOP_LOSS_LIMIT",
                "belowStopPrice": "58800.0",
                "belowPrice": "58800.0",
                "belowTimeInForce": "GTC",
            }
        )
        assert placed["contingencyType"] == "OCO"
        assert {report["type"] for report in placed["orderReports"]} == {
            "LIMIT_MAKER",
            "STOP_LOSS_LIMIT",
        }
        linked = await client.private_post_orderlist_otoco(
            {
                "symbol": "BTCUSDT",
                "workingType": "LIMIT",
                "workingSide": "BUY",
                "workingPrice": "58200.0",
                "workingQuantity": "0.01",
                "workingTimeInForce": "GTC",
                "pendingSide": "SELL",
                "pendingQuantity": "0.01",
                "pendingAboveType": "LIMIT_MAKER",
                "pendingAbovePrice": "61200.0",
                "pendingBelowType": "STOP_LOSS",
                "pendingBelowStopPrice": "58800.0",
            }
        )
        assert linked["contingencyType"] == "OTO"
        assert [report["status"] for report in linked["orderReports"]] == [
            "NEW",
            "PENDING_NEW",
            "PENDING_NEW",
        ]
        assert len(await client.private_get_openorderlist()) == 2
        gone = await client.private_delete_orderlist(
            {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]}
        )
        assert gone["listOrderStatus"] == "ALL_DONE"
        assert len(await client.cancel_all_orders(BTC)) >= 1
        assert await client.private_get_openorderlist() == []
    assert running.server.misses == []


def _fill_at(running: EmbeddedExchange, ticks: int) -> None:
    """The market falls through `ticks`: its bids there are taken."""
    now = running.exchange.now
    inject(
        running,
        MarketLevels(now, "BTCUSDT", ((ticks, 50_000),), (), is_snapshot=False),
        MarketTrade(now, "BTCUSDT", ticks, 50_000, Side.SELL),
    )


async def test_user_stream(running: EmbeddedExchange, transport: str) -> None:
    async with ccxt_client(running, transport) as client:
        await client.load_markets()
        watching = asyncio.create_task(client.watch_orders(BTC))
        while running.server.users.listeners("main") == 0:
            await asyncio.sleep(0.005)
        order = await _place(client, amount=0.02, price=59999.0)
        first = await _in_time(watching)
        assert (first[0]["id"], first[0]["status"]) == (order["id"], "open")
        trades = asyncio.create_task(client.watch_my_trades(BTC))
        orders = asyncio.create_task(client.watch_orders(BTC))
        balance = asyncio.create_task(client.watch_balance())
        await asyncio.sleep(0)
        _fill_at(running, 5_999_900)
        trade = (await _in_time(trades))[0]
        assert (trade["order"], trade["price"], trade["takerOrMaker"]) == (
            order["id"],
            59999.0,
            "maker",
        )
        assert (trade["fee"]["currency"], trade["fee"]["cost"]) == ("BTC", 2e-05)
        assert (await _in_time(orders))[0]["status"] == "closed"
        assert (await _in_time(balance))["BTC"]["total"] == pytest.approx(1.01998)
    assert running.server.misses == []


async def test_websocket_api(running: EmbeddedExchange, transport: str) -> None:
    async with ccxt_client(running, transport) as client:
        await client.load_markets()
        order = await client.create_order_ws(BTC, "limit", "buy", 0.01, 58212.0)
        assert order["status"] == "open"
        assert (await client.fetch_order_ws(order["id"], BTC))["id"] == order["id"]
        edited = await client.edit_order_ws(order["id"], BTC, "limit", "buy", 0.01, 57618.0)
        assert (edited["price"], edited["id"] != order["id"]) == (57618.0, True)
        assert (await client.cancel_order_ws(edited["id"], BTC))["status"] == "canceled"
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await client.cancel_order_ws("99", BTC)
        with pytest.raises(ccxt.BadRequest, match="NOTIONAL"):
            await client.create_order_ws(BTC, "limit", "buy", 0.00001, 58212.0)
        await client.fetch_balance_ws()
        assert await client.fetch_open_orders_ws(BTC) == []
        with pytest.raises(ccxt.OrderNotFound, match="-2011"):
            await client.cancel_all_orders_ws(BTC)
    assert running.server.misses == []
