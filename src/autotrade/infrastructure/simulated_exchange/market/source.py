"""Where the exchange's market comes from: one interface, three sources.

A source is a deterministic stream of facts in time order. It knows nothing of accounts: it says how
the market's own liquidity stands and which trades the market made among itself. The core lays the
accounts' orders into that book, matches them by price and time, and shows the sum of both.

Tape rule: a `MarketTrade` is printed whole, as recorded or modelled. An account's resting order
that the taker of that trade would have met (better price, or same price and first in the queue) is
filled in addition, by at most the traded amount. So the market's tape stays exactly what the source
says and our own fills come on top of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from autotrade.infrastructure.simulated_exchange.core.types import Market, Side

LotLevel = tuple[int, int]
"""(price in ticks, amount in lots); an amount of 0 removes the market's liquidity at the price."""


@dataclass(frozen=True, slots=True)
class MarketLevels:
    """The market's own resting liquidity, absolute, at the levels that changed.

    `is_snapshot` says that levels which are not named hold nothing any more.
    """

    ts: int
    symbol: str
    bids: tuple[LotLevel, ...]
    asks: tuple[LotLevel, ...]
    is_snapshot: bool = False
    update_ids: tuple[int, int] | None = None
    """(first, last) update id as recorded; None lets the core number it."""


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """A trade of the market with itself. `taker` is the side that came to the book."""

    ts: int
    symbol: str
    price: int
    amount: int
    taker: Side
    trade_id: int | None = None
    """As recorded; None lets the core number it."""


@dataclass(frozen=True, slots=True)
class SourceCandle:
    """A candle of the time before the source starts, so that history is fetched, not waited for."""

    open_ts: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    taker_buy_volume: Decimal
    taker_buy_quote: Decimal


MarketFact = MarketLevels | MarketTrade


class MarketSource(Protocol):
    """One market. `facts` may be iterated once; time stamps never go back."""

    @property
    def description(self) -> str:
        """One sentence: what is recorded and what is modelled. Printed on the start card."""

    @property
    def markets(self) -> Sequence[Market]: ...

    @property
    def start_ts(self) -> int: ...

    @property
    def end_ts(self) -> int | None:
        """When it ends; None for a model that never does."""

    def history(self, symbol: str, count: int) -> list[SourceCandle]:
        """Up to `count` 1-minute candles that closed before `start_ts`, oldest first."""

    def facts(self) -> Iterator[MarketFact]: ...
