"""Where a backtest's signals come from: the incremental indicators, or columns and a scan.

A strategy's `scan` names the candles on which it may speak. Where it also says that it keeps
nothing between two candles, the others are not shown to it at all and the indicators come from
columns; else it is shown every candle, and only the market is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autotrade.application.trading_engine import TradingEngine
from autotrade.domain.services.market_data.ticker_service import Indicators
from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies.registry import create
from autotrade.infrastructure.backtest.column_indicators import ColumnIndicators
from autotrade.infrastructure.backtest.columns import IndicatorColumns
from autotrade.infrastructure.backtest.pair_market import PairMarket

Candidates = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class IndicatorSource:
    """`indicators` None: the engine computes them itself. `candidates` None: every candle."""

    indicators: Indicators | None
    candidates: Candidates | None
    shows_every_candle: bool
    warm_up: Callable[[TradingEngine, int], None]
    """Brings the indicators to the last candle before a moment."""


def indicator_source(
    settings: StrategySettings, markets: Sequence[PairMarket], *, is_skipping: bool
) -> IndicatorSource:
    strategy = create(settings)
    by_hand = IndicatorSource(
        None, None, True, lambda engine, ts: _feed_history(engine, markets, ts)
    )
    if not is_skipping:
        return by_hand
    if strategy.needs_every_candle:
        masks = {market.symbol: strategy.scan(market.series) for market in markets}
        if any(mask is None for mask in masks.values()):
            return by_hand
        return replace(by_hand, candidates=_indices(masks))
    columns = {market.symbol: IndicatorColumns(market.series, settings) for market in markets}
    masks = {symbol: strategy.scan(column) for symbol, column in columns.items()}
    if any(mask is None for mask in masks.values()):
        return by_hand
    indicators = ColumnIndicators(columns)

    def warm_up(engine: TradingEngine, ts: int) -> None:
        for symbol, column in columns.items():
            indicators.start_behind(symbol, int(column.open_ts.searchsorted(ts)) - 1)

    return IndicatorSource(indicators, _indices(masks), False, warm_up)


def _indices(masks: Mapping[str, NDArray[np.bool_] | None]) -> Candidates:
    return {symbol: np.flatnonzero(mask) for symbol, mask in masks.items() if mask is not None}


def _feed_history(engine: TradingEngine, markets: Sequence[PairMarket], ts: int) -> None:
    for market in markets:
        count = int(market.series.open_ts.searchsorted(ts))
        engine.warm_up(market.symbol, [market.candle(index) for index in range(count)])
