"""binance-sdk-spot as an independent client: its typed models parse every reply and event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError
from binance_sdk_spot.rest_api.rest_api import SpotRestAPI
from binance_sdk_spot.websocket_api.websocket_api import SpotWebSocketAPI
from binance_sdk_spot.websocket_streams.websocket_streams import SpotWebSocketStreams

from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange


@pytest.fixture
def sdk_clock(running: EmbeddedExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK signs with the system clock; give it the exchange's."""
    real = time.time
    offset_s = running.driver.time_ms() / 1000 - real()
    anchor_s = real()

    def simulated() -> float:
        return anchor_s + offset_s + (real() - anchor_s) * running.options.speed

    monkeypatch.setattr("binance_common.utils.time.time", simulated)


async def _call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """The SDK's REST client blocks; its model of the answer."""
    response = await asyncio.to_thread(function, *arguments, **named)
    return response.data()


@pytest.fixture
def rest(running: EmbeddedExchange, sdk_clock: None) -> SpotRestAPI:
    return SpotRestAPI(
        ConfigurationRestAPI(
            api_key=running.options.api_key,
            api_secret=running.options.api_secret,
            base_path=f"http://127.0.0.1:{running.port}",
            retries=0,
        )
    )


async def test_rest_market_models(running: EmbeddedExchange, rest: SpotRestAPI) -> None:
    while running.driver.stats.facts < 20:
        await asyncio.sleep(0.01)
    info = await _call(rest.exchange_info)
    assert [symbol.symbol for symbol in info.symbols] == ["BTCUSDT", "ETHUSDT"]
    assert (await _call(rest.time)).server_time > 0
    book = await _call(rest.depth, "BTCUSDT", limit=5)
    assert len(book.bids) == len(book.asks) == 5
    assert len(await _call(rest.get_trades, "BTCUSDT", limit=3)) == 3
    assert len(await _call(rest.historical_trades, "BTCUSDT", limit=3)) == 3
    assert (await _call(rest.agg_trades, "BTCUSDT", limit=3))[0].a > 0
    rows = await _call(rest.klines, "BTCUSDT", "1m", limit=4)
    assert len(rows) == 4
    assert len(await _call(rest.ui_klines, "BTCUSDT", "5m", limit=2)) == 2
    assert (await _call(rest.avg_price, "BTCUSDT")).mins == 5
    for function in (rest.ticker24hr, rest.ticker_price, rest.ticker_book_ticker):
        assert await _call(function, symbol="BTCUSDT") is not None
        assert await _call(function) is not None
    assert await _call(rest.ticker, symbol="BTCUSDT", window_size="1h") is not None
    assert await _call(rest.ticker_trading_day, symbol="BTCUSDT") is not None
    assert running.server.misses == []


async def test_rest_account_models(running: EmbeddedExchange, rest: SpotRestAPI) -> None:
    placed = await _call(
        rest.new_order,
        "BTCUSDT",
        "BUY",
        "LIMIT",
        time_in_force="GTC",
        quantity=0.01,
        price=58200,
        new_order_resp_type="FULL",
    )
    assert (placed.status, placed.fills) == ("NEW", [])
    bought = await _call(rest.new_order, "BTCUSDT", "BUY", "MARKET", quantity=0.01)
    assert (bought.status, bought.fills[0].commission_asset) == ("FILLED", "BTC")
    assert (await _call(rest.get_order, "BTCUSDT", order_id=placed.order_id)).is_working is True
    assert len(await _call(rest.get_open_orders)) == 1
    assert len(await _call(rest.all_orders, "BTCUSDT")) == 2
    assert (await _call(rest.my_trades, "BTCUSDT"))[0].is_buyer is True
    account = await _call(rest.get_account, omit_zero_balances=True)
    assert {balance.asset for balance in account.balances} == {"BTC", "ETH", "USDT"}
    rates = await _call(rest.account_commission, "BTCUSDT")
    assert rates.standard_commission.taker == "0.00100000"
    assert (await _call(rest.rate_limit_order))[0].count >= 1
    assert await _call(rest.my_prevented_matches, "BTCUSDT", order_id=placed.order_id) == []
    replaced = await _call(
        rest.order_cancel_replace,
        "BTCUSDT",
        "BUY",
        "LIMIT",
        "STOP_ON_FAILURE",
        cancel_order_id=placed.order_id,
        time_in_force="GTC",
        quantity=0.01,
        price=58100,
    )
    assert replaced.cancel_result == "SUCCESS"
    new_id = replaced.new_order_response.order_id
    canceled = await _call(rest.delete_order, "BTCUSDT", order_id=new_id)
    assert canceled.status == "CANCELED"
    tested = await _call(
        rest.order_test,
        "BTCUSDT",
        "BUY",
        "MARKET",
        quantity=0.01,
        compute_commission_rates=True,
    )
    assert tested.standard_commission_for_order.maker == "0.00100000"
    with pytest.raises(BadRequestError):
        await _call(rest.delete_order, "BTCUSDT", order_id=new_id)
    assert running.server.misses == []


async def test_rest_list_models(running: EmbeddedExchange, rest: SpotRestAPI) -> None:
    placed = await _call(
        rest.order_list_oco,
        "BTCUSDT",
        "SELL",
        0.01,
        "LIMIT_MAKER",
        "STOP_LOSS_LIMIT",
        above_price=61200,
        below_stop_price=58800,
        below_price=58700,
        below_time_in_force="GTC",
    )
    assert placed.contingency_type == "OCO"
    assert len(placed.order_reports) == 2
    found = await _call(rest.get_order_list, order_list_id=placed.order_list_id)
    assert found.list_order_status == "EXECUTING"
    assert len(await _call(rest.open_order_list)) == 1
    assert len(await _call(rest.all_order_list)) == 1
    gone = await _call(rest.delete_order_list, "BTCUSDT", order_list_id=placed.order_list_id)
    assert {report.status for report in gone.order_reports} == {"CANCELED"}
    old = await _call(
        rest.order_oco,
        "BTCUSDT",
        "SELL",
        0.01,
        61200,
        58800,
        stop_limit_price=58700,
        stop_limit_time_in_force="GTC",
    )
    assert old.contingency_type == "OCO"
    canceled = await _call(rest.delete_open_orders, "BTCUSDT")
    assert len(canceled) == 1
    assert running.server.misses == []


@pytest.fixture
async def api(running: EmbeddedExchange, sdk_clock: None) -> Any:
    client = SpotWebSocketAPI(
        ConfigurationWebSocketAPI(
            api_key=running.options.api_key,
            api_secret=running.options.api_secret,
            stream_url=f"ws://127.0.0.1:{running.port}/ws-api/v3",
        )
    )
    connection = await client.create_connection()
    yield connection
    await connection.close_connection(close_session=True)


async def _result(awaitable: Any) -> Any:
    response = await asyncio.wait_for(awaitable, 10)
    return response.data().result


async def test_websocket_api_models(running: EmbeddedExchange, api: Any) -> None:
    while running.driver.stats.facts < 20:
        await asyncio.sleep(0.01)
    assert (await _result(api.time())).server_time > 0
    await asyncio.wait_for(api.ping(), 10)
    info = (await asyncio.wait_for(api.exchange_info(symbol="BTCUSDT"), 10)).data()
    whole = info.additional_properties["result"]  # the SDK's model forgets the envelope
    assert whole["symbols"][0]["symbol"] == "BTCUSDT"
    assert len((await _result(api.depth("BTCUSDT", limit=5))).bids) == 5
    assert len(await _result(api.klines("BTCUSDT", "1m", limit=3))) == 3
    assert len(await _result(api.ui_klines("BTCUSDT", "1m", limit=3))) == 3
    assert len(await _result(api.trades_recent("BTCUSDT", limit=2))) == 2
    assert len(await _result(api.trades_historical("BTCUSDT", limit=2))) == 2
    assert len(await _result(api.trades_aggregate("BTCUSDT", limit=2))) == 2
    assert (await _result(api.avg_price("BTCUSDT"))).mins == 5
    for function in (
        api.ticker24hr,
        api.ticker_price,
        api.ticker_book,
        api.ticker,
        api.ticker_trading_day,
    ):
        await asyncio.wait_for(function(symbol="BTCUSDT"), 10)
    placed = await _result(
        api.order_place("BTCUSDT", "BUY", "LIMIT", time_in_force="GTC", quantity=0.01, price=58200)
    )
    assert placed.status == "NEW"
    assert (await _result(api.order_status("BTCUSDT", order_id=placed.order_id))).is_working
    assert len(await _result(api.open_orders_status())) == 1
    replaced = await _result(
        api.order_cancel_replace(
            "BTCUSDT",
            "STOP_ON_FAILURE",
            "BUY",
            "LIMIT",
            cancel_order_id=placed.order_id,
            time_in_force="GTC",
            quantity=0.01,
            price=58100,
        )
    )
    new_id = replaced.new_order_response.order_id
    assert (await _result(api.order_cancel("BTCUSDT", order_id=new_id))).status == "CANCELED"
    oco = await _result(
        api.order_list_place_oco(
            "BTCUSDT",
            "SELL",
            0.01,
            "LIMIT_MAKER",
            "STOP_LOSS",
            above_price=61200,
            below_stop_price=58800,
        )
    )
    assert len(await _result(api.open_order_lists_status())) == 1
    number = oco.order_list_id
    assert (await _result(api.order_list_status(order_list_id=number))).order_list_id == number
    await _result(api.order_list_cancel("BTCUSDT", order_list_id=number))
    assert len(await _result(api.all_orders("BTCUSDT"))) == 4
    assert len(await _result(api.all_order_lists())) == 1
    assert await _result(api.my_trades("BTCUSDT")) == []
    assert (await _result(api.account_status())).can_trade is True
    assert (await _result(api.account_rate_limits_orders()))[0].limit > 0
    assert (await _result(api.account_commission("BTCUSDT"))).symbol == "BTCUSDT"
    assert (await _result(api.session_status())).api_key is None
    assert running.server.misses == []


async def test_user_data_events_are_parsed(running: EmbeddedExchange, api: Any) -> None:
    events: list[Any] = []
    arrived = asyncio.Event()
    handle = await api.user_data_stream_subscribe_signature()

    def on_event(event: Any) -> None:
        events.append(event)
        arrived.set()

    handle.stream.on("message", on_event)
    await api.order_place("BTCUSDT", "BUY", "MARKET", quantity=0.01)
    while len(events) < 3:
        arrived.clear()
        await asyncio.wait_for(arrived.wait(), 10)
    names = [type(event.actual_instance).__name__ for event in events]
    assert "ExecutionReport" in names
    assert "OutboundAccountPosition" in names
    assert running.server.misses == []


async def test_stream_models(running: EmbeddedExchange, monkeypatch: pytest.MonkeyPatch) -> None:
    # still below the five commands a second that Binance takes from a socket
    monkeypatch.setattr("binance_common.websocket.SUBSCRIBE_MESSAGE_DELAY_SECONDS", 0.22)
    client = SpotWebSocketStreams(
        ConfigurationWebSocketStreams(stream_url=f"ws://127.0.0.1:{running.port}")
    )
    connection = await client.create_connection()
    got: dict[str, Any] = {}

    async def listen(name: str, subscribing: Any) -> None:
        handle = await subscribing
        handle.on("message", lambda event: got.setdefault(name, event))

    try:
        await listen("trade", connection.trade("btcusdt"))
        await listen("aggTrade", connection.agg_trade("btcusdt"))
        await listen("bookTicker", connection.book_ticker("btcusdt"))
        await listen("depth", connection.diff_book_depth("btcusdt", update_speed="100ms"))
        await listen("partial", connection.partial_book_depth("btcusdt", 5))
        await listen("kline", connection.kline("btcusdt", "1m"))
        await listen("mini", connection.mini_ticker("btcusdt"))
        await listen("ticker", connection.ticker("btcusdt"))
        await listen("window", connection.rolling_window_ticker("btcusdt", "1h"))
        await listen("avgPrice", connection.avg_price("btcusdt"))
        async with asyncio.timeout(10):
            while len(got) < 10:
                await asyncio.sleep(0.01)
    finally:
        await connection.close_connection(close_session=True)
    assert got["depth"].u >= got["depth"].U
    assert got["kline"].k.i == "1m"
    assert running.server.misses == []
