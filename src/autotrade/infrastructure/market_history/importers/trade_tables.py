"""Trades become candles of one minute, in parts, so that a month of trades fits any memory.

A minute without a trade has no candle of its own in a list of trades. Where the trades' ids have
no hole around it, nothing was traded: it becomes a flat candle at the last price, as the exchange
itself writes it. Where ids are unknown or some are missing it stays missing. The first and the
last minute of a list may be cut; they are left out unless the file holds whole days.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autotrade.infrastructure.market_history.decimals import (
    FALLBACK_PLACES,
    decimal_places,
    whole_units,
    without_noise,
)
from autotrade.infrastructure.market_history.errors import MarketHistoryError
from autotrade.infrastructure.market_history.importers.columns import (
    known_names,
    numbers,
    times_ms,
)
from autotrade.infrastructure.market_history.series import PRICE_COLUMNS, CandleSeries
from autotrade.infrastructure.market_history.timeframes import MINUTE_MS

_NO_ID = -1


@dataclass(slots=True)
class _Minutes:
    """Candles of a part, by minute; volumes in units of 10**-places."""

    open_ts: np.ndarray
    prices: dict[str, np.ndarray]
    units: np.ndarray
    places: int
    quote: np.ndarray
    counts: np.ndarray
    first_id: np.ndarray
    last_id: np.ndarray


def candles_of_trades(
    parts: Iterable[dict[str, Any]],
    *,
    exchange: str,
    symbol: str,
    has_whole_days: bool,
    notes: list[str],
) -> CandleSeries:
    """Trades in the order of time, in parts, as candles. Raises `MarketHistoryError`."""
    minutes = [_minutes(part) for part in parts if len(next(iter(part.values())))]
    if not minutes:
        raise MarketHistoryError("expected trades, was a table without rows")
    whole = _joined(minutes)
    series = _series(whole, exchange, symbol)
    is_kept = np.ones(len(series), dtype=bool)
    if not has_whole_days:
        is_kept[[0, -1]] = False
        notes.append("the first and the last minute may be cut and are left out")
    kept = series.rows(is_kept)
    holes = np.append(whole.first_id[1:] != whole.last_id[:-1] + 1, True)
    holes |= whole.last_id == _NO_ID
    filled = _with_flat_minutes(kept, holes[is_kept])
    notes.append(f"made from {int(whole.counts.sum())} trades")
    if len(filled) > len(kept):
        notes.append(f"{len(filled) - len(kept)} minutes without a trade are flat candles")
    if not len(filled):
        raise MarketHistoryError("expected trades of more than two minutes, was less")
    return filled


def _minutes(part: dict[str, Any]) -> _Minutes:
    known = known_names(part)
    ts = times_ms(part[known["time"]])
    price = numbers(part[known["price"]], known["price"])
    amount = numbers(part[known["amount"]], known["amount"])
    is_something = (price != 0) | (amount != 0)  # the futures' stream has empty lines among trades
    if not bool((price[is_something] > 0).all() and (amount >= 0).all()):
        raise MarketHistoryError("expected prices above zero and amounts not below, were others")
    if bool((np.diff(ts) < 0).any()) or not is_something.all():
        order = np.argsort(ts, kind="stable")
        order = order[is_something[order]]
        ts, price, amount = ts[order], price[order], amount[order]
        part = {name: np.asarray(column)[order] for name, column in part.items()}
    if not len(ts):
        raise MarketHistoryError("expected trades, was a table of empty ones")
    opens = ts - ts % MINUTE_MS
    starts = np.flatnonzero(np.r_[True, np.diff(opens) != 0])
    ends = np.r_[starts[1:], len(opens)] - 1
    price, _ = _decimals(price, "prices")
    amount, places = _decimals(amount, "amounts")
    first_id, last_id = _ids(part, known)
    return _Minutes(
        opens[starts],
        {
            "open": price[starts],
            "high": np.maximum.reduceat(price, starts),
            "low": np.minimum.reduceat(price, starts),
            "close": price[ends],
        },
        np.add.reduceat(whole_units(amount, places), starts),
        places,
        np.add.reduceat(price * amount, starts),
        np.add.reduceat(last_id - first_id + 1, starts),
        *_spans(first_id, last_id, starts, ends),
    )


def _decimals(values: np.ndarray, what: str) -> tuple[np.ndarray, int]:
    """The numbers freed of the noise of float arithmetic, and their places."""
    places = decimal_places(values)
    if places is not None:
        return values, places
    for places in range(FALLBACK_PLACES + 1):
        cleaned = without_noise(values, places)
        if cleaned is not None:
            return cleaned, places
    raise MarketHistoryError(
        f"expected {what} of at most 12 decimal places and 15 digits, were longer ones"
    )


def _ids(part: dict[str, Any], known: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """First and last trade id of each row; a row of plain trades is one trade."""
    length = len(next(iter(part.values())))
    if "first_id" in known and "last_id" in known:
        names = (known["first_id"], known["last_id"])
    elif "trade_id" in known:
        names = (known["trade_id"], known["trade_id"])
    else:
        return np.full(length, _NO_ID), np.full(length, _NO_ID)
    try:
        first, last = (np.asarray(part[name]).astype(np.int64) for name in names)
    except (TypeError, ValueError):
        return np.full(length, _NO_ID), np.full(length, _NO_ID)
    return first, last


def _spans(
    first_id: np.ndarray, last_id: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ids of each minute, -1 where some between its first and its last are missing."""
    follows = np.r_[True, first_id[1:] == last_id[:-1] + 1]
    follows[starts] = True
    is_whole = np.logical_and.reduceat(follows & (first_id != _NO_ID), starts)
    return (
        np.where(is_whole, first_id[starts], _NO_ID),
        np.where(is_whole, last_id[ends], _NO_ID),
    )


def _joined(parts: list[_Minutes]) -> _Minutes:
    """The parts one behind the other; a minute that a part's end has cut becomes one again."""
    places = max(part.places for part in parts)
    open_ts = np.concatenate([part.open_ts for part in parts])
    if bool((np.diff(open_ts) < 0).any()):
        raise MarketHistoryError("expected trades in the order of time, were others; sort them")
    prices = {name: np.concatenate([part.prices[name] for part in parts]) for name in PRICE_COLUMNS}
    units = np.concatenate([part.units * 10 ** (places - part.places) for part in parts])
    first_id = np.concatenate([part.first_id for part in parts])
    last_id = np.concatenate([part.last_id for part in parts])
    starts = np.flatnonzero(np.r_[True, np.diff(open_ts) != 0])
    ends = np.r_[starts[1:], len(open_ts)] - 1
    return _Minutes(
        open_ts[starts],
        {
            "open": prices["open"][starts],
            "high": np.maximum.reduceat(prices["high"], starts),
            "low": np.minimum.reduceat(prices["low"], starts),
            "close": prices["close"][ends],
        },
        np.add.reduceat(units, starts),
        places,
        np.add.reduceat(np.concatenate([part.quote for part in parts]), starts),
        np.add.reduceat(np.concatenate([part.counts for part in parts]), starts),
        *_spans(first_id, last_id, starts, ends),
    )


def _series(whole: _Minutes, exchange: str, symbol: str) -> CandleSeries:
    prices = decimal_places(*whole.prices.values())
    if prices is None:
        raise MarketHistoryError("expected prices with at most 12 decimals, were longer ones")
    return CandleSeries(
        open_ts=whole.open_ts,
        **whole.prices,
        volume=whole.units / 10.0**whole.places,
        symbol=symbol,
        timeframe="1m",
        exchange=exchange,
        price_decimals=prices,
        amount_decimals=whole.places,
        quote_volume=whole.quote,
        trades=whole.counts,
    )


def _with_flat_minutes(series: CandleSeries, holes: np.ndarray) -> CandleSeries:
    """Flat candles after every candle that no hole follows."""
    if len(series) < 2:
        return series
    missing = np.diff(series.open_ts) // MINUTE_MS - 1
    repeats = np.append(np.where(holes[:-1], 0, missing), 0) + 1
    index = np.repeat(np.arange(len(series)), repeats)
    offset = np.arange(len(index)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    is_flat = offset > 0
    wide = series.rows(index)
    close = wide.close
    values: dict[str, Any] = {
        name: np.where(is_flat, close, getattr(wide, name)) for name in PRICE_COLUMNS
    }
    for name in ("volume", "quote_volume", "trades"):
        values[name] = np.where(is_flat, 0, getattr(wide, name))
    return CandleSeries(
        open_ts=wide.open_ts + offset * MINUTE_MS,
        **values,
        symbol=series.symbol,
        timeframe=series.timeframe,
        exchange=series.exchange,
        price_decimals=series.price_decimals,
        amount_decimals=series.amount_decimals,
    )
