"""Binance's filters and parameter rules: each at its border, in Binance's words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    Market,
    OrderKind,
    OrderRequest,
    Side,
    TimeInForce,
)
from tests.unit.simulated_exchange.core.builders import (
    MARKET,
    SYMBOL,
    limit,
    new_exchange,
    request,
    sell_oco,
    trade,
    with_book,
)

BUY, SELL = Side.BUY, Side.SELL
NARROW = replace(
    MARKET,
    minimum_amount=Decimal("0.001"),
    maximum_amount=Decimal(3),
    minimum_price=Decimal(1_000),
    maximum_price=Decimal(50_000),
    minimum_notional=Decimal(10),
    maximum_notional=Decimal(25_000),
    market_maximum_amount=Decimal("0.5"),
    bid_multiplier_up=Decimal("1.5"),
    bid_multiplier_down=Decimal("0.5"),
    ask_multiplier_up=Decimal(2),
    ask_multiplier_down=Decimal("0.8"),
)


def verdict(market: Market, asked: OrderRequest) -> str:
    """What the exchange says, 'ok' when it takes the order."""
    exchange = with_book(new_exchange(market))
    try:
        exchange.test_order("alice", asked)
    except ExchangeError as refusal:
        assert exchange.drain() == []
        with pytest.raises(ExchangeError) as placed:
            exchange.place("alice", asked)
        assert placed.value.code == refusal.code
        return f"{refusal.code} {refusal.message}"
    exchange.place("alice", asked)
    return "ok"


LOT_SIZE = "-1013 Filter failure: LOT_SIZE"
PRICE_FILTER = "-1013 Filter failure: PRICE_FILTER"
PERCENT = "-1013 Filter failure: PERCENT_PRICE_BY_SIDE"
NOTIONAL = "-1013 Filter failure: NOTIONAL"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (limit(BUY, "0.001", 10_000), "ok"),
        (limit(BUY, "0.00099", 12_000), LOT_SIZE),
        (limit(BUY, "2.5", 8_000), "ok"),
        (limit(SELL, "3.00001", 8_000), LOT_SIZE),
        (limit(BUY, "0.001001", 10_000), LOT_SIZE),
        (limit(BUY, "0.0010000001", 10_000), "-1111 Parameter 'quantity' has too much precision."),
        (limit(BUY, "0.001000000000", 10_000), "ok"),
        (limit(BUY, "0", 10_000), "-1013 Invalid quantity."),
        (limit(BUY, "0.01", 0), "-1013 Invalid price."),
        (limit(BUY, "0.01", "9999.995"), PRICE_FILTER),
        (limit(BUY, "0.01", "9999.999999999"), "-1111 Parameter 'price' has too much precision."),
        (limit(BUY, "0.02", "999.99"), PRICE_FILTER),
        (limit(SELL, "0.01", "50000.01"), PRICE_FILTER),
        (request(SELL, OrderKind.STOP_LOSS, "0.01", stop_price="9000.005"), PRICE_FILTER),
        (limit(BUY, "0.01", 15_000), "ok"),
        (limit(BUY, "0.01", "15000.01"), PERCENT),
        (limit(BUY, "0.01", 5_000), "ok"),
        (limit(BUY, "0.01", "4999.99"), PERCENT),
        (limit(SELL, "0.01", 20_000), "ok"),
        (limit(SELL, "0.01", "20000.01"), PERCENT),
        (limit(SELL, "0.01", 8_000), "ok"),
        (limit(SELL, "0.01", "7999.99"), PERCENT),
        (limit(BUY, "0.001", "9999.99"), NOTIONAL),
        (limit(BUY, "2.50001", 10_000), NOTIONAL),
        (request(BUY, OrderKind.MARKET, quote_quantity="9.99"), NOTIONAL),
        (request(BUY, OrderKind.MARKET, "0.001"), "ok"),
        (request(BUY, OrderKind.MARKET, "0.5"), "ok"),
        (request(BUY, OrderKind.MARKET, "0.50001"), "-1013 Filter failure: MARKET_LOT_SIZE"),
        (request(SELL, OrderKind.STOP_LOSS, "0.51", stop_price=9_000),
         "-1013 Filter failure: MARKET_LOT_SIZE"),
        (request(SELL, OrderKind.STOP_LOSS, "0.001", stop_price="9999"), NOTIONAL),
        (limit(BUY, "0.1", 10_000, iceberg_quantity="0.01"), "ok"),
        (limit(BUY, "0.10001", 10_000, iceberg_quantity="0.01"),
         "-1013 Filter failure: ICEBERG_PARTS"),
        (limit(BUY, "0.1", 10_000, iceberg_quantity="0.2"), "-2010 IcebergQty exceeds QTY."),
        (limit(BUY, "0.1", 10_000, iceberg_quantity="0.0001"), LOT_SIZE),
        (request(SELL, OrderKind.STOP_LOSS, "0.01", trailing_delta=10), "ok"),
        (request(SELL, OrderKind.STOP_LOSS, "0.01", trailing_delta=9),
         "-1013 Filter failure: TRAILING_DELTA"),
        (request(SELL, OrderKind.STOP_LOSS, "0.01", trailing_delta=2001),
         "-1013 Filter failure: TRAILING_DELTA"),
    ],
)  # fmt: skip
def test_each_filter_at_its_border(asked: OrderRequest, expected: str) -> None:
    assert verdict(NARROW, asked) == expected


def mandatory(name: str) -> str:
    return f"-1102 Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (OrderRequest(SYMBOL, BUY, OrderKind.LIMIT, Decimal(1), price=Decimal(9_000)),
         mandatory("timeInForce")),
        (request(BUY, OrderKind.LIMIT, price=9_000), mandatory("quantity")),
        (request(BUY, OrderKind.LIMIT, "1"), mandatory("price")),
        (request(BUY, OrderKind.LIMIT_MAKER, "1"), mandatory("price")),
        (request(BUY, OrderKind.MARKET),
         "-1102 Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"),
        (request(BUY, OrderKind.MARKET, "1", quote_quantity="9"),
         "-1128 Combination of optional parameters invalid."),
        (request(SELL, OrderKind.STOP_LOSS, "1"),
         "-1102 Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"),
        (request(BUY, OrderKind.MARKET, "1", price=9_000),
         "-1106 Parameter 'price' sent when not required."),
        (request(BUY, OrderKind.MARKET, "1", time_in_force=TimeInForce.GTC),
         "-1106 Parameter 'timeInForce' sent when not required."),
        (limit(BUY, "1", 9_000, stop_price=9_000),
         "-1106 Parameter 'stopPrice' sent when not required."),
        (limit(BUY, "1", 9_000, self_trade_prevention="SOME"),
         "-1130 Data sent for parameter 'selfTradePreventionMode' is not valid."),
        (limit(BUY, "-1", 9_000), "-1100 Illegal characters found in parameter 'quantity'."),
    ],
)  # fmt: skip
def test_parameters_that_miss_or_do_not_belong(asked: OrderRequest, expected: str) -> None:
    assert verdict(MARKET, asked) == expected


def test_the_average_price_of_the_filter_forgets_after_its_minutes() -> None:
    exchange = new_exchange(replace(MARKET, bid_multiplier_up=Decimal("1.1")))
    trade(exchange, 10_000, "100")
    trade(exchange, 12_000, "1", after_ms=240_000)
    with pytest.raises(ExchangeError, match="PERCENT_PRICE_BY_SIDE"):
        exchange.test_order("alice", limit(BUY, "1", 11_500))
    exchange.advance(exchange.now + 61_000)
    exchange.test_order("alice", limit(BUY, "1", 13_200))


def count_until_refused(exchange: SimulatedExchange, asked: OrderRequest) -> tuple[int, str]:
    for count in range(50):
        try:
            exchange.place("alice", asked)
        except ExchangeError as refusal:
            assert refusal.code == -1013
            return count, refusal.message
    raise AssertionError("nothing was refused")


def test_the_number_of_open_orders_is_bounded() -> None:
    market = replace(MARKET, max_orders=7, max_algo_orders=3)
    exchange = with_book(new_exchange(market))
    stop = request(SELL, OrderKind.STOP_LOSS, "0.1", stop_price=9_000)
    assert count_until_refused(exchange, stop) == (3, "Filter failure: MAX_NUM_ALGO_ORDERS")
    assert count_until_refused(exchange, limit(BUY, "0.1", 9_000)) == (
        4,
        "Filter failure: MAX_NUM_ORDERS",
    )
    exchange.place("bob", limit(BUY, "0.1", 9_000))
    exchange.cancel_all("alice", SYMBOL)
    exchange.place("alice", limit(BUY, "0.1", 9_000))


def test_the_number_of_order_lists_is_bounded() -> None:
    exchange = with_book(new_exchange(replace(MARKET, max_order_lists=2)))
    for _ in range(2):
        exchange.place_oco("alice", sell_oco("0.1", 10_500, 9_000))
    with pytest.raises(ExchangeError, match="Filter failure: MAX_NUM_ORDER_LISTS"):
        exchange.place_oco("alice", sell_oco("0.1", 10_500, 9_000))


def test_the_position_counts_funds_and_open_buys() -> None:
    exchange = with_book(new_exchange(replace(MARKET, maximum_position=Decimal(12))))
    exchange.place("alice", limit(BUY, "1.5", 9_000))
    with pytest.raises(ExchangeError, match="Filter failure: MAX_POSITION"):
        exchange.place("alice", limit(BUY, "0.50001", 9_000))
    exchange.place("alice", limit(BUY, "0.5", 9_000))
    exchange.place("alice", limit(SELL, "1", 11_000))


def test_filters_may_change_at_run_time_but_the_grid_not_get_finer() -> None:
    exchange = with_book()
    exchange.replace_market(replace(MARKET, tick_size=Decimal("0.1"), lot_size=Decimal("0.001")))
    with pytest.raises(ExchangeError, match="PRICE_FILTER"):
        exchange.place("alice", limit(BUY, "1", "9000.01"))
    with pytest.raises(ExchangeError, match="LOT_SIZE"):
        exchange.place("alice", limit(BUY, "1.00001", "9000.1"))
    exchange.place("alice", limit(BUY, "1.001", "9950.1"))
    assert exchange.best(SYMBOL)[0] == (Decimal("9950.1"), Decimal("1.001"))
    with pytest.raises(ValueError, match=r"expected tick_size .* multiple of 0\.01"):
        exchange.replace_market(replace(MARKET, tick_size=Decimal("0.001")))
