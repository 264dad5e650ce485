"""Rounding by the exchange's filters: on the grid, to the right side, and every broken filter
named."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.domain.entities.order import OrderSide, OrderType
from autotrade.domain.services.utils.decimal_rounding_service import DecimalRoundingService as Round
from tests.engine_harness import RULES

values = st.decimals("0.00000001", "1000000", places=8)
steps = st.sampled_from([D("0.00000001"), D("0.01"), D("0.5"), D("1.00000000"), D(10), D("0.003")])


@given(values, steps)
def test_rounding_stays_within_one_step(value: D, step: D) -> None:
    rules = replace(RULES, tick_size=step, lot_size=step, minimum_amount=D(0))
    down, up = Round.price_down(value, rules), Round.price_up(value, rules)
    assert down <= value <= up
    assert down % step == up % step == 0
    assert up - down in (0, step)
    assert value - step < down
    assert Round.amount_down(value, rules) == min(down, rules.maximum_amount)


def test_amounts_keep_their_bounds() -> None:
    assert Round.amount_down(D("0.00009"), RULES) == 0
    assert Round.amount_down(D("0.0001"), RULES) == D("0.0001")
    assert Round.amount_down(D(10_000), RULES) == 9000
    coarse = replace(RULES, market_lot_size=D("0.01"), market_maximum_amount=D(5))
    assert Round.market_amount_down(D("0.0199"), coarse) == D("0.01")
    assert Round.market_amount_down(D(7), coarse) == 5


def test_the_largest_market_amount_that_no_lot_divides_is_cut_to_lots() -> None:
    """As Binance states it; what is not cut is refused again and again, and nobody gets out."""
    rules = replace(RULES, market_maximum_amount=D("1600.51202668"))
    amount = Round.market_amount_down(D(2000), rules)
    assert amount == D("1600.5120")
    assert (
        Round.violation(
            rules, OrderType.MARKET, OrderSide.SELL, amount=amount, price=None, market_price=D(2000)
        )
        is None
    )


def test_money_is_rounded_half_to_even() -> None:
    assert Round.money(D("0.000000005")) == D("0E-8")
    assert Round.money(D("0.000000015")) == D("0.00000002")


@pytest.mark.parametrize(
    ("kind", "side", "amount", "price", "market", "named"),
    [
        (OrderType.LIMIT, OrderSide.BUY, "1", "2000", None, None),
        (OrderType.LIMIT, OrderSide.BUY, "0.00005", "2000", None, "LOT_SIZE"),
        (OrderType.LIMIT, OrderSide.BUY, "9001", "2000", None, "LOT_SIZE"),
        (OrderType.LIMIT, OrderSide.BUY, "0.00015", "2000", None, "LOT_SIZE: expected a multiple"),
        (OrderType.MARKET, OrderSide.SELL, "1001", None, "2000", "MARKET_LOT_SIZE"),
        (OrderType.LIMIT, OrderSide.SELL, "1001", "2000", "2000", None),
        (
            OrderType.LIMIT,
            OrderSide.BUY,
            "1",
            "2000.005",
            None,
            "PRICE_FILTER: expected a multiple",
        ),
        (OrderType.LIMIT, OrderSide.BUY, "1", "0", None, "PRICE_FILTER"),
        (OrderType.LIMIT, OrderSide.BUY, "1", "2000000", None, "PRICE_FILTER"),
        (OrderType.LIMIT, OrderSide.BUY, "1", "1000000", None, None),
        (OrderType.LIMIT, OrderSide.BUY, "1", "10000", "2000", None),
        (OrderType.LIMIT, OrderSide.BUY, "1", "10000.01", "2000", "PERCENT_PRICE_BY_SIDE"),
        (OrderType.LIMIT, OrderSide.SELL, "1", "400", "2000", None),
        (OrderType.LIMIT, OrderSide.SELL, "1", "399.99", "2000", "PERCENT_PRICE_BY_SIDE"),
        (OrderType.LIMIT, OrderSide.BUY, "0.0025", "2000", None, None),
        (OrderType.LIMIT, OrderSide.BUY, "0.0024", "2000", None, "NOTIONAL"),
        (OrderType.MARKET, OrderSide.SELL, "0.0024", None, "2000", "NOTIONAL"),
        (OrderType.MARKET, OrderSide.SELL, "0.0024", None, None, None),
    ],
)
def test_broken_filter_is_named(
    kind: OrderType,
    side: OrderSide,
    amount: str,
    price: str | None,
    market: str | None,
    named: str | None,
) -> None:
    rules = replace(RULES, maximum_price=D(1_000_000), ask_price_down=D("0.2"))
    text = Round.violation(
        rules,
        kind,
        side,
        amount=D(amount),
        price=None if price is None else D(price),
        market_price=None if market is None else D(market),
    )
    assert text is None if named is None else text is not None and text.startswith(named)
