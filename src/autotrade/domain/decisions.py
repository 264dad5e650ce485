"""Why: a Decision says what a signal came to, with every check, its number and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class RefusalReason(StrEnum):
    """The check that refused a signal; one word each, for counting."""

    BOOK_EMPTY = "book_empty"
    BOOK_STALE = "book_stale"
    SPREAD = "spread"
    SLIPPAGE = "slippage"
    LIQUIDITY = "liquidity"
    BOOK_AGAINST = "book_against"
    BOOK_SUPPORT_MISSING = "book_support_missing"
    CONFIDENCE = "confidence"
    MARKET_CONDITIONS = "market_conditions"
    COOLDOWN_SIGNAL = "cooldown_signal"
    COOLDOWN_LOSS = "cooldown_loss"
    ENTRY_DISTANCE = "entry_distance"
    DEAL_COUNT = "deal_count"
    OPEN_DEALS = "open_deals"
    BALANCE = "balance"
    PAUSED = "paused"
    HALTED = "halted"
    STALE_DATA = "stale_data"
    NOT_READY = "not_ready"
    MIN_NOTIONAL = "min_notional"
    AMOUNT = "amount"
    NET_PROFIT = "net_profit"
    STRATEGY_FAULT = "strategy_fault"
    """The strategy itself failed; its pair gets no more signals in this session."""


class Modification(StrEnum):
    """What a decision changed on the plain plan."""

    ENTRY_AT_SUPPORT = "entry_at_support"
    EXIT_AT_RESISTANCE = "exit_at_resistance"
    SMALLER_SIZE = "smaller_size"


@dataclass(frozen=True, slots=True)
class Check:
    """One question asked about a signal. `text` is the sentence for people."""

    name: str
    passed: bool
    value: str
    limit: str
    text: str
    reason: RefusalReason | None = None
    """Set when it refused."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A strategy's word: buy this now, and why."""

    symbol: str
    strategy: str
    version: str
    kind: str
    """What was seen, in one word: macd_cross."""
    ts: int
    candle_ts: int
    """Open time of the closed candle that gave it."""
    price: Decimal
    values: dict[str, float]
    """The indicator values behind it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a signal. Refused ones are kept as carefully as approved ones.

    Amounts: base currency; prices and `budget`: quote currency; `confidence`: 0..1.
    """

    id: str
    ts: int
    signal: Signal
    approved: bool
    confidence: float
    checks: tuple[Check, ...]
    modifications: tuple[Modification, ...]
    entry_price: Decimal | None
    amount: Decimal | None
    target_price: Decimal | None
    budget: Decimal | None
    book: dict[str, float | str]
    """The figures of the order book that were looked at, as OrderBookMetrics names them."""
    conditions: dict[str, float | str]
    """Volatility and trend, as MarketConditions names them."""

    @property
    def refusal(self) -> Check | None:
        """The first check that refused, or None."""
        return next((check for check in self.checks if not check.passed), None)

    @property
    def reason_text(self) -> str:
        refused = self.refusal
        return "approved" if refused is None else refused.text
