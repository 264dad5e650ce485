"""A table of any tool becomes columns we know: names, units of time, numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from autotrade.infrastructure.market_history.errors import MarketHistoryError, NotCandles
from autotrade.infrastructure.market_history.importers.file_names import Description

NAMES: dict[str, tuple[str, ...]] = {
    "time": (
        "open_ts", "open_time", "opentime", "open_timestamp", "timestamp", "time", "unix",
        "unix_timestamp", "ts", "t", "date", "datetime", "start_time", "starttime",
        "time_period_start", "candle_begin_time", "gmt_time", "transact_time", "transactiontime",
        "trade_time", "time_seconds", "__index_level_0__", "index", "",
    ),
    "open": ("open", "o", "open_price", "price_open"),
    "high": ("high", "h", "high_price", "price_high", "max"),
    "low": ("low", "l", "low_price", "price_low", "min"),
    "close": ("close", "c", "close_price", "price_close"),
    "volume": ("volume", "vol", "v", "base_volume", "volume_base", "volume_traded", "amount"),
    "quote_volume": (
        "quote_volume", "quote_asset_volume", "quotevolume", "quoteassetvolume", "qav",
        "quote_av", "volume_quote", "quote_vol", "turnover",
    ),
    "trades": (
        "trades", "number_of_trades", "numberoftrades", "num_trades", "count", "tradecount",
        "trade_count", "trades_count", "nb_trades", "n",
    ),
    "symbol": ("symbol", "pair", "ticker", "tic", "coin", "instrument", "market"),
    "timeframe": ("timeframe", "interval", "tf", "resolution"),
    "exchange": ("exchange", "venue"),
    "price": ("price", "p"),
    "amount": ("qty", "quantity", "amount", "size", "q"),
    "trade_id": ("agg_trade_id", "trade_id", "tradeid", "id", "a"),
    "first_id": ("first_trade_id", "f"),
    "last_id": ("last_trade_id",),
}  # fmt: skip
"""The names that tools give to a column, the surest first."""

CANDLES = ("time", "open", "high", "low", "close", "volume")
TRADES = ("time", "price", "amount")
_BOOK_NAMES = frozenset(
    {"isask", "is_ask", "isbid", "is_bid", "lastupdateid", "firstupdateid", "finalupdateid"}
)
_VOLUME_IN = re.compile(r"volume_?\(?([a-z0-9]{2,8})\)?")
_LIMITS = ((1e11, 1000.0), (1e14, 1.0), (1e17, 1e-3), (float("inf"), 1e-6))
"""Times of today below 1e11 are seconds, below 1e14 ms, below 1e17 us, else ns; factor to ms."""


@dataclass(slots=True)
class RawTable:
    """Columns as a file has them, by its own names."""

    columns: dict[str, Any]
    """pyarrow arrays or numpy arrays, all of one length."""
    format: str
    """For people: CSV, JSON, Parquet, Feather."""
    has_header: bool = True
    notes: list[str] = field(default_factory=list)
    """What was taken for granted or mended, for people."""
    told: Description = field(default_factory=Description)
    """What the file's own metadata say."""

    def known(self) -> dict[str, str]:
        """Our name of a column -> the file's."""
        return known_names(self.columns)


def plain_name(name: str) -> str:
    return re.sub(r"[\s\-.]+", "_", str(name).strip().lower())


def known_names(names: Sequence[str] | Mapping[str, Any]) -> dict[str, str]:
    """Our name -> the file's name of it, for every column we understand."""
    given = {plain_name(name): name for name in reversed(list(names))}
    found: dict[str, str] = {}
    for ours, theirs in NAMES.items():
        match = next((given[name] for name in theirs if name in given), None)
        if match is not None:
            found[ours] = match
    if "volume" not in found:
        found.update(_volumes_by_currency(list(names)))
    return found


def _volumes_by_currency(names: list[str]) -> dict[str, str]:
    """`Volume BTC` and `Volume USDT`: base first, quote second, as the tools write them."""
    named = [name for name in names if _VOLUME_IN.fullmatch(plain_name(name))]
    return dict(zip(("volume", "quote_volume"), named, strict=False))


def is_trade_table(known: Mapping[str, str], names: Sequence[str] | Mapping[str, Any]) -> bool:
    """Time, price and amount, and not a book's levels, which have these too."""
    plain = {plain_name(name) for name in names}
    is_book = bool(plain & _BOOK_NAMES)
    return all(name in known for name in TRADES) and "open" not in known and not is_book


def require_candles(known: Mapping[str, str], columns: Sequence[str]) -> None:
    """Raises `NotCandles` that names what is missing."""
    missing = [name for name in CANDLES if name not in known]
    if missing:
        has = ", ".join(str(name) for name in list(columns)[:12]) or "none"
        raise NotCandles(
            f"expected the columns time, open, high, low, close and volume, lacks "
            f"{', '.join(missing)} (it has {has})"
        )


def numbers(column: Any, name: str) -> np.ndarray:
    """The column as floats; text is read exactly, nothing is NaN."""
    array = _arrow(column)
    try:
        if pa.types.is_decimal(array.type):
            array = pc.cast(array, pa.string())
        array = pc.cast(array, pa.float64(), safe=False)
    except pa.ArrowException as error:
        raise NotCandles(f"expected numbers in the column {name} ({_first_line(error)})") from error
    return array.fill_null(float("nan")).to_numpy(zero_copy_only=False)


def one_word(column: Any, name: str) -> str:
    """The one value of a column of names; raises `MarketHistoryError` when there are several."""
    words = [str(word) for word in pc.unique(_arrow(column)).to_pylist() if word is not None]
    if len(words) == 1:
        return words[0]
    shown = ", ".join(sorted(words)[:4])
    raise MarketHistoryError(
        f"expected one {name} in a file, was {len(words)} ({shown}); name the one you want"
    )


def times_ms(column: Any) -> np.ndarray:
    """Open times in milliseconds UTC, from seconds, ms, us, ns, time stamps or ISO text."""
    array = _arrow(column)
    if array.null_count:
        raise MarketHistoryError(f"expected a time in every row, {array.null_count} rows have none")
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _times_of_text(array)
    if pa.types.is_date(kind):
        array = pc.cast(array, pa.timestamp("ms"))
        kind = array.type
    if pa.types.is_timestamp(kind):
        array = pc.cast(array, pa.timestamp("ms", tz=kind.tz), safe=False)
        return pc.cast(array, pa.int64()).to_numpy(zero_copy_only=False)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _times_of_numbers(array)
    raise MarketHistoryError(f"expected times as numbers or text, was {kind}")


def _times_of_numbers(array: Any) -> np.ndarray:
    if pa.types.is_decimal(array.type):
        array = pc.cast(array, pa.float64())
    values = array.to_numpy(zero_copy_only=False)
    if not len(values):
        return values.astype(np.int64)
    low, high = float(values.min()), float(values.max())
    factors = [next(factor for limit, factor in _LIMITS if bound < limit) for bound in (low, high)]
    if low < 0 or factors[0] != factors[1]:
        raise MarketHistoryError(
            f"expected times in one unit, was {low:.0f} to {high:.0f}; mend the file or split it"
        )
    factor = factors[0]
    if np.issubdtype(values.dtype, np.integer):
        whole = values.astype(np.int64)
        return whole * int(factor) if factor >= 1 else whole // round(1 / factor)
    return np.rint(values * factor).astype(np.int64)


def _times_of_text(array: Any) -> np.ndarray:
    """Numbers in quotes, ISO with or without a zone, with `T` or a space."""
    for kind in (pa.int64(), pa.float64()):
        try:
            return _times_of_numbers(pc.cast(array, kind))
        except pa.ArrowException:
            continue
    for zone in (None, "UTC"):
        try:
            stamps = pc.cast(array, pa.timestamp("us", tz=zone))
            return pc.cast(stamps, pa.int64()).to_numpy(zero_copy_only=False) // 1000
        except pa.ArrowException:
            continue
    try:
        return np.array([_iso_ms(text) for text in array.to_pylist()], dtype=np.int64)
    except ValueError:
        first = array[0].as_py() if len(array) else ""
        raise MarketHistoryError(
            f'expected times as numbers or like 2024-01-31 13:05:00 (UTC), was "{first}"'
        ) from None


def _iso_ms(text: str) -> int:
    moment = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _arrow(column: Any) -> Any:
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column if isinstance(column, pa.Array) else pa.array(column)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
