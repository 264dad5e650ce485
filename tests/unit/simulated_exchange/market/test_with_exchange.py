"""The sources in the exchange's core: what it shows of them is what they say."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.market.candle_replay import CandleReplay
from autotrade.infrastructure.simulated_exchange.market.model import START_TS, ModelMarket
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels
from tests.unit.simulated_exchange.market.helpers import Book, facts_until
from tests.unit.simulated_exchange.market.test_candle_replay import MINUTE_MS, ROWS, T0, write


def test_the_exchange_shows_the_models_book_and_history() -> None:
    source = ModelMarket(7, ["BTCUSDT", "SOLUSDT"])
    exchange = SimulatedExchange(source.markets, start_ts=source.start_ts)
    history = source.history("BTCUSDT", 1_000)
    exchange.seed_history("BTCUSDT", history)
    book = Book()
    for fact in facts_until(source, START_TS + 3 * MINUTE_MS):
        exchange.apply(fact)
        if isinstance(fact, MarketLevels) and fact.symbol == "BTCUSDT":
            book.apply(fact)
            bid, ask = exchange.best("BTCUSDT")
            market = source.markets[0]
            assert bid is not None
            assert ask is not None
            assert (bid[0], ask[0]) == tuple(market.price(ticks) for ticks in book.best)
    _, bids, asks = exchange.depth("BTCUSDT", 5_000)
    assert (len(bids), len(asks)) == (len(book.bids), len(book.asks))
    candles = exchange.statistics("BTCUSDT").klines("1m", limit=1_000)
    assert [candle.open_ts for candle in candles[-4:]] == [
        START_TS + minute * MINUTE_MS for minute in (-1, 0, 1, 2)
    ]
    assert candles[-4].close == history[-1].close


def test_candles_of_the_exchange_are_the_recorded_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "SOLUSDT.parquet", ROWS)
    source = CandleReplay([path], start="2023-03-28T10:40")
    exchange = SimulatedExchange(source.markets, start_ts=source.start_ts)
    for fact in source.facts():
        exchange.apply(fact)
    exchange.advance(T0 + 6 * MINUTE_MS)
    candles = {
        candle.open_ts: candle for candle in exchange.statistics("SOLUSDT").klines("1m", limit=10)
    }
    for ts, *prices, volume in ROWS:
        shown = candles[ts]
        assert [shown.open, shown.high, shown.low, shown.close] == [
            Decimal(repr(price)) for price in prices
        ]
        assert shown.volume == Decimal(repr(volume))
