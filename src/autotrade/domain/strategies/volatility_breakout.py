"""Volatility breakout after Larry Williams, Long-Term Secrets to Short-Term Trading, 1999.

The idea of the book: a move from the session's open that is large against the range of the session
before it tends to go on. Buy at `open + k * (high - low of the session before)`.

What differs here:
- The market never closes. A session is a UTC day, or a number of candles counted from 1970 on; its
  open is the first trade after the boundary, with no night before it.
- Only closed candles are seen. The book buys inside the move, by a stop order that rests at the
  trigger; here the first close above the trigger is the signal, so the entry is later and dearer.
- Long only, one signal a session. The book also sells short, at the open minus a part of the range.
- `trend_candles` stands for the book's many filters (days of the week, other markets, averages).
- It leaves as every deal here does: target, monitors, stop. The book leaves at the first profitable
  open or at a fixed loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Le

from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.domain.services.indicators.sma import Sma
from autotrade.domain.strategies.base import CandleColumns, Sighting, Strategy
from autotrade.domain.strategies.parameters import parameter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DAY_MS = 86_400_000


@dataclass(slots=True)
class _Session:
    """What is known of the session under way."""

    number: int
    open: float
    high: float
    low: float
    is_whole: bool
    """Seen from its first candle on; else its range may be too small."""
    range_before: float | None
    """Of the session just before it, if that was seen whole."""
    has_broken: bool = False

    @property
    def range(self) -> float:
        return self.high - self.low


class VolatilityBreakout(Strategy):
    """BUY at the first close of a session that exceeds its open by k times the last range."""

    name = "volatility_breakout"
    version = "1"

    @dataclass(frozen=True, slots=True)
    class Parameters:
        k: Annotated[float, Gt(0), Le(10)] = parameter(
            0.5, "part of the last session's range that the price must rise above the open"
        )
        session_candles: Annotated[int, Ge(0), Le(5_000)] = parameter(
            0, "candles of a session; 0: a UTC day"
        )
        trend_candles: Annotated[int, Ge(0), Le(5_000)] = parameter(
            0, "the close must be above the mean of so many closes, else the session passes; 0: off"
        )

    parameters: Parameters

    def prepare(self) -> None:
        count = self.parameters.session_candles
        self._session_ms = count * self.candle_ms if count else DAY_MS
        trend = self.parameters.trend_candles
        self._trend = Sma(trend) if trend else None
        self._session: _Session | None = None

    @property
    def history_candles(self) -> int:
        """The session before the one under way, whole, wherever in it we begin."""
        sessions = 2 * max(1, self._session_ms // self.candle_ms)
        return max(sessions, self.parameters.trend_candles)

    def signals(self, candle: Candle, values: IndicatorValues) -> Sighting | None:
        mean = None if self._trend is None else self._trend.update(candle.close)
        session = self._follow(candle)
        if session.range_before is None or session.has_broken:
            return None
        trigger = session.open + self.parameters.k * session.range_before
        if not candle.close > trigger:
            return None
        session.has_broken = True
        if self._trend is not None and (mean is None or not candle.close > mean):
            return None
        figures = {
            "close": candle.close,
            "session_open": session.open,
            "range_before": session.range_before,
            "k": self.parameters.k,
            "trigger": trigger,
        }
        return Sighting("range_breakout", figures if mean is None else {**figures, "trend": mean})

    def _follow(self, candle: Candle) -> _Session:
        """The session of this candle, which is now part of it."""
        number, before = candle.open_ts // self._session_ms, self._session
        if before is not None and before.number == number:
            before.high, before.low = max(before.high, candle.high), min(before.low, candle.low)
            return before
        is_next = before is not None and before.is_whole and number == before.number + 1
        self._session = _Session(
            number=number,
            open=candle.open,
            high=candle.high,
            low=candle.low,
            is_whole=before is not None or candle.open_ts % self._session_ms == 0,
            range_before=before.range if before is not None and is_next else None,
        )
        return self._session

    def scan(self, candles: CandleColumns) -> NDArray[np.bool_] | None:
        """The first close of each session above its trigger; the trend is asked by `signals`."""
        import numpy as np

        mask = np.zeros(len(candles.open_ts), dtype=np.bool_)
        if not len(mask):
            return mask
        numbers = candles.open_ts // self._session_ms
        starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
        ranges = np.maximum.reduceat(candles.high, starts) - np.minimum.reduceat(
            candles.low, starts
        )
        triggers = np.full(len(starts), np.inf)
        follows = np.diff(numbers[starts]) == 1
        triggers[1:][follows] = (candles.open[starts][1:] + self.parameters.k * ranges[:-1])[
            follows
        ]
        lengths = np.diff(np.append(starts, len(mask)))
        above = np.flatnonzero(candles.close > np.repeat(triggers, lengths))
        _, first = np.unique(numbers[above], return_index=True)
        mask[above[first]] = True
        return mask
