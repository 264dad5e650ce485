"""Ctrl+C, SIGTERM and --flatten-on-stop: an orderly end, and a start that goes on from there."""

from __future__ import annotations

import os
import signal
from decimal import Decimal
from pathlib import Path

import pytest

from tests.acceptance.configs import write_busy_config
from tests.acceptance.kill_run import client_of, open_deals
from tests.acceptance.processes import READY, Household, JournalTail, journal_rows

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="Windows sends a child no SIGINT without taking its console along"
)


@pytest.mark.timeout(180)
def test_stopped_twice_and_continued(household: Household) -> None:
    """Ctrl+C ends the first run, SIGTERM the second; deals and money go on between them, with the
    exchange that the bot starts itself and that it brings back from its own files."""
    far = {"warning_percent": 5, "orderbook_percent": 6, "emergency_percent": 7}
    far["exchange_stop_percent"] = 8
    config = write_busy_config(
        household.folder / "patient.json",
        pair={"profit_markup": 5},
        stop_loss_monitor=far,
    )
    data_dir = household.folder / "data"
    begin = ("--speed", 120, "--market", "seed:5")

    first = household.trade(data_dir, *begin, config=config)
    first.wait_line(READY)
    tail = JournalTail(data_dir)
    assert tail.wait_row(lambda row: row["type"] == "PlaceOrderList", first) is not None
    first.send(signal.SIGINT)
    assert first.wait_exit() == 0, first.said
    summary = first.summary()
    assert summary["stopped_by"] == "stopped by SIGINT"
    assert set(summary["ledger_difference"].values()) == {"0"}
    assert summary["resting_orders"], "a deal is open, so its SELL must rest and be listed"
    kept = open_deals(household, data_dir)
    assert kept
    assert [row["type"] for row in journal_rows(data_dir)][-1] == "SessionStopped"

    second = household.trade(data_dir, *begin, config=config)
    second.wait_line(READY)
    card = second.wait_line("recovered ")
    assert f"{len(kept)} open deals" in card
    assert tail.wait_row(lambda row: row["type"] == "Decision", second) is not None
    second.send(signal.SIGTERM)
    assert second.wait_exit() == 0, second.said
    summary = second.summary()
    assert summary["stopped_by"] == "stopped by SIGTERM"
    assert set(summary["ledger_difference"].values()) == {"0"}, summary
    rows = list(journal_rows(data_dir))
    ended = {
        row["data"]["deal_id"] for row in rows if row["type"] in ("DealClosed", "DealCanceled")
    }
    still_open = {deal["id"] for deal in open_deals(household, data_dir)}
    assert {deal["id"] for deal in kept} <= still_open | ended
    verified = household.run("journal", "verify", "--data-dir", data_dir)
    assert verified.wait_exit() == 0, verified.said


@pytest.mark.timeout(120)
def test_flatten_on_stop_leaves_nothing(household: Household) -> None:
    config = write_busy_config(household.folder / "busy.json")
    exchange = household.exchange(
        household.folder / "exchange", "--speed", 60, "--market", "seed:5"
    )
    data_dir = household.folder / "bot"
    bot = household.trade(
        data_dir, "--attach", exchange.announce_file, "--flatten-on-stop", config=config
    )
    bot.wait_line(READY)
    tail = JournalTail(data_dir)
    for _ in range(3):
        assert tail.wait_row(lambda row: row["type"] == "PlaceOrderList", bot) is not None
    bot.send(signal.SIGINT)
    assert bot.wait_exit() == 0, bot.said
    summary = bot.summary()
    assert summary["deals"]["open"] == 0, bot.said
    assert summary["resting_orders"] == []
    assert set(summary["ledger_difference"].values()) == {"0"}
    client = client_of(exchange)
    assert client.open_orders() == []
    dust = household.read("status", "--data-dir", data_dir)["dust"]
    for balance in client.account()["balances"]:
        total = Decimal(balance["free"]) + Decimal(balance["locked"])
        if balance["asset"] != "USDT":
            assert total == Decimal(dust.get(balance["asset"], "0")), balance
            assert total * _price_of(data_dir, balance["asset"]) < 5


def _price_of(data_dir: Path, asset: str) -> Decimal:
    fills = [
        row["data"]
        for row in journal_rows(data_dir)
        if row["type"] == "OrderFilled" and row["data"]["symbol"].startswith(f"{asset}/")
    ]
    return Decimal(fills[-1]["price"]) if fills else Decimal(0)
