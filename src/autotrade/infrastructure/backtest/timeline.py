"""Several series on one clock: a slot is a moment at which a candle of any pair opens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autotrade.infrastructure.backtest.attention import EVERYWHERE, QuietRange
from autotrade.infrastructure.backtest.pair_market import PairMarket

ABSENT = -1
_CHUNK_FIRST, _CHUNK_MAX = 256, 1 << 16


class Feed:
    """One pair on the clock, and where the backtest stands in it."""

    def __init__(
        self, pair: PairMarket, slots: NDArray[np.int64], candidates: NDArray[np.int64] | None
    ) -> None:
        """`candidates` are the candles after which a signal is possible; None: any."""
        self.pair = pair
        open_ts = pair.series.open_ts
        found = open_ts.searchsorted(slots)
        is_there = open_ts[np.minimum(found, len(open_ts) - 1)] == slots
        self.is_whole = bool(is_there.all())
        self._first = int(found[0]) if len(found) else 0
        self._index = None if self.is_whole else np.where(is_there, found, ABSENT)
        self._slots = slots
        self.is_candidate: NDArray[np.bool_] | None = None
        self._candidate_slots: NDArray[np.int64] | None = None
        if candidates is not None:
            self.is_candidate = np.zeros(len(pair), dtype=bool)
            self.is_candidate[candidates] = True
            wanted = candidates[open_ts[candidates] >= (slots[0] if len(slots) else 0)]
            self._candidate_slots = slots.searchsorted(open_ts[wanted])
        self.low_first = False
        self.path_candle = ABSENT
        """the candle that `low_first` was settled for"""
        self.price = 0
        self.volume = 0
        self.is_book_laid = False
        self.laid_ts = 0
        self.seen_point = (ABSENT, 0)
        """(candle, number of the point) whose price the bot has seen last"""
        self.seen_book_ts = 0
        self.quiet: QuietRange = EVERYWHERE
        self._wanted = ABSENT

    def candle_at(self, slot: int) -> int:
        """The candle that opens at this slot, or ABSENT."""
        return self._first + slot if self._index is None else int(self._index[slot])

    def is_possible(self, candle: int) -> bool:
        """A signal may come of this candle."""
        return self.is_candidate is None or bool(self.is_candidate[candle])

    def calm(self, quiet: QuietRange) -> None:
        """From now on nothing can happen inside these prices."""
        if quiet != self.quiet:
            self.quiet, self._wanted = quiet, ABSENT

    def last_candle(self, slot: int) -> int:
        """The candle that opens at this slot or, if there is none, the last one before."""
        if self._index is None:
            return self._first + slot
        return int(self.pair.series.open_ts.searchsorted(self._slots[slot], side="right")) - 1

    def next_wanted(self, slot: int) -> int:
        """The first slot from `slot` on that needs attention here; beyond the last if none."""
        if self._candidate_slots is None:
            return slot
        if self._wanted < slot:
            number = int(self._candidate_slots.searchsorted(slot))
            known = number < len(self._candidate_slots)
            end = int(self._candidate_slots[number]) if known else len(self._slots)
            is_anywhere = self.quiet is EVERYWHERE
            self._wanted = end if is_anywhere else self._next_touched(slot, end)
        return self._wanted

    def _next_touched(self, slot: int, end: int) -> int:
        low, high, quiet = self.pair.low, self.pair.high, self.quiet
        if self._index is not None:
            open_ts, slots = self.pair.series.open_ts, self._slots
            first = int(open_ts.searchsorted(slots[slot]))
            last = int(open_ts.searchsorted(slots[end])) if end < len(slots) else len(open_ts)
        else:
            first, last = self._first + slot, self._first + end
        chunk = _CHUNK_FIRST
        while first < last:
            stop = min(last, first + chunk)
            is_out = (low[first:stop] <= quiet.lower) | (high[first:stop] >= quiet.upper)
            number = int(is_out.argmax())
            if is_out[number]:
                found = first + number
                if self._index is None:
                    return found - self._first
                return int(self._slots.searchsorted(self.pair.series.open_ts[found]))
            first, chunk = stop, min(chunk * 4, _CHUNK_MAX)
        return end


def merged_slots(pairs: Sequence[PairMarket], start_ts: int) -> NDArray[np.int64]:
    """All opening times from `start_ts` on, each once."""
    times = [pair.series.open_ts[pair.series.open_ts >= start_ts] for pair in pairs]
    if all(len(one) == len(times[0]) and np.array_equal(one, times[0]) for one in times[1:]):
        return times[0]
    return np.unique(np.concatenate(times))
