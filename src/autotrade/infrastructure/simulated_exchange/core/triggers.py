"""Stop orders that wait for the last price, trailing ones included."""

from __future__ import annotations

from autotrade.infrastructure.simulated_exchange.core.orders import LiveOrder, fires_when_falling

BASIS_POINTS = 10_000


def stop_reached(order: LiveOrder, last_ticks: int) -> bool:
    """The order's fixed stop price is met by this last price."""
    if fires_when_falling(order.record.side, order.record.kind):
        return last_ticks <= order.stop_ticks
    return last_ticks >= order.stop_ticks


class TriggerBook:
    """Waiting orders of one symbol. A price between the two thresholds costs two comparisons."""

    __slots__ = ("_falling_from", "_rising_from", "_trailing", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, LiveOrder] = {}
        self._trailing = False
        self._falling_from = -1
        self._rising_from = 1 << 62

    @property
    def falling_from(self) -> int:
        """The highest fixed stop price, in ticks, that waits for a falling price; -1: none."""
        return self._falling_from

    def add(self, order: LiveOrder, last_ticks: int | None) -> None:
        """A trailing order without a stop price follows from the last price on."""
        order.is_waiting = True
        if order.record.trailing_delta is not None and not order.stop_ticks and last_ticks:
            order.is_tracking, order.extreme = True, last_ticks
        self.waiting[order.record.id] = order
        self._refresh()

    def remove(self, order: LiveOrder) -> None:
        order.is_waiting = False
        del self.waiting[order.record.id]
        self._refresh()

    def _refresh(self) -> None:
        falling, rising, self._trailing = -1, 1 << 62, False
        for order in self.waiting.values():
            if order.record.trailing_delta is not None:
                self._trailing = True
            elif fires_when_falling(order.record.side, order.record.kind):
                falling = max(falling, order.stop_ticks)
            else:
                rising = min(rising, order.stop_ticks)
        self._falling_from, self._rising_from = falling, rising

    def fired(self, last_ticks: int) -> list[LiveOrder]:
        """The orders that this trade price sets off, oldest first; they stay until removed."""
        if not self._trailing and self._falling_from < last_ticks < self._rising_from:
            return []
        return [order for order in self.waiting.values() if self._is_fired(order, last_ticks)]

    def _is_fired(self, order: LiveOrder, last_ticks: int) -> bool:
        delta = order.record.trailing_delta
        if delta is None:
            return stop_reached(order, last_ticks)
        if not order.is_tracking:
            if not order.stop_ticks or stop_reached(order, last_ticks):
                order.is_tracking, order.extreme = True, last_ticks
            return False
        if order.is_buy:
            order.extreme = min(order.extreme, last_ticks)
            return last_ticks * BASIS_POINTS >= order.extreme * (BASIS_POINTS + delta)
        order.extreme = max(order.extreme, last_ticks)
        return last_ticks * BASIS_POINTS <= order.extreme * (BASIS_POINTS - delta)
