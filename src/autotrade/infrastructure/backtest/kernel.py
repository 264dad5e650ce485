"""The backtest of macd_orderbook on one pair, compiled, for many parameter sets.

What depends on which parameter is computed once for all sets that share it: crossings for each
MACD, entry signals for each MACD with its moving averages and its book, and only then each set's
own walk through its deals. Deals, prices, amounts, fees and profit are those of the engine to the
last unit; a set that comes into a situation which the kernel does not follow has `trouble`, and the
engine must run it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.infrastructure.backtest import kernel_layout as at
from autotrade.infrastructure.backtest.equity import points, prices_at
from autotrade.infrastructure.backtest.kernel_rules import (
    COINS,
    Combination,
    NotCovered,
    Units,
    rules_of,
)
from autotrade.infrastructure.backtest.kernel_signals import LANES, SURE, confirmed, crossings
from autotrade.infrastructure.backtest.kernel_verdicts import VerdictKey, Verdicts
from autotrade.infrastructure.backtest.kernel_walk import BLOCK, Candles, walk_through
from autotrade.infrastructure.backtest.kernel_worth import worth_over_time
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.settings import BacktestSettings
from autotrade.infrastructure.statistics.returns import daily_samples

TROUBLES = {
    at.OWN_TRADE: "two of its own orders would meet in the book",
    at.TIE: "a figure lies exactly on its limit",
    at.SILENT: "an order waits behind a gap for so long that it is asked after",
    at.REFUSED: "the exchange refuses an order",
    at.NO_FUNDS: "the balance does not cover an order",
    at.NEGATIVE: "dust of earlier deals is sold along",
    at.STALE_BOOK: "a stop is set off by one of its own targets",
    at.FULL: "it trades more often than there is room for",
    at.ENDLESS: "a deal does not settle",
}
FILLS_A_DEAL, ROOM_FOR_MORE = 8, 32
WORDS_A_DEAL = FILLS_A_DEAL * at.FILL_FIELDS + at.CLOSED_FIELDS
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Macd = tuple[int, int, int]


@dataclass(slots=True)
class KernelResult:
    """What one parameter set came to. With `trouble` everything else is unknown."""

    combination: Combination
    trouble: str | None = None
    deals: int = 0
    net: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    end_equity: float = 0.0
    max_drawdown: float = 0.0
    """As a share of the highest worth before it."""
    daily: Floats = field(default_factory=lambda: np.zeros(0))
    """The account's worth day by day."""
    closed: Integers | None = None
    """Rows of `kernel_layout.DEAL_*`, if asked for; so are the fills, of `FILL_*`."""
    fills: Integers | None = None


class Kernel:
    """One pair from `start_ts` on. Every combination must have the same timeframe."""

    def __init__(
        self,
        market: PairMarket,
        assumptions: BacktestSettings,
        start_ts: int,
        workers: int | None = None,
    ) -> None:
        self.market, self.assumptions, self.start_ts = market, assumptions, start_ts
        self.units = Units.of(market)
        self.workers = workers or os.cpu_count() or 1
        self._first = int(market.series.open_ts.searchsorted(start_ts))
        count = len(market)
        edges = np.arange(0, count, BLOCK)
        self._candles = Candles(
            np.array(market.series.open_ts), market.open, market.high, market.low, market.close,
            market.volume_lots, np.minimum.reduceat(market.low, edges),
            np.maximum.reduceat(market.high, edges),
        )  # fmt: skip
        self._closes = np.array(market.series.close)
        self._sums = np.concatenate(([0], np.cumsum(market.close)))
        length = TIMEFRAME_MS[market.series.timeframe]
        self.end_ts = int(market.series.open_ts[-1]) + length
        self._times = points(start_ts, self.end_ts, length)
        self._prices = prices_at(market, self._times, length)
        grid, _ = daily_samples(self._times, np.ones(len(self._times)))
        self._days = np.searchsorted(self._times, grid, side="right") - 1
        self._verdicts: Verdicts | None = None

    @property
    def candles(self) -> int:
        """Tested ones."""
        return len(self.market) - self._first

    @property
    def asked(self) -> int:
        """Candles whose book and conditions the real services had to judge."""
        return self._verdicts.asked if self._verdicts is not None else 0

    def run(
        self,
        combinations: Sequence[Combination],
        *,
        keeps_deals: bool = False,
        tell: Callable[[int], None] | None = None,
    ) -> list[KernelResult]:
        """Results in the order of the combinations; `tell` hears how many are done."""
        results = [KernelResult(one) for one in combinations]
        by_macd: dict[Macd, list[int]] = {}
        for number, one in enumerate(combinations):
            reason = self._too_short(one)
            if reason is not None:
                results[number].trouble = reason
                continue
            strategy = one.settings.strategy
            macd = (strategy.macd_fast, strategy.macd_slow, strategy.macd_signal)
            by_macd.setdefault(macd, []).append(number)
        done = len(combinations) - sum(len(numbers) for numbers in by_macd.values())
        with ThreadPoolExecutor(self.workers) as threads:
            for found in self._crossings(list(by_macd), threads):
                work = [
                    (number, entries)
                    for macd, cross in found.items()
                    for number, entries in self._all_entries(combinations, by_macd[macd], cross)
                ]
                parts = [work[place :: self.workers] for place in range(self.workers)]
                jobs = [
                    threads.submit(self._walk_all, part, results, keeps_deals) for part in parts
                ]
                for job in jobs:
                    job.result()
                done += len(work)
                if tell is not None:
                    tell(done)
        return results

    # --- signals --------------------------------------------------------------------------------

    def _too_short(self, one: Combination) -> str | None:
        strategy = one.settings.strategy
        needed = max(strategy.macd_slow + strategy.macd_signal, strategy.sma_slow)
        if self._first < max(needed, strategy.min_candles):
            return f"the kernel needs {needed} candles before the first tested one"
        return None

    def _crossings(
        self, sets: list[Macd], threads: ThreadPoolExecutor
    ) -> Iterator[dict[Macd, Integers]]:
        """The sets' crossings, as many sets at a time as keep all threads busy."""
        step = LANES * self.workers
        for begin in range(0, len(sets), step):
            groups = [
                sets[place : place + LANES]
                for place in range(begin, min(begin + step, len(sets)), LANES)
            ]
            found: dict[Macd, Integers] = {}
            for part in threads.map(self._crossings_of, groups):
                found |= part
            yield found

    def _crossings_of(self, group: list[Macd]) -> dict[Macd, Integers]:
        periods = np.array([*group, *[group[0]] * (LANES - len(group))], dtype=np.int64)
        out = np.empty((LANES, self.candles // 2 + 1), dtype=np.int64)
        counts = np.zeros(LANES, dtype=np.int64)
        crossings(self._closes, periods, self._first, out, counts)
        return {macd: out[lane, : counts[lane]].copy() for lane, macd in enumerate(group)}

    def _all_entries(
        self, combinations: Sequence[Combination], numbers: Sequence[int], found: Integers
    ) -> Iterator[tuple[int, Integers | None]]:
        """Each combination's entries; those of one MACD that see the same averages and the same
        book share them."""
        known: dict[tuple[int, VerdictKey], Integers | None] = {}
        for number in numbers:
            one = combinations[number]
            settings, strategy = one.settings, one.settings.strategy
            key = VerdictKey(
                settings.orderbook_analyzer,
                settings.trading,
                strategy.sma_slow,
                one.pair.deal_quota,
            )
            if (strategy.sma_fast, key) not in known:
                known[strategy.sma_fast, key] = self._entries(one, key, found)
            yield number, known[strategy.sma_fast, key]

    def _entries(self, one: Combination, key: VerdictKey, found: Integers) -> Integers | None:
        """Where strategy, book and conditions would buy; None when that is not certain."""
        strategy = one.settings.strategy
        if self._verdicts is None:
            self._verdicts = Verdicts(self.market, strategy)
        verdicts = self._verdicts.of(key, found)
        out = np.empty(len(found), dtype=np.int64)
        count, state = confirmed(
            found, self._sums, strategy.sma_fast, strategy.sma_slow, verdicts, out
        )
        return out[:count] if state == SURE else None

    # --- walks ----------------------------------------------------------------------------------

    def _walk_all(
        self,
        work: list[tuple[int, Integers | None]],
        results: list[KernelResult],
        keeps_deals: bool,
    ) -> None:
        most = max((len(entries) for _, entries in work if entries is not None), default=0)
        walk = _room_for(most + 1)
        for number, entries in work:
            result = results[number]
            if entries is None:
                result.trouble = TROUBLES[at.TIE]
                continue
            try:
                trouble = self._walk(result, entries, walk)
                if trouble == at.FULL:
                    walk = _room_for(ROOM_FOR_MORE * (most + 1))
                    trouble = self._walk(result, entries, walk)
                result.trouble = TROUBLES.get(trouble)
                if trouble == at.FINE:
                    self._add_up(result, walk, keeps_deals)
            except NotCovered as reason:
                result.trouble = str(reason)

    def _walk(self, result: KernelResult, entries: Integers, walk: Integers) -> int:
        """Where the walk ended: FINE, or its trouble."""
        walk[: at.FILLS_AT] = 0
        walk[: at.RULE_FIELDS] = rules_of(result.combination, self.market, self.assumptions)
        walk[at.CASH] = int(self.assumptions.balance / self.units.quote)
        walk[at.APPROVED_TS] = walk[at.LOSS_TS] = -1
        walk[at.LAST_PRICE] = self._candles.close[self._first - 1]
        walk[at.QUEUE_END], walk[at.DEALS_END] = at.QUEUE_AT, at.DEALS_AT
        walk[at.FILLS_END] = at.FILLS_AT
        count = (len(walk) - at.FILLS_AT) // WORDS_A_DEAL
        walk[at.CLOSED_END] = walk[at.FILLS_LIMIT] = (
            at.FILLS_AT + count * FILLS_A_DEAL * at.FILL_FIELDS
        )
        walk[at.CLOSED_LIMIT] = walk[at.CLOSED_END] + count * at.CLOSED_FIELDS
        walk_through(walk, self._candles, entries, self._first)
        return int(walk[at.TROUBLE])

    def _add_up(self, result: KernelResult, walk: Integers, keeps_deals: bool) -> None:
        units = self.units
        fills = walk[at.FILLS_AT : walk[at.FILLS_END]].reshape(-1, at.FILL_FIELDS)
        closed = walk[walk[at.FILLS_LIMIT] : walk[at.CLOSED_END]].reshape(-1, at.CLOSED_FIELDS)
        result.deals = len(closed)
        result.net = int(walk[at.NET]) * units.quote
        result.fees = int(walk[at.FEES_QUOTE]) * COINS + int(walk[at.FEES_BASE_VALUE]) * units.fine
        worth = np.empty(len(self._times))
        result.max_drawdown = float(
            worth_over_time(
                fills, self._times, self._prices, worth,
                float(self.assumptions.balance), float(units.turnover), float(self.market.lot),
            )
        )  # fmt: skip
        result.end_equity = float(worth[-1])
        result.daily = worth[self._days]
        if keeps_deals:
            result.fills, result.closed = fills.copy(), closed.copy()


def _room_for(deals: int) -> Integers:
    """A walk's array."""
    return np.zeros(at.FILLS_AT + deals * WORDS_A_DEAL, dtype=np.int64)
