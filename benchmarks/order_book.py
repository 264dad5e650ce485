"""The order book's analysis: a book as it comes from the exchange, its verdict out.

    python benchmarks/order_book.py

Every book is a new one, as in the bot: random steps between levels, random amounts, a few walls.
"""

from __future__ import annotations

import argparse
import random
import sys

from measure import Row, Stopwatch, Target, run_program

from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.services.market_data.orderbook_analyzer import OrderBookAnalyzer
from autotrade.domain.settings import OrderbookAnalyzerSettings

LEVELS = 100
WARM_UP = 200
WALL_CHANCE = 0.03


def random_book(rng: random.Random, ts: int) -> OrderBook:
    middle = 2000 * (1 + rng.gauss(0, 0.01))
    sides = []
    for sign in (-1, 1):
        price, levels = middle, []
        for _ in range(LEVELS):
            price += sign * rng.randint(1, 20) / 100
            amount = rng.lognormvariate(0, 1) * (30 if rng.random() < WALL_CHANCE else 1)
            levels.append((round(price, 2), round(amount, 4)))
        sides.append(tuple(levels))
    return OrderBook(symbol="ETH/USDT", ts=ts, bids=sides[0], asks=sides[1])


def analyses(settings: OrderbookAnalyzerSettings, count: int) -> Stopwatch:
    """One analysis each."""
    rng = random.Random(7)
    analyzer = OrderBookAnalyzer(settings)
    watch = Stopwatch()
    for index in range(count + WARM_UP):
        book = random_book(rng, index * 100)
        with watch:
            analyzer.analyze(book, order_quote=100.0, ts=index * 100)
    watch.drop(WARM_UP)
    return watch


def measure(arguments: argparse.Namespace) -> list[Row]:
    limit = Target("p99", 100)
    what = f"book analysis, {LEVELS} levels a side"
    default = OrderbookAnalyzerSettings()
    deep = OrderbookAnalyzerSettings(min_liquidity_depth=LEVELS)
    return [
        analyses(default, arguments.books).row(what, limit),
        analyses(deep, arguments.books).row(f"{what}, liquidity over all of them", limit),
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--books", type=int, default=10_000)


if __name__ == "__main__":
    sys.exit(run_program("order_book", measure, add_arguments))
