"""A long, deterministic trading life as journal rows: the real mixture, made by the real engine.

Most deals go as they should (BUY accepted and filled, in one or more parts, OCO accepted, target
filled); some are canceled, rejected, of unknown outcome, or end by their stop. For the journal's
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
from autotrade.domain.settings import DomainSettings, SignalCooldownSettings
from autotrade.domain.state import Record

JournalLine = tuple[Record, int | None]
"""A record and the deal of its column."""


SIGNAL_CHANCE = 0.1
SETTINGS = DomainSettings(
    signal_cooldown=SignalCooldownSettings(after_signal_seconds=5.0, after_loss_seconds=5.0)
)
"""Short pauses, because this life's steps are short: about a tenth of the rows are decisions then,
half of them refusals. In runs of the whole bot it was a sixteenth."""


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
    bot = WritingHarness(SETTINGS)
    price = 2000.0
    while len(bot.written) < rows:
        price *= 1 + rng.gauss(0, 0.003)
        bot.price(f"{price:.2f}")
        bot.wait(rng.choice((1, 2, 3)))
        if rng.random() < SIGNAL_CHANCE:
            bot.signal()
        for deal in bot.state.deals.open_deals():
            for order_id in list(deal.order_ids):
                _live(bot, rng, order_id, price)
    return bot


def _live(bot: WritingHarness, rng: random.Random, order_id: str, price: float) -> None:
    """What the exchange says of an order now, if anything."""
    order = bot.state.orders.get(order_id)
    if not order.is_open():
        return
    chance = rng.random()
    if not order.is_working and order.list_id is None and chance < 0.02:
        bot.reject(order_id)
    elif not order.is_working and order.list_id is None and chance < 0.04:
        bot.unknown(order_id)
        bot.ts += 6_000
        bot.send(events.OrderNotFound, order_id=order_id)
    elif not order.is_working:
        bot.accept(order_id)
        if order.list_id is None and (order.price is None or _trades(order, price)):
            bot.fill(order_id, price=f"{price:.2f}")  # a taker does not wait
    elif order.cancel_requested_ts is not None:
        bot.cancel(order_id, str(order.filled))
    elif _trades(order, price):
        _end_sibling(bot, order)
        is_part = chance < 0.3 and order.remaining > Decimal("0.01")
        bot.fill(
            order_id,
            "0.005" if is_part else None,
            trade_id=f"{order_id}-{order.filled}",
        )


def _end_sibling(bot: WritingHarness, order: Order) -> None:
    """Of a pair of exits the exchange lets only one fill."""
    for other_id in bot.state.deals.get(order.deal_id).order_ids:
        other = bot.state.orders.get(other_id)
        is_pair = order.list_id is not None and other.list_id == order.list_id
        if is_pair and other is not order and other.is_open():
            bot.cancel(other_id, str(other.filled), "the other order of its pair fills")


def _trades(order: Order, price: float) -> bool:
    """Whether the market has reached the order."""
    if order.stop_price is not None:
        return price <= order.stop_price
    if order.price is None:
        return False
    is_buy = order.side is OrderSide.BUY
    return price <= order.price * Decimal("1.001") if is_buy else price >= order.price
