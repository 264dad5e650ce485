"""Does anything in a backtest know what comes? The future is cut off, and nothing may change.

The same backtest over the first candles alone must write the same journal as far as it goes, byte
for byte: every decision, every order, every fill. A strategy whose `scan` or whose memory of one
knows later candles decides otherwise when they are gone, and is found at the first row that
differs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autotrade.infrastructure.backtest.journal_writer import JournalWriter
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.runner import Backtest, BacktestPlan
from autotrade.infrastructure.market_history.integrity import time_text
from autotrade.infrastructure.statistics import truncation_points

POINTS = 8
_TOLD = ("id", "symbol", "approved", "entry_price", "side", "price", "amount", "reason", "text")


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row that changed when the candles from `cut_ts` on were not there."""

    cut_ts: int
    seq: int
    ts: int
    with_future: str
    without_future: str

    @property
    def sentence(self) -> str:
        return (
            f"it looks ahead: without the candles from {time_text(self.cut_ts)} on, row {self.seq} "
            f"of the journal at {time_text(self.ts)} is {self.without_future}, with them it is "
            f"{self.with_future}; a decision may only use candles that were closed"
        )


@dataclass(frozen=True, slots=True)
class LookaheadCheck:
    """Where the future was cut off, and what changed first, if anything did."""

    cuts: tuple[int, ...]
    rows_compared: int
    difference: Difference | None

    @property
    def holds(self) -> bool:
        return self.difference is None

    @property
    def sentence(self) -> str:
        if self.difference is not None:
            return self.difference.sentence
        return (
            f"no look-ahead: with the future cut off at {len(self.cuts)} places the same decisions "
            f"were taken before, to the last byte of {self.rows_compared} journal rows"
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "holds": self.holds,
            "cuts": list(self.cuts),
            "rows_compared": self.rows_compared,
            "sentence": self.sentence,
        }


def check_lookahead(
    plan: BacktestPlan,
    journal: Path,
    scratch: Path,
    *,
    seed: int,
    say: Callable[[str], None],
    points: int = POINTS,
) -> LookaheadCheck:
    """Run `plan` again over fewer candles, up to `points` times, against the journal of the whole.

    `scratch` is a file of our own; it is gone afterwards.
    """
    times = plan.markets[0].series.open_ts
    tested = times[times >= plan.start_ts]
    cuts, rows = [], 0
    try:
        for number, kept in enumerate(_places(len(tested), points, seed), 1):
            cut_ts = int(tested[kept])
            say(f"look-ahead {number}: the future cut off at {time_text(cut_ts)}")
            Backtest(_cut(plan, cut_ts), JournalWriter(scratch)).run()
            cuts.append(cut_ts)
            compared, difference = _compare(journal, scratch, cut_ts)
            rows += compared
            if difference is not None:
                return LookaheadCheck(tuple(cuts), rows, difference)
    finally:
        scratch.unlink(missing_ok=True)
    return LookaheadCheck(tuple(cuts), rows, None)


def _places(length: int, points: int, seed: int) -> tuple[int, ...]:
    return truncation_points(length, points, seed) if length > 1 else ()


def _cut(plan: BacktestPlan, cut_ts: int) -> BacktestPlan:
    """The plan with the candles alone that open before `cut_ts`; each pair keeps its warm-up."""
    return replace(
        plan,
        markets=[
            PairMarket(market.series.slice(None, cut_ts), market.model) for market in plan.markets
        ],
    )


def _compare(whole: Path, short: Path, cut_ts: int) -> tuple[int, Difference | None]:
    """Rows that are the same, and the first that is not. The last row of the short one says only
    that its candles are at their end; what the whole one has instead must be of later."""
    count = 0
    with whole.open("rb") as long_rows, short.open("rb") as short_rows:
        before = next(short_rows)
        for row in short_rows:
            other = next(long_rows, None)
            if before != other:
                return count, _difference(cut_ts, other, before)
            count, before = count + 1, row
        other = next(long_rows, None)
    if other is not None and _is_missed(json.loads(other), cut_ts):
        return count, _difference(cut_ts, other, None)
    return count, None


def _is_missed(row: dict[str, Any], cut_ts: int) -> bool:
    """Of the last closed candle decisions are taken at its end, which may be the moment of the
    cut; then the next candle opens."""
    ts = int(row["ts"])
    return ts < cut_ts or (ts == cut_ts and row["kind"] == "decision")


def _difference(cut_ts: int, whole: bytes | None, short: bytes | None) -> Difference:
    rows = [None if line is None else json.loads(line) for line in (whole, short)]
    known = next(row for row in reversed(rows) if row is not None)
    return Difference(
        cut_ts=cut_ts,
        seq=int(known["seq"]),
        ts=int(known["ts"]),
        with_future=_told(rows[0]),
        without_future=_told(rows[1]),
    )


def _told(row: dict[str, Any] | None) -> str:
    """A row in a few words."""
    if row is None:
        return "not there"
    data = row.get("data") or {}
    known = [f"{name} {data[name]}" for name in _TOLD if data.get(name) is not None]
    return f"{row['type']} at {time_text(int(row['ts']))} ({', '.join(known[:4])})"
