"""OrderBookAnalyzer: figures by hand, every refusal on both sides of its limit, any book at all."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from autotrade.domain.decisions import RefusalReason
from autotrade.domain.entities.orderbook import Level, OrderBook
from autotrade.domain.services.market_data import orderbook_analyzer
from autotrade.domain.services.market_data.orderbook_analyzer import (
    BookVerdict,
    OrderBookAnalyzer,
    OrderBookMetrics,
)
from autotrade.domain.settings import OrderbookAnalyzerSettings
from tests.recordings import recording
from tests.unit.domain.market_data.books import TS, book, side


def analyze(
    of: OrderBook | None, order_quote: float = 15.0, ts: int = TS, **changes: Any
) -> OrderBookMetrics:
    analyzer = OrderBookAnalyzer(replace(OrderbookAnalyzerSettings(), **changes))
    return analyzer.analyze(of, order_quote=order_quote, ts=ts)


# --- figures ---------------------------------------------------------------------------------


def test_figures_of_an_even_book() -> None:
    metrics = analyze(book(), ts=TS + 250)
    assert (metrics.bid, metrics.ask, metrics.mid) == (99.9375, 100.0625, 100.0)
    assert metrics.spread_percent == 0.125
    assert metrics.bid_volume_quote == metrics.ask_volume_quote == 15 * 1024.0
    assert metrics.imbalance_percent == 0.0
    assert (metrics.support_price, metrics.support_quote, metrics.bid_walls) == (None, 0.0, 0)
    assert (metrics.resistance_price, metrics.resistance_quote, metrics.ask_walls) == (None, 0.0, 0)
    assert metrics.buy_slippage_percent == metrics.sell_slippage_percent == 0.0
    assert metrics.age_ms == 250
    assert metrics.order_quote == 15.0
    assert metrics.verdict is BookVerdict.NEUTRAL
    assert metrics.reject is None
    # rooms: spread 1 - 0.125/0.3, slippage 1, depth 1 - 1000/15360
    assert metrics.quality == pytest.approx((0.583333 + 1.0 + 0.934896) / 3, abs=1e-5)
    assert metrics.confidence == metrics.quality


def test_volumes_end_at_the_depth_that_is_looked_at() -> None:
    bids = side(99.9375, -0.0625, [100.0, 200.0, 400.0, 5000.0])
    metrics = analyze(book(bids=bids), min_liquidity_depth=3, min_volume_threshold=Decimal(0))
    assert metrics.bid_volume_quote == 700.0
    assert metrics.ask_volume_quote == 3072.0
    assert metrics.imbalance_percent == pytest.approx((700 - 3072) / 3772 * 100)


def test_slippage_is_the_average_price_against_the_best() -> None:
    """256 quote at the best price, the other 256 two percent further."""
    asks = ((100.0, 2.56), (102.0, 100.0))
    metrics = analyze(book(bids=((99.9, 2.0), (95.0, 100.0)), asks=asks), order_quote=512.0)
    base = 2.56 + 256.0 / 102.0
    assert metrics.buy_slippage_percent == pytest.approx((512.0 / base / 100.0 - 1) * 100)
    sold = 2.0 + (512.0 - 199.8) / 95.0
    assert metrics.sell_slippage_percent == pytest.approx((1 - 512.0 / sold / 99.9) * 100)


def test_an_order_that_just_fits_the_best_level_slips_nothing() -> None:
    asks = side(100.0625, 0.0625, [512.0, 99_999.0])
    assert analyze(book(asks=asks), order_quote=512.0).buy_slippage_percent == 0.0
    assert analyze(book(asks=asks), order_quote=513.0).buy_slippage_percent > 0.0


@pytest.mark.parametrize("order_quote", [0.0, -5.0, math.nan])
def test_without_a_size_the_typical_one_is_measured(order_quote: float) -> None:
    metrics = analyze(book(), order_quote=order_quote, typical_order_size=Decimal(2000))
    assert metrics.order_quote == 2000.0
    assert metrics.buy_slippage_percent == analyze(book(), 2000.0).buy_slippage_percent > 0.0


def test_a_book_from_the_future_is_new() -> None:
    assert analyze(book(), ts=TS - 50).age_ms == 0


# --- refusals, each on both sides of its limit -----------------------------------------------


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (None, "book has no bids and asks"),
        (book(bids=(), asks=()), "book has no bids and asks"),
        (book(bids=()), "book has no bids"),
        (book(asks=()), "book has no asks"),
        (book(asks=((100.0, 0.0),)), "book has no asks"),
        (book(bids=((math.nan, 1.0), (90.0, math.nan))), "book has no bids"),
    ],
)
def test_an_empty_side(of: OrderBook | None, text: str) -> None:
    metrics = analyze(of)
    assert metrics.verdict is BookVerdict.REJECT
    assert metrics.reject is not None
    assert metrics.reject.reason is RefusalReason.BOOK_EMPTY
    assert metrics.reject.text == text
    assert metrics.reject.limit == "bid < ask"
    assert metrics.confidence == metrics.quality == 0.0
    assert metrics.spread_percent == metrics.buy_slippage_percent == math.inf
    assert metrics.mid == 0.0
    assert metrics.age_ms == (None if of is None else 0)
    assert [check.name for check in metrics.checks] == ["book", "book_age"][
        : 1 if of is None else 2
    ]


@pytest.mark.parametrize("ask", [99.9375, 99.5])
def test_a_crossed_book_is_out_of_step(ask: float) -> None:
    metrics = analyze(book(asks=side(ask, 0.0625, [1024.0] * 20)))
    assert metrics.reject == (
        RefusalReason.BOOK_STALE,
        f"book is crossed, bid 99.9375 >= ask {ask}",
        f"99.9375 / {ask}",
        "bid < ask",
    )
    assert metrics.sell_slippage_percent == math.inf


def test_age() -> None:
    assert analyze(book(), ts=TS + 10_000).reject is None
    assert analyze(book(), ts=TS + 10_001).reject == (
        RefusalReason.BOOK_STALE,
        "book age 10.001 s > 10.000 s",
        "10.001 s",
        "10.000 s",
    )
    assert analyze(book(), ts=TS + 2_001, max_book_age_seconds=2.0).reject is not None


def test_spread() -> None:
    asks = side(100.15, 0.0625, [1024.0] * 20)
    at_limit = book(bids=side(99.85, -0.0625, [1024.0] * 20), asks=asks)
    assert analyze(at_limit).spread_percent == 0.3
    assert analyze(at_limit).reject is None
    over = book(bids=side(99.84, -0.0625, [1024.0] * 20), asks=asks)
    reject = analyze(over).reject
    assert reject == (RefusalReason.SPREAD, "spread 0.31% > 0.30%", "0.31%", "0.30%")
    assert analyze(over, max_spread_percent=Decimal("0.4")).reject is None


def test_slippage_of_either_side() -> None:
    """Half of the order at the best price, half 4 % beyond: a little under 2 % on average."""
    thin_asks, deep_asks = ((100.0, 5.0), (104.0, 1000.0)), ((100.0, 5.0), (104.2, 1000.0))
    bids = ((99.9, 1000.0),)
    assert analyze(book(bids=bids, asks=thin_asks), 1000.0).buy_slippage_percent < 2.0
    assert analyze(book(bids=bids, asks=thin_asks), 1000.0).reject is None
    reject = analyze(book(bids=bids, asks=deep_asks), 1000.0).reject
    assert reject is not None
    assert reject.reason is RefusalReason.SLIPPAGE
    assert reject.text == "buy slippage 2.06% > 2.00%"
    selling = book(bids=((99.9, 5.0), (90.0, 1000.0)), asks=((100.0, 1000.0),))
    reject = analyze(selling, 1000.0).reject
    assert reject is not None
    assert reject.text.startswith("sell slippage 5.")
    assert analyze(selling, 1000.0, max_slippage_percent=Decimal(6)).reject is None


def test_slippage_at_its_limit_is_allowed() -> None:
    """204 quote: 1 base at 100 and 1 at 104 is an average of 102, exactly 2 %."""
    asks = ((100.0, 1.0), (104.0, 1000.0))
    metrics = analyze(book(bids=((99.9, 1000.0),), asks=asks), 204.0)
    assert metrics.buy_slippage_percent == 2.0
    assert metrics.reject is None


@pytest.mark.parametrize("order_quote", [20_480.0 + 1.0, 1e300, math.inf])
def test_a_book_that_cannot_fill_the_order(order_quote: float) -> None:
    metrics = analyze(book(), order_quote)
    assert metrics.buy_slippage_percent == metrics.sell_slippage_percent == math.inf
    assert metrics.reject is not None
    assert metrics.reject.reason is RefusalReason.SLIPPAGE
    assert metrics.reject.value == "infinite"
    assert metrics.reject.text.startswith("buy slippage, the book cannot fill ")
    assert metrics.as_figures()["buy_slippage_percent"] == "unfillable"


def test_liquidity_of_the_thinner_side() -> None:
    def thin(quote: float) -> tuple[tuple[float, float], ...]:
        return ((100.0, quote / 100.0),)

    bids = ((99.9, 1000.0),)
    assert analyze(book(bids=bids, asks=thin(1000.0))).reject is None
    assert analyze(book(bids=bids, asks=thin(999.0))).reject == (
        RefusalReason.LIQUIDITY,
        "ask liquidity 999 < 1000",
        "999",
        "1000",
    )
    reject = analyze(book(bids=((99.75, 4.0),), asks=thin(9000.0))).reject
    assert reject == (RefusalReason.LIQUIDITY, "bid liquidity 399 < 1000", "399", "1000")
    assert analyze(book(bids=bids, asks=thin(999.0)), min_volume_threshold=Decimal(999)).reject is (
        None
    )


def test_the_first_broken_rule_is_the_rejection_and_all_are_listed() -> None:
    bad = book(bids=((99.0, 0.02),), asks=((101.0, 0.02),))
    metrics = analyze(bad, ts=TS + 20_000)
    assert metrics.reject is not None
    assert metrics.reject.reason is RefusalReason.BOOK_STALE
    assert [(check.name, check.reason) for check in metrics.checks] == [
        ("book", None),
        ("book_age", RefusalReason.BOOK_STALE),
        ("spread", RefusalReason.SPREAD),
        ("slippage", RefusalReason.SLIPPAGE),
        ("liquidity", RefusalReason.LIQUIDITY),
    ]


def test_a_passed_rule_has_its_number_too() -> None:
    texts = [check.text for check in analyze(book(), ts=TS + 100).checks]
    assert texts == [
        "book 99.9375 / 100.0625",
        "book age 0.1 s <= 10.0 s",
        "spread 0.12% <= 0.30%",
        "buy slippage 0.00% <= 2.00%",
        "bid liquidity 15360 >= 1000",
    ]
    assert all(check.passed and check.reason is None for check in analyze(book()).checks)


# --- walls -----------------------------------------------------------------------------------


def with_wall(position: int, quote: float, level: float = 1024.0) -> OrderBookMetrics:
    """The even book with one bid and one ask of another size."""
    quotes = [level] * 20
    quotes[position] = quote
    return analyze(
        book(bids=side(99.9375, -0.0625, quotes), asks=side(100.0625, 0.0625, quotes)),
        big_wall_threshold=Decimal(5000),
    )


@pytest.mark.parametrize("position", [0, 7, 19])
def test_a_wall_supports_and_resists(position: int) -> None:
    metrics = with_wall(position, 8192.0)
    assert metrics.support_price == 99.9375 - position * 0.0625
    assert metrics.resistance_price == 100.0625 + position * 0.0625
    assert metrics.support_quote == pytest.approx(8192.0)
    assert metrics.resistance_quote == pytest.approx(8192.0)
    assert (metrics.bid_walls, metrics.ask_walls) == (1, 1)


def test_a_wall_reaches_the_threshold() -> None:
    assert with_wall(5, 5000.0, level=512.0).bid_walls == 1
    assert with_wall(5, 4999.0, level=512.0).bid_walls == 0


def test_a_wall_stands_out_from_its_neighbours() -> None:
    assert with_wall(5, 4 * 2048.0, level=2048.0).bid_walls == 1
    assert with_wall(5, 4 * 2048.0 - 1.0, level=2048.0).bid_walls == 0
    assert with_wall(5, 6000.0, level=6000.0).bid_walls == 0


def test_neighbours_are_those_around_not_the_whole_book() -> None:
    """Far levels are thick, near ones thin: what stands out near the price is a wall there."""
    quotes = [500.0] * 40 + [50_000.0] * 60
    quotes[10] = 8000.0
    metrics = analyze(book(bids=side(99.9375, -0.0078125, quotes)))
    assert metrics.support_price == 99.9375 - 10 * 0.0078125
    quotes = [50_000.0] * 40 + [500.0] * 60
    quotes[10] = 8000.0
    assert analyze(book(bids=side(99.9375, -0.0078125, quotes))).bid_walls == 0


def test_one_thick_level_among_few_larger_ones_is_no_wall() -> None:
    """Above four times the median, but below four times the mean of its neighbours."""
    quotes = [100.0] * 14 + [9000.0] * 6
    assert analyze(book(bids=side(99.9375, -0.0625, quotes))).bid_walls == 0
    quotes = [100.0] * 15 + [9000.0] * 5
    assert analyze(book(bids=side(99.9375, -0.0625, quotes))).bid_walls == 5


def test_crumbs_between_the_neighbours_make_no_wall() -> None:
    """Above four times the mean of its neighbours, but below four times their median."""
    quotes = [2000.0] * 11 + [1.0] * 8 + [7000.0]
    assert analyze(book(bids=side(99.9375, -0.0625, quotes))).bid_walls == 0
    quotes[-1] = 8000.0
    assert analyze(book(bids=side(99.9375, -0.0625, quotes))).bid_walls == 1


def test_a_few_levels_alone_have_no_neighbours_to_stand_out_from() -> None:
    for quotes in ([90_000.0], [100.0, 90_000.0]):
        assert analyze(book(bids=side(99.9375, -0.0625, quotes))).bid_walls == 0
    quotes = [100.0, 100.0, 90_000.0]
    assert analyze(book(bids=side(99.9375, -0.0625, quotes))).bid_walls == 1


def test_the_nearest_wall_is_the_support() -> None:
    quotes = [500.0] * 40
    quotes[4], quotes[9], quotes[33] = 7000.0, 9000.0, 8000.0
    metrics = analyze(book(bids=side(99.9375, -0.03125, quotes)))
    assert metrics.support_price == 99.9375 - 4 * 0.03125
    assert metrics.support_quote == pytest.approx(7000.0)
    assert metrics.bid_walls == 3


def test_a_wall_lies_within_two_percent_of_the_mid_price() -> None:
    def resistance(price: float) -> float | None:
        asks = (*side(100.0625, 0.0625, [512.0] * 19), (price, 100.0))
        return analyze(book(asks=asks)).resistance_price

    assert resistance(102.0) == 102.0
    assert resistance(102.01) is None
    bids = (*side(99.9375, -0.0625, [512.0] * 19), (98.0, 100.0))
    assert analyze(book(bids=bids)).support_price == 98.0
    bids = (*side(99.9375, -0.0625, [512.0] * 19), (97.99, 100.0))
    assert analyze(book(bids=bids)).support_price is None


# --- verdicts --------------------------------------------------------------------------------


def tilted(imbalance_percent: float) -> OrderBookMetrics:
    """One level a side, so there are no walls and the pressure is the imbalance."""
    return analyze(
        book(
            bids=((99.9375, (1.0 + imbalance_percent / 100.0) * 8192.0 / 99.9375),),
            asks=((100.0625, (1.0 - imbalance_percent / 100.0) * 8192.0 / 100.0625),),
        )
    )


@pytest.mark.parametrize(
    ("imbalance", "verdict"),
    [
        (75.0, BookVerdict.STRONG_BUY),
        (60.0, BookVerdict.STRONG_BUY),
        (59.999, BookVerdict.WEAK_BUY),
        (30.0, BookVerdict.WEAK_BUY),
        (29.999, BookVerdict.NEUTRAL),
        (0.0, BookVerdict.NEUTRAL),
        (-29.999, BookVerdict.NEUTRAL),
        (-30.0, BookVerdict.WEAK_SELL),
        (-59.999, BookVerdict.WEAK_SELL),
        (-60.0, BookVerdict.STRONG_SELL),
        (-75.0, BookVerdict.STRONG_SELL),
    ],
)
def test_verdicts(imbalance: float, verdict: BookVerdict) -> None:
    metrics = tilted(imbalance)
    assert metrics.imbalance_percent == pytest.approx(imbalance)
    assert metrics.verdict is verdict


@pytest.mark.parametrize(
    ("imbalance", "conviction"),
    [
        (0.0, 1.0),
        (15.0, 0.75),
        (-15.0, 0.75),
        (30.0, 0.75),
        (-30.0, 0.75),
        (45.0, 0.875),
        (-45.0, 0.875),
        (80.0, 1.0),
    ],
)
def test_confidence_is_quality_times_conviction(imbalance: float, conviction: float) -> None:
    metrics = tilted(imbalance)
    assert metrics.confidence == pytest.approx(metrics.quality * conviction, abs=1e-6)
    assert 0.0 < metrics.quality < 1.0


def test_walls_weigh_a_quarter() -> None:
    """Even first levels; a wall of bids beyond them makes 25 % of pressure, of asks takes it."""
    wall = [512.0] * 20
    wall[18] = 99_999.0
    bids, asks = side(99.9375, -0.0625, wall), side(100.0625, 0.0625, wall)
    even = side(99.9375, -0.0625, [512.0] * 20), side(100.0625, 0.0625, [512.0] * 20)
    neutral = analyze(book(*even))
    supported, resisted = analyze(book(bids, even[1])), analyze(book(even[0], asks))
    assert neutral.imbalance_percent == supported.imbalance_percent == pytest.approx(0.0)
    for metrics in (supported, resisted):
        assert metrics.verdict is BookVerdict.NEUTRAL
        assert metrics.confidence == pytest.approx(metrics.quality * (1 - 0.5 * 25 / 30))
    # 10 % of imbalance alone is neutral; three quarters of it plus the wall's 25 % is a WEAK_BUY
    wall[:15] = [625.78] * 15
    tipped = side(99.9375, -0.0625, wall)
    assert analyze(book(tipped, even[1])).imbalance_percent == pytest.approx(10.0, abs=0.01)
    assert analyze(book(tipped, even[1])).verdict is BookVerdict.WEAK_BUY
    assert analyze(book(tipped, asks)).verdict is BookVerdict.NEUTRAL


def test_each_limit_that_comes_nearer_costs_quality() -> None:
    plain = analyze(book()).quality
    wide = book(bids=side(99.875, -0.0625, [1024.0] * 20))
    assert analyze(wide).quality < plain
    assert analyze(book(), 10_000.0).quality < plain
    assert analyze(book(bids=side(99.9375, -0.0625, [70.0] * 20))).quality < plain
    assert analyze(book(), min_volume_threshold=Decimal(0)).quality > plain


# --- any book at all -------------------------------------------------------------------------

numbers = st.one_of(
    st.sampled_from([0.0, 1.0, 99.9, 100.0, 100.1, 5e-324, 1e-30, 1e-15, 1e99, 1e308]),
    st.floats(90.0, 110.0),
    st.floats(),
)
levels = st.lists(st.tuples(numbers, numbers), max_size=30).map(tuple)
market_levels = st.lists(
    st.tuples(st.integers(1, 5_000), st.one_of(st.just(0.0), st.floats(0.01, 5e4))),
    min_size=1,
    max_size=120,
    unique_by=lambda level: level[0],
).map(lambda side: [(ticks / 1000.0, quote) for ticks, quote in sorted(side)])


def assert_sound(metrics: OrderBookMetrics) -> None:
    assert 0.0 <= metrics.confidence <= 1.0
    assert 0.0 <= metrics.quality <= 1.0
    assert -100.0 <= metrics.imbalance_percent <= 100.0
    assert (metrics.verdict is BookVerdict.REJECT) is (metrics.reject is not None)
    assert (metrics.reject is None) is all(check.passed for check in metrics.checks)
    if metrics.reject is not None:
        assert metrics.confidence == 0.0
        assert metrics.reject.text
    assert metrics.spread_percent >= 0.0
    assert metrics.buy_slippage_percent >= 0.0
    assert metrics.sell_slippage_percent >= 0.0
    assert (metrics.support_price is None) is (metrics.bid_walls == 0)
    assert (metrics.resistance_price is None) is (metrics.ask_walls == 0)
    json.dumps(metrics.as_figures(), allow_nan=False)


@settings(max_examples=400, deadline=None)
@given(
    bids=levels,
    asks=levels,
    order_quote=numbers,
    age_ms=st.integers(-(10**15), 10**15),
    threshold=st.sampled_from([Decimal(0), Decimal(1000)]),
)
def test_no_book_is_too_broken(
    bids: Any, asks: Any, order_quote: float, age_ms: int, threshold: Decimal
) -> None:
    of = book(bids, asks)
    metrics = analyze(of, order_quote, ts=TS + age_ms, min_volume_threshold=threshold)
    assert_sound(metrics)
    assert metrics == analyze(of, order_quote, ts=TS + age_ms, min_volume_threshold=threshold)


@settings(max_examples=200, deadline=None)
@given(bids=market_levels, asks=market_levels, order_quote=st.floats(1.0, 1e5))
def test_any_sorted_book_is_sound(bids: Any, asks: Any, order_quote: float) -> None:
    of = book(
        tuple((100.0 - gap, quote / 100.0) for gap, quote in bids),
        tuple((100.0 + gap, quote / 100.0) for gap, quote in asks),
    )
    metrics = analyze(of, order_quote)
    assert_sound(metrics)
    if metrics.support_price is not None:
        assert 97.9 < metrics.support_price <= metrics.bid
        assert metrics.support_quote >= 5000.0 * 0.999
    mirrored = analyze(
        OrderBook(
            "X/Y",
            TS,
            tuple((200.0 - price, amount) for price, amount in of.asks),
            tuple((200.0 - price, amount) for price, amount in of.bids),
        ),
        order_quote,
    )
    if metrics.reject is None and mirrored.reject is None and not metrics.bid_walls:
        assert mirrored.imbalance_percent == pytest.approx(-metrics.imbalance_percent, abs=10.0)


def test_levels_are_looked_at_up_to_a_bound() -> None:
    many = [10.0] * (orderbook_analyzer.LEVELS_MAX + 5)
    many[-1] = 1e6
    metrics = analyze(book(bids=side(99.9375, -0.001, many)), 10.0 * 499.0)
    assert metrics.sell_slippage_percent < math.inf
    assert metrics.bid_walls == 0
    metrics = analyze(book(bids=side(99.9375, -0.001, many)), 10.0 * 501.0)
    assert metrics.sell_slippage_percent == math.inf


def test_unsound_levels_are_passed_over() -> None:
    clean = book(bids=side(99.9375, -0.0625, [1024.0] * 16))
    dirty = list(clean.bids)
    for position, level in ((0, (99.99, 0.0)), (3, (math.nan, 5.0)), (9, (99.5, math.inf))):
        dirty.insert(position, level)
    dirty.insert(12, (-99.0, 7.0))
    assert analyze(book(bids=tuple(dirty))) == analyze(clean)


def test_a_price_beyond_reason_is_a_slippage_beyond_reason() -> None:
    asks = ((100.0625, 1e-29), (1e300, 1e-290))
    reject = analyze(book(asks=asks), 15.0).reject
    assert reject is not None
    assert reject.reason is RefusalReason.SLIPPAGE


@pytest.mark.recorded
def test_recorded_books_of_a_liquid_pair() -> None:
    """Binance BTC/USDT, 2025-04-14: nothing to refuse, and walls are the few that stand out."""
    table = parquet.read_table(recording("depth/binance_BTCUSDT_20250414_snapshot.parquet"))
    sides: dict[int, tuple[list[Level], list[Level]]] = {}
    for row in table.to_pylist():
        bids_and_asks = sides.setdefault(row["LastUpdateId"], ([], []))
        bids_and_asks[row["IsAsk"]].append((row["Price"], row["Quantity"]))
    assert len(sides) >= 2
    for bids, asks in sides.values():
        of = book(tuple(sorted(bids, reverse=True)), tuple(sorted(asks)))
        metrics = analyze(of)
        assert_sound(metrics)
        assert metrics.reject is None
        assert metrics.spread_percent < 0.001
        assert metrics.buy_slippage_percent == metrics.sell_slippage_percent == 0.0
        assert metrics.quality > 0.95
        assert 0 < metrics.bid_walls + metrics.ask_walls < 150
        assert analyze(of, 1e9).verdict is BookVerdict.REJECT
