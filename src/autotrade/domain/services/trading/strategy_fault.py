"""A strategy that failed while the bot runs: one refused decision that says so, in the journal."""

from __future__ import annotations

from decimal import Decimal

from autotrade.domain.decisions import Check, Decision, RefusalReason, Signal
from autotrade.domain.events import CandleClosed
from autotrade.domain.state import TradingState
from autotrade.domain.strategies.base import SignalSource, StrategyFault

KIND = "strategy_fault"


def refuse_faulty(
    state: TradingState, strategy: SignalSource, event: CandleClosed, fault: StrategyFault
) -> Decision:
    """The refusal of whatever the strategy wanted to say about this candle."""
    text = f"{fault}; no more signals for {event.symbol} until the next start"
    check = Check(
        name="strategy",
        passed=False,
        value="failed",
        limit="an answer",
        text=text,
        reason=RefusalReason.STRATEGY_FAULT,
    )
    signal = Signal(
        symbol=event.symbol,
        strategy=strategy.name,
        version=strategy.version,
        kind=KIND,
        ts=event.ts,
        candle_ts=event.candle.open_ts,
        price=Decimal(repr(float(event.candle.close))),
        values={},
    )
    return Decision(
        id=f"D{state.totals.decisions + 1}",
        ts=event.ts,
        signal=signal,
        approved=False,
        confidence=0.0,
        checks=(check,),
        modifications=(),
        entry_price=None,
        amount=None,
        target_price=None,
        budget=None,
        book={},
        conditions={},
    )
