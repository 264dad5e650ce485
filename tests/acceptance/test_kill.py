"""kill -9 of either process: no intent gets two orders, no fill and no deal is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.audited import audited
from tests.acceptance.configs import write_busy_config
from tests.acceptance.kill_run import client_of, open_deals, run_kills
from tests.acceptance.processes import READY, Household, JournalTail


@pytest.mark.timeout(240)
def test_the_bot_killed_again_and_again(tmp_path: Path) -> None:
    report = run_kills(tmp_path, kills=6, seed=4, say=lambda text: None)
    assert report["faults"] == [], report
    assert report["killed_with_orders_in_flight"] > 0, report["moments"]
    assert report["trades"] > 0 and report["deals_opened"] > 0


@pytest.mark.timeout(120)
def test_the_bot_killed_together_with_its_own_exchange(household: Household) -> None:
    """As `python main.py` runs: the exchange ends with the bot and comes back with it."""
    config = write_busy_config(household.folder / "busy.json", "BTC", "ETH", "SOL")
    data_dir = household.folder / "data"
    begin = ("--speed", 60, "--market", "seed:8")
    bot = household.trade(data_dir, *begin, config=config)
    bot.wait_line(READY)
    tail = JournalTail(data_dir)
    assert tail.wait_row(lambda row: row["type"] == "PlaceOrderList", bot) is not None
    bot.kill()
    again = household.trade(data_dir, *begin, "--for", "3s", config=config)
    assert again.wait_exit() == 0, again.said
    assert set(again.summary()["ledger_difference"].values()) == {"0"}, again.said
    exchange = household.exchange(data_dir, "--market", "seed:8", "--speed", "0.001")
    deals = [deal["id"] for deal in open_deals(household, data_dir)]
    found = audited(data_dir, client_of(exchange), deals)
    assert found.violations == []
    assert found.orders > 0


@pytest.mark.timeout(180)
def test_the_exchange_killed_under_a_running_bot(household: Household) -> None:
    """It comes back on the same folder and ports; the bot, which never stopped, finds it again."""
    config = write_busy_config(household.folder / "busy.json", "BTC", "ETH", "SOL")
    exchange_dir, data_dir = household.folder / "exchange", household.folder / "bot"
    market = ("--speed", 60, "--market", "seed:8")
    first = household.exchange(exchange_dir, *market)
    bot = household.trade(data_dir, "--attach", first.announce_file, config=config)
    bot.wait_line(READY)
    tail = JournalTail(data_dir)
    assert tail.wait_row(lambda row: row["type"] == "OrderFilled", bot) is not None
    port, tls_port = first.ports
    first.process.kill()
    lost = tail.wait_row(lambda row: row["type"] == "ChannelLost", bot)
    assert lost is not None, bot.said
    second = household.exchange(exchange_dir, *market, port=port, tls_port=tls_port)
    back = tail.wait_row(
        lambda row: row["type"] == "Reconciled" and row["data"]["trigger"] == "reconnect", bot
    )
    assert back is not None, bot.said
    assert tail.wait_row(lambda row: row["type"] == "DealOpened", bot) is not None, bot.said
    household.run("stop", "--data-dir", data_dir).wait_exit()
    assert bot.wait_exit() == 0, bot.said
    summary = bot.summary()
    assert summary["reconnects"] > 0
    assert set(summary["ledger_difference"].values()) == {"0"}, summary
    deals = [deal["id"] for deal in open_deals(household, data_dir)]
    found = audited(data_dir, client_of(second), deals)
    assert found.violations == []
