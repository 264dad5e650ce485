"""`audit`: the independent checker over a data folder."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from autotrade.config.errors import ConfigurationError
from autotrade.infrastructure.terminal.cli import UsageError
from autotrade.infrastructure.terminal.commands.common import data_folder_of, require_folder
from autotrade.infrastructure.terminal.formatting import (
    format_amounts,
    format_number,
    format_signed,
)
from autotrade.infrastructure.terminal.output import plain, write_json, write_result
from autotrade.infrastructure.terminal.tables import show_pairs, show_table

if TYPE_CHECKING:
    from autotrade.infrastructure.audit import AuditReport, ExchangeHistory

JOURNAL_ONLY = "journal only: no history of the exchange was given, so nothing was compared with it"


def run(arguments: argparse.Namespace) -> int:
    folder = require_folder(_folder(arguments))
    # A bot may be writing: what the exchange told must not be older than what the journal says.
    size = (folder / "journal.jsonl").stat().st_size
    history, source = _history(arguments.exchange_history, folder)
    from autotrade.infrastructure.audit import audit_folder

    report = audit_folder(folder, history, bytes_max=size)
    if arguments.json:
        write_json(report_json(report, source))
    else:
        _show(report, folder, source)
    return 0 if report.is_clean else 1


def _folder(arguments: argparse.Namespace) -> Path:
    if arguments.folder is None:
        return data_folder_of(arguments)
    if arguments.data_dir is not None and arguments.data_dir != arguments.folder:
        raise UsageError(
            f"expected one data folder, were {arguments.folder} and {arguments.data_dir}; "
            "leave --data-dir out"
        )
    return Path(arguments.folder).absolute()


def _history(given: Path | None, folder: Path) -> tuple[ExchangeHistory | None, str]:
    """The history to compare with, and the words for where it comes from."""
    if given is not None and not given.is_dir():
        from autotrade.infrastructure.audit import ExchangeHistory

        try:
            return ExchangeHistory.load(given), f"the exchange's history in {given}"
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
    from autotrade.infrastructure.simulated_exchange.account_history import (
        account_history,
        has_account_log,
    )

    place = given or folder
    if has_account_log(place):
        try:
            return account_history(place), f"the embedded exchange's own account log in {place}"
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
    if given is not None:
        raise ConfigurationError(
            f"expected a file or the data folder of an embedded exchange, was {given} without "
            "an account log; docs/guides/audit.md shows the form of the file"
        )
    return None, JOURNAL_ONLY


def report_json(report: AuditReport, source: str) -> dict[str, object]:
    """The object `audit --json` prints."""
    fields = plain(report)
    assert isinstance(fields, dict)
    for name in ("pnl_net", "fees", "start_balances", "balances", "ledger_difference"):
        amounts = getattr(report, name)
        fields[name] = {asset: format_number(amount) for asset, amount in amounts.items()}
    return {"is_clean": report.is_clean, "compared_with": source, **fields}


def _show(report: AuditReport, folder: Path, source: str) -> None:
    show_pairs(_pairs(report, folder, source))
    show_table(
        "Ledger",
        ["asset", "at the start>", "own fills and fees>", "must be>", "difference>"],
        _ledger(report),
        "No balances.",
    )
    if report.violations:
        show_table(
            "Violations",
            ["rule", "row>", "deal>", "what is wrong"],
            [
                (
                    violation.code,
                    "-" if violation.seq is None else str(violation.seq),
                    "-" if violation.deal is None else str(violation.deal),
                    violation.text,
                )
                for violation in report.violations
            ],
            "",
        )
    for note in report.notes:
        write_result(f"note: {note}")
    write_result(_verdict(report))


def _pairs(report: AuditReport, folder: Path, source: str) -> Iterator[tuple[str, str]]:
    refused = report.decisions["refused"]
    deals = report.deals
    yield "data folder", str(folder)
    yield "compared with", source
    yield "journal", f"{report.rows} rows, {report.sessions} sessions"
    yield (
        "decisions",
        f"{report.decisions['approved']} approved, {sum(refused.values())} refused",
    )
    yield (
        "deals",
        f"{deals['opened']} opened, {deals['closed']} closed, {deals['canceled']} canceled, "
        f"{deals['open']} open",
    )
    yield "orders", f"{report.intents} written down, {report.orders} taken by the exchange"
    yield "fills", f"{report.fills}, told again {report.fills_told_again} times"
    yield "net profit", format_amounts(report.pnl_net)
    yield "fees", format_amounts(report.fees)
    if report.written_off:
        yield "given up", f"{format_amounts(report.written_off)} moved away outside the bot"
    if report.has_history:
        yield "by others", f"{report.foreign_orders} orders, {report.foreign_trades} trades"
        yield "after the last look", f"{report.trades_late} trades, {report.orders_late} orders"


def _ledger(report: AuditReport) -> Iterator[tuple[str, ...]]:
    differences = report.ledger_difference
    for asset in sorted({*report.balances, *differences}):
        start = report.start_balances.get(asset, Decimal(0))
        now = report.balances.get(asset, Decimal(0))
        difference = differences.get(asset)
        yield (
            asset,
            format_number(start),
            format_signed(now - start) if now != start else "0",
            format_number(now),
            "not compared" if difference is None else format_signed(difference),
        )


def _verdict(report: AuditReport) -> str:
    if report.is_clean:
        told = "the journal and the exchange agree" if report.has_history else "the journal holds"
        return f"nothing is wrong: {told}"
    count = len(report.violations) + report.violations_left_out
    left_out = (
        f", of which {len(report.violations)} are shown" if report.violations_left_out else ""
    )
    return f"{count} violation(s) found{left_out}"
