"""Candles, the 24 hours, average price, aggregate trades."""

from __future__ import annotations

import random
from decimal import ROUND_DOWN, Decimal

import pytest

from autotrade.infrastructure.simulated_exchange.core import statistics as statistics_module
from autotrade.infrastructure.simulated_exchange.core.candles import INTERVALS, end_of, open_of
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    Kline,
    KlineClosed,
    OrderKind,
    Side,
    Trade,
)
from autotrade.infrastructure.simulated_exchange.market.source import SourceCandle
from tests.unit.simulated_exchange.core.builders import (
    START_TS,
    SYMBOL,
    limit,
    new_exchange,
    request,
    trade,
    with_book,
)

MINUTE = 60_000
DAY = 86_400_000


def reference(trades: list[Trade], interval: str) -> dict[int, Kline]:
    """Candles straight from the trades, by definition."""
    groups: dict[int, list[Trade]] = {}
    for one in trades:
        groups.setdefault(open_of(interval, one.ts), []).append(one)
    return {
        open_ts: Kline(
            open_ts,
            end_of(interval, open_ts) - 1,
            group[0].price,
            max(one.price for one in group),
            min(one.price for one in group),
            group[-1].price,
            sum((one.quantity for one in group), Decimal(0)),
            sum((one.quote_quantity for one in group), Decimal(0)),
            len(group),
            sum((one.quantity for one in group if not one.buyer_is_maker), Decimal(0)),
            sum((one.quote_quantity for one in group if not one.buyer_is_maker), Decimal(0)),
            group[0].id,
            group[-1].id,
        )
        for open_ts, group in groups.items()
    }


def random_tape(exchange: SimulatedExchange, count: int, longest_gap_ms: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(count):
        trade(
            exchange,
            10_000 + chance.randrange(-50, 50),
            str(Decimal(chance.randrange(1, 500)) / 1000),
            chance.choice((Side.BUY, Side.SELL)),
            after_ms=chance.randrange(longest_gap_ms),
        )


@pytest.mark.parametrize("interval", list(INTERVALS))
@pytest.mark.parametrize("longest_gap_ms", [700, 40_000, 900_000])
def test_candles_of_every_interval_equal_those_made_from_the_trades(
    interval: str, longest_gap_ms: int
) -> None:
    exchange = new_exchange()
    random_tape(exchange, 400, longest_gap_ms, seed=7)
    expected = reference(exchange.trades(SYMBOL, limit=1_000), interval)
    klines = exchange.statistics(SYMBOL).klines(interval, limit=1_400)
    opens = [one.open_ts for one in klines]
    assert opens == sorted(opens)
    assert all(opens[i + 1] == end_of(interval, opens[i]) for i in range(len(opens) - 1))
    assert opens[-1] == open_of(interval, exchange.now)
    previous = klines[0]
    for one in klines:
        if one.trades:
            assert one == expected[one.open_ts]
        else:
            assert one.open == one.high == one.low == one.close == previous.close
            assert (one.volume, one.first_trade_id) == (0, -1)
        previous = one
    assert sum(one.trades for one in klines) == sum(
        one.trades for open_ts, one in expected.items() if open_ts >= opens[0]
    )
    assert exchange.statistics(SYMBOL).current_kline(interval) == klines[-1]


def test_klines_are_chosen_by_limit_and_time() -> None:
    exchange = new_exchange()
    random_tape(exchange, 100, 20_000, seed=1)
    statistics = exchange.statistics(SYMBOL)
    every = statistics.klines("1m", limit=1_000)
    assert statistics.klines("1m", limit=3) == every[-3:]
    assert statistics.klines("1m", limit=2, start_ts=every[1].open_ts + 1) == every[2:4]
    assert statistics.klines("1m", end_ts=every[2].open_ts) == every[:3]
    with pytest.raises(ExchangeError, match=r"-1120: Invalid interval\."):
        statistics.klines("7m")


def closed(exchange: SimulatedExchange) -> list[tuple[str, int, int]]:
    return [
        (one.interval, one.kline.open_ts, one.ts)
        for one in exchange.drain()
        if isinstance(one, KlineClosed)
    ]


def test_watched_candles_close_exactly_at_their_boundary_and_before_the_next_trade() -> None:
    exchange = new_exchange()
    exchange.watch_klines(SYMBOL, "1m")
    exchange.watch_klines(SYMBOL, "3m")
    exchange.advance(START_TS + MINUTE)
    assert closed(exchange) == []
    trade(exchange, 10_000, "1", after_ms=500)
    trade(exchange, 10_010, "1", after_ms=MINUTE)
    outputs = exchange.drain()
    kline = next(one for one in outputs if isinstance(one, KlineClosed))
    assert (kline.kline.close, kline.kline.trades) == (Decimal(10_000), 1)
    assert [type(one).__name__ for one in outputs] == [
        "TradeExecuted",
        "KlineClosed",
        "TradeExecuted",
    ]
    exchange.advance(START_TS + 6 * MINUTE - 1)
    last = START_TS + 2 * MINUTE
    three = open_of("3m", START_TS)
    three_closed = [("3m", one, one + 3 * MINUTE) for one in (three, three + 3 * MINUTE)
                    if last < one + 3 * MINUTE < START_TS + 6 * MINUTE]  # fmt: skip
    seen = closed(exchange)
    assert [one for one in seen if one[0] == "1m"] == [
        ("1m", last + step * MINUTE, last + (step + 1) * MINUTE) for step in range(3)
    ]
    assert [one for one in seen if one[0] == "3m"] == three_closed
    exchange.unwatch_klines(SYMBOL, "1m")
    exchange.unwatch_klines(SYMBOL, "3m")
    exchange.advance(START_TS + 20 * MINUTE)
    assert closed(exchange) == []


@pytest.mark.parametrize("interval", ["1s", "1m", "5m", "1h", "1w", "1M"])
def test_a_closed_candle_is_the_one_that_klines_shows_afterwards(interval: str) -> None:
    exchange = new_exchange()
    exchange.watch_klines(SYMBOL, interval)
    random_tape(exchange, 60, {"1s": 900, "1m": 9_000}.get(interval, 60_000_000), seed=3)
    shown = {one.open_ts: one for one in exchange.statistics(SYMBOL).klines(interval, limit=1_400)}
    events = [one.kline for one in exchange.drain() if isinstance(one, KlineClosed)]
    assert events
    for kline in events:
        if kline.open_ts in shown:
            assert kline == shown[kline.open_ts]


def test_own_trades_are_in_the_candles() -> None:
    exchange = with_book()
    exchange.place("alice", limit(Side.BUY, "0.5", 10_100))
    kline = exchange.statistics(SYMBOL).current_kline("1m")
    assert (kline.high, kline.volume, kline.taker_buy_volume) == (
        Decimal(10_100),
        Decimal("0.501"),
        Decimal("0.5"),
    )


def history(count: int, first_ts: int) -> list[SourceCandle]:
    return [
        SourceCandle(
            first_ts + step * MINUTE,
            Decimal(9_000 + step),
            Decimal(9_010 + step),
            Decimal(8_990 + step),
            Decimal(9_001 + step),
            Decimal("2.5"),
            Decimal("22512.3456789"),
            17,
            Decimal("1.25"),
            Decimal("11256.1728394"),
        )
        for step in range(count)
    ]


def test_seeded_history_is_fetched_like_lived_history() -> None:
    exchange = new_exchange()
    exchange.seed_history(SYMBOL, history(30, START_TS - 30 * MINUTE))
    statistics = exchange.statistics(SYMBOL)
    klines = statistics.klines("1m")
    assert [one.open_ts for one in klines] == [START_TS + step * MINUTE for step in range(-30, 1)]
    assert (klines[0].open, klines[0].high, klines[0].low, klines[0].close) == (
        Decimal(9000), Decimal(9010), Decimal(8990), Decimal(9001))  # fmt: skip
    assert (klines[0].volume, klines[0].quote_volume) == (
        Decimal("2.5"),
        Decimal("22512.3456789"),
    )
    assert sum(one.trades for one in statistics.klines("5m")) == 30 * 17
    exchange.place("alice", limit(Side.BUY, "0.1", 9_000))
    with pytest.raises(ExchangeError, match="trigger immediately"):
        exchange.place(
            "alice", request(Side.SELL, OrderKind.STOP_LOSS, "0.1", stop_price="9030.01")
        )
    with pytest.raises(ValueError, match="seed history once"):
        exchange.seed_history(SYMBOL, history(1, START_TS))


def test_the_24_hours_equal_the_sum_over_the_window() -> None:
    exchange = new_exchange()
    random_tape(exchange, 3_000, 60_000, seed=5)
    ticker = exchange.statistics(SYMBOL).ticker_24h()
    oldest = exchange.now - DAY
    oldest += -oldest % MINUTE
    inside = [one for one in exchange.trades(SYMBOL, limit=5_000) if one.ts >= oldest]
    assert len(inside) < 3_000
    volume = sum((one.quantity for one in inside), Decimal(0))
    quote = sum((one.quote_quantity for one in inside), Decimal(0))
    assert (ticker.trades, ticker.volume, ticker.quote_volume) == (len(inside), volume, quote)
    assert ticker.high == max(one.price for one in inside)
    assert ticker.low == min(one.price for one in inside)
    assert (ticker.open, ticker.last) == (inside[0].price, inside[-1].price)
    assert (ticker.first_trade_id, ticker.last_trade_id) == (inside[0].id, inside[-1].id)
    assert ticker.last_quantity == inside[-1].quantity
    assert ticker.price_change == ticker.last - ticker.open
    assert ticker.weighted_average == (quote / volume).quantize(Decimal("1E-8"), ROUND_DOWN)
    before = [one for one in exchange.trades(SYMBOL, limit=5_000) if one.ts < oldest]
    assert ticker.previous_close == before[-1].price


def test_a_day_of_silence_empties_the_window_but_not_the_last_price() -> None:
    exchange = with_book()
    exchange.advance(exchange.now + DAY + 2 * MINUTE)
    ticker = exchange.statistics(SYMBOL).ticker_24h()
    assert (ticker.trades, ticker.volume, ticker.last) == (0, 0, Decimal(10_000))
    assert ticker.open == ticker.high == ticker.low == Decimal(10_000)
    assert new_exchange().statistics(SYMBOL).ticker_24h().last == 0


def test_the_average_price_weighs_the_last_minutes() -> None:
    exchange = new_exchange()
    assert exchange.average_price(SYMBOL) == 0
    trade(exchange, 10_000, "3")
    trade(exchange, 11_000, "1", after_ms=2 * MINUTE)
    assert exchange.average_price(SYMBOL) == 10_250
    exchange.advance(exchange.now + 3 * MINUTE)
    assert exchange.average_price(SYMBOL) == 11_000
    exchange.advance(exchange.now + 10 * MINUTE)
    assert exchange.average_price(SYMBOL) == 11_000


def test_aggregate_trades_join_one_takers_fills_at_one_price() -> None:
    exchange = with_book()
    exchange.place("bob", limit(Side.SELL, "0.2", 10_100))
    exchange.advance(exchange.now + 10)
    exchange.place("alice", limit(Side.BUY, "1.7", 10_200))
    exchange.place("alice", limit(Side.BUY, "0.1", 10_200))
    found = exchange.statistics(SYMBOL).aggregate_trades()[1:]
    assert [(str(one.price), str(one.quantity)) for one in found] == [
        ("10100.00", "1.20000"),
        ("10200.00", "0.50000"),
        ("10200.00", "0.10000"),
    ]
    ids = [(one.first_trade_id, one.last_trade_id) for one in found]
    assert ids == [(2, 3), (4, 4), (5, 5)]
    assert [one.id for one in found] == [2, 3, 4]


def test_an_aggregate_is_complete_when_the_clock_or_the_tape_has_moved_on() -> None:
    exchange = new_exchange()
    statistics = exchange.statistics(SYMBOL)
    assert statistics.complete_aggregate_id == 0
    trade(exchange, 10_000, "1")
    assert statistics.complete_aggregate_id == 0
    trade(exchange, 10_000, "2")
    trade(exchange, 10_001, "2")
    assert statistics.complete_aggregate_id == 1
    assert statistics.aggregate_trades(from_id=1, limit=1)[0].quantity == 3
    exchange.advance(exchange.now + 1)
    assert statistics.complete_aggregate_id == 2
    start = exchange.now
    trade(exchange, 10_002, "1", after_ms=5)
    assert [one.id for one in statistics.aggregate_trades(start_ts=start)] == [3]
    assert [one.id for one in statistics.aggregate_trades(end_ts=start)] == [1, 2]
    assert [one.id for one in statistics.aggregate_trades(limit=2)] == [2, 3]


def test_recent_trades_are_found_by_id_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics_module, "TRADES_KEPT", 10)
    exchange = new_exchange()
    random_tape(exchange, 30, 100, seed=2)
    assert [one.id for one in exchange.trades(SYMBOL)] == list(range(21, 31))
    assert [one.id for one in exchange.trades(SYMBOL, limit=2)] == [29, 30]
    assert [one.id for one in exchange.trades(SYMBOL, limit=2, from_id=25)] == [25, 26]


def test_memory_of_candles_is_bounded_even_after_years_of_silence() -> None:
    exchange = with_book()
    exchange.advance(exchange.now + 3 * 365 * DAY)
    statistics = exchange.statistics(SYMBOL)
    for interval in INTERVALS:
        klines = statistics.klines(interval, limit=10_000)
        assert len(klines) <= statistics_module.KLINES_KEPT + 2
        assert klines[-1].close == Decimal(10_000)
        opens = [one.open_ts for one in klines]
        assert opens[-1] == open_of(interval, exchange.now)
        assert opens == sorted(set(opens))
