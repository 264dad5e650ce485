"""`trade --for ... --json`: one object on stdout that says everything, and a ledger that agrees."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from tests.acceptance.configs import write_busy_config
from tests.acceptance.processes import Household, journal_rows

NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
KEYS = {
    "signals",
    "decisions",
    "deals",
    "pnl_net",
    "fees",
    "latency_us",
    "reconnects",
    "unprotected_ms_max",
    "ledger_difference",
}


@pytest.mark.timeout(120)
def test_a_run_for_a_machine_to_read(household: Household) -> None:
    config = write_busy_config(household.folder / "busy.json", "BTC", "ETH", "SOL")
    data_dir = household.folder / "data"
    bot = household.trade(data_dir, "--for", "40s", "--speed", 60, config=config)
    assert bot.wait_exit(90.0) == 0, bot.said
    summary = bot.summary()
    assert summary.keys() >= KEYS
    assert set(summary["latency_us"]) == {"p50", "p95", "p99", "max"}
    assert summary["latency_us"]["p50"] > 0
    assert set(summary["deals"]) >= {"opened", "closed", "canceled"}
    assert set(summary["ledger_difference"]) >= {"USDT"}
    assert set(summary["ledger_difference"].values()) == {"0"}
    for section in ("pnl_net", "fees"):
        for asset, text in summary[section].items():
            assert isinstance(text, str) and NUMBER.match(text), (section, asset, text)
    decisions = summary["decisions"]
    assert summary["signals"] == decisions["approved"] + sum(decisions["refused"].values())
    _agrees_with_the_journal(household, summary)
    assert summary["deals"]["closed"] > 0, "nothing was closed: the run proves too little"
    _decides_again_as_it_did(household, summary)


def _decides_again_as_it_did(household: Household, summary: dict[str, dict[str, object]]) -> None:
    replayed = household.read("replay", household.folder / "data")
    assert replayed["differing"] == 0
    assert replayed["decisions"] == summary["signals"]
    assert replayed["commands"] > 0 and replayed["rows_unrecorded"] == 0
    drift = household.read("drift", household.folder / "data")
    assert sum(deal["recorded"] is not None for deal in drift["deals"]) > 0
    for deal in drift["deals"]:
        assert sum(map(Decimal, deal["parts"].values())) == Decimal(deal["difference"])
        assert deal["text"]


def _agrees_with_the_journal(household: Household, summary: dict[str, dict[str, object]]) -> None:
    kinds = [row["type"] for row in journal_rows(household.folder / "data")]
    assert summary["deals"]["opened"] == kinds.count("DealOpened")
    assert summary["signals"] == kinds.count("Decision")
    listed = household.read("deals", "--last", 10_000, "--data-dir", household.folder / "data")
    closed = [deal for deal in listed if deal["status"] == "CLOSED"]
    assert summary["deals"]["closed"] == len(closed)
    net = sum((Decimal(deal["pnl_net"]) for deal in closed), Decimal(0))
    assert Decimal(str(summary["pnl_net"]["USDT"])) == net
