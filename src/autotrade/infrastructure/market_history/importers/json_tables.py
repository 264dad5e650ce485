"""JSON candles: a list of rows, a list of objects, or columns, perhaps inside an envelope."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from autotrade.infrastructure.market_history.errors import MarketHistoryError, NotCandles
from autotrade.infrastructure.market_history.importers.columns import (
    RawTable,
    is_trade_table,
    known_names,
    require_candles,
)
from autotrade.infrastructure.market_history.importers.text_tables import ARCHIVE_KLINES

_ENVELOPES = ("data", "candles", "klines", "ohlcv", "result", "rows", "values")


def read_json(data: bytes) -> RawTable:
    """Raises `NotCandles` for JSON that holds no table."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _no_json(data, error) from error
    names = None
    about: dict[str, str] = {}
    while isinstance(value, dict):
        if len(known_names(value)) >= 6 and all(isinstance(one, list) for one in value.values()):
            return RawTable({name: _column(values) for name, values in value.items()}, "JSON")
        names = value.get("columns") or value.get("fields") or names
        about |= {name: one for name, one in value.items() if isinstance(one, str)}
        inner = next((value[name] for name in _ENVELOPES if name in value), None)
        if inner is None:
            raise NotCandles("expected a list of candles, was a JSON object without one")
        value = inner
    if not isinstance(value, list) or not value:
        raise MarketHistoryError("expected a list of candles, was an empty one")
    table = _of_objects(value) if isinstance(value[0], dict) else _of_rows(value, names)
    for name, word in about.items():
        if name in ("symbol", "pair", "timeframe", "interval", "exchange"):
            table.columns.setdefault(name, [word] * len(value))
    return table


def _no_json(data: bytes, error: Exception) -> MarketHistoryError:
    first = data.split(b"\n", 1)[0]
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        return MarketHistoryError(f"expected whole JSON, was a damaged file ({error})")
    return NotCandles("expected one JSON list of candles, was lines of JSON")


def _of_objects(rows: list[Any]) -> RawTable:
    names = list(rows[0])
    known = known_names(names)
    if not is_trade_table(known, names):
        require_candles(known, names)
    try:
        columns = {name: _column([row[name] for row in rows]) for name in names}
    except (KeyError, TypeError) as error:
        raise MarketHistoryError(
            f"expected the same names in every candle, one lacks {error}"
        ) from error
    return RawTable(columns, "JSON")


def _of_rows(rows: list[Any], names: list[str] | None) -> RawTable:
    width = len(rows[0]) if isinstance(rows[0], list) else 0
    if any(not isinstance(row, list) or len(row) != width for row in rows):
        raise MarketHistoryError(f"expected rows of one width ({width}), were others among them")
    if names is None:
        if width >= len(ARCHIVE_KLINES) - 1:
            names = list(ARCHIVE_KLINES[:width])
        elif width == 6:
            return _of_six(rows)
        else:
            raise NotCandles(
                "expected rows of time, open, high, low, close and volume, was "
                f"{width} values in a row"
            )
    columns = {name: _column([row[index] for row in rows]) for index, name in enumerate(names)}
    return RawTable(columns, "JSON", has_header=False)


def _of_six(rows: list[Any]) -> RawTable:
    """Rows as ccxt and freqtrade write them, or as Jesse does: time, open, close, high, low."""
    values = [_column([row[index] for row in rows]) for index in range(6)]
    order = ["time", "open", "high", "low", "close", "volume"]
    notes = []
    if not _is_possible(values, 2, 3, 4) and _is_possible(values, 3, 4, 2):
        order = ["time", "open", "close", "high", "low", "volume"]
        notes.append("read as Jesse's rows: time, open, close, high, low, volume")
    columns = dict(zip(order, values, strict=True))
    return RawTable(columns, "JSON", has_header=False, notes=notes)


def _is_possible(values: list[Any], high: int, low: int, close: int) -> bool:
    try:
        opens, highs, lows, closes = (
            np.array(values[index], dtype=np.float64) for index in (1, high, low, close)
        )
    except (TypeError, ValueError):
        return False
    return bool(
        (highs >= np.maximum(opens, closes)).all() and (lows <= np.minimum(opens, closes)).all()
    )


def _column(values: list[Any]) -> Any:
    """Numbers as numbers; whatever mixes kinds as text, so that no digit is lost."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int}:
        return values
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(value) for value in values]
