"""Measures recordings and the market model, side by side, and looks for lively seeds.

    python benchmarks/calibrate_market_model.py book --recordings DIR     L2 capture and model
    python benchmarks/calibrate_market_model.py candles --recordings DIR  candles and model
    python benchmarks/calibrate_market_model.py seeds --count 50    round trips of a plain entry
    python benchmarks/calibrate_market_model.py speed               CPU time per batch

DIR is a folder with `depth/` and `klines/`; default: the environment's AUTOTRADE_RECORDINGS.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import math

from autotrade.infrastructure.simulated_exchange.market.catalog import (
    DEFAULT_SEED,
    DEFAULT_SYMBOLS,
    LISTINGS,
    open_market,
)
from autotrade.infrastructure.simulated_exchange.market.model import (
    HISTORY_MINUTES,
    START_TS,
    ModelMarket,
)
from autotrade.infrastructure.simulated_exchange.market.price_path import (
    GRID_MS,
    MINUTE_MS,
    CommonFactor,
    PairPath,
)
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels
from autotrade.infrastructure.simulated_exchange.market.stylised_facts import (
    BookMeter,
    candle_figures,
    returns_bp,
)

CAPTURE = (
    "depth/binance_BTCUSDT_20240808_raw_ws.jsonl.gz",
    "depth/binance_BTCUSDT_20240809_raw_ws.jsonl.gz",
)
CANDLES = "klines/binance_{symbol}_1m_20220101_20230930.parquet"
MODEL_MINUTES = 60_000


def print_table(columns: dict[str, dict[str, float]]) -> None:
    """One row a figure, one column a market."""
    names = list(next(iter(columns.values())))
    print(f"{'':34}" + "".join(f"{title:>14}" for title in columns))
    for name in names:
        print(f"{name:34}" + "".join(f"{column[name]:14.5g}" for column in columns.values()))


def measure_book(recordings: Path, seed: int) -> None:
    """The recorded book and trades beside the modelled ones (half an hour)."""
    capture = open_market(recordings=[recordings / name for name in CAPTURE])
    meter = BookMeter(capture.markets[0])
    for fact in capture.facts():
        meter.add(fact)
    columns = {"recorded BTC": meter.figures()}
    market = ModelMarket(seed, [*DEFAULT_SYMBOLS, "TRXUSDT"])
    meters = {listed.symbol: BookMeter(listed) for listed in market.markets}
    for fact in market.facts():
        if fact.ts > market.start_ts + 30 * MINUTE_MS:
            break
        meters[fact.symbol].add(fact)
    columns |= {symbol: model_meter.figures() for symbol, model_meter in meters.items()}
    print_table(columns)


def measure_candles(recordings: Path, seed: int) -> None:
    """Recorded candles of 2022-23 beside the model's own 60,000 minutes."""
    import pyarrow.parquet

    columns: dict[str, dict[str, float]] = {}
    closes: dict[str, list[float]] = {}
    for symbol in DEFAULT_SYMBOLS:
        table = pyarrow.parquet.read_table(recordings / CANDLES.format(symbol=symbol))
        rows = {name: table[name].to_pylist() for name in table.column_names}
        quotes = [a * b for a, b in zip(rows["close"], rows["volume"], strict=True)]
        figures = candle_figures(rows["close"], rows["high"], rows["low"], quotes)
        columns[symbol] = flat(figures._asdict())
        closes[symbol] = rows["close"][:400_000]
    market = ModelMarket(seed, DEFAULT_SYMBOLS, history_minutes=MODEL_MINUTES)
    for symbol in DEFAULT_SYMBOLS:
        candles = market.history(symbol, MODEL_MINUTES)
        series = [
            [float(getattr(candle, name)) for candle in candles]
            for name in ("close", "high", "low", "quote_volume")
        ]
        columns[f"{symbol} model"] = flat(candle_figures(*series)._asdict())
        closes[f"{symbol} model"] = series[0]
    print_table(columns)
    for suffix in ("", " model"):
        changes = [returns_bp(closes[symbol + suffix]) for symbol in DEFAULT_SYMBOLS]
        pairs = ((0, 1), (0, 2), (1, 2))
        found = [statistics.correlation(changes[a], changes[b]) for a, b in pairs]
        print(f"correlations{suffix or ' recorded'}:", *(f"{value:.3f}" for value in found))


def flat(figures: dict[str, object]) -> dict[str, float]:
    """Tuples become numbered names."""
    result: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, tuple):
            result |= {f"{name} {index}": item for index, item in enumerate(value)}
        elif isinstance(value, float):
            result[name] = value
    return result


# --- seeds -----------------------------------------------------------------------------------


class RoundTrips(NamedTuple):
    """What a plain entry would have met on one seed."""

    winners: int
    losers: int
    pairs: int
    first_exit_minutes: int
    last_open: int


def path_closes(seed: int, symbols: Sequence[str], minutes: int) -> dict[str, list[list[float]]]:
    """[highs, lows, closes] of each pair, history included, from the model's price paths alone
    (the book adds a fraction of a basis point)."""
    factor = CommonFactor(seed, 0, START_TS, HISTORY_MINUTES)
    series: dict[str, list[list[float]]] = {}
    paths = [PairPath(LISTINGS[symbol], factor, seed, 0, START_TS) for symbol in symbols]
    for symbol, path in zip(symbols, paths, strict=True):
        level, levels = 0.0, [0.0]
        for value in reversed(path.past_returns[-300:]):
            level -= value
            levels.append(level)
        closes = [math.exp(value) for value in reversed(levels)]
        series[symbol] = [list(closes), list(closes), closes]
    for minute in range(minutes):
        start = START_TS + minute * MINUTE_MS
        seen: list[list[float]] = [[] for _ in paths]
        for ts in range(start, start + MINUTE_MS, GRID_MS):
            for index, path in enumerate(paths):
                seen[index].append(math.exp(path.advance(ts)))
        for symbol, prices in zip(symbols, seen, strict=True):
            highs, lows, closes = series[symbol]
            highs.append(max(prices))
            lows.append(min(prices))
            closes.append(prices[-1])
    return series


def averages(closes: Sequence[float], length: int) -> list[float]:
    """Exponential moving average."""
    weight, value, result = 2 / (length + 1), closes[0], []
    for close in closes:
        value += weight * (close - value)
        result.append(value)
    return result


def entries(closes: Sequence[float]) -> list[int]:
    """Indexes at whose close MACD(12, 26, 9) crosses upwards while SMA 7 > SMA 25."""
    macd = [a - b for a, b in zip(averages(closes, 12), averages(closes, 26), strict=True)]
    histogram = [a - b for a, b in zip(macd, averages(macd, 9), strict=True)]
    return [
        index
        for index in range(50, len(closes))
        if histogram[index - 1] <= 0 < histogram[index]
        and sum(closes[index - 6 : index + 1]) / 7 > sum(closes[index - 24 : index + 1]) / 25
    ]


def round_trips(
    series: dict[str, list[list[float]]], minutes: int, target: float, stop: float
) -> RoundTrips:
    """Buy at the close of a signal, up to DEALS_A_PAIR at once, sell each at target or stop."""
    winners = losers = still_open = 0
    exits: list[int] = []
    lively: set[str] = set()
    for symbol, (highs, lows, closes) in series.items():
        first = len(closes) - minutes
        held: list[float] = []
        signals = set(entries(closes))
        for index in range(first, len(closes)):
            for bought in list(held):
                if lows[index] <= bought * (1 - stop):
                    losers += 1
                elif highs[index] >= bought * (1 + target):
                    winners += 1
                else:
                    continue
                held.remove(bought)
                exits.append(index - first)
                lively.add(symbol)
            if index in signals and len(held) < DEALS_A_PAIR:
                held.append(closes[index])
        still_open += len(held)
    return RoundTrips(winners, losers, len(lively), min(exits, default=-1), still_open)


def search_seeds(count: int, hours: int) -> None:
    """Round trips of seeds 1..count within `hours` simulated hours and within the half of them."""
    minutes = hours * 60
    rows = []
    for seed in range(1, count + 1):
        series = path_closes(seed, DEFAULT_SYMBOLS, minutes)
        whole = [round_trips(series, minutes, *levels) for levels in LEVELS]
        half_series = {
            symbol: [column[: len(column) - minutes // 2] for column in columns]
            for symbol, columns in series.items()
        }
        half = [round_trips(half_series, minutes - minutes // 2, *levels) for levels in LEVELS]
        rows.append(
            (min(liveliness(*pair) for pair in zip(whole, half, strict=True)), seed, whole, half)
        )
    rows.sort(key=lambda row: (-row[0], row[1]))
    print(f"levels (target, stop): {LEVELS}; {hours} h, in brackets the first {hours / 2:g} h")
    for score, seed, whole, half in rows:
        texts = [
            f"won {a.winners} ({b.winners}) lost {a.losers} ({b.losers}) pairs {a.pairs} "
            f"first exit {a.first_exit_minutes} min"
            for a, b in zip(whole, half, strict=True)
        ]
        print(f"seed {seed:3}  liveliness {score:5.1f}   " + "   |   ".join(texts))


DEALS_A_PAIR = 3
LEVELS = ((0.009, 0.012), (0.009, 0.02), (0.015, 0.012), (0.015, 0.02))
"""(profit target, stop) as shares of the entry price; a good seed is lively at all of them."""


def liveliness(whole: RoundTrips, half: RoundTrips) -> float:
    """Deals that ended, early ones twice; both winners and losers are wanted, early ones most."""
    both = min(whole.winners, whole.losers, 3)
    both_early = min(half.winners, half.losers, 2)
    ended = min(whole.winners + whole.losers, 16) + min(half.winners + half.losers, 8)
    return ended + 4 * both + 8 * both_early + whole.pairs


def measure_speed(seed: int) -> None:
    """CPU microseconds a batch (trades and level changes of one pair at one moment)."""
    for symbols in (DEFAULT_SYMBOLS, tuple(LISTINGS)[:20]):
        market = ModelMarket(seed, symbols)
        batches = changes = 0
        started = time.process_time()
        for fact in market.facts():
            if fact.ts > market.start_ts + 10 * MINUTE_MS:
                break
            if isinstance(fact, MarketLevels):
                batches += 1
                changes += len(fact.bids) + len(fact.asks)
        cost = time.process_time() - started
        print(
            f"{len(symbols)} pairs: {cost / batches * 1e6:.1f} us a batch, "
            f"{batches / 600 / len(symbols):.1f} batches a second and pair, "
            f"{changes / batches:.1f} level changes a batch"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("book", "candles", "seeds", "speed"))
    parser.add_argument("--recordings", type=Path, default=os.environ.get("AUTOTRADE_RECORDINGS"))
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--hours", type=int, default=6)
    arguments = parser.parse_args()
    if arguments.what in ("book", "candles") and arguments.recordings is None:
        parser.error("expected --recordings DIR or AUTOTRADE_RECORDINGS, was neither")
    match arguments.what:
        case "book":
            measure_book(arguments.recordings, arguments.seed)
        case "candles":
            measure_candles(arguments.recordings, arguments.seed)
        case "seeds":
            search_seeds(arguments.count, arguments.hours)
        case _:
            measure_speed(arguments.seed)


if __name__ == "__main__":
    main()
