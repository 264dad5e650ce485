"""Recorded 1-minute candles as a market: trades and a book are modelled around them.

Exact is the candle: rebuilt from the trades it has the recorded open, high, low, close and volume,
in whole ticks and lots. Everything within the minute is modelled from a seed: how many trades, at
which moments, in which order the extremes were touched, the book and its depth. A minute without
volume has no trades (a candle rebuilt for it is flat at the close before); a minute that is missing
in the file stays missing. Tick and lot are the listed ones where the data lies on their grid, else
the largest powers of ten that hold it.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.types import Market, Side
from autotrade.infrastructure.simulated_exchange.market.book_model import BookModel, BookShape
from autotrade.infrastructure.simulated_exchange.market.candle_path import (
    MINUTE_MS,
    LotCandle,
    PathTrade,
    candle_trades,
    is_possible,
)
from autotrade.infrastructure.simulated_exchange.market.errors import MarketSourceError
from autotrade.infrastructure.simulated_exchange.market.listings import (
    listing_for,
    market_on_grid,
)
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketLevels,
    MarketTrade,
    SourceCandle,
)

COLUMNS = ("open_time", "open", "high", "low", "close", "volume")
HISTORY_CANDLES = 1_500
_DEFAULT_START = 1_000
_TRADES_A_MINUTE = 40
_QUIET_CHANGES_A_MINUTE = 60
_SYMBOL = re.compile(r"(?<![A-Z0-9])([A-Z0-9]{2,14}(?:USDT|USDC|FDUSD|BUSD|BTC|ETH|BNB))(?![A-Z])")


@dataclass(slots=True)
class _FileCandles:
    """One file's candles as stored."""

    symbol: str
    path: Path
    open_ts: Any
    values: dict[str, Any]

    def between(self, start_ts: int, end_ts: int) -> _FileCandles:
        """Those that are replayed, and those before them that serve as history."""
        first = max(0, int(self.open_ts.searchsorted(start_ts)) - HISTORY_CANDLES)
        rows = slice(first, int(self.open_ts.searchsorted(end_ts)))
        values = {name: column[rows] for name, column in self.values.items()}
        return replace(self, open_ts=self.open_ts[rows], values=values)

    def on_grid(self) -> _Columns:
        """Choose tick and lot so that every number is a whole multiple."""
        places = max(
            _decimal_places(self.values[name]) for name in ("open", "high", "low", "close")
        )
        market = market_on_grid(self.symbol, places, _decimal_places(self.values["volume"]))
        columns = _Columns(
            self.symbol,
            self.path,
            self.open_ts,
            self.values,
            market,
            price_scale=10 ** -int(market.tick_size.as_tuple().exponent),
            amount_scale=10 ** -int(market.lot_size.as_tuple().exponent),
        )
        return _with_fine_lots(columns)


@dataclass(slots=True)
class _Columns:
    """The candles of one pair, and the grid they lie on."""

    symbol: str
    path: Path
    open_ts: Any
    values: dict[str, Any]
    market: Market
    price_scale: int
    amount_scale: int
    """Ticks and lots of 1; both are powers of ten."""

    def candle(self, index: int) -> LotCandle:
        def ticks(name: str) -> int:
            return round(float(self.values[name][index]) * self.price_scale)

        return LotCandle(
            int(self.open_ts[index]),
            ticks("open"),
            ticks("high"),
            ticks("low"),
            ticks("close"),
            round(float(self.values["volume"][index]) * self.amount_scale),
        )


class CandleReplay:
    """A `MarketSource` of one or several pairs' recorded candles, one Parquet file a pair."""

    def __init__(
        self,
        files: Sequence[Path],
        symbols: Sequence[str] | None = None,
        *,
        seed: int = 0,
        start: str | None = None,
        minutes: int | None = None,
    ) -> None:
        if symbols is not None and len(symbols) != len(files):
            names = [_symbol_of(path) for path in files]
            missing = [symbol for symbol in symbols if symbol not in names]
            if missing:
                raise MarketSourceError(
                    f"expected recorded symbols, was {', '.join(missing)}: "
                    f"the files hold {', '.join(names)}"
                )
            files = [files[names.index(symbol)] for symbol in symbols]
        names = [_symbol_of(path, known) for path, known in _named(files, symbols)]
        double = {name for name in names if names.count(name) > 1}
        if double:
            raise MarketSourceError(
                f"expected one file a pair, were several for {', '.join(sorted(double))}"
            )
        self._seed = seed
        files_read = [_load(path, name) for path, name in zip(files, names, strict=True)]
        self._start_ts = _choose_start(start, [read.open_ts for read in files_read])
        last = max(int(read.open_ts[-1]) for read in files_read) + MINUTE_MS
        self._end_ts = last if minutes is None else min(last, self._start_ts + minutes * MINUTE_MS)
        self._tables = [read.between(self._start_ts, self._end_ts).on_grid() for read in files_read]
        self._iterated = False

    @property
    def description(self) -> str:
        names = ", ".join(table.symbol for table in self._tables)
        return (
            f"recorded 1-minute candles of {names} from {_text(self._start_ts)}; the trades and "
            f"the book inside each minute are modelled (seed {self._seed})"
        )

    @property
    def markets(self) -> Sequence[Market]:
        return [table.market for table in self._tables]

    @property
    def start_ts(self) -> int:
        return self._start_ts

    @property
    def end_ts(self) -> int | None:
        return self._end_ts

    def history(self, symbol: str, count: int) -> list[SourceCandle]:
        """Recorded candles; of quote volume, trade count and taker share, which the file has not,
        plausible values: volume at the typical price, one trade a minute, half of it bought."""
        table = next((table for table in self._tables if table.symbol == symbol), None)
        if table is None or count <= 0:
            return []
        end = int(table.open_ts.searchsorted(self._start_ts))
        first = max(0, end - min(count, HISTORY_CANDLES))
        return [_history_candle(table, index) for index in range(first, end)]

    def facts(self) -> Iterator[MarketFact]:
        if self._iterated:
            raise MarketSourceError("expected one iteration of a market's facts, was a second one")
        self._iterated = True
        pairs = [_PairReplay(table, self._seed, self._start_ts) for table in self._tables]
        for pair in pairs:
            yield pair.opening()
        streams = [pair.facts(self._end_ts) for pair in pairs]
        yield from heapq.merge(*streams, key=lambda fact: fact.ts)


class _PairReplay:
    """One pair's candles, in turn, with its modelled book."""

    def __init__(self, table: _Columns, seed: int, start_ts: int) -> None:
        self._table = table
        self._seed = seed
        self._start_ts = start_ts
        self._index = int(table.open_ts.searchsorted(start_ts))
        first = table.candle(min(self._index, len(table.open_ts) - 1))
        price = first.open * float(table.market.tick_size)
        self._listing = listing_for(table.market, price)
        self._rng = Random(f"{seed}/{table.symbol}/book")
        self._shape_ticks = first.open
        shape = BookShape.of(self._listing, price)
        bid = max(1, first.open - 1)
        self._book = BookModel(shape, self._rng, bid, bid + 1)

    def opening(self) -> MarketLevels:
        book = self._book
        return MarketLevels(
            self._start_ts,
            self._table.symbol,
            book.bids.drain(),
            book.asks.drain(),
            is_snapshot=True,
        )

    def facts(self, end_ts: int) -> Iterator[MarketFact]:
        table = self._table
        for index in range(self._index, len(table.open_ts)):
            candle = table.candle(index)
            if candle.open_ts >= end_ts:
                return
            rng = Random(f"{self._seed}/{table.symbol}/{candle.open_ts}")
            wanted = round(_TRADES_A_MINUTE * (0.5 + rng.random()))
            trades = candle_trades(candle, rng, wanted)
            moments = [rng.randrange(MINUTE_MS) for _ in range(_QUIET_CHANGES_A_MINUTE)]
            schedule: list[tuple[int, PathTrade | None]] = [(moment, None) for moment in moments]
            schedule += [(trade.offset_ms, trade) for trade in trades]
            schedule.sort(key=lambda item: item[0])
            for offset_ms, trade in schedule:
                yield from self._moment(candle.open_ts + offset_ms, trade)

    def _moment(self, ts: int, trade: PathTrade | None) -> Iterator[MarketFact]:
        book, rng = self._book, self._rng
        if trade is not None:
            buys = trade.taker is Side.BUY
            if (book.asks.best > trade.price) if buys else (book.bids.best < trade.price):
                self._bring_touch_to(trade.price, buys=buys)
                yield from self._changes(ts)
            yield MarketTrade(ts, self._table.symbol, trade.price, trade.lots, trade.taker)
            self._bring_touch_to(trade.price, buys=buys)
            (book.asks if buys else book.bids).take(trade.lots)
            if not 0.9 < trade.price / self._shape_ticks < 1.1:
                self._shape_ticks = trade.price
                price = trade.price * float(self._table.market.tick_size)
                book.reshape(BookShape.of(self._listing, price))
        book.bids.churn(int(rng.random() * 6))
        book.asks.churn(int(rng.random() * 6))
        yield from self._changes(ts)

    def _bring_touch_to(self, price: int, *, buys: bool) -> None:
        """The best ask of a buy, the best bid of a sell, is the trade's price."""
        if buys:
            self._book.move(price - 1, price)
        else:
            self._book.move(price, price + 1)

    def _changes(self, ts: int) -> Iterator[MarketLevels]:
        bids, asks = self._book.bids.drain(), self._book.asks.drain()
        if bids or asks:
            yield MarketLevels(ts, self._table.symbol, bids, asks)


# --- files -----------------------------------------------------------------------------------


def parse_start(text: str) -> int:
    """Milliseconds of `YYYY-MM-DD[THH:MM]` in UTC, at a full minute."""
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError as error:
        raise MarketSourceError(
            f"expected a start like 2023-05-01T08:30 (UTC), was {text!r}"
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) // 60 * MINUTE_MS


def _choose_start(start: str | None, times: Sequence[Any]) -> int:
    """The user's start, else the thousandth candle (the middle of a shorter file)."""
    first = max(int(open_ts[0]) for open_ts in times)
    last = min(int(open_ts[-1]) for open_ts in times)
    if first > last:
        raise MarketSourceError("expected candles of one time, the files do not overlap")
    if start is None:
        usual = [
            int(open_ts[_DEFAULT_START if len(open_ts) > _DEFAULT_START else len(open_ts) // 2])
            for open_ts in times
        ]
        return min(last, max(first, *usual))
    ts = parse_start(start)
    if not first <= ts <= last:
        raise MarketSourceError(
            f"expected a start from {_text(first)} to {_text(last)}, was {start}"
        )
    return ts


def _text(ts: int) -> str:
    return datetime.fromtimestamp(ts / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


def _named(
    files: Sequence[Path], symbols: Sequence[str] | None
) -> Iterator[tuple[Path, str | None]]:
    names: Sequence[str | None] = symbols if symbols is not None else [None] * len(files)
    return zip(files, names, strict=True)


def _symbol_of(path: Path, known: str | None = None) -> str:
    """The pair of a file: as the user says, else the word in its name that looks like one."""
    if known:
        return known
    match = _SYMBOL.search(path.name.upper())
    if match is None:
        raise MarketSourceError(
            f"expected a symbol in the file's name like BTCUSDT, was {path.name}: name the symbols"
        )
    return match[1]


def _load(path: Path, symbol: str) -> _FileCandles:
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    try:
        table = pyarrow.parquet.read_table(path, columns=list(COLUMNS))
    except (OSError, pyarrow.ArrowException, KeyError) as error:
        raise MarketSourceError(f"expected a Parquet file of candles, {path}: {error}") from error
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise MarketSourceError(
            f"expected the columns {', '.join(COLUMNS)}, {path} lacks {', '.join(missing)}"
        )
    open_ts = table["open_time"].to_numpy()
    values = {name: table[name].to_numpy() for name in COLUMNS[1:]}
    if len(open_ts) < 2:
        raise MarketSourceError(f"expected at least two candles, {path} has {len(open_ts)}")
    _check_columns(path, open_ts, values)
    return _FileCandles(symbol, path, open_ts, values)


def _check_columns(path: Path, open_ts: Any, values: dict[str, Any]) -> None:
    steps = open_ts[1:] - open_ts[:-1]
    if int(steps.min()) <= 0 or int((open_ts % MINUTE_MS).max()) != 0:
        raise MarketSourceError(
            f"expected rising open times in milliseconds at full minutes, {path} has others"
        )
    low, high = values["low"], values["high"]
    good = (low > 0) & (values["volume"] >= 0)
    for name in ("open", "close"):
        good &= (low <= values[name]) & (values[name] <= high)
    if not bool(good.all()):
        bad = int((~good).argmax())
        raise MarketSourceError(
            f"expected low <= open, close <= high and no negative volume, "
            f"{path} has another candle at {_text(int(open_ts[bad]))}"
        )


def _decimal_places(column: Any) -> int:
    """The fewest decimal places, 8 at most, that write every number of the column exactly."""
    for places in range(8):
        scale = float(10**places)
        if bool(((column * scale).round() / scale == column).all()):
            return places
    return 8


def _with_fine_lots(columns: _Columns) -> _Columns:
    """A candle needs a lot for each of its turning points; lots become finer until all have."""
    low_volume = (columns.values["volume"] * columns.amount_scale).round() < 4
    suspects = [int(index) for index in low_volume.nonzero()[0]]
    for _ in range(9):
        if all(is_possible(columns.candle(index)) for index in suspects):
            return columns
        lot = columns.market.lot_size / 10
        columns.market = replace(columns.market, lot_size=lot)
        columns.amount_scale *= 10
    bad = next(index for index in suspects if not is_possible(columns.candle(index)))
    raise MarketSourceError(
        f"expected a volume that can touch open, high, low and close, {columns.path} has "
        f"{columns.values['volume'][bad]} at {_text(int(columns.open_ts[bad]))}"
    )


def _history_candle(table: _Columns, index: int) -> SourceCandle:
    candle, market = table.candle(index), table.market
    typical = (candle.open + candle.high + candle.low + candle.close) // 4
    quote = market.tick_size * market.lot_size * typical * candle.volume
    return SourceCandle(
        open_ts=candle.open_ts,
        open=market.price(candle.open),
        high=market.price(candle.high),
        low=market.price(candle.low),
        close=market.price(candle.close),
        volume=market.amount(candle.volume),
        quote_volume=quote,
        trades=min(1, candle.volume),
        taker_buy_volume=market.amount(candle.volume // 2),
        taker_buy_quote=market.tick_size * market.lot_size * typical * (candle.volume // 2),
    )
