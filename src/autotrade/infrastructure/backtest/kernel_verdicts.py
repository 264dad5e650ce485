"""What order book and market conditions say about buying at a candle's close, for the kernel.

The modelled book is a function of close and volume, so its verdict is one per candle and quota,
whatever the signals. It is computed in plain floats first; where a figure comes so near its limit
that the engine's own roundings could decide, the real analyzer and decision engine are asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotrade.domain.decisions import Signal
from autotrade.domain.services.market_data import market_analysis_service as analysis
from autotrade.domain.services.market_data.orderbook_analyzer import (
    WEAK_PRESSURE,
    OrderBookAnalyzer,
)
from autotrade.domain.services.trading import trading_decision_engine as engine
from autotrade.domain.settings import (
    OrderbookAnalyzerSettings,
    StrategySettings,
    TradingSettings,
)
from autotrade.infrastructure.backtest.book_model import LEVELS
from autotrade.infrastructure.backtest.columns import IndicatorColumns, average_ranges
from autotrade.infrastructure.backtest.kernel_layout import compiled, compiled_entry
from autotrade.infrastructure.backtest.pair_market import PairMarket

UNKNOWN, NEAR = -1, 3
MARGIN = 1e-7
"""Relative distance from a limit under which the plain floats do not decide."""
RETURNS = 20
HIGH_WEIGHT = engine.VOLATILITY_WEIGHT[analysis.VolatilityClass.HIGH]
UP_WEIGHT = engine.TREND_WEIGHT[analysis.Trend.UP]
DOWN_WEIGHT = engine.TREND_WEIGHT[analysis.Trend.DOWN]
SIGNAL_CONFIDENCE, QUALITY_WEIGHT = engine.SIGNAL_CONFIDENCE, engine.QUALITY_WEIGHT
SMALLER_SIZE_SLIPPAGE = engine.SMALLER_SIZE_SLIPPAGE_PERCENT

(
    SPREAD_BP, STEP_BP, LEVEL_PERCENT, DEPTH, SMA_SLOW, VOLUME_MIN, SPREAD_MAX, SLIPPAGE_MAX,
    CONFIDENCE_MIN, IS_SUPPORT_NEEDED, QUOTA, UNIT, EXTREME, HIGH, NORMAL, FIGURES,
) = range(16)  # fmt: skip


@dataclass(frozen=True, slots=True)
class VerdictKey:
    """Everything beside the candles that a verdict depends on."""

    analyzer: OrderbookAnalyzerSettings
    trading: TradingSettings
    sma_slow: int
    quota: Decimal

    @property
    def is_validating(self) -> bool:
        return self.trading.enable_orderbook_validation and self.analyzer.enabled


class Verdicts:
    """Verdicts of one pair: 0 no, 1 yes, 2 with a smaller size; made where they are asked for."""

    def __init__(self, market: PairMarket, strategy: StrategySettings) -> None:
        self._market, self._strategy = market, strategy
        self._columns: dict[int, IndicatorColumns] = {}
        self._atr = average_ranges(market.series)
        self._known: dict[VerdictKey, NDArray[np.int8]] = {}
        self.asked = 0
        """Candles for which the real services were asked."""

    def of(self, key: VerdictKey, candles: NDArray[np.int64]) -> NDArray[np.int8]:
        """One per candle of the series, known at least at `candles`."""
        verdicts = self._known.get(key)
        if verdicts is None:
            start = UNKNOWN if key.is_validating else 1
            verdicts = np.full(len(self._market), start, dtype=np.int8)
            self._known[key] = verdicts
        if key.is_validating:
            market = self._market
            _judge(
                candles, verdicts, market.close, market.volume_lots, market.series.close,
                self._atr, self._figures(key),
            )  # fmt: skip
            for index in candles[verdicts[candles] == NEAR].tolist():
                verdicts[index] = self.ask(key, index)
        return verdicts

    def _figures(self, key: VerdictKey) -> NDArray[np.float64]:
        model, scale = self._market.model, analysis.MarketAnalysisService(self._strategy.timeframe)
        figures = np.zeros(FIGURES)
        figures[SPREAD_BP], figures[STEP_BP] = model.spread_bp, model.level_step_bp
        figures[LEVEL_PERCENT] = model.level_volume_percent
        figures[DEPTH] = min(LEVELS, key.analyzer.min_liquidity_depth)
        figures[SMA_SLOW] = key.sma_slow
        figures[VOLUME_MIN] = key.analyzer.min_volume_threshold
        figures[SPREAD_MAX] = key.analyzer.max_spread_percent
        figures[SLIPPAGE_MAX] = key.analyzer.max_slippage_percent
        figures[CONFIDENCE_MIN] = key.trading.orderbook_confidence_threshold
        figures[IS_SUPPORT_NEEDED] = key.trading.require_orderbook_support
        figures[QUOTA] = key.quota
        figures[UNIT] = self._market.tick * self._market.lot
        extreme = scale.conditions(None).extreme_percent
        figures[EXTREME] = extreme
        for name, percent in (
            (HIGH, analysis.ATR_PERCENT_HIGH),
            (NORMAL, analysis.ATR_PERCENT_NORMAL),
        ):
            figures[name] = extreme / analysis.ATR_PERCENT_EXTREME * percent
        return figures

    def _columns_of(self, sma_slow: int) -> IndicatorColumns:
        """All that the services read off the indicators is the same for every MACD."""
        columns = self._columns.get(sma_slow)
        if columns is None:
            settings = replace(self._strategy, sma_slow=sma_slow)
            columns = self._columns[sma_slow] = IndicatorColumns(self._market.series, settings)
        return columns

    def ask(self, key: VerdictKey, index: int) -> int:
        """The engine's own answer for one candle."""
        self.asked += 1
        market = self._market
        close, volume = int(market.close[index]), market.volume_before(index)
        book = market.book(0, close, volume)
        metrics = OrderBookAnalyzer(key.analyzer).analyze(book, order_quote=float(key.quota), ts=1)
        service = analysis.MarketAnalysisService(self._strategy.timeframe)
        conditions = service.conditions(self._columns_of(key.sma_slow).values_at(index))
        price = market.tick * close
        signal = Signal(market.symbol, "", "", "macd_cross", 0, 0, price, {})
        proposal = engine.TradingDecisionEngine(key.trading, key.analyzer).propose(
            signal, metrics, conditions, target_price=price * 2
        )
        if not all(check.passed for check in proposal.checks):
            return 0
        return 1 if proposal.size_factor == 1 else 2


@compiled
def _is_near(value: float, limit: float) -> bool:
    return abs(value - limit) <= MARGIN * max(1.0, abs(limit))


@compiled
def _slippage(best: int, step: int, levels: int, worth: float, size: float) -> float:
    """Percent that `size` quote pays beyond the best price; -1 when the levels do not hold it.
    `worth` is what a level holds per tick of its price."""
    rest, base = size, 0.0
    for level in range(levels):
        price = float(best + level * step)
        quote = price * worth
        if quote >= rest:
            base += rest / price
            return abs(size / base / best - 1.0) * 100.0
        rest -= quote
        base += worth
    return -1.0


@compiled
def _conditions(index: int, figures: Any, closes: Any, atr: Any) -> tuple[float, int]:
    """(what trend and volatility add to the confidence, 0 no, 1 yes, NEAR)."""
    if np.isnan(atr[index]):
        return 0.0, 1
    percent = atr[index] / closes[index] * 100.0
    if index >= RETURNS:
        total = 0.0
        for place in range(index - RETURNS + 1, index + 1):
            total += closes[place] / closes[place - 1] - 1.0
        mean, squares = total / RETURNS, 0.0
        for place in range(index - RETURNS + 1, index + 1):
            off = closes[place] / closes[place - 1] - 1.0 - mean
            squares += off * off
        percent = max(percent, sqrt(squares / RETURNS) * 100.0 * analysis.RETURNS_TO_ATR)
    for limit in (figures[EXTREME], figures[HIGH], figures[NORMAL]):
        if abs(percent - limit) <= MARGIN * limit:
            return 0.0, NEAR
    if percent >= figures[EXTREME]:
        return 0.0, 0
    weight = HIGH_WEIGHT if percent >= figures[HIGH] else 0.0
    slow = int(figures[SMA_SLOW])
    if index + 1 < max(slow, 75):
        return weight, 1
    total = 0.0
    for place in range(index + 1 - slow, index + 1):
        total += closes[place]
    gap, total = total / slow, 0.0
    for place in range(index - 74, index + 1):
        total += closes[place]
    gap -= total / 75
    reach = analysis.TREND_ATR * atr[index]
    if abs(abs(gap) - reach) <= 1e-9 * closes[index]:
        return 0.0, NEAR
    if gap > reach:
        weight += UP_WEIGHT
    elif gap < -reach:
        weight += DOWN_WEIGHT
    return weight, 1


@compiled
def _book(price: int, volume: int, figures: Any) -> tuple[float, float, int]:
    """(quality, slippage percent of buying, 0 no, 1 yes, NEAR) of the book around a price."""
    half = max(1, price * int(figures[SPREAD_BP]) // 20_000)
    step = max(1, price * int(figures[STEP_BP]) // 10_000)
    lots = max(1, volume * int(figures[LEVEL_PERCENT]) // 100)
    bid, ask = max(1, price - half), price + half
    worth, depth = lots * figures[UNIT], int(figures[DEPTH])
    bids = min(LEVELS, (bid - 1) // step + 1)
    near_bids = min(bids, depth)
    bid_volume = worth * (near_bids * bid - step * near_bids * (near_bids - 1) / 2)
    ask_volume = worth * (depth * ask + step * depth * (depth - 1) / 2)
    spread = (ask - bid) / ((ask + bid) / 2.0) * 100.0
    buying = _slippage(ask, step, LEVELS, worth, figures[QUOTA])
    selling = _slippage(bid, -step, bids, worth, figures[QUOTA])
    least, pressure = (
        min(bid_volume, ask_volume),
        (bid_volume - ask_volume) / (bid_volume + ask_volume) * 100.0,
    )
    total = 0.0
    for level in range(LEVELS):
        total += (ask + level * step) * worth
    held = 0.0
    for level in range(bids):
        held += (bid - level * step) * worth
    size, slippage = figures[QUOTA], max(buying, selling)
    if (
        abs(total - size) <= MARGIN * size
        or abs(held - size) <= MARGIN * size
        or _is_near(spread, figures[SPREAD_MAX])
        or _is_near(least, figures[VOLUME_MIN])
        or _is_near(slippage, figures[SLIPPAGE_MAX])
        or _is_near(buying, SMALLER_SIZE_SLIPPAGE)
        or _is_near(-pressure, WEAK_PRESSURE)
    ):
        return 0.0, 0.0, NEAR
    if (
        buying < 0
        or selling < 0
        or spread > figures[SPREAD_MAX]
        or slippage > figures[SLIPPAGE_MAX]
        or least < figures[VOLUME_MIN]
        or pressure <= -WEAK_PRESSURE
        or figures[IS_SUPPORT_NEEDED] != 0.0
    ):
        return 0.0, 0.0, 0
    room = 1.0 - spread / figures[SPREAD_MAX] + 1.0 - slippage / figures[SLIPPAGE_MAX]
    room += 1.0 - figures[VOLUME_MIN] / least
    return room / 3.0, buying, 1


@compiled_entry
def _judge(
    candles: Any, verdicts: Any, prices: Any, volumes: Any, closes: Any, atr: Any, figures: Any
) -> None:
    for index in candles:
        if verdicts[index] != UNKNOWN:
            continue
        volume = volumes[index - 1] if index else 0
        quality, buying, state = _book(prices[index], volume, figures)
        if state == 1:
            weight, state = _conditions(index, figures, closes, atr)
            confidence = SIGNAL_CONFIDENCE - QUALITY_WEIGHT * (1.0 - quality) + weight
            confidence = min(1.0, max(0.0, confidence))
            if state == 1 and _is_near(confidence, figures[CONFIDENCE_MIN]):
                state = NEAR
            elif state == 1 and confidence < figures[CONFIDENCE_MIN]:
                state = 0
            elif state == 1 and buying > SMALLER_SIZE_SLIPPAGE:
                state = 2
        verdicts[index] = state
