"""TradingDecisionEngine: every block, every modification, and how confidence is added up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.domain.decisions import Modification, RefusalReason, Signal
from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.services.market_data.market_analysis_service import (
    MarketConditions,
    Trend,
    VolatilityClass,
)
from autotrade.domain.services.market_data.orderbook_analyzer import (
    BookRejection,
    BookVerdict,
    OrderBookAnalyzer,
    OrderBookMetrics,
)
from autotrade.domain.services.trading.trading_decision_engine import (
    Proposal,
    TradingDecisionEngine,
)
from autotrade.domain.settings import OrderbookAnalyzerSettings, TradingSettings

SIGNAL = Signal("ETH/USDT", "macd_orderbook", "1", "macd_cross", 7, 0, Decimal("100"), {})

FAIR = MarketConditions(VolatilityClass.NORMAL, Trend.FLAT, 0.1, 1.5, 0.0, "fair conditions")

EVEN = OrderBookMetrics(
    bid=99.9,
    ask=100.1,
    mid=100.0,
    spread_percent=0.2,
    bid_volume_quote=9000.0,
    ask_volume_quote=9000.0,
    imbalance_percent=0.0,
    support_price=None,
    support_quote=0.0,
    resistance_price=None,
    resistance_quote=0.0,
    buy_slippage_percent=0.0,
    sell_slippage_percent=0.0,
    bid_walls=0,
    ask_walls=0,
    age_ms=10,
    verdict=BookVerdict.NEUTRAL,
    confidence=1.0,
    reject=None,
    quality=1.0,
    order_quote=15.0,
)


def metrics(**changes: Any) -> OrderBookMetrics:
    return replace(EVEN, **changes)


def propose(
    of: OrderBookMetrics | None = EVEN,
    conditions: MarketConditions = FAIR,
    *,
    target_price: str = "101.5",
    is_enabled: bool = True,
    **trading: Any,
) -> Proposal:
    engine = TradingDecisionEngine(
        replace(TradingSettings(), **trading),
        replace(OrderbookAnalyzerSettings(), enabled=is_enabled),
    )
    return engine.propose(SIGNAL, of, conditions, target_price=Decimal(target_price))


def refusals(proposal: Proposal) -> list[RefusalReason | None]:
    return [check.reason for check in proposal.checks if not check.passed]


# --- blocks ----------------------------------------------------------------------------------


def test_a_neutral_book_does_not_block_unless_support_is_required() -> None:
    assert refusals(propose()) == []
    refused = propose(require_orderbook_support=True)
    assert refusals(refused) == [RefusalReason.BOOK_SUPPORT_MISSING]
    texts = [check.text for check in refused.checks]
    assert "book NEUTRAL, support is required" in texts


@pytest.mark.parametrize("verdict", [BookVerdict.WEAK_BUY, BookVerdict.STRONG_BUY])
def test_a_buying_book_is_support(verdict: BookVerdict) -> None:
    assert refusals(propose(metrics(verdict=verdict), require_orderbook_support=True)) == []


@pytest.mark.parametrize("verdict", [BookVerdict.WEAK_SELL, BookVerdict.STRONG_SELL])
def test_a_selling_book_blocks_however_confident_the_rest_is(verdict: BookVerdict) -> None:
    proposal = propose(metrics(verdict=verdict), orderbook_confidence_threshold=0.0)
    assert refusals(proposal) == [RefusalReason.BOOK_AGAINST]
    assert f"book {verdict}, against buying" in [check.text for check in proposal.checks]


def test_too_little_confidence_blocks() -> None:
    assert refusals(propose(orderbook_confidence_threshold=0.7)) == []
    refused = propose(orderbook_confidence_threshold=0.71)
    assert refusals(refused) == [RefusalReason.CONFIDENCE]
    assert refused.checks[-1].text == "confidence 0.70 < 0.71"
    assert propose().checks[-1].text == "confidence 0.70 >= 0.60"


def test_extreme_volatility_blocks() -> None:
    wild = replace(FAIR, volatility=VolatilityClass.EXTREME, volatility_percent=1.62)
    strong = metrics(verdict=BookVerdict.STRONG_BUY)
    refused = propose(strong, wild)
    assert refusals(refused) == [RefusalReason.MARKET_CONDITIONS]
    check = next(check for check in refused.checks if check.name == "market_conditions")
    assert check.text == "volatility extreme 1.62% >= 1.50%, trend flat"
    assert (check.value, check.limit) == ("1.62%", "1.50%")
    high = replace(FAIR, volatility=VolatilityClass.HIGH, volatility_percent=1.4)
    assert refusals(propose(strong, high)) == []


def test_unknown_conditions_do_not_block() -> None:
    unknown = MarketConditions(VolatilityClass.UNKNOWN, Trend.UNKNOWN, None, 1.5, None, "wait")
    proposal = propose(conditions=unknown)
    assert refusals(proposal) == []
    check = next(check for check in proposal.checks if check.name == "market_conditions")
    assert check.text == "volatility unknown, trend unknown"
    assert check.value == "unknown"


@pytest.mark.parametrize(
    ("bids", "asks", "ts", "reason"),
    [
        ((), (), 0, RefusalReason.BOOK_EMPTY),
        (((100.0, 99.0),), ((99.0, 99.0),), 0, RefusalReason.BOOK_STALE),
        (((100.0, 99.0),), ((100.1, 99.0),), 10_001, RefusalReason.BOOK_STALE),
        (((100.0, 99.0),), ((101.0, 99.0),), 0, RefusalReason.SPREAD),
        (((100.0, 99.0),), ((100.1, 0.1), (110.0, 99.0)), 0, RefusalReason.SLIPPAGE),
        (((100.0, 9.0),), ((100.1, 99.0),), 0, RefusalReason.LIQUIDITY),
    ],
)
def test_a_rejected_book_blocks_with_its_own_reason(
    bids: Any, asks: Any, ts: int, reason: RefusalReason
) -> None:
    analyzer = OrderBookAnalyzer(OrderbookAnalyzerSettings())
    found = analyzer.analyze(OrderBook("ETH/USDT", 0, bids, asks), order_quote=50.0, ts=ts)
    proposal = propose(found)
    assert refusals(proposal) == [reason, RefusalReason.CONFIDENCE]
    assert found.reject is not None
    assert found.reject.text in [check.text for check in proposal.checks]
    assert [check.name for check in proposal.checks][-2:] == ["market_conditions", "confidence"]
    assert (proposal.confidence, proposal.entry_price) == (0.0, SIGNAL.price)
    assert (proposal.modifications, proposal.size_factor) == ((), 1)
    assert refusals(propose(found, orderbook_confidence_threshold=0.0)) == [reason]


def test_no_book_blocks() -> None:
    proposal = propose(None)
    assert refusals(proposal) == [RefusalReason.BOOK_EMPTY, RefusalReason.CONFIDENCE]
    assert proposal.checks[0].text == "no order book"
    by_hand = BookRejection(RefusalReason.SPREAD, "spread 0.41% > 0.30%", "0.41%", "0.30%")
    proposal = propose(metrics(verdict=BookVerdict.REJECT, reject=by_hand))
    assert refusals(proposal)[0] is RefusalReason.SPREAD
    assert proposal.checks[0].text == "spread 0.41% > 0.30%"
    assert (proposal.checks[0].value, proposal.checks[0].limit) == ("0.41%", "0.30%")


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"enable_orderbook_validation": False}, "trading.enable_orderbook_validation"),
        ({"is_enabled": False}, "orderbook_analyzer.enabled"),
    ],
)
@pytest.mark.parametrize("of", [None, EVEN, metrics(verdict=BookVerdict.STRONG_SELL)])
def test_without_validation_one_check_says_so_and_nothing_blocks(
    of: OrderBookMetrics | None, options: dict[str, Any], setting: str
) -> None:
    proposal = propose(of, **options)
    assert [(check.passed, check.text) for check in proposal.checks] == [
        (True, f"order book not asked: {setting} is off")
    ]
    assert proposal.entry_price == SIGNAL.price
    assert (proposal.modifications, proposal.exit_hint, proposal.size_factor) == ((), None, 1)
    assert proposal.confidence == 0.7


# --- checks ----------------------------------------------------------------------------------


def test_every_check_is_there_with_its_number_when_all_passed() -> None:
    analyzer = OrderBookAnalyzer(OrderbookAnalyzerSettings())
    of = OrderBook("ETH/USDT", 0, ((99.95, 99.0),), ((100.05, 50.0),))
    proposal = propose(analyzer.analyze(of, order_quote=15.0, ts=400))
    assert [(check.name, check.value, check.limit, check.text) for check in proposal.checks] == [
        ("book", "99.95 / 100.05", "bid < ask", "book 99.95 / 100.05"),
        ("book_age", "0.4 s", "10.0 s", "book age 0.4 s <= 10.0 s"),
        ("spread", "0.10%", "0.30%", "spread 0.10% <= 0.30%"),
        ("slippage", "0.00%", "2.00%", "buy slippage 0.00% <= 2.00%"),
        ("liquidity", "5002", "1000", "ask liquidity 5002 >= 1000"),
        ("book_verdict", "WEAK_BUY", "no SELL", "book WEAK_BUY"),
        ("book_support", "WEAK_BUY", "any", "book supports buying: WEAK_BUY"),
        ("market_conditions", "0.10%", "1.50%", "volatility normal 0.10% < 1.50%, trend flat"),
        ("confidence", "0.74", "0.60", "confidence 0.74 >= 0.60"),
    ]
    assert all(check.passed and check.reason is None for check in proposal.checks)
    support = propose(require_orderbook_support=True).checks[1]
    assert (support.name, support.limit) == ("book_support", "BUY")
    assert propose().checks[1].text == "book NEUTRAL, support is not required"


# --- confidence ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "book_confidence", "confidence"),
    [
        (BookVerdict.NEUTRAL, 1.0, 0.70),
        (BookVerdict.NEUTRAL, 0.5, 0.70),
        (BookVerdict.WEAK_BUY, 1.0, 0.82),
        (BookVerdict.WEAK_BUY, 0.5, 0.76),
        (BookVerdict.STRONG_BUY, 1.0, 0.90),
        (BookVerdict.WEAK_SELL, 1.0, 0.58),
        (BookVerdict.STRONG_SELL, 1.0, 0.50),
    ],
)
def test_the_books_word(verdict: BookVerdict, book_confidence: float, confidence: float) -> None:
    found = propose(metrics(verdict=verdict, confidence=book_confidence)).confidence
    assert found == pytest.approx(confidence, abs=1e-9)


@pytest.mark.parametrize(
    ("trend", "volatility", "confidence"),
    [
        (Trend.UP, VolatilityClass.CALM, 0.75),
        (Trend.DOWN, VolatilityClass.NORMAL, 0.62),
        (Trend.FLAT, VolatilityClass.HIGH, 0.65),
        (Trend.DOWN, VolatilityClass.HIGH, 0.57),
        (Trend.FLAT, VolatilityClass.EXTREME, 0.55),
        (Trend.UNKNOWN, VolatilityClass.UNKNOWN, 0.70),
    ],
)
def test_the_markets_word(trend: Trend, volatility: VolatilityClass, confidence: float) -> None:
    conditions = replace(FAIR, trend=trend, volatility=volatility)
    assert propose(conditions=conditions).confidence == pytest.approx(confidence, abs=1e-9)
    unasked = propose(None, conditions, is_enabled=False)
    assert unasked.confidence == pytest.approx(confidence, abs=1e-9)


def test_a_book_at_its_limits_costs_confidence() -> None:
    assert propose(metrics(quality=0.5)).confidence == 0.6
    assert refusals(propose(metrics(quality=0.5))) == []
    assert refusals(propose(metrics(quality=0.49))) == [RefusalReason.CONFIDENCE]


@given(
    verdict=st.sampled_from([verdict for verdict in BookVerdict if verdict != "REJECT"]),
    book_confidence=st.floats(0.0, 1.0),
    quality=st.floats(0.0, 1.0),
    trend=st.sampled_from(Trend),
    volatility=st.sampled_from(VolatilityClass),
)
def test_confidence_stays_between_0_and_1(
    verdict: BookVerdict,
    book_confidence: float,
    quality: float,
    trend: Trend,
    volatility: VolatilityClass,
) -> None:
    of = metrics(verdict=verdict, confidence=book_confidence, quality=quality)
    proposal = propose(of, replace(FAIR, trend=trend, volatility=volatility))
    assert 0.0 <= proposal.confidence <= 1.0
    passed = all(check.passed for check in proposal.checks)
    assert not passed or proposal.confidence >= 0.6


# --- modifications ---------------------------------------------------------------------------


def test_the_plain_plan_is_a_limit_at_the_ask() -> None:
    proposal = propose()
    assert proposal.entry_price == Decimal("100.1")
    assert (proposal.modifications, proposal.exit_hint) == ((), None)
    assert proposal.size_factor == 1


@pytest.mark.parametrize(
    ("support", "entry"),
    [
        (99.5, "99.5"),
        (98.098, "98.098"),
        (98.0979, "100.1"),
        (99.9, "100.1"),
        (99.8999, "99.8999"),
        (100.0, "100.1"),
        (None, "100.1"),
    ],
)
def test_entry_at_support_below_the_market_and_within_two_percent(
    support: float | None, entry: str
) -> None:
    proposal = propose(metrics(support_price=support))
    assert proposal.entry_price == Decimal(entry)
    is_moved = Modification.ENTRY_AT_SUPPORT in proposal.modifications
    assert is_moved is (entry != "100.1")


@pytest.mark.parametrize(
    ("resistance", "target", "hint"),
    [
        (101.8, "101.5", "101.8"),
        (101.5001, "101.5", "101.5001"),
        (101.5, "101.5", None),
        (101.0, "101.5", None),
        (102.102, "101.5", "102.102"),
        (102.1021, "101.5", None),
        (None, "101.5", None),
    ],
)
def test_exit_at_resistance_above_the_target_and_within_two_percent(
    resistance: float | None, target: str, hint: str | None
) -> None:
    proposal = propose(metrics(resistance_price=resistance), target_price=target)
    assert proposal.exit_hint == (None if hint is None else Decimal(hint))
    assert (Modification.EXIT_AT_RESISTANCE in proposal.modifications) is (hint is not None)
    assert proposal.entry_price == Decimal("100.1")


@pytest.mark.parametrize(("slippage", "factor"), [(0.5, "1"), (0.5001, "0.7"), (1.9, "0.7")])
def test_smaller_size_when_ours_moves_the_price(slippage: float, factor: str) -> None:
    proposal = propose(metrics(buy_slippage_percent=slippage, sell_slippage_percent=1.9))
    assert proposal.size_factor == Decimal(factor)
    assert (Modification.SMALLER_SIZE in proposal.modifications) is (factor == "0.7")


def test_all_modifications_at_once() -> None:
    of = metrics(support_price=99.0, resistance_price=101.9, buy_slippage_percent=0.6)
    assert propose(of).modifications == (
        Modification.ENTRY_AT_SUPPORT,
        Modification.EXIT_AT_RESISTANCE,
        Modification.SMALLER_SIZE,
    )


def test_prices_come_out_as_the_exchange_wrote_them() -> None:
    of = metrics(bid=0.00002150, ask=0.00002153, support_price=0.00002149)
    assert propose(of).entry_price == Decimal("0.00002149")
    assert propose(metrics(ask=61837.64)).entry_price == Decimal("61837.64")
