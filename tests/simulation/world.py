"""One small world in one thread, from one seed: the real engine, the real gateway and the real
exchange core, with a faulty network between them and a process that dies at any moment.

Nothing waits: answers and stream events lie in a queue with a due time, the clock jumps. What was
journaled before a command left is kept over a crash; what was not yet written may be lost, as on a
disk.
"""

from __future__ import annotations

import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from decimal import Decimal as D
from typing import Any, TypeVar

from autotrade.application.ports import OpenOrder
from autotrade.application.trading_engine import TradingEngine
from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.decisions import Signal
from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.entities.order import ZERO
from autotrade.domain.settings import (
    BuyOrderMonitorSettings,
    DomainSettings,
    SignalCooldownSettings,
    TradingSettings,
)
from autotrade.domain.state import Record, TradingState
from autotrade.infrastructure.connectors.account_questions import AccountQuestions
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings, Venue
from autotrade.infrastructure.connectors.event_translation import (
    of_account_position,
    of_execution_report,
)
from autotrade.infrastructure.connectors.in_process_client import ACCOUNT, InProcessClient
from autotrade.infrastructure.connectors.in_process_connector import listed_market
from autotrade.infrastructure.connectors.market_rules import MarketDirectory
from autotrade.infrastructure.connectors.order_gateway import OrderGateway
from autotrade.infrastructure.connectors.order_ids import OrderIds
from autotrade.infrastructure.connectors.transport import live
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import Output, Side
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels, MarketTrade
from autotrade.infrastructure.simulated_exchange.wire.user_events import user_event
from tests.engine_harness import RULES, START_TS, SYMBOL, good_book

T = TypeVar("T")
PREFIX = "atw-"
WINDOW_MS = 5_000

SETTINGS = DomainSettings(
    trading=TradingSettings(min_net_profit_percent=D(0), max_open_deals=5),
    buy_order_monitor=BuyOrderMonitorSettings(max_age_minutes=D(2), max_recreations=2),
    signal_cooldown=SignalCooldownSettings(
        after_signal_seconds=5, after_loss_seconds=5, min_entry_distance_percent=D(0)
    ),
)


@dataclass(frozen=True)
class Faults:
    """Chances of what may go wrong, each 0..1."""

    reply_lost: float = 0.1
    request_lost: float = 0.1
    event_lost: float = 0.1
    event_twice: float = 0.1
    event_late: float = 0.3
    crash: float = 0.01
    cancel_by_hand: float = 0.01


NO_FAULTS = Faults(0, 0, 0, 0, 0, 0, 0)


class WorldClock:
    def __init__(self) -> None:
        self.ts = START_TS

    def now_ms(self) -> int:
        return self.ts

    def exact_ms(self) -> float:
        return float(self.ts)


def now_or_never(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never really waits (the in-process client answers at once)."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("the in-process client was expected to answer at once")


class World:
    def __init__(self, seed: int, faults: Faults | None = None) -> None:
        self.rng = random.Random(seed)
        self.faults = faults or Faults()
        self.clock = WorldClock()
        self.price = 200_000
        self.exchange = SimulatedExchange([listed_market(SYMBOL, RULES)], start_ts=START_TS)
        self.exchange.open_account(ACCOUNT, {"USDT": D(10_000)})
        self.due: list[tuple[int, int, e.Event]] = []
        self._number = 0
        self.durable: list[Record] = []
        self.buffered: list[Record] = []
        self.crashes = 0
        self.sent: list[str] = []
        self._connect()
        self._start_process()

    # --- the other end ------------------------------------------------------------------------

    def _connect(self) -> None:
        settings = ConnectorSettings(Venue.BINANCE, live(), client_id_prefix=PREFIX)
        directory = MarketDirectory()
        directory.know({SYMBOL: RULES})
        directory.keep_rules({SYMBOL: RULES})
        clock: Any = self.clock
        client: Any = InProcessClient(self.exchange, clock, self._on_outputs)
        ids = OrderIds(PREFIX)
        self.client = client
        self.questions = AccountQuestions(client, settings, clock, directory, ids)
        self.gateway = OrderGateway(
            client,
            settings,
            clock,
            directory=directory,
            ids=ids,
            questions=self.questions,
            remeasure_clock=_nothing,
        )

    def _on_outputs(self, outputs: Sequence[Output]) -> None:
        """The user stream: each event may be lost, doubled or late (and so out of order)."""
        for output in outputs:
            event = user_event(output, 0)
            if event is None:
                continue
            translated: list[e.Event] = []
            if event["e"] == "executionReport":
                translated = of_execution_report(event, SYMBOL, self.clock.ts)
            elif event["e"] == "outboundAccountPosition":
                translated = [of_account_position(event, self.clock.ts)]
            for one in translated:
                if self._happens(self.faults.event_lost):
                    continue
                self._deliver(one)
                if self._happens(self.faults.event_twice):
                    self._deliver(one)

    def _deliver(self, event: e.Event) -> None:
        delay = self.rng.randrange(1, 3_000) if self._happens(self.faults.event_late) else 5
        self._number += 1
        self.due.append((self.clock.ts + delay, self._number, event))

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self.rng.random() < chance

    # --- the process --------------------------------------------------------------------------

    def _start_process(self) -> None:
        """Start = recover: fold what is on the disk, then ask the exchange."""
        state = TradingState([CurrencyPair("ETH", "USDT", 2, D(100), D("0.5"), 4)])
        for record in self.durable:
            state.apply(record)
        self.engine = TradingEngine(SETTINGS, state)
        self.process(
            e.SessionStarted(
                ts=self.clock.ts,
                installation_id="atw",
                version="1",
                commit="c",
                mode="simulation",
                venue="embedded",
                market="world",
                start_balances=(Balance("USDT", D(10_000), D(0)),),
                request_window_ms=WINDOW_MS,
            )
        )
        self.process(e.MarketRulesUpdated(ts=self.clock.ts, symbol=SYMBOL, rules=RULES))
        self.move(0)
        self.reconcile()
        self.process(e.SessionReady(ts=self.clock.ts))

    def crash(self) -> None:
        """SIGKILL: the state is gone, and of what was not synced a random tail."""
        kept = self.rng.randrange(len(self.buffered) + 1)
        self.durable.extend(self.buffered[:kept])
        self.buffered.clear()
        self.due.clear()
        self.crashes += 1
        self._start_process()

    def process(self, event: e.Event) -> None:
        """One turn of the loop: journal, process, sync before a command leaves, send."""
        if not isinstance(event, e.MarketEvent):
            self.buffered.append(event)
        records = self.engine.process(event)
        self.buffered.extend(records)
        commands = [record for record in records if isinstance(record, c.Command)]
        if not commands:
            return
        self.durable.extend(self.buffered)
        self.buffered.clear()
        for command in commands:
            if self._happens(self.faults.crash):
                self.crash()  # on disk, and never sent
                return
            self._send(command)

    def _send(self, command: c.Command) -> None:
        if isinstance(command, c.PlaceOrder):
            self.sent.append(command.order_id)
        if self._happens(self.faults.request_lost):
            answers = self._unknown(command)
        else:
            answers = list(now_or_never(self._execute(command)))
            if self._happens(self.faults.reply_lost):
                answers = self._unknown(command)
        for answer in answers:
            self._deliver(answer)

    async def _execute(self, command: c.Command) -> Sequence[e.Event]:
        match command:
            case c.PlaceOrder():
                return await self.gateway.place(command)
            case c.PlaceOrderList():
                return await self.gateway.place_list(command)
            case c.CancelOrder():
                return await self.gateway.cancel(command)
            case c.CancelOrderList():
                return await self.gateway.cancel_list(command)
            case c.QueryOrder():
                return await self.gateway.query(command)
            case _:
                balances = await self.questions.balances()
                return [e.BalancesUpdated(ts=self.clock.ts, balances=balances, is_complete=True)]

    def _unknown(self, command: c.Command) -> list[e.Event]:
        ts, text = self.clock.ts, "connection lost"
        match command:
            case c.PlaceOrder() | c.QueryOrder():
                return [e.OrderOutcomeUnknown(ts=ts, order_id=command.order_id, message=text)]
            case c.PlaceOrderList():
                return [
                    e.OrderOutcomeUnknown(ts=ts, order_id=leg, message=text)
                    for leg in (command.target_id, command.stop_id)
                ]
            case c.CancelOrder():
                return [e.CancelOutcomeUnknown(ts=ts, order_id=command.order_id, message=text)]
            case c.CancelOrderList():
                return [
                    e.CancelOutcomeUnknown(ts=ts, order_id=leg, message=text)
                    for leg in (command.target_id, command.stop_id)
                ]
            case _:
                return []

    def reconcile(self) -> None:
        state = self.engine.state
        believed = [
            OpenOrder(order.id, order.symbol, order.exchange_id)
            for order in state.orders.all()
            if order.is_open() or order.is_in_doubt
        ]
        report = now_or_never(self.questions.report(believed, [SYMBOL], START_TS))
        for event in report.events:
            self.process(event)
        self.process(e.Reconciled(ts=self.clock.ts, trigger="test", differences=0))

    # --- time ---------------------------------------------------------------------------------

    def move(self, ticks: int) -> None:
        """The market moves; its book has depth on both sides, its takers meet what rests."""
        self.price += ticks
        ts, price = self.clock.ts, self.price
        self.exchange.advance(max(self.exchange.now, ts))
        thin = self.rng.randrange(50, 3_000)
        bids = tuple((price - 1 - 5 * step, thin + 40 * step) for step in range(40))
        asks = tuple((price + 5 * step, thin + 40 * step) for step in range(40))
        self.exchange.apply(
            MarketLevels(self.exchange.now, "ETHUSDT", bids, asks, is_snapshot=True)
        )
        taker = Side.BUY if self.rng.random() < 0.5 else Side.SELL
        at = price if taker is Side.BUY else price - 1
        amount = self.rng.randrange(1, 600)
        self.exchange.apply(MarketTrade(self.exchange.now, "ETHUSDT", at, amount, taker))
        self.client.publish()
        value = D(price) / 100
        book = good_book(SYMBOL, float(value), ts)
        self.process(e.OrderBookUpdated(ts=ts, symbol=SYMBOL, book=book))
        self.process(
            e.TickerUpdated(ts=ts, symbol=SYMBOL, price=value, bid=value - D("0.01"), ask=value)
        )

    def pass_time(self, milliseconds: int) -> None:
        """Deliver what falls due on the way, in the order of its due time."""
        end = self.clock.ts + milliseconds
        while self.due and min(self.due)[0] <= end:
            first = min(self.due)
            self.due.remove(first)
            self.clock.ts = max(self.clock.ts, first[0])
            self.process(first[2])
        self.clock.ts = end

    def signal(self) -> None:
        state = self.engine.state
        ts = self.clock.ts
        signal = Signal(
            SYMBOL, "macd_orderbook", "1", "macd_cross", ts, ts, D(self.price) / 100, {}
        )
        service = self.engine._trading_service
        records: list[Record] = []
        for record in service.on_signal(state, signal, self.engine.conditions(SYMBOL)):
            self.engine._emit(record, records)
        self.buffered.extend(records)
        if self._happens(self.faults.crash):
            self.crash()  # in the middle of writing them down
            return
        self.durable.extend(self.buffered)
        self.buffered.clear()
        for record in records:
            if isinstance(record, c.Command):
                self._send(record)

    def second(self) -> None:
        """A second of life, with everything that may happen in it."""
        rng = self.rng
        step = rng.gauss(0, 60) if rng.random() < 0.97 else rng.gauss(0, 1_500)
        self.move(round(step))
        if rng.random() < 0.05:
            self.signal()
        if self._happens(self.faults.cancel_by_hand):
            for order in self.exchange.open_orders(ACCOUNT)[:1]:
                self.exchange.cancel(ACCOUNT, "ETHUSDT", order_id=order.id)
                self.client.publish()
        self.pass_time(1_000)
        self.process(e.TimerTicked(ts=self.clock.ts))
        if self._happens(self.faults.crash):
            self.crash()
        if rng.random() < 0.02:
            self.reconcile()

    def calm_down(self, seconds: int = 200) -> None:
        """The faults stop; within a few reconciliations everything must have come right."""
        self.faults = NO_FAULTS
        for number in range(seconds):
            self.pass_time(1_000)
            self.move(0)
            self.process(e.TimerTicked(ts=self.clock.ts))
            if number % 20 == 10:
                self.reconcile()

    # --- what must hold -----------------------------------------------------------------------

    def difference(self) -> dict[str, D]:
        state = self.engine.state
        truth = {
            asset: free + locked
            for asset, (free, locked) in self.exchange.balances(ACCOUNT).items()
        }
        return {
            asset: state.start_balances.get(asset, ZERO)
            + state.ledger.get(asset, ZERO)
            - truth.get(asset, ZERO)
            for asset in ("USDT", "ETH")
        }


async def _nothing() -> None:
    """There is no clock to measure."""
