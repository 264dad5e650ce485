"""A long, deterministic trading life as journal rows: the real mixture, made by the real engine.

Most deals go as they should (BUY accepted and filled, in one or more parts, OCO accepted, target
filled); some are canceled, rejected, of unknown outcome, or end by their stop. Used by the journal's
and the recovery's benchmarks.
"""

from __future__ import annotations

import random
from decimal import Decimal

from measure import ROOT  # noqa: F401 - makes the tests' harness importable
from tests.engine_harness import EngineHarness

from autotrade.domain import events
from autotrade.domain.decisions import Decision
from autotrade.domain.entities.order import Order, OrderSide
from autotrade.domain.settings import DomainSettings
from autotrade.domain.state import Record

JournalLine = tuple[Record, int | None]
"""A record and the deal of its column."""


class WritingHarness(EngineHarness):
    """Keeps what the loop would have written, in order."""

    def __init__(self, settings: DomainSettings) -> None:
        self.written: list[JournalLine] = []
        super().__init__(settings)

    def send(self, kind: type[events.Event], **values: object) -> list[Record]:
        event = kind(ts=self.ts, **values)  # type: ignore[arg-type]
        if not isinstance(event, events.MarketEvent):
            self.written.append((event, self.state.deal_of(event)))
        records = self.engine.process(event)
        self._write(records)
        return records

    def signal(self, symbol: str = "ETH/USDT") -> Decision:
        before = len(self.records)
        decision = super().signal(symbol)
        self._write(self.records[before:])
        self.records.clear()
        return decision

    def _write(self, records: list[Record]) -> None:
        self.written.extend((record, self.state.deal_of(record)) for record in records)


def trading_life(rows: int, seed: int = 7) -> WritingHarness:
    """A life of at least so many rows."""
    rng = random.Random(seed)
    bot = WritingHarness(DomainSettings())
    price = 2000.0
    while len(bot.written) < rows:
        price *= 1 + rng.gauss(0, 0.003)
        bot.price(f"{price:.2f}")
        bot.wait(rng.choice((1, 3, 20)))
        if rng.random() < 0.4:
            bot.signal()
        for order in [order for order in bot.state.orders.all() if order.is_open()]:
            _live(bot, rng, order.id, price)
    return bot


def _live(bot: WritingHarness, rng: random.Random, order_id: str, price: float) -> None:
    order = bot.state.orders.get(order_id)
    if not order.is_open():
        return
    chance = rng.random()
    if not order.is_working and chance < 0.02:
        bot.reject(order_id)
    elif not order.is_working and chance < 0.04:
        bot.unknown(order_id)
        bot.ts += 6_000
        bot.send(events.OrderNotFound, order_id=order_id)
    elif not order.is_working:
        bot.accept(order_id)
    elif _trades(order, price):
        is_part = chance < 0.3 and order.remaining > Decimal("0.01")
        bot.fill(order_id, "0.005" if is_part else None, trade_id=f"{order_id}-{order.filled}")
    elif chance < 0.01:
        bot.cancel(order_id, str(order.filled))


def _trades(order: Order, price: float) -> bool:
    """Whether the market has reached the order."""
    if order.stop_price is not None:
        return price <= order.stop_price
    if order.price is None:
        return True
    is_buy = order.side is OrderSide.BUY
    return price <= order.price * Decimal("1.001") if is_buy else price >= order.price
