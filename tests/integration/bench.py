"""A whole session with real parts: exchange over loopback TLS, the real client library, the real
journal. Only the market is made for the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal as D
from pathlib import Path
from typing import Any, TypeVar

import pytest

from autotrade.application.use_cases.run_realtime_trading import (
    RealtimeTrading,
    RunPlan,
    SessionIdentity,
)
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.settings import DomainSettings, OrderbookAnalyzerSettings
from autotrade.infrastructure.connectors.ccxt_connection import open_connector
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings, Venue
from autotrade.infrastructure.connectors.transport import loopback
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.files import REAL_FILES, FileSystem
from autotrade.infrastructure.journal.journal import JsonlJournal, read_rows, verify
from autotrade.infrastructure.market_recording.recorder import GzipMarketRecorder
from autotrade.infrastructure.operator_inbox import FileOperatorInbox
from autotrade.infrastructure.repositories.snapshot_set import SnapshotSet
from autotrade.infrastructure.repositories.state_loader import load_state
from autotrade.infrastructure.repositories.state_snapshots import StateSnapshots
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange, EmbeddedOptions
from autotrade.infrastructure.simulated_exchange.market.source import MarketSource
from autotrade.infrastructure.terminal.commands.replay import replay_folder

SPEED = 600.0
WAIT_SECONDS_MAX = 40.0
SETTINGS = DomainSettings(
    # an accelerated book is seldom younger than a fraction of a real second
    orderbook_analyzer=OrderbookAnalyzerSettings(max_book_age_seconds=1e9)
)
PAIR = CurrencyPair("ETH", "USDT", 5, D(100), D("0.9"), 3)
RecordKind = TypeVar("RecordKind")


@dataclass
class Lines:
    """The log, as a Notifier."""

    lines: list[str] = field(default_factory=list)

    def notify(self, text: str, *, is_warning: bool = False) -> None:
        self.lines.append(text)

    def has(self, words: str) -> bool:
        return any(words in line for line in self.lines)


class Bench:
    """One exchange, one data folder; sessions come and go on them."""

    def __init__(
        self,
        exchange: EmbeddedExchange,
        folder: Path,
        *,
        settings: DomainSettings = SETTINGS,
        pair: CurrencyPair = PAIR,
        files: FileSystem = REAL_FILES,
    ) -> None:
        self.exchange = exchange
        self.faults = exchange.server.faults
        self.folder = DataFolder(folder)
        self.log = Lines()
        self.settings, self.pair, self.files = settings, pair, files
        self.connection_changes: dict[str, Any] = {}
        self.request_window_ms = round(5_000 * SPEED)

    async def session(self, **plan: object) -> RealtimeTrading:
        self.folder.create()
        journal = JsonlJournal.open(self.folder.journal, files=self.files)
        recovered = load_state(self.folder, [replace(self.pair)])
        connection = await open_connector(self.connector_settings())
        assert connection.connector is not None
        return RealtimeTrading(
            self.settings,
            recovered.state,
            identity=SessionIdentity(
                "attest", "1", "commit", "simulation", "embedded", "waves", self.request_window_ms
            ),
            plan=replace(RunPlan(speed=SPEED, reconcile_seconds=1.0), **plan),  # type: ignore[arg-type]
            feed=connection.feed,
            connector=connection.connector,
            clock=connection.clock,
            journal=journal,
            snapshots=StateSnapshots(journal, SnapshotSet(self.folder)),
            inbox=FileOperatorInbox(self.folder.path / "operator", self.log),
            notifier=self.log,
            recorder=GzipMarketRecorder(self.folder.recording, self.log),
        )

    def connector_settings(self) -> ConnectorSettings:
        exchange = self.exchange
        assert exchange.tls_port is not None
        assert exchange.certificates is not None
        settings = ConnectorSettings(
            venue=Venue.EMBEDDED,
            transport=loopback(exchange.tls_port, exchange.certificates.authority),
            api_key=exchange.options.api_key,
            api_secret=exchange.options.api_secret,
            client_id_prefix="attest-",
            speed=SPEED,
            receive_window_ms=5_000,
            stale_seconds=5.0,
            book_interval_seconds=0.05,
            backoff_longest_seconds=0.2,
        )
        return replace(settings, **self.connection_changes)

    @asynccontextmanager
    async def trading(self, **plan: object) -> AsyncIterator[RealtimeTrading]:
        """A session that runs; it is stopped in order at the end, and then the books must agree."""
        session = await self.session(**plan)
        running = asyncio.create_task(session.run())
        try:
            await until_or_ended(lambda: session.state.is_ready, running, "the start")
            yield session
        finally:
            session.request_stop("test")
            await running
        assert_books_agree(session)
        assert verify(self.folder.journal).holds

    def records(self, kind: type[RecordKind]) -> Iterator[RecordKind]:
        """What the journal holds of a kind, oldest first."""
        for row in read_rows(self.folder.journal, types={kind.__name__}):
            assert isinstance(row.record, kind)
            yield row.record


@asynccontextmanager
async def serving(market: MarketSource, folder: Path, **bench: Any) -> AsyncIterator[Bench]:
    """A bench on its own exchange, which may not have been asked for what Binance lacks."""
    options = EmbeddedOptions(port=None, tls_port=0, speed=SPEED)
    async with EmbeddedExchange(market, options) as exchange:
        yield Bench(exchange, folder, **bench)
        assert exchange.server.misses == []


async def until(condition: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        pytest.fail(f"{what} did not happen within {WAIT_SECONDS_MAX:g} s")


async def until_or_ended(
    condition: Callable[[], object], running: asyncio.Task[Any], what: str
) -> None:
    """As `until`; a session that ends before is shown with its fault."""
    await until(lambda: condition() or running.done(), what)
    if not condition():
        running.result()
        pytest.fail(f"expected {what}, was the session's end")


def assert_replays(bench: Bench) -> None:
    """What the sessions recorded gives every decision and command of the journal again."""
    report = replay_folder(bench.folder)
    assert report.difference is None
    assert (report.sessions_unrecorded, report.rows_unrecorded) == (0, 0)
    assert report.decisions > 0 and report.commands > 0


def assert_books_agree(session: RealtimeTrading) -> None:
    assert session.ledger_difference is not None
    assert not any(session.ledger_difference.values()), session.ledger_difference
