"""The account's worth over time from a walk's fills, compiled; see `equity.py`."""

from __future__ import annotations

from typing import Any

from autotrade.infrastructure.backtest.kernel_layout import (
    FILL_FEE,
    FILL_LOTS,
    FILL_PRICE,
    FILL_TS,
    compiled_entry,
)

COIN = 1e-8


@compiled_entry
def worth_over_time(
    fills: Any, times: Any, prices: Any, worth: Any, balance: float, turnover: float, lot: float
) -> float:
    """Fill `worth` at `times`, what is held valued at `prices`; returns the greatest drawdown as a
    share. `turnover` and `lot` are what a tick times a lot and a lot are worth."""
    held, cash, number = 0.0, balance, 0
    peak, deepest = 0.0, 0.0
    for place in range(len(times)):
        while number < len(fills) and fills[number, FILL_TS] <= times[place]:
            lots, fee = fills[number, FILL_LOTS], fills[number, FILL_FEE] * COIN
            cash -= lots * fills[number, FILL_PRICE] * turnover
            held += lots * lot
            if lots > 0:
                held -= fee
            else:
                cash -= fee
            number += 1
        now = cash + held * prices[place]
        worth[place] = now
        peak = max(peak, now)
        if peak > 0.0:
            deepest = max(deepest, 1.0 - now / peak)
    return deepest
