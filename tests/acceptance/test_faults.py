"""The real process under the faults of its machine and of its exchange: nothing is lost."""

from __future__ import annotations

import signal
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from autotrade.infrastructure.simulated_exchange.fault_profile import FaultProfile
from autotrade.infrastructure.simulated_exchange.fault_script import dump_script
from tests.acceptance.audited import audited
from tests.acceptance.configs import write_busy_config
from tests.acceptance.kill_run import client_of, open_deals, run_kills
from tests.acceptance.processes import READY, Exchange, Household, JournalTail, journal_rows

MARKET = ("--speed", 60, "--market", "seed:8")
PAUSE_SECONDS = 1.5
"""A minute and a half of the exchange's time."""
ROOM_KILOBYTES = (70, 100)
Row = dict[str, Any]


def assert_right(household: Household, exchange: Exchange, data_dir: Path, summary: Row) -> None:
    assert set(summary["ledger_difference"].values()) == {"0"}, summary
    deals = [deal["id"] for deal in open_deals(household, data_dir)]
    found = audited(data_dir, client_of(exchange), deals)
    assert found.is_clean, found.violations


@pytest.mark.timeout(300)
def test_killed_while_the_exchange_makes_faults(tmp_path: Path) -> None:
    """By script, about a fault a second of this machine."""
    faults = list(islice(FaultProfile(6, 60.0).faults(), 200))
    script = tmp_path / "script.json"
    script.write_bytes(orjson.dumps(dump_script(faults)))
    report = run_kills(
        tmp_path, kills=2, seed=6, script=str(script), last_run_seconds=4, say=lambda text: None
    )
    assert report["faults"] == [], report
    assert len(report["injected"]) > 2, report["injected"]


@pytest.mark.timeout(120)
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows cannot pause a process")
def test_bot_that_stands_still(household: Household) -> None:
    """The machine sleeps while orders rest and a position is held; the world goes on without it.
    Awake again it finds out what happened, and trades on."""
    config = write_busy_config(household.folder / "busy.json", "BTC", "ETH", "SOL")
    exchange = household.exchange(household.folder / "exchange", *MARKET)
    data_dir = household.folder / "bot"
    bot = household.trade(data_dir, "--attach", exchange.announce_file, config=config)
    bot.wait_line(READY)
    tail = JournalTail(data_dir)
    for _ in range(2):
        assert tail.wait_row(lambda row: row["type"] == "PlaceOrderList", bot) is not None
        bot.send(signal.SIGSTOP)
        assert exchange.process.runs_for(PAUSE_SECONDS)
        bot.send(signal.SIGCONT)
        after = JournalTail(data_dir)
        compared = after.wait_row(lambda row: row["type"] == "Reconciled", bot)
        assert compared is not None, bot.said
    assert tail.wait_row(lambda row: row["type"] == "DealOpened", bot) is not None, bot.said
    household.run("stop", "--data-dir", data_dir).wait_exit()
    assert bot.wait_exit() == 0, bot.said
    assert_right(household, exchange, data_dir, bot.summary())


@pytest.mark.timeout(120)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size")
def test_room_that_runs_out_again_and_again(household: Household) -> None:
    """Each start has a little more room on the same disk, the last one enough."""
    import resource

    config = write_busy_config(household.folder / "busy.json", "BTC", "ETH", "SOL")
    exchange = household.exchange(
        household.folder / "exchange", "--speed", 120, "--market", "seed:8"
    )
    data_dir = household.folder / "bot"
    attach = ("--attach", exchange.announce_file)
    for kilobytes in ROOM_KILOBYTES:
        size = kilobytes * 1024

        def limit(size: int = size) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        bot = household.trade(data_dir, *attach, config=config, before_start=limit)
        assert bot.wait_exit() == 1, bot.said
        assert "File too large" in bot.stderr[-1] and "Traceback" not in bot.said
    again = household.trade(data_dir, *attach, "--for", "2s", config=config)
    assert again.wait_exit() == 0, again.said
    opened = [row for row in journal_rows(data_dir) if row["type"] == "DealOpened"]
    assert opened
    assert_right(household, exchange, data_dir, again.summary())
