"""The one place that knows every layer: it builds the parts from the settings and runs them."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autotrade.application.patience import Patience
from autotrade.application.use_cases.recover_state import Recovered
from autotrade.application.use_cases.run_realtime_trading import (
    RealtimeTrading,
    RunPlan,
    SessionIdentity,
    resting_orders,
)
from autotrade.config.credentials import load_credentials
from autotrade.config.errors import ConfigurationError
from autotrade.config.settings import Settings
from autotrade.domain.settings import DomainSettings
from autotrade.domain.state import Totals, TradingState
from autotrade.infrastructure.connectors.ccxt_connection import Connection, open_connector
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings, Venue
from autotrade.infrastructure.connectors.transport import live, loopback
from autotrade.infrastructure.heap import tend_heap
from autotrade.infrastructure.journal.data_folder import DataFolder, before_anything
from autotrade.infrastructure.journal.journal import JsonlJournal
from autotrade.infrastructure.market_recording.folder import remove_old
from autotrade.infrastructure.market_recording.recorder import GzipMarketRecorder
from autotrade.infrastructure.operator_inbox import FileOperatorInbox
from autotrade.infrastructure.repositories.snapshot_set import SnapshotSet
from autotrade.infrastructure.repositories.state_loader import load_state
from autotrade.infrastructure.repositories.state_snapshots import StateSnapshots
from autotrade.infrastructure.terminal.log_notifier import LogNotifier
from autotrade.infrastructure.terminal.output import write_json, write_progress, write_result
from autotrade.infrastructure.terminal.start_card import PairCard, StartCard, render_start_card
from autotrade.infrastructure.terminal.summary import RunSummary, render_summary, summary_json
from autotrade.infrastructure.terminal.version import read_commit, read_version

if TYPE_CHECKING:
    from autotrade.application.ports import ExchangeConnector, MarketDataFeed
    from autotrade.infrastructure.simulated_exchange.announcement import Announcement

INSTALLATION_ID_BYTES = 4
THREAD_SWITCH_SECONDS = 0.0005
"""How long the journal's thread may wait for the loop's. With Python's 5 ms a commit in a busy
moment, and a candle's end is one, waits for that twice: before the fsync and after it."""
RECORDING_START_SECONDS_MAX = 600.0
"""A recording is first played on to the moment at which the accounts were left."""
DELAY_SECONDS = 0.25
"""What a busy machine may take to bring a book from the embedded exchange to a decision."""


@dataclass(frozen=True, slots=True)
class TradeOptions:
    """What the command line adds to the settings for one run."""

    duration_seconds: float | None = None
    flatten_on_stop: bool = False
    json_output: bool = False


async def run_trade(settings: Settings, options: TradeOptions) -> int:
    """`trade`: recover, connect, trade until stopped, print the summary. Returns the exit code."""
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    folder = DataFolder(settings.data_folder)
    with before_anything():
        lock = folder.lock()
    with lock:
        with before_anything():
            folder.check_writable()
            journal = JsonlJournal.open(folder.journal)
        notifier = LogNotifier()
        if journal.opened.cut_text:
            notifier.notify(journal.opened.cut_text, is_warning=True)
        recovered = load_state(folder, settings.pairs())
        _refuse_foreign_folder(settings, recovered.state, folder.path)
        installation_id = recovered.state.installation_id or _new_installation_id()
        async with exchange_of(settings, folder) as exchange:
            announcement = exchange.announcement
            patience = Patience(notifier)
            connection = await open_connector(
                connector_settings(settings, installation_id, announcement), patience
            )
            feed, connector = await patience.until_answered(
                lambda: _ends(settings, connection, folder)
            )
            session = RealtimeTrading(
                _domain_settings(settings),
                recovered.state,
                identity=_identity(settings, installation_id),
                plan=RunPlan(
                    speed=settings.market_speed,
                    duration_seconds=options.duration_seconds,
                    flatten_on_stop=options.flatten_on_stop,
                    reconcile_seconds=settings.exchange.reconcile_interval_seconds,
                ),
                feed=feed,
                connector=connector,
                clock=connection.clock,
                journal=journal,
                snapshots=StateSnapshots(journal, SnapshotSet(folder)),
                inbox=FileOperatorInbox(folder.path / "operator", notifier),
                notifier=notifier,
                recorder=_recorder(settings, folder, notifier),
            )
            card = _start_card(settings, folder, recovered, connection, announcement)
            _say(render_start_card(card), options)
            return await _run(session, options, exchange)


# --- running ------------------------------------------------------------------------------------


async def _run(session: RealtimeTrading, options: TradeOptions, exchange: ServedExchange) -> int:
    before = replace(session.state.totals, refused=dict(session.state.totals.refused))
    before.pnl_net, before.fees = dict(before.pnl_net), dict(before.fees)
    started = time.monotonic()
    with _stop_signals(session.request_stop):
        watches = [
            asyncio.create_task(_watch_recording(session, exchange.announcement)),
            asyncio.create_task(_watch_exchange(session, exchange)),
            asyncio.create_task(tend_heap(lambda: session.state.is_ready)),
        ]
        try:
            reason = await session.run()
        finally:
            for watch in watches:
                watch.cancel()
    summary = _summary(session, before, time.monotonic() - started, reason)
    if options.json_output:
        write_json(summary_json(summary))
    else:
        write_result(render_summary(summary))
    return 0


class _stop_signals:  # noqa: N801 - reads as a verb in `with`
    """Ctrl+C (and SIGTERM) once: orderly stop. Twice: at once, the journal keeps everything."""

    def __init__(self, request_stop: Callable[[str], None]) -> None:
        self._request_stop = request_stop
        self._previous: dict[int, object] = {}
        self._count = 0

    def __enter__(self) -> _stop_signals:
        loop = asyncio.get_running_loop()

        def on_signal(number: int, frame: object) -> None:
            self._count += 1
            if self._count > 1:
                raise KeyboardInterrupt
            name = signal.Signals(number).name
            loop.call_soon_threadsafe(self._request_stop, f"stopped by {name}")

        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


async def _watch_recording(session: RealtimeTrading, announcement: Announcement | None) -> None:
    """A recording ends; the bot then stops in order instead of watching a dead market."""
    if announcement is None or announcement.end_ts is None:
        return
    while (left_ms := announcement.end_ts - session.now_ms()) > 0:  # noqa: ASYNC110 - a clock
        await asyncio.sleep(left_ms / 1000 / announcement.speed)
    session.request_stop("the recording is at its end")


async def _watch_exchange(session: RealtimeTrading, exchange: ServedExchange) -> None:
    """An exchange that we started and that is gone does not come back: the session ends with it.
    One that was there before us (attached) may return, so the connector goes on dialling it."""
    if exchange.died is not None:
        session.fail(await exchange.died())


# --- building -----------------------------------------------------------------------------------


def _new_installation_id() -> str:
    """Chosen once a data folder: it keeps the order ids of two bots on one account apart."""
    return "at" + secrets.token_hex(INSTALLATION_ID_BYTES)


def _identity(settings: Settings, installation_id: str) -> SessionIdentity:
    return SessionIdentity(
        installation_id=installation_id,
        version=read_version(),
        commit=read_commit(),
        mode=settings.exchange.mode,
        venue=settings.exchange.venue,
        market=_market_name(settings),
        request_window_ms=_request_window_ms(settings),
    )


def _recorder(
    settings: Settings, folder: DataFolder, notifier: LogNotifier
) -> GzipMarketRecorder | None:
    """Recordings that are old enough go first, also when nothing new is recorded."""
    try:
        removed = remove_old(folder.recording, settings.recording.retention_days, time.time())
    except OSError as error:
        notifier.notify(f"old market recordings could not be removed: {error}", is_warning=True)
    else:
        if removed:
            notifier.notify(f"{removed} market recordings were old enough to be removed")
    if not settings.recording.enabled:
        return None
    return GzipMarketRecorder(folder.recording, notifier)


def _domain_settings(settings: Settings) -> DomainSettings:
    """The settings, with room for this machine's own delays in accelerated time: at 60 times real
    time a book that took a sixth of a second to get here is ten seconds old on arrival."""
    domain = settings.to_domain()
    analyzer = domain.orderbook_analyzer
    age_seconds = max(analyzer.max_book_age_seconds, DELAY_SECONDS * settings.market_speed)
    return replace(domain, orderbook_analyzer=replace(analyzer, max_book_age_seconds=age_seconds))


def _market_name(settings: Settings) -> str:
    if settings.exchange.venue != "embedded":
        return settings.exchange.venue
    return settings.market_source


def _request_window_ms(settings: Settings) -> int:
    """How late a request of ours may still be taken. The accelerated exchange gives a request as
    long on our clock as a real one would, so on its own clock `speed` times as long."""
    return round(settings.exchange.recv_window_ms * max(1.0, settings.market_speed))


def _refuse_foreign_folder(settings: Settings, state: TradingState, path: Path) -> None:
    """One folder, one mode and market: deals of a simulation must never meet real orders."""
    if not state.installation_id:
        return
    was, now = (state.mode, state.market), (settings.exchange.mode, _market_name(settings))
    if was != now:
        raise ConfigurationError(
            f"the data folder {path}: expected a run with mode {was[0]} and market {was[1]}, as "
            f"its journal began, was mode {now[0]} and market {now[1]}; name another folder with "
            "--data-dir"
        )


@dataclass(frozen=True, slots=True)
class ServedExchange:
    """The embedded exchange of a run; nothing is set on every other venue."""

    announcement: Announcement | None = None
    died: Callable[[], Awaitable[Exception]] | None = None
    """Waits until the exchange that was started for this run ends by itself."""


@asynccontextmanager
async def exchange_of(settings: Settings, folder: DataFolder) -> AsyncIterator[ServedExchange]:
    """The embedded exchange: started for this run, or one that runs already."""
    if settings.exchange.venue != "embedded":
        yield ServedExchange()
        return
    from autotrade.infrastructure.simulated_exchange.announcement import (
        announcement_of,
        read_announcement,
    )
    from autotrade.infrastructure.simulated_exchange.launcher import (
        START_SECONDS_MAX,
        LaunchOptions,
        launch,
    )
    from autotrade.infrastructure.simulated_exchange.process_options import (
        ExchangeProcessOptions,
    )

    if settings.exchange.attach is not None:
        yield ServedExchange(read_announcement(settings.exchange.attach))
        return
    exchange = settings.exchange
    options = ExchangeProcessOptions(
        port=0,
        tls_port=0,
        speed=exchange.speed,
        market=None if exchange.recordings else exchange.market_source,
        recordings=tuple(exchange.recordings),
        start=exchange.recording_start,
        minutes=exchange.recording_minutes,
        symbols=() if exchange.recordings else _listed_symbols(settings),
        data_dir=folder.path,
    )
    seconds_max = RECORDING_START_SECONDS_MAX if exchange.recordings else START_SECONDS_MAX
    running = await launch(LaunchOptions(process=options, start_seconds_max=seconds_max))
    try:
        yield ServedExchange(announcement_of(running.announce), running.died)
    finally:
        await running.stop()


def _listed_symbols(settings: Settings) -> tuple[str, ...]:
    return tuple(pair.market_id for pair in settings.pairs())


def connector_settings(
    settings: Settings, installation_id: str, announcement: Announcement | None
) -> ConnectorSettings:
    common = ConnectorSettings(
        venue=Venue.BINANCE,
        transport=live(),
        client_id_prefix=f"{installation_id}-",
        receive_window_ms=settings.exchange.recv_window_ms,
        stale_seconds=settings.exchange.stale_data_seconds,
        book_interval_seconds=settings.orderbook_analyzer.monitoring_interval,
    )
    if announcement is not None:
        # An accelerated exchange holds its clock back while the machine cannot keep up; measured
        # seldom, ours runs minutes ahead of it, and every book looks old.
        return replace(
            common,
            venue=Venue.EMBEDDED,
            transport=loopback(announcement.tls_port, announcement.ca_certificate),
            api_key=announcement.api_key,
            api_secret=announcement.api_secret,
            speed=announcement.speed,
            clock_interval_seconds=10.0 if announcement.speed <= 1 else 1.0,
        )
    venue = Venue(settings.exchange.venue)
    credentials = load_credentials(settings) if settings.exchange.mode == "live" else None
    if credentials is None:
        return replace(common, venue=venue)
    return replace(
        common,
        venue=venue,
        api_key=credentials.api_key.get_secret_value(),
        api_secret=credentials.secret.get_secret_value(),
    )


async def _ends(
    settings: Settings, connection: Connection, folder: DataFolder
) -> tuple[MarketDataFeed, ExchangeConnector]:
    """Where orders go: the venue, or the matching engine in this process (live data, no keys)."""
    if connection.connector is not None:
        return connection.feed, connection.connector
    from autotrade.infrastructure.connectors.in_process_connector import simulate_on

    return await simulate_on(
        connection,
        [pair.symbol for pair in settings.pairs()],
        data_dir=folder.path,
    )


# --- saying -------------------------------------------------------------------------------------


def _start_card(
    settings: Settings,
    folder: DataFolder,
    recovered: Recovered,
    connection: Connection,
    announcement: Announcement | None,
) -> StartCard:
    loss = settings.stop_loss_monitor
    address = f"{settings.exchange.venue}, live"
    market = f"live data of {settings.exchange.venue}"
    if announcement is not None:
        address = f"127.0.0.1:{announcement.tls_port} (TLS), {announcement.port} (plain)"
        market = announcement.market
    return StartCard(
        version=read_version(),
        commit=read_commit(),
        mode=settings.exchange.mode,
        venue=settings.exchange.venue,
        market=market,
        pairs=tuple(
            PairCard(
                symbol=pair.symbol,
                deal_quota=pair.deal_quota,
                profit_markup=pair.profit_markup,
                deal_count=pair.deal_count,
                order_life_time_minutes=pair.order_life_time,
            )
            for pair in recovered.state.pairs.values()
        ),
        max_open_deals=settings.trading.max_open_deals,
        stop_loss_percents=(
            loss.warning_percent,
            loss.orderbook_percent,
            loss.emergency_percent,
            loss.exchange_stop_percent,
        ),
        data_folder=str(folder.path),
        exchange_address=address,
        speed=settings.market_speed,
        clock_offset_ms=round(connection.clock.offset_ms),
        log_file=str(settings.log_file),
        recovered=recovered.text,
    )


def _say(text: str, options: TradeOptions) -> None:
    """The card belongs to the log; with --json stdout is the summary's alone anyway."""
    write_progress(text)
    sys.stderr.flush()


def _summary(session: RealtimeTrading, before: Totals, seconds: float, reason: str) -> RunSummary:
    """What this run came to: the folder's totals now, less what they were at the start."""
    state, now = session.state, session.state.totals
    refused = {
        name: count - before.refused.get(name, 0)
        for name, count in now.refused.items()
        if count != before.refused.get(name, 0)
    }
    return RunSummary(
        seconds=seconds,
        signals=now.decisions - before.decisions,
        decisions_approved=now.approved - before.approved,
        decisions_refused=refused,
        deals_opened=now.deals_opened - before.deals_opened,
        deals_closed=now.deals_closed - before.deals_closed,
        deals_canceled=now.deals_canceled - before.deals_canceled,
        deals_open=len(state.deals.open_deals()),
        pnl_net={
            asset: value - before.pnl_net.get(asset, 0) for asset, value in now.pnl_net.items()
        },
        fees={asset: value - before.fees.get(asset, 0) for asset, value in now.fees.items()},
        latency_us=session.loop.performance.processing.summary_us(),
        reconnects=now.reconnects - before.reconnects,
        unprotected_ms_max=session.unprotected_ms_max(),
        ledger_difference=session.ledger_difference,
        resting_orders=list(resting_orders(state)),
        stopped_by=reason,
    )
