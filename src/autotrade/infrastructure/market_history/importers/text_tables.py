"""CSV and its cousins: delimiter, header and width are found in the first lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]

from autotrade.infrastructure.market_history.errors import MarketHistoryError, NotCandles
from autotrade.infrastructure.market_history.importers.columns import RawTable, known_names

ARCHIVE_KLINES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume",
    "trades", "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
_ARCHIVE_AGG_TRADES = (
    "agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time",
    "is_buyer_maker", "is_best_match",
)  # fmt: skip
_ARCHIVE_TRADES = (
    "trade_id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match",
)  # fmt: skip
_PLAIN_CANDLES = ("time", "open", "high", "low", "close", "volume")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*")
_FLOATS = (
    "open", "high", "low", "close", "volume", "quote_volume", "price", "amount",
)  # fmt: skip
_BLOCK_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class TextShape:
    """How a text table is written."""

    delimiter: str
    names: tuple[str, ...]
    """Of the header; empty without one."""
    width: int
    skipped_lines: int
    """Before the header or the first row: a title, an address."""

    @classmethod
    def of(cls, head: bytes) -> TextShape:
        """Raises `NotCandles` for what is no table of text."""
        try:
            text = head.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                raise NotCandles("expected text, Parquet, Feather, zip or gzip, was else") from None
            text = head[: error.start].decode("utf-8-sig")
        lines = text.splitlines()
        rows = [line for line in lines[:40] if line.strip()]
        if not rows:
            raise NotCandles("expected a table, was an empty text")
        if any("{" in row for row in rows):
            raise NotCandles(
                "expected a table, was lines with JSON; a raw L2 capture stays what it is, see "
                "`python main.py exchange --recording`"
            )
        sample = rows[-2] if len(rows) > 2 else rows[-1]
        delimiter = max(",;\t|", key=sample.count)
        width = len(next(csv.reader([sample], delimiter=delimiter)))
        skipped = 0
        for line in lines:
            cells = next(csv.reader([line], delimiter=delimiter), [])
            if len(cells) == width and not line.startswith("#"):
                break
            skipped += 1
        else:
            raise NotCandles("expected rows of one width")
        if width < 3:
            raise NotCandles(f"expected a table of at least 3 columns, was {width}")
        is_header = not any(
            _NUMBER.fullmatch(cell.strip()) or _DATE.fullmatch(cell.strip()) for cell in cells
        )
        if is_header and len(rows) < 2:
            raise MarketHistoryError("expected candles, was a table without rows")
        return cls(delimiter, tuple(cells) if is_header else (), width, skipped)

    def column_names(self, has_agg_trades: bool = False, has_trades: bool = False) -> list[str]:
        """The header's names, else those of the known table of this width."""
        if self.names:
            return list(self.names)
        if has_agg_trades and self.width in (7, 8):
            return list(_ARCHIVE_AGG_TRADES[: self.width])
        if has_trades and self.width in (6, 7):
            return list(_ARCHIVE_TRADES[: self.width])
        if self.width == len(ARCHIVE_KLINES):
            return list(ARCHIVE_KLINES)
        if self.width == len(_PLAIN_CANDLES):
            return list(_PLAIN_CANDLES)
        raise NotCandles(
            "expected a header, or 12 columns as in Binance's archive, or 6 (time, open, high, "
            f"low, close, volume), was {self.width} columns without a header"
        )


def read_text(stream: IO[bytes], shape: TextShape) -> RawTable:
    """The whole table."""
    names = shape.column_names()
    table = pa_csv.read_csv(stream, **_options(shape, names))
    return RawTable(
        {name: table[name] for name in table.column_names}, "CSV", has_header=bool(shape.names)
    )


def read_batches(stream: IO[bytes], shape: TextShape, names: list[str]) -> Iterator[dict[str, Any]]:
    """The table in parts of a few megabytes, for files that are larger than the memory."""
    with pa_csv.open_csv(stream, **_options(shape, names)) as reader:
        for batch in reader:
            yield {name: batch.column(index) for index, name in enumerate(names)}


def _options(shape: TextShape, names: list[str]) -> dict[str, Any]:
    unique = [name or f"column_{index}" if index else name for index, name in enumerate(names)]
    known = known_names(unique)
    types = {known[name]: pa.float64() for name in _FLOATS if name in known}
    return {
        "read_options": pa_csv.ReadOptions(
            column_names=unique,
            skip_rows=shape.skipped_lines + bool(shape.names),
            block_size=_BLOCK_BYTES,
        ),
        "parse_options": pa_csv.ParseOptions(delimiter=shape.delimiter),
        "convert_options": pa_csv.ConvertOptions(
            column_types=types, null_values=["", "NaN", "nan"]
        ),
    }
