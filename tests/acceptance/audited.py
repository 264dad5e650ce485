"""The independent checker as the acceptance tests use it: against a running exchange, by REST."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from autotrade.infrastructure.audit import AuditReport, ExchangeHistory, audit_folder
from tests.acceptance.exchange_client import ExchangeClient
from tests.acceptance.processes import journal_rows

Row = dict[str, Any]
MOMENTS_MAX = 20


def audited(data_dir: Path, client: ExchangeClient, open_deals: Iterable[int]) -> AuditReport:
    """The audit of a stopped bot's folder. `open_deals` is what `deals --open --json` listed."""
    symbols = {
        row["data"]["symbol"].replace("/", "")
        for row in journal_rows(data_dir)
        if row["type"] == "MarketRulesUpdated"
    }
    report = audit_folder(data_dir, history_of(client, sorted(symbols)))
    listed = sorted(open_deals)
    if listed != sorted(report.open_deals):
        text = f"open deals are {report.open_deals}, the command lists {listed}"
        report.blame("deal_numbers", text)
    return report


def history_of(client: ExchangeClient, symbols: list[str]) -> ExchangeHistory:
    """Everything of a moment in which nothing traded; the market does not wait for us."""
    for _ in range(MOMENTS_MAX):
        before = [trade for symbol in symbols for trade in client.my_trades(symbol)]
        orders = [order for symbol in symbols for order in client.all_orders(symbol)]
        account = client.account()
        trades = [trade for symbol in symbols for trade in client.my_trades(symbol)]
        if before == trades:
            balances = {
                entry["asset"]: Decimal(entry["free"]) + Decimal(entry["locked"])
                for entry in account["balances"]
            }
            return ExchangeHistory(orders, trades, balances)
    raise AssertionError("expected a moment without a trade, the account traded on and on")


def in_flight(lines: Iterable[Row]) -> list[str]:
    """Commands whose outcome the journal does not tell: what a dead bot had under way."""
    waiting: dict[str, str] = {}
    for row in lines:
        data = row["data"]
        match row["type"]:
            case "PlaceOrder":
                waiting[data["order_id"]] = row["type"]
            case "PlaceOrderList":
                waiting[data["target_id"]] = waiting[data["stop_id"]] = row["type"]
            case "CancelOrder":
                waiting[data["order_id"]] = row["type"]
            case "CancelOrderList":
                waiting[data["target_id"]] = waiting[data["stop_id"]] = row["type"]
            case "OrderAccepted" | "OrderRejected" | "OrderFilled" | "OrderReported":
                if not waiting.get(data["order_id"], "").startswith("Cancel") or (
                    row["type"] == "OrderReported" and not data["is_open"]
                ):
                    waiting.pop(data["order_id"], None)
            case "OrderCanceled" | "CancelRejected" | "OrderNotFound":
                waiting.pop(data["order_id"], None)
    return list(dict.fromkeys(waiting.values()))


def figures_of(report: AuditReport) -> dict[str, Any]:
    """What a trial prints; `faults` is a sentence for each violation."""
    return {
        "intents": report.intents,
        "orders": report.orders,
        "trades": report.fills,
        "fills_told_again": report.fills_told_again,
        "trades_after_the_end": report.trades_late,
        **{f"deals_{name}": count for name, count in report.deals.items()},
        "sessions": report.sessions,
        "pnl_net": {asset: f"{amount.normalize():f}" for asset, amount in report.pnl_net.items()},
        "ledger_difference": {
            asset: f"{amount.normalize():f}" for asset, amount in report.ledger_difference.items()
        },
        "faults": [str(violation) for violation in report.violations],
    }
