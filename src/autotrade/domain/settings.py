"""Settings of the domain, with their defaults and bounds, in one place.

The configuration loader reads these classes; nobody repeats a default. Percentages are percent
(0.3 is 0.3 %), money is quote currency, times carry their unit in the name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

PositiveDecimal = Annotated[Decimal, Gt(0)]
NonNegativeDecimal = Annotated[Decimal, Ge(0)]
Percent = Annotated[Decimal, Gt(0), Le(100)]
PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
Seconds = Annotated[float, Ge(0)]
Fraction = Annotated[float, Ge(0), Le(1)]
ParameterValue = bool | int | float | Decimal | str
"""A strategy's own parameter, as it was written; its strategy knows what it must be."""


def setting(default: Any, help: str) -> Any:
    """A field with its default and the sentence that `.env.example` and the docs print."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class StrategySettings:
    name: str = setting("macd_orderbook", "strategy that gives the signals")
    timeframe: str = setting("1m", "candles it looks at")
    macd_fast: PositiveInt = setting(12, "MACD fast EMA, candles")
    macd_slow: PositiveInt = setting(26, "MACD slow EMA, candles")
    macd_signal: PositiveInt = setting(9, "MACD signal EMA, candles")
    sma_fast: PositiveInt = setting(7, "fast SMA that must stand above the slow one")
    sma_slow: PositiveInt = setting(25, "slow SMA")
    min_candles: PositiveInt = setting(50, "no signal before this many candles of history")
    folder: str = setting(
        "strategies", "where strategies of your own are: NAME.py holds the strategy NAME"
    )
    parameters: tuple[tuple[str, ParameterValue], ...] = setting(
        (), "the strategy's own parameters; `python main.py strategy list` names them"
    )


@dataclass(frozen=True, slots=True)
class OrderbookAnalyzerSettings:
    enabled: bool = setting(True, "look at the order book before a deal")
    min_volume_threshold: NonNegativeDecimal = setting(
        Decimal(1000), "quote volume a side must hold within the looked-at levels"
    )
    big_wall_threshold: PositiveDecimal = setting(
        Decimal(5000), "quote volume from which a level may be a wall"
    )
    max_spread_percent: Percent = setting(Decimal("0.3"), "wider spreads are refused")
    min_liquidity_depth: PositiveInt = setting(15, "levels looked at on each side")
    typical_order_size: PositiveDecimal = setting(
        Decimal(10), "quote size whose slippage is measured when no deal's size is known"
    )
    monitoring_interval: Annotated[float, Gt(0)] = setting(
        0.1, "seconds between two looks at the book"
    )
    max_slippage_percent: Percent = setting(Decimal(2), "slippage of our size that is refused")
    max_book_age_seconds: Annotated[float, Gt(0)] = setting(
        10.0,
        "an older book is stale and refused (accelerated simulation: at least 0.25 real seconds)",
    )


@dataclass(frozen=True, slots=True)
class TradingSettings:
    enable_orderbook_validation: bool = setting(True, "a signal needs the order book's consent")
    orderbook_confidence_threshold: Fraction = setting(0.6, "less confidence than this is refused")
    require_orderbook_support: bool = setting(False, "a neutral book is not enough")
    log_orderbook_analysis: bool = setting(True, "print the book's figures with each decision")
    min_net_profit_percent: NonNegativeDecimal = setting(
        Decimal("0.5"), "profit after both fees, percent of the budget, that a deal must promise"
    )
    max_open_deals: PositiveInt = setting(9, "deals open at once over all pairs")


@dataclass(frozen=True, slots=True)
class BuyOrderMonitorSettings:
    enabled: bool = setting(True, "watch resting BUY orders")
    max_age_minutes: PositiveDecimal = setting(Decimal(5), "an older BUY is stale")
    max_price_deviation_percent: Percent = setting(
        Decimal(3), "a BUY further under the market is stale"
    )
    check_interval_seconds: Annotated[float, Gt(0)] = setting(10.0, "seconds between two looks")
    auto_recreate_orders: bool = setting(True, "replace a stale BUY at the new price")
    min_time_between_recreations_minutes: NonNegativeDecimal = setting(
        Decimal(0), "minutes between two replacements"
    )
    max_recreations: NonNegativeInt = setting(3, "replacements before the deal is given up")
    partial_fill_grace_seconds: Seconds = setting(
        2.0, "a partly filled BUY may fill on for so long before what it holds is protected"
    )


@dataclass(frozen=True, slots=True)
class StopLossMonitorSettings:
    enabled: bool = setting(True, "watch held positions")
    warning_percent: Percent = setting(Decimal("0.7"), "loss at which it says so")
    orderbook_percent: Percent = setting(Decimal("1.2"), "loss at which it asks the order book")
    emergency_percent: Percent = setting(Decimal("2"), "loss at which it leaves at once")
    hold_seconds_max: Seconds = setting(120.0, "longest wait for a book that promises support")
    exchange_stop_percent: Percent = setting(
        Decimal(3), "loss at which the stop that rests on the exchange fires"
    )
    limit_exit_first: bool = setting(False, "try an IOC limit through the book before the market")


@dataclass(frozen=True, slots=True)
class SignalCooldownSettings:
    after_signal_seconds: Seconds = setting(60.0, "seconds between two approved signals of a pair")
    after_loss_seconds: Seconds = setting(600.0, "seconds without a deal after a loss on the pair")
    min_entry_distance_percent: NonNegativeDecimal = setting(
        Decimal("0.1"), "distance from the entries that are open on the pair"
    )


@dataclass(frozen=True, slots=True)
class DomainSettings:
    """All of it, as the engine takes it."""

    strategy: StrategySettings = StrategySettings()
    orderbook_analyzer: OrderbookAnalyzerSettings = OrderbookAnalyzerSettings()
    trading: TradingSettings = TradingSettings()
    buy_order_monitor: BuyOrderMonitorSettings = BuyOrderMonitorSettings()
    stop_loss_monitor: StopLossMonitorSettings = StopLossMonitorSettings()
    signal_cooldown: SignalCooldownSettings = SignalCooldownSettings()
