"""Where the difference of two runs comes from, deal by deal, in quote currency.

A part is positive where the backtest was better off. Prices are compared on the amount that the
recorded run bought, q:

    spread   q * (first limit recorded - backtest), and of two targets that were reached q * (target
             backtest - recorded): the plan was made of another book
    queue    a BUY that rested, was re-created at another price, or was filled in one run only or in
             part: q * what it moved
    latency  q * (fill - limit) of BUYs that took at once: the price between decision and fill
    exit path  q * (sale backtest - recorded) where not both reached their target
    fee      fees recorded - backtest
    amount   the rest: other sizes, rounding to lots, dust, the fee that is taken in base currency
    missed signal  the whole result of a deal that only one run has

Each part is rounded to `DIGITS` places and the last one takes what remains, so the parts of a deal
sum to its difference exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from autotrade.domain.entities.order import ZERO
from autotrade.infrastructure.drift.deal_facts import (
    NOTHING_BOUGHT,
    TARGET,
    DealFacts,
    RunFacts,
    SignalKey,
)

DIGITS = 10
SPREAD, QUEUE, LATENCY, EXIT_PATH = "spread", "queue", "latency", "exit_path"
FEE, AMOUNT, MISSED_SIGNAL = "fee", "amount", "missed_signal"
PARTS = (LATENCY, SPREAD, QUEUE, FEE, EXIT_PATH, AMOUNT, MISSED_SIGNAL)


@dataclass(slots=True)
class DealDrift:
    key: SignalKey
    recorded: DealFacts | None
    backtest: DealFacts | None
    parts: dict[str, Decimal] = field(default_factory=dict)
    text: str = ""

    @property
    def difference(self) -> Decimal:
        """Backtest minus recorded run."""
        return _result(self.backtest) - _result(self.recorded)


def attribute(recorded: RunFacts, backtest: RunFacts) -> list[DealDrift]:
    """Every deal of either run, in the order of their signals."""
    keys = sorted({*recorded.deals, *backtest.deals}, key=lambda key: (key[1], key[0]))
    return [_drift(key, recorded, backtest) for key in keys]


def _drift(key: SignalKey, recorded: RunFacts, backtest: RunFacts) -> DealDrift:
    drift = DealDrift(key, recorded.deals.get(key), backtest.deals.get(key))
    if drift.recorded is None:
        drift.parts[MISSED_SIGNAL] = drift.difference
        drift.text = f"only in the backtest; {_why(recorded, key, 'the run')}"
    elif drift.backtest is None:
        drift.parts[MISSED_SIGNAL] = drift.difference
        drift.text = f"only in the run; {_why(backtest, key, 'the backtest')}"
    else:
        _compare(drift, drift.recorded, drift.backtest)
    return drift


def _why(facts: RunFacts, key: SignalKey, who: str) -> str:
    decision = facts.decisions.get(key)
    if decision is None:
        if facts.candles is not None and key not in facts.candles:
            return f"{who} was not there when this candle closed"
        return f"{who} saw no signal on this candle"
    if decision.approved:
        return f"{who} approved the signal and opened no deal"
    reason = "" if decision.refusal is None else f" ({decision.refusal.reason})"
    return f"{who} refused the signal: {decision.reason_text}{reason}"


def _compare(drift: DealDrift, run: DealFacts, back: DealFacts) -> None:
    parts, total = drift.parts, drift.difference
    if not run.bought or not back.bought:
        parts[QUEUE] = total
        drift.text = _unfilled_text(run, back)
        return
    amount = run.bought
    slip_run, slip_back = _slip(run), _slip(back)
    entry = QUEUE if run.bought_as_maker or back.bought_as_maker else LATENCY
    _add(parts, SPREAD, amount * (run.first_limit - back.first_limit))
    moved = (run.limit - run.first_limit) - (back.limit - back.first_limit)
    _add(parts, QUEUE, amount * moved)
    _add(parts, entry, amount * (slip_run - slip_back))
    _add(parts, FEE, run.fees - back.fees)
    if run.exit_price is not None and back.exit_price is not None:
        sold = min(amount, run.sold)
        if run.exit == back.exit == TARGET:
            planned = back.target - run.target
            _add(parts, SPREAD, sold * planned)
            _add(parts, EXIT_PATH, sold * (back.exit_price - run.exit_price - planned))
        else:
            _add(parts, EXIT_PATH, sold * (back.exit_price - run.exit_price))
        rest = AMOUNT
    else:
        rest = EXIT_PATH if run.exit != back.exit else AMOUNT
    if rest == AMOUNT and (run.bought < run.ordered) != (back.bought < back.ordered):
        rest = QUEUE
    parts[rest] = parts.get(rest, ZERO) + total - sum(parts.values(), ZERO)
    drift.text = _text(run, back)


def _slip(deal: DealFacts) -> Decimal:
    """What a base unit cost above the limit of the BUY that was filled."""
    return (deal.entry_price or deal.limit) - deal.limit


def _add(parts: dict[str, Decimal], name: str, value: Decimal) -> None:
    if value:
        parts[name] = parts.get(name, ZERO) + round(value, DIGITS)


def _unfilled_text(run: DealFacts, back: DealFacts) -> str:
    if run.bought == back.bought:
        return "nothing was bought in either"
    who = "the backtest" if run.exit == NOTHING_BOUGHT or not run.bought else "the run"
    return f"the BUY was filled in {who} only"


def _text(run: DealFacts, back: DealFacts) -> str:
    how = "rested" if run.bought_as_maker else "took"
    how_back = "rested" if back.bought_as_maker else "took"
    return (
        f"BUY {how} and was filled {run.waited_ms} ms after the decision ({how_back}, "
        f"{back.waited_ms} ms in the backtest); left by {run.exit} ({back.exit})"
    )


def _result(deal: DealFacts | None) -> Decimal:
    return ZERO if deal is None else deal.result
