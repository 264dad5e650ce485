"""Candles in integers and the grid of Binance's intervals.

Inside, prices are ticks, volumes lots and turnovers ticks x lots, so that adding up is exact and
cheap; `CandleUnits` turns them into what a client sees.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from autotrade.infrastructure.simulated_exchange.core.types import Kline
from autotrade.infrastructure.simulated_exchange.market.source import SourceCandle

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
FIRST_MONDAY_MS = 4 * DAY_MS
"""1970-01-05: weekly candles open on Mondays."""

INTERVALS: dict[str, int] = {
    "1s": SECOND_MS,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": WEEK_MS,
    "1M": 0,
}
"""Binance's intervals and their length in ms; a month has none of its own (0)."""


def open_of(interval: str, ts: int) -> int:
    """When the candle that `ts` falls into opens."""
    length = INTERVALS[interval]
    if interval == "1w":
        return ts - (ts - FIRST_MONDAY_MS) % WEEK_MS
    if length:
        return ts - ts % length
    moment = datetime.fromtimestamp(ts / 1000, UTC)
    return int(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()) * 1000


def end_of(interval: str, open_ts: int) -> int:
    """When the candle opened at `open_ts` is over: the open of the next."""
    length = INTERVALS[interval]
    if length:
        return open_ts + length
    moment = datetime.fromtimestamp(open_ts / 1000, UTC)
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000


class Candle:
    """A candle being built or closed."""

    __slots__ = (
        "close",
        "first_id",
        "high",
        "last_id",
        "low",
        "open",
        "open_ts",
        "quote",
        "taker_quote",
        "taker_volume",
        "trades",
        "volume",
    )

    def __init__(self, open_ts: int, price: int) -> None:
        self.open_ts = open_ts
        self.open = self.high = self.low = self.close = price
        self.volume = self.quote = self.trades = self.taker_volume = self.taker_quote = 0
        self.first_id = self.last_id = -1

    def merge(self, later: Candle) -> None:
        """Take in a candle that follows this one in time; an empty one changes nothing."""
        if later.trades == 0:
            return
        if self.trades == 0:
            self.open, self.high, self.low = later.open, later.high, later.low
        else:
            self.high = max(self.high, later.high)
            self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote += later.quote
        self.trades += later.trades
        self.taker_volume += later.taker_volume
        self.taker_quote += later.taker_quote
        if self.first_id < 0:
            self.first_id = later.first_id
        self.last_id = later.last_id

    def copy(self) -> Candle:
        other = Candle(self.open_ts, self.close)
        for name in Candle.__slots__:
            setattr(other, name, getattr(self, name))
        return other


@dataclass(frozen=True, slots=True)
class CandleUnits:
    """What a tick and a lot are worth."""

    tick: Decimal
    lot: Decimal

    def kline(self, candle: Candle, interval: str) -> Kline:
        tick, lot = self.tick, self.lot
        unit = tick * lot
        return Kline(
            open_ts=candle.open_ts,
            close_ts=end_of(interval, candle.open_ts) - 1,
            open=tick * candle.open,
            high=tick * candle.high,
            low=tick * candle.low,
            close=tick * candle.close,
            volume=lot * candle.volume,
            quote_volume=unit * candle.quote,
            trades=candle.trades,
            taker_buy_volume=lot * candle.taker_volume,
            taker_buy_quote=unit * candle.taker_quote,
            first_trade_id=candle.first_id,
            last_trade_id=candle.last_id,
        )

    def candle(self, source: SourceCandle) -> Candle:
        """Exact for everything that is a whole number of ticks and lots; the rest is rounded."""
        unit = self.tick * self.lot
        candle = Candle(source.open_ts, _count(source.open, self.tick))
        candle.high = _count(source.high, self.tick)
        candle.low = _count(source.low, self.tick)
        candle.close = _count(source.close, self.tick)
        candle.volume = _count(source.volume, self.lot)
        candle.quote = _count(source.quote_volume, unit)
        candle.trades = source.trades
        candle.taker_volume = _count(source.taker_buy_volume, self.lot)
        candle.taker_quote = _count(source.taker_buy_quote, unit)
        return candle


def _count(value: Decimal, unit: Decimal) -> int:
    return int((value / unit).to_integral_value(ROUND_HALF_EVEN))


class DayWindow:
    """The last 24 hours as minute candles; every candle enters and leaves once, so that sums and
    extremes cost O(1) amortised (extremes by monotonic queues)."""

    __slots__ = ("_candles", "_highs", "_lows", "previous_close", "quote", "trades", "volume")

    def __init__(self) -> None:
        self._candles: deque[Candle] = deque()
        self._highs: deque[Candle] = deque()
        self._lows: deque[Candle] = deque()
        self.volume = self.quote = self.trades = 0
        self.previous_close: int | None = None

    def add(self, candle: Candle) -> None:
        if candle.trades == 0:
            return
        self._candles.append(candle)
        self.volume += candle.volume
        self.quote += candle.quote
        self.trades += candle.trades
        while self._highs and self._highs[-1].high <= candle.high:
            self._highs.pop()
        self._highs.append(candle)
        while self._lows and self._lows[-1].low >= candle.low:
            self._lows.pop()
        self._lows.append(candle)

    def expire(self, start_ts: int) -> None:
        """Forget what opened before `start_ts`."""
        while self._candles and self._candles[0].open_ts < start_ts:
            candle = self._candles.popleft()
            self.volume -= candle.volume
            self.quote -= candle.quote
            self.trades -= candle.trades
            self.previous_close = candle.close
            if self._highs[0] is candle:
                self._highs.popleft()
            if self._lows[0] is candle:
                self._lows.popleft()

    def total(self, open_ts: int, current: Candle) -> Candle:
        """The whole window with the running minute as one candle; ids where they are known."""
        total = Candle(open_ts, current.open)
        if self._candles:
            total.open = self._candles[0].open
            total.high, total.low = self._highs[0].high, self._lows[0].low
            total.close = self._candles[-1].close
            total.volume, total.quote, total.trades = self.volume, self.quote, self.trades
            total.first_id = self._candles[0].first_id
            total.last_id = self._candles[-1].last_id
        total.merge(current)
        return total
