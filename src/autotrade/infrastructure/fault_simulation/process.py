"""One life of the bot in the simulated world: the real parts, put together as a start does it.

The composition follows bootstrap.run_trade; what differs are the ends: the disk, the clients and
the clock.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from autotrade.application.use_cases.run_realtime_trading import (
    RealtimeTrading,
    RunPlan,
    SessionIdentity,
)
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.events import OperatorAction
from autotrade.domain.settings import DomainSettings
from autotrade.infrastructure.connectors.ccxt_connector import CcxtExchangeConnector
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.market_questions import MarketQuestions
from autotrade.infrastructure.connectors.market_rules import MarketDirectory
from autotrade.infrastructure.connectors.weight_governor import WeightGovernor
from autotrade.infrastructure.fault_simulation.client import (
    SimulatedClient,
    SimulatedUserClient,
    Wires,
)
from autotrade.infrastructure.fault_simulation.disk import SimulatedDisk
from autotrade.infrastructure.fault_simulation.exchange_end import ExchangeEnd
from autotrade.infrastructure.fault_simulation.feed import SimulatedFeed
from autotrade.infrastructure.fault_simulation.virtual_loop import Agenda, VirtualLoop
from autotrade.infrastructure.journal.chain import JOURNAL_START
from autotrade.infrastructure.journal.data_folder import DataFolder, FolderLock
from autotrade.infrastructure.journal.journal import JsonlJournal
from autotrade.infrastructure.repositories.snapshot_set import SnapshotSet
from autotrade.infrastructure.repositories.state_loader import load_state
from autotrade.infrastructure.repositories.state_snapshots import StateSnapshots

INSTALLATION_ID = "atsim"
PREFIX = f"{INSTALLATION_ID}-"


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """What every life of the bot is given."""

    settings: DomainSettings
    pairs: Callable[[], list[CurrencyPair]]
    connector: ConnectorSettings
    run: RunPlan


class Inbox:
    """The operator's words; a life takes each once."""

    def __init__(self) -> None:
        self.words: list[tuple[OperatorAction, str]] = []

    def take(self) -> list[tuple[OperatorAction, str]]:
        words, self.words = self.words, []
        return words


class VerifiedLines:
    """The journal's lines that held when a life began. While they are unchanged they hold still, so
    a world of days does not compute their hashes anew at each of its hundreds of starts."""

    def __init__(self) -> None:
        self._journal = b""
        self.end = JOURNAL_START
        """Before this place everything is known to hold."""

    def look_at(self, journal: bytes) -> None:
        """The file as the next life finds it."""
        if not journal.startswith(self._journal[: self.end.offset]):
            self.end = JOURNAL_START
        self._journal = journal


class Process:
    """`live` is a whole life; after `bury` nothing of it reaches the world any more."""

    def __init__(
        self,
        plan: ProcessPlan,
        folder: DataFolder,
        end: ExchangeEnd,
        agenda: Agenda,
        disk: SimulatedDisk,
        *,
        verified: VerifiedLines,
        name: str,
        inbox: Inbox,
        notify: Callable[[str], None],
    ) -> None:
        self._plan, self._folder, self._end, self._agenda = plan, folder, end, agenda
        self._inbox, self._notify = inbox, notify
        self.disk = disk
        self._verified = verified
        self.name = name
        self.loop = VirtualLoop(agenda, name)
        self.loop.executor_delay = lambda: 0.001 + disk.faults.slow_seconds
        self.clock_ahead_seconds = 0.0
        self._lock: FolderLock | None = None
        self.session: RealtimeTrading | None = None
        self.feed: SimulatedFeed | None = None
        self.wires: Wires | None = None
        self._user: SimulatedUserClient | None = None

    # --- a life -------------------------------------------------------------------------------

    def live(self) -> str:
        """Returns why it ended in order; raises what killed it or what it died of."""
        return self.loop.run_until_complete(self._run())

    async def _run(self) -> str:
        folder = self._folder
        self._lock = folder.lock()
        folder.check_writable(self.disk)
        journal = JsonlJournal.open(folder.journal, files=self.disk, known=self._verified.end)
        self._verified.end = journal.position
        if journal.opened.cut_text:
            self._notify(f"{journal.opened.cut_bytes} torn bytes were cut")
        recovered = load_state(folder, self._plan.pairs())
        self._notify(recovered.text or "a new folder")
        self._session(journal, recovered.state)
        assert self.session is not None
        keeping = asyncio.get_running_loop().create_task(self._keep_clock())
        try:
            return await self.session.run()
        finally:
            keeping.cancel()

    def _session(self, journal: JsonlJournal, state: Any) -> None:
        settings, end = self._plan.connector, self._end
        clock = ExchangeClock(monotonic=self._monotonic, wall=lambda: self._agenda.now_ms / 1000)
        governor = WeightGovernor(clock)
        self.wires = Wires(end, governor, clock, settings.receive_window_ms, self._monotonic)
        client: Any = SimulatedClient(self.wires, end)
        user: Any = SimulatedUserClient(self.wires, end, self._agenda, self.name)
        self._user = user
        directory = MarketDirectory()
        self._questions = MarketQuestions(client, settings, clock, governor, directory)
        self.feed = SimulatedFeed(end.market, settings, clock, self._questions)
        self.session = RealtimeTrading(
            self._plan.settings,
            state,
            identity=SessionIdentity(
                installation_id=INSTALLATION_ID,
                version="simulated",
                commit="",
                mode="simulation",
                venue="simulated",
                market="storm",
                request_window_ms=settings.receive_window_ms,
            ),
            plan=self._plan.run,
            feed=self.feed,
            connector=CcxtExchangeConnector(
                client,
                user,
                settings=settings,
                clock=clock,
                directory=directory,
                market=self._questions,
            ),
            clock=clock,
            journal=journal,
            snapshots=StateSnapshots(journal, SnapshotSet(self._folder, self.disk)),
            inbox=self._inbox,
            notifier=_Notifier(self._notify),
        )

    def _monotonic(self) -> float:
        return self._agenda.seconds + self.clock_ahead_seconds

    async def _keep_clock(self) -> None:
        """As the market feed of the real connector does it."""
        while True:
            try:
                await self._questions.measure_clock()
            except Exception as error:  # noqa: BLE001 the streams and orders say it louder
                self._notify(f"the clock was not measured: {error}")
            await asyncio.sleep(self._plan.connector.clock_interval_seconds)

    # --- its end ------------------------------------------------------------------------------

    def bury(self) -> None:
        """Cut it off from the disk, the wires and the lock, then let go of the tasks that never
        could finish: what they do on being closed reaches nothing any more."""
        if self.wires is not None:
            self.wires.is_cut = True
        self.disk.end()
        self.feed = None
        if self._user is not None:
            for socket in self._user.clients.values():
                self._end.detach(socket)
        if self._lock is not None:
            self._lock.release()
        self.loop.set_exception_handler(lambda *_: None)  # what the dead complain of
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None  # their last words
        try:
            for task in self.loop.unfinished_tasks():
                coroutine: Any = task.get_coro()
                with suppress(RuntimeError):  # it wanted to wait once more
                    coroutine.close()
        finally:
            sys.unraisablehook = hook
        self.loop.close()


class _Notifier:
    def __init__(self, notify: Callable[[str], None]) -> None:
        self._notify = notify

    def notify(self, text: str, *, is_warning: bool = False) -> None:
        self._notify(f"! {text}" if is_warning else text)
