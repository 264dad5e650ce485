"""Candles of the modelled market without its sockets and books: a year in seconds.

The model's own minutes (`price_path`: regimes, two volatilities, fat tails, correlated pairs) are
drawn month by month, one session of the model each: its volatility starts afresh with a month, the
price goes on. Inside a minute nothing is drawn but the extremes, as of a Brownian bridge between
open and close, and the shares that `modelled_history` gives to the candles before a start. So the
facts of minutes hold; what happens inside a minute, the book and single trades are not there.
A longer series begins with the shorter one of the same seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace as changed
from random import Random

import numpy as np

from autotrade.infrastructure.market_history.candle_store import CandleStore
from autotrade.infrastructure.market_history.errors import MarketHistoryRefused
from autotrade.infrastructure.market_history.integrity import time_text
from autotrade.infrastructure.market_history.names import market_id, pair_name
from autotrade.infrastructure.market_history.series import CandleSeries, joined
from autotrade.infrastructure.market_history.timeframes import DAY_MS, MINUTE_MS
from autotrade.infrastructure.simulated_exchange.market.listings import LISTINGS, Listing
from autotrade.infrastructure.simulated_exchange.market.price_path import (
    CommonFactor,
    PairPath,
    stream,
)

EXCHANGE = "modelled"
START_MS = 1_704_067_200_000
"""2024-01-01T00:00Z; the prices are the listings' own, of 2025-06."""
SESSION_DAYS = 30
DAYS_MAX = 3_660
_FIRST_SESSION = 1_000
"""Sessions of a running exchange count from 0; candles never repeat one of theirs."""


def source_of(seed: int) -> str:
    """How the store remembers which market it is."""
    return f"modelled market, seed {seed}"


def modelled_candles(
    symbol: str,
    seed: int,
    days: int,
    progress: Callable[[int, int], None] = lambda done, days: None,
) -> CandleSeries:
    """1-minute candles of the modelled market, `days` from 2024-01-01 on. Deterministic.

    Raises `MarketHistoryRefused` for a pair that the model does not list. `progress` hears of the
    days that are done and of all.
    """
    listing = LISTINGS.get(market_id(pair_name(symbol)))
    if listing is None:
        raise MarketHistoryRefused(
            f"expected a pair that the modelled market lists, was {symbol}; it lists "
            f"{', '.join(pair_name(name) for name in LISTINGS)}"
        )
    if not 1 <= days <= DAYS_MAX:
        raise MarketHistoryRefused(f"expected 1 to {DAYS_MAX} days, was {days}")
    parts = []
    price = round(listing.price / float(listing.market.tick_size))
    for done in range(0, days, SESSION_DAYS):
        session = _FIRST_SESSION + done // SESSION_DAYS
        part = _session(listing, seed, session, START_MS + done * DAY_MS, price)
        price = int(part.units("close")[-1])
        parts.append(part)
        progress(min(days, done + SESSION_DAYS), days)
    return joined(parts).slice(START_MS, START_MS + days * DAY_MS)


def stored_modelled_candles(
    store: CandleStore,
    symbol: str,
    seed: int,
    days: int,
    *,
    replace: bool = False,
    exchange: str = EXCHANGE,
    progress: Callable[[int, int], None] = lambda done, days: None,
) -> CandleSeries:
    """As `modelled_candles`, from the store, and put there first where it has fewer days.

    Another seed's candles under the same name are never mixed in: they raise
    `MarketHistoryRefused`, or with `replace` make room.
    """
    wanted = source_of(seed)
    end_ms = START_MS + days * DAY_MS
    facts = store.facts(exchange, symbol, "1m")
    if facts is not None and facts.sources != (wanted,):
        if not replace:
            raise MarketHistoryRefused(
                f"expected {exchange} {pair_name(symbol)} 1m of the {wanted}, was of the "
                f"{', '.join(facts.sources) or 'unknown source'}; use --replace, or keep both with "
                f"--exchange modelled{seed}"
            )
        store.delete(exchange, symbol, "1m")
        facts = None
    if facts is None or facts.last_ms is None or facts.last_ms + MINUTE_MS < end_ms:
        made = modelled_candles(symbol, seed, days, progress)
        if exchange != made.exchange:
            made = renamed(made, exchange)
        store.save(made, sources=[wanted], replace=replace)
    return store.load(exchange, symbol, "1m", START_MS, end_ms)


def renamed(series: CandleSeries, exchange: str) -> CandleSeries:
    """The same candles under another exchange's name."""
    return changed(series, exchange=exchange)


def _session(
    listing: Listing, seed: int, session: int, start_ms: int, start_price: int
) -> CandleSeries:
    """One month of minutes from a price (ticks) on."""
    minutes = SESSION_DAYS * DAY_MS // MINUTE_MS
    factor = CommonFactor(seed, session, start_ms, minutes)
    path = PairPath(listing, factor, seed, session, start_ms)
    rng = stream(seed, session, f"month {listing.market.symbol}")
    market = listing.market
    price_places = -int(market.tick_size.as_tuple().exponent)
    amount_places = -int(market.lot_size.as_tuple().exponent)
    tick, lot = float(market.tick_size), float(market.lot_size)
    rows = _rows(listing, path, rng, start_price, tick * lot)
    prices = np.array([row[:4] for row in rows], dtype=np.int64) / 10.0**price_places
    lots = np.array([row[4] for row in rows], dtype=np.int64)
    open_ts = start_ms + np.arange(minutes, dtype=np.int64) * MINUTE_MS
    return CandleSeries(
        open_ts=open_ts,
        open=prices[:, 0],
        high=prices[:, 1],
        low=prices[:, 2],
        close=prices[:, 3],
        volume=lots / 10.0**amount_places,
        symbol=f"{market.base}/{market.quote}",
        timeframe="1m",
        exchange=EXCHANGE,
        price_decimals=price_places,
        amount_decimals=amount_places,
        quote_volume=np.array([row[5] for row in rows], dtype=np.int64) * tick * lot,
        trades=np.array([row[6] for row in rows], dtype=np.int64),
    )


def _rows(
    listing: Listing, path: PairPath, rng: Random, start_price: int, unit: float
) -> list[tuple[int, ...]]:
    """Open, high, low, close (ticks), volume (lots), quote volume (ticks x lots), trades.

    The extremes of a Brownian bridge of log prices: with change d over a minute of variance v, the
    reach above the higher end is (sqrt(d**2 - 2 v ln u) - |d|) / 2 for a uniform u (the law of the
    maximum of a bridge; Borodin and Salminen, Handbook of Brownian Motion, 2002).
    """
    uniform, log, root, exp = rng.random, math.log, math.sqrt, math.exp
    level, opened, rows = 0.0, start_price, []
    common_sd = path.common_sd
    orders = 60 * listing.orders_per_second * 1.15
    for minute, change in zip(path.past, path.past_returns, strict=True):
        level += change
        close = max(1, round(start_price * exp(level)))
        variance = (common_sd * minute.common.scale) ** 2 * minute.common.mixing
        variance += minute.scale**2 * minute.mixing
        moved = abs(log(close / opened))
        above = (root(moved**2 - 2 * variance * log(1.0 - uniform())) - moved) / 2
        below = (root(moved**2 - 2 * variance * log(1.0 - uniform())) - moved) / 2
        upper, lower = (opened, close) if opened > close else (close, opened)
        high = max(upper, round(upper * exp(above)))
        low = max(1, min(lower, round(lower * exp(-below))))
        typical = (opened + high + low + close) / 4
        volume = max(4, round(minute.quote_volume / (typical * unit)))
        trades = max(1, min(volume, round(orders * minute.activity * (0.85 + 0.3 * uniform()))))
        rows.append((opened, high, low, close, volume, volume * round(typical), trades))
        opened = close
    return rows


def describe_range(days: int) -> str:
    """`2024-01-01 00:00 to 2024-01-30 23:59`."""
    return f"{time_text(START_MS)} to {time_text(START_MS + days * DAY_MS - MINUTE_MS)}"
