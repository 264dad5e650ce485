"""One market with one account: a modelled book, orders that rest, stops that wait.

Prices are ticks and amounts lots here. What happens to an order is put into `news`, in order, as
(time, what, order, ...): accepted, fill, canceled, refused, cancel_refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN
from decimal import Decimal as D
from typing import Any

from tests.reference.plain_settings import PlainFilters, PlainSettings

LEVELS = 20
REFILL_MS = 1_000
UNIT = D("0.00000001")


@dataclass(eq=False)
class PlainOrder:
    """As the exchange has it. `sent_as` is the sender's own note."""

    sent_as: Any
    is_buy: bool
    kind: str
    """limit, maker, market, ioc, stop"""
    lots: int
    price: int = 0
    stop: int = 0
    left: int = 0
    ahead: int = 0
    """Lots of the market that came to this price earlier."""
    is_open: bool = False
    partners: list[PlainOrder] = field(default_factory=list)
    """The other legs of its order list."""


class PlainBook:
    """The model of the book around a last price."""

    def __init__(self, settings: PlainSettings) -> None:
        self._settings = settings

    def bid(self, price: int) -> int:
        return max(1, price - self._half(price))

    def ask(self, price: int) -> int:
        return price + self._half(price)

    def _half(self, price: int) -> int:
        return max(1, price * self._settings.spread_bp // 20_000)

    def lots(self, volume_lots: int) -> int:
        return max(1, volume_lots * self._settings.level_volume_percent // 100)

    def bids(self, price: int) -> list[int]:
        step = max(1, price * self._settings.level_step_bp // 10_000)
        prices = [self.bid(price) - step * number for number in range(LEVELS)]
        return [one for one in prices if one >= 1]

    def asks(self, price: int) -> list[int]:
        step = max(1, price * self._settings.level_step_bp // 10_000)
        return [self.ask(price) + step * number for number in range(LEVELS)]


class PlainExchange:
    def __init__(self, settings: PlainSettings, filters: PlainFilters) -> None:
        self.settings, self.filters = settings, filters
        self.model = PlainBook(settings)
        self.now = 0
        self.last = 0
        self.quote, self.base = settings.balance, D(0)
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.resting: list[PlainOrder] = []
        self.stops: list[PlainOrder] = []
        self.news: list[tuple[Any, ...]] = []
        self._traded: list[int] = []
        self._laid_ts: int | None = None
        self._triggered: list[PlainOrder] = []

    # --- the market -------------------------------------------------------------------------------

    def lay_book(self, ts: int, price: int, volume_lots: int) -> None:
        """Unless it was laid a moment ago and nothing has traded since."""
        if self._laid_ts is not None and ts - self._laid_ts < REFILL_MS:
            return
        self._laid_ts = ts
        lots = self.model.lots(volume_lots)
        self.bids = dict.fromkeys(self.model.bids(price), lots)
        self.asks = dict.fromkeys(self.model.asks(price), lots)
        for order in self.resting:
            mine, other = (self.bids, self.asks) if order.is_buy else (self.asks, self.bids)
            order.ahead = min(order.ahead, mine.get(order.price, 0))
            for level in list(other):
                if (level <= order.price) if order.is_buy else (level >= order.price):
                    del other[level]

    def highest_stop(self) -> int:
        return max((order.stop for order in self.stops), default=-1)

    def market_trades(self, ts: int, price: int, lots: int, volume: int, *, is_sale: bool) -> None:
        """A trade of others: what of ours it goes through is filled, what it reaches is set off."""
        self.now = max(self.now, ts)
        self._laid_ts = None
        if self.highest_stop() >= price:
            self.lay_book(ts, price, volume)
        passed = [
            order
            for order in self.resting
            if order.is_buy == is_sale
            and (order.price > price if order.is_buy else order.price < price)
        ]
        passed.sort(key=lambda order: -order.price if order.is_buy else order.price)
        for order in passed:
            taken = min(lots, order.left)
            if taken:
                lots -= taken
                order.ahead = 0
                self._print(order.price)
                self._fill(order, taken, order.price, is_maker=True)
        self._print(price)
        self._settle()

    def _print(self, price: int) -> None:
        self.last = price
        if self.stops:
            self._traded.append(price)

    def _settle(self) -> None:
        """Stops that the trades reached sell, which may reach others."""
        while self._traded or self._triggered:
            prices, self._traded = self._traded, []
            for price in prices:
                for stop in [one for one in self.stops if one.stop >= price]:
                    self.stops.remove(stop)
                    self._end_partners(stop)
                    self._triggered.append(stop)
            if self._triggered and not self._traded:
                self._work(self._triggered.pop(0))

    # --- orders -----------------------------------------------------------------------------------

    @property
    def free_quote(self) -> D:
        waiting = [order for order in self.resting if order.is_buy]
        return self.quote - sum((self._worth(one.price, one.left) for one in waiting), D(0))

    def _worth(self, price: int, lots: int) -> D:
        return self.filters.tick * price * (self.filters.lot * lots)

    def place(self, order: PlainOrder) -> None:
        """A single order: a limit, one at market, or a limit that takes at once or not at all."""
        order.left = order.lots
        price = self.last if order.kind == "market" else order.price
        if self._worth(price, order.lots) < self.filters.least_notional:
            self.news.append((self.now, "refused", order.sent_as, "filter"))
            return
        if order.is_buy and self._worth(order.price, order.lots) > self.free_quote:
            self.news.append((self.now, "refused", order.sent_as, "balance"))
            return
        order.is_open = True
        self._work(order)
        self._settle()

    def place_pair(self, target: PlainOrder, stop: PlainOrder) -> None:
        """One cancels the other. Both are refused where one of them could not wait."""
        best_bids = [*self.bids, *(one.price for one in self.resting if one.is_buy)]
        if (
            len(self.stops) + 1 > self.filters.most_stops
            or not stop.stop < self.last < target.price
            or target.price <= max(best_bids, default=0)
            or self._worth(stop.stop, stop.lots) < self.filters.least_notional
            or self.filters.lot * stop.lots > self.filters.most_market_amount
        ):
            for order in (target, stop):
                self.news.append((self.now, "refused", order.sent_as, "other"))
            return
        target.partners, stop.partners = [stop], [target]
        for order in (stop, target):
            order.left, order.is_open = order.lots, True
            self.news.append((self.now, "accepted", order.sent_as))
        self.stops.append(stop)
        self._rest(target)

    def _rest(self, order: PlainOrder) -> None:
        order.ahead = (self.bids if order.is_buy else self.asks).get(order.price, 0)
        self.resting.append(order)

    def _work(self, order: PlainOrder) -> None:
        self.news.append((self.now, "accepted", order.sent_as))
        self._sweep(order)
        if order.left and order.kind == "limit":
            self._rest(order)
        elif order.left:
            self._end(order)

    def _sweep(self, taker: PlainOrder) -> None:
        """Level by level, who came first at a price first."""
        levels = self.asks if taker.is_buy else self.bids
        while taker.left:
            makers = [one for one in self.resting if one.is_buy != taker.is_buy]
            prices = [*levels, *(one.price for one in makers)]
            if not prices:
                return
            price = min(prices) if taker.is_buy else max(prices)
            if taker.price and (price > taker.price if taker.is_buy else price < taker.price):
                return
            here = [one for one in makers if one.price == price]
            in_front = here[0].ahead if here else levels[price]
            lots = min(taker.left, in_front or here[0].left)
            self._print(price)
            if in_front:
                levels[price] -= lots
                if not levels[price]:
                    del levels[price]
                for one in here:
                    one.ahead -= lots
            else:
                self._fill(here[0], lots, price, is_maker=True)
            self._fill(taker, lots, price, is_maker=False)

    def _fill(self, order: PlainOrder, lots: int, price: int, *, is_maker: bool) -> None:
        """The commission is taken from what is received, cut to eight places."""
        self._end_partners(order)
        amount, quote = self.filters.lot * lots, self._worth(price, lots)
        rate = self.settings.maker_fee if is_maker else self.settings.taker_fee
        received = amount if order.is_buy else quote
        fee = (received * rate).quantize(UNIT, ROUND_DOWN)
        if order.is_buy:
            self.quote, self.base = self.quote - quote, self.base + amount - fee
        else:
            self.quote, self.base = self.quote + quote - fee, self.base - amount
        assert self.base >= 0 and self.quote >= 0, "nothing is sold that is not there"
        order.left -= lots
        if not order.left:
            order.is_open = False
            if order in self.resting:
                self.resting.remove(order)
        news = (self.filters.tick * price, amount, fee, is_maker)
        self.news.append((self.now, "fill", order.sent_as, *news))

    def _end_partners(self, order: PlainOrder) -> None:
        for partner in order.partners:
            if partner.is_open:
                self._end(partner)

    def _end(self, order: PlainOrder) -> None:
        for waiting in (self.resting, self.stops):
            if order in waiting:
                waiting.remove(order)
        order.is_open = False
        filled = self.filters.lot * (order.lots - order.left)
        self.news.append((self.now, "canceled", order.sent_as, filled))

    def cancel(self, *orders: PlainOrder) -> None:
        """A leg of a list takes the list with it, its stop first."""
        whole = [one for order in orders for one in (order, *order.partners) if one.is_open]
        if not whole:
            for order in orders:
                self.news.append((self.now, "cancel_refused", order.sent_as))
        whole.sort(key=lambda order: order.kind != "stop")
        for order in whole:
            if order.is_open:
                self._end(order)
