"""The sweep's kernel is the engine to the last unit, and says so where it is not."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from decimal import Decimal as D

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.settings import DomainSettings, StrategySettings
from autotrade.infrastructure.backtest.book_model import BookModel
from autotrade.infrastructure.backtest.kernel import Kernel
from autotrade.infrastructure.backtest.kernel_arithmetic import (
    multiply_divide,
    multiply_divide_half_even,
)
from autotrade.infrastructure.backtest.kernel_check import engine_run, first_difference
from autotrade.infrastructure.backtest.kernel_rules import Combination, uncovered
from autotrade.infrastructure.backtest.kernel_verdicts import VerdictKey, Verdicts
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.settings import BacktestSettings
from tests.backtest_markets import (
    WARM_UP,
    random_assumptions,
    random_series,
    random_settings,
)

EXAMPLES = int(os.environ.get("AUTOTRADE_BACKTEST_EXAMPLES", "40"))
LEVELS = (
    ("0.7", "1.2", "2", "3"),
    ("0.1", "0.3", "0.5", "0.8"),
    ("0.25", "0.4", "3", "3.5"),
)
SYMBOLS = ("ETH/USDT", "BTC/USDT", "XYZ/USDT")


def random_combination(rng: random.Random, market: PairMarket) -> Combination:
    chosen = random_settings(rng)
    warning, orderbook, emergency, exchange = (D(text) for text in rng.choice(LEVELS))
    loss = replace(
        chosen.stop_loss_monitor,
        limit_exit_first=False,
        warning_percent=warning,
        orderbook_percent=orderbook,
        emergency_percent=emergency,
        exchange_stop_percent=exchange,
    )
    pair = CurrencyPair(
        base=market.market.base,
        quote=market.market.quote,
        order_life_time=rng.choice([1, 5]),
        deal_quota=D(rng.choice([15, 100, 500])),
        profit_markup=D(rng.choice(["0.3", "0.9", "2"])),
        deal_count=rng.choice([1, 3]),
    )
    return Combination(replace(chosen, stop_loss_monitor=loss), pair)


def random_kernel(rng: random.Random, count: int) -> Kernel:
    assumptions = random_assumptions(rng)
    series = random_series(rng, count, rng.choice(SYMBOLS))
    market = PairMarket(series, BookModel.of(assumptions))
    return Kernel(market, assumptions, int(series.open_ts[WARM_UP]), workers=1)


@given(seed=st.integers(0, 10**9))
@example(seed=521)  # more than a stop may sell at market
@settings(max_examples=EXAMPLES, deadline=None)
def test_the_kernel_is_the_engine_to_the_last_unit(seed: int) -> None:
    rng = random.Random(seed)
    kernel = random_kernel(rng, rng.randint(200, 450))
    combination = random_combination(rng, kernel.market)
    [result] = kernel.run([combination], keeps_deals=True)
    if result.trouble is None:
        _, _, run = engine_run(kernel, combination)
        assert first_difference(kernel, result, run) is None


def test_few_random_sets_are_left_to_the_engine_and_many_deal() -> None:
    """Else the comparison above would compare nothing."""
    rng = random.Random(3)
    left, deals = 0, 0
    for _ in range(12):
        kernel = random_kernel(rng, 400)
        [result] = kernel.run([random_combination(rng, kernel.market)])
        left += result.trouble is not None
        deals += result.deals
    assert left <= 3
    assert deals >= 12


def test_a_difference_of_one_unit_is_found() -> None:
    rng = random.Random(11)
    kernel = random_kernel(rng, 450)
    combination = random_combination(rng, kernel.market)
    [result] = kernel.run([combination], keeps_deals=True)
    _, _, run = engine_run(kernel, combination)
    assert result.fills is not None and len(result.fills) > 0
    assert first_difference(kernel, result, run) is None
    result.fills[-1, 3] += 1
    assert "fill" in str(first_difference(kernel, result, run))


def test_many_sets_at_once_are_each_as_alone() -> None:
    """What is shared between sets belongs to none of them."""
    rng = random.Random(5)
    kernel = random_kernel(rng, 400)
    base = random_combination(rng, kernel.market)
    sets = [
        replace(
            base,
            settings=replace(
                base.settings,
                strategy=replace(base.settings.strategy, macd_fast=fast, macd_slow=slow),
            ),
        )
        for fast in (2, 3, 4)
        for slow in (7, 9, 12, 14)
    ]
    together = kernel.run(sets)
    for one, result in zip(sets, together, strict=True):
        [alone] = kernel.run([one])
        assert (alone.net, alone.fees, alone.trouble) == (result.net, result.fees, result.trouble)
        assert np.array_equal(alone.daily, result.daily)
    assert len({result.net for result in together}) > 3


@given(seed=st.integers(0, 10**9))
@settings(max_examples=10, deadline=None)
def test_the_verdict_of_a_candle_is_the_engines(seed: int) -> None:
    rng = random.Random(seed)
    market = PairMarket(random_series(rng, 160), BookModel.of(random_assumptions(rng)))
    chosen = random_settings(rng)
    verdicts = Verdicts(market, chosen.strategy)
    quota, threshold = D(rng.choice([15, 500])), rng.choice([0.4, 0.55, 0.6])
    key = VerdictKey(
        chosen.orderbook_analyzer,
        replace(chosen.trading, orderbook_confidence_threshold=threshold),
        chosen.strategy.sma_slow,
        quota,
    )
    if key.is_validating:
        candles = np.arange(80, 160)
        found = verdicts.of(key, candles)
        assert [int(found[index]) for index in candles] == [
            verdicts.ask(key, int(index)) for index in candles
        ]


def test_what_the_kernel_does_not_know_is_said() -> None:
    pair = CurrencyPair("ETH", "USDT", 1, D(15), D("1.5"), 3)
    other = DomainSettings(strategy=StrategySettings(name="volatility_breakout"))
    assert "macd_orderbook" in str(uncovered(Combination(other, pair), BacktestSettings()))
    assert uncovered(Combination(DomainSettings(), pair), BacktestSettings()) is None


_WORD = st.integers(0, 2**62)


@given(left=_WORD, right=_WORD, divisor=st.integers(1, 2**62))
def test_products_of_128_bits_are_divided_exactly(left: int, right: int, divisor: int) -> None:
    quotient, rest = divmod(left * right, divisor)
    nearest = quotient + (2 * rest > divisor or (2 * rest == divisor and quotient % 2 == 1))
    if quotient < 2**62:
        assert multiply_divide(left, right, divisor) == (quotient, rest)
        assert multiply_divide_half_even(left, right, divisor) == nearest
    elif quotient >= 2**63:
        assert multiply_divide(left, right, divisor)[0] == -1


@pytest.mark.parametrize("seconds", [0.0, 0.0005, 0.3, 60.0, 599.9999, 600.0])
def test_a_cooldown_in_milliseconds_ends_when_the_engines_does(seconds: float) -> None:
    from autotrade.infrastructure.backtest.kernel_rules import _least_ms

    least = _least_ms(seconds)
    assert least / 1000.0 >= seconds
    assert least == 0 or (least - 1) / 1000.0 < seconds
