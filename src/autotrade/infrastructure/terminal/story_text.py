"""A story as text for people and as one object for machines."""

from __future__ import annotations

import textwrap
from decimal import Decimal

from autotrade.domain.decisions import Check, Decision
from autotrade.domain.entities.deal import Deal, DealStatus
from autotrade.infrastructure.terminal.duration import format_duration
from autotrade.infrastructure.terminal.formatting import (
    format_amounts,
    format_number,
    format_short,
    format_signed,
    format_time,
)
from autotrade.infrastructure.terminal.output import plain
from autotrade.infrastructure.terminal.story import DealStory, Step

_LABEL_WIDTH = 10
_TEXT_WIDTH = 100
_PLAIN_WORDS = ("yes", "no", "none", "any")
_MARKS = {True: "ok", False: "REFUSED"}


def render_story(story: DealStory) -> str:
    """Headline, decision with every check, steps in time order, result."""
    lines = [_headline(story.deal), ""]
    if story.decision is not None:
        lines += [*_decision_lines(story.decision), ""]
    start_ts = story.decision.ts if story.decision else story.deal.created_ts
    lines += ["What happened", *_step_lines(story.steps, start_ts), "", "Result"]
    lines += [f"  {line}" for line in _result_lines(story.deal)]
    return "\n".join(lines)


def render_decision(decision: Decision) -> str:
    """The story of a signal that became no deal (or of the decision alone)."""
    verdict = "approved" if decision.approved else f"refused: {decision.reason_text}"
    head = f"Decision {decision.id}  {decision.signal.symbol}  {verdict}"
    return "\n".join([head, "", *_decision_lines(decision)])


def story_json(story: DealStory) -> dict[str, object]:
    deal = plain(story.deal)
    assert isinstance(deal, dict)
    deal["average_entry"] = plain(story.deal.average_entry)
    return {
        "deal": deal,
        "decision": plain(story.decision),
        "steps": plain(story.steps),
    }


def _headline(deal: Deal) -> str:
    head = f"Deal {deal.id}  {deal.symbol}  {deal.status}"
    if deal.status is DealStatus.CLOSED:
        head += f"  net {format_signed(deal.pnl_net)} {deal.quote}"
        if deal.cost:
            percent = round(deal.pnl_net / deal.cost * 100, 2)
            head += f" ({format_signed(percent)} % of what was spent)"
    if deal.closed_ts is not None:
        head += f"  after {format_duration((deal.closed_ts - deal.created_ts) / 1000)}"
    return head


def _decision_lines(decision: Decision) -> list[str]:
    signal = decision.signal
    lines = [
        _labeled("Signal", f"{format_time(signal.ts)}  {signal.symbol} {signal.kind} at "
                 f"{format_number(signal.price)}, {signal.strategy} {signal.version}"),
    ]  # fmt: skip
    for label, figures in (
        ("", signal.values),
        ("Book", decision.book),
        ("Market", decision.conditions),
    ):
        if figures:
            lines.append(_labeled(label, _figures_text(figures)))
    verdict = "approved" if decision.approved else "refused"
    lines.append(
        _labeled("Decision", f"{decision.id} {verdict}, confidence {decision.confidence:.2f}")
    )
    lines += _check_lines(decision.checks)
    if decision.modifications:
        words = ", ".join(item.replace("_", " ") for item in decision.modifications)
        lines.append(_labeled("Changed", words))
    if decision.approved and decision.amount is not None:
        lines.append(_labeled("Plan", _plan_text(decision)))
    return lines


def _plan_text(decision: Decision) -> str:
    base, _, quote = decision.signal.symbol.partition("/")
    return (
        f"BUY {format_number(decision.amount)} {base} @ {format_number(decision.entry_price)}, "
        f"SELL @ {format_number(decision.target_price)}, "
        f"budget {format_number(decision.budget)} {quote}"
    )


def _check_lines(checks: tuple[Check, ...]) -> list[str]:
    """One line a check: the verdict, the sentence, and the number where the sentence lacks it."""
    width = max((len(_MARKS[check.passed]) for check in checks), default=0)
    return [f"  {_MARKS[check.passed]:<{width}}  {_check_text(check)}" for check in checks]


def _check_text(check: Check) -> str:
    numbers = []
    if check.value not in check.text and check.value not in _PLAIN_WORDS:
        numbers.append(check.value)
    if check.limit not in check.text and check.limit not in _PLAIN_WORDS:
        numbers.append(f"limit {check.limit}")
    return f"{check.text} ({', '.join(numbers)})" if numbers else check.text


def _step_lines(steps: list[Step], start_ts: int) -> list[str]:
    lines, day = [], ""
    for step in steps:
        date, _, clock = format_time(step.ts).partition(" ")
        if date != day:
            day = date
            lines.append(f"  {date}")
        delay = f"+{_delay(max(0, step.ts - start_ts))}"
        lines.append(f"  {clock}  {delay:>8}  {step.text}")
    return lines


def _delay(span_ms: int) -> str:
    return f"{span_ms / 1000:.3f}s" if span_ms < 10_000 else format_duration(span_ms / 1000)


def _result_lines(deal: Deal) -> list[str]:
    lines = [
        _labeled("bought", _side_text(deal.bought, deal.cost, deal)),
        _labeled("sold", _side_text(deal.sold, deal.proceeds, deal)),
        _labeled("fees", f"{format_amounts(deal.fees)} (worth {_short(deal.fees_quote, deal)})"),
    ]
    if deal.dust_out:
        kept = f"{format_number(deal.dust_out)} {deal.base} kept"
        lines.append(_labeled("dust", f"{kept}, cost {_short(deal.dust_out_cost, deal)}"))
    if deal.is_open:
        lines.append(_labeled("holds", f"{format_number(deal.held)} {deal.base}, still open"))
        return lines
    if deal.status is DealStatus.CLOSED:
        lines.append(_labeled("gross", f"{format_signed(deal.pnl_gross)} {deal.quote}"))
        lines.append(_labeled("net", f"{format_signed(deal.pnl_net)} {deal.quote}"))
    lines.append(_labeled("because", deal.close_text or "-"))
    return lines


def _side_text(amount: Decimal, quote_amount: Decimal, deal: Deal) -> str:
    if not amount:
        return "nothing"
    average = format_short(quote_amount / amount)
    return (
        f"{format_number(amount)} {deal.base} for {format_number(quote_amount)} {deal.quote}, "
        f"average {average}"
    )


def _short(amount: Decimal, deal: Deal) -> str:
    return f"{format_short(amount)} {deal.quote}"


def _figures_text(figures: dict[str, float] | dict[str, float | str]) -> str:
    words = []
    for name, value in figures.items():
        text = value if isinstance(value, str) else format_number(value)
        words.append(f"{name.replace('_', ' ')} {text}")
    return ", ".join(words)


def _labeled(label: str, text: str) -> str:
    """Label and text; a long text goes on under itself."""
    indent = " " * _LABEL_WIDTH
    return textwrap.fill(
        text,
        _TEXT_WIDTH,
        initial_indent=f"{label:<{_LABEL_WIDTH}}",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
