"""`status`, `deals`, `orders`, `decisions`: what the data folder says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from autotrade.infrastructure.terminal.commands.common import data_folder_of, require_folder
from autotrade.infrastructure.terminal.formatting import (
    format_number,
    format_short,
    format_signed,
    format_time,
)
from autotrade.infrastructure.terminal.output import plain, write_json
from autotrade.infrastructure.terminal.tables import show_pairs, show_table

if TYPE_CHECKING:
    from autotrade.domain.decisions import Decision
    from autotrade.domain.entities.deal import Deal
    from autotrade.domain.entities.order import Order
    from autotrade.domain.state import TradingState
    from autotrade.infrastructure.journal.reader import Row

_TIME_LENGTH = len("2024-08-08 12:03:00")


def deals(arguments: argparse.Namespace) -> int:
    state = _state(_folder(arguments))
    chosen = [
        deal
        for deal in state.deals.all()
        if (arguments.symbol is None or deal.symbol == arguments.symbol.upper())
        and (deal.is_open or not arguments.open)
    ][-arguments.last :]
    if arguments.json:
        write_json([deal_json(deal) for deal in chosen])
        return 0
    show_table(
        "Deals",
        ["deal>", "pair", "status", "opened", "bought>", "at>", "target>", "net>", "why it ended"],
        [_deal_row(deal) for deal in chosen],
        "No deals yet. `python main.py decisions` says what became of each signal.",
    )
    return 0


def deal_json(deal: Deal) -> dict[str, object]:
    """A deal with the figures that are computed from it."""
    fields = plain(deal)
    assert isinstance(fields, dict)
    return {**fields, "held": plain(deal.held), "average_entry": plain(deal.average_entry)}


def orders(arguments: argparse.Namespace) -> int:
    state = _state(_folder(arguments))
    chosen = [
        order
        for order in state.orders.all()
        if (arguments.symbol is None or order.symbol == arguments.symbol.upper())
        and (arguments.deal is None or order.deal_id == arguments.deal)
        and (order.is_open() or not arguments.open)
    ][-arguments.last :]
    if arguments.json:
        write_json(chosen)
        return 0
    columns = ["order", "deal>", "pair", "side", "role", "type", "status", "price>", "amount>"]
    show_table(
        "Orders",
        [*columns, "filled>", "average>", "updated"],
        [_order_row(order) for order in chosen],
        "No orders.",
    )
    return 0


def decisions(arguments: argparse.Namespace) -> int:
    chosen = _last_decisions(_folder(arguments) / "journal.jsonl", arguments)
    if arguments.json:
        write_json(chosen)
        return 0
    show_table(
        "Decisions",
        ["decision", "time", "pair", "signal", "price>", "verdict", "confidence>", "reason"],
        [_decision_row(decision) for decision in chosen],
        "No decisions yet: no signal came. Signals need closed candles; look at `status`.",
    )
    return 0


def status(arguments: argparse.Namespace) -> int:
    from autotrade.infrastructure.journal.data_folder import DataFolder

    folder = _folder(arguments)
    state = _state(folder)
    holder = DataFolder(folder).holder()
    report = _status_report(state, folder, None if holder is None else holder.pid)
    if arguments.json:
        write_json(report)
        return 0
    show_pairs((name.replace("_", " "), _status_text(value)) for name, value in report.items())
    return 0


def _status_report(state: TradingState, folder: Path, pid: int | None) -> dict[str, object]:
    totals = state.totals
    resting = [order for order in state.orders.all() if order.is_open()]
    return {
        "bot": "stopped" if pid is None else f"runs as process {pid}",
        "mode": state.mode or "-",
        "market": state.market or "-",
        "trading": "no bot runs" if pid is None else _trading_text(state),
        "as_of": format_time(state.last_ts),
        "open_deals": [
            f"{deal.id} {deal.symbol} holds {format_number(deal.held)} {deal.base}"
            for deal in state.deals.open_deals()
        ],
        "resting_orders": len(resting),
        "decisions": {"approved": totals.approved, "refused": dict(sorted(totals.refused.items()))},
        "deals": {
            "opened": totals.deals_opened,
            "closed": totals.deals_closed,
            "won": totals.deals_won,
            "canceled": totals.deals_canceled,
        },
        "pnl_net": totals.pnl_net,
        "fees": totals.fees,
        "balances": {
            balance.asset: balance.total for balance in state.balances.values() if balance.total
        },
        "dust": {asset: dust.amount for asset, dust in state.dust.items() if dust.amount},
        "data_folder": str(folder),
    }


def _trading_text(state: TradingState) -> str:
    if state.is_flattening:
        return "getting out of everything"
    if state.is_paused:
        return "paused: no new deals"
    if state.is_stopping:
        return "stopping"
    if state.lost_channels:
        return "waits for data: " + "; ".join(state.lost_channels.values())
    return "ready" if state.is_ready else "not trading"


def _status_text(value: object) -> str:
    if isinstance(value, dict):
        words = []
        for name, item in value.items():
            if isinstance(item, dict):
                inner = ", ".join(f"{key} {count}" for key, count in item.items())
                words.append(f"{name} {sum(item.values())}" + (f" ({inner})" if inner else ""))
            else:
                words.append(f"{name} {format_number(item)}")
        return ", ".join(words) or "-"
    if isinstance(value, list):
        return "; ".join(str(item) for item in value) or "none"
    return str(value)


def _deal_row(deal: Deal) -> tuple[str, ...]:
    net = "-" if deal.is_open else f"{format_signed(round(deal.pnl_net, 8))} {deal.quote}"
    return (
        str(deal.id),
        deal.symbol,
        str(deal.status),
        format_time(deal.created_ts)[:_TIME_LENGTH],
        format_number(deal.bought),
        format_short(deal.average_entry),
        format_number(deal.target_price),
        net,
        deal.close_text or deal.exit_text or "-",
    )


def _order_row(order: Order) -> tuple[str, ...]:
    price = order.price if order.price is not None else order.stop_price
    average = order.average_price
    return (
        order.id,
        str(order.deal_id),
        order.symbol,
        str(order.side),
        str(order.role),
        str(order.type),
        str(order.status),
        "market" if price is None else format_number(price),
        format_number(order.amount),
        format_number(order.filled),
        "-" if average is None else format_short(average),
        format_time(order.updated_ts or order.created_ts)[:_TIME_LENGTH],
    )


def _decision_row(decision: Decision) -> tuple[str, ...]:
    return (
        decision.id,
        format_time(decision.ts)[:_TIME_LENGTH],
        decision.signal.symbol,
        decision.signal.kind,
        format_number(decision.signal.price),
        "approved" if decision.approved else "refused",
        f"{decision.confidence:.2f}",
        decision.reason_text,
    )


def _last_decisions(journal: Path, arguments: argparse.Namespace) -> list[Decision]:
    from autotrade.domain.decisions import Decision
    from autotrade.infrastructure.journal.reader import last_rows

    def is_wanted(row: Row) -> bool:
        record = row.record if row.type == "Decision" else None
        return isinstance(record, Decision) and (
            (not arguments.approved or record.approved)
            and (not arguments.refused or not record.approved)
            and (arguments.symbol is None or record.signal.symbol == arguments.symbol.upper())
        )

    rows = last_rows(journal, arguments.last, is_wanted)
    return [row.record for row in rows if isinstance(row.record, Decision)]


def _folder(arguments: argparse.Namespace) -> Path:
    return require_folder(data_folder_of(arguments))


def _state(folder: Path) -> TradingState:
    from autotrade.infrastructure.journal.data_folder import DataFolder
    from autotrade.infrastructure.repositories.state_loader import load_state

    return load_state(DataFolder(folder)).state
