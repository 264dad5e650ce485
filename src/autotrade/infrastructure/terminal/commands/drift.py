"""`drift`: by how much a backtest of the recorded candles flatters, deal by deal."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from autotrade.infrastructure.terminal.commands.replay import (
    make_strategy_known,
    recorded_folder,
    whole_rows,
)
from autotrade.infrastructure.terminal.formatting import format_short, format_signed, format_time
from autotrade.infrastructure.terminal.output import write_json, write_result
from autotrade.infrastructure.terminal.tables import show_pairs, show_table

if TYPE_CHECKING:
    from autotrade.infrastructure.drift.attribution import DealDrift
    from autotrade.infrastructure.drift.deal_facts import DealFacts
    from autotrade.infrastructure.drift.drift import DriftReport
    from autotrade.infrastructure.journal.data_folder import DataFolder


def run(arguments: argparse.Namespace) -> int:
    report = drift_of(recorded_folder(arguments))
    if arguments.json:
        write_json(drift_json(report))
    else:
        _show(report)
    return 0


def drift_of(folder: DataFolder) -> DriftReport:
    from autotrade.infrastructure.drift.drift import measure
    from autotrade.infrastructure.market_recording.reader import Recordings

    recordings = Recordings(folder.recording)
    for seq in recordings.starts:
        if (recording := recordings.find(seq)) is not None:
            make_strategy_known(recording.session)
    return measure(whole_rows(folder), recordings)


# --- saying ---------------------------------------------------------------------------------------


def drift_json(report: DriftReport) -> dict[str, object]:
    """The object `drift --json` prints; a part is positive where the backtest is better off."""
    return {
        "from_ms": report.run.start_ts,
        "to_ms": report.run.end_ts,
        "sessions": report.run.sessions,
        "candles": report.candles,
        "quote": report.quote,
        "recorded_net": report.recorded,
        "backtest_net": report.backtest,
        "flatters": report.flatters,
        "parts": report.parts,
        "deals": [_deal_json(deal) for deal in report.deals],
        "assumptions": report.assumptions,
        "notes": report.run.notes,
    }


def _deal_json(deal: DealDrift) -> dict[str, object]:
    return {
        "pair": deal.key[0],
        "signal_ts": deal.key[1],
        "difference": deal.difference,
        "parts": deal.parts,
        "text": deal.text,
        "recorded": None if deal.recorded is None else _facts_json(deal.recorded),
        "backtest": None if deal.backtest is None else _facts_json(deal.backtest),
    }


def _facts_json(facts: DealFacts) -> dict[str, object]:
    return {
        "deal": facts.deal_id,
        "amount": facts.bought,
        "entry_price": _rounded(facts.entry_price),
        "exit_price": _rounded(facts.exit_price),
        "fees": facts.fees,
        "net": facts.result,
        "exit": facts.exit,
        "waited_ms": facts.waited_ms,
    }


def _rounded(price: Decimal | None) -> Decimal | None:
    return None if price is None else round(price, 10)


def _show(report: DriftReport) -> None:
    fee = report.assumptions
    show_pairs(
        [
            (
                "time",
                f"{format_time(report.run.start_ts)} to {format_time(report.run.end_ts)}, "
                f"{report.candles} candles, {report.run.sessions} session(s)",
            ),
            (
                "backtest",
                f"the run's settings; fees {fee.maker_fee} and {fee.taker_fee}, latency "
                f"{fee.latency_ms} ms, spread {fee.spread_bp} bp",
            ),
        ]
    )
    show_table(
        "Deals",
        ["pair", "signal on candle", "run>", "backtest>", "difference>", "of which", "why"],
        [_row(deal) for deal in report.deals],
        "No deals in either.",
    )
    show_table(
        f"Difference in {report.quote}",
        ["part", "backtest is better by>"],
        [(name, _signed(value)) for name, value in report.parts.items() if value],
        "",
    )
    for note in report.run.notes:
        write_result(f"note: {note}")
    write_result(_verdict(report))


def _row(deal: DealDrift) -> tuple[str, ...]:
    return (
        deal.key[0],
        format_time(deal.key[1]),
        "-" if deal.recorded is None else _signed(deal.recorded.result),
        "-" if deal.backtest is None else _signed(deal.backtest.result),
        _signed(deal.difference),
        ", ".join(_parts(deal)) or "-",
        deal.text,
    )


def _parts(deal: DealDrift) -> Iterator[str]:
    for name, value in deal.parts.items():
        if value:
            yield f"{name.replace('_', ' ')} {_signed(value)}"


def _signed(value: Decimal) -> str:
    """For the eye; --json has every digit."""
    return format_signed(Decimal(format_short(value, 4)))


def _verdict(report: DriftReport) -> str:
    both = f"{_signed(report.backtest)} against {_signed(report.recorded)} {report.quote}"
    if not report.flatters:
        return f"the backtest says what was: {both} over {len(report.deals)} deals"
    word = "flatters" if report.flatters > 0 else "is harder than what was"
    return (
        f"the backtest {word} by {_signed(abs(report.flatters))} {report.quote}: {both} over "
        f"{len(report.deals)} deals"
    )
