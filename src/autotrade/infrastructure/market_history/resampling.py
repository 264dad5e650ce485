"""Candles of a longer timeframe from those of a shorter one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autotrade.infrastructure.market_history.errors import MarketHistoryRefused
from autotrade.infrastructure.market_history.series import (
    NO_TRADES_KNOWN,
    CandleSeries,
)
from autotrade.infrastructure.market_history.timeframes import (
    DAY_MS,
    TIMEFRAMES,
    candle_opens,
    next_open,
    timeframe_of,
)


def resample(
    series: CandleSeries, timeframe: str, *, drops_partial_first: bool = False
) -> CandleSeries:
    """The series in `timeframe`; the last candle only if the series reaches its end.

    Missing candles are left out of the one they would belong to, as an exchange without trades
    would; a long candle of which nothing is there is missing too. The first long candle may hold
    only the part of its time that the series covers, as a listing's first candle does;
    `drops_partial_first` leaves it out. Volumes are summed in whole units, so exactly.
    Raises `MarketHistoryRefused` when the series' own candles do not fit into the timeframe.
    """
    timeframe = timeframe_of(timeframe)
    if timeframe == series.timeframe:
        return series
    _require_fit(series.timeframe, timeframe)
    if not len(series):
        return replace(series, timeframe=timeframe)
    buckets = candle_opens(series.open_ts, timeframe)
    starts = np.flatnonzero(np.r_[True, buckets[1:] != buckets[:-1]])
    opens = buckets[starts]
    result = CandleSeries(
        open_ts=opens,
        open=series.open[starts],
        high=np.maximum.reduceat(series.high, starts),
        low=np.minimum.reduceat(series.low, starts),
        close=series.close[np.r_[starts[1:], len(series)] - 1],
        volume=_volume(series, starts),
        symbol=series.symbol,
        timeframe=timeframe,
        exchange=series.exchange,
        price_decimals=series.price_decimals,
        amount_decimals=series.amount_decimals,
        quote_volume=None
        if series.quote_volume is None
        else np.add.reduceat(series.quote_volume, starts),
        trades=_trades(series, starts),
    )
    first, end = 0, len(result)
    covered_ms = next_open(int(series.open_ts[-1]), series.timeframe)
    if covered_ms < next_open(int(opens[-1]), timeframe):
        end -= 1
    if drops_partial_first and int(series.open_ts[0]) != int(opens[0]):
        first = 1
    return result.rows(slice(first, max(first, end)))


def _require_fit(source: str, target: str) -> None:
    short, long = TIMEFRAMES[source], TIMEFRAMES[target]
    if source != "1M" and target == "1M":
        fits = DAY_MS % short == 0
    else:
        fits = bool(short) and short < long and long % short == 0
        fits = fits and (target != "1w" or DAY_MS % short == 0)
    if not fits:
        raise MarketHistoryRefused(
            f"expected a timeframe that candles of {source} fill without a rest, was {target}; "
            "take a longer one, or import shorter candles"
        )


def _volume(series: CandleSeries, starts: np.ndarray) -> np.ndarray:
    largest = float(series.volume.max()) * 10.0**series.amount_decimals * len(series)
    if largest < 2.0**62:
        return np.add.reduceat(series.units("volume"), starts) / 10.0**series.amount_decimals
    return np.add.reduceat(series.volume, starts)


def _trades(series: CandleSeries, starts: np.ndarray) -> np.ndarray | None:
    if series.trades is None:
        return None
    counts = np.add.reduceat(series.trades, starts)
    is_unknown = np.logical_or.reduceat(series.trades == NO_TRADES_KNOWN, starts)
    return np.where(is_unknown, NO_TRADES_KNOWN, counts)
