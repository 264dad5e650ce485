"""Reconciler: the stream is a hint, REST is the proof.

At the start, at every reconnect of the user stream and on a timer it asks the exchange for the
orders that we believe open, for our trades and for the balances, and puts the answers into the loop
like any other event. Booking them again changes nothing; what was missed is booked now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set

from autotrade.application.ports import Clock, EventSink, ExchangeConnector, Notifier, OpenOrder
from autotrade.domain.events import Event, OrderFilled, OrderReported, Reconciled
from autotrade.domain.state import TradingState

OVERLAP_MS = 60_000
"""Trades are asked for from a minute before the last comparison."""


class Reconciler:
    def __init__(
        self,
        state: TradingState,
        connector: ExchangeConnector,
        sink: EventSink,
        clock: Clock,
        notifier: Notifier,
        *,
        unsent: Set[str],
    ) -> None:
        """`unsent` are the orders that it makes no sense to ask for, see TradingLoop."""
        self._state = state
        self._connector = connector
        self._sink = sink
        self._clock = clock
        self._notifier = notifier
        self._unsent = unsent
        self._last_ts: int | None = None
        self._foreign: tuple[str, ...] = ()
        self._lock = asyncio.Lock()

    async def run(self, trigger: str) -> int:
        """Compare once; returns how many facts the streams had not told. One at a time."""
        async with self._lock:
            started_ts = self._clock.now_ms()
            orders = self._believed_open()
            report = await self._connector.report(
                orders, list(self._state.pairs), self._trades_since()
            )
            differences = sum(self._is_news(event) for event in report.events)
            for event in report.events:
                await self._sink.put(event)
            await self._sink.put(
                Reconciled(ts=self._clock.now_ms(), trigger=trigger, differences=differences)
            )
            self._last_ts = started_ts
            self._tell_foreign(report.foreign_orders)
            return differences

    def _believed_open(self) -> list[OpenOrder]:
        return [
            OpenOrder(order.id, order.symbol, order.exchange_id)
            for order in self._state.orders.all()
            if (order.is_open() or order.is_in_doubt) and order.id not in self._unsent
        ]

    def _trades_since(self) -> int:
        """From the last comparison; the first one of a session goes back to the oldest order that
        may have traded unseen. What a stop that rests for weeks could have missed since then is not
        read again every time: the comparison before had it, and an order that has filled more than
        we know of is asked for by itself."""
        if self._last_ts is not None:
            return self._last_ts - OVERLAP_MS
        sent = [
            order.sent_ts
            for order in self._state.orders.all()
            if order.sent_ts is not None and (order.is_open() or order.is_in_doubt)
        ]
        return min([*sent, self._state.last_ts or self._clock.now_ms()]) - OVERLAP_MS

    def _is_news(self, event: Event) -> bool:
        order_id = getattr(event, "order_id", None)
        order = self._state.orders.find(order_id)
        if order is None:
            return False
        if isinstance(event, OrderFilled):
            return not order.has_fill(event.trade_id)
        return isinstance(event, OrderReported) and event.is_open != order.is_open()

    def _tell_foreign(self, foreign: tuple[str, ...]) -> None:
        """Orders that somebody else placed on our pairs are named once, and left alone."""
        if foreign and foreign != self._foreign:
            self._notifier.notify(
                f"the exchange holds {len(foreign)} open order(s) on our pairs that this bot did "
                f"not place ({', '.join(foreign[:5])}); they are left alone"
            )
        self._foreign = foreign
