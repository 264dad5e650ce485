"""Where entities live: what the domain asks of a repository, and the collections in memory.

The collections are what the services use; the JSON repositories of the infrastructure write and
read them as snapshots. Closed deals are kept up to a bound: the journal remembers all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Order
from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.entities.ticker import Ticker

CLOSED_DEALS_KEPT = 100
"""Each costs some 5 kB of memory, 12 kB where faults gave it many orders, and 0.05 ms of the loop's
time in every snapshot."""


class DealsRepository(Protocol):
    def add(self, deal: Deal) -> None: ...
    def get(self, deal_id: int) -> Deal: ...
    def open_deals(self, symbol: str | None = None) -> list[Deal]: ...
    def all(self) -> Iterator[Deal]: ...


class OrdersRepository(Protocol):
    def add(self, order: Order) -> None: ...
    def get(self, order_id: str) -> Order: ...
    def find(self, order_id: str | None) -> Order | None: ...
    def all(self) -> Iterator[Order]: ...


class TickersRepository(Protocol):
    def put(self, ticker: Ticker) -> None: ...
    def find(self, symbol: str) -> Ticker | None: ...
    def all(self) -> Iterator[Ticker]: ...


class InMemoryOrders:
    """Orders by client order id, in order of creation."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}

    def add(self, order: Order) -> None:
        if order.id in self._orders:
            raise ValueError(f"order {order.id}: expected a new id, was one that exists already")
        self._orders[order.id] = order

    def get(self, order_id: str) -> Order:
        return self._orders[order_id]

    def find(self, order_id: str | None) -> Order | None:
        return None if order_id is None else self._orders.get(order_id)

    def all(self) -> Iterator[Order]:
        return iter(self._orders.values())

    def forget(self, order_ids: list[str]) -> None:
        for order_id in order_ids:
            self._orders.pop(order_id, None)


class InMemoryDeals:
    """Deals by number; open ones also by symbol, so that a ticker costs what its pair has open."""

    def __init__(self, orders: InMemoryOrders) -> None:
        self._orders = orders
        self._deals: dict[int, Deal] = {}
        self._open: dict[str, dict[int, Deal]] = {}
        self._closed: set[int] = set()

    def add(self, deal: Deal) -> None:
        if deal.id in self._deals:
            raise ValueError(f"deal {deal.id}: expected a new number, was one that exists already")
        self._deals[deal.id] = deal
        if deal.is_open:
            self._open.setdefault(deal.symbol, {})[deal.id] = deal
        else:
            self._closed.add(deal.id)

    def get(self, deal_id: int) -> Deal:
        return self._deals[deal_id]

    def open_deals(self, symbol: str | None = None) -> list[Deal]:
        if symbol is not None:
            return list(self._open.get(symbol, {}).values())
        deals = [deal for own in self._open.values() for deal in own.values()]
        deals.sort(key=lambda deal: deal.id)
        return deals

    def open_count(self, symbol: str) -> int:
        return len(self._open.get(symbol, ()))

    def all(self) -> Iterator[Deal]:
        return iter(self._deals.values())

    def reopened(self, deal: Deal) -> None:
        self._closed.remove(deal.id)
        self._open.setdefault(deal.symbol, {})[deal.id] = deal

    def ended(self, deal: Deal) -> None:
        """A deal is no longer open; those that ended first leave memory with their orders. Which
        those are is asked of the deals: a snapshot brings them back in another order."""
        self._open.get(deal.symbol, {}).pop(deal.id, None)
        self._closed.add(deal.id)
        while len(self._closed) > CLOSED_DEALS_KEPT:
            oldest = min(self._closed, key=lambda number: (self._deals[number].closed_ts, number))
            self._closed.remove(oldest)
            self._orders.forget(self._deals.pop(oldest).order_ids)


class InMemoryTickers:
    """The last price of each symbol. `looked_at` notes which were asked for: a price that nobody
    looked at decided nothing, so a recording may leave it out."""

    def __init__(self) -> None:
        self._tickers: dict[str, Ticker] = {}
        self.looked_at: set[str] = set()

    def put(self, ticker: Ticker) -> None:
        self._tickers[ticker.symbol] = ticker

    def find(self, symbol: str) -> Ticker | None:
        self.looked_at.add(symbol)
        return self._tickers.get(symbol)

    def to_update(self, symbol: str) -> Ticker | None:
        """The same for whoever only writes a newer price into it; nobody looked."""
        return self._tickers.get(symbol)

    def all(self) -> Iterator[Ticker]:
        return iter(self._tickers.values())


class InMemoryBooks:
    """The last book of each symbol, with the same note of who was looked at."""

    def __init__(self) -> None:
        self._books: dict[str, OrderBook] = {}
        self.looked_at: set[str] = set()

    def put(self, book: OrderBook) -> None:
        self._books[book.symbol] = book

    def get(self, symbol: str) -> OrderBook | None:
        self.looked_at.add(symbol)
        return self._books.get(symbol)

    def __getitem__(self, symbol: str) -> OrderBook:
        self.looked_at.add(symbol)
        return self._books[symbol]
