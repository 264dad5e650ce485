"""What a client may ask about a market's past: candles, the 24 hours, trades, average price."""

from __future__ import annotations

from collections import deque
from decimal import ROUND_DOWN, Decimal
from itertools import islice

from autotrade.infrastructure.simulated_exchange.core.candles import (
    DAY_MS,
    INTERVALS,
    MINUTE_MS,
    SECOND_MS,
    Candle,
    CandleUnits,
    DayWindow,
    end_of,
    open_of,
)
from autotrade.infrastructure.simulated_exchange.core.context import Context
from autotrade.infrastructure.simulated_exchange.core.types import (
    AggregateTrade,
    DayTicker,
    ExchangeError,
    Kline,
    Trade,
)
from autotrade.infrastructure.simulated_exchange.market.source import SourceCandle

KLINES_KEPT = 1_500
TRADES_KEPT = 5_000
EIGHT_PLACES = Decimal("1E-8")
COARSE = tuple(name for name in INTERVALS if name not in ("1s", "1m"))


class _Aggregate:
    __slots__ = ("buyer_is_maker", "first_id", "id", "last_id", "lots", "taker", "ticks", "ts")

    def __init__(self, number: int, trade: Trade, ticks: int, taker: int) -> None:
        self.id, self.ticks, self.ts = number, ticks, trade.ts
        self.buyer_is_maker, self.taker = trade.buyer_is_maker, taker
        self.lots = 0
        self.first_id = self.last_id = trade.id


class MarketStatistics:
    """One symbol's past. A trade touches the running second only; minutes are made of seconds and
    everything coarser of minutes, when they are over or when somebody asks."""

    def __init__(self, symbol: str, tick: Decimal, lot: Decimal, context: Context) -> None:
        self._symbol = symbol
        self._context = context
        self._units = CandleUnits(tick, lot)
        self._second: Candle | None = None
        self._minute: Candle | None = None
        """the running minute without the running second"""
        self._running: dict[str, Candle] = {}
        """the running candle of each coarser interval without the running minute"""
        self._closed: dict[str, deque[Candle]] = {
            name: deque(maxlen=KLINES_KEPT) for name in INTERVALS
        }
        self._day = DayWindow()
        self._trades: deque[Trade] = deque(maxlen=TRADES_KEPT)
        self._aggregates: deque[_Aggregate] = deque(maxlen=TRADES_KEPT)
        self._next_aggregate_id = 1

    # what happens

    def seed(self, candles: list[SourceCandle]) -> None:
        """1-minute history before the first trade, oldest first."""
        if self._second is not None or self._minute is not None:
            raise ValueError(
                f"expected {self._symbol} to be without trades and history, had some;"
                " seed history once, before the first fact"
            )
        for source in candles:
            if self._minute is not None and source.open_ts < self._minute.open_ts:
                continue
            candle = self._units.candle(source)
            self._fill_minutes(candle.open_ts)
            self._close_minute(candle)

    def record(self, trade: Trade, ticks: int, lots: int, taker: int) -> None:
        """One trade. `taker` is the order id of an account's taker, 0 for the market's."""
        ts, buyer_is_maker = trade.ts, trade.buyer_is_maker
        second = self._second
        if second is None or second.open_ts != ts - ts % SECOND_MS:
            self.roll(ts)
            second = self._second = Candle(ts - ts % SECOND_MS, ticks)
            second.first_id = trade.id
        second.close = ticks
        if ticks > second.high:
            second.high = ticks
        elif ticks < second.low:
            second.low = ticks
        turnover = ticks * lots
        second.volume += lots
        second.quote += turnover
        second.trades += 1
        second.last_id = trade.id
        if not buyer_is_maker:
            second.taker_volume += lots
            second.taker_quote += turnover
        self._trades.append(trade)
        aggregates = self._aggregates
        last = aggregates[-1] if aggregates else None
        if (
            last is None
            or last.ts != ts
            or last.ticks != ticks
            or last.buyer_is_maker is not buyer_is_maker
            or last.taker != taker
        ):
            last = _Aggregate(self._next_aggregate_id, trade, ticks, taker)
            self._next_aggregate_id += 1
            aggregates.append(last)
        last.lots += lots
        last.last_id = trade.id

    def roll(self, now: int) -> None:
        """Close every second and minute that is over at `now`."""
        second = self._second
        if second is not None and now >= second.open_ts + SECOND_MS:
            self._closed["1s"].append(second)
            minute_ts = second.open_ts - second.open_ts % MINUTE_MS
            self._fill_minutes(minute_ts)
            if self._minute is None:
                self._minute = Candle(minute_ts, second.open)
            self._minute.merge(second)
            self._second = None
        if self._second is None:
            self._fill_minutes(now - now % MINUTE_MS)

    def _fill_minutes(self, until_ts: int) -> None:
        """Close minutes, empty ones included, until the running one opens at `until_ts`."""
        minute = self._minute
        if minute is None:
            return
        if until_ts - minute.open_ts > KLINES_KEPT * MINUTE_MS:
            self._close_minute(minute)
            self._minute = Candle(until_ts - KLINES_KEPT * MINUTE_MS, minute.close)
        while self._minute is not None and self._minute.open_ts < until_ts:
            self._close_minute(self._minute)

    def _close_minute(self, minute: Candle) -> None:
        self._closed["1m"].append(minute)
        self._day.add(minute)
        for interval in COARSE:
            running = self._running.get(interval)
            if running is not None and minute.open_ts >= end_of(interval, running.open_ts):
                self._close_coarse(interval, running, minute.open_ts)
                running = None
            if running is None:
                running = Candle(open_of(interval, minute.open_ts), minute.open)
                self._running[interval] = running
            running.merge(minute)
        self._minute = Candle(minute.open_ts + MINUTE_MS, minute.close)

    def _close_coarse(self, interval: str, running: Candle, next_ts: int) -> None:
        closed = self._closed[interval]
        closed.append(running)
        following = end_of(interval, running.open_ts)
        while end_of(interval, following) <= next_ts:
            closed.append(Candle(following, running.close))
            following = end_of(interval, following)

    # candles

    def klines(
        self,
        interval: str,
        *,
        limit: int = 500,
        start_ts: int | None = None,
        end_ts: int | None = None,
    ) -> list[Kline]:
        """Oldest first, the running one last; with `start_ts` the first `limit` from there on,
        without it the last `limit`. Raises ExchangeError(-1120) for an unknown interval."""
        candles = self._candles(interval)
        if start_ts is not None:
            candles = [candle for candle in candles if candle.open_ts >= start_ts]
        if end_ts is not None:
            candles = [candle for candle in candles if candle.open_ts <= end_ts]
        chosen = candles[:limit] if start_ts is not None else candles[-limit:]
        return [self._units.kline(candle, interval) for candle in chosen]

    def current_kline(self, interval: str) -> Kline | None:
        """The running candle; None before the first trade."""
        candle = self._current(interval)
        return None if candle is None else self._units.kline(candle, interval)

    def closed_kline(self, interval: str, end_ts: int) -> Kline | None:
        """The candle that was over exactly at `end_ts` (not after), None before the first trade."""
        self.roll(end_ts)
        if interval == "1s":
            closed = self._closed["1s"]
            if closed and closed[-1].open_ts == end_ts - SECOND_MS:
                return self._units.kline(closed[-1], interval)
            last = self.last_ticks
            empty = None if last is None else Candle(end_ts - SECOND_MS, last)
            return None if empty is None else self._units.kline(empty, interval)
        if interval != "1m":
            running = self._running.get(interval)
            if running is not None and end_of(interval, running.open_ts) == end_ts:
                return self._units.kline(running, interval)
        for candle in reversed(self._closed[interval]):
            if end_of(interval, candle.open_ts) == end_ts:
                return self._units.kline(candle, interval)
            if candle.open_ts < end_ts:
                break
        return None

    def _candles(self, interval: str) -> list[Candle]:
        if interval not in INTERVALS:
            raise ExchangeError(-1120, "Invalid interval.")
        current = self._current(interval)
        if interval == "1s":
            return self._seconds(current)
        closed = list(self._closed[interval])
        if current is None:
            return closed
        running = self._running.get(interval)
        if running is not None and running.open_ts != current.open_ts:
            closed.append(running)
        return [*closed, current]

    def _current(self, interval: str) -> Candle | None:
        now = self._context.now
        self.roll(now)
        if interval not in INTERVALS:
            raise ExchangeError(-1120, "Invalid interval.")
        if interval == "1s":
            last = self.last_ticks
            if self._second is not None or last is None:
                return self._second
            return Candle(now - now % SECOND_MS, last)
        minute = self._running_minute()
        if minute is None or interval == "1m":
            return minute
        open_ts = open_of(interval, now)
        running = self._running.get(interval)
        if running is None or running.open_ts != open_ts:
            current = Candle(open_ts, minute.open)
        else:
            current = running.copy()
        current.merge(minute)
        return current

    def _running_minute(self) -> Candle | None:
        second = self._second
        if self._minute is None:
            if second is None:
                return None
            minute = Candle(second.open_ts - second.open_ts % MINUTE_MS, second.open)
        else:
            minute = self._minute.copy()
        if second is not None:
            minute.merge(second)
        return minute

    def _seconds(self, current: Candle | None) -> list[Candle]:
        """The stored seconds have trades; the silent ones between them are made here."""
        if current is None:
            return []
        result = [current]
        open_ts = current.open_ts
        for candle in reversed(self._closed["1s"]):
            while open_ts - SECOND_MS > candle.open_ts and len(result) < KLINES_KEPT:
                open_ts -= SECOND_MS
                result.append(Candle(open_ts, candle.close))
            if len(result) >= KLINES_KEPT:
                break
            result.append(candle)
            open_ts = candle.open_ts
        return result[::-1]

    # prices and the day

    @property
    def last_ticks(self) -> int | None:
        """The last price, of a trade or of the seeded history."""
        if self._second is not None:
            return self._second.close
        return None if self._minute is None else self._minute.close

    def average_ticks(self, minutes: int) -> Decimal | None:
        """Volume weighted over the last `minutes` (to the minute), in ticks; the last price when
        nothing traded; None when nothing ever did."""
        last = self.last_ticks
        if last is None:
            return None
        self.roll(self._context.now)
        current = self._running_minute()
        quote, volume = (0, 0) if current is None else (current.quote, current.volume)
        oldest = self._context.now - minutes * MINUTE_MS
        for candle in islice(reversed(self._closed["1m"]), max(minutes - 1, 0)):
            if candle.open_ts >= oldest:
                quote += candle.quote
                volume += candle.volume
        if not minutes or not volume:
            return Decimal(last)
        return Decimal(quote) / volume

    def average_price(self, minutes: int) -> Decimal | None:
        """avgPrice: `average_ticks` as a price, cut to 8 places."""
        ticks = self.average_ticks(minutes)
        if ticks is None:
            return None
        return (ticks * self._units.tick).quantize(EIGHT_PLACES, ROUND_DOWN)

    def ticker_24h(self) -> DayTicker:
        """ticker/24hr; zeros before the first trade."""
        now = self._context.now
        self.roll(now)
        start_ts = now - DAY_MS
        self._day.expire(start_ts)
        tick, lot = self._units.tick, self._units.lot
        current = self._running_minute() or Candle(now, 0)
        total = self._day.total(start_ts, current)
        change = total.close - total.open
        zero = Decimal(0)
        return DayTicker(
            symbol=self._symbol,
            open_ts=start_ts,
            close_ts=now,
            open=tick * total.open,
            high=tick * total.high,
            low=tick * total.low,
            last=tick * total.close,
            last_quantity=self._trades[-1].quantity if self._trades else zero,
            previous_close=tick
            * (total.open if self._day.previous_close is None else self._day.previous_close),
            volume=lot * total.volume,
            quote_volume=tick * lot * total.quote,
            weighted_average=(tick * total.quote / total.volume).quantize(EIGHT_PLACES, ROUND_DOWN)
            if total.volume
            else zero,
            price_change=tick * change,
            price_change_percent=(Decimal(100 * change) / total.open).quantize(Decimal("0.001"))
            if total.open
            else zero,
            first_trade_id=total.first_id,
            last_trade_id=total.last_id,
            trades=total.trades,
        )

    # trades

    def trades(self, *, limit: int = 500, from_id: int | None = None) -> list[Trade]:
        """Oldest first: the last `limit`, or the first `limit` from `from_id` on."""
        if from_id is None:
            return list(islice(self._trades, max(len(self._trades) - limit, 0), None))
        return list(islice((t for t in self._trades if t.id >= from_id), limit))

    @property
    def complete_aggregate_id(self) -> int:
        """The last aggregate trade that can grow no more (all of them, once the clock has moved):
        a stream sends those up to here. 0 when there is none."""
        if not self._aggregates:
            return 0
        last = self._aggregates[-1]
        return last.id if self._context.now > last.ts else last.id - 1

    def aggregate_trades(
        self,
        *,
        limit: int = 500,
        from_id: int | None = None,
        start_ts: int | None = None,
        end_ts: int | None = None,
    ) -> list[AggregateTrade]:
        """Oldest first: the last `limit`, or with a start the first `limit` from there on."""
        newest_first = reversed(self._aggregates)
        chosen: list[_Aggregate] = []
        has_start = from_id is not None or start_ts is not None
        for one in newest_first:
            if (from_id is not None and one.id < from_id) or (
                start_ts is not None and one.ts < start_ts
            ):
                break
            if end_ts is not None and one.ts > end_ts:
                continue
            chosen.append(one)
            if not has_start and len(chosen) == limit:
                break
        chosen.reverse()
        return [self._aggregate(one) for one in chosen[:limit]]

    def _aggregate(self, one: _Aggregate) -> AggregateTrade:
        return AggregateTrade(
            id=one.id,
            price=self._units.tick * one.ticks,
            quantity=self._units.lot * one.lots,
            first_trade_id=one.first_id,
            last_trade_id=one.last_id,
            ts=one.ts,
            buyer_is_maker=one.buyer_is_maker,
        )
