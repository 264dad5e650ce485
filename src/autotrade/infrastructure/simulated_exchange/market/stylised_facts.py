"""Figures that tell a plausible market from a broken one, and what recordings say they are.

`BookMeter` measures a stream of facts (modelled or recorded alike), `candle_figures` a series of
1-minute candles. `REFERENCE` holds what was measured on recordings, each figure with its source, so
that the model can be checked where there are no recordings. Money is in quote currency.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from autotrade.infrastructure.simulated_exchange.core.types import Market, Side
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketLevels,
    MarketTrade,
)

SAMPLE_MS = 1_000


class Reference(NamedTuple):
    """A figure measured on recordings and where it comes from."""

    value: float
    source: str


_CAPTURE = "spot BTCUSDT raw capture, 2024-08-08T23:54 to 2024-08-09T00:05"
_SPOT = "spot 1-minute candles, 2022-01-01 to 2023-09-30"
_TRX = "spot TRXUSDT diff depth, 2025-03-04, 7 minutes"

REFERENCE: dict[str, Reference] = {
    "btc_spread_ticks_median": Reference(1.0, _CAPTURE),
    "btc_best_quote_median": Reference(125_000.0, _CAPTURE),
    "btc_top_20_quote_median": Reference(265_000.0, _CAPTURE),
    "btc_top_20_span_bp_median": Reference(1.12, _CAPTURE),
    "btc_depth_2_bp_quote_median": Reference(424_000.0, _CAPTURE),
    "btc_depth_10_bp_quote_median": Reference(2_770_000.0, _CAPTURE),
    "btc_orders_per_second": Reference(11.0, _CAPTURE),
    "btc_level_changes_per_second": Reference(459.0, _CAPTURE),
    "btc_order_log_sd": Reference(2.5, _CAPTURE),
    "btc_order_mean_to_median": Reference(19.4, _CAPTURE),
    "btc_order_q95_to_median": Reference(80.6, _CAPTURE),
    "btc_order_sign_autocorrelation_1": Reference(0.405, _CAPTURE),
    "btc_order_sign_autocorrelation_10": Reference(0.155, _CAPTURE),
    "btc_order_gap_variation": Reference(1.74, _CAPTURE),
    "btc_move_sign_correlation": Reference(0.67, _CAPTURE),
    "trx_spread_ticks_median": Reference(1.0, _TRX),
    "trx_best_quote_median": Reference(83_000.0, _TRX),
    "trx_top_3_quote_median": Reference(437_000.0, _TRX),
    "btc_minute_sd_bp": Reference(7.85, _SPOT),
    "eth_minute_sd_bp": Reference(9.89, _SPOT),
    "sol_minute_sd_bp": Reference(16.12, _SPOT),
    "btc_minute_mean_absolute_bp": Reference(4.53, _SPOT),
    "btc_kurtosis": Reference(115.1, _SPOT),
    "btc_quiet_week_kurtosis": Reference(12.2, "spot 1-minute candles, 2026-01-02 to 2026-01-09"),
    "btc_return_autocorrelation_1": Reference(0.013, _SPOT),
    "btc_absolute_autocorrelation_1": Reference(0.409, _SPOT),
    "btc_absolute_autocorrelation_20": Reference(0.262, _SPOT),
    "btc_absolute_autocorrelation_60": Reference(0.232, _SPOT),
    "btc_range_bp": Reference(8.40, _SPOT),
    "btc_eth_correlation": Reference(0.866, _SPOT),
    "btc_sol_correlation": Reference(0.683, _SPOT),
    "eth_sol_correlation": Reference(0.695, _SPOT),
    "btc_eth_beta": Reference(1.09, _SPOT),
    "btc_sol_beta": Reference(1.40, _SPOT),
    "btc_minute_quote_median": Reference(1_158_571.0, _SPOT),
    "btc_minute_quote_log_sd": Reference(1.24, _SPOT),
    "btc_volume_volatility_correlation": Reference(0.40, _SPOT),
    "btc_empty_minutes_share": Reference(0.00008, _SPOT),
}


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which about `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def autocorrelation(values: Sequence[float], lag: int) -> float:
    """Of a series with itself `lag` steps later."""
    mean = statistics.fmean(values)
    centred = [value - mean for value in values]
    variance = sum(value * value for value in centred)
    shifted = zip(centred, centred[lag:], strict=False)
    return sum(a * b for a, b in shifted) / variance if variance else 0.0


def kurtosis(values: Sequence[float]) -> float:
    """Fourth standardised moment; 3 for a normal distribution."""
    mean = statistics.fmean(values)
    second = statistics.fmean((value - mean) ** 2 for value in values)
    fourth = statistics.fmean((value - mean) ** 4 for value in values)
    return fourth / second**2 if second else 0.0


class CandleFigures(NamedTuple):
    """Of one series of 1-minute candles; returns in basis points."""

    minute_sd_bp: float
    mean_absolute_bp: float
    kurtosis: float
    return_autocorrelation: float
    absolute_autocorrelation: tuple[float, float, float]
    """At lags of 1, 20 and 60 minutes."""
    range_bp: float
    quote_median: float
    quote_log_sd: float
    volume_volatility_correlation: float
    empty_share: float


def candle_figures(
    closes: Sequence[float],
    highs: Sequence[float],
    lows: Sequence[float],
    quote_volumes: Sequence[float],
) -> CandleFigures:
    """Figures of candles without a gap."""
    changes = returns_bp(closes)
    absolute = [abs(change) for change in changes]
    ranges = [math.log(high / low) * 1e4 for high, low in zip(highs, lows, strict=True)]
    logs = [math.log(volume) for volume in quote_volumes if volume > 0]
    paired = [
        (change, math.log(volume))
        for change, volume in zip(absolute, quote_volumes[1:], strict=True)
        if volume > 0
    ]
    return CandleFigures(
        minute_sd_bp=statistics.pstdev(changes),
        mean_absolute_bp=statistics.fmean(absolute),
        kurtosis=kurtosis(changes),
        return_autocorrelation=autocorrelation(changes, 1),
        absolute_autocorrelation=(
            autocorrelation(absolute, 1),
            autocorrelation(absolute, 20),
            autocorrelation(absolute, 60),
        ),
        range_bp=statistics.fmean(ranges),
        quote_median=statistics.median(quote_volumes),
        quote_log_sd=statistics.pstdev(logs),
        volume_volatility_correlation=statistics.correlation(*zip(*paired, strict=True)),
        empty_share=1 - len(logs) / len(quote_volumes),
    )


def returns_bp(closes: Sequence[float]) -> list[float]:
    """Log returns from candle to candle, in basis points."""
    return [math.log(after / before) * 1e4 for before, after in pairwise(closes)]


@dataclass(slots=True)
class BookMeter:
    """Follows one symbol's facts and samples its book once a second."""

    market: Market
    spreads: list[float] = field(default_factory=list)
    best_quote: list[float] = field(default_factory=list)
    top_3_quote: list[float] = field(default_factory=list)
    top_20_quote: list[float] = field(default_factory=list)
    top_20_span_bp: list[float] = field(default_factory=list)
    depth_quote: dict[int, list[float]] = field(default_factory=lambda: {2: [], 10: []})
    levels: list[int] = field(default_factory=list)
    crossed: int = 0
    level_changes: int = 0
    batches: int = 0
    orders: list[tuple[int, int, float, float]] = field(default_factory=list)
    """(ts, +1 bought or -1 sold, quote amount, last price) of each taker's order: the trades of
    one moment and side."""
    first_ts: int = 0
    last_ts: int = 0
    _bids: dict[int, int] = field(default_factory=dict)
    _asks: dict[int, int] = field(default_factory=dict)
    _next_sample: int = 0

    def add(self, fact: MarketFact) -> None:
        if not self.first_ts:
            self.first_ts, self._next_sample = fact.ts, fact.ts
        if isinstance(fact, MarketTrade):
            self._add_trade(fact)
        else:
            self._add_levels(fact)
        self.last_ts = fact.ts

    def _add_trade(self, trade: MarketTrade) -> None:
        sign = 1 if trade.taker is Side.BUY else -1
        price = trade.price * float(self.market.tick_size)
        quote = price * trade.amount * float(self.market.lot_size)
        if self.orders and self.orders[-1][:2] == (trade.ts, sign):
            quote += self.orders.pop()[2]
        self.orders.append((trade.ts, sign, quote, price))

    def _add_levels(self, fact: MarketLevels) -> None:
        if fact.is_snapshot:
            self._bids.clear()
            self._asks.clear()
        else:
            self.batches += 1
            self.level_changes += len(fact.bids) + len(fact.asks)
        for side, changes in ((self._bids, fact.bids), (self._asks, fact.asks)):
            for price, lots in changes:
                if lots:
                    side[price] = lots
                else:
                    side.pop(price, None)
        if fact.ts >= self._next_sample:
            self._next_sample = fact.ts + SAMPLE_MS
            self._sample()

    def _sample(self) -> None:
        bids, asks = sorted(self._bids, reverse=True), sorted(self._asks)
        if not bids or not asks:
            return
        self.spreads.append(asks[0] - bids[0])
        self.crossed += asks[0] <= bids[0]
        unit = float(self.market.tick_size * self.market.lot_size)
        middle = (bids[0] + asks[0]) / 2
        for prices, lots in ((bids, self._bids), (asks, self._asks)):
            quotes = [price * lots[price] * unit for price in prices]
            self.levels.append(len(prices))
            self.best_quote.append(quotes[0])
            self.top_3_quote.append(sum(quotes[:3]))
            self.top_20_quote.append(sum(quotes[:20]))
            if len(prices) >= 20:
                self.top_20_span_bp.append(abs(prices[19] - prices[0]) / middle * 1e4)
            for reach, sums in self.depth_quote.items():
                limit = middle * reach * 1e-4
                near = zip(prices, quotes, strict=True)
                sums.append(sum(quote for price, quote in near if abs(price - prices[0]) <= limit))

    @property
    def seconds(self) -> float:
        return max(1.0, (self.last_ts - self.first_ts) / 1000)

    def figures(self) -> dict[str, float]:
        """Named as in REFERENCE, without the pair."""
        quotes = [order[2] for order in self.orders]
        signs = [float(order[1]) for order in self.orders]
        gaps = [float(b[0] - a[0]) for a, b in pairwise(self.orders)]
        middle_quote = quantile(quotes, 0.5)
        return {
            "spread_ticks_median": quantile(self.spreads, 0.5),
            "spread_ticks_mean": statistics.fmean(self.spreads),
            "best_quote_median": quantile(self.best_quote, 0.5),
            "top_3_quote_median": quantile(self.top_3_quote, 0.5),
            "top_20_quote_median": quantile(self.top_20_quote, 0.5),
            "top_20_span_bp_median": quantile(self.top_20_span_bp, 0.5),
            "depth_2_bp_quote_median": quantile(self.depth_quote[2], 0.5),
            "depth_10_bp_quote_median": quantile(self.depth_quote[10], 0.5),
            "levels_median": quantile(self.levels, 0.5),
            "crossed_share": self.crossed / len(self.spreads),
            "level_changes_per_second": self.level_changes / self.seconds,
            "batches_per_second": self.batches / self.seconds,
            "orders_per_second": len(self.orders) / self.seconds,
            "order_log_sd": statistics.pstdev(map(math.log, quotes)),
            "order_mean_to_median": statistics.fmean(quotes) / middle_quote,
            "order_q95_to_median": quantile(quotes, 0.95) / middle_quote,
            "order_sign_autocorrelation_1": autocorrelation(signs, 1),
            "order_sign_autocorrelation_10": autocorrelation(signs, 10),
            "order_gap_variation": statistics.pstdev(gaps) / statistics.fmean(gaps),
            "move_sign_correlation": self._move_sign_correlation(),
            "quote_per_second": sum(quotes) / self.seconds,
        }

    def _move_sign_correlation(self) -> float:
        """Between the balance of bought and sold orders of ten seconds and the price's change."""
        balances: dict[int, int] = {}
        last_price: dict[int, float] = {}
        for ts, sign, _, price in self.orders:
            window = ts // 10_000
            balances[window] = balances.get(window, 0) + sign
            last_price[window] = price
        windows = list(balances)
        pairs = [
            (float(balances[after]), last_price[after] - last_price[before])
            for before, after in pairwise(windows)
        ]
        return statistics.correlation(*zip(*pairs, strict=True)) if len(pairs) > 2 else 0.0
