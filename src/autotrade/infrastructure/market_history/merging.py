"""Two series of one pair become one: what is the same, what is new, what contradicts."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as changed

import numpy as np

from autotrade.infrastructure.market_history.decimals import decimal_places
from autotrade.infrastructure.market_history.errors import CandleConflict, MarketHistoryError
from autotrade.infrastructure.market_history.integrity import check, time_text
from autotrade.infrastructure.market_history.series import (
    FLOAT_COLUMNS,
    NO_TRADES_KNOWN,
    PRICE_COLUMNS,
    CandleSeries,
    joined,
    known_quote_volume,
    known_trades,
)


@dataclass(frozen=True, slots=True)
class Merge:
    series: CandleSeries
    added: int
    replaced: int
    known: int


def tidied(series: CandleSeries, *, replace: bool = False) -> CandleSeries:
    """The series in the order of time, each candle once, its decimals proven.

    The same candle twice is one candle. Two different ones of one time raise `CandleConflict`, or
    with `replace` the later in the series wins. Impossible candles raise `MarketHistoryError`.
    """
    if np.any(np.diff(series.open_ts) <= 0):
        series = series.rows(np.argsort(series.open_ts, kind="stable"))
        series = _once(series, replace=replace).series
    faults = check(series).faults()
    if faults:
        raise MarketHistoryError(" ".join(faults))
    return _with_decimals(series)


def merged(stored: CandleSeries, new: CandleSeries, *, replace: bool) -> Merge:
    """`new` into `stored`, both tidied. Raises `CandleConflict`."""
    if not len(new):
        return Merge(stored, 0, 0, 0)
    both = joined([stored, new])
    if int(stored.open_ts[-1]) < int(new.open_ts[0]):
        return Merge(both, added=len(new), replaced=0, known=0)
    merge = _once(both.rows(np.argsort(both.open_ts, kind="stable")), replace=replace)
    return changed(merge, added=len(merge.series) - len(stored))


def _once(series: CandleSeries, *, replace: bool) -> Merge:
    """Sorted candles, where those of one time stand together, the older ones first."""
    starts = np.flatnonzero(np.r_[True, np.diff(series.open_ts) != 0])
    ends = np.r_[starts[1:], len(series)] - 1
    again = np.setdiff1d(np.arange(len(series)), starts, assume_unique=True)
    differs = np.zeros(len(again), dtype=bool)
    for name in FLOAT_COLUMNS:
        column = getattr(series, name)
        differs |= ~((column[again] == column[again - 1]) | np.isnan(column[again]))
    conflicts = again[differs]
    if len(conflicts) and not replace:
        raise _conflict(series, conflicts)
    kept = series.rows(ends if replace else starts)
    if len(again):
        kept = _with_extras(series, kept, starts, ends, newest_first=replace)
    return Merge(kept, added=0, replaced=len(conflicts), known=len(again) - len(conflicts))


def _with_extras(
    series: CandleSeries,
    kept: CandleSeries,
    starts: np.ndarray,
    ends: np.ndarray,
    *,
    newest_first: bool,
) -> CandleSeries:
    """Quote volume and trade count from whichever of the two candles knows them."""
    first, second = (ends, starts) if newest_first else (starts, ends)
    if series.quote_volume is not None:
        column = known_quote_volume(series)
        kept = changed(
            kept,
            quote_volume=np.where(np.isnan(column[first]), column[second], column[first]),
        )
    if series.trades is not None:
        counts = known_trades(series)
        is_unknown = counts[first] == NO_TRADES_KNOWN
        kept = changed(kept, trades=np.where(is_unknown, counts[second], counts[first]))
    return kept


def _conflict(series: CandleSeries, conflicts: np.ndarray) -> CandleConflict:
    index = int(conflicts[0])
    name = next(
        name
        for name in FLOAT_COLUMNS
        if getattr(series, name)[index] != getattr(series, name)[index - 1]
    )
    column = getattr(series, name)
    return CandleConflict(
        f"{series.exchange} {series.symbol} {series.timeframe}: expected the same values for the "
        f"same candle, was another {name} at {time_text(int(series.open_ts[index]))} UTC "
        f"({column[index - 1]:.15g} stored, {column[index]:.15g} new) and {len(conflicts)} such "
        "candles in all; nothing was written; use --replace if the new ones are right"
    )


def _with_decimals(series: CandleSeries) -> CandleSeries:
    prices = decimal_places(*(getattr(series, name) for name in PRICE_COLUMNS))
    amounts = decimal_places(series.volume)
    if prices is None or amounts is None:
        raise MarketHistoryError(
            f"{series.exchange} {series.symbol} {series.timeframe}: expected prices and volumes "
            "of at most 12 decimal places and 15 digits, were longer ones; round them first"
        )
    return changed(
        series,
        price_decimals=max(prices, series.price_decimals),
        amount_decimals=max(amounts, series.amount_decimals),
    )
