"""A raw table and what is known of its file become a CandleSeries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from autotrade.infrastructure.market_history.decimals import (
    FALLBACK_PLACES,
    decimal_places,
    rounded_places,
    without_noise,
)
from autotrade.infrastructure.market_history.errors import (
    MarketHistoryError,
    MarketHistoryRefused,
)
from autotrade.infrastructure.market_history.importers.columns import (
    RawTable,
    numbers,
    one_word,
    require_candles,
    times_ms,
)
from autotrade.infrastructure.market_history.importers.file_names import Description
from autotrade.infrastructure.market_history.integrity import time_text
from autotrade.infrastructure.market_history.names import exchange_name, market_id, pair_name
from autotrade.infrastructure.market_history.series import (
    FLOAT_COLUMNS,
    NO_TRADES_KNOWN,
    PRICE_COLUMNS,
    CandleSeries,
)
from autotrade.infrastructure.market_history.timeframes import (
    TIMEFRAMES,
    find_timeframe,
    timeframe_of_steps,
)


def candles_of(table: RawTable, said: Description, asked: Description) -> CandleSeries:
    """The series of a table; `said` by the file's name, `asked` for by the user (stronger).

    Notes of what was taken for granted are added to `table.notes`. Raises `NotCandles`,
    `MarketHistoryRefused` when the user must say more, `MarketHistoryError` for bad values.
    """
    known = table.known()
    require_candles(known, list(table.columns))
    columns = table.columns
    if "symbol" in known and asked.symbol is not None:
        columns = _rows_of_pair(columns, known["symbol"], asked.symbol)
    open_ts = times_ms(columns[known["time"]])
    if not len(open_ts):
        raise MarketHistoryError("expected candles, was a table without rows")
    told = _told_by_columns(columns, known, asked)
    names = asked.filled(told).filled(table.told).filled(said)
    values: dict[str, Any] = {
        name: numbers(columns[known[name]], known[name]) for name in FLOAT_COLUMNS
    }
    decimals = _clean_decimals(values, table.notes)
    _note_order(open_ts, table.notes)
    return CandleSeries(
        open_ts=open_ts,
        **values,
        symbol=require_symbol(names),
        timeframe=_timeframe(open_ts, names.timeframe, asked),
        exchange=require_exchange(table, names),
        price_decimals=decimals[0],
        amount_decimals=decimals[1],
        quote_volume=_quote_volume(columns, known),
        trades=_trades(columns, known),
    )


def require_symbol(names: Description) -> str:
    if names.symbol is None:
        raise MarketHistoryRefused(
            "expected a pair in the file's name or content, was none; name it: --pair BTC/USDT"
        )
    return pair_name(names.symbol)


def require_exchange(table: RawTable, names: Description) -> str:
    """Raises `MarketHistoryRefused` when the user must name it."""
    if names.exchange is not None:
        return exchange_name(names.exchange)
    if names.is_archive:
        # Spot archives have no header line and since 2025 microseconds; the futures' have one.
        if table.has_header:
            table.notes.append("the header says USD-M futures; else name --exchange binance")
            return "binanceusdm"
        table.notes.append("taken as spot; else name --exchange binanceusdm")
        return "binance"
    raise MarketHistoryRefused(
        "expected an exchange in the file's name or folder, was none; name it: --exchange binance"
    )


def _told_by_columns(
    columns: dict[str, Any], known: dict[str, str], asked: Description
) -> Description:
    found: dict[str, str | None] = {}
    for name in ("exchange", "symbol", "timeframe"):
        has_answer = getattr(asked, name) is not None
        found[name] = (
            one_word(columns[known[name]], {"symbol": "pair"}.get(name, name))
            if name in known and not has_answer
            else None
        )
    timeframe = found["timeframe"]
    return Description(
        found["exchange"] and exchange_name(found["exchange"]),
        found["symbol"] and pair_name(found["symbol"]),
        timeframe and find_timeframe(timeframe),
    )


def _rows_of_pair(columns: dict[str, Any], name: str, symbol: str) -> dict[str, Any]:
    words = pa.chunked_array([columns[name]]) if isinstance(columns[name], list) else columns[name]
    words = pc.cast(words, pa.string())
    wanted = market_id(pair_name(symbol))
    known = {word: market_id(pair_name(word)) for word in pc.unique(words).to_pylist() if word}
    same = [word for word, identifier in known.items() if identifier == wanted]
    if not same:
        shown = ", ".join(sorted(known)[:5])
        raise MarketHistoryRefused(
            f"expected rows of {symbol}, the file has {shown}; name one of these with --pair"
        )
    mask = pc.is_in(words, value_set=pa.array(same))
    return {
        one: pc.filter(pa.array(column) if isinstance(column, list) else column, mask)
        for one, column in columns.items()
    }


def _timeframe(open_ts: np.ndarray, named: str | None, asked: Description) -> str:
    found = timeframe_of_steps(open_ts)
    if named is None and found is None:
        raise MarketHistoryRefused(
            "expected a timeframe in the file's name or in the distance of its candles, was "
            f"none of {', '.join(TIMEFRAMES)}; name it: --timeframe 1m"
        )
    if named is not None and found is not None and named != found and asked.timeframe is None:
        raise MarketHistoryRefused(
            f"expected candles of {named} as the file's name says, was mostly {found} between "
            "them; name the right one with --timeframe"
        )
    return named or found or ""


def _clean_decimals(values: dict[str, np.ndarray], notes: list[str]) -> tuple[int, int]:
    """Prove that each number is a decimal one; where it is not, make it one and say so."""
    prices = [values[name] for name in PRICE_COLUMNS]
    found = []
    for names, columns in ((PRICE_COLUMNS, prices), (("volume",), [values["volume"]])):
        places = decimal_places(*columns)
        if places is None:
            places = _mend(values, names, notes)
        found.append(places)
    return found[0], found[1]


def _mend(values: dict[str, np.ndarray], names: tuple[str, ...], notes: list[str]) -> int:
    what = "prices" if len(names) > 1 else "volumes"
    for places in range(FALLBACK_PLACES + 1):
        mended = [without_noise(values[name], places) for name in names]
        if all(column is not None for column in mended):
            values.update(zip(names, (column for column in mended), strict=True))  # type: ignore[arg-type]
            notes.append(f"{what} freed of the noise of float arithmetic ({places} decimals)")
            return decimal_places(*(values[name] for name in names)) or 0
    for name in names:
        values[name] = rounded_places(values[name], FALLBACK_PLACES)
    notes.append(f"{what} had no end of decimals and were rounded to {FALLBACK_PLACES}")
    return FALLBACK_PLACES


def _note_order(open_ts: np.ndarray, notes: list[str]) -> None:
    steps = np.diff(open_ts)
    if bool((steps < 0).any()):
        newest_first = bool((steps < 0).all())
        notes.append("newest first, turned round" if newest_first else "not in order, sorted")
    doubles = len(open_ts) - len(np.unique(open_ts))
    if doubles:
        times, counts = np.unique(open_ts, return_counts=True)
        first = time_text(int(times[counts > 1][0]))
        notes.append(f"{doubles} candles were there twice, the first at {first}")


def _quote_volume(columns: dict[str, Any], known: dict[str, str]) -> np.ndarray | None:
    name = known.get("quote_volume")
    return None if name is None else numbers(columns[name], name)


def _trades(columns: dict[str, Any], known: dict[str, str]) -> np.ndarray | None:
    name = known.get("trades")
    if name is None:
        return None
    counts = numbers(columns[name], name)
    is_known = np.isfinite(counts)
    return np.where(is_known, np.rint(np.where(is_known, counts, 0)), NO_TRADES_KNOWN).astype(
        np.int64
    )
