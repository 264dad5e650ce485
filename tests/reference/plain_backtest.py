"""A backtest of macd_orderbook on one pair, written a second time as a slow and obvious loop.

It shares no line with the program: what it knows stands in the guides (docs/guides) and in the
settings' own words. Every candle is walked through point by point, nothing is skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR
from decimal import Decimal as D

from tests.reference.plain_bot import PlainBot
from tests.reference.plain_deals import Deal, Order, PlainEnd, PlainFill, PlainSignal
from tests.reference.plain_decision import Moment, decide
from tests.reference.plain_exchange import PlainExchange, PlainOrder
from tests.reference.plain_indicators import PlainIndicators
from tests.reference.plain_settings import PlainCandle, PlainFilters, PlainSettings

MINUTE_MS = 60_000
TIMER_MS = 20_000
POINTS_MS = (0, 20_000, 40_000, 59_999)


@dataclass(frozen=True)
class PlainResult:
    signals: list[PlainSignal]
    fills: list[PlainFill]
    ends: list[PlainEnd]
    dust: tuple[D, D]
    """What is left over of all deals, and what it cost."""
    balances: tuple[D, D]
    """Quote and base, whether free or in orders."""
    open_deals: int


class PlainBacktest:
    def __init__(
        self, candles: Sequence[PlainCandle], settings: PlainSettings, filters: PlainFilters
    ) -> None:
        self._candles, self._settings, self._filters = list(candles), settings, filters
        self._exchange = PlainExchange(settings, filters)
        self._bot = PlainBot(settings, filters)
        self._ticks = [
            [int(price / filters.tick) for price in (one.open, one.high, one.low, one.close)]
            for one in candles
        ]
        self._lots = [
            int((one.volume / filters.lot).to_integral_value(ROUND_FLOOR)) for one in candles
        ]
        self._price = self._volume_lots = 0
        self._timer_ts = 0

    def run(self, start_ts: int) -> PlainResult:
        """Candles before `start_ts` are history."""
        indicators = PlainIndicators(self._candles, self._settings)
        for index, candle in enumerate(self._candles):
            if candle.ts < start_ts:
                continue
            self._walk_through(index, candle.ts)
            if indicators.has_signal(index):
                self._decide(indicators, index, candle.ts + MINUTE_MS)
        bot, exchange = self._bot, self._exchange
        return PlainResult(
            bot.signals,
            bot.fills,
            bot.ends,
            (bot.dust, bot.dust_cost),
            (exchange.quote, exchange.base),
            len(bot.open),
        )

    def _decide(self, indicators: PlainIndicators, index: int, ts: int) -> None:
        free = self._exchange.free_quote
        moment = Moment(ts, index, self._price, self._volume_lots, free)
        decide(self._bot, indicators, moment)

    def _walk_through(self, index: int, start: int) -> None:
        self._wait_behind_a_gap(start)
        self._timer_ts = start + TIMER_MS
        self._volume_lots = self._lots[index - 1] if index else 0
        opened, high, low, closed = self._ticks[index]
        before = self._ticks[index - 1][3] if index else opened
        path = (opened, high, low, closed)
        for point in range(4):
            ts = start + POINTS_MS[point]
            self._let_pass(ts)
            if point == 1 and any(deal.bought for deal in self._bot.open):
                path = (opened, low, high, closed)
            self._trade(ts, index, before, path[point], jumps=point == 0)
            before = path[point]
            if self._has_to_wait():
                self._tick(ts)
        self._let_pass(start + MINUTE_MS)

    # --- the market -------------------------------------------------------------------------------

    def _trade(self, ts: int, index: int, before: int, price: int, *, jumps: bool) -> None:
        """To the point's price, from stop to stop on the way down; a new candle jumps."""
        exchange = self._exchange
        volume = self._lots[index]
        traded = max(1, volume // 4) if volume else 0
        while not jumps and price < exchange.highest_stop() < before:
            stop = exchange.highest_stop()
            self._print(ts, stop, traded, is_sale=True)
        self._print(ts, price, traded, is_sale=price <= before)
        book, tick = exchange.model, self._filters.tick
        self._bot.see_price(ts, tick * price, tick * book.bid(price), tick * book.ask(price))

    def _print(self, ts: int, price: int, lots: int, *, is_sale: bool) -> None:
        self._price = price
        self._exchange.market_trades(ts, price, lots, self._volume_lots, is_sale=is_sale)
        self._tell()

    def _tell(self) -> None:
        news, self._exchange.news = self._exchange.news, []
        for ts, what, order, *facts in news:
            self._bot.hear(ts, what, order, *facts)

    # --- time -------------------------------------------------------------------------------------

    def _wait_behind_a_gap(self, start: int) -> None:
        late = start + self._settings.latency_ms
        self._bot.queue = [
            (late if due < start else due, what, deal, orders)
            for due, what, deal, orders in self._bot.queue
        ]

    def _let_pass(self, until: int) -> None:
        """What is due before `until`, and the monitors' own time in between."""
        queue = self._bot.queue
        while self._bot.open or queue:
            due = min((entry[0] for entry in queue), default=until)
            tick = self._timer_ts if self._has_to_wait() else until
            if min(due, tick) >= until:
                return
            if due > tick:
                self._tick(tick)
                continue
            first = next(entry for entry in queue if entry[0] == due)
            queue.remove(first)
            self._carry_out(*first)

    def _tick(self, ts: int) -> None:
        self._timer_ts = ts + TIMER_MS
        self._bot.tick(ts)

    def _has_to_wait(self) -> bool:
        """Somebody waits for a time to come, and not only for an answer that is on its way."""
        if not self._bot.open:
            return False
        asked = {entry[2].number for entry in self._bot.queue}
        return any(not deal.is_at_rest and deal.number not in asked for deal in self._bot.open)

    # --- orders -----------------------------------------------------------------------------------

    def _carry_out(self, due: int, what: str, deal: Deal, orders: tuple[Order, ...]) -> None:
        exchange = self._exchange
        while self._timer_ts < due:
            self._timer_ts += TIMER_MS
        exchange.now = max(exchange.now, due)
        exchange.lay_book(due, self._price, self._volume_lots)
        match what:
            case "place":
                exchange.place(self._real(orders[0]))
            case "pair":
                exchange.place_pair(self._real(orders[0]), self._real(orders[1]))
            case "cancel":
                exchange.cancel(*[order.real for order in orders if order.real is not None])
            case "ask":
                exchange.news.append((exchange.now, "told", orders[0]))
        self._tell()

    def _real(self, order: Order) -> PlainOrder:
        """As the exchange counts."""
        price = 0 if order.price is None else int(order.price / self._filters.tick)
        kind = (
            {"target": "maker", "stop": "stop"}.get(order.role) if order.is_paired else order.kind
        )
        order.real = PlainOrder(
            sent_as=order,
            is_buy=order.role == "entry",
            kind=kind,
            lots=int(order.amount / self._filters.lot),
            price=0 if kind == "stop" else price,
            stop=price if kind == "stop" else 0,
        )
        return order.real
