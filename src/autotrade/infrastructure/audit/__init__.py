"""The second, independent checker: a journal's raw lines against the exchange's own history.

It shares no code with what it checks and imports nothing of AutoTrade: it reads JSON, knows the
documented names of the journal (docs/reference/journal_format.md) and of Binance's REST API, and
counts everything anew.
"""

from autotrade.infrastructure.audit.auditor import audit_folder, audit_lines
from autotrade.infrastructure.audit.history import ExchangeHistory
from autotrade.infrastructure.audit.report import AuditReport, DealResult, Violation

__all__ = [
    "AuditReport",
    "DealResult",
    "ExchangeHistory",
    "Violation",
    "audit_folder",
    "audit_lines",
]
