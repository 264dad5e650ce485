"""A whole session with real parts: exchange over loopback TLS, the real client library, the real
journal. Only the market is made for the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal as D
from pathlib import Path

import pytest

from autotrade.application.use_cases.run_realtime_trading import (
    RealtimeTrading,
    RunPlan,
    SessionIdentity,
)
from autotrade.domain import events as e
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.settings import DomainSettings, OrderbookAnalyzerSettings
from autotrade.infrastructure.connectors.ccxt_connection import open_connector
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings, Venue
from autotrade.infrastructure.connectors.transport import loopback
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.journal import JsonlJournal, read_rows, verify
from autotrade.infrastructure.operator_inbox import FileOperatorInbox
from autotrade.infrastructure.repositories.snapshot_set import SnapshotSet
from autotrade.infrastructure.repositories.state_loader import load_state
from autotrade.infrastructure.repositories.state_snapshots import StateSnapshots
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange, EmbeddedOptions
from autotrade.infrastructure.terminal.commands.operator import write_word
from tests.market_waves import WaveMarket

SPEED = 600.0
WAIT_SECONDS_MAX = 40.0
SETTINGS = DomainSettings(
    # an accelerated book is seldom younger than a fraction of a real second
    orderbook_analyzer=OrderbookAnalyzerSettings(max_book_age_seconds=600.0)
)


@dataclass
class Lines:
    """The log, as a Notifier."""

    lines: list[str] = field(default_factory=list)

    def notify(self, text: str, *, is_warning: bool = False) -> None:
        self.lines.append(text)


class Bench:
    """One exchange, one data folder; sessions come and go on them."""

    def __init__(self, exchange: EmbeddedExchange, folder: Path) -> None:
        self.exchange = exchange
        self.folder = DataFolder(folder)
        self.log = Lines()

    async def session(self, **plan: object) -> RealtimeTrading:
        self.folder.create()
        journal = JsonlJournal.open(self.folder.journal)
        pair = CurrencyPair("ETH", "USDT", 5, D(100), D("0.9"), 3)
        recovered = load_state(self.folder, [pair])
        connection = await open_connector(self._connector_settings())
        assert connection.connector is not None
        return RealtimeTrading(
            SETTINGS,
            recovered.state,
            identity=SessionIdentity(
                "attest", "1", "commit", "simulation", "embedded", "waves", int(5_000 * SPEED)
            ),
            plan=replace(RunPlan(speed=SPEED, reconcile_seconds=1.0), **plan),  # type: ignore[arg-type]
            feed=connection.feed,
            connector=connection.connector,
            clock=connection.clock,
            journal=journal,
            snapshots=StateSnapshots(journal, SnapshotSet(self.folder)),
            inbox=FileOperatorInbox(self.folder.path / "operator", self.log),
            notifier=self.log,
        )

    def _connector_settings(self) -> ConnectorSettings:
        exchange = self.exchange
        assert exchange.tls_port is not None
        assert exchange.certificates is not None
        return ConnectorSettings(
            venue=Venue.EMBEDDED,
            transport=loopback(exchange.tls_port, exchange.certificates.authority),
            api_key=exchange.options.api_key,
            api_secret=exchange.options.api_secret,
            client_id_prefix="attest-",
            speed=SPEED,
            receive_window_ms=5_000,
            stale_seconds=5.0,
            book_interval_seconds=0.05,
        )


async def until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"{what} did not happen within {WAIT_SECONDS_MAX:g} s")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    options = EmbeddedOptions(port=None, tls_port=0, speed=SPEED)
    async with EmbeddedExchange(WaveMarket(), options) as exchange:
        yield Bench(exchange, tmp_path / "data")
        assert exchange.server.misses == []


def assert_books_agree(session: RealtimeTrading) -> None:
    assert session.ledger_difference is not None
    assert not any(session.ledger_difference.values()), session.ledger_difference


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


async def test_restart_goes_on_where_it_was(bench: Bench) -> None:
    first = await bench.session()
    running = asyncio.create_task(first.run())
    await until(lambda: any(d.bought for d in first.state.deals.open_deals()), "a position")
    first.request_stop("test")
    await running
    held = {deal.id for deal in first.state.deals.open_deals()}
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
