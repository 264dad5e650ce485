"""`candles import`, `download`, `check` and `list`: the market history on this disk."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrade.config.errors import ConfigurationError
from autotrade.infrastructure.terminal.commands.common import data_folder_of
from autotrade.infrastructure.terminal.output import write_json, write_progress, write_result
from autotrade.infrastructure.terminal.tables import show_table

if TYPE_CHECKING:
    from autotrade.infrastructure.market_history import CandleStore
    from autotrade.infrastructure.market_history.candle_files import FileFacts
    from autotrade.infrastructure.market_history.download import (
        DownloadOrder,
        DownloadProgress,
        DownloadResult,
    )
    from autotrade.infrastructure.market_history.importers.importing import (
        FileOutcome,
        ImportReport,
    )

FOLDER_NAME = "candles"
_DEFAULT_DAYS = 30
_LEFT_OUT_SHOWN = 3
_OWN_PLACES = {"binance": "binance", "demo": "binance-demo", "testnet": "binance-testnet"}
"""Where candles of a venue are stored: the test venues' prices are not the market's."""


def run(arguments: argparse.Namespace) -> int:
    actions = {"import": _import, "download": _download, "check": _check, "list": _list}
    return actions[arguments.action](arguments)


def store_of(arguments: argparse.Namespace) -> CandleStore:
    """The store of the data folder."""
    from autotrade.infrastructure.market_history import CandleStore

    return CandleStore(data_folder_of(arguments) / FOLDER_NAME)


# --- import -------------------------------------------------------------------------------------


def _import(arguments: argparse.Namespace) -> int:
    from autotrade.infrastructure.market_history.importers.importing import (
        ImportOptions,
        import_paths,
    )

    store = store_of(arguments)
    options = ImportOptions(_asked(arguments), arguments.replace, arguments.trades)
    report = import_paths(store, [Path(path) for path in arguments.files], options, _say_file)
    _say_left_out(report)
    for outcome in report.problems:
        write_progress(f"autotrade: {outcome.problem}")
    warnings = [sentence for key, _ in report.saved for sentence in _gap_sentences(store, *key)]
    for sentence in dict.fromkeys(warnings):
        write_progress(f"warning: {sentence}")
    if arguments.json:
        write_json(_import_json(report))
    else:
        _show_saved(report)
    if report.problems:
        return 2 if all(outcome.needs_answer for outcome in report.problems) else 1
    return 0 if report.saved else 2


def _asked(arguments: argparse.Namespace) -> Any:
    from autotrade.infrastructure.market_history.importers.file_names import Description
    from autotrade.infrastructure.market_history.names import exchange_name, pair_name
    from autotrade.infrastructure.market_history.timeframes import timeframe_of

    return Description(
        arguments.exchange and exchange_name(arguments.exchange),
        arguments.pair and pair_name(arguments.pair),
        arguments.timeframe and timeframe_of(arguments.timeframe),
    )


def _say_file(outcome: FileOutcome) -> None:
    if not outcome.series:
        return
    notes = f" ({'; '.join(outcome.notes)})" if outcome.notes else ""
    write_progress(f"{outcome.path.name}: {outcome.series}, {outcome.candles} candles{notes}")


def _say_left_out(report: ImportReport) -> None:
    left = [outcome for outcome in report.files if outcome.left_out]
    left.sort(key=lambda outcome: not outcome.needs_answer)
    for outcome in left[:_LEFT_OUT_SHOWN]:
        reason = outcome.left_out.removeprefix(f"{outcome.path}: ")
        write_progress(f"left out {outcome.path.name}: {reason}")
    if len(left) > _LEFT_OUT_SHOWN:
        write_progress(f"left out {len(left) - _LEFT_OUT_SHOWN} more files; --json names them")


def _gap_sentences(store: CandleStore, exchange: str, symbol: str, timeframe: str) -> list[str]:
    from autotrade.infrastructure.market_history import check

    found = check(store.load(exchange, symbol, timeframe))
    return found.sentences()[1:] if found.has_gaps else []


def _show_saved(report: ImportReport) -> None:
    show_table(
        "Imported",
        ["exchange", "pair", "timeframe", "new>", "replaced>", "known>", "stored now>"],
        [
            (*key, *(str(n) for n in (one.added, one.replaced, one.known, one.candles)))
            for key, one in report.saved
        ],
        "Nothing was imported.",
    )


def _import_json(report: ImportReport) -> dict[str, Any]:
    return {
        "saved": [
            dict(zip(("exchange", "pair", "timeframe"), key, strict=True))
            | {
                "new": one.added,
                "replaced": one.replaced,
                "known": one.known,
                "candles": one.candles,
                "file": one.path,
            }
            for key, one in report.saved
        ],
        "files": [
            {
                "file": outcome.path,
                "series": outcome.series or None,
                "candles": outcome.candles,
                "notes": outcome.notes,
                "left_out": outcome.left_out or None,
                "problem": outcome.problem or None,
            }
            for outcome in report.files
        ],
    }


# --- download -----------------------------------------------------------------------------------


def _download(arguments: argparse.Namespace) -> int:
    if arguments.venue == "embedded":
        return _make(arguments)
    from autotrade.infrastructure.market_history.download import DownloadOrder, download_length
    from autotrade.infrastructure.market_history.names import exchange_name, pair_name
    from autotrade.infrastructure.market_history.timeframes import timeframe_of

    _refuse_options(arguments, ("seed", "--market"), ("days", "--days"), ("replace", "--replace"))
    if arguments.from_ms is None:
        raise ConfigurationError("expected where to begin, was nothing; add --from 2024-01-01")
    download_length(arguments.timeframe)
    order = DownloadOrder(
        exchange_name(arguments.exchange or _OWN_PLACES[arguments.venue]),
        pair_name(arguments.pair),
        timeframe_of(arguments.timeframe),
        arguments.from_ms,
        arguments.to_ms or 0,
    )
    store = store_of(arguments)
    result = asyncio.run(_ask_venue(arguments, store, order))
    key = (order.exchange, order.symbol, order.timeframe)
    return _say_stored(arguments, store, key, result)


def _make(arguments: argparse.Namespace) -> int:
    from autotrade.infrastructure.market_history.modelled import (
        EXCHANGE,
        stored_modelled_candles,
    )
    from autotrade.infrastructure.market_history.names import exchange_name, pair_name
    from autotrade.infrastructure.simulated_exchange.market.catalog import DEFAULT_SEED

    _refuse_options(arguments, ("from_ms", "--from"), ("to_ms", "--to"))
    if arguments.timeframe != "1m":
        raise ConfigurationError(
            f"expected --timeframe 1m with the modelled market, was {arguments.timeframe}; longer "
            "candles are made of those of a minute where they are needed"
        )
    exchange = exchange_name(arguments.exchange or EXCHANGE)
    store, symbol = store_of(arguments), pair_name(arguments.pair)
    days = arguments.days or _DEFAULT_DAYS
    seed = DEFAULT_SEED if arguments.seed is None else arguments.seed
    series = stored_modelled_candles(
        store,
        symbol,
        seed,
        days,
        replace=arguments.replace,
        exchange=exchange,
        progress=lambda done, all_days: write_progress(
            f"{symbol} of the modelled market, seed {seed}: {done} of {all_days} days"
        ),
    )
    write_progress(f"{len(series)} candles, all of them modelled: nothing of this was recorded")
    return _say_stored(arguments, store, (exchange, symbol, "1m"), None)


def _refuse_options(arguments: argparse.Namespace, *options: tuple[str, str]) -> None:
    for name, option in options:
        if getattr(arguments, name):
            other = "a live venue" if arguments.venue != "embedded" else "the modelled market"
            raise ConfigurationError(
                f"expected no {option} with {other}, was one; see "
                "`python main.py candles download --help`"
            )


async def _ask_venue(
    arguments: argparse.Namespace, store: CandleStore, order: DownloadOrder
) -> DownloadResult:
    from dataclasses import replace

    from autotrade.infrastructure.connectors.ccxt_connection import open_connector
    from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings, Venue
    from autotrade.infrastructure.connectors.transport import live
    from autotrade.infrastructure.market_history.download import download, download_length

    settings = ConnectorSettings(venue=Venue(arguments.venue), transport=live())
    connection = await open_connector(settings)
    try:
        if not order.to_ms:
            length = download_length(order.timeframe)
            order = replace(order, to_ms=connection.clock.now_ms() // length * length)
        return await download(connection.feed.questions, store, order, _say_progress)
    finally:
        await connection.feed.close()


def _say_progress(progress: DownloadProgress) -> None:
    from autotrade.infrastructure.market_history.integrity import time_text

    share = 100 * progress.done // max(1, progress.total)
    write_progress(
        f"{progress.done} of {progress.total} candles ({share} %), at {time_text(progress.at_ms)}"
    )


def _say_stored(
    arguments: argparse.Namespace,
    store: CandleStore,
    key: tuple[str, str, str],
    result: DownloadResult | None,
) -> int:
    facts = store.facts(*key)
    assert facts is not None
    for sentence in _gap_sentences(store, *key):
        write_progress(f"warning: {sentence}")
    if arguments.json:
        row = _facts_json(facts) | {"file": store.path(*key)}
        if result is not None:
            row |= {"new": result.added, "missing_before": result.asked}
        write_json(row)
    else:
        write_result(_facts_text(facts))
    return 0


# --- check and list -----------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> int:
    from autotrade.infrastructure.market_history import check

    store = store_of(arguments)
    faults: list[str] = []
    rows: list[dict[str, Any]] = []
    for facts, fault in _chosen(arguments, store):
        if facts is None:
            faults.append(fault)
            rows.append({"sound": False, "sentences": [fault]})
            continue
        report = check(store.load(facts.exchange, facts.symbol, facts.timeframe))
        faults += report.faults()
        if arguments.strict and report.has_gaps:
            faults.append(f"{report.name}: expected no gaps, {report.missing} candles are missing")
        rows.append(
            {
                "exchange": facts.exchange,
                "pair": facts.symbol,
                "timeframe": facts.timeframe,
                "sound": report.is_sound,
                "candles": report.candles,
                "gaps": [
                    {"from_ms": gap.from_ms, "to_ms": gap.to_ms, "count": gap.count}
                    for gap in report.gaps
                ],
                "missing": report.missing,
                "duplicates": report.duplicates,
                "disordered": report.disordered,
                "misaligned": report.misaligned,
                "impossible": report.impossible,
                "not_positive": report.not_positive,
                "zero_volume": report.zero_volume,
                "sentences": report.sentences(),
            }
        )
    if arguments.json:
        write_json({"sound": not faults, "series": rows})
    else:
        for row in rows:
            for sentence in row["sentences"]:
                write_result(sentence)
        write_result(f"{len(faults)} faults" if faults else "sound")
    return 1 if faults else 0


def _list(arguments: argparse.Namespace) -> int:
    store = store_of(arguments)
    chosen = _chosen(arguments, store, is_empty_fine=True)
    known = [facts for facts, _ in chosen if facts is not None]
    for _, fault in chosen:
        if fault:
            write_progress(f"autotrade: {fault}")
    if arguments.json:
        write_json({"folder": store.root, "series": [_facts_json(facts) for facts in known]})
    else:
        show_table(
            "Candles",
            ["exchange", "pair", "timeframe", "from", "to", "candles>", "decimals>", "source"],
            [_facts_row(facts) for facts in known],
            f"No candles in {store.root}; `python main.py candles download --pair BTC/USDT` makes "
            "some, `python main.py candles import FILE` takes yours.",
        )
    return 1 if len(known) < len(chosen) else 0


def _chosen(
    arguments: argparse.Namespace, store: CandleStore, *, is_empty_fine: bool = False
) -> list[tuple[FileFacts | None, str]]:
    """Facts or the fault of each stored file that the options choose."""
    asked = _asked(arguments)
    found: list[tuple[FileFacts | None, str]] = []
    for entry in store.list():
        facts = entry.facts
        if facts is None:
            found.append((None, entry.fault or ""))
        elif (
            asked.exchange in (None, facts.exchange)
            and asked.symbol in (None, facts.symbol)
            and asked.timeframe in (None, facts.timeframe)
        ):
            found.append((facts, ""))
    if not found and not is_empty_fine:
        raise ConfigurationError(
            f"expected stored candles that fit, was none in {store.root}; see "
            "`python main.py candles list`"
        )
    return found


def _facts_row(facts: FileFacts) -> tuple[str, ...]:
    from autotrade.infrastructure.market_history.integrity import time_text

    return (
        facts.exchange,
        facts.symbol,
        facts.timeframe,
        time_text(facts.first_ms),
        time_text(facts.last_ms),
        str(facts.candles),
        f"{facts.price_decimals}/{facts.amount_decimals}",
        ", ".join(facts.sources),
    )


def _facts_text(facts: FileFacts) -> str:
    exchange, symbol, timeframe, first, last, candles, *_ = _facts_row(facts)
    return f"{exchange} {symbol} {timeframe}: {candles} candles stored, {first} to {last} UTC"


def _facts_json(facts: FileFacts) -> dict[str, Any]:
    return {
        "exchange": facts.exchange,
        "pair": facts.symbol,
        "timeframe": facts.timeframe,
        "candles": facts.candles,
        "first_ms": facts.first_ms,
        "last_ms": facts.last_ms,
        "price_decimals": facts.price_decimals,
        "amount_decimals": facts.amount_decimals,
        "sources": facts.sources,
    }
