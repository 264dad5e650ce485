"""The store: what goes in comes out, merging, refusing, reading by range, damaged files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import filelock
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.application.ports import StoreFault
from autotrade.infrastructure.market_history import (
    CandleConflict,
    CandleSeries,
    CandleStore,
    MarketHistoryError,
    MarketHistoryRefused,
    candle_files,
)
from autotrade.infrastructure.market_history.timeframes import DAY_MS, MINUTE_MS
from tests.unit.market_history.builders import START_MS, same, series


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "candles")


def load(store: CandleStore) -> CandleSeries:
    return store.load("binance", "BTC/USDT", "1m", with_extras=True)


def test_what_goes_in_comes_out(store: CandleStore) -> None:
    trades = np.arange(500, dtype=np.int64)
    trades[3] = -1
    one = series(500, quote_volume=np.r_[np.nan, np.ones(499)], trades=trades)
    result = store.save(one)
    assert (result.added, result.candles) == (500, 500)
    assert result.path == store.root / "binance" / "BTCUSDT" / "1m.parquet"
    back = load(store)
    assert same(back, one)
    assert back.trades is not None
    assert back.quote_volume is not None
    assert back.trades.tolist() == trades.tolist()
    assert np.isnan(back.quote_volume[0])
    assert store.load("binance", "btcusdt", "1m").trades is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 10**13), min_size=1, max_size=30),
    st.integers(0, 8),
    st.integers(0, 8),
)
def test_decimals_survive_the_disk_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, units: list[int], prices: int, amounts: int
) -> None:
    store = CandleStore(tmp_path_factory.mktemp("candles"))
    exact = [Decimal(unit).scaleb(-prices) for unit in units]
    volumes = [Decimal(unit).scaleb(-amounts) for unit in units]
    column = np.array([float(one) for one in exact])
    store.save(
        series(
            len(units),
            open=column,
            high=column,
            low=column,
            close=column,
            volume=np.array([float(one) for one in volumes]),
            price_decimals=0,
            amount_decimals=0,
        )
    )
    back = store.load("binance", "BTC/USDT", "1m")
    assert [back.decimal("close", index) for index in range(len(units))] == exact
    assert [back.decimal("volume", index) for index in range(len(units))] == volumes


def test_saving_twice_changes_no_byte(store: CandleStore) -> None:
    path = store.save(series(1_000), sources=["CSV"]).path
    before = path.read_bytes()
    again = store.save(series(1_000), sources=["CSV"])
    assert (again.added, again.known) == (0, 1_000)
    assert path.read_bytes() == before


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=5))
def test_parts_in_any_order_make_one_file(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[int, int]]
) -> None:
    whole = series(201)
    parts = [whole.rows(slice(min(cut), max(cut) + 1)) for cut in cuts]
    first, second = (CandleStore(tmp_path_factory.mktemp("candles")) for _ in range(2))
    for part in parts:
        last = first.save(part)
    for part in reversed(parts):
        other = second.save(part)
    assert last.path.read_bytes() == other.path.read_bytes()
    wanted = sorted({ts for part in parts for ts in part.open_ts.tolist()})
    assert first.load("binance", "BTC/USDT", "1m").open_ts.tolist() == wanted


def test_another_value_for_the_same_minute_is_refused(store: CandleStore) -> None:
    path = store.save(series(10)).path
    before = path.read_bytes()
    other = series(12, volume=np.r_[series(10).volume[:9], 7.0, 1.0, 1.0], seed=1)
    other = CandleSeries(
        **{name: getattr(other, name) for name in other.__slots__}
        | {name: np.r_[getattr(series(10), name), 100.0, 100.0] for name in ("open", "close")}
        | {"high": np.r_[series(10).high, 100.0, 100.0], "low": np.r_[series(10).low, 100.0, 100.0]}
    )
    with pytest.raises(CandleConflict) as caught:
        store.save(other)
    assert "another volume at 2024-01-01 00:09 UTC" in str(caught.value)
    assert "--replace" in str(caught.value)
    assert path.read_bytes() == before
    result = store.save(other, replace=True)
    assert (result.added, result.replaced, result.known) == (2, 1, 9)
    assert same(load(store), other)


def test_doubles_inside_a_series(store: CandleStore) -> None:
    one = series(5)
    twice = one.rows([0, 1, 1, 2, 4, 3])
    assert store.save(twice).candles == 5
    assert same(load(store), one)
    other = series(5, seed=2)
    mixed = CandleSeries(
        **{name: getattr(one, name) for name in ("symbol", "timeframe", "exchange")},
        **{
            name: np.r_[getattr(one, name), getattr(other, name)[4:]]
            for name in ("open_ts", "open", "high", "low", "close", "volume")
        },
        price_decimals=2,
        amount_decimals=3,
    )
    with pytest.raises(CandleConflict):
        store.save(mixed)


def test_unknown_extras_are_filled_in_and_known_ones_kept(store: CandleStore) -> None:
    store.save(series(4, trades=np.array([1, 2, -1, -1], dtype=np.int64)))
    store.save(series(4, trades=np.array([9, 9, 9, -1], dtype=np.int64)))
    kept = load(store).trades
    assert kept is not None
    assert kept.tolist() == [1, 2, 9, -1]
    store.save(series(4))
    assert load(store).trades is not None


def test_impossible_candles_are_not_stored(store: CandleStore) -> None:
    with pytest.raises(MarketHistoryError, match="low <= open, close <= high"):
        store.save(series(4, high=series(4).low))
    with pytest.raises(MarketHistoryError, match="open times that begin a candle"):
        store.save(series(4, open_ts=series(4).open_ts + 7))
    with pytest.raises(MarketHistoryRefused, match="was an empty series"):
        store.save(series(0))
    assert store.list() == []


def test_only_the_parts_asked_for_are_read(
    store: CandleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten parts of a file, one day asked for: one part or two are unpacked."""
    monkeypatch.setattr(candle_files, "ROW_GROUP_ROWS", 1_440)
    whole = series(14_400)
    path = store.save(whole).path
    read: list[list[int]] = []

    class CountingFile(pq.ParquetFile):
        def read_row_groups(self, groups: list[int], **options: object) -> pa.Table:
            read.append(groups)
            return super().read_row_groups(groups, **options)

    monkeypatch.setattr(candle_files.pq, "ParquetFile", CountingFile)
    day = store.load("binance", "BTC/USDT", "1m", START_MS + DAY_MS, START_MS + 2 * DAY_MS)
    assert same(day, whole.slice(START_MS + DAY_MS, START_MS + 2 * DAY_MS))
    assert read == [[1]]
    assert pq.ParquetFile(path).metadata.num_row_groups == 10


def test_an_empty_range_says_what_there_is(store: CandleStore) -> None:
    store.save(series(10))
    with pytest.raises(MarketHistoryRefused) as caught:
        store.load("binance", "BTC/USDT", "1m", START_MS + DAY_MS, START_MS + 2 * DAY_MS)
    assert "was none; the store has them from 2024-01-01 00:00 to 2024-01-01 00:09" in str(
        caught.value
    )


def test_an_unknown_series_says_what_there_is(store: CandleStore) -> None:
    with pytest.raises(MarketHistoryRefused, match="the store is empty"):
        store.load("binance", "BTC/USDT", "1m")
    store.save(series(10))
    with pytest.raises(MarketHistoryRefused, match="the store has binance BTC/USDT 1m"):
        store.load("binanceusdm", "BTC/USDT", "1m")
    with pytest.raises(MarketHistoryRefused, match=r"expected one of Binance's timeframes"):
        store.load("binance", "BTC/USDT", "2m")


@pytest.mark.parametrize("name", ["../x", "a/b", "", "C:\\x"])
def test_names_cannot_leave_the_folder(store: CandleStore, name: str) -> None:
    with pytest.raises(MarketHistoryRefused, match="expected an exchange"):
        store.load(name, "BTC/USDT", "1m")
    with pytest.raises(MarketHistoryRefused, match="expected a pair"):
        store.load("binance", f"../{name}", "1m")


def test_months_do_not_share_a_file_with_minutes(store: CandleStore) -> None:
    """On a disk that does not tell cases apart 1M.parquet would be 1m.parquet."""
    path = store.path("binance", "BTC/USDT", "1M")
    assert path.name.lower() != store.path("binance", "BTC/USDT", "1m").name.lower()
    opens = np.array(["2024-01", "2024-02"], dtype="datetime64[M]").astype("datetime64[ms]")
    store.save(series(2, timeframe="1M", open_ts=opens.astype(np.int64)))
    assert [entry.facts.timeframe for entry in store.list() if entry.facts] == ["1M"]
    assert len(store.load("binance", "BTC/USDT", "1M")) == 2


def test_the_list_is_in_order_and_reads_facts(store: CandleStore) -> None:
    for symbol, timeframe, step in (("ETH/USDT", "1m", 1), ("BTC/USDT", "1h", 60)):
        store.save(
            series(3, symbol=symbol, timeframe=timeframe, step_ms=step * MINUTE_MS), sources=["x"]
        )
    store.save(series(3), sources=["b", "a"])
    facts = [entry.facts for entry in store.list()]
    assert [(one.symbol, one.timeframe, one.candles) for one in facts if one] == [
        ("BTC/USDT", "1m", 3),
        ("BTC/USDT", "1h", 3),
        ("ETH/USDT", "1m", 3),
    ]
    assert facts[0] is not None
    assert facts[0].sources == ("a", "b")
    assert (facts[0].first_ms, facts[0].last_ms) == (START_MS, START_MS + 2 * MINUTE_MS)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "was a damaged one"),
        (b"PAR1 nothing more", "was a damaged one"),
        (None, "was another Parquet file"),
    ],
)
def test_damaged_and_foreign_files_are_said(
    store: CandleStore, data: bytes | None, sentence: str
) -> None:
    path = store.save(series(10)).path
    if data is None:
        pq.write_table(pa.table({"open_ts": [1]}), path)
    else:
        path.write_bytes(data)
    for ask in (
        lambda: store.load("binance", "BTC/USDT", "1m"),
        lambda: store.save(series(10)),
    ):
        with pytest.raises(MarketHistoryError, match=sentence) as caught:
            ask()
        assert str(path) in str(caught.value)
    (entry,) = store.list()
    assert entry.facts is None
    assert sentence in str(entry.fault)


def test_a_file_with_a_flipped_byte_is_damaged_not_wrong(store: CandleStore) -> None:
    path = store.save(series(5_000)).path
    data = bytearray(path.read_bytes())
    for place in range(200, len(data) // 2, 997):
        data[place] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(MarketHistoryError, match="damaged"):
        store.load("binance", "BTC/USDT", "1m")


def test_a_folder_that_refuses_is_a_fault_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "candles").write_text("a file")
    with pytest.raises(StoreFault, match="expected to make"):
        CandleStore(tmp_path / "candles").save(series(3))


def test_a_second_writer_waits_and_then_says_so(tmp_path: Path) -> None:
    store = CandleStore(tmp_path, lock_seconds_max=0.01)
    with (
        filelock.FileLock(tmp_path / ".writing.lock"),
        pytest.raises(MarketHistoryError, match="expected to be the only writer"),
    ):
        store.save(series(3))
    assert store.save(series(3)).candles == 3


def test_delete(store: CandleStore) -> None:
    store.save(series(3))
    store.delete("binance", "BTC/USDT", "1m")
    store.delete("binance", "BTC/USDT", "1m")
    assert not store.exists("binance", "BTC/USDT", "1m")
