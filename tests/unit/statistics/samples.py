"""Deals and strategies for hypothesis that the tests of statistics share."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import strategies as st

from autotrade.infrastructure.statistics import DealResult
from autotrade.infrastructure.statistics.checks import DAY_MS, Floats

HOUR_MS = 3_600_000

# A day's return: no total loss, nothing so small that only rounding is left of it.
day_returns = st.lists(
    st.integers(-90_000, 200_000).map(lambda millionths: millionths / 1_000_000),
    min_size=2,
    max_size=60,
)
equities = st.lists(st.integers(1, 1_000_000).map(float), min_size=1, max_size=60)
amounts = st.integers(-10_000, 10_000).map(lambda cents: Decimal(cents) / 100)


def a_deal(
    pnl: str | Decimal = "1",
    *,
    deal_id: int = 1,
    invested: str | Decimal = "100",
    fees: str | Decimal = "0.2",
    opened_ts: int = 0,
    closed_ts: int = HOUR_MS,
    exit_reason: str = "target",
) -> DealResult:
    return DealResult(
        deal_id=deal_id,
        symbol="BTC/USDT",
        opened_ts=opened_ts,
        closed_ts=closed_ts,
        invested=Decimal(invested),
        pnl_net=Decimal(pnl),
        fees=Decimal(fees),
        exit_reason=exit_reason,
    )


def deals_of(*pnl: str) -> list[DealResult]:
    """One deal an hour, each half an hour long."""
    return [
        a_deal(
            amount,
            deal_id=place,
            opened_ts=place * HOUR_MS,
            closed_ts=place * HOUR_MS + HOUR_MS // 2,
        )
        for place, amount in enumerate(pnl, start=1)
    ]


def days(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64) * DAY_MS


def curve_of(returns: Floats, start: float = 1000.0) -> Floats:
    return start * np.cumprod(np.append(1.0, 1.0 + returns))
