"""The backtest's loop: the recording's clock, the real engine, the exchange's own core.

A candle is walked through in four points: its open at its opening time, its extremes after one and
two thirds, its close one millisecond before its end. Without a position the high comes before the
low, with one the low before the high: an entry that filled at the low cannot sell at the same
candle's high, and of a stop and a target in one candle the stop comes first. On the way down from
one point to the next the market trades at every stop of ours that it passes; from a close to the
next open it jumps. At each point the core hears of a trade first and what it did to our orders
reaches the engine; then the engine sees the price. A candle closes at its end; what is decided then
reaches the book `latency_ms` later, behind the next candle's open.

Timers tick only while a deal waits for more than a price or an answer: at every point, and every 20
seconds between them.
What is skipped is what could change nothing: with `is_skipping` off every point is given to core
and engine, and the journal is the same to the last byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from autotrade.application.trading_engine import TradingEngine
from autotrade.domain import events as e
from autotrade.domain.commands import AnyCommand, Command
from autotrade.domain.decisions import Decision
from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.services.trading.strategy_fault import KIND as STRATEGY_FAULT
from autotrade.domain.settings import DomainSettings
from autotrade.domain.state import Record, TradingState
from autotrade.infrastructure.backtest.attention import Attention
from autotrade.infrastructure.backtest.exchange_desk import ACCOUNT, ExchangeDesk
from autotrade.infrastructure.backtest.journal_writer import JournalWriter
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.settings import BacktestSettings
from autotrade.infrastructure.backtest.signals import IndicatorSource, indicator_source
from autotrade.infrastructure.backtest.timeline import ABSENT, Feed, merged_slots
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.matching_rules import MatchingRules
from autotrade.infrastructure.simulated_exchange.core.types import Side
from autotrade.infrastructure.simulated_exchange.market.source import MarketTrade

INSTALLATION_ID = "atback"
REQUEST_WINDOW_MS = 5_000
TIMER_MS = 20_000
REFILL_MS = 1_000
IDS_PER_CANDLE, IDS_PER_POINT = 64, 16
"""Trade numbers of the market are a function of candle and point, so that what was skipped leaves
no trace in ours."""
RULES = MatchingRules(fills_only_through=True, tells_accounts_only=True, keeps_last_price_only=True)
OPEN, FIRST, SECOND, CLOSE = range(4)


@dataclass(frozen=True, slots=True)
class BacktestPlan:
    """What is to be run. Every market's series holds the warm-up before `start_ts`."""

    settings: DomainSettings
    assumptions: BacktestSettings
    pairs: Sequence[CurrencyPair]
    markets: Sequence[PairMarket]
    start_ts: int
    is_skipping: bool = True
    version: str = ""


@dataclass(slots=True)
class Fill:
    """For the equity curve: what one fill moved, fees included."""

    ts: int
    symbol: str
    base: Decimal
    quote: Decimal


@dataclass(slots=True)
class ClosedDeal:
    """What is kept of a deal when it closes; memory does not keep the deal itself."""

    deal_id: int
    symbol: str
    opened_ts: int
    closed_ts: int
    invested: Decimal
    pnl_net: Decimal
    fees: Decimal
    exit_reason: str


@dataclass(slots=True)
class BacktestRun:
    """What came of it."""

    journal_sha256: str = ""
    journal_rows: int = 0
    slots: int = 0
    candles: int = 0
    visited: int = 0
    """Candles of which at least one point was looked at."""
    end_ts: int = 0
    deals: list[ClosedDeal] = field(default_factory=list)
    deal_prices: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    """Average entry and exit of each of the deals."""
    strategy_faults: list[str] = field(default_factory=list)
    """Sentences; a pair has one at most, and no signal after it."""
    fills: list[Fill] = field(default_factory=list)


class Backtest:
    """Made once, run once."""

    def __init__(self, plan: BacktestPlan, journal: JournalWriter) -> None:
        self._plan, self._journal = plan, journal
        settings = plan.settings
        self.state = TradingState(list(plan.pairs))
        source = indicator_source(settings.strategy, plan.markets, is_skipping=plan.is_skipping)
        self._source: IndicatorSource = source
        self._engine = TradingEngine(settings, self.state, source.indicators)
        self._is_skipping = plan.is_skipping and source.candidates is not None
        self._slots = merged_slots(plan.markets, plan.start_ts)
        candidates: Mapping[str, Any] = source.candidates or {}
        self._feeds = [
            Feed(market, self._slots, candidates.get(market.symbol)) for market in plan.markets
        ]
        self._feed_of = {feed.pair.symbol: feed for feed in self._feeds}
        self._timeframe = settings.strategy.timeframe
        self._length = TIMEFRAME_MS[self._timeframe]
        length = self._length
        self._offsets = (0, length // 3, 2 * (length // 3), length - 1)
        self._latency = plan.assumptions.latency_ms
        self._queue: list[tuple[int, AnyCommand]] = []
        self._next_timer = 0
        self._attention = Attention(
            settings.stop_loss_monitor, self.state, self._feeds, self._queue
        )
        self._now_at = (0, OPEN)
        self._core = SimulatedExchange(
            [market.market for market in plan.markets],
            start_ts=plan.start_ts,
            maker_fee=plan.assumptions.maker_fee,
            taker_fee=plan.assumptions.taker_fee,
            rules=RULES,
        )
        self._rules = {
            market.symbol: market.rules(plan.assumptions.maker_fee, plan.assumptions.taker_fee)
            for market in plan.markets
        }
        self._desk = ExchangeDesk(self._core, self._rules)
        self.run_result = BacktestRun()

    # --- the whole --------------------------------------------------------------------------------

    def run(self) -> BacktestRun:
        result, end = self.run_result, len(self._slots)
        self._begin()
        slot = 0
        while slot < end:
            self._slot(slot)
            slot = self._next(slot + 1, end)
        result.slots = end
        first = self._plan.start_ts
        result.candles = sum(
            len(feed.pair) - int(feed.pair.series.open_ts.searchsorted(first))
            for feed in self._feeds
        )
        result.end_ts = int(self._slots[-1]) + self._length
        self._take(e.SessionStopped(ts=result.end_ts, text="the candles are at their end"))
        result.journal_sha256 = self._journal.close()
        result.journal_rows = self._journal.rows
        return result

    def _begin(self) -> None:
        plan, ts = self._plan, self._plan.start_ts
        quotes = sorted({market.market.quote for market in plan.markets})
        balances = dict.fromkeys(quotes, plan.assumptions.balance)
        self._core.open_account(ACCOUNT, balances)
        told = tuple(Balance(asset, amount, Decimal(0)) for asset, amount in balances.items())
        self._take(
            e.SessionStarted(
                ts=ts,
                installation_id=INSTALLATION_ID,
                version=plan.version,
                commit="",
                mode="backtest",
                venue=plan.markets[0].series.exchange,
                market="candles",
                start_balances=told,
                request_window_ms=REQUEST_WINDOW_MS,
            )
        )
        for symbol, rules in self._rules.items():
            self._take(e.MarketRulesUpdated(ts=ts, symbol=symbol, rules=rules))
        self._take(e.BalancesUpdated(ts=ts, balances=told, is_complete=True))
        self._source.warm_up(self._engine, plan.start_ts)
        for feed in self._feeds:
            before = int(feed.pair.series.open_ts.searchsorted(ts)) - 1
            if before >= 0:
                feed.volume = feed.pair.volume_before(before)
                price = int(feed.pair.close[before])
                self._trade(feed, before, CLOSE, price=price, taker=Side.BUY, ts=ts)
                self._show(feed, before, CLOSE, price, ts)
        self._take(e.SessionReady(ts=ts))

    def _next(self, slot: int, end: int) -> int:
        """The next slot in which anything can happen."""
        if not self._is_skipping or slot >= end:
            return slot
        if self._source.shows_every_candle or self._attention.is_any_busy():
            return slot
        for feed in self._feeds:
            end = min(end, feed.next_wanted(slot))
        return end

    # --- one slot ---------------------------------------------------------------------------------

    def _slot(self, slot: int) -> None:
        start = int(self._slots[slot])
        present = [
            (feed, candle) for feed in self._feeds if (candle := feed.candle_at(slot)) != ABSENT
        ]
        open_now = {feed.pair.symbol for feed, _ in present}
        if self._queue:
            self._after_a_gap(start, open_now)
        self._next_timer = start + TIMER_MS
        awake = [(feed, candle) for feed, candle in present if self._is_awake(feed, slot)]
        visited: set[str] = set()
        for phase in (OPEN, FIRST, SECOND, CLOSE):
            ts = start + self._offsets[phase]
            self._until(ts, open_now)
            self._now_at = (slot, phase)
            for feed, candle in awake:
                if phase == FIRST:
                    feed.path_candle, feed.low_first = candle, self._has_position(feed)
                if self._point(feed, candle, phase, ts):
                    visited.add(feed.pair.symbol)
            if self._attention.needs_timer():
                self._timer(ts)
        end = start + self._length
        self._until(end, open_now)
        for feed, candle in present if self._source.shows_every_candle else awake:
            if self._source.shows_every_candle or feed.is_possible(candle):
                self._take(
                    e.CandleClosed(
                        ts=end,
                        symbol=feed.pair.symbol,
                        timeframe=self._timeframe,
                        candle=feed.pair.candle(candle),
                    )
                )
        self.run_result.visited += len(visited)

    def _is_awake(self, feed: Feed, slot: int) -> bool:
        """False: nothing can happen to the pair in this slot, whatever the others do."""
        if not self._is_skipping or self._attention.is_busy(feed):
            return True
        return feed.next_wanted(slot) == slot

    def _has_position(self, feed: Feed) -> bool:
        return any(deal.bought for deal in self.state.deals.open_deals(feed.pair.symbol))

    def _after_a_gap(self, start: int, open_now: set[str]) -> None:
        """Commands of before a gap reach the book behind it, in their order, with the market that
        is there then."""
        self._queue[:] = [
            (max(due, start + self._latency), command)
            if due < start and command.symbol in open_now
            else (due, command)
            for due, command in self._queue
        ]

    def _until(self, ts: int, open_now: set[str]) -> None:
        """Carry out what is due before `ts`, and let the timer tick while anybody needs it. What
        is for a pair without a candle now waits for its next one."""
        while True:
            first = self._first_due(open_now)
            due = ts if first is None else self._queue[first][0]
            tick = self._next_timer if self._attention.needs_timer() else ts
            if min(due, tick) >= ts:
                return
            if first is None or due > tick:
                self._timer(tick)
            else:
                self._execute(*self._queue.pop(first))

    def _first_due(self, open_now: set[str]) -> int | None:
        """Which of the queue is next: the earliest, of several the one that was decided first."""
        if not self._queue:
            return None
        able = [
            (due, place)
            for place, (due, command) in enumerate(self._queue)
            if command.symbol in open_now
        ]
        return min(able)[1] if able else None

    def _timer(self, ts: int) -> None:
        self._next_timer = ts + TIMER_MS
        for feed in self._feeds:
            if self.state.deals.open_count(feed.pair.symbol):
                self._bring_up(feed, ts)
        self._take(e.TimerTicked(ts=ts))

    def _bring_up(self, feed: Feed, ts: int) -> None:
        """A timer looks at every deal: with the price of now, also where it was skipped because it
        changes nothing. Between two points the book stands as it stood; it is not an old one for
        that."""
        slot, phase = self._now_at
        candle = feed.candle_at(slot)
        if candle == ABSENT:
            candle, phase = feed.last_candle(slot), CLOSE
        if feed.seen_point == (candle, phase):
            if feed.seen_book_ts != ts:
                self._show_book(feed, ts)
            return
        if feed.path_candle != candle:
            feed.low_first = self._has_position(feed)
        feed.volume = feed.pair.volume_before(candle)
        self._show(feed, candle, phase, self._path(feed, candle, phase)[1], ts)

    # --- one point of a candle --------------------------------------------------------------------

    def _point(self, feed: Feed, candle: int, phase: int, ts: int) -> bool:
        """Go to this point, if anything can happen there."""
        before, price = self._path(feed, candle, phase)
        if not self._is_wanted(feed, candle, phase, price):
            return False
        last = (candle, phase - 1) if phase else (candle - 1, CLOSE)
        if feed.seen_point != last and self.state.deals.open_count(feed.pair.symbol):
            self._show(feed, *last, before, ts)  # a fill on the way is judged by this price
        feed.volume = feed.pair.volume_before(candle)
        self._move(feed, candle, phase, before=before, price=price, ts=ts)
        self._show(feed, candle, phase, price, ts)
        return True

    def _is_wanted(self, feed: Feed, candle: int, phase: int, price: int) -> bool:
        if not self._is_skipping:
            return True
        if self._attention.is_busy(feed) or not feed.quiet.holds(price):
            return True
        return phase == CLOSE and feed.is_possible(candle)

    @staticmethod
    def _path(feed: Feed, candle: int, phase: int) -> tuple[int, int]:
        """(price of the point before, price of this point), in ticks."""
        pair = feed.pair
        first, second = (pair.low, pair.high) if feed.low_first else (pair.high, pair.low)
        if phase == OPEN:
            opened = int(pair.open[candle])
            return (int(pair.close[candle - 1]) if candle else opened), opened
        if phase == FIRST:
            return int(pair.open[candle]), int(first[candle])
        if phase == SECOND:
            return int(first[candle]), int(second[candle])
        return int(second[candle]), int(pair.close[candle])

    def _move(
        self, feed: Feed, candle: int, phase: int, *, before: int, price: int, ts: int
    ) -> None:
        """The market trades its way to `price`, stop by stop."""
        identifier = feed.pair.market_id
        if phase != OPEN:
            for number in range(IDS_PER_POINT - 2):
                stop = self._core.next_stop_below(identifier)
                if not price < stop < before:
                    break
                self._trade(feed, candle, phase, price=stop, taker=Side.SELL, ts=ts, number=number)
        taker = Side.BUY if price > before else Side.SELL
        self._trade(feed, candle, phase, price=price, taker=taker, ts=ts)

    def _trade(
        self,
        feed: Feed,
        candle: int,
        phase: int,
        *,
        price: int,
        taker: Side,
        ts: int,
        number: int = IDS_PER_POINT - 2,
    ) -> None:
        """A trade of the market; a stop that it sets off meets the book around its price."""
        pair, core = feed.pair, self._core
        feed.price, feed.is_book_laid = price, False
        if core.next_stop_below(pair.market_id) >= price:
            self._lay_book(feed, ts)
        core.apply(
            MarketTrade(
                ts,
                pair.market_id,
                price,
                pair.traded_at_a_point(candle),
                taker,
                trade_id=candle * IDS_PER_CANDLE + phase * IDS_PER_POINT + number + 1,
            )
        )
        for event in self._desk.news():
            self._take(event)

    def _lay_book(self, feed: Feed, ts: int) -> None:
        """Anew at every point, and for an order that comes `REFILL_MS` after the last one: what we
        take out of the book is back a moment later, as on a market."""
        if not feed.is_book_laid or ts - feed.laid_ts >= REFILL_MS:
            feed.is_book_laid, feed.laid_ts = True, ts
            self._core.apply(feed.pair.levels(ts, feed.price, feed.volume))

    def _show(self, feed: Feed, candle: int, phase: int, price: int, ts: int) -> None:
        """The bot sees book and price."""
        pair, model = feed.pair, feed.pair.model
        feed.seen_point, feed.price = (candle, phase), price
        self._show_book(feed, ts)
        self._take(
            e.TickerUpdated(
                ts=ts,
                symbol=pair.symbol,
                price=pair.tick * price,
                bid=pair.tick * model.bid(price),
                ask=pair.tick * model.ask(price),
            )
        )

    def _show_book(self, feed: Feed, ts: int) -> None:
        feed.seen_book_ts = ts
        book = feed.pair.book(ts, feed.price, feed.volume)
        self._take(e.OrderBookUpdated(ts=ts, symbol=feed.pair.symbol, book=book))

    # --- engine and core --------------------------------------------------------------------------

    def _execute(self, due: int, command: AnyCommand) -> None:
        feed = self._feed_of[command.symbol]
        late_ms = due - self._next_timer
        if late_ms > 0:  # nobody needed the timer until now, and time does not go back
            self._next_timer += -(-late_ms // TIMER_MS) * TIMER_MS
        self._core.advance(due)
        self._attention.note(feed)
        self._lay_book(feed, due)
        for event in self._desk.execute(command):
            self._take(event)

    def _take(self, event: e.Event) -> None:
        """As TradingLoop does it: journal, process, journal what follows, send it."""
        cause = None
        if not isinstance(event, _UNJOURNALED):
            cause = self._write(event, None)
            if isinstance(event, e.OrderFilled):
                self._note_fill(event)
        for record in self._engine.process(event):
            self._write(record, cause)
            if isinstance(record, Command):
                self._queue.append((event.ts + self._latency, record))  # type: ignore[arg-type]
            elif isinstance(record, e.DealClosed):
                self._note_deal(record)
            elif isinstance(record, Decision) and record.signal.kind == STRATEGY_FAULT:
                self.run_result.strategy_faults.append(record.checks[0].text)

    def _write(self, record: Record, cause: int | None) -> int:
        deal_id = self.state.deal_of(record)
        if deal_id is not None:
            self._attention.note(self._feed_of[self.state.deals.get(deal_id).symbol])
        return self._journal.append(record, cause=cause, deal=deal_id)

    # --- notes for the result ---------------------------------------------------------------------

    def _note_fill(self, event: e.OrderFilled) -> None:
        sign = 1 if event.side is e.OrderSide.BUY else -1
        base, quote = sign * event.amount, -sign * event.amount * event.price
        if event.fee_asset == event.symbol.partition("/")[0]:
            base -= event.fee
        else:
            quote -= event.fee
        self.run_result.fills.append(Fill(event.ts, event.symbol, base, quote))

    def _note_deal(self, record: Record) -> None:
        assert isinstance(record, e.DealClosed)
        deal = self.state.deals.get(record.deal_id)
        reason = deal.exit_reason.value.lower() if deal.exit_reason else record.text
        exit_price = deal.proceeds / deal.sold if deal.sold else deal.average_entry
        self.run_result.deal_prices.append((deal.average_entry, exit_price))
        self.run_result.deals.append(
            ClosedDeal(
                deal_id=deal.id,
                symbol=deal.symbol,
                opened_ts=deal.created_ts,
                closed_ts=record.ts,
                invested=deal.cost,
                pnl_net=deal.pnl_net,
                fees=deal.fees_quote,
                exit_reason=reason,
            )
        )


_UNJOURNALED = (e.TickerUpdated, e.OrderBookUpdated, e.CandleClosed, e.TimerTicked)
