"""Monte Carlo on candles: the same strategy over markets made of the same candles in other orders.

Blocks of candles are drawn anew (Politis and Romano 1994, see `statistics.monte_carlo`), so moves
keep their sizes and, within a block, their order; what a strategy could have learnt of one past is
gone. Pairs with equally many candles are cut at the same places, so they keep moving together.
A strategy whose result on the real order is nothing special among these has found nothing in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.infrastructure.backtest.equity import equity_curve
from autotrade.infrastructure.backtest.journal_writer import JournalWriter
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.runner import Backtest, BacktestPlan
from autotrade.infrastructure.market_history.series import PRICE_COLUMNS, CandleSeries
from autotrade.infrastructure.statistics import CandlePath, monte_carlo_candles
from autotrade.infrastructure.statistics.drawdown import underwater
from autotrade.infrastructure.statistics.monte_carlo import QUANTILES

BLOCK_CANDLES = 240
"""Mean length of a block: four hours of minutes, longer than the indicators look back."""


def rearranged_runs(
    plan: BacktestPlan,
    result: Mapping[str, Any],
    *,
    paths: int,
    seed: int,
    say: Callable[[str], None],
    block: float = BLOCK_CANDLES,
) -> dict[str, Any]:
    """Net result, total return and max drawdown over `paths` rearranged markets, as quantiles,
    beside those of `result`, the run over the real order. JSON-ready."""
    figures = []
    for number, markets in enumerate(_markets(plan.markets, block, seed, paths), 1):
        figures.append(_figures(replace(plan, markets=markets)))
        if number == paths or number % max(1, paths // 10) == 0:
            say(f"rearranged markets: {number} of {paths}")
    net, total, drawdown, deals = (np.array(column) for column in zip(*figures, strict=True))
    observed = float(str(result["pnl_net"]))
    as_good = int(np.count_nonzero(net >= observed))
    return {
        "paths": paths,
        "block_candles": block,
        "seed": seed,
        "net_quantiles": _quantiles(net),
        "total_return_quantiles": _quantiles(total),
        "max_drawdown_quantiles": _quantiles(drawdown),
        "deals_quantiles": _quantiles(deals),
        "observed_net": observed,
        "observed_total_return": result["statistics"]["total_return"],
        "observed_max_drawdown": result["statistics"]["max_drawdown"],
        "as_good": as_good,
        "sentence": (
            f"In {as_good} of {paths} markets made of the same candles in another order the "
            "strategy earned at least as much as in the real one."
        ),
    }


def _markets(
    markets: Sequence[PairMarket], block: float, seed: int, paths: int
) -> Iterator[list[PairMarket]]:
    made = [
        monte_carlo_candles(
            *(getattr(market.series, name) for name in PRICE_COLUMNS),
            block=block,
            seed=seed,
            paths=paths,
        )
        for market in markets
    ]
    for drawn in zip(*made, strict=True):
        yield [
            PairMarket(rearranged(market.series, path), market.model)
            for market, path in zip(markets, drawn, strict=True)
        ]


def rearranged(series: CandleSeries, path: CandlePath) -> CandleSeries:
    """The path as candles of the pair: its prices on the pair's grid, one unit at least, each
    candle with the volume that it had. The times stay, and so does every gap."""
    unit = 10.0**-series.price_decimals
    prices = {
        name: np.round(np.maximum(getattr(path, name), unit), series.price_decimals)
        for name in PRICE_COLUMNS
    }
    return replace(
        series, **prices, volume=series.volume[path.source], quote_volume=None, trades=None
    )


def _figures(plan: BacktestPlan) -> tuple[float, float, float, float]:
    run = Backtest(plan, JournalWriter()).run()
    _, worth = equity_curve(
        run.fills,
        plan.markets,
        plan.start_ts,
        run.end_ts,
        balance=plan.assumptions.balance,
        candle_ms=TIMEFRAME_MS[plan.settings.strategy.timeframe],
    )
    return (
        float(sum(deal.pnl_net for deal in run.deals)),
        float(worth[-1] / worth[0] - 1.0),
        float(underwater(worth).max()),
        float(len(run.deals)),
    )


def _quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    found = np.quantile(values, QUANTILES)
    return {f"{share:g}": float(value) for share, value in zip(QUANTILES, found, strict=True)}
