from __future__ import annotations

import gzip
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.domain.commands import PlaceOrder, PlaceOrderList
from autotrade.domain.entities.order import OrderRole, OrderSide, OrderType
from autotrade.infrastructure.connectors.market_rules import (
    MarketDirectory,
    fault_of,
    on_wire,
    rules_of,
    unknown_symbol,
    weight_limit_of,
)
from tests.recordings import recording

MARKET: dict[str, Any] = {
    "symbol": "ETHUSDT",
    "status": "TRADING",
    "baseAsset": "ETH",
    "quoteAsset": "USDT",
    "ocoAllowed": True,
    "orderTypes": ["LIMIT", "MARKET", "STOP_LOSS_LIMIT"],
    "filters": [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.01000000",
            "maxPrice": "1000000.00000000",
            "tickSize": "0.01000000",
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": "0.00010000",
            "maxQty": "9000.00000000",
            "stepSize": "0.00010000",
        },
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "500.00000000", "stepSize": "0"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "1.2",
            "bidMultiplierDown": "0.8",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.2",
        },
    ],
}
RULES = rules_of(MARKET)


def order(price: str | None, amount: str, kind: OrderType = OrderType.LIMIT) -> PlaceOrder:
    return PlaceOrder(
        ts=0,
        deal_id=1,
        symbol="ETH/USDT",
        order_id="at-1",
        role=OrderRole.ENTRY,
        side=OrderSide.BUY,
        type=kind,
        amount=Decimal(amount),
        price=None if price is None else Decimal(price),
    )


def test_filters_are_read_exactly() -> None:
    assert (str(RULES.tick_size), str(RULES.lot_size)) == ("0.01", "0.0001")
    assert (RULES.maximum_amount, RULES.minimum_notional) == (Decimal(9000), Decimal(5))
    assert RULES.market_maximum_amount == 500
    assert (RULES.bid_price_up, RULES.bid_price_down) == (Decimal("1.2"), Decimal("0.8"))
    assert (RULES.has_oco, RULES.has_stop_loss, RULES.is_trading) == (True, False, True)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (order("3000.001", "0.01"), "ticks of 0.01"),
        (order("3000", "0.00015"), "steps of 0.0001"),
        (order("3000", "0.0016"), "notional of at least 5"),
        (order("3000", "9001"), "to 9000"),
        (order("2000000", "1"), "to 1000000"),
        (order("3000", "0"), "steps of"),
        (order(None, "600", OrderType.MARKET), "at most 500 at market"),
    ],
)
def test_what_the_exchange_would_refuse_is_said_in_a_sentence(
    command: PlaceOrder, words: str
) -> None:
    fault = fault_of(command, RULES)
    assert fault is not None
    assert words in fault


@pytest.mark.parametrize("command", [order("3000", "0.01"), order(None, "1", OrderType.MARKET)])
def test_a_good_order_has_no_fault(command: PlaceOrder) -> None:
    assert fault_of(command, RULES) is None


def test_each_price_of_a_list_is_checked() -> None:
    good = PlaceOrderList(
        ts=0,
        deal_id=1,
        symbol="ETH/USDT",
        list_id="l",
        target_id="t",
        stop_id="s",
        amount=Decimal("0.01"),
        target_price=Decimal(3100),
        stop_price=Decimal(2900),
        stop_limit_price=Decimal(2890),
    )
    assert fault_of(good, RULES) is None
    for name in ("target_price", "stop_price", "stop_limit_price"):
        assert fault_of(replace(good, **{name: Decimal("2900.005")}), RULES) is not None


@given(st.integers(1, 10**15), st.integers(0, 12))
def test_numbers_on_the_wire_are_exact_and_never_scientific(digits: int, places: int) -> None:
    number = Decimal(digits).scaleb(-places)
    text = on_wire(number)
    assert Decimal(text) == number
    assert set(text) <= set("0123456789.")


def test_the_nearest_names_are_told() -> None:
    error = unknown_symbol("ETC/USDT", ["BTC/USDT", "ETH/USDT"])
    assert "did you mean" in str(error)
    assert "ETH/USDT" in str(error)


def test_fees_join_the_rules_whenever_they_come() -> None:
    directory = MarketDirectory()
    directory.learn_fees("ETH/USDT", Decimal(0), Decimal("0.0005"))
    directory.learn(MARKET)
    rules = directory.rules("ETH/USDT")
    assert rules is not None
    assert (rules.maker_fee, rules.taker_fee) == (Decimal(0), Decimal("0.0005"))
    assert directory.symbol("ETHUSDT") == "ETH/USDT"


def test_the_weight_limit_is_the_exchanges() -> None:
    limits = [
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    ]
    assert weight_limit_of({"rateLimits": limits}) == 6000
    assert weight_limit_of({}) is None


@pytest.mark.recorded
def test_every_market_of_a_whole_exchange_can_be_read() -> None:
    path = recording("exchange_info/binance_exchangeInfo_20211012.json.gz")
    info = json.loads(gzip.decompress(path.read_bytes()))
    for market in info["symbols"]:
        rules = rules_of(market)
        assert rules.tick_size > 0
        assert rules.lot_size > 0
        assert rules.maximum_amount > rules.minimum_amount >= 0
