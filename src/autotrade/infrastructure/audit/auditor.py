"""The audit: one pass over the journal's lines, then the comparison with the exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from autotrade.infrastructure.audit.chain import verified_rows
from autotrade.infrastructure.audit.deals import Deals
from autotrade.infrastructure.audit.exchange import HistoryCheck, add_fills
from autotrade.infrastructure.audit.history import ExchangeHistory
from autotrade.infrastructure.audit.orders import Orders
from autotrade.infrastructure.audit.report import AuditReport, tidy
from autotrade.infrastructure.audit.sessions import Sessions
from autotrade.infrastructure.audit.snapshots import check_deals_file

Row = dict[str, Any]

PRECISION = 60
"""Digits of every sum: more than any exact product of prices and amounts has."""
JOURNAL = "journal.jsonl"
DEALS = "deals.json"


def audit_lines(lines: Iterable[bytes], history: ExchangeHistory | None = None) -> AuditReport:
    """Check a journal, line by line; memory grows with orders and fills, not with rows."""
    return _audit(lines, history, None)


def audit_folder(
    data_dir: Path, history: ExchangeHistory | None = None, *, bytes_max: int | None = None
) -> AuditReport:
    """Check a data folder, also one that is in use: it is only read. `bytes_max` leaves out what
    the journal gained since it had this size. Raises ValueError where there is no journal."""
    journal = data_dir / JOURNAL
    if not journal.is_file():
        raise ValueError(f"expected a journal in {data_dir}, found no {JOURNAL} there")
    return _audit(_lines(journal, bytes_max), history, data_dir / DEALS)


def _lines(path: Path, bytes_max: int | None) -> Iterator[bytes]:
    left = path.stat().st_size if bytes_max is None else bytes_max
    with path.open("rb") as stream:
        while left > 0 and (line := stream.readline(left)):
            left -= len(line)
            yield line


def _audit(
    lines: Iterable[bytes], history: ExchangeHistory | None, deals_file: Path | None
) -> AuditReport:
    with localcontext() as context:
        context.prec = PRECISION
        audit = _Audit()
        for row in verified_rows(lines, audit.report):
            audit.take(row)
        return audit.end(history, deals_file)


class _Audit:
    """Gives each row to those who follow its kind."""

    def __init__(self) -> None:
        self.report = AuditReport()
        self.sessions = Sessions(self.report)
        self.orders = Orders(self.report, self.sessions)
        self.deals = Deals(self.report, self.sessions, self.orders)
        sessions, deals, told = self.sessions, self.deals, self._told
        self._followers: dict[str, Callable[[Row], None]] = {
            "SessionStarted": sessions.started,
            "SessionReady": sessions.ready,
            "SessionStopped": sessions.stopped,
            "OperatorRequested": sessions.requested,
            "Reconciled": sessions.compared,
            "ChannelLost": sessions.channel_lost,
            "ChannelRestored": sessions.channel_restored,
            "MarketRulesUpdated": sessions.filters_updated,
            "Decision": deals.decided,
            "DealOpened": deals.opened,
            "SellPlanned": deals.planned,
            "FeeValued": deals.fee_valued,
            "DustTaken": deals.dust_taken,
            "DustBooked": deals.dust_booked,
            "DealClosed": deals.ended,
            "DealCanceled": deals.ended,
            "PlaceOrder": self._placed,
            "PlaceOrderList": self._placed,
            "OrderFilled": self._filled,
            "OrderAccepted": told,
            "OrderRejected": told,
            "OrderOutcomeUnknown": told,
            "OrderCanceled": told,
            "OrderReported": told,
            "OrderNotFound": told,
            "CancelRejected": told,
            "CancelOutcomeUnknown": told,
        }

    def take(self, row: Row) -> None:
        follower = self._followers.get(row["type"])
        try:
            if follower is not None:
                follower(row)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            text = f"the data of this {row['type']} is not as documented: {error!r}"
            self.report.blame("unreadable_row", text, row["seq"], None)
        self.sessions.follow(row)

    def _placed(self, row: Row) -> None:
        self.deals.placed(row, self.orders.placed(row))

    def _told(self, row: Row) -> None:
        resting = self.orders.told(row)
        if resting is not None:
            self.deals.rests(row, resting)

    def _filled(self, row: Row) -> None:
        found = self.orders.filled(row)
        if found is not None:
            self.deals.filled(row, *found)

    def end(self, history: ExchangeHistory | None, deals_file: Path | None) -> AuditReport:
        report = self.report
        self.deals.sum_up()
        balances: dict[str, Decimal] = dict(report.start_balances)
        add_fills(balances, self.orders.fills.values())
        report.start_balances, report.balances = tidy(report.start_balances), tidy(balances)
        if history is not None:
            HistoryCheck(report, self.sessions, self.orders, history).run()
        else:
            report.orders = sum(life.is_accepted for life in self.orders.lives.values())
        if deals_file is not None:
            check_deals_file(deals_file, self.deals, report, last_seq=self.sessions.last_seq)
        return report
