"""A whole world from a seed: the market, the exchange, the network, the disk, and a bot that lives
and dies in it while its promises are watched.

    result = run_world(WorldPlan(seed=42, seconds=7200.0), folder)
"""

from __future__ import annotations

import gc
import hashlib
import random
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from autotrade.application.ports import ExchangeUnreachable, StoreFault
from autotrade.application.state_snapshot import export_rest
from autotrade.application.use_cases.run_realtime_trading import RunPlan
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.events import OperatorAction
from autotrade.domain.settings import (
    BuyOrderMonitorSettings,
    DomainSettings,
    SignalCooldownSettings,
    StopLossMonitorSettings,
    StrategySettings,
    TradingSettings,
)
from autotrade.domain.state import TradingState
from autotrade.infrastructure.audit import audit_lines
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings, Venue
from autotrade.infrastructure.connectors.transport import live
from autotrade.infrastructure.fault_simulation.disk import DiskFaults, SimulatedDisk
from autotrade.infrastructure.fault_simulation.exchange_end import (
    ACCOUNT,
    ArmedFault,
    ExchangeEnd,
)
from autotrade.infrastructure.fault_simulation.invariants import Limits, Violation, Watcher
from autotrade.infrastructure.fault_simulation.market import (
    LISTED,
    PairMarket,
    SimulatedMarket,
)
from autotrade.infrastructure.fault_simulation.process import (
    PREFIX,
    Inbox,
    Process,
    ProcessPlan,
    VerifiedLines,
)
from autotrade.infrastructure.fault_simulation.storm import storm_script
from autotrade.infrastructure.fault_simulation.strikes import STRIKES
from autotrade.infrastructure.fault_simulation.times import (
    AFTER_REQUEST_SECONDS,
    AFTER_START_SECONDS,
    AFTER_STATE_SECONDS,
    ARMED_SECONDS_MAX,
    BOOKS_ROOM_SECONDS,
    BOOKS_SECONDS,
    PAUSE_EVERY_SECONDS,
    RECONCILE_SECONDS,
    STOP_SECONDS_MAX,
)
from autotrade.infrastructure.fault_simulation.virtual_loop import (
    Agenda,
    ProcessKilled,
    WorldStuck,
)
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.repositories.state_loader import journal_state, load_state
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind, ScriptedFault

START_MS = 1_760_000_040_000
YOUNG = 1
"""The generation of Python's collector that has a life's remains right after its end. Found later,
they would take gigabytes in a world of two days."""
KIND = FaultKind
REQUEST_KINDS = frozenset(
    {
        KIND.REQUEST_LOST,
        KIND.REPLY_LOST,
        KIND.REQUEST_DELAYED,
        KIND.REQUEST_DUPLICATED,
        KIND.SERVER_ERROR,
        KIND.STATUS_UNKNOWN,
        KIND.RATE_LIMITED,
        KIND.BANNED,
        KIND.REJECTED,
    }
)

SETTINGS = DomainSettings(
    strategy=StrategySettings(macd_fast=4, macd_slow=9, macd_signal=4, sma_fast=2, sma_slow=3),
    trading=TradingSettings(
        min_net_profit_percent=Decimal("0.1"),
        log_orderbook_analysis=False,
        orderbook_confidence_threshold=0.5,
    ),
    buy_order_monitor=BuyOrderMonitorSettings(max_age_minutes=Decimal(2), max_recreations=2),
    stop_loss_monitor=StopLossMonitorSettings(hold_seconds_max=60.0),
    signal_cooldown=SignalCooldownSettings(
        after_signal_seconds=60, after_loss_seconds=120, min_entry_distance_percent=Decimal(0)
    ),
)
"""The shipped settings, made a little livelier."""


def deals_allowed(seed: int) -> tuple[int, int]:
    """(on a pair, in all): plenty, or in each third world so few that they are often reached."""
    return (1, 2) if seed % 3 == 2 else (3, 6)


@dataclass(frozen=True, slots=True)
class WorldPlan:
    """`script` None takes the seed's own storm."""

    seed: int
    seconds: float
    pairs: int = 3
    script: tuple[ScriptedFault, ...] | None = None
    protect_seconds: float = 5.0
    mean_seconds_between: float = 15.0


@dataclass(slots=True)
class WorldResult:
    seed: int
    seconds: float
    violations: list[Violation] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    recoveries: int = 0
    deals: int = 0
    fills: int = 0
    calm_checks: int = 0
    unprotected_ms_max: int = 0
    unprotected_calm_ms_max: int = 0
    journal_sha256: str = ""
    journal_rows: int = 0


def run_world(
    plan: WorldPlan, folder: Path, tell: Callable[[float, str], None] | None = None
) -> WorldResult:
    """Live through a plan in an empty folder; `tell` is given the story line by line."""
    return World(plan, folder, tell).run()


class World:
    def __init__(
        self, plan: WorldPlan, folder: Path, tell: Callable[[float, str], None] | None = None
    ) -> None:
        self._plan, self._tell = plan, tell
        self.script = plan.script
        if self.script is None:
            self.script = tuple(
                storm_script(
                    plan.seed, plan.seconds, mean_seconds_between=plan.mean_seconds_between
                )
            )
        self.agenda = Agenda(START_MS)
        self.market = SimulatedMarket(plan.seed, plan.pairs, START_MS)
        self.end = ExchangeEnd(self.agenda, self.market, plan.seed)
        self.folder = DataFolder(folder)
        self.result = WorldResult(plan.seed, plan.seconds)
        limits = Limits(*deals_allowed(plan.seed), plan.protect_seconds, stale_seconds=30.0)
        self.watch = Watcher(PREFIX, limits)
        self.end.watch = self.watch
        self.end.on_armed_used = self._armed_used
        self.inbox = Inbox()
        self.process: Process | None = None
        self._verified = VerifiedLines()
        self.disk_faults = DiskFaults()
        self.clock_ahead_s = 0.0
        self.is_silent = self.is_closed = self.is_stale = self.is_empty = 0
        self.kills_in_row = 0
        self._kill_after_order: int | None = None
        self.loses_power = False
        self._is_calm_checked = True
        self.is_ending = False
        self._random = random.Random(f"{plan.seed}:world")
        for pair in self.market.pairs:
            self.learn_notional(pair, pair.market.minimum_notional)
        self.disturb(AFTER_START_SECONDS)

    # --- the course of the world --------------------------------------------------------------

    def run(self) -> WorldResult:
        assert self.script is not None
        for number, fault in enumerate(self.script):
            rng = random.Random(f"{self._plan.seed}:{fault.kind}:{fault.at_s}:{number}")
            self.agenda.at(fault.at_s, lambda fault=fault, rng=rng: self._strike(fault, rng))  # type: ignore[misc]
        self.agenda.at(1.0, self._second)
        self.agenda.at(self._random.uniform(60, PAUSE_EVERY_SECONDS), self._operator_pauses)
        self.agenda.at(self._plan.seconds, self._end_of_time)
        try:
            while not self._is_over():
                self._one_life()
        except WorldStuck as stuck:
            self.watch.violate("never_stuck", str(stuck))
        finally:
            if self.process is not None:
                self._bury(self.process)
        return self._close_accounts()

    def _is_over(self) -> bool:
        return self.agenda.seconds >= self._plan.seconds + STOP_SECONDS_MAX or (
            self.is_ending and self.process is None
        )

    def _one_life(self) -> None:
        gc.collect(YOUNG)
        number = self.result.kills + self.result.recoveries
        journal = _bytes_of(self.folder.journal)
        self.watch.on_restart(journal)
        self._verified.look_at(journal)
        rng = random.Random(f"{self._plan.seed}:disk:{number}:{self.agenda.seconds:.3f}")
        disk = SimulatedDisk(rng, self._on_write, self._on_sync)
        disk.faults = replace(self.disk_faults, kill_at_operation=None)
        process = Process(
            _process_plan(self._plan),
            self.folder,
            self.end,
            self.agenda,
            disk,
            verified=self._verified,
            name=f"{self._plan.seed}:life:{number}",
            inbox=self.inbox,
            notify=self._say,
        )
        process.clock_ahead_seconds = self.clock_ahead_s
        self.process = process
        if self.kills_in_row > 0:
            self.kills_in_row -= 1
            process.loop.kill_at_step = rng.randrange(1, 400)
        was_new = not self.folder.journal.exists()
        try:
            text = process.live()
            self._say(f"the bot ended in order: {text}")
            self.is_ending = True
            self._check_end(process)
        except ProcessKilled:
            self.result.kills += 1
            self._say("killed")
            self._rest(rng.uniform(0.2, 20.0), process)
        except (StoreFault, ExchangeUnreachable) as fault:
            self._say(f"the bot ended: {type(fault).__name__}: {fault}")
            self._rest(rng.uniform(1.0, 10.0), process)
        except Exception as error:  # noqa: BLE001 a fault of the program is what we look for
            place = traceback.extract_tb(error.__traceback__)[-1]
            self.watch.violate(
                "no_fault_of_the_program",
                f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})",
            )
            self._rest(5.0, process)
        else:
            self._bury(process)
        if not was_new and not self.is_ending:
            self.result.recoveries += 1

    def _rest(self, seconds: float, process: Process) -> None:
        """A process ended by itself or was killed; it is started anew after a while."""
        self._bury(process)
        if self.loses_power:
            self.loses_power = False
            process.disk.lose_power()
        self.watch.on_journal_cut()
        self.disturb(seconds + AFTER_START_SECONDS)
        self.agenda.pass_time(seconds)

    def _bury(self, process: Process) -> None:
        process.bury()
        self.process = None
        self._kill_after_order = None

    def _end_of_time(self) -> None:
        self.is_ending = True
        process = self.process
        if process is None or process.session is None:
            self.agenda.after(1.0, self._end_of_time)
        else:
            process.session.request_stop("the time is over")

    # --- each second --------------------------------------------------------------------------

    def _second(self) -> None:
        self.agenda.after(1.0, self._second)
        watch, process = self.watch, self.process
        watch.now = self.agenda.seconds
        is_minute = self.market.move()
        self.end.second()
        self.end.expire_armed()
        for pair in self.market.pairs:
            watch.prices[pair.symbol] = Decimal(pair.price) * pair.market.tick_size
        if process is not None and process.feed is not None:
            feed = process.feed
            feed.is_silent, feed.is_closed = self.is_silent > 0, self.is_closed > 0
            feed.is_book_stale, feed.is_book_empty = self.is_stale > 0, self.is_empty > 0
            feed.second(is_minute=is_minute)
        if self.end.transfers:
            balances = self.end.core.balances(ACCOUNT)
            watch.base_total = {asset: sum(parts) for asset, parts in balances.items()}
        watch.second()
        if not self._is_calm_checked and watch.now >= watch.calm_since + BOOKS_SECONDS:
            self._check_calm()

    def _check_calm(self) -> None:
        """One reconciliation after the last disturbance: the books are equal, the bot is well."""
        watch, process = self.watch, self.process
        is_late = watch.now >= watch.calm_since + BOOKS_SECONDS + BOOKS_ROOM_SECONDS
        trouble = self._trouble(process)
        if trouble is None:
            self._is_calm_checked = True
            self.result.calm_checks += 1
        elif is_late:
            self._is_calm_checked = True
            watch.violate(*trouble)

    def _trouble(self, process: Process | None) -> tuple[str, str] | None:
        session = process.session if process is not None else None
        if session is None or not session.state.is_ready:
            return "never_stuck", "the bot does not trade although nothing is wrong any more"
        orders = session.state.orders.all()
        difference = self.watch.books_differ({order.id for order in orders if order.is_open()})
        if difference is not None:
            return "books_are_equal", difference
        doubtful = [order.id for order in orders if order.is_in_doubt]
        if doubtful:
            return "never_stuck", f"still in doubt: {doubtful}"
        if session.state.lost_channels:
            return "never_stuck", f"channels are lost: {session.state.lost_channels}"
        for deal in session.state.deals.open_deals():
            position = self.watch.positions.get(deal.id)
            if position is None or not position.is_live:
                return "never_stuck", f"deal {deal.id} is open without an order: {deal}"
        return None

    # --- faults -------------------------------------------------------------------------------

    def _strike(self, fault: ScriptedFault, rng: random.Random) -> None:
        if self.is_ending:
            return
        self.result.faults[fault.kind.value] += 1
        self._say(f"fault {fault.kind} {fault.duration_s or ''} x{fault.count}")
        self.disturb(AFTER_STATE_SECONDS + fault.duration_s)
        if fault.kind in REQUEST_KINDS:
            is_for_orders = rng.random() < 0.75
            until = self.agenda.seconds + ARMED_SECONDS_MAX
            self.end.armed.append(ArmedFault(fault.kind, fault.count, is_for_orders, until, rng))
            return
        STRIKES[fault.kind](self, fault, rng)

    def _armed_used(self, fault: ArmedFault, path: str) -> None:
        self._say(f"  {fault.kind} meets {path}")
        extra = ARMED_SECONDS_MAX if fault.kind is KIND.BANNED else 0.0
        self.disturb(AFTER_REQUEST_SECONDS + extra)

    def disturb(self, seconds: float) -> None:
        """From now on for so long a promise that needs calm is excused."""
        watch = self.watch
        watch.now = self.agenda.seconds
        watch.calm_since = max(watch.calm_since, watch.now + seconds)
        self._is_calm_checked = False

    def for_a_while(
        self, seconds: float, begin: Callable[[], None], end: Callable[[], None]
    ) -> None:
        begin()

        def over() -> None:
            end()
            self.disturb(AFTER_STATE_SECONDS)

        self.agenda.after(seconds, over)

    def learn_notional(self, pair: PairMarket, notional: Decimal) -> None:
        self.watch.minimum_notional[pair.symbol] = notional

    def some_pair(self, rng: random.Random) -> PairMarket:
        return rng.choice(self.market.pairs)

    def _operator_pauses(self) -> None:
        """Now and then somebody pauses the bot and forgets it for a minute or two."""
        rng = self._random
        if not self.is_ending:
            self.inbox.words.append((OperatorAction.PAUSE, "the operator"))
            self.disturb(3.0)
            self.agenda.after(
                rng.uniform(60, 150),
                lambda: self.inbox.words.append((OperatorAction.RESUME, "the operator")),
            )
            self.agenda.after(PAUSE_EVERY_SECONDS, self._operator_pauses)

    # --- what the world is told ---------------------------------------------------------------

    def _on_write(self, path: Path, data: bytes) -> None:
        if path == self.folder.journal:
            self.watch.on_journal(data)

    def _on_sync(self, path: Path) -> None:
        if path == self.folder.journal:
            self.watch.on_journal_synced()

    def _say(self, text: str) -> None:
        if self._tell is not None:
            self._tell(self.agenda.seconds, text)

    # --- the end ------------------------------------------------------------------------------

    def _check_end(self, process: Process) -> None:
        session = process.session
        assert session is not None
        difference = session.ledger_difference
        self._say(f"ledger difference {difference}")
        if difference is None:
            self.watch.violate("ledger", "the account was not compared at the end")

    def _close_accounts(self) -> WorldResult:
        result, watch = self.result, self.watch
        journal = _bytes_of(self.folder.journal)
        if not watch.violations:
            self._audit(journal)
            self._recover_twice()
        result.violations = watch.violations
        result.deals = len(watch.positions)
        result.fills = len(watch.told.fills)
        result.unprotected_ms_max = round(watch.unprotected_s_max * 1000)
        result.unprotected_calm_ms_max = round(watch.unprotected_calm_s_max * 1000)
        result.journal_sha256 = hashlib.sha256(journal).hexdigest()
        result.journal_rows = journal.count(b"\n")
        return result

    def _audit(self, journal: bytes) -> None:
        """The second checker: the journal's bytes against everything the exchange remembers."""
        report = audit_lines(journal.splitlines(keepends=True), self.end.history())
        for found in report.violations:
            self.watch.violate(f"audit_{found.code}", found.text)

    def _recover_twice(self) -> None:
        """Snapshots with the rows since, and the journal alone: the next start finds the same."""
        pairs = _process_plan(self._plan).pairs
        by_snapshot = _parts(load_state(self.folder, pairs()).state)
        by_journal = _parts(journal_state(self.folder, pairs()))
        for name, told in by_journal.items():
            if by_snapshot.get(name) != told:
                text = f"{name}: by the snapshots {by_snapshot.get(name)}, by the journal {told}"
                self.watch.violate("recovered_alike", text)
        if strange := sorted(by_snapshot.keys() - by_journal.keys()):
            self.watch.violate("recovered_alike", f"only by the snapshots: {strange}")


def _process_plan(plan: WorldPlan) -> ProcessPlan:
    on_a_pair, in_all = deals_allowed(plan.seed)

    def pairs() -> list[CurrencyPair]:
        return [
            CurrencyPair(base, "USDT", 5, Decimal(100), Decimal("0.6"), on_a_pair)
            for base, *_ in LISTED[: plan.pairs]
        ]

    return ProcessPlan(
        settings=replace(SETTINGS, trading=replace(SETTINGS.trading, max_open_deals=in_all)),
        pairs=pairs,
        connector=ConnectorSettings(Venue.BINANCE, live(), client_id_prefix=PREFIX),
        run=RunPlan(reconcile_seconds=RECONCILE_SECONDS),
    )


def _parts(state: TradingState) -> dict[str, Any]:
    """Everything of a state that its records brought about, as plain values by name."""
    deals = {f"deal {deal.id}": msgspec.to_builtins(deal) for deal in state.deals.all()}
    orders = {f"order {order.id}": msgspec.to_builtins(order) for order in state.orders.all()}
    return deals | orders | export_rest(state)


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _nothing() -> None:
    pass
