"""When the bot was allowed to buy, and up to when it must have known what the exchange did."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from autotrade.infrastructure.audit.lives import wire
from autotrade.infrastructure.audit.report import ZERO, AuditReport

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filters:
    """Of a pair's filters, those that matter here."""

    lot_size: Decimal
    minimum_notional: Decimal
    is_trading: bool


@dataclass(slots=True)
class Sessions:
    """Follows the rows of the session, the operator and the streams."""

    report: AuditReport
    installation_id: str = ""
    start_ts: int | None = None
    """Of the first session: the ledger begins here."""
    window_ms: int = 0
    """How long after it was sent the exchange may still take a request."""
    pairs: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Symbol on the wire -> (base, quote)."""
    filters: dict[str, Filters] = field(default_factory=dict)
    is_running: bool = False
    is_ready: bool = False
    is_paused: bool = False
    is_stopping: bool = False
    is_flattening: bool = False
    last_seq: int = 0
    last_ts: int = 0
    last_type: str = ""
    _lost: dict[tuple[str, str], str] = field(default_factory=dict)
    _session_ts: int = 0
    _stop_ts: int = 0
    _stopped_ts: int | None = None
    _compared_ts: int | None = None
    """Of the last comparison with the exchange."""
    _known_until_ts: int | None = None
    """A moment that lies before the last comparison began."""

    @property
    def prefix(self) -> str | None:
        """How our client order ids begin; None when no session was started."""
        return f"{self.installation_id}-" if self.installation_id else None

    @property
    def known_until_ts(self) -> int:
        """What the exchange did before this moment must be in the journal: the bot's last look at
        the exchange began later."""
        if self._known_until_ts is not None:
            return self._known_until_ts
        return self.last_ts if self._stopped_ts is None else self._stopped_ts

    def follow(self, row: Row) -> None:
        """Any row."""
        self.last_seq = row["seq"]
        self.last_ts = max(self.last_ts, row["ts"])
        self.last_type = row["type"]

    def started(self, row: Row) -> None:
        data = row["data"]
        self.report.sessions += 1
        self.installation_id = self.installation_id or str(data["installation_id"])
        if self.start_ts is None:
            self.start_ts = row["ts"]
            balances = self.report.start_balances
            for entry in data["start_balances"]:
                held = Decimal(entry["free"]) + Decimal(entry["locked"])
                balances[entry["asset"]] = balances.get(entry["asset"], ZERO) + held
        self.window_ms = int(data["request_window_ms"])
        self.is_running, self.is_ready = True, False
        self.is_stopping = self.is_flattening = False
        self._session_ts = row["ts"]
        self._lost.clear()

    def ready(self, row: Row) -> None:
        self.is_ready = True

    def stopped(self, row: Row) -> None:
        self.is_running = self.is_ready = False
        self._stopped_ts = row["ts"]

    def requested(self, row: Row) -> None:
        match row["data"]["action"]:
            case "pause":
                self.is_paused = True
            case "resume":
                self.is_paused = self.is_flattening = False
            case "stop":
                self.is_stopping, self._stop_ts = True, row["ts"]
            case "flatten":
                self.is_flattening = True

    def compared(self, row: Row) -> None:
        """Comparisons come one after the other, so each began after the one before had ended."""
        stop_ts = self._stop_ts if row["data"]["trigger"] == "stop" else 0
        self._known_until_ts = max(self._session_ts, stop_ts, self._compared_ts or 0)
        self._compared_ts = row["ts"]

    def channel_lost(self, row: Row) -> None:
        data = row["data"]
        self._lost[data["channel"], data.get("symbol") or ""] = str(data["text"])

    def channel_restored(self, row: Row) -> None:
        data = row["data"]
        self._lost.pop((data["channel"], data.get("symbol") or ""), None)

    def filters_updated(self, row: Row) -> None:
        symbol, rules = row["data"]["symbol"], row["data"]["rules"]
        self.filters[symbol] = Filters(
            lot_size=Decimal(rules["lot_size"]),
            minimum_notional=Decimal(rules["minimum_notional"]),
            is_trading=bool(rules.get("is_trading", True)),
        )
        self.know_pair(symbol)

    def know_pair(self, symbol: str) -> None:
        base, _, quote = symbol.partition("/")
        self.pairs[wire(symbol)] = (base, quote)

    def why_no_buy(self, symbol: str, *, is_new_deal: bool) -> tuple[str, str] | None:
        """Code and reason why no BUY may be sent now; None when it may."""
        if not self.is_running:
            return "order_while_stopped", "no session was running"
        if is_new_deal and not self.is_ready:
            return "order_while_stopped", "the session was not ready yet"
        for name in ("paused", "stopping", "flattening"):
            if getattr(self, f"is_{name}"):
                return "order_while_paused", f"the bot was {name}"
        for (channel, lost_symbol), text in self._lost.items():
            if lost_symbol in ("", symbol):
                return "order_while_stale", f"{channel} was lost ({text})"
        known = self.filters.get(symbol)
        if is_new_deal and known is not None and not known.is_trading:
            return "order_while_halted", f"{symbol} did not trade on the exchange"
        return None
