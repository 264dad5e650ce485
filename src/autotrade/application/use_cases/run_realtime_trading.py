"""Trade in real (or accelerated) time: connect, recover what the exchange knows, trade, stop.

The order of the start matters: streams first, then history and reconciliation by REST, so that
nothing can fall between what REST told and what the streams tell from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from autotrade.application.market_tape import MarketTape
from autotrade.application.narrator import Narrator, plain
from autotrade.application.patience import Patience
from autotrade.application.ports import (
    Clock,
    ExchangeConnector,
    ExchangeUnreachable,
    Journal,
    MarketDataFeed,
    MarketRecorder,
    Notifier,
    OperatorInbox,
    SnapshotStore,
)
from autotrade.application.reconciler import Reconciler
from autotrade.application.trading_engine import TradingEngine
from autotrade.application.trading_loop import TradingLoop
from autotrade.domain import events as e
from autotrade.domain.entities.order import ZERO
from autotrade.domain.settings import DomainSettings, StrategySettings
from autotrade.domain.state import Record, TradingState
from autotrade.domain.strategies.registry import create

HISTORY_CANDLES = 200
EMA_SETTLES_IN = 8
"""Periods after which what an EMA was seeded with weighs less than a millionth."""
PERFORMANCE_SECONDS = 10.0
OPERATOR_SECONDS = 1.0
SNAPSHOT_SECONDS = 60.0
RULES_SECONDS = 60.0
FLATTEN_SECONDS_MAX = 30.0
OUTCOME_SECONDS_MAX = 5.0
SETTLE_SECONDS_MAX = 10.0
SETTLE_PAUSE_SECONDS = 0.25
UNREACHABLE = (ExchangeUnreachable, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """Who starts; goes into the journal's SessionStarted."""

    installation_id: str
    version: str
    commit: str
    mode: str
    venue: str
    market: str
    request_window_ms: int


@dataclass(frozen=True, slots=True)
class RunPlan:
    """How long and how to stop. Seconds are real seconds."""

    speed: float = 1.0
    duration_seconds: float | None = None
    flatten_on_stop: bool = False
    reconcile_seconds: float = 30.0


class RealtimeTrading:
    """One session, from `start` to `run`'s end. Made by the bootstrap, used once."""

    def __init__(
        self,
        settings: DomainSettings,
        state: TradingState,
        *,
        identity: SessionIdentity,
        plan: RunPlan,
        feed: MarketDataFeed,
        connector: ExchangeConnector,
        clock: Clock,
        journal: Journal,
        snapshots: SnapshotStore,
        inbox: OperatorInbox,
        notifier: Notifier,
        recorder: MarketRecorder | None = None,
    ) -> None:
        self._settings = settings
        self.state = state
        self._identity = identity
        self._plan = plan
        self._feed = feed
        self._connector = connector
        self._clock = clock
        self._journal = journal
        self._snapshots = snapshots
        self._inbox = inbox
        self._notifier = notifier
        self._patience = Patience(notifier)
        self._engine = TradingEngine(settings, state)
        self._tape = None if recorder is None else MarketTape(settings, state, recorder)
        self.loop = TradingLoop(
            self._engine,
            journal,
            connector,
            clock,
            self._publish,
            speed=plan.speed,
            tape=self._tape,
        )
        self._reconciler = Reconciler(
            state, connector, self.loop, clock, notifier, unsent=self.loop.unsent
        )
        self._narrator = Narrator(state, with_book=settings.trading.log_orderbook_analysis)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping: asyncio.Task[None] | None = None
        self._has_begun = False
        self._told_failure = ""
        self._end_text = "ended by a fault"
        self.ledger_difference: dict[str, Decimal] | None = None

    # --- the session --------------------------------------------------------------------------

    async def run(self) -> str:
        """The whole session; returns why it ended. Raises StoreFault and faults of the program
        after everything that could be saved was saved."""
        try:
            await self._start()
            self._has_begun = True
            self._end_text = await self.loop.run()
            await self._settle()
            return self._end_text
        finally:
            await self._end()

    def request_stop(self, text: str) -> None:
        """Orderly stop: no new deals, then (if asked) flat, then the end. Safe to call twice."""
        self._patience.end()
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop(text))

    def fail(self, fault: BaseException) -> None:
        """End at once, in order but loudly; a session that is stopping anyway only says it."""
        if self._stopping is None:
            self.loop.fail(fault)
        else:
            self._notifier.notify(str(fault), is_warning=True)

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def unprotected_ms_max(self) -> int:
        """Longest time a position was without a stop on the exchange, open spans included."""
        now = self.state.last_ts
        spans = [
            now - deal.unprotected_since_ts
            for deal in self.state.deals.open_deals()
            if deal.unprotected_since_ts is not None
        ]
        return max([self.state.totals.unprotected_ms_max, *spans])

    async def _start(self) -> None:
        symbols = list(self.state.pairs)
        ask = self._patience.until_answered
        rules = await ask(lambda: self._feed.rules(symbols))
        fees = await ask(lambda: self._connector.fee_rates(symbols))
        balances = await ask(self._connector.balances)
        ts = self._clock.now_ms()
        identity = self._identity
        await self.loop.put(
            e.SessionStarted(
                ts=ts,
                installation_id=self.state.installation_id or identity.installation_id,
                version=identity.version,
                commit=identity.commit,
                mode=identity.mode,
                venue=identity.venue,
                market=identity.market,
                start_balances=balances,
                request_window_ms=identity.request_window_ms,
            )
        )
        for symbol in symbols:
            known = rules[symbol]
            if symbol in fees:
                known = replace(known, maker_fee=fees[symbol][0], taker_fee=fees[symbol][1])
            await self.loop.put(e.MarketRulesUpdated(ts=ts, symbol=symbol, rules=known))
        await self.loop.put(e.BalancesUpdated(ts=ts, balances=balances, is_complete=True))
        timeframe = self._settings.strategy.timeframe
        await ask(lambda: self._feed.start(symbols, timeframe, self.loop))
        await ask(lambda: self._connector.start(self.loop))
        count = history_needed(self._settings.strategy)
        for symbol in symbols:
            candles = await ask(partial(self._feed.history, symbol, timeframe, count))
            self._engine.warm_up(symbol, candles)
            if self._tape is not None:
                self._tape.warmed_up(symbol, candles)
        self._background(self._get_ready())
        self._background(self._every(self._plan.reconcile_seconds, self._reconcile_on_timer))
        self._background(self._every(PERFORMANCE_SECONDS, self._tell_performance))
        self._background(self._every(OPERATOR_SECONDS, self._hear_operator))
        self._background(self._every(SNAPSHOT_SECONDS, self._save_snapshot))
        self._background(self._every(RULES_SECONDS, self._refresh_rules))
        if self._plan.duration_seconds is not None:
            self._background(self._stop_after(self._plan.duration_seconds))

    async def _get_ready(self) -> None:
        """Compare with the exchange until it answers; only then may signals become deals."""
        pause_seconds = 0.5
        while not await self._reconcile("start"):
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, 30.0)
        await self.loop.put(e.SessionReady(ts=self._clock.now_ms()))

    async def _stop(self, text: str) -> None:
        actions = [e.OperatorAction.STOP]
        if self._plan.flatten_on_stop:
            actions.append(e.OperatorAction.FLATTEN)
        for action in actions:
            await self.loop.put(
                e.OperatorRequested(ts=self._clock.now_ms(), action=action, by=text)
            )
        if self._plan.flatten_on_stop:
            await self._wait_until_flat()
        self.loop.stop(text)

    async def _wait_until_flat(self) -> None:
        """Each second of the way out is the loop's work; here it is only waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FLATTEN_SECONDS_MAX):
                while self.state.deals.open_deals():  # noqa: ASYNC110 - the state has no event
                    await asyncio.sleep(0.05)
        left = self.state.deals.open_deals()
        self._notifier.notify(
            f"flatten: {len(left)} deals could not be ended in {FLATTEN_SECONDS_MAX:g} s"
            if left
            else "flatten: everything is sold or canceled",
            is_warning=bool(left),
        )

    async def _settle(self) -> None:
        """Hear the outcomes of what is on its way and compare the books until they agree, or for
        so long as a stop may take (the exchange may be away, a ban may last for hours)."""
        await self.loop.finish(OUTCOME_SECONDS_MAX)
        clock = asyncio.get_running_loop().time
        deadline = clock() + SETTLE_SECONDS_MAX
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS_MAX):
                # looked at as well: a wait that ends as it is canceled may keep that to itself
                while not await self._books_agree() and clock() < deadline:  # noqa: ASYNC110
                    await asyncio.sleep(SETTLE_PAUSE_SECONDS)
        if self.ledger_difference is None:
            self._notifier.notify(
                f"the exchange did not tell the account's state within {SETTLE_SECONDS_MAX:g} s; "
                "it is compared at the next start",
                is_warning=True,
            )

    async def _books_agree(self) -> bool:
        """A trade may fall between the answers of one comparison; then the next one is right."""
        if not await self._reconcile("stop"):
            return False
        await self.loop.finish(OUTCOME_SECONDS_MAX)
        self.ledger_difference = self._difference()
        return not any(self.ledger_difference.values())

    def _difference(self) -> dict[str, Decimal]:
        """Start balances plus our fills, minus what the exchange says we have; zero is right."""
        state = self.state
        assets = sorted({*state.start_balances, *state.ledger, *state.balances})
        difference = {}
        for asset in assets:
            expected = state.start_balances.get(asset, ZERO) + state.ledger.get(asset, ZERO)
            balance = state.balances.get(asset)
            difference[asset] = expected - (balance.total if balance is not None else ZERO)
        return difference

    async def _end(self) -> None:
        for task in (*self._tasks, *([self._stopping] if self._stopping else [])):
            task.cancel()
        try:
            if self._has_begun:  # a start that failed leaves the folder as it was
                await self.loop.close(self._end_text)
                await self._journal.sync()
                await self._snapshots.save(self.state)
        finally:
            if self._tape is not None:
                self._tape.close()
            await self._connector.close()
            await self._feed.close()
            await self._journal.close()

    # --- beside the loop ----------------------------------------------------------------------

    def _publish(self, event: e.Event, records: list[Record]) -> None:
        for line in self._narrator.tell(event, records):
            self._notifier.notify(line, is_warning=isinstance(event, e.ChannelLost))
        if isinstance(event, e.SessionReady):
            self.loop.measure_from_now()
        if isinstance(event, e.ChannelRestored) and event.channel is e.Channel.USER_DATA:
            self._background(self._reconcile_on_reconnect())

    async def _reconcile(self, trigger: str) -> bool:
        """False when the exchange could not be asked (why is told once); the next try comes by
        itself."""
        try:
            await self._reconciler.run(trigger)
        except UNREACHABLE as error:
            text = f"reconciliation ({trigger}) failed: {error}"
            if text != self._told_failure:
                self._notifier.notify(text, is_warning=True)
            self._told_failure = text
            return False
        self._told_failure = ""
        return True

    async def _reconcile_on_timer(self) -> None:
        await self._reconcile("timer")

    async def _reconcile_on_reconnect(self) -> None:
        await self._reconcile("reconnect")

    async def _tell_performance(self) -> None:
        self._notifier.notify(
            self.loop.performance.line(
                PERFORMANCE_SECONDS, self.loop.queue_depth, self.state.totals.reconnects
            )
        )
        self._notifier.notify(market_line(self._engine))

    async def _hear_operator(self) -> None:
        for action, by in self._inbox.take():
            if action is e.OperatorAction.STOP:
                self.request_stop(by)
            else:
                await self.loop.put(
                    e.OperatorRequested(ts=self._clock.now_ms(), action=action, by=by)
                )

    async def _save_snapshot(self) -> None:
        await self._snapshots.save(self.state)

    async def _refresh_rules(self) -> None:
        try:
            rules = await self._feed.rules(list(self.state.pairs))
        except UNREACHABLE as error:
            self._notifier.notify(f"the exchange's filters were not refreshed: {error}")
            return
        for symbol, known in rules.items():
            fresh, old = known, self.state.pairs[symbol].rules
            if old is not None:
                fresh = replace(known, maker_fee=old.maker_fee, taker_fee=old.taker_fee)
            if fresh != old:
                await self.loop.put(
                    e.MarketRulesUpdated(ts=self._clock.now_ms(), symbol=symbol, rules=fresh)
                )

    async def _stop_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.request_stop("the time is over")

    async def _every(self, seconds: float, act: Any) -> None:
        while True:
            await asyncio.sleep(seconds)
            await act()

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        """Work beside the loop; a fault in it ends the session like a fault of the loop."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._background_done)

    def _background_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.loop.fail(fault)


def history_needed(strategy: StrategySettings) -> int:
    """Candles to fetch at the start, so that every indicator and the strategy stand where they
    would stand after months of running."""
    slowest = max(strategy.macd_slow * EMA_SETTLES_IN, strategy.sma_slow, strategy.min_candles)
    return max(HISTORY_CANDLES, slowest + strategy.macd_signal, create(strategy).history_candles)


def market_line(engine: TradingEngine) -> str:
    """Each pair's price, condition and advice, and how many deals are open on it."""
    state = engine.state
    parts = []
    for symbol in state.pairs:
        ticker, conditions = state.tickers.find(symbol), engine.conditions(symbol)
        price = plain(ticker.price) if ticker is not None else "no price"
        if (stale := state.stale_text(symbol)) is not None:
            price = f"{price} (STALE: {stale})"
        silent = "" if engine.strategy.fault(symbol) is None else ", no signals: strategy failed"
        parts.append(
            f"{symbol} {price} volatility {conditions.volatility} trend {conditions.trend}, "
            f"{conditions.recommendation}, {state.deals.open_count(symbol)} open{silent}"
        )
    return "market " + " | ".join(parts)


def resting_orders(state: TradingState) -> Sequence[str]:
    """A sentence for each order that still rests on the exchange, for the summary."""
    return [
        f"deal {order.deal_id} {order.side} {order.remaining} of {order.symbol} at "
        f"{order.stop_price or order.price} ({order.role.lower()}, {order.id})"
        for order in state.orders.all()
        if order.is_open()
    ]
