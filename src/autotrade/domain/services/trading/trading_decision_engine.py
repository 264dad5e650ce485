"""TradingDecisionEngine: signal, order book and market conditions become a reasoned proposal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from autotrade.domain.decisions import Check, Modification, RefusalReason, Signal
from autotrade.domain.services.market_data.market_analysis_service import (
    MarketConditions,
    Trend,
    VolatilityClass,
)
from autotrade.domain.services.market_data.orderbook_analyzer import BookVerdict, OrderBookMetrics
from autotrade.domain.services.utils.check_maker import Rule, make_check
from autotrade.domain.settings import OrderbookAnalyzerSettings, TradingSettings

SIGNAL_CONFIDENCE = 0.70
"""What a signal is worth on a book and in a market that say nothing."""

VERDICT_WEIGHT: dict[BookVerdict, float] = {
    BookVerdict.STRONG_BUY: 0.20,
    BookVerdict.WEAK_BUY: 0.12,
    BookVerdict.NEUTRAL: 0.0,
    BookVerdict.WEAK_SELL: -0.12,
    BookVerdict.STRONG_SELL: -0.20,
}
"""Times the book's confidence in its verdict."""

QUALITY_WEIGHT = 0.20
"""Lost by a book that is at its limits of spread, slippage and depth; nothing by a perfect one."""

TREND_WEIGHT: dict[Trend, float] = {
    Trend.UP: 0.05,
    Trend.FLAT: 0.0,
    Trend.DOWN: -0.08,
    Trend.UNKNOWN: 0.0,
}

VOLATILITY_WEIGHT: dict[VolatilityClass, float] = {
    VolatilityClass.CALM: 0.0,
    VolatilityClass.NORMAL: 0.0,
    VolatilityClass.HIGH: -0.05,
    VolatilityClass.EXTREME: -0.15,
    VolatilityClass.UNKNOWN: 0.0,
}
"""With the default threshold of 0.6 a neutral book carries a signal through one adverse condition,
not through two (0.70 - 0.08 - 0.05 = 0.57)."""

BUYING = (BookVerdict.STRONG_BUY, BookVerdict.WEAK_BUY)
SELLING = (BookVerdict.STRONG_SELL, BookVerdict.WEAK_SELL)

REACH_PERCENT = Decimal(2)
"""A support or resistance further away than this changes nothing."""

SMALLER_SIZE_SLIPPAGE_PERCENT = 0.5
SMALLER_SIZE_FACTOR = Decimal("0.7")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the engine would do. Approved as far as it is concerned when every check passed.

    Prices are quote currency and not rounded to the exchange's ticks yet.
    """

    confidence: float
    checks: tuple[Check, ...]
    modifications: tuple[Modification, ...]
    entry_price: Decimal
    exit_hint: Decimal | None
    """The resistance above the target, when the exit may wait for it."""
    size_factor: Decimal
    """The part of the deal's budget to spend."""


class TradingDecisionEngine:
    """Pure: the same arguments give the same proposal.

    Confidence is a sum, cut to 0..1: the signal's own worth, plus the verdict's weight times the
    book's confidence in it, minus what the book's quality lacks, plus the weights of trend and
    volatility. A rejected or missing book is confidence 0.

    The entry is a limit at the best ask: it fills at once like a market order, but never at a
    worse price than the one the decision was made on. A wall of bids below the market moves it to
    the wall's price, where it rests and waits. Below the market is below the best bid: on a wall
    that is the best bid the price stands already, and waiting for it would gain one spread at most.
    """

    def __init__(self, trading: TradingSettings, analyzer: OrderbookAnalyzerSettings) -> None:
        self._trading = trading
        self._is_validating = trading.enable_orderbook_validation and analyzer.enabled
        self._off_setting = (
            "orderbook_analyzer.enabled"
            if trading.enable_orderbook_validation
            else "trading.enable_orderbook_validation"
        )

    def propose(
        self,
        signal: Signal,
        metrics: OrderBookMetrics | None,
        conditions: MarketConditions,
        *,
        target_price: Decimal,
    ) -> Proposal:
        """`target_price` is where the exit is planned without a resistance."""
        if not self._is_validating:
            return self._without_book(signal, conditions)
        if metrics is None or metrics.reject is not None:
            return self._refused(signal, metrics, conditions)
        confidence = _confidence(metrics, conditions)
        checks = (
            *metrics.checks,
            *self._verdict_checks(metrics.verdict),
            _conditions_check(conditions),
            self._confidence_check(confidence),
        )
        market = _price(metrics.ask)
        modifications: list[Modification] = []
        entry, exit_hint, size_factor = market, None, Decimal(1)
        support = _price_or_none(metrics.support_price)
        if support is not None and support < _price(metrics.bid) and _is_near(support, market):
            entry = support
            modifications.append(Modification.ENTRY_AT_SUPPORT)
        resistance = _price_or_none(metrics.resistance_price)
        if resistance is not None and resistance > target_price and _is_near(resistance, market):
            exit_hint = resistance
            modifications.append(Modification.EXIT_AT_RESISTANCE)
        if metrics.buy_slippage_percent > SMALLER_SIZE_SLIPPAGE_PERCENT:
            size_factor = SMALLER_SIZE_FACTOR
            modifications.append(Modification.SMALLER_SIZE)
        return Proposal(confidence, checks, tuple(modifications), entry, exit_hint, size_factor)

    def _without_book(self, signal: Signal, conditions: MarketConditions) -> Proposal:
        """The user does not want the book to be asked: the signal stands, at its own price."""
        check = make_check(
            "book",
            RefusalReason.BOOK_EMPTY,
            passed=True,
            value="not asked",
            limit="none",
            text=f"order book not asked: {self._off_setting} is off",
        )
        confidence = _cut(SIGNAL_CONFIDENCE + _conditions_weight(conditions))
        return Proposal(confidence, (check,), (), signal.price, None, Decimal(1))

    def _refused(
        self, signal: Signal, metrics: OrderBookMetrics | None, conditions: MarketConditions
    ) -> Proposal:
        checks = [*metrics.checks] if metrics is not None else []
        if all(check.passed for check in checks):
            checks.append(_rejection_check(metrics))
        checks += [_conditions_check(conditions), self._confidence_check(0.0)]
        return Proposal(0.0, tuple(checks), (), signal.price, None, Decimal(1))

    def _verdict_checks(self, verdict: BookVerdict) -> tuple[Check, Check]:
        """SELL verdicts block always; without a BUY verdict only where support is demanded."""
        against = make_check(
            "book_verdict",
            RefusalReason.BOOK_AGAINST,
            passed=verdict not in SELLING,
            value=verdict.value,
            limit="no SELL",
            text=f"book {verdict.value}" + (", against buying" if verdict in SELLING else ""),
        )
        is_required, is_buying = self._trading.require_orderbook_support, verdict in BUYING
        if is_buying:
            text = f"book supports buying: {verdict.value}"
        elif is_required:
            text = f"book {verdict.value}, support is required"
        else:
            text = f"book {verdict.value}, support is not required"
        support = make_check(
            "book_support",
            RefusalReason.BOOK_SUPPORT_MISSING,
            passed=is_buying or not is_required,
            value=verdict.value,
            limit="BUY" if is_required else "any",
            text=text,
        )
        return against, support

    def _confidence_check(self, confidence: float) -> Check:
        return Rule(
            "confidence",
            RefusalReason.CONFIDENCE,
            "confidence",
            confidence,
            self._trading.orderbook_confidence_threshold,
            is_upper=False,
        ).check()


def _confidence(metrics: OrderBookMetrics, conditions: MarketConditions) -> float:
    """Nine decimals, so that the last bit of a sum does not decide at the threshold."""
    confidence = (
        SIGNAL_CONFIDENCE
        + VERDICT_WEIGHT[metrics.verdict] * metrics.confidence
        - QUALITY_WEIGHT * (1.0 - metrics.quality)
        + _conditions_weight(conditions)
    )
    return _cut(round(confidence, 9))


def _conditions_weight(conditions: MarketConditions) -> float:
    return TREND_WEIGHT[conditions.trend] + VOLATILITY_WEIGHT[conditions.volatility]


def _cut(confidence: float) -> float:
    return min(1.0, max(0.0, confidence))


def _conditions_check(conditions: MarketConditions) -> Check:
    """Extreme volatility is no market for a limit order: stop and target are both within reach of
    a single candle."""
    volatility, percent = conditions.volatility, conditions.volatility_percent
    sign = ">=" if volatility is VolatilityClass.EXTREME else "<"
    figure = "unknown" if percent is None else f"{percent:.2f}%"
    return make_check(
        "market_conditions",
        RefusalReason.MARKET_CONDITIONS,
        passed=volatility is not VolatilityClass.EXTREME,
        value=figure,
        limit=f"{conditions.extreme_percent:.2f}%",
        text=f"volatility {volatility.value}"
        + ("" if percent is None else f" {figure} {sign} {conditions.extreme_percent:.2f}%")
        + f", trend {conditions.trend.value}",
    )


def _rejection_check(metrics: OrderBookMetrics | None) -> Check:
    """The book's rejection as a check, or the missing book's."""
    reason, text, value, limit = RefusalReason.BOOK_EMPTY, "no order book", "none", "a book"
    if metrics is not None and metrics.reject is not None:
        reason, text, value, limit = metrics.reject
    return make_check("book", reason, passed=False, value=value, limit=limit, text=text)


def _price(price: float) -> Decimal:
    """The shortest decimal that reads back as the float: the price as the exchange wrote it."""
    return Decimal(repr(price))


def _price_or_none(price: float | None) -> Decimal | None:
    return None if price is None else _price(price)


def _is_near(price: Decimal, market: Decimal) -> bool:
    return abs(price - market) * 100 <= REACH_PERCENT * market
