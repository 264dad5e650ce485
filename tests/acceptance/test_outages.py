"""The exchange is away, hangs, or closes every socket: said plainly, found again, nothing lost."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange, EmbeddedOptions
from autotrade.infrastructure.simulated_exchange.market.catalog import open_market
from autotrade.infrastructure.simulated_exchange.process import announcement
from tests.acceptance.audited import audited
from tests.acceptance.configs import write_busy_config
from tests.acceptance.exchange_client import ExchangeClient
from tests.acceptance.kill_run import client_of, open_deals
from tests.acceptance.processes import READY, Household, JournalTail, Process

BREAKS = 4
Row = dict[str, Any]


def of_type(*kinds: str) -> Callable[[Row], bool]:
    return lambda row: row["type"] in kinds


def stop_in_order(household: Household, bot: Process, data_dir: Path) -> Row:
    household.run("stop", "--data-dir", data_dir).wait_exit()
    assert bot.wait_exit() == 0, bot.said
    summary = bot.summary()
    assert set(summary["ledger_difference"].values()) == {"0"}, summary
    return summary


@pytest.mark.timeout(90)
@pytest.mark.parametrize("kind", ["no file", "dead exchange"])
def test_unreachable_at_the_start(household: Household, kind: str) -> None:
    announce_file = household.folder / "exchange.json"
    if kind == "dead exchange":
        exchange = household.exchange(household.folder, "--market", "seed:5")
        text = announce_file.read_bytes()
        exchange.process.kill()
        announce_file.write_bytes(text)
    bot = household.trade(household.folder / "bot", "--attach", announce_file)
    assert bot.wait_exit() == 2, bot.said
    assert len(bot.stderr) == 1 and bot.stdout == [], bot.said
    assert "Traceback" not in bot.said
    assert bot.stderr[0].startswith("autotrade: expected ")


@pytest.mark.timeout(90)
@pytest.mark.parametrize("status", [503, 418], ids=["overloaded", "banned"])
async def test_in_trouble_at_the_start(household: Household, status: int) -> None:
    """From the very first question on: it is waited for, said once, and then traded on. The end of
    a ban is reckoned before the exchange's clock, which may be another year's, is known."""
    options = EmbeddedOptions(port=0, tls_port=0, speed=60.0)
    async with EmbeddedExchange(open_market(seed=8), options) as exchange:
        announce_file = household.folder / "announce.json"
        announce_file.write_text(json.dumps(announcement(exchange)))
        ban = {"Retry-After": "60"} if status == 418 else None
        exchange.server.faults.answer(".", -1000, "Away.", status, times=10**6, headers=ban)
        data_dir = household.folder / "bot"
        bot = household.trade(data_dir, "--attach", announce_file)
        told = await asyncio.to_thread(bot.wait_line, "no start yet")
        assert "Ctrl+C" in told and "expected an answer from" in told
        exchange.server.faults.answers.clear()
        await asyncio.to_thread(bot.wait_line, READY)
        summary = await asyncio.to_thread(stop_in_order, household, bot, data_dir)
        assert "Traceback" not in bot.said
        assert summary["stopped_by"]


@pytest.mark.timeout(120)
async def test_every_socket_closed_again_and_again(household: Household) -> None:
    """In the middle of orders, with and without a closing handshake."""
    config = write_busy_config(household.folder / "busy.json", "BTC", "ETH", "SOL")
    exchange_dir, data_dir = household.folder / "exchange", household.folder / "bot"
    options = EmbeddedOptions(port=0, tls_port=0, speed=60.0, data_dir=exchange_dir)
    async with EmbeddedExchange(open_market(seed=8), options) as exchange:
        announce_file = household.folder / "announce.json"
        facts = announcement(exchange)
        announce_file.write_text(json.dumps(facts))
        bot = household.trade(data_dir, "--attach", announce_file, config=config)
        await asyncio.to_thread(bot.wait_line, READY)
        tail = JournalTail(data_dir)
        for number in range(BREAKS):
            wanted = of_type("PlaceOrder", "PlaceOrderList", "CancelOrder", "CancelOrderList")
            assert await asyncio.to_thread(tail.wait_row, wanted, bot) is not None, bot.said
            if number % 2:
                exchange.server.close_all_sockets(1012, "restart")
            else:
                exchange.server.close_all_sockets(None)
            missing = {"market_data", "user_data"}
            while missing:
                back = await asyncio.to_thread(tail.wait_row, of_type("ChannelRestored"), bot, 30)
                assert back is not None, bot.said
                missing.discard(back["data"]["channel"])
        summary = await asyncio.to_thread(stop_in_order, household, bot, data_dir)
        assert summary["reconnects"] >= BREAKS
        deals = [deal["id"] for deal in await asyncio.to_thread(open_deals, household, data_dir)]
        client = ExchangeClient(facts["port"], facts["api_key"], facts["api_secret"])
        found = await asyncio.to_thread(audited, data_dir, client, deals)
        assert found.violations == []
        assert exchange.stats()["misses"] == 0


@pytest.mark.timeout(120)
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows cannot pause a process")
def test_exchange_that_hangs(household: Household) -> None:
    """It answers nothing, but its sockets stay open: silence alone must be noticed."""
    config = write_busy_config(
        household.folder / "busy.json",
        "BTC",
        "ETH",
        "SOL",
        exchange={"reconcile_interval_seconds": 5, "stale_data_seconds": 1.5},
    )
    market = ("--speed", 60, "--market", "seed:8")
    exchange = household.exchange(household.folder / "exchange", *market)
    data_dir = household.folder / "bot"
    bot = household.trade(data_dir, "--attach", exchange.announce_file, config=config)
    bot.wait_line(READY)
    tail = JournalTail(data_dir)
    assert tail.wait_row(of_type("OrderFilled"), bot) is not None, bot.said
    exchange.process.send(signal.SIGSTOP)
    lost = tail.wait_row(of_type("ChannelLost"), bot)
    assert lost is not None, bot.said
    exchange.process.send(signal.SIGCONT)
    assert tail.wait_row(of_type("ChannelRestored"), bot) is not None, bot.said
    assert tail.wait_row(of_type("DealOpened"), bot) is not None, bot.said
    stop_in_order(household, bot, data_dir)
    deals = [deal["id"] for deal in open_deals(household, data_dir)]
    found = audited(data_dir, client_of(exchange), deals)
    assert found.violations == []
