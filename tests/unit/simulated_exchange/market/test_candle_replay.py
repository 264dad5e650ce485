from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from autotrade.infrastructure.simulated_exchange.market.candle_replay import (
    CandleReplay,
    parse_start,
)
from autotrade.infrastructure.simulated_exchange.market.catalog import open_market
from autotrade.infrastructure.simulated_exchange.market.errors import MarketSourceError
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels, MarketTrade
from tests.recordings import recording
from tests.unit.simulated_exchange.market.helpers import Book, digest, minute_candles

T0 = 1_680_000_000_000
MINUTE_MS = 60_000
Row = tuple[int, float, float, float, float, float]


def write(path: Path, rows: Sequence[Row]) -> Path:
    import pyarrow
    import pyarrow.parquet

    names = ("open_time", "open", "high", "low", "close", "volume")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def row(minute: int, *values: float) -> Row:
    opened, high, low, close, volume = values
    return (T0 + minute * MINUTE_MS, opened, high, low, close, volume)


ROWS = [
    row(0, 100.0, 101.0, 99.5, 100.5, 12.345),
    row(1, 100.5, 100.5, 100.5, 100.5, 0.0),
    row(2, 100.5, 100.7, 100.5, 100.7, 0.002),
    row(4, 100.2, 100.2, 100.2, 100.2, 0.001),
    row(5, 100.1, 103.33, 97.01, 98.0, 4821.0),
]


def rebuilt(source: CandleReplay) -> dict[tuple[str, int], tuple[int, ...]]:
    return minute_candles(fact for fact in source.facts() if isinstance(fact, MarketTrade))


def recorded(rows: Sequence[Row], symbol: str, tick: float, lot: float):
    return {
        (symbol, ts): (*(round(price / tick) for price in prices), round(volume / lot))
        for ts, *prices, volume in rows
        if volume
    }


def test_candles_are_rebuilt_exactly_and_gaps_stay_gaps(tmp_path: Path) -> None:
    path = write(tmp_path / "binance_SOLUSDT_1m.parquet", ROWS)
    source = CandleReplay([path], seed=3, start="2023-03-28T10:40")

    assert source.start_ts == T0
    assert source.end_ts == T0 + 6 * MINUTE_MS
    assert rebuilt(source) == recorded(ROWS, "SOLUSDT", 0.01, 0.001)


def test_a_missing_minute_has_no_facts_and_an_empty_one_no_trades(tmp_path: Path) -> None:
    path = write(tmp_path / "SOLUSDT.parquet", ROWS)
    facts = list(CandleReplay([path], start="2023-03-28T10:40").facts())
    minutes = {(fact.ts - T0) // MINUTE_MS for fact in facts}

    assert minutes == {0, 1, 2, 4, 5}
    empty = [fact for fact in facts if (fact.ts - T0) // MINUTE_MS == 1]
    assert all(isinstance(fact, MarketLevels) for fact in empty)


def test_the_book_agrees_with_every_trade(tmp_path: Path) -> None:
    path = write(tmp_path / "SOLUSDT.parquet", ROWS)
    book, last_ts, traded = Book(), 0, None
    for fact in CandleReplay([path], start="2023-03-28T10:40").facts():
        assert fact.ts >= last_ts
        last_ts = fact.ts
        if isinstance(fact, MarketTrade):
            bid, ask = book.best
            assert fact.price >= ask if fact.taker == "BUY" else fact.price <= bid
            traded = fact
            continue
        book.apply(fact)
        bid, ask = book.best
        assert 0 < bid < ask
        if traded is not None and traded.ts == fact.ts:
            assert traded.price == (ask if traded.taker == "BUY" else bid)


def test_the_seed_decides_the_minutes_inside(tmp_path: Path) -> None:
    path = write(tmp_path / "SOLUSDT.parquet", ROWS)

    def run(seed: int) -> str:
        return digest(CandleReplay([path], seed=seed, start="2023-03-28T10:40").facts())

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_price_of_one_tick_has_a_book(tmp_path: Path) -> None:
    rows = [row(minute, 0.00001, 0.00002, 0.00001, 0.00001, 900.0) for minute in range(3)]
    source = CandleReplay([write(tmp_path / "DOGEUSDT.parquet", rows)], start="2023-03-28T10:40")
    assert rebuilt(source) == recorded(rows, "DOGEUSDT", 0.00001, 1)


def test_filters_are_the_listed_ones_or_as_fine_as_the_data(tmp_path: Path) -> None:
    listed = CandleReplay([write(tmp_path / "SOLUSDT.parquet", ROWS)]).markets[0]
    assert (listed.tick_size, listed.lot_size) == (Decimal("0.01"), Decimal("0.001"))
    fine = [row(minute, 20.1234, 20.1234, 20.1234, 20.1234, 1.00005) for minute in range(3)]
    finer = CandleReplay([write(tmp_path / "SOLUSDT_fine.parquet", fine)]).markets[0]
    assert (finer.tick_size, finer.lot_size) == (Decimal("0.0001"), Decimal("0.00001"))
    assert finer.minimum_amount == listed.minimum_amount
    other = CandleReplay([write(tmp_path / "QQQUSDT.parquet", fine)]).markets[0]
    assert (other.base, other.quote, other.tick_size) == ("QQQ", "USDT", Decimal("0.0001"))


def test_lots_become_finer_where_a_candle_needs_more_trades_than_it_has_lots(
    tmp_path: Path,
) -> None:
    rows = [row(minute, 10.0, 13.0, 9.0, 11.0, 2.0) for minute in range(3)]
    source = CandleReplay([write(tmp_path / "QQQUSDT.parquet", rows)], start="2023-03-28T10:40")
    lot = source.markets[0].lot_size
    assert lot == Decimal("0.1")
    assert rebuilt(source) == recorded(rows, "QQQUSDT", 1, 0.1)


def test_history_is_what_was_recorded_before_the_start(tmp_path: Path) -> None:
    path = write(tmp_path / "SOLUSDT.parquet", ROWS)
    source = CandleReplay([path], start="2023-03-28T10:44")
    candles = source.history("SOLUSDT", 10)

    assert [candle.open_ts for candle in candles] == [T0, T0 + MINUTE_MS, T0 + 2 * MINUTE_MS]
    first = candles[0]
    assert (first.open, first.high) == (Decimal("100.00"), Decimal("101.00"))
    assert (first.low, first.close) == (Decimal("99.50"), Decimal("100.50"))
    assert first.volume == Decimal("12.345")
    assert first.low <= first.quote_volume / first.volume <= first.high
    assert source.history("SOLUSDT", 1) == candles[-1:]
    assert source.history("ETHUSDT", 1) == []


def test_start_and_length(tmp_path: Path) -> None:
    rows = [row(minute, 100.0, 101.0, 99.0, 100.0, 5.0) for minute in range(1_200)]
    path = write(tmp_path / "SOLUSDT.parquet", rows)

    assert CandleReplay([path]).start_ts == T0 + 1_000 * MINUTE_MS
    assert CandleReplay([path]).end_ts == T0 + 1_200 * MINUTE_MS
    short = CandleReplay([path], minutes=5)
    assert short.end_ts == T0 + 1_005 * MINUTE_MS
    assert max(fact.ts for fact in short.facts()) < T0 + 1_005 * MINUTE_MS
    assert parse_start("2023-03-28T10:40") == parse_start("2023-03-28T10:40Z") == T0
    assert parse_start("1970-01-02") == 86_400_000


def test_several_pairs_run_in_one_order_of_time(tmp_path: Path) -> None:
    first = write(tmp_path / "SOLUSDT.parquet", ROWS)
    other = [row(minute, 10.0, 11.0, 9.0, 10.0, 7.0) for minute in range(6)]
    second = write(tmp_path / "ETHUSDT.parquet", other)
    source = CandleReplay([first, second], start="2023-03-28T10:40")
    facts = list(source.facts())

    assert [fact.ts for fact in facts] == sorted(fact.ts for fact in facts)
    assert minute_candles(fact for fact in facts if isinstance(fact, MarketTrade)) == {
        **recorded(ROWS, "SOLUSDT", 0.01, 0.001),
        **recorded(other, "ETHUSDT", 0.01, 0.0001),
    }
    chosen = CandleReplay([first, second], ["ETHUSDT"])
    assert [market.symbol for market in chosen.markets] == ["ETHUSDT"]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (ROWS, {"start": "yesterday"}, "expected a start like"),
        (ROWS, {"start": "2020-01-01"}, "expected a start from 2023-03-28T10:40"),
        (ROWS, {"symbols": ["BTCUSDT", "ETHUSDT"]}, "expected recorded symbols, was BTCUSDT"),
        (ROWS[:1], {}, "at least two candles"),
        ([ROWS[1], ROWS[0]], {}, "rising open times"),
        ([row(0, 1.0, 0.5, 0.4, 0.5, 1.0), ROWS[2]], {}, "low <= open"),
        ([row(0, 1.0, 1.0, 1.0, 1.0, -1.0), ROWS[2]], {}, "no negative volume"),
        ([(5, *ROWS[0][1:]), ROWS[2]], {}, "full minutes"),
    ],
)
def test_bad_files_and_options_are_refused_in_a_sentence(
    tmp_path: Path, rows: list[Row], options: dict[str, object], message: str
) -> None:
    path = write(tmp_path / "SOLUSDT.parquet", rows)
    with pytest.raises(MarketSourceError, match=message):
        CandleReplay([path], **options)  # type: ignore[arg-type]


def test_a_file_whose_name_holds_no_symbol_needs_one(tmp_path: Path) -> None:
    path = write(tmp_path / "candles.parquet", ROWS)
    with pytest.raises(MarketSourceError, match="name the symbols"):
        CandleReplay([path])
    assert CandleReplay([path], ["SOLUSDT"]).markets[0].symbol == "SOLUSDT"
    with pytest.raises(MarketSourceError, match="one file a pair"):
        CandleReplay([path, path], ["SOLUSDT", "SOLUSDT"])


@pytest.mark.recorded
def test_three_pairs_of_a_recorded_day_with_an_outage_are_rebuilt_exactly() -> None:
    import pyarrow.parquet

    pairs = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    paths = [recording(f"klines/binance_{pair}_1m_20220101_20230930.parquet") for pair in pairs]
    source = open_market(recordings=paths, start="2023-03-24T08:00", minutes=480)
    found = minute_candles(fact for fact in source.facts() if isinstance(fact, MarketTrade))
    expected = {}
    for market, path in zip(source.markets, paths, strict=True):
        table = pyarrow.parquet.read_table(
            path,
            filters=[
                ("open_time", ">=", source.start_ts),
                ("open_time", "<", source.end_ts),
            ],
        )
        for line in table.to_pylist():
            if line["volume"]:
                prices = [Decimal(repr(line[name])) for name in ("open", "high", "low", "close")]
                expected[market.symbol, line["open_time"]] = (
                    *(int(price / market.tick_size) for price in prices),
                    int(Decimal(repr(line["volume"])) / market.lot_size),
                )
    assert len(expected) > 3 * 260
    assert found == expected
    assert "recorded 1-minute candles" in source.description
