"""Candles leave in order, each once, none missing: the gate of one symbol and timeframe."""

from __future__ import annotations

from collections.abc import Iterable

from autotrade.domain.entities.candle import Candle


class CandleGate:
    """`offer` what arrives, from the stream or from history; take out what is due.

    `step_ms` is the timeframe. A gap holds later candles back until `offer` fills it or `skip` says
    that the exchange itself has no candle there (maintenance).
    """

    def __init__(self, step_ms: int) -> None:
        self._step_ms = step_ms
        self._last: int | None = None
        self._waiting: dict[int, Candle] = {}

    @property
    def last_open_ts(self) -> int | None:
        """Open time of the newest candle that left."""
        return self._last

    def anchor(self, open_ts: int) -> None:
        """Everything up to this candle is known outside already."""
        self._last = open_ts if self._last is None else max(self._last, open_ts)
        self._forget_old()

    def offer(self, candles: Iterable[Candle]) -> list[Candle]:
        """Take candles in any order, twice if need be; returns those whose turn it is."""
        for candle in candles:
            if self._last is None or candle.open_ts > self._last:
                self._waiting[candle.open_ts] = candle
        return self._release()

    def missing(self) -> tuple[int, int] | None:
        """(first, last) open time of the gap that holds candles back."""
        if not self._waiting or self._last is None:
            return None
        return self._last + self._step_ms, min(self._waiting) - self._step_ms

    def skip(self) -> list[Candle]:
        """The gap is real: go on behind it."""
        if self._waiting:
            self._last = min(self._waiting) - self._step_ms
        return self._release()

    def _release(self) -> list[Candle]:
        if self._last is None and self._waiting:
            self._last = min(self._waiting) - self._step_ms
        released = []
        while self._last is not None:
            candle = self._waiting.pop(self._last + self._step_ms, None)
            if candle is None:
                break
            released.append(candle)
            self._last = candle.open_ts
        return released

    def _forget_old(self) -> None:
        last = self._last or 0
        self._waiting = {ts: candle for ts, candle in self._waiting.items() if ts > last}
