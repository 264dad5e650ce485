"""The market recording: what it adds to a ticker, and to the write of a decision.

    python benchmarks/recording.py [--dir FOLDER]      FOLDER: on the disk to be measured

`with` and `without` run the same tickers through the same engine. Without a position nobody looks
at a price and it is only remembered; with one the stop-loss monitor looks at each, so each is
encoded, proven and kept. A flush is what stands before the journal's write: compression and one
write to the system, here with a book of 100 levels a side and 30 tickers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from measure import Row, Stopwatch, run_program
from tests.engine_harness import SYMBOL, EngineHarness, good_book

from autotrade.application.market_tape import MarketTape
from autotrade.domain import events
from autotrade.infrastructure.market_recording.recorder import GzipMarketRecorder

WARM_UP = 200
TICKERS_A_FLUSH = 30


class Silent:
    def notify(self, text: str, *, is_warning: bool = False) -> None:
        raise SystemExit(text)


def a_bot(*, holds: bool) -> EngineHarness:
    bot = EngineHarness()
    if holds:
        bot.holding()
    return bot


def a_tape(bot: EngineHarness, folder: Path) -> MarketTape:
    tape = MarketTape(bot.settings, bot.state, GzipMarketRecorder(folder, Silent()))
    started = events.SessionStarted(
        ts=bot.ts,
        installation_id="at1",
        version="1",
        commit="c",
        mode="simulation",
        venue="embedded",
        market="test",
        start_balances=(),
        request_window_ms=5_000,
    )
    tape.processed(started, 1)
    tape.flush(2)
    return tape


def ticker(bot: EngineHarness, index: int) -> events.TickerUpdated:
    price = Decimal(2000) + Decimal(index % 7) / 100
    bot.ts += 10
    return events.TickerUpdated(
        ts=bot.ts, symbol=SYMBOL, price=price, bid=price - Decimal("0.01"), ask=price
    )


def tickers(folder: Path, count: int, *, holds: bool, records: bool) -> Stopwatch:
    bot = a_bot(holds=holds)
    tape = a_tape(bot, folder) if records else None
    watch = Stopwatch()
    for index in range(count + WARM_UP):
        event = ticker(bot, index)
        with watch:
            bot.engine.process(event)
            if tape is not None:
                tape.processed(event, 2)
    if tape is not None:
        tape.close()
    watch.drop(WARM_UP)
    return watch


def flushes(folder: Path, count: int) -> Stopwatch:
    bot = a_bot(holds=True)
    tape = a_tape(bot, folder)
    watch = Stopwatch()
    for number in range(count):
        bot.ts += 1_000
        book = events.OrderBookUpdated(
            ts=bot.ts, symbol=SYMBOL, book=good_book(SYMBOL, 2000 + number % 50 / 10, bot.ts)
        )
        bot.engine.process(book)
        tape.processed(book, number + 2)
        bot.state.books.get(SYMBOL)
        for index in range(TICKERS_A_FLUSH):
            event = ticker(bot, index + number)
            bot.engine.process(event)
            tape.processed(event, number + 2)
        with watch:
            tape.flush(number + 3)
    tape.close()
    return watch


def measure(arguments: argparse.Namespace) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory(dir=arguments.dir) as place:
        folder = Path(place)
        for holds, words in ((False, "no open deal"), (True, "a position")):
            for records in (False, True):
                watch = tickers(folder / words, arguments.tickers, holds=holds, records=records)
                with_or_without = "with" if records else "without"
                rows.append(watch.row(f"ticker, {words}, {with_or_without} recording"))
        watch = flushes(folder / "flushes", arguments.flushes)
        rows.append(watch.row(f"flush of a book and {TICKERS_A_FLUSH} tickers"))
    return rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tickers", type=int, default=50_000)
    parser.add_argument("--flushes", type=int, default=500)
    parser.add_argument("--dir", type=Path, help="where to write (the temporary folder)")


if __name__ == "__main__":
    sys.exit(run_program("recording", measure, add_arguments))
