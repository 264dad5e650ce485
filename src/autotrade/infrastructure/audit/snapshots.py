"""The deals' own file: the figures that the bot shows against those that the audit derived."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import orjson

from autotrade.infrastructure.audit.deals import Deals
from autotrade.infrastructure.audit.lives import DealLife
from autotrade.infrastructure.audit.report import AuditReport, plain

_SUMS = ("bought", "cost", "sold", "proceeds", "dust_in", "dust_out")


def check_deals_file(path: Path, deals: Deals, report: AuditReport, *, last_seq: int) -> None:
    """Compare each deal that did not change after the file was written. A file that cannot be read
    is no violation: the bot then rebuilds it from the journal. One that is younger than the last
    row that was read knows more than the audit and is left out."""
    try:
        snapshot = orjson.loads(path.read_bytes())
        seq, items = int(snapshot["seq"]), snapshot["items"]
        if seq > last_seq:
            report.notes.append(f"{path.name} is younger than row {last_seq}; it was not compared")
            return
        for item in items:
            life = deals.lives.get(int(item["id"]))
            if life is None:
                text = f"{path.name} has deal {item['id']}, which the journal never opened"
                report.blame("deal_numbers", text, None, int(item["id"]))
            elif life.last_seq <= seq:
                _compare(path.name, item, life, report)
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError, InvalidOperation) as error:
        report.notes.append(f"{path.name} could not be compared: {error!r}")


def _compare(file: str, item: dict[str, Any], life: DealLife, report: AuditReport) -> None:
    wanted: dict[str, Decimal] = {name: getattr(life, name) for name in _SUMS}
    if life.status == "CLOSED":
        wanted["pnl_net"] = life.pnl_net
    for name, value in wanted.items():
        if Decimal(item[name]) != value:
            text = f"{file} says {name} {item[name]} of deal {life.id}, the fills {plain(value)}"
            report.blame("deal_numbers", text, life.ended_seq, life.id)
    if item["status"] != life.status:
        text = f"{file} says that deal {life.id} is {item['status']}, the journal {life.status}"
        report.blame("deal_numbers", text, life.ended_seq, life.id)
