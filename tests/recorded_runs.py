"""Recorded runs without a wire: the real loop, journal, tape and engine; only prices and fills are
the test's."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal as D
from pathlib import Path
from random import Random

from autotrade.application.market_tape import MarketTape
from autotrade.application.trading_engine import TradingEngine
from autotrade.application.trading_loop import TradingLoop
from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.order import Order, OrderRole, OrderSide
from autotrade.domain.settings import DomainSettings, SignalCooldownSettings, StrategySettings
from autotrade.domain.state import TradingState
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.journal import JsonlJournal
from autotrade.infrastructure.market_recording.recorder import GzipMarketRecorder
from autotrade.infrastructure.repositories.state_loader import load_state
from tests.engine_harness import RULES, START_TS, SYMBOL, eth_pair, good_book

MINUTE_MS = 60_000
HISTORY = 120
POINTS = 4

EAGER = DomainSettings(
    strategy=StrategySettings(macd_fast=6, macd_slow=13, macd_signal=5),
    signal_cooldown=SignalCooldownSettings(0.0, 0.0, D(0)),
)
"""Signals every few minutes, and none of them too soon."""


@dataclass
class Told:
    lines: list[str] = field(default_factory=list)

    def notify(self, text: str, *, is_warning: bool = False) -> None:
        self.lines.append(text)


def price_at(minute: float) -> float:
    """A wave on a trend, and now and then a fall: signals, winners and losers."""
    wave = 0.002 * math.sin(2 * math.pi * minute / 14)
    falls, into = divmod(minute - 45, 70)
    fall = 0.03 * (falls + min(max((into - 60) / 4, 0.0), 1.0))
    return round(2000 * (1 + 0.0004 * minute + wave - fall), 2)


def candle_at(minute: int) -> Candle:
    points = [price_at(minute + part) for part in (0.0, 0.3, 0.6, 0.99)]
    open_ts = START_TS + minute * MINUTE_MS
    return Candle(open_ts, points[0], max(points), min(points), points[-1], 50.0)


class FillingConnector:
    """Takes every order and fills a BUY at once; a SELL when the price has come there."""

    def __init__(self, run: RecordedRunMaker) -> None:
        self._run = run
        self._trades = 0

    async def execute(self, command: c.AnyCommand) -> Sequence[e.Event]:
        ts = self._run.ts
        if isinstance(command, c.PlaceOrder) and self._run.happens(0.2):
            return [self._bad_news(command.order_id, ts)]
        if isinstance(command, c.QueryOrder):
            return [e.OrderNotFound(ts=ts, order_id=command.order_id)]
        if isinstance(command, c.PlaceOrderList):
            orders = (command.target_id, command.stop_id)
            return [self._accepted(order_id, ts) for order_id in orders]
        if isinstance(command, c.CancelOrderList):
            return [
                self.canceled(order_id, ts) for order_id in (command.target_id, command.stop_id)
            ]
        if isinstance(command, c.CancelOrder):
            return [self.canceled(command.order_id, ts)]
        if not isinstance(command, c.PlaceOrder):
            return []
        events: list[e.Event] = [self._accepted(command.order_id, ts)]
        if command.role in (OrderRole.ENTRY, OrderRole.EXIT):
            events.append(self._filled(command, ts))
        return events

    def _bad_news(self, order_id: str, ts: int) -> e.Event:
        if self._run.happens(0.5):
            return e.OrderOutcomeUnknown(ts=ts, order_id=order_id, message="timed out")
        reason = e.RejectReason.RATE_LIMIT
        return e.OrderRejected(ts=ts, order_id=order_id, reason=reason, code=-1, message="later")

    def _accepted(self, order_id: str, ts: int) -> e.OrderAccepted:
        return e.OrderAccepted(ts=ts, order_id=order_id, exchange_id=f"x{order_id}", exchange_ts=ts)

    @staticmethod
    def canceled(order_id: str, ts: int) -> e.OrderCanceled:
        return e.OrderCanceled(
            ts=ts,
            order_id=order_id,
            exchange_id=f"x{order_id}",
            filled_total=D(0),
            reason="canceled",
        )

    def _filled(self, order: c.PlaceOrder, ts: int) -> e.OrderFilled:
        self._trades += 1
        price = order.price or D(str(price_at(self._run.minute)))
        is_buy = order.side is OrderSide.BUY
        fee = order.amount * D("0.001") * (1 if is_buy else price)
        return e.OrderFilled(
            ts=ts,
            order_id=order.order_id,
            exchange_id=f"x{order.order_id}",
            trade_id=f"{ts}-{self._trades}",
            symbol=SYMBOL,
            side=order.side,
            price=price,
            amount=order.amount,
            fee=fee,
            fee_asset="ETH" if is_buy else "USDT",
            is_maker=False,
            exchange_ts=ts,
        )


class RecordedRunMaker:
    """One data folder; `session` may be called again and again, time goes on."""

    def __init__(
        self, path: Path, settings: DomainSettings | None = None, *, seed: int | None = None
    ) -> None:
        """With a seed the price jitters, prices and books stay away, orders are refused or lost,
        channels break and an operator interferes."""
        self._chance = None if seed is None else Random(seed)
        self.folder = DataFolder(path)
        self.folder.create()
        self.settings = settings or (DomainSettings() if seed is None else EAGER)
        self.minute = 0.0
        self.told = Told()
        self.state = TradingState([])

    def happens(self, probability: float) -> bool:
        return self._chance is not None and self._chance.random() < probability

    def _price(self) -> float:
        jitter = 0.0 if self._chance is None else self._chance.gauss(0, 0.002)
        return round(price_at(self.minute) * (1 + jitter), 2)

    @property
    def ts(self) -> int:
        return START_TS + round(self.minute * MINUTE_MS)

    def now_ms(self) -> int:
        return self.ts

    async def session(
        self, minutes: int, *, kill: bool = False, profit_markup: str = "0.9"
    ) -> None:
        """Trade for so many minutes; with `kill` nothing is closed in order."""
        journal = JsonlJournal.open(self.folder.journal)
        pair = eth_pair(profit_markup=D(profit_markup))
        self.state = state = load_state(self.folder, [pair]).state
        engine = TradingEngine(self.settings, state)
        recorder = GzipMarketRecorder(self.folder.recording, self.told)
        tape = MarketTape(self.settings, state, recorder)
        first = int(self.minute)
        history = [candle_at(minute) for minute in range(first - HISTORY, first)]
        engine.warm_up(SYMBOL, history)
        tape.warmed_up(SYMBOL, history)
        connector = FillingConnector(self)
        loop = TradingLoop(engine, journal, connector, self, lambda *_: None, tape=tape)  # type: ignore[arg-type]
        await self._begin(loop)
        for minute in range(first, first + minutes):
            await self._minute(loop, minute)
        if kill:
            await journal.write()
            return
        await loop.close("test")
        tape.close()
        await journal.close()

    async def _begin(self, loop: TradingLoop) -> None:
        balances = (Balance("USDT", D(10_000), D(0)), Balance("ETH", D(10), D(0)))
        await loop.put(
            e.SessionStarted(
                ts=self.ts,
                installation_id="at1",
                version="1",
                commit="c",
                mode="simulation",
                venue="embedded",
                market="test",
                start_balances=balances,
                request_window_ms=5_000,
            )
        )
        await loop.put(e.MarketRulesUpdated(ts=self.ts, symbol=SYMBOL, rules=replace(RULES)))
        await loop.put(e.BalancesUpdated(ts=self.ts, balances=balances, is_complete=True))
        await loop.put(e.SessionReady(ts=self.ts))
        await loop.finish(5)

    async def _minute(self, loop: TradingLoop, minute: int) -> None:
        for part in range(POINTS):
            self.minute = minute + (part + 0.9) / POINTS
            price = self._price()
            quote = D(str(price))
            book = good_book(SYMBOL, price, self.ts)
            bid = quote - D("0.01")
            for event in (
                e.OrderBookUpdated(ts=self.ts, symbol=SYMBOL, book=book),
                e.TickerUpdated(ts=self.ts, symbol=SYMBOL, price=quote, bid=bid, ask=quote),
                e.TimerTicked(ts=self.ts),
            ):
                if not self.happens(0.15):
                    loop.put_market(event)
            if self.happens(0.02):
                await loop.put(self._incident())
            await loop.finish(5)
            await self._reach_targets(loop, quote)
        self.minute = minute + 1.0
        candle = candle_at(minute)
        if self._chance is not None:
            close = round(candle.close * (1 + self._chance.gauss(0, 0.0005)), 2)
            candle = replace(candle, close=close)
        await loop.put(e.CandleClosed(ts=self.ts, symbol=SYMBOL, timeframe="1m", candle=candle))
        await loop.finish(5)

    def _incident(self) -> e.Event:
        assert self._chance is not None
        channel = e.Channel.MARKET_DATA
        incidents: list[e.Event] = [
            e.ChannelLost(ts=self.ts, channel=channel, text="silent", symbol=SYMBOL),
            e.ChannelRestored(ts=self.ts, channel=channel, symbol=SYMBOL),
            e.OperatorRequested(ts=self.ts, action=e.OperatorAction.PAUSE, by="test"),
            e.OperatorRequested(ts=self.ts, action=e.OperatorAction.FLATTEN, by="test"),
        ]
        healing = [
            e.ChannelRestored(ts=self.ts, channel=channel, symbol=SYMBOL),
            e.OperatorRequested(ts=self.ts, action=e.OperatorAction.RESUME, by="test"),
        ]
        return self._chance.choice([*incidents, *healing * 4])

    async def _reach_targets(self, loop: TradingLoop, price: D) -> None:
        """What the exchange would say of a target or a stop that the price has reached."""
        for deal in self.state.deals.open_deals():
            target = self.state.orders.find(deal.sell_order)
            stop = self.state.orders.find(deal.stop_order)
            if target is None or stop is None or not (target.is_open() and stop.is_open()):
                continue
            if price >= (target.price or price):
                await self._sold(loop, target, stop)
            elif price <= (stop.stop_price or 0):
                await self._sold(loop, stop, target)

    async def _sold(self, loop: TradingLoop, order: Order, other: Order) -> None:
        await loop.put(
            e.OrderFilled(
                ts=self.ts,
                order_id=order.id,
                exchange_id=f"x{order.id}",
                trade_id=f"t{order.id}",
                symbol=SYMBOL,
                side=order.side,
                price=order.price or order.stop_price or D(0),
                amount=order.remaining,
                fee=D("0.01"),
                fee_asset="USDT",
                is_maker=True,
                exchange_ts=self.ts,
            )
        )
        await loop.put(FillingConnector.canceled(other.id, self.ts))
        await loop.finish(5)


def make_run(
    path: Path, *minutes: int, kill_last: bool = False, seed: int | None = None
) -> RecordedRunMaker:
    """Sessions of so many minutes, one after the other."""

    async def run() -> None:
        for number, length in enumerate(minutes):
            is_last = number == len(minutes) - 1
            await maker.session(length, kill=kill_last and is_last)

    maker = RecordedRunMaker(path, seed=seed)
    asyncio.run(run())
    return maker
