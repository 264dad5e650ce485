"""Orders whose placement may still reach the exchange, so that "unknown order" proves nothing yet.

The domain believes "unknown order" once the receive window is over, counted from the moment the
order was written down. A request may be signed later than that: a slow disk holds it up, or its
time stamp was refused and the same order is signed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Placing:
    """What became of a placement, as far as its sender knows. `signed_ms` is the exchange's time
    at which it was signed last."""

    signed_ms: float
    is_unknown: bool = True


class RequestsUnderWay:
    """`now_ms` is the best estimate of the exchange's time; a request signed now is refused when it
    arrives more than `window_ms` later."""

    def __init__(self, now_ms: Callable[[], float], window_ms: float) -> None:
        self._now_ms, self._window_ms = now_ms, window_ms
        self._waiting: set[str] = set()
        self._until_ms: dict[str, float] = {}

    @contextmanager
    def placing(self, order_ids: Iterable[str]) -> Iterator[Placing]:
        """While these orders are sent; the sender says in what is given how it went."""
        ids, placing = tuple(order_ids), Placing(self._now_ms())
        self._waiting.update(ids)
        try:
            yield placing
        finally:
            self._waiting.difference_update(ids)
            if placing.is_unknown:
                until_ms = placing.signed_ms + self._window_ms
                self._until_ms.update(dict.fromkeys(ids, until_ms))

    def signed_anew(self, placing: Placing) -> None:
        """Say this right before the same orders are sent again with a new time stamp."""
        placing.signed_ms = self._now_ms()

    def may_arrive(self, order_id: str) -> bool:
        """Ask this before the exchange is asked about the order, not after."""
        if order_id in self._waiting:
            return True
        until_ms = self._until_ms.get(order_id)
        if until_ms is None:
            return False
        if self._now_ms() <= until_ms:
            return True
        del self._until_ms[order_id]
        return False
