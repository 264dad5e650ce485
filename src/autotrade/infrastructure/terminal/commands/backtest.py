"""`backtest` and `backtests`: run one, show it, list and compare those that were run."""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrade.config.errors import ConfigurationError, nearest
from autotrade.infrastructure.backtest.archive import (
    FOLDER_NAME,
    JOURNAL_NAME,
    Archive,
)
from autotrade.infrastructure.reports.writing import require_writable, write_report
from autotrade.infrastructure.terminal.backtest_text import comparison, table_of, verdict_of
from autotrade.infrastructure.terminal.commands.candles import FOLDER_NAME as CANDLES_FOLDER
from autotrade.infrastructure.terminal.commands.common import (
    Overrides,
    command_line_overrides,
    data_folder_of,
)
from autotrade.infrastructure.terminal.output import write_json, write_progress, write_result

if TYPE_CHECKING:
    from autotrade.config.settings import Settings
    from autotrade.infrastructure.backtest.runner import BacktestPlan
    from autotrade.infrastructure.backtest.settings import BacktestSettings

OWN_SECTION = "backtest"
DOMAIN_SECTIONS = (
    "strategy",
    "orderbook_analyzer",
    "trading",
    "buy_order_monitor",
    "stop_loss_monitor",
    "signal_cooldown",
    "currency_pair",
)
PARAMETERS = "strategy.parameters."
GC_OBJECTS = 200_000


def run(arguments: argparse.Namespace) -> int:
    """`backtest`."""
    if arguments.report is not None:
        require_writable(arguments.report)
    result = run_backtest(arguments)
    if arguments.report is not None:
        _report(Archive(data_folder_of(arguments) / FOLDER_NAME), result["id"], arguments.report)
    if arguments.json:
        write_json(result)
    else:
        for line in table_of(result):
            write_result(line)
    return _judged(result)


def _judged(result: Mapping[str, Any]) -> int:
    """0, or 1 with a sentence where the result must not be believed: the strategy failed on the
    way, or it looks ahead."""
    lookahead = result.get("lookahead")
    sentences = list(result["strategy_faults"])
    if lookahead and not lookahead["holds"]:
        sentences.append(lookahead["sentence"])
    for sentence in sentences:
        write_progress(f"autotrade: {sentence}")
    return 1 if sentences else 0


def _report(archive: Archive, identifier: str, path: Path) -> None:
    """The stored result as a page; what is drawn is always what was stored."""
    from autotrade.infrastructure.reports.page import page_of

    result = archive.read(identifier)
    write_report(path, page_of(result, archive.charts(identifier)))
    write_progress(f"report written to {path}")


def run_backtest(arguments: argparse.Namespace) -> dict[str, Any]:
    """Load, run, judge and keep; returns the result."""
    from autotrade.application.use_cases.run_realtime_trading import history_needed
    from autotrade.infrastructure.backtest.book_model import BookModel
    from autotrade.infrastructure.backtest.charts import charts_of
    from autotrade.infrastructure.backtest.journal_writer import JournalWriter
    from autotrade.infrastructure.backtest.loading import DataOrder, load
    from autotrade.infrastructure.backtest.pair_market import PairMarket
    from autotrade.infrastructure.backtest.result import Timing, result_of
    from autotrade.infrastructure.backtest.runner import Backtest, BacktestPlan
    from autotrade.infrastructure.market_history import CandleStore
    from autotrade.infrastructure.terminal.version import read_version

    settings, assumptions = _settings(arguments)
    folder = settings.data_folder
    domain = settings.to_domain()
    pairs = settings.pairs()
    _require_one_quote([pair.symbol for pair in pairs])
    order = DataOrder(
        tuple(pair.symbol for pair in pairs),
        domain.strategy.timeframe,
        arguments.from_ms,
        arguments.to_ms,
        arguments.exchange,
        arguments.seed,
    )
    store = CandleStore(folder / CANDLES_FOLDER)
    data = load(store, order, history_needed(domain.strategy), write_progress)
    if data.is_modelled:
        write_progress("these candles are modelled: nothing of them was ever recorded")
    for warning in data.warnings:
        write_progress(f"warning: {warning}")
    model = BookModel.of(assumptions)
    plan = BacktestPlan(
        settings=domain,
        assumptions=assumptions,
        pairs=pairs,
        markets=[PairMarket(series, model) for series in data.series],
        start_ts=data.start_ts,
        is_skipping=not arguments.no_skip,
        version=read_version(),
    )
    archive = Archive(folder / FOLDER_NAME)
    writing = archive.begin()
    started = time.perf_counter()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS)  # what a run makes goes by itself; looking for cycles costs a lot
    backtest = Backtest(plan, JournalWriter(writing / JOURNAL_NAME))
    done = backtest.run()
    timing = Timing(time.perf_counter() - started)
    result = result_of(
        backtest,
        plan,
        done,
        data,
        timing,
        chosen=dict(arguments.chosen),
        seed=arguments.seed or 0,
    )
    _look_closer(arguments, plan, result, writing)
    archive.keep(writing, result, _json(result), _plain_json(charts_of(plan, done)))
    return result


def _look_closer(
    arguments: argparse.Namespace, plan: BacktestPlan, result: dict[str, Any], writing: Path
) -> None:
    """What takes more runs: the future cut off, the candles in other orders."""
    seed = arguments.seed or 0
    if arguments.check_lookahead:
        from autotrade.infrastructure.backtest.lookahead import check_lookahead

        journal, scratch = writing / JOURNAL_NAME, writing / "shorter.jsonl"
        check = check_lookahead(plan, journal, scratch, seed=seed, say=write_progress)
        result["lookahead"] = check.as_dict()
    if arguments.monte_carlo:
        from autotrade.infrastructure.backtest.rearranged import rearranged_runs

        result["monte_carlo_candles"] = rearranged_runs(
            plan, result, paths=arguments.monte_carlo, seed=seed, say=write_progress
        )


def _json(value: object) -> str:
    import orjson

    from autotrade.infrastructure.terminal.output import plain

    return orjson.dumps(plain(value), option=orjson.OPT_NON_STR_KEYS).decode()


def _plain_json(value: object) -> str:
    """Of a value without Decimals; the charts hold a hundred thousand numbers."""
    import orjson

    return orjson.dumps(value).decode()


# --- settings -----------------------------------------------------------------------------------


def _settings(arguments: argparse.Namespace) -> tuple[Settings, BacktestSettings]:
    """The configuration with what the command line changes for this run."""
    from autotrade.config.config_loader import load_settings, read_layers
    from autotrade.config.schema import all_settings
    from autotrade.domain.strategies.parameters import ParameterFault, parse
    from autotrade.infrastructure.backtest.settings import BacktestSettings

    overrides: Overrides = command_line_overrides(arguments)
    known = [item.path for item in all_settings() if item.section in DOMAIN_SECTIONS]
    own: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    for name, value in arguments.chosen:
        if name.startswith(f"{OWN_SECTION}."):
            own[name.removeprefix(f"{OWN_SECTION}.")] = value
        elif name.startswith(PARAMETERS):
            parameters[name.removeprefix(PARAMETERS)] = value
        elif name in known:
            overrides[name] = ("--set", _plain_value(value))
        else:
            names = [*known, *(f"{OWN_SECTION}.{leaf}" for leaf in _leaves(BacktestSettings))]
            raise ConfigurationError(
                f'--set: unknown name "{name}"; the nearest valid name is "{nearest(name, names)}".'
            )
    if parameters:
        overrides["strategy.parameters"] = ("--set", tuple(parameters.items()))
    if arguments.timeframe is not None:
        overrides["strategy.timeframe"] = ("--timeframe", arguments.timeframe)
    try:
        assumptions = parse(BacktestSettings, own, prefix=f"--set {OWN_SECTION}.")
    except ParameterFault as fault:
        raise ConfigurationError(fault.problems) from None
    if arguments.pair:
        layers = read_layers(arguments.config, arguments.env_file, None, {})
        overrides["currency_pairs"] = ("--pair", _pairs(arguments.pair, layers))
    settings = load_settings(arguments.config, arguments.env_file, None, overrides)
    return settings, assumptions


def _plain_value(text: str) -> object:
    """true and false as such; everything else as it was written, to be read by its own type."""
    return {"true": True, "false": False}.get(text.lower(), text)


def _leaves(settings: type) -> list[str]:
    import dataclasses

    return [item.name for item in dataclasses.fields(settings)]


def _pairs(wanted: list[str], layers: list[Any]) -> list[dict[str, Any]]:
    """The pairs of the command line, each with what the configuration says of it."""
    from autotrade.infrastructure.market_history.names import pair_name

    lists = [layer.values["currency_pairs"] for layer in layers if "currency_pairs" in layer.values]
    configured = lists[0] if lists else []
    found = []
    for name in dict.fromkeys(pair_name(text) for text in wanted):
        base, _, quote = name.partition("/")
        if not quote:
            raise ConfigurationError(f"expected a pair like BTC/USDT, was {name}")
        same = [
            pair
            for pair in configured
            if (pair.get("base_currency"), pair.get("quote_currency")) == (base, quote)
        ]
        found.append(dict(same[0]) if same else {"base_currency": base, "quote_currency": quote})
    return found


def _require_one_quote(symbols: list[str]) -> None:
    quotes = sorted({symbol.partition("/")[2] for symbol in symbols})
    if len(quotes) > 1:
        raise ConfigurationError(
            f"expected pairs with one quote currency, was {', '.join(quotes)}; results in several "
            "cannot be added up: run them one by one"
        )


# --- backtests ----------------------------------------------------------------------------------


def listed(arguments: argparse.Namespace) -> int:
    """`backtests`."""
    from autotrade.infrastructure.terminal.tables import show_table

    archive = Archive(data_folder_of(arguments) / FOLDER_NAME)
    if arguments.delete:
        return _say(arguments, {"deleted": [archive.delete(arguments.delete)]})
    if arguments.all:
        return _say(arguments, {"deleted": archive.delete_all()})
    if arguments.report:
        identifier, place = arguments.report
        path = Path(place)
        require_writable(path)
        _report(archive, identifier, path)
        return _say(arguments, {"report": str(path.absolute())})
    if arguments.compare:
        first, second = (archive.read(identifier) for identifier in arguments.compare)
        if arguments.json:
            write_json({"first": first, "second": second})
        else:
            show_table(
                "Compared", ["", f"{first['id']}>", f"{second['id']}>"], comparison(first, second),
                "nothing",
            )  # fmt: skip
        return 0
    results = archive.list()
    if arguments.json:
        write_json({"folder": archive.root, "backtests": results})
    else:
        show_table(
            "Backtests",
            ["id", "pairs", "timeframe", "candles>", "deals>", "net>", "fees>", "verdict"],
            [_row(result) for result in results],
            f"No backtests in {archive.root}; run `python main.py backtest`.",
        )
    return 0


def _row(result: Mapping[str, Any]) -> tuple[str, ...]:
    if "fault" in result:
        return (result["id"], f"unreadable: {result['fault']}", "", "", "", "", "", "")
    pairs = ", ".join(result["pairs"]) + (" (modelled)" if result["is_modelled"] else "")
    return (
        result["id"],
        pairs,
        result["timeframe"],
        str(result["candles"]),
        str(result["deals"]),
        result["pnl_net"],
        result["fees"],
        verdict_of(result),
    )


def _say(arguments: argparse.Namespace, done: Mapping[str, Any]) -> int:
    if arguments.json:
        write_json(done)
    elif "deleted" in done:
        deleted = done["deleted"]
        write_result(f"deleted {deleted if isinstance(deleted, int) else ', '.join(deleted)}")
    return 0
