"""The pure core: one ticker, and one closed candle that becomes an order. No disk, no wire.

    python benchmarks/engine.py

The engine is the real one, driven by the harness of the tests. The garbage collector stays on, as
in the bot. Events are made before the clock starts: in the bot the connector makes them.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from measure import Row, Stopwatch, Target, run_program
from tests.engine_harness import RULES, START_TS, SYMBOL, EngineHarness, eth_pair, good_book

from autotrade.domain import commands, events
from autotrade.domain.entities.candle import Candle
from autotrade.domain.settings import (
    DomainSettings,
    SignalCooldownSettings,
    TradingSettings,
)

OPEN_DEALS = 9
LEVELS = 100
MINUTE_MS = 60_000
HISTORY = 200
WAVE_CANDLES = 8
"""A ripple of this length on a steady rise lets the histogram cross zero once a wave, while the
fast average stays above the slow one."""
RISE = 0.0002
RIPPLE = 0.001
WARM_UP = 200
"""Samples thrown away: the first calls fill the interpreter's caches."""


def settings() -> DomainSettings:
    """Limits wide open, so that every signal becomes a deal."""
    return DomainSettings(
        trading=TradingSettings(max_open_deals=1_000),
        signal_cooldown=SignalCooldownSettings(
            after_signal_seconds=0.0,
            after_loss_seconds=0.0,
            min_entry_distance_percent=Decimal(0),
        ),
    )


# --- a ticker -------------------------------------------------------------------------------------


def tickers(open_deals: int, count: int) -> Stopwatch:
    """`process` for prices around the entry, with deals that hold a position."""
    rules = replace(RULES, max_stop_orders=1_000)  # Binance lets one pair have five
    bot = EngineHarness(settings(), pair=eth_pair(deal_count=1_000), rules=rules)
    for _ in range(open_deals):
        bot.holding()
        bot.wait(1)
    if len(bot.state.deals.open_deals(SYMBOL)) != open_deals:
        raise SystemExit(f"expected {open_deals} open deals, was {bot.state.deals.open_deals()}")
    watch = Stopwatch()
    for index in range(count + WARM_UP):
        price = Decimal(2000) + Decimal(index % 7) / 100
        bot.ts += 10
        event = events.TickerUpdated(
            ts=bot.ts, symbol=SYMBOL, price=price, bid=price - Decimal("0.01"), ask=price
        )
        with watch:
            records = bot.engine.process(event)
        if records:
            raise SystemExit(f"expected a ticker without a decision, was {records}")
    watch.drop(WARM_UP)
    return watch


# --- a candle that becomes an order ---------------------------------------------------------------


def closes(start: float) -> Iterator[float]:
    """Prices that rise with a ripple."""
    for index in itertools.count():
        ripple = RIPPLE * math.sin(2 * math.pi * index / WAVE_CANDLES)
        yield round(start * math.exp(RISE * index) * (1 + ripple), 2)


def candle_events(bot: EngineHarness, prices: Iterator[float]) -> Iterator[events.CandleClosed]:
    """Candles after the history, each with the ticker and the book of its close before it."""
    for minute in itertools.count():
        close = next(prices)
        bot.ts = START_TS + (minute + 1) * MINUTE_MS
        candle = Candle(bot.ts - MINUTE_MS, close, close, close, close, 1.0)
        bot.book(good_book(SYMBOL, close, bot.ts))
        price = Decimal(str(close))
        bot.send(
            events.TickerUpdated,
            symbol=SYMBOL,
            price=price,
            bid=price - Decimal("0.01"),
            ask=price,
        )
        yield events.CandleClosed(ts=bot.ts, symbol=SYMBOL, timeframe="1m", candle=candle)


def decisions(count: int) -> Stopwatch:
    """From the closed candle to the PlaceOrder, everything between them included."""
    bot = EngineHarness(settings(), pair=eth_pair(deal_count=1_000))
    prices = closes(2000.0)
    bot.engine.warm_up(
        SYMBOL,
        [
            Candle(START_TS - (HISTORY - index) * MINUTE_MS, close, close, close, close, 1.0)
            for index, close in enumerate(itertools.islice(prices, HISTORY))
        ],
    )
    watch = Stopwatch()
    quiet = 0
    for event in candle_events(bot, prices):
        with watch:
            records = bot.engine.process(event)
        orders = [record for record in records if isinstance(record, commands.PlaceOrder)]
        quiet = 0 if orders else quiet + 1
        if quiet > 10 * WAVE_CANDLES:
            raise SystemExit(f"expected a signal every {WAVE_CANDLES} candles, was none in {quiet}")
        if not orders:
            watch.drop(-1)
            continue
        bot.reject(orders[0].order_id)  # the deal ends, the next one finds the same state
        bot.records.clear()
        if len(watch.wall_us) == count + WARM_UP:
            watch.drop(WARM_UP)
            return watch
    raise AssertionError("the candles never end")


def measure(arguments: argparse.Namespace) -> list[Row]:
    limit = Target("p99", 50)
    what = "ticker through `TradingEngine.process`, no decision"
    candle = f"closed candle -> signal, book ({LEVELS} levels a side), decision, deal, PlaceOrder"
    return [
        tickers(0, arguments.tickers).row(f"{what}, no open deal", limit),
        tickers(OPEN_DEALS, arguments.tickers).row(f"{what}, {OPEN_DEALS} open deals", limit),
        decisions(arguments.decisions).row(candle, Target("p99", 500)),
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tickers", type=int, default=50_000)
    parser.add_argument("--decisions", type=int, default=2_000)


if __name__ == "__main__":
    sys.exit(run_program("engine", measure, add_arguments))
