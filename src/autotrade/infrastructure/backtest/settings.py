"""What a backtest assumes of the market, beyond what candles say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from annotated_types import Ge, Gt, Le

from autotrade.domain.settings import setting


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    latency_ms: Annotated[int, Ge(50), Le(10_000)] = setting(
        250, "from a decision to the moment its order reaches the exchange's book"
    )
    spread_bp: Annotated[int, Ge(0), Le(1_000)] = setting(
        2, "distance of bid and ask in basis points of the price; at least two ticks"
    )
    level_step_bp: Annotated[int, Ge(0), Le(1_000)] = setting(
        1, "distance of neighbouring levels in basis points; at least a tick"
    )
    level_volume_percent: Annotated[int, Gt(0), Le(100)] = setting(
        5, "what each level holds, percent of the volume of the last closed candle"
    )
    balance: Annotated[Decimal, Gt(0)] = setting(
        Decimal(10_000), "start capital in each quote currency"
    )
    maker_fee: Annotated[Decimal, Ge(0), Le(Decimal("0.1"))] = setting(
        Decimal("0.001"), "fee of a resting order, as a fraction"
    )
    taker_fee: Annotated[Decimal, Ge(0), Le(Decimal("0.1"))] = setting(
        Decimal("0.001"), "fee of an order that takes, as a fraction"
    )
