"""The library's cached order book as our OrderBook."""

from __future__ import annotations

from typing import Any

from autotrade.domain.entities.orderbook import OrderBook


def read_book(cached: Any, symbol: str, levels: int, snapshot_ts: int) -> OrderBook | None:
    """The best `levels` of each side; None while the book waits for its snapshot.

    A snapshot carries no time of its own: until the first diff the book was last true at
    `snapshot_ts`, when it came.
    """
    if cached is None or cached["nonce"] is None:
        return None
    return OrderBook(
        symbol=symbol,
        ts=int(cached["timestamp"] or snapshot_ts),
        bids=tuple([(level[0], level[1]) for level in cached["bids"][:levels]]),
        asks=tuple([(level[0], level[1]) for level in cached["asks"][:levels]]),
        update_id=int(cached["nonce"]),
    )
