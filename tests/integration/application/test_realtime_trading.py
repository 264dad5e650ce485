"""A whole session with real parts, from the start to an orderly end, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autotrade.domain import events as e
from autotrade.infrastructure.journal.journal import read_rows, verify
from autotrade.infrastructure.repositories.state_loader import load_state
from autotrade.infrastructure.terminal.commands.operator import write_word
from tests.integration.bench import Bench, assert_books_agree, assert_replays, serving, until
from tests.market_waves import WaveMarket

SESSIONS_MAX = 5


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with serving(WaveMarket(), tmp_path / "data") as bench:
        yield bench


async def test_deals_live_and_die_and_the_books_agree(bench: Bench) -> None:
    session = await bench.session()
    running = asyncio.create_task(session.run())
    totals = session.state.totals
    await until(lambda: totals.deals_won >= 2, "two winners")
    await until(lambda: totals.deals_closed > totals.deals_won, "a loser")
    session.request_stop("test")
    assert await running == "test"
    assert_books_agree(session)
    assert verify(bench.folder.journal).holds
    types = [row.type for row in read_rows(bench.folder.journal)]
    assert types[0] == "SessionStarted"
    assert types[-1] == "SessionStopped"
    assert any("SELL pending" in line for line in bench.log.lines)
    assert any("closed: target reached" in line for line in bench.log.lines)
    recovered = load_state(bench.folder, [])
    assert recovered.snapshot_text.startswith("snapshot of row")
    assert recovered.state.totals.deals_closed == totals.deals_closed
    assert_replays(bench)


async def test_restart_goes_on_where_it_was(bench: Bench) -> None:
    for _ in range(SESSIONS_MAX):
        first = await bench.session()
        running = asyncio.create_task(first.run())
        await until(lambda s=first: any(d.bought for d in s.state.deals.open_deals()), "a position")
        first.request_stop("test")
        await running
        held = {deal.id for deal in first.state.deals.open_deals()}
        if held:  # a busy machine may need so long for the stop that the deal ends before it
            break
    assert held
    second = await bench.session()
    assert {deal.id for deal in second.state.deals.open_deals()} == held
    assert second.state.installation_id == "attest"
    running = asyncio.create_task(second.run())
    await until(
        lambda: not held & {deal.id for deal in second.state.deals.open_deals()},
        "the end of the deals that were open",
    )
    second.request_stop("test")
    await running
    assert_books_agree(second)
    assert_replays(bench)


async def test_flatten_on_stop_leaves_nothing_but_dust(bench: Bench) -> None:
    session = await bench.session(flatten_on_stop=True)
    running = asyncio.create_task(session.run())
    await until(lambda: any(d.bought for d in session.state.deals.open_deals()), "a position")
    session.request_stop("test")
    await running
    assert session.state.deals.open_deals() == []
    assert bench.exchange.exchange.open_orders("main") == []
    assert "flatten: everything is sold or canceled" in bench.log.lines
    assert_books_agree(session)


async def test_operators_words_are_heard(bench: Bench) -> None:
    session = await bench.session()
    running = asyncio.create_task(session.run())
    await until(lambda: session.state.is_ready, "the start")
    write_word(bench.folder.path, "pause", "kim", 1)
    await until(lambda: session.state.is_paused, "the pause")
    await until(
        lambda: session.state.totals.refused.get("paused", 0) > 0, "a signal refused by the pause"
    )
    write_word(bench.folder.path, "resume", "kim", 2)
    await until(lambda: not session.state.is_paused, "the end of the pause")
    (bench.folder.path / "operator" / "3.json").write_text("not json")
    write_word(bench.folder.path, "stop", "kim", 4)
    assert await running == "kim"
    assert any("expected an operator's word" in line for line in bench.log.lines)
    assert list((bench.folder.path / "operator").iterdir()) == []


async def test_every_socket_closed_in_the_middle(bench: Bench) -> None:
    """The exchange drops all connections: everything is dialed again, compared, and goes on."""
    session = await bench.session()
    running = asyncio.create_task(session.run())
    await until(lambda: session.state.totals.deals_opened > 0, "a deal")
    bench.exchange.server.close_all_sockets()
    await until(lambda: session.state.totals.reconnects > 0, "a reconnect")
    await until(
        lambda: any(
            isinstance(row.record, e.Reconciled) and row.record.trigger == "reconnect"
            for row in read_rows(bench.folder.journal, types={"Reconciled"})
        ),
        "a comparison after the reconnect",
    )
    opened = session.state.totals.deals_opened
    await until(lambda: session.state.totals.deals_opened > opened, "another deal")
    session.request_stop("test")
    await running
    assert_books_agree(session)


async def test_time_limit_ends_the_session(bench: Bench) -> None:
    session = await bench.session(duration_seconds=0.5)
    assert await session.run() == "the time is over"
    assert session.now_ms() > 0
    assert session.unprotected_ms_max() == 0
