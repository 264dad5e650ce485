"""A small journal written by hand, and the exchange's history that belongs to it.

The lines are sealed here, from the documented format: nothing of the product writes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

from autotrade.infrastructure.audit import AuditReport, ExchangeHistory, audit_lines

Row = dict[str, Any]
PREFIX = "atx-"
SYMBOL = "BTC/USDT"


def event(kind: str, deal: int | None = None, **data: Any) -> Row:
    return {"kind": "event", "type": kind, "deal": deal, "data": data}


def decision(number: int, *, approved: bool = True, checks: list[Row] | None = None) -> Row:
    refused = {"name": "spread", "passed": False, "text": "spread 0.41% > 0.30%"}
    if checks is None:
        checks = [] if approved else [{**refused, "reason": "spread"}]
    data = {
        "id": f"D{number}",
        "approved": approved,
        "signal": {"symbol": SYMBOL},
        "checks": checks,
        "amount": "0.5",
        "entry_price": "100",
        "target_price": "110",
        "budget": "60",
    }
    return {"kind": "decision", "type": "Decision", "deal": None, "data": data}


def opened(deal: int, decision_number: int | None = None) -> Row:
    return event(
        "DealOpened",
        deal,
        deal_id=deal,
        symbol=SYMBOL,
        base="BTC",
        quote="USDT",
        decision_id=f"D{decision_number or deal}",
        budget="60",
        entry_price="100",
        amount="0.5",
        target_price="110",
    )


def planned(deal: int) -> Row:
    return event("SellPlanned", deal, deal_id=deal, order_id=f"{PREFIX}{deal}-T1")


def place(deal: int, leg: str, **changes: Any) -> Row:
    side = "BUY" if leg.startswith("B") else "SELL"
    roles = {"B": "ENTRY", "T": "TARGET", "X": "EXIT"}
    data = {
        "deal_id": deal,
        "symbol": SYMBOL,
        "order_id": f"{PREFIX}{deal}-{leg}",
        "role": roles[leg[0]],
        "side": side,
        "type": "LIMIT",
        "amount": "0.5",
        "price": "100",
        "stop_price": None,
    }
    return {"kind": "command", "type": "PlaceOrder", "deal": deal, "data": {**data, **changes}}


def place_list(deal: int, **changes: Any) -> Row:
    data = {
        "deal_id": deal,
        "symbol": SYMBOL,
        "list_id": f"{PREFIX}{deal}-L1",
        "target_id": f"{PREFIX}{deal}-T1",
        "stop_id": f"{PREFIX}{deal}-S1",
        "amount": "0.4995",
        "target_price": "110",
        "stop_price": "90",
        "stop_limit_price": None,
    }
    return {"kind": "command", "type": "PlaceOrderList", "deal": deal, "data": {**data, **changes}}


def accepted(deal: int, leg: str, exchange_id: str) -> Row:
    return event("OrderAccepted", deal, order_id=f"{PREFIX}{deal}-{leg}", exchange_id=exchange_id)


def rejected(deal: int, leg: str, reason: str = "filter") -> Row:
    order_id = f"{PREFIX}{deal}-{leg}"
    return event("OrderRejected", deal, order_id=order_id, reason=reason, message="no")


def canceled(deal: int, leg: str, exchange_id: str, filled_total: str = "0") -> Row:
    return event(
        "OrderCanceled",
        deal,
        order_id=f"{PREFIX}{deal}-{leg}",
        exchange_id=exchange_id,
        filled_total=filled_total,
        reason="canceled",
    )


def filled(deal: int, leg: str, exchange_id: str, trade_id: str, **changes: Any) -> Row:
    is_buy = leg.startswith("B")
    data = {
        "order_id": f"{PREFIX}{deal}-{leg}",
        "exchange_id": exchange_id,
        "trade_id": trade_id,
        "symbol": SYMBOL,
        "side": "BUY" if is_buy else "SELL",
        "price": "100" if is_buy else "110",
        "amount": "0.5" if is_buy else "0.4995",
        "fee": "0.0005" if is_buy else "0.05",
        "fee_asset": "BTC" if is_buy else "USDT",
        "exchange_ts": 0,
    }
    return event("OrderFilled", deal, **{**data, **changes})


def closed(deal: int) -> Row:
    return event("DealClosed", deal, deal_id=deal, text="target reached")


def exchange_order(leg: str, number: int, status: str, **changes: Any) -> Row:
    is_buy = leg.startswith("B")
    return {
        "symbol": "BTCUSDT",
        "clientOrderId": f"{PREFIX}1-{leg}",
        "orderId": number,
        "side": "BUY" if is_buy else "SELL",
        "type": {"B": "LIMIT", "T": "LIMIT_MAKER", "S": "STOP_LOSS"}[leg[0]],
        "price": {"B": "100.00", "T": "110.00", "S": "0.00"}[leg[0]],
        "stopPrice": "90.00" if leg.startswith("S") else "0.00",
        "origQty": "0.50000000" if is_buy else "0.49950000",
        "status": status,
        "time": 2_000,
        "updateTime": 3_000,
        **changes,
    }


def trade(number: int, order_id: int, *, is_buyer: bool, **changes: Any) -> Row:
    return {
        "symbol": "BTCUSDT",
        "id": number,
        "orderId": order_id,
        "price": "100.00" if is_buyer else "110.00",
        "qty": "0.50000000" if is_buyer else "0.49950000",
        "commission": "0.00050000" if is_buyer else "0.05000000",
        "commissionAsset": "BTC" if is_buyer else "USDT",
        "time": 3_000,
        "isBuyer": is_buyer,
        **changes,
    }


@dataclass
class Story:
    """Rows, and the history; `audit` seals and audits them. Row n happens at second n."""

    rows: list[Row] = field(default_factory=list)
    history: ExchangeHistory = field(default_factory=ExchangeHistory)

    def lines(self) -> list[bytes]:
        return seal(self.rows)

    def audit(self, *, with_history: bool = True) -> AuditReport:
        return audit_lines(self.lines(), self.history if with_history else None)

    def codes(self, *, with_history: bool = True) -> list[str]:
        return [one.code for one in self.audit(with_history=with_history).violations]

    def place_of(self, kind: str, leg: str = "") -> int:
        """Index of the first row of that type (and of that order's leg)."""
        return next(
            index
            for index, row in enumerate(self.rows)
            if row["type"] == kind and row["data"].get("order_id", "").endswith(leg)
        )

    def insert_before(self, kind: str, *rows: Row) -> None:
        place_at = self.place_of(kind)
        self.rows[place_at:place_at] = rows

    def insert_after(self, kind: str, *rows: Row) -> None:
        place_at = self.place_of(kind) + 1
        self.rows[place_at:place_at] = rows


def seal(rows: list[Row]) -> list[bytes]:
    """Lines as docs/reference/journal_format.md says."""
    lines, chain = [], "0" * 64
    for seq, row in enumerate(rows, start=1):
        ts = row.get("ts", seq * 1_000)
        body = {"seq": seq, "ts": ts, "cause": None, **row, "prev": chain}
        text = json.dumps(body, separators=(",", ":")).encode()
        chain = sha256(text).hexdigest()
        lines.append(text[:-1] + f',"hash":"{chain}"}}\n'.encode())
    return lines


def sound_story() -> Story:
    """One deal that bought and sold, one refused signal, an orderly stop."""
    start = [{"asset": "USDT", "free": "900", "locked": "100"}]
    rules = {"lot_size": "0.0001", "minimum_notional": "5", "is_trading": True}
    return Story(
        rows=[
            event(
                "SessionStarted",
                installation_id="atx",
                start_balances=start,
                request_window_ms=10_000,
            ),
            event("MarketRulesUpdated", symbol=SYMBOL, rules=dict(rules)),
            event("Reconciled", trigger="start", differences=0),
            event("SessionReady"),
            decision(1),
            opened(1),
            planned(1),
            place(1, "B1"),
            accepted(1, "B1", "11"),
            filled(1, "B1", "11", "21"),
            place_list(1),
            accepted(1, "T1", "12"),
            accepted(1, "S1", "13"),
            filled(1, "T1", "12", "22"),
            canceled(1, "S1", "13"),
            closed(1),
            decision(2, approved=False),
            event("OperatorRequested", action="stop", by="operator"),
            event("Reconciled", trigger="stop", differences=0),
            event("SessionStopped", text="done"),
        ],
        history=ExchangeHistory(
            orders=[
                exchange_order("B1", 11, "FILLED"),
                exchange_order("T1", 12, "FILLED"),
                exchange_order("S1", 13, "EXPIRED"),
            ],
            trades=[trade(21, 11, is_buyer=True), trade(22, 12, is_buyer=False)],
            balances={"USDT": Decimal("1004.895")},
        ),
    )
