"""Which candles a backtest runs on: stored ones, longer ones made of them, or modelled ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autotrade.infrastructure.market_history import (
    TIMEFRAMES,
    CandleSeries,
    CandleStore,
    MarketHistoryError,
    MarketHistoryRefused,
    StoredCandles,
    check,
    resample,
)
from autotrade.infrastructure.market_history.candle_files import FileFacts
from autotrade.infrastructure.market_history.integrity import time_text
from autotrade.infrastructure.market_history.modelled import EXCHANGE, stored_modelled_candles
from autotrade.infrastructure.market_history.names import file_name, market_id, pair_name
from autotrade.infrastructure.simulated_exchange.market.catalog import DEFAULT_SEED
from autotrade.infrastructure.simulated_exchange.market.listings import LISTINGS

MODELLED_DAYS = 30
FAVOURITE = "binance"


@dataclass(frozen=True, slots=True)
class DataOrder:
    """What the user asks for; None leaves the choice to what is stored."""

    symbols: tuple[str, ...]
    timeframe: str
    from_ms: int | None = None
    to_ms: int | None = None
    exchange: str | None = None
    seed: int | None = None
    """Of the modelled market; naming one asks for it."""


@dataclass(frozen=True, slots=True)
class LoadedData:
    series: list[CandleSeries]
    start_ts: int
    """The first tested candle opens here or later; what is before is warm-up."""
    is_modelled: bool
    warnings: list[str]
    missing: int


def load(
    store: CandleStore, order: DataOrder, warm_up: int, say: Callable[[str], None]
) -> LoadedData:
    """The series with `warm_up` candles in front. Raises `MarketHistoryRefused` in one sentence."""
    length = TIMEFRAMES[order.timeframe]
    if order.from_ms is not None and order.to_ms is not None and order.from_ms >= order.to_ms:
        raise MarketHistoryRefused(
            f"expected --from before --to, was {time_text(order.from_ms)} and "
            f"{time_text(order.to_ms)}"
        )
    early = None if order.from_ms is None else order.from_ms - warm_up * length
    found = [_series(store, order, symbol, early, say) for symbol in order.symbols]
    start = max(
        int(series.open_ts[min(warm_up, len(series) - 1)])
        if order.from_ms is None or int(series.open_ts.searchsorted(order.from_ms)) < warm_up
        else order.from_ms
        for series in found
    )
    for series in found:
        tested = len(series) - int(series.open_ts.searchsorted(start))
        if len(series) <= warm_up or tested < 1:
            raise MarketHistoryRefused(
                f"expected more than {warm_up} candles of {series.symbol} {series.timeframe} that "
                f"reach beyond {time_text(start)}, was {len(series)} up to "
                f"{time_text(int(series.open_ts[-1]))}; the first {warm_up} only bring the "
                "indicators up: take a longer range, a shorter timeframe or other pairs"
            )
    reports = [check(series) for series in found]
    faults = [sentence for report in reports for sentence in report.faults()]
    if faults:
        raise MarketHistoryRefused(f"{faults[0]}; import the candles anew")
    warnings = [
        f"{sentence}; nothing happens there, orders of before it wait until the market is back"
        for report in reports
        if report.has_gaps
        for sentence in report.sentences()[1:2]
    ]
    if order.from_ms is not None and start > order.from_ms:
        warnings.append(
            f"tested from {time_text(start)} on, not from {time_text(order.from_ms)}: the first "
            f"{warm_up} candles that are stored only bring the indicators up"
        )
    is_modelled = any(series.exchange.startswith(EXCHANGE) for series in found)
    return LoadedData(
        found, start, is_modelled, warnings, sum(report.missing for report in reports)
    )


def _series(
    store: CandleStore,
    order: DataOrder,
    symbol: str,
    from_ms: int | None,
    say: Callable[[str], None],
) -> CandleSeries:
    exchange, stored = _place(store, order, symbol)
    if exchange is None:
        exchange, stored = _modelled(store, order, symbol, say), "1m"
    if stored == order.timeframe:
        return store.load(exchange, symbol, stored, from_ms, order.to_ms)
    series = store.load(exchange, symbol, stored, from_ms, order.to_ms)
    return resample(series, order.timeframe, drops_partial_first=True)


def _place(store: CandleStore, order: DataOrder, symbol: str) -> tuple[str | None, str]:
    """(exchange, stored timeframe) of the candles to take; (None, "") for modelled ones."""
    if order.seed is not None:
        return None, ""
    wanted = market_id(pair_name(symbol))
    entries = store.list()
    for entry in entries:
        # Modelled candles instead of a damaged file would be a lie about what was tested.
        if entry.facts is None and _is_asked_for(entry, order, wanted):
            raise MarketHistoryError(entry.fault)
    known: list[FileFacts] = [entry.facts for entry in entries if entry.facts is not None]
    mine = [facts for facts in known if market_id(facts.symbol) == wanted]
    usable = {
        facts.exchange: order.timeframe if _has(mine, facts, order.timeframe) else "1m"
        for facts in mine
        if facts.timeframe in (order.timeframe, "1m")
    }
    if order.exchange is not None:
        if order.exchange not in usable:
            store.load(order.exchange, symbol, order.timeframe)  # says what is there
        return order.exchange, usable[order.exchange]
    if not usable:
        if mine:
            raise MarketHistoryRefused(_other_timeframes(mine, order, symbol))
        return None, ""
    if len(usable) > 1 and FAVOURITE not in usable:
        raise MarketHistoryRefused(
            f"expected one exchange with candles of {symbol}, was {', '.join(sorted(usable))}; "
            "choose with --exchange"
        )
    exchange = FAVOURITE if FAVOURITE in usable else next(iter(usable))
    return exchange, usable[exchange]


def _other_timeframes(mine: list[FileFacts], order: DataOrder, symbol: str) -> str:
    """Somebody has candles of the pair, and does not mean modelled ones."""
    wanted = dict.fromkeys((order.timeframe, "1m"))
    has = ", ".join(sorted({f"{facts.exchange} {facts.timeframe}" for facts in mine}))
    return (
        f"expected stored candles of {symbol} in {' or '.join(wanted)}, was {has}; name that "
        "timeframe with --timeframe, import shorter candles, or take the modelled market with "
        f"--seed {DEFAULT_SEED}"
    )


def _is_asked_for(entry: StoredCandles, order: DataOrder, wanted: str) -> bool:
    """A file that these candles would come from, by its place alone."""
    exchange, name, file = entry.path.parts[-3:]
    return (
        name == wanted
        and file in (file_name(order.timeframe), file_name("1m"))
        and order.exchange in (None, exchange)
    )


def _has(mine: list[FileFacts], facts: FileFacts, timeframe: str) -> bool:
    return any(one.exchange == facts.exchange and one.timeframe == timeframe for one in mine)


def _modelled(store: CandleStore, order: DataOrder, symbol: str, say: Callable[[str], None]) -> str:
    """Make the modelled market's candles once; returns the exchange's name they are under."""
    if market_id(pair_name(symbol)) not in LISTINGS:
        raise MarketHistoryRefused(
            f"expected stored candles of {symbol}, was none; get them with `python main.py candles "
            "import` or `candles download`, or take a pair that the modelled market lists: "
            f"{', '.join(pair_name(name) for name in LISTINGS)}"
        )
    seed = DEFAULT_SEED if order.seed is None else order.seed
    exchange = EXCHANGE if seed == DEFAULT_SEED else f"{EXCHANGE}{seed}"
    facts = store.facts(exchange, symbol, "1m")
    if facts is None:
        say(
            f"{symbol}: no candles are stored; making {MODELLED_DAYS} days of the modelled market "
            f"(seed {seed}), none of it was ever recorded"
        )
        stored_modelled_candles(store, symbol, seed, MODELLED_DAYS, exchange=exchange)
    return exchange
