"""The order book of a raw capture, built offline from its lines and from nothing else.

A capture's line is `<local ns> <json>`: `depthUpdate` messages of the combined stream, and one REST
snapshot inline. Updates up to the snapshot's id are left out, the rest applied in turn; amounts are
absolute and zero removes the level, as Binance documents it.

A client of Binance begins with a REST snapshot of 1000 levels a side, and no message ever tells it
of a deeper level that does not change. Prices that its newest whole book lacked because they were
deeper, and that have not changed since, are named `unseen`: a client cannot know them, so they are
compared with nothing.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Level = tuple[float, float]
SNAPSHOT_LEVELS = 1000
SHALLOW_LEVELS = SNAPSHOT_LEVELS // 2
"""A level that is lacking this near to the best price was not cut off by the snapshot's end."""


@dataclass(frozen=True, slots=True)
class OfflineBook:
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    unseen: frozenset[float]


def books_at(
    files: Sequence[Path],
    wanted: set[int],
    levels: int,
    wholes: Mapping[int, Collection[float]],
) -> dict[int, OfflineBook]:
    """The best `levels` of each side after the updates whose last id is wanted. `wholes` are the
    prices of the client's whole books, as deep as its snapshots, by their update ids."""
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    waiting: list[dict[str, Any]] = []
    last_id = 0
    unseen: set[float] = set()
    found: dict[int, OfflineBook] = {}

    def apply(update: dict[str, Any]) -> None:
        nonlocal last_id
        first, last = int(update["U"]), int(update["u"])
        if last <= last_id:
            return
        if first > last_id + 1:
            raise AssertionError(f"the capture has a gap: {last_id} is followed by {first}")
        for side, changes in ((bids, update["b"]), (asks, update["a"])):
            for price, amount in changes:
                unseen.discard(float(price))
                if float(amount):
                    side[float(price)] = float(amount)
                else:
                    side.pop(float(price), None)
        last_id = last
        if last in wholes:
            known = set(wholes[last])
            unseen.clear()
            for side in (sorted(bids, reverse=True), sorted(asks)):
                assert known.issuperset(side[:SHALLOW_LEVELS]), "a whole book has holes"
                unseen.update(set(side) - known)
        if last in wanted:
            best_bids = sorted(bids.items(), reverse=True)[:levels]
            best_asks = sorted(asks.items())[:levels]
            hidden = unseen.intersection(price for price, _ in (*best_bids, *best_asks))
            found[last] = OfflineBook(tuple(best_bids), tuple(best_asks), frozenset(hidden))

    for message in _messages(files):
        if "lastUpdateId" in message:
            bids = {float(price): float(amount) for price, amount in message["bids"]}
            asks = {float(price): float(amount) for price, amount in message["asks"]}
            last_id = int(message["lastUpdateId"])
            for update in waiting:
                apply(update)
            waiting.clear()
        elif last_id:
            apply(message)
        else:
            waiting.append(message)
    return found


def _messages(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Snapshots and depth updates in the order in which they were recorded."""
    for path in files:
        with gzip.open(path, "rb") as stream:
            for line in stream:
                text = line.partition(b" ")[2]
                if b'"lastUpdateId"' in text:
                    whole = json.loads(text)
                    yield whole.get("data", whole)
                elif b'"depthUpdate"' in text:
                    yield json.loads(text)["data"]
