"""OrderBookMetrics: the figures of one order book at one moment, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import NamedTuple

from autotrade.domain.decisions import Check, RefusalReason
from autotrade.domain.services.utils.check_maker import Rule


class BookVerdict(StrEnum):
    STRONG_BUY = "STRONG_BUY"
    WEAK_BUY = "WEAK_BUY"
    NEUTRAL = "NEUTRAL"
    WEAK_SELL = "WEAK_SELL"
    STRONG_SELL = "STRONG_SELL"
    REJECT = "REJECT"


class BookRejection(NamedTuple):
    """The first thing that was wrong with a book."""

    reason: RefusalReason
    text: str
    value: str
    limit: str


@dataclass(frozen=True, slots=True)
class OrderBookMetrics:
    """Prices and volumes in quote currency; percentages are percent.

    A book without bids has `bid` 0, one without asks `ask` 0; spread and slippages are infinite.
    """

    bid: float
    ask: float
    mid: float
    spread_percent: float
    """Of the mid price."""
    bid_volume_quote: float
    """Within the first `min_liquidity_depth` levels; so is `ask_volume_quote`."""
    ask_volume_quote: float
    imbalance_percent: float
    """-100 (asks only) to 100 (bids only), of the two volumes above."""
    support_price: float | None
    """The nearest wall of bids within 2 % of the mid price, and what it holds."""
    support_quote: float
    resistance_price: float | None
    """The nearest wall of asks within 2 % of the mid price."""
    resistance_quote: float
    buy_slippage_percent: float
    """Average price of buying `order_quote` at once against the best ask; infinite when the book
    cannot fill it."""
    sell_slippage_percent: float
    """The same for selling, against the best bid."""
    bid_walls: int
    ask_walls: int
    age_ms: int | None
    """None without a book."""
    verdict: BookVerdict
    confidence: float
    """In the verdict, 0..1; 0 when it is REJECT."""
    reject: BookRejection | None
    """Set exactly when the verdict is REJECT."""
    quality: float = 0.0
    """0..1: how far spread, slippage and depth stay from their limits; 0 when it is REJECT."""
    order_quote: float = 0.0
    """The size whose slippage was measured."""
    presence: Check | None = None
    """Whether there was a book to measure."""
    rules: tuple[Rule, ...] = ()
    """What was asked of its numbers."""

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every question asked about the book, with its number, also the passed ones."""
        presence = () if self.presence is None else (self.presence,)
        return (*presence, *[rule.check() for rule in self.rules])

    def as_figures(self) -> dict[str, float | str]:
        """For journals and screens: rounded, and without infinities, which JSON does not know."""
        figures: dict[str, float | str] = {
            "verdict": self.verdict.value,
            "confidence": round(self.confidence, 2),
            "bid": _price(self.bid),
            "ask": _price(self.ask),
            "mid": _price(self.mid),
            "spread_percent": _percent(self.spread_percent, "unknown"),
            "bid_volume_quote": round(self.bid_volume_quote, 2),
            "ask_volume_quote": round(self.ask_volume_quote, 2),
            "imbalance_percent": round(self.imbalance_percent, 1),
            "buy_slippage_percent": _percent(self.buy_slippage_percent, "unfillable"),
            "sell_slippage_percent": _percent(self.sell_slippage_percent, "unfillable"),
            "order_quote": round(self.order_quote, 2),
            "bid_walls": self.bid_walls,
            "ask_walls": self.ask_walls,
            "quality": round(self.quality, 2),
        }
        if self.age_ms is not None:
            figures["age_ms"] = self.age_ms
        if self.support_price is not None:
            figures["support_price"] = _price(self.support_price)
            figures["support_quote"] = round(self.support_quote, 2)
        if self.resistance_price is not None:
            figures["resistance_price"] = _price(self.resistance_price)
            figures["resistance_quote"] = round(self.resistance_quote, 2)
        if self.reject is not None:
            figures["reject"] = self.reject.text
        return figures


def _price(price: float) -> float:
    """Ten significant digits: exact for every price an exchange quotes, without float tails."""
    return float(f"{price:.10g}")


def _percent(value: float, otherwise: str) -> float | str:
    return round(value, 4) if isfinite(value) else otherwise
