"""`python main.py audit` on what real processes left behind, and while they run."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.audited import history_of
from tests.acceptance.configs import write_busy_config
from tests.acceptance.conftest import Left
from tests.acceptance.kill_run import client_of
from tests.acceptance.processes import READY, Household, JournalTail


def audit_json(household: Household, *words: Any) -> tuple[int, dict[str, Any]]:
    process = household.run("audit", *words, "--json")
    code = process.wait_exit()
    return code, json.loads(process.stdout[-1])


def is_fill_after(seq: int, row: dict[str, Any]) -> bool:
    return row["type"] == "OrderFilled" and row["seq"] > seq


@pytest.mark.timeout(90)
def test_a_folder_and_its_copies(household: Household, left_behind: Left) -> None:
    """Clean with the embedded exchange's own log, clean without it, and not after a change."""
    code, found = audit_json(household, left_behind.data_dir)
    assert (code, found["violations"]) == (0, []), found
    assert found["has_history"] and "account log" in found["compared_with"]
    assert found["fills"] > 0 and set(found["ledger_difference"].values()) == {"0"}
    alone = household.folder / "alone"
    shutil.copytree(left_behind.data_dir, alone, ignore=shutil.ignore_patterns("exchange"))
    code, found = audit_json(household, alone)
    assert (code, found["has_history"]) == (0, False), found
    assert "journal only" in found["compared_with"]
    code, again = audit_json(household, alone, "--exchange-history", left_behind.data_dir)
    assert (code, again["has_history"]) == (0, True), again
    journal = alone / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"side":"BUY"', b'"side":"SELL"', 1))
    code, found = audit_json(household, alone)
    assert code == 1
    assert {"chain_broken"} < {one["code"] for one in found["violations"]}


@pytest.mark.timeout(90)
def test_a_folder_in_use(household: Household) -> None:
    """While the bot trades: by the exchange's log beside it, again and again."""
    config = write_busy_config(household.folder / "busy.json", "BTC", "ETH", "SOL")
    data_dir = household.folder / "data"
    bot = household.trade(data_dir, "--speed", 60, "--market", "seed:8", config=config)
    bot.wait_line(READY)
    tail = JournalTail(data_dir)
    rows = 0
    for _ in range(4):
        new_fill = tail.wait_row(partial(is_fill_after, rows), bot)
        assert new_fill is not None
        code, found = audit_json(household, data_dir)
        assert (code, found["violations"]) == (0, []), found
        assert found["rows"] > rows
        rows = found["rows"]
    assert bot.is_running
    household.run("stop", "--data-dir", data_dir).wait_exit()
    assert bot.wait_exit() == 0, bot.said


@pytest.mark.timeout(90)
def test_an_account_of_another_exchange(household: Household, tmp_path: Path) -> None:
    """The bot was killed on an exchange of its own process; its history came by REST."""
    config = write_busy_config(household.folder / "busy.json", "BTC", "ETH", "SOL")
    exchange = household.exchange(
        household.folder / "exchange", "--speed", 60, "--market", "seed:8"
    )
    data_dir = household.folder / "bot"
    bot = household.trade(data_dir, "--attach", exchange.announce_file, config=config)
    bot.wait_line(READY)
    tail = JournalTail(data_dir)
    assert tail.wait_row(lambda row: row["type"] == "PlaceOrderList", bot) is not None
    bot.kill()
    file = tmp_path / "account.json"
    history_of(client_of(exchange), ["BTCUSDT", "ETHUSDT", "SOLUSDT"]).dump(file)
    code, found = audit_json(household, data_dir, "--exchange-history", file)
    assert (code, found["violations"]) == (0, []), found
