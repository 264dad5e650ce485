"""Candle: one closed bar of one timeframe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candle:
    """A closed candle. Prices feed indicators only, so they are floats; volume is in base units."""

    open_ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float


TIMEFRAME_MS: dict[str, int] = {
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "8h": 28_800_000,
    "12h": 43_200_000,
    "1d": 86_400_000,
}
"""Length of each timeframe in milliseconds, by Binance's name of it."""
