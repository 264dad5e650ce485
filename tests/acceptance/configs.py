"""Configurations for runs that must have much to do in little time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BUSY: dict[str, Any] = {
    "strategy": {
        "macd_fast": 2,
        "macd_slow": 3,
        "macd_signal": 2,
        "sma_fast": 1,
        "sma_slow": 2,
        "min_candles": 10,
    },
    "orderbook_analyzer": {"max_book_age_seconds": 600},
    "trading": {
        "enable_orderbook_validation": False,
        "min_net_profit_percent": 0,
        "max_open_deals": 54,
    },
    "buy_order_monitor": {
        "max_age_minutes": 1,
        "max_price_deviation_percent": 0.03,
        "check_interval_seconds": 1,
    },
    "stop_loss_monitor": {
        "warning_percent": 0.05,
        "orderbook_percent": 0.1,
        "emergency_percent": 0.15,
        "exchange_stop_percent": 0.4,
        "hold_seconds_max": 5,
    },
    "signal_cooldown": {
        "after_signal_seconds": 0,
        "after_loss_seconds": 0,
        "min_entry_distance_percent": 0,
    },
    "exchange": {"reconcile_interval_seconds": 5},
}
"""Signals on nearly every candle, small targets, near stops: orders are under way all the time."""


def write_config(
    path: Path, *bases: str, pair: dict[str, Any] | None = None, **sections: Any
) -> Path:
    """A config.json for these bases against USDT."""
    values = {"deal_quota": 100, "profit_markup": 0.9, "deal_count": 3, "order_life_time": 5}
    pairs = [
        {"base_currency": base, "quote_currency": "USDT", **values, **(pair or {})}
        for base in bases or ("BTC", "ETH", "SOL")
    ]
    path.write_text(json.dumps({"currency_pairs": pairs, **sections}), encoding="utf-8")
    return path


def write_busy_config(
    path: Path, *bases: str, pair: dict[str, Any] | None = None, **sections: Any
) -> Path:
    # Binance takes 5 stops a pair (MAX_NUM_ALGO_ORDERS), so 5 deals a pair can be protected.
    values = {"profit_markup": 0.25, "deal_count": 5, "order_life_time": 1, **(pair or {})}
    return write_config(path, *bases, pair=values, **{**BUSY, **sections})
