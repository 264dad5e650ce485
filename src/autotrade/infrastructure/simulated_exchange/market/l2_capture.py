"""A raw capture of Binance's spot streams, replayed as it was.

Read are text files, plain or gzip, in two forms: `<local ns> <json>` with REST depth snapshots
inline, and `<unix s>: <json>` with snapshots in a file of their own (`<url> -> <unix s>: <json>`).
Several files in sequence are one capture. Used are `depthUpdate`, `trade` (or `aggTrade` where no
trade stream was recorded) and the snapshot. The exchange's own times drive the replay: E of a
depth update, T of a trade; update ids and trade ids are kept.

A symbol starts with its snapshot, given out at the time of the first update that applies to it;
what was recorded before is left out. Of that first update the ids up to the snapshot's are cut, so
that ids follow one another without a gap. bookTicker lines are left out: they carry no exchange
time on spot, and without them the book after each update is exactly the recorded one. Between two
updates (100 ms) a trade may therefore be printed before the book shows its effect, as a client of
these streams saw it.

Where a level's amount is finer than the listed lot (in the BTCUSDT capture of 2024-08 seven far
levels are, left from times with other filters) the capture's lot is as fine, so that the book stays
exact; the other filters are the listed ones.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.types import Market, Side
from autotrade.infrastructure.simulated_exchange.market.capture_lines import (
    LINE,
    SNAPSHOT_SYMBOL,
    count_units,
    grid_unit,
    message_data,
    note_places,
    parse_json,
    read_lines,
)
from autotrade.infrastructure.simulated_exchange.market.errors import MarketSourceError
from autotrade.infrastructure.simulated_exchange.market.listings import (
    listing_for,
    market_on_grid,
)
from autotrade.infrastructure.simulated_exchange.market.modelled_history import invented_history
from autotrade.infrastructure.simulated_exchange.market.source import (
    LotLevel,
    MarketFact,
    MarketLevels,
    MarketTrade,
    SourceCandle,
)

HISTORY_MINUTES = 1_500
_REORDER_MS = 1_000
"""Streams reach the recorder independently; facts are put in order of time within this window."""


@dataclass(slots=True)
class _Symbol:
    """What the survey finds out about one symbol of the capture."""

    name: str
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    anchor: dict[str, Any] | None = None
    anchor_ts: int = 0
    has_trades: bool = False
    market: Market | None = None
    places: list[int] = field(default_factory=lambda: [0, 0])
    price_unit: int = 1
    amount_unit: int = 1
    last_update_id: int = 0

    def note_update(self, data: dict[str, Any]) -> None:
        """Look whether the update is the first that applies to a snapshot."""
        if "pu" in data:
            raise MarketSourceError(
                "expected a capture of Binance spot, was one of futures ('pu' in its depth "
                "updates): record the spot streams"
            )
        note_places(self.places, data["b"])
        note_places(self.places, data["a"])
        if self.anchor is not None:
            return
        for snapshot in self.snapshots:
            if data["U"] <= snapshot["lastUpdateId"] + 1 <= data["u"]:
                self.anchor, self.anchor_ts = snapshot, int(data["E"])
                return


class L2Capture:
    """A `MarketSource` that replays recorded depth updates and trades."""

    def __init__(self, files: Sequence[Path], symbols: Sequence[str] | None = None) -> None:
        self._files = list(files)
        self._symbols: dict[str, _Symbol] = {}
        self._end_ts = 0
        self._survey_snapshots()
        self._survey_streams()
        if symbols is not None:
            self._choose(symbols)
        started = [symbol for symbol in self._symbols.values() if symbol.anchor is not None]
        if not started:
            raise MarketSourceError(
                "expected a depth snapshot and an update that applies to it, the capture has "
                f"none: {', '.join(map(str, self._files))}; add the file with the snapshot"
            )
        self._symbols = {symbol.name: symbol for symbol in started}
        self._find_grids()
        self._start_ts = min(symbol.anchor_ts for symbol in started)
        self._iterated = False

    # --- what the capture holds ------------------------------------------------------------------

    def _messages(self) -> Iterator[tuple[bytes, bytes]]:
        """(whole line, JSON part) of every line that is a message."""
        for path in self._files:
            for line in read_lines(path):
                match = LINE.match(line)
                if match:
                    yield line, match["body"]

    def _survey_snapshots(self) -> None:
        """Symbols, snapshots, and the time of the last event."""
        nameless: list[dict[str, Any]] = []
        last: list[bytes] = []
        for line, body in self._messages():
            if body.startswith(b'{"lastUpdateId"'):
                snapshot = parse_json(body)
                match = SNAPSHOT_SYMBOL.search(line)
                if match:
                    self._symbol(match[1].decode()).snapshots.append(snapshot)
                else:
                    nameless.append(snapshot)
            elif b'"depthUpdate"' in body or b'"e":"trade"' in body:
                last.append(body)
                del last[:-50]
        for body in last:
            self._end_ts = max(self._end_ts, int(message_data(body)["E"]))
        if nameless:
            names = self._stream_names()
            if len(names) != 1:
                raise MarketSourceError(
                    "expected snapshots that name their symbol, the capture holds "
                    f"{len(names)} symbols and snapshots without a name"
                )
            self._symbol(names[0]).snapshots.extend(nameless)

    def _symbol(self, name: str) -> _Symbol:
        return self._symbols.setdefault(name, _Symbol(name))

    def _stream_names(self) -> list[str]:
        names: dict[str, None] = {}
        for number, (_, body) in enumerate(self._messages()):
            if b'"depthUpdate"' in body:
                names[str(message_data(body)["s"])] = None
            if number > 20_000:
                break
        return list(names)

    def _survey_streams(self) -> None:
        """Where each symbol's replay starts (the first update that applies to a snapshot), and how
        many decimal places its numbers have."""
        for _, body in self._messages():
            is_update = b'"depthUpdate"' in body
            if not is_update and b'"e":"trade"' not in body and b'"e":"aggTrade"' not in body:
                continue
            data = message_data(body)
            symbol = self._symbols.get(data["s"])
            if symbol is None:
                continue
            if is_update:
                symbol.note_update(data)
            else:
                symbol.has_trades |= data["e"] == "trade"
                note_places(symbol.places, [[data["p"], data["q"]]])

    def _choose(self, wanted: Sequence[str]) -> None:
        missing = [name for name in wanted if name not in self._symbols]
        if missing:
            raise MarketSourceError(
                f"expected recorded symbols, was {', '.join(missing)}: the capture holds "
                f"{', '.join(self._symbols)}"
            )
        self._symbols = {name: self._symbols[name] for name in wanted}

    def _find_grids(self) -> None:
        """Filters: the listed ones, with a finer tick or lot where the data needs it."""
        for symbol in self._symbols.values():
            assert symbol.anchor is not None
            for side in ("bids", "asks"):
                note_places(symbol.places, symbol.anchor[side])
            symbol.market = market_on_grid(symbol.name, *symbol.places)
            symbol.price_unit = grid_unit(symbol.market.tick_size)
            symbol.amount_unit = grid_unit(symbol.market.lot_size)

    # --- MarketSource ----------------------------------------------------------------------------

    @property
    def description(self) -> str:
        names = ", ".join(self._symbols)
        return (
            f"recorded L2 capture of {names}: depth updates, trades and their times as they were; "
            "the candles before its start are modelled"
        )

    @property
    def markets(self) -> Sequence[Market]:
        return [symbol.market for symbol in self._symbols.values() if symbol.market is not None]

    @property
    def start_ts(self) -> int:
        return self._start_ts

    @property
    def end_ts(self) -> int | None:
        return self._end_ts

    def history(self, symbol: str, count: int) -> list[SourceCandle]:
        """Modelled, not recorded: a capture has no candles before its start, indicators need them.
        They end at the capture's first price."""
        recorded = self._symbols.get(symbol)
        if recorded is None or recorded.anchor is None or recorded.market is None or count <= 0:
            return []
        price = count_units(recorded.anchor["bids"][0][0], recorded.price_unit)
        listing = listing_for(recorded.market, price * float(recorded.market.tick_size))
        start = recorded.anchor_ts // 60_000 * 60_000
        return invented_history(listing, price, start, HISTORY_MINUTES)[-count:]

    def facts(self) -> Iterator[MarketFact]:
        if self._iterated:
            raise MarketSourceError("expected one iteration of a market's facts, was a second one")
        self._iterated = True
        waiting: list[tuple[int, int, int, MarketFact]] = []
        newest = 0
        for number, (rank, fact) in enumerate(self._recorded_facts()):
            heapq.heappush(waiting, (fact.ts, rank, number, fact))
            newest = max(newest, fact.ts)
            while waiting and waiting[0][0] < newest - _REORDER_MS:
                yield heapq.heappop(waiting)[3]
        while waiting:
            yield heapq.heappop(waiting)[3]

    def _recorded_facts(self) -> Iterator[tuple[int, MarketFact]]:
        """(rank among facts of one millisecond, fact), in the order of reception."""
        newest = 0
        for _, body in self._messages():
            if b'"depthUpdate"' in body:
                data = message_data(body)
                symbol = self._symbols.get(data["s"])
                if symbol is None or int(data["u"]) <= symbol.last_update_id:
                    continue
                if not symbol.last_update_id:
                    if int(data["E"]) < symbol.anchor_ts:
                        continue
                    yield 0, self._opening(symbol)
                newest = max(newest, int(data["E"]))
                yield 2, self._update(symbol, data)
            elif b'"e":"trade"' in body or b'"e":"aggTrade"' in body:
                data = message_data(body)
                symbol = self._symbols.get(data["s"])
                if symbol is None or int(data["T"]) < max(symbol.anchor_ts, newest - _REORDER_MS):
                    continue
                if data["e"] == "trade" or not symbol.has_trades:
                    yield 1, self._trade(symbol, data)

    def _opening(self, symbol: _Symbol) -> MarketLevels:
        snapshot = symbol.anchor
        assert snapshot is not None
        symbol.last_update_id = int(snapshot["lastUpdateId"])
        return MarketLevels(
            symbol.anchor_ts,
            symbol.name,
            self._levels(symbol, snapshot["bids"]),
            self._levels(symbol, snapshot["asks"]),
            is_snapshot=True,
            update_ids=(symbol.last_update_id, symbol.last_update_id),
        )

    def _update(self, symbol: _Symbol, data: dict[str, Any]) -> MarketLevels:
        first, last = int(data["U"]), int(data["u"])
        expected = symbol.last_update_id + 1
        if first > expected:
            raise MarketSourceError(
                f"expected {symbol.name}'s update {expected}, was {first}: the capture lost "
                "updates, its book is not known from here on"
            )
        symbol.last_update_id = last
        return MarketLevels(
            int(data["E"]),
            symbol.name,
            self._levels(symbol, data["b"]),
            self._levels(symbol, data["a"]),
            update_ids=(max(first, expected), last),
        )

    def _levels(self, symbol: _Symbol, rows: list[list[str]]) -> tuple[LotLevel, ...]:
        price_unit, amount_unit = symbol.price_unit, symbol.amount_unit
        return tuple(
            (count_units(row[0], price_unit), count_units(row[1], amount_unit)) for row in rows
        )

    def _trade(self, symbol: _Symbol, data: dict[str, Any]) -> MarketTrade:
        return MarketTrade(
            int(data["T"]),
            symbol.name,
            count_units(data["p"], symbol.price_unit),
            count_units(data["q"], symbol.amount_unit),
            Side.SELL if data["m"] else Side.BUY,
            trade_id=int(data["t"] if "t" in data else data["a"]),
        )
