"""Binance's timeframes: their names, their lengths, when their candles open (UTC)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autotrade.config.errors import nearest
from autotrade.infrastructure.market_history.errors import MarketHistoryRefused

Times = NDArray[np.int64]

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
FIRST_MONDAY_MS = 4 * DAY_MS
"""1970-01-05: weekly candles open on Mondays."""

TIMEFRAMES: dict[str, int] = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": WEEK_MS,
    "1M": 0,
}
"""Length of each timeframe in milliseconds; a calendar month has none of its own (0)."""

_MONTH_DAYS = (28, 31)
_UNITS = {
    "m": "m", "min": "m", "t": "m", "minute": "m", "minutes": "m",
    "h": "h", "hour": "h", "hours": "h", "hr": "h",
    "d": "d", "day": "d", "days": "d", "daily": "d",
    "w": "w", "wk": "w", "week": "w", "weekly": "w",
    "mo": "M", "mon": "M", "mn": "M", "month": "M", "monthly": "M",
}  # fmt: skip


def find_timeframe(text: str) -> str | None:
    """Binance's name of a timeframe that is written in one of the usual ways (60m, 1H, 1mo)."""
    if text in TIMEFRAMES:
        return text
    if text == "M":
        return "1M"
    digits = text[: len(text) - len(text.lstrip("0123456789"))]
    unit = _UNITS.get(text[len(digits) :].lower())
    if unit is None:
        return None
    if unit == "M":
        return "1M" if digits in ("", "1") else None
    step = int(digits or 1) * {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS}[unit]
    return next((name for name, length in TIMEFRAMES.items() if length == step), None)


def timeframe_of(text: str) -> str:
    """The timeframe a user names; raises `MarketHistoryRefused` with the nearest."""
    found = find_timeframe(text)
    if found is None:
        raise MarketHistoryRefused(
            f'expected one of Binance\'s timeframes {", ".join(TIMEFRAMES)}, was "{text}"; '
            f"the nearest is {nearest(text, list(TIMEFRAMES))}"
        )
    return found


def timeframe_of_steps(open_ts: Times) -> str | None:
    """The timeframe whose candles open so: the commonest distance between neighbours."""
    steps = np.diff(np.sort(open_ts))
    steps = steps[steps > 0]
    if not len(steps):
        return None
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[counts.argmax()])
    low, high = _MONTH_DAYS
    if low * DAY_MS <= step <= high * DAY_MS and step % DAY_MS == 0:
        return "1M"
    return next((name for name, length in TIMEFRAMES.items() if length == step), None)


def candle_opens(ts: Times, timeframe: str) -> Times:
    """When the candle opens that each moment falls into."""
    length = TIMEFRAMES[timeframe]
    if not length:
        months = ts.astype("datetime64[ms]").astype("datetime64[M]")
        return months.astype("datetime64[ms]").astype(np.int64)
    offset = FIRST_MONDAY_MS if timeframe == "1w" else 0
    return ts - (ts - offset) % length


def next_opens(open_ts: Times, timeframe: str) -> Times:
    """When the candle is over that opens at each of these moments."""
    length = TIMEFRAMES[timeframe]
    if length:
        return open_ts + length
    months = open_ts.astype("datetime64[ms]").astype("datetime64[M]") + np.timedelta64(1, "M")
    return months.astype("datetime64[ms]").astype(np.int64)


def next_open(open_ts: int, timeframe: str) -> int:
    """As `next_opens`, of one candle."""
    return int(next_opens(np.array([open_ts], dtype=np.int64), timeframe)[0])


def candles_between(first_ts: Times, end_ts: Times, timeframe: str) -> Times:
    """How many candles open from each `first_ts` (an open time) until before `end_ts`."""
    length = TIMEFRAMES[timeframe]
    if length:
        return np.maximum(0, -(-(end_ts - first_ts) // length))
    count = _months(end_ts - 1) - _months(first_ts) + 1
    return np.where(end_ts > first_ts, count, 0)


def _months(ts: Times) -> Times:
    return ts.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
