"""What a run came to: one JSON object for machines, a few lines for people."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from autotrade.infrastructure.terminal.duration import format_duration
from autotrade.infrastructure.terminal.formatting import format_amounts, format_number


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The facts of one run, summed by whoever ran it.

    Money is per asset. `ledger_difference` is start balances plus the journal's fills minus the
    exchange's account: anything but zero means that something was lost or counted twice.
    """

    seconds: float
    signals: int
    decisions_approved: int
    decisions_refused: dict[str, int]
    deals_opened: int
    deals_closed: int
    deals_canceled: int
    deals_open: int
    pnl_net: dict[str, Decimal]
    fees: dict[str, Decimal]
    latency_us: dict[str, float]
    """Tick to decision: p50, p95, p99, max."""
    reconnects: int
    unprotected_ms_max: int
    ledger_difference: dict[str, Decimal] | None
    """None where the exchange's account could not be asked."""
    resting_orders: list[str] = field(default_factory=list)
    """A sentence for each order that still rests on the exchange."""
    stopped_by: str = ""


def summary_json(summary: RunSummary) -> dict[str, object]:
    """The object `trade --json` prints."""
    return {
        "seconds": round(summary.seconds, 3),
        "stopped_by": summary.stopped_by,
        "signals": summary.signals,
        "decisions": {
            "approved": summary.decisions_approved,
            "refused": dict(sorted(summary.decisions_refused.items())),
        },
        "deals": {
            "opened": summary.deals_opened,
            "closed": summary.deals_closed,
            "canceled": summary.deals_canceled,
            "open": summary.deals_open,
        },
        "pnl_net": _texts(summary.pnl_net),
        "fees": _texts(summary.fees),
        "latency_us": summary.latency_us,
        "reconnects": summary.reconnects,
        "unprotected_ms_max": summary.unprotected_ms_max,
        "ledger_difference": (
            None if summary.ledger_difference is None else _texts(summary.ledger_difference)
        ),
        "resting_orders": summary.resting_orders,
    }


def render_summary(summary: RunSummary) -> str:
    """The lines a person reads after Ctrl+C."""
    refused = sum(summary.decisions_refused.values())
    reasons = ", ".join(f"{name} {n}" for name, n in sorted(summary.decisions_refused.items()))
    latency = ", ".join(f"{name} {value:.0f}" for name, value in summary.latency_us.items())
    lines = [
        f"Summary after {format_duration(summary.seconds)}"
        + (f" ({summary.stopped_by})" if summary.stopped_by else ""),
        f"  signals      {summary.signals}",
        f"  decisions    {summary.decisions_approved} approved, {refused} refused"
        + (f": {reasons}" if reasons else ""),
        f"  deals        {summary.deals_opened} opened, {summary.deals_closed} closed, "
        f"{summary.deals_canceled} canceled, {summary.deals_open} still open",
        f"  net profit   {format_amounts(summary.pnl_net)}",
        f"  fees         {format_amounts(summary.fees)}",
        f"  latency us   {latency or '-'}",
        f"  reconnects   {summary.reconnects}; longest without protection "
        f"{summary.unprotected_ms_max} ms",
        f"  ledger       {_ledger_text(summary.ledger_difference)}",
    ]
    lines.extend(f"  rests        {text}" for text in summary.resting_orders)
    return "\n".join(lines)


def _texts(amounts: dict[str, Decimal]) -> dict[str, str]:
    return {asset: format_number(amount) for asset, amount in sorted(amounts.items())}


def _ledger_text(difference: dict[str, Decimal] | None) -> str:
    if difference is None:
        return "not compared: the exchange's account could not be asked"
    wrong = {asset: amount for asset, amount in difference.items() if amount}
    if wrong:
        return f"DIFFERS from the exchange's account by {format_amounts(wrong)}"
    return f"agrees with the exchange's account in {', '.join(sorted(difference)) or 'all assets'}"
