"""What a report draws of a backtest: curves, candles and deals, thinned out for the eye.

Figures are never made of these: they come from the result, which saw every point.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.infrastructure.backtest.equity import equity_curve, market_index
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.runner import BacktestPlan, BacktestRun, ClosedDeal
from autotrade.infrastructure.market_history import TIMEFRAMES, resample

CURVE_POINTS_MAX = 4_000
CANDLES_MAX, CANDLES_PER_PAIR_MIN = 6_000, 400
"""Of all pairs together, and of a pair however many there are."""
DIGITS = 8
Floats = NDArray[np.float64]
Times = NDArray[np.int64]


def charts_of(plan: BacktestPlan, run: BacktestRun) -> dict[str, Any]:
    """JSON-ready: `curve` (time ms, worth, worth of buying and holding), `months`, `candles` by
    pair and `deals`, each as rows."""
    candle_ms = TIMEFRAME_MS[plan.settings.strategy.timeframe]
    span = (plan.start_ts, run.end_ts)
    balance = plan.assumptions.balance
    times, worth = equity_curve(
        run.fills, plan.markets, *span, balance=balance, candle_ms=candle_ms
    )
    _, index = market_index(plan.markets, *span, candle_ms)
    held = index / index[0] * float(balance)
    kept = thinned(worth, CURVE_POINTS_MAX)
    candles_max = max(CANDLES_PER_PAIR_MIN, CANDLES_MAX // (2 * len(plan.markets)))
    return {
        "curve": [
            [int(times[at]), round(float(worth[at]), DIGITS), round(float(held[at]), DIGITS)]
            for at in kept
        ],
        "months": months(times, worth, held, run.deals),
        "candles": [_candles(market, plan.start_ts, candles_max) for market in plan.markets],
        "deals": [
            [
                deal.deal_id,
                deal.symbol,
                deal.opened_ts,
                deal.closed_ts,
                float(entry),
                float(exit_),
                float(deal.pnl_net),
                float(deal.pnl_net / deal.invested) if deal.invested else 0.0,
                deal.exit_reason,
            ]
            for deal, (entry, exit_) in zip(run.deals, run.deal_prices, strict=True)
        ],
    }


def thinned(values: Floats, count_max: int) -> list[int]:
    """Indices of at most `count_max` points that keep the first, the last and, of each stretch, the
    lowest and the highest: no peak and no trough of the curve is lost."""
    count = len(values)
    if count <= count_max:
        return list(range(count))
    edges = np.linspace(0, count, max(1, (count_max - 2) // 2) + 1).astype(np.int64)
    kept = {0, count - 1}
    for first, end in pairwise(edges.tolist()):
        part = values[first:end]
        if len(part):
            kept |= {int(first + part.argmin()), int(first + part.argmax())}
    return sorted(kept)


def months(
    times: Times, worth: Floats, held: Floats, deals: Sequence[ClosedDeal]
) -> list[dict[str, Any]]:
    """Each calendar month (UTC): its return, that of buying and holding, and its closed deals.

    A month begins with what the one before ended with, so the returns multiply to the whole.
    """
    # The point at a month's very end still belongs to it; the first point of all begins one.
    moments = np.append(times[:1], times[1:] - 1)
    names = np.datetime_as_string(moments.astype("datetime64[ms]"), unit="M").tolist()
    ends = [at for at in range(len(names)) if at + 1 == len(names) or names[at + 1] != names[at]]
    closed: dict[str, list[float]] = {}
    for deal in deals:
        closed.setdefault(_month(deal.closed_ts - 1), []).append(float(deal.pnl_net))
    rows, before = [], 0
    for end in ends:
        results = closed.get(names[end], [])
        rows.append(
            {
                "month": names[end],
                "return": float(worth[end] / worth[before] - 1.0) if worth[before] else 0.0,
                "held": float(held[end] / held[before] - 1.0),
                "deals": len(results),
                "net": sum(results),
            }
        )
        before = end
    return rows


def _month(ts_ms: int) -> str:
    return f"{datetime.fromtimestamp(ts_ms / 1000, UTC):%Y-%m}"


def _candles(market: PairMarket, start_ts: int, count_max: int) -> dict[str, Any]:
    """The tested candles of a pair in the shortest timeframe that gives few enough."""
    series = market.series.slice(start_ts)
    span_ms = int(series.open_ts[-1] - series.open_ts[0])
    length = TIMEFRAMES[series.timeframe]
    shown = series
    if len(series) > count_max:
        # Longer by a whole number of times, and few enough even if no candle were missing.
        fitting = [
            name
            for name, longer in TIMEFRAMES.items()
            if longer > length and longer % length == 0 and span_ms // longer + 2 <= count_max
        ]
        shown = resample(series, min(fitting, key=TIMEFRAMES.__getitem__, default="1M"))
    places = series.price_decimals
    rows = zip(
        shown.open_ts.tolist(),
        *(getattr(shown, name).tolist() for name in ("open", "high", "low", "close")),
        strict=True,
    )
    return {
        "pair": series.symbol,
        "timeframe": shown.timeframe,
        "tested_timeframe": series.timeframe,
        "decimals": places,
        "rows": [[ts, *(round(price, places) for price in prices)] for ts, *prices in rows],
    }
