"""AuditReport: what was counted, and every rule that was broken as a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypedDict

VIOLATIONS_MAX = 1_000
"""More are counted, not kept: a journal that is wrong everywhere must not fill the memory."""
ZERO = Decimal(0)


class DecisionCounts(TypedDict):
    approved: int
    refused: dict[str, int]
    """By the word of the check that refused first."""


class DealCounts(TypedDict):
    opened: int
    closed: int
    canceled: int
    open: int


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule. `code` is the rule's name, `seq` the journal's row, where there is one."""

    code: str
    text: str
    seq: int | None = None
    deal: int | None = None


@dataclass(frozen=True, slots=True)
class DealResult:
    """A deal as its fills say it went. Amounts in base currency, the rest in quote currency;
    `pnl_net` is None while it is open and when it was canceled."""

    status: str
    symbol: str
    bought: Decimal
    cost: Decimal
    sold: Decimal
    proceeds: Decimal
    pnl_net: Decimal | None


@dataclass(slots=True)
class AuditReport:
    """The figures that the audit derived by itself. Money is per asset."""

    rows: int = 0
    sessions: int = 0
    intents: int = 0
    """Orders that were written down to be sent; an order list counts as its two legs."""
    orders: int = 0
    """Of them, those that the exchange took (has, when its history was given)."""
    fills: int = 0
    fills_told_again: int = 0
    """Rows of a fill that the journal already held, with the same numbers: they change nothing."""
    decisions: DecisionCounts = field(
        default_factory=lambda: DecisionCounts(approved=0, refused={})
    )
    deals: DealCounts = field(
        default_factory=lambda: DealCounts(opened=0, closed=0, canceled=0, open=0)
    )
    pnl_net: dict[str, Decimal] = field(default_factory=dict)
    """Of the closed deals, per quote currency."""
    fees: dict[str, Decimal] = field(default_factory=dict)
    start_balances: dict[str, Decimal] = field(default_factory=dict)
    balances: dict[str, Decimal] = field(default_factory=dict)
    """Start balances plus our own fills and fees."""
    has_history: bool = False
    """True when the exchange's own history was compared."""
    ledger_difference: dict[str, Decimal] = field(default_factory=dict)
    """What we derive minus what the exchange has; only with a history. Zero is right."""
    trades_late: int = 0
    """Our trades that came after the bot's last look at the exchange: the next start learns of
    them."""
    orders_late: int = 0
    """Our orders that are younger than the journal's last row, while the bot is running."""
    foreign_orders: int = 0
    foreign_trades: int = 0
    """Of somebody else on the same account; they count in the ledger and nowhere else."""
    written_off: dict[str, Decimal] = field(default_factory=dict)
    """Coins that closed deals gave up because the exchange said that they were gone."""
    deal_results: dict[int, DealResult] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    violations_left_out: int = 0
    notes: list[str] = field(default_factory=list)
    """Worth knowing and not wrong: a torn last row, what could not be judged."""

    @property
    def is_clean(self) -> bool:
        return not self.violations

    @property
    def open_deals(self) -> list[int]:
        return [deal for deal, result in self.deal_results.items() if result.status == "OPEN"]

    def blame(self, code: str, text: str, seq: int | None = None, deal: int | None = None) -> None:
        """Take down a violation."""
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(Violation(code, text, seq, deal))
        else:
            self.violations_left_out += 1


def plain(value: Decimal) -> str:
    """An amount for people: plain digits, no trailing zeros."""
    if not value:
        return "0"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def tidy(amounts: dict[str, Decimal]) -> dict[str, Decimal]:
    """Sorted by asset; every zero is the plain zero."""
    return {asset: amounts[asset] or ZERO for asset in sorted(amounts)}
