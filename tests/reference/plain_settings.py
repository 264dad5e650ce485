"""Settings and filters of the reference, with the defaults that the documents state.

Money and percentages are Decimal, times milliseconds, amounts base currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal as D


@dataclass(frozen=True)
class PlainSettings:
    # the strategy
    macd_fast: int = 12
    macd_slow: int = 26
    macd_signal: int = 9
    sma_fast: int = 7
    sma_slow: int = 25
    min_candles: int = 50
    # the order book's word
    is_book_asked: bool = True
    is_support_required: bool = False
    min_volume_quote: D = D(1000)
    max_spread_percent: D = D("0.3")
    max_slippage_percent: D = D(2)
    depth_levels: int = 15
    confidence_least: D = D("0.6")
    # what a deal must promise, and how many there may be
    min_net_profit_percent: D = D("0.5")
    max_open_deals: int = 9
    after_signal_ms: int = 60_000
    after_loss_ms: int = 600_000
    min_entry_distance_percent: D = D("0.1")
    # the waiting BUY
    max_age_minutes: D = D(5)
    max_price_deviation_percent: D = D(3)
    check_interval_ms: int = 10_000
    max_recreations: int = 3
    grace_ms: int = 2_000
    # the loss
    is_loss_watched: bool = True
    warning_percent: D = D("0.7")
    orderbook_percent: D = D("1.2")
    emergency_percent: D = D(2)
    stop_percent: D = D(3)
    is_limit_exit_first: bool = False
    # the pair
    order_life_minutes: int = 1
    deal_quota: D = D(15)
    profit_markup: D = D("1.5")
    deal_count: int = 3
    # what is assumed of the market
    latency_ms: int = 250
    spread_bp: int = 2
    level_step_bp: int = 1
    level_volume_percent: int = 5
    balance: D = D(10_000)
    maker_fee: D = D("0.001")
    taker_fee: D = D("0.001")


@dataclass(frozen=True)
class PlainFilters:
    tick: D
    lot: D
    least_amount: D
    most_amount: D
    most_market_amount: D
    least_notional: D = D(5)
    most_stops: int = 5


@dataclass(frozen=True)
class PlainCandle:
    ts: int
    """When it opens."""
    open: D
    high: D
    low: D
    close: D
    volume: D
