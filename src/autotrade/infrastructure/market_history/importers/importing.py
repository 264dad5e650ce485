"""`import_paths`: files and folders of candles into the store, with an answer for every file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrade.infrastructure.market_history.candle_store import CandleStore, SaveResult
from autotrade.infrastructure.market_history.errors import (
    MarketHistoryError,
    MarketHistoryRefused,
    NotCandles,
)
from autotrade.infrastructure.market_history.importers.candle_tables import (
    candles_of,
    require_exchange,
    require_symbol,
)
from autotrade.infrastructure.market_history.importers.columns import (
    RawTable,
    is_trade_table,
    known_names,
)
from autotrade.infrastructure.market_history.importers.containers import (
    Member,
    damage_named,
    members,
    read_table,
    shape_of,
)
from autotrade.infrastructure.market_history.importers.file_names import Description, describe
from autotrade.infrastructure.market_history.importers.text_tables import TextShape, read_batches
from autotrade.infrastructure.market_history.importers.trade_tables import candles_of_trades
from autotrade.infrastructure.market_history.merging import tidied
from autotrade.infrastructure.market_history.series import CandleSeries, joined

_SUFFIXES = frozenset(
    {".zip", ".gz", ".csv", ".txt", ".json", ".parquet", ".pq", ".feather", ".arrow"}
)
_HELD_ROWS_MAX = 1_000_000
"""Candles kept until they are saved together: a folder of daily files is one save, not 365."""
_TRADES_LEFT_OUT = "holds trades; add --trades to make candles of them"


@dataclass(slots=True)
class FileOutcome:
    """What became of one file (or one file inside a zip)."""

    path: Path
    series: str = ""
    candles: int = 0
    notes: list[str] = field(default_factory=list)
    left_out: str = ""
    """Why a file found in a folder was no business of ours."""
    problem: str = ""
    """The sentence, when it could not be imported."""
    needs_answer: bool = False
    """What stands in the way is solved by an option."""


@dataclass(slots=True)
class ImportReport:
    """Every file in turn, and what was saved: (exchange, symbol, timeframe) and the result."""

    files: list[FileOutcome] = field(default_factory=list)
    saved: list[tuple[tuple[str, str, str], SaveResult]] = field(default_factory=list)

    @property
    def problems(self) -> list[FileOutcome]:
        return [outcome for outcome in self.files if outcome.problem]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """`asked` is what the user named; it is stronger than what files say."""

    asked: Description = field(default_factory=Description)
    replace: bool = False
    """New candles win over stored ones of other values."""
    with_trades: bool = False
    """Also take trades that are found in folders."""


@dataclass(slots=True)
class _Held:
    outcome: FileOutcome
    series: CandleSeries
    source: str


def import_paths(
    store: CandleStore,
    paths: Sequence[Path],
    options: ImportOptions | None = None,
    said: Callable[[FileOutcome], None] = lambda outcome: None,
) -> ImportReport:
    """Import every file of `paths`; folders are searched.

    Files in a folder that hold something else, or do not say whose candles they hold, are left
    out. A file that fails does not stop the others. `said` hears of each file that was read.
    """
    options = options or ImportOptions()
    report = ImportReport()
    held: dict[tuple[str, str, str], list[_Held]] = {}
    for path, is_named in _files(paths):
        for outcome, series, source in _read(path, options, is_named):
            report.files.append(outcome)
            said(outcome)
            if series is None:
                continue
            key = (series.exchange, series.symbol, series.timeframe)
            held.setdefault(key, []).append(_Held(outcome, series, source))
            if sum(len(one.series) for one in held[key]) >= _HELD_ROWS_MAX:
                _save(store, held.pop(key), options, report)
    for waiting in held.values():
        _save(store, waiting, options, report)
    return report


def read_candle_file(path: Path, asked: Description | None = None) -> list[CandleSeries]:
    """The candles of one file (a zip may hold several) without storing them.

    Raises `MarketHistoryError`.
    """
    found = []
    for outcome, series, _ in _read(path, ImportOptions(asked or Description()), True):
        if series is None:
            kind = MarketHistoryRefused if outcome.needs_answer else MarketHistoryError
            raise kind(outcome.problem)
        found.append(series)
    return found


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Each file, and whether the user named it himself."""
    for path in paths:
        if path.is_dir():
            found = sorted(
                one for one in path.rglob("*") if one.is_file() and one.suffix.lower() in _SUFFIXES
            )
            if not found:
                raise MarketHistoryRefused(
                    f"expected candle files ({', '.join(sorted(_SUFFIXES))}) in {path}, was none; "
                    "name another folder"
                )
            yield from ((one, False) for one in found)
        elif path.exists():
            yield path, True
        else:
            raise MarketHistoryRefused(f"expected a file or a folder, there is no {path}")


def _read(
    path: Path, options: ImportOptions, is_named: bool
) -> Iterator[tuple[FileOutcome, CandleSeries | None, str]]:
    outcome = FileOutcome(path)
    try:
        with damage_named(path):
            for member in members(path):
                outcome = FileOutcome(Path(member.path))
                series, source = _series_of(member, options, outcome, is_named)
                if series is not None:
                    outcome.series = f"{series.exchange} {series.symbol} {series.timeframe}"
                    outcome.candles = len(series)
                yield outcome, series, source
    except MarketHistoryError as error:
        outcome.needs_answer = isinstance(error, MarketHistoryRefused)
        if not is_named and isinstance(error, NotCandles | MarketHistoryRefused):
            outcome.left_out = str(error)
        else:
            outcome.problem = str(error)
        yield outcome, None, ""


def _series_of(
    member: Member, options: ImportOptions, outcome: FileOutcome, is_named: bool
) -> tuple[CandleSeries | None, str]:
    said, asked = describe(member.path), options.asked
    takes_trades = is_named or options.with_trades
    shape = shape_of(member)
    names = None if shape is None else _trade_names(shape, member)
    if shape is not None and names is not None:
        # Trades in text may be larger than the memory: they are read in parts.
        if not takes_trades:
            outcome.left_out = _TRADES_LEFT_OUT
            return None, ""
        table = RawTable({}, "CSV", has_header=bool(shape.names), notes=outcome.notes)
        with member.open() as stream:
            return _of_trades(read_batches(stream, shape, names), table, said, asked), "trades"
    table = read_table(member)
    outcome.notes = table.notes
    known = table.known()
    if is_trade_table(known, table.columns):
        if not takes_trades:
            outcome.left_out = _TRADES_LEFT_OUT
            return None, ""
        columns = {name: table.columns[name] for name in known.values()}
        return _of_trades([columns], table, said, asked), "trades"
    series = tidied(candles_of(table, said, asked), replace=options.replace)
    return series, "Binance archive" if said.is_archive else table.format


def _trade_names(shape: TextShape, member: Member) -> list[str] | None:
    """Column names when the text holds trades, else None."""
    if shape.names:
        is_trades = is_trade_table(known_names(shape.names), shape.names)
        return list(shape.names) if is_trades else None
    name = member.path.name.lower()
    if "trades" not in name:
        return None
    return shape.column_names("aggtrades" in name, "aggtrades" not in name)


def _of_trades(
    parts: Iterable[dict[str, Any]], table: RawTable, said: Description, asked: Description
) -> CandleSeries:
    names = asked.filled(said)
    if names.timeframe not in (None, "1m"):
        raise MarketHistoryRefused(
            f"expected --timeframe 1m for trades, was {names.timeframe}; longer candles are made "
            "of those of a minute where they are needed"
        )
    return candles_of_trades(
        parts,
        exchange=require_exchange(table, names),
        symbol=require_symbol(names),
        has_whole_days=said.is_archive,
        notes=table.notes,
    )


def _save(
    store: CandleStore, waiting: list[_Held], options: ImportOptions, report: ImportReport
) -> None:
    """All at once; if that fails, one by one, so that the file at fault is named."""
    whole = joined([one.series for one in waiting])
    try:
        result = store.save(
            whole, sources=sorted({one.source for one in waiting}), replace=options.replace
        )
    except MarketHistoryError as error:
        if len(waiting) > 1:
            for one in waiting:
                _save(store, [one], options, report)
        else:
            waiting[0].outcome.problem = f"{waiting[0].outcome.path}: {error}"
        return
    report.saved.append(((whole.exchange, whole.symbol, whole.timeframe), result))
