"""Files of other tools, written here as those tools write them, come in with every value."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from autotrade.infrastructure.market_history import (
    CandleSeries,
    CandleStore,
    MarketHistoryError,
    MarketHistoryRefused,
)
from autotrade.infrastructure.market_history.importers.file_names import Description
from autotrade.infrastructure.market_history.importers.importing import (
    ImportOptions,
    import_paths,
    read_candle_file,
)
from tests.unit.market_history.builders import rows_of, series

ONE = series(30)
ASKED = Description("binance", "BTC/USDT", "1m")


def kline_lines(one: CandleSeries, factor: int = 1, header: bool = False) -> str:
    """As in Binance's archive: 12 columns, prices with eight decimals."""
    lines = [
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
        "taker_buy_volume,taker_buy_quote_volume,ignore"
    ] * header
    for ts, *values in rows_of(one):
        numbers = ",".join(f"{value:.8f}" for value in values)
        end = int(ts) * factor + 60_000 * factor - 1
        lines.append(f"{int(ts) * factor},{numbers},{end},12.50000000,7,1.0,2.0,0")
    return "\n".join(lines) + "\n"


def archive(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(f"{path.stem}.csv", text)
    return path


def only(path: Path, asked: Description | None = None) -> CandleSeries:
    (found,) = read_candle_file(path, asked)
    return found


@pytest.mark.parametrize(("factor", "header"), [(1, False), (1_000, False), (1, True)])
def test_klines_of_the_public_archive(tmp_path: Path, factor: int, header: bool) -> None:
    """Milliseconds, microseconds (spot since 2025) and the futures' header line."""
    path = archive(tmp_path / "BTCUSDT-1m-2024-01-01.zip", kline_lines(ONE, factor, header))
    found = only(path)
    assert rows_of(found) == rows_of(ONE)
    assert found.exchange == ("binanceusdm" if header else "binance")
    assert (found.symbol, found.timeframe) == ("BTC/USDT", "1m")
    assert (found.price_decimals, found.amount_decimals) == (2, 3)
    assert found.trades is not None
    assert found.quote_volume is not None
    assert set(found.trades.tolist()) == {7}
    assert set(found.quote_volume.tolist()) == {12.5}


def test_the_archives_folders_tell_spot_from_futures(tmp_path: Path) -> None:
    path = tmp_path / "data/futures/um/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2020-01.zip"
    assert only(archive(path, kline_lines(ONE))).exchange == "binanceusdm"


def test_the_checksum_beside_an_archive_is_believed(tmp_path: Path) -> None:
    path = archive(tmp_path / "BTCUSDT-1m-2024-01.zip", kline_lines(ONE))
    beside = tmp_path / "BTCUSDT-1m-2024-01.zip.CHECKSUM"
    beside.write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    assert len(only(path)) == 30
    beside.write_text(f"{'0' * 64}  {path.name}\n")
    with pytest.raises(MarketHistoryError, match="expected the SHA-256"):
        only(path)


def iso(ts: float) -> str:
    return datetime.fromtimestamp(ts / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


TIMES = {
    "seconds": lambda ts: str(int(ts) // 1000),
    "float seconds": lambda ts: f"{ts / 1000:.1f}",
    "milliseconds": lambda ts: str(int(ts)),
    "microseconds": lambda ts: str(int(ts) * 1000),
    "nanoseconds": lambda ts: str(int(ts) * 1_000_000),
    "iso": iso,
    "iso T Z": lambda ts: iso(ts).replace(" ", "T") + "Z",
    "iso zone": lambda ts: iso(ts) + "+00:00",
    "iso other zone": lambda ts: iso(ts + 7_200_000) + "+02:00",
}


@pytest.mark.parametrize("unit", TIMES)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_with_a_header(tmp_path: Path, unit: str, delimiter: str) -> None:
    lines = [delimiter.join(["Date", "Open", "High", "Low", "Close", "Volume"])]
    lines += [
        delimiter.join([TIMES[unit](ts), *(str(value) for value in values)])
        for ts, *values in rows_of(ONE)
    ]
    path = tmp_path / "binance_BTCUSDT_1m.csv"
    path.write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    assert rows_of(only(path)) == rows_of(ONE)


def test_csv_newest_first_with_a_title_and_two_volumes(tmp_path: Path) -> None:
    lines = [
        "https://www.example.com",
        "unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT,tradecount",
    ]
    lines += [
        f"{int(ts)},{iso(ts)},BTCUSDT,{','.join(map(str, values))},5.5,3"
        for ts, *values in reversed(rows_of(ONE))
    ]
    path = tmp_path / "Binance_minute.csv"
    path.write_text("\n".join(lines))
    found = only(path)
    assert rows_of(found) == rows_of(ONE)
    assert found.symbol == "BTC/USDT"
    assert found.quote_volume is not None
    assert found.quote_volume[0] == 5.5


def test_a_whole_number_first_and_decimals_later(tmp_path: Path) -> None:
    """A reader that guesses a column's kind from its beginning would stumble here."""
    many = series(20_000, volume=np.r_[np.arange(19_999.0), 0.125])
    lines = ["time,open,high,low,close,volume"]
    lines += [f"{int(ts)},{','.join(f'{v:.15g}' for v in vs)}" for ts, *vs in rows_of(many)]
    path = tmp_path / "binance_BTCUSDT_1m.csv"
    path.write_text("\n".join(lines))
    assert rows_of(only(path)) == rows_of(many)


def ccxt_rows(one: CandleSeries) -> list[list[float]]:
    return [[int(ts), *values] for ts, *values in rows_of(one)]


def json_shapes() -> dict[str, object]:
    rows = ccxt_rows(ONE)
    names = ["timestamp", "open", "high", "low", "close", "volume"]
    return {
        "ccxt": rows,
        "jesse": [[ts, o, c, h, low, v] for ts, o, h, low, c, v in rows],
        "binance": [[ts, *map(str, vs), ts + 59_999, "1.0", 3, "1", "1", "0"] for ts, *vs in rows],
        "objects": [dict(zip(names, row, strict=True)) for row in rows],
        "envelope": {"symbol": "BTCUSDT", "data": rows},
        "split": {"columns": names, "data": rows},
        "columns": dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)),
    }


@pytest.mark.parametrize("shape", list(json_shapes()))
@pytest.mark.parametrize("is_packed", [False, True])
def test_json(tmp_path: Path, shape: str, is_packed: bool) -> None:
    data = json.dumps(json_shapes()[shape]).encode()
    path = tmp_path / "binance" / ("BTC_USDT-1m.json.gz" if is_packed else "BTC_USDT-1m.json")
    path.parent.mkdir()
    path.write_bytes(gzip.compress(data) if is_packed else data)
    assert rows_of(only(path)) == rows_of(ONE)


@pytest.mark.parametrize("kind", ["feather", "parquet"])
@pytest.mark.parametrize("unit", ["ms", "ns"])
def test_arrow_tables_with_dates(tmp_path: Path, kind: str, unit: str) -> None:
    """freqtrade's Feather: date, open, high, low, close, volume."""
    stamps = pa.array(ONE.open_ts).cast(pa.timestamp("ms", tz="UTC"))
    columns = {"date": stamps.cast(pa.timestamp(unit, tz="UTC"))}
    columns |= {name: pa.array(getattr(ONE, name)) for name in ("open", "high", "low", "close")}
    table = pa.table(columns | {"volume": pa.array(ONE.volume)})
    folder = tmp_path / "binance"
    folder.mkdir()
    path = folder / f"BTC_USDT-1m.{kind}"
    if kind == "feather":
        feather.write_feather(table, path)
    else:
        pq.write_table(table, path)
    assert rows_of(only(path)) == rows_of(ONE)


def test_a_file_of_the_store_says_everything_itself(tmp_path: Path) -> None:
    path = CandleStore(tmp_path / "a").save(series(30, exchange="kraken", symbol="X/EUR")).path
    moved = path.rename(tmp_path / "moved.parquet")
    found = only(moved)
    assert (found.exchange, found.symbol, found.timeframe) == ("kraken", "X/EUR", "1m")


def test_noise_of_floats_is_taken_off_and_said(tmp_path: Path) -> None:
    rows = ccxt_rows(series(3, volume=np.array([0.3, 0.6, 0.7])))
    for row, noise in zip(rows, (0.1 + 0.2, 0.1 * 6, 0.7), strict=True):
        row[5] = noise
    path = tmp_path / "binance_BTCUSDT_1m.json"
    path.write_text(json.dumps(rows))
    assert only(path).volume.tolist() == [0.3, 0.6, 0.7]
    report = import_paths(CandleStore(tmp_path / "store"), [path])
    assert report.files[0].notes == ["volumes freed of the noise of float arithmetic (1 decimals)"]


# --- what cannot be imported ----------------------------------------------------------------------


HEADER = "time,open,high,low,close,volume"


def csv_of(rows: Sequence[Sequence[object]], header: str = HEADER) -> str:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)])


GOOD = ccxt_rows(ONE)
BAD_FILES = {
    "no exchange": ("BTCUSDT_1m.csv", csv_of(GOOD), "name it: --exchange binance"),
    "no pair": ("binance_1m.csv", csv_of(GOOD), "name it: --pair BTC/USDT"),
    "no timeframe": ("binance_BTCUSDT.csv", csv_of(GOOD[:1]), "name it: --timeframe 1m"),
    "other timeframe": ("binance_BTCUSDT_5m.csv", csv_of(GOOD), "was mostly 1m between them"),
    "columns": (
        "binance_BTCUSDT_1m.csv",
        csv_of(GOOD, "time,open,high,low,foo,volume"),
        "lacks close (it has time, open, high, low, foo, volume)",
    ),
    "no header": ("binance_BTCUSDT_1m.csv", "1,2,3,4\n5,6,7,8\n", "was 4 columns without a header"),
    "mixed pairs": (
        "binance_1m.csv",
        csv_of(
            [[*row, ("BTCUSDT", "ETHUSDT")[index % 2]] for index, row in enumerate(GOOD)],
            f"{HEADER},symbol",
        ),
        "expected one pair in a file, was 2 (BTCUSDT, ETHUSDT)",
    ),
    "mixed units": (
        "binance_BTCUSDT_1m.csv",
        csv_of([GOOD[0], [GOOD[1][0] * 1000, *GOOD[1][1:]]]),
        "expected times in one unit",
    ),
    "strange dates": (
        "binance_BTCUSDT_1m.csv",
        csv_of([["01/02/2024", *GOOD[0][1:]]] * 3),
        'or like 2024-01-31 13:05:00 (UTC), was "01/02/2024"',
    ),
    "impossible": (
        "binance_BTCUSDT_1m.csv",
        csv_of([[row[0], row[1], 1, *row[3:]] for row in GOOD]),
        "expected low <= open, close <= high, 30 were not, the first at 2024-01-01 00:00",
    ),
    "a hole": (
        "binance_BTCUSDT_1m.csv",
        csv_of([[row[0], "", *row[2:]] for row in GOOD]),
        "expected prices above zero",
    ),
    "between minutes": (
        "binance_BTCUSDT_1m.csv",
        csv_of([[row[0] + 5, *row[1:]] for row in GOOD]),
        "expected open times that begin a candle, 30 did not",
    ),
    "doubles": (
        "binance_BTCUSDT_1m.csv",
        csv_of([*GOOD, [*GOOD[3][:5], 77]]),
        "another volume at 2024-01-01 00:03 UTC",
    ),
    "ragged": ("binance_BTCUSDT_1m.csv", csv_of([*GOOD, [1, 2]]), "was a damaged one"),
    "words": ("binance_BTCUSDT_1m.csv", "hello\nworld\n", "at least 3 columns"),
    "empty": ("binance_BTCUSDT_1m.csv", "", "was an empty"),
    "only a header": ("binance_BTCUSDT_1m.csv", csv_of([]), "was a table without rows"),
    "cut json": ("binance_BTCUSDT_1m.json", json.dumps(GOOD)[:-9], "expected whole JSON"),
    "empty json": ("binance_BTCUSDT_1m.json", "[]", "was an empty one"),
    "other json": ("binance_BTCUSDT_1m.json", '{"a": 1}', "JSON object without one"),
    "narrow json": ("binance_BTCUSDT_1m.json", "[[1,2],[3,4]]", "2 values in a row"),
    "capture": ("binance_BTCUSDT_1m.txt", '17231 {"stream": 1}\n' * 3, "raw L2 capture stays"),
    "cut parquet": ("binance_BTCUSDT_1m.parquet", "PAR1 cut", "was a damaged one"),
    "cut zip": ("BTCUSDT-1m-2024-01.zip", "PK\x03\x04 cut", "was a damaged one"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(BAD_FILES))
def test_bad_files_are_one_sentence_that_names_the_file(tmp_path: Path, case: str) -> None:
    name, text, sentence = BAD_FILES[case]
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(MarketHistoryError) as caught:
        only(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_option_answers_what_the_file_does_not_say(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(csv_of(GOOD))
    assert rows_of(only(path, ASKED)) == rows_of(ONE)


def test_a_pair_chooses_its_rows_of_a_mixed_file(tmp_path: Path) -> None:
    name, text, _ = BAD_FILES["mixed pairs"]
    path = tmp_path / name
    path.write_text(text)
    found = only(path, Description(symbol="ETH/USDT", timeframe="1m"))
    assert found.symbol == "ETH/USDT"
    assert found.open_ts.tolist() == ONE.open_ts[1::2].tolist()
    with pytest.raises(MarketHistoryRefused, match="expected rows of SOL/USDT, the file has"):
        only(path, Description(symbol="SOL/USDT", timeframe="1m"))


def test_a_cut_zip_member_is_damage(tmp_path: Path) -> None:
    path = archive(tmp_path / "BTCUSDT-1m-2024-01.zip", kline_lines(series(500)))
    data = bytearray(path.read_bytes())
    data[200:260] = b"\0" * 60
    path.write_bytes(bytes(data))
    with pytest.raises(MarketHistoryError, match="expected a whole file, was a damaged one"):
        only(path)


# --- folders --------------------------------------------------------------------------------------


def test_a_folder_of_days_becomes_one_series(tmp_path: Path) -> None:
    whole = series(5 * 1_440)
    for day in range(5):
        part = whole.rows(slice(day * 1_440, (day + 1) * 1_440))
        archive(tmp_path / f"in/BTCUSDT-1m-2024-01-0{day + 1}.zip", kline_lines(part))
    (tmp_path / "in/README.md").write_text("not looked at")
    (tmp_path / "in/other.json").write_text('{"x": 1}')
    store = CandleStore(tmp_path / "store")
    report = import_paths(store, [tmp_path / "in"])
    assert report.problems == []
    assert [bool(one.left_out) for one in report.files] == [False] * 5 + [True]
    ((key, result),) = report.saved
    assert key == ("binance", "BTC/USDT", "1m")
    assert (result.added, result.candles) == (7_200, 7_200)
    before = result.path.read_bytes()
    again = import_paths(store, [tmp_path / "in"])
    assert again.saved[0][1].known == 7_200
    assert result.path.read_bytes() == before


def test_one_bad_file_does_not_stop_the_others_and_is_named(tmp_path: Path) -> None:
    archive(tmp_path / "in/BTCUSDT-1m-2024-01-01.zip", kline_lines(ONE))
    archive(tmp_path / "in/BTCUSDT-1m-2024-01-02.zip", kline_lines(series(30, seed=5)))
    (tmp_path / "in/BTCUSDT-1m-2024-01-03.zip").write_bytes(b"PK\x03\x04")
    archive(tmp_path / "in/ETHUSDT-1m-2024-01-01.zip", kline_lines(ONE))
    store = CandleStore(tmp_path / "store")
    report = import_paths(store, [tmp_path / "in"])
    assert [one.path.parent.name for one in report.problems] == ["BTCUSDT-1m-2024-01-02.zip", "in"]
    assert "expected the same values for the same candle" in report.problems[0].problem
    assert [key[1] for key, _ in report.saved] == ["BTC/USDT", "ETH/USDT"]
    assert rows_of(store.load("binance", "BTC/USDT", "1m")) == rows_of(ONE)
    replaced = import_paths(store, [tmp_path / "in"], ImportOptions(replace=True))
    assert [one.path.name for one in replaced.problems] == ["BTCUSDT-1m-2024-01-03.zip"]
    assert rows_of(store.load("binance", "BTC/USDT", "1m")) == rows_of(series(30, seed=5))


def test_in_a_folder_a_file_that_says_no_pair_is_left_out_with_the_question(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "prices.csv").write_text(csv_of(GOOD))
    (left,) = import_paths(CandleStore(tmp_path / "store"), [folder]).files
    assert "name it: --exchange binance" in left.left_out or "--pair" in left.left_out
    assert left.needs_answer
    report = import_paths(CandleStore(tmp_path / "store"), [folder], ImportOptions(ASKED))
    assert report.saved[0][1].added == 30


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    store = CandleStore(tmp_path / "store")
    with pytest.raises(MarketHistoryRefused, match="there is no"):
        import_paths(store, [tmp_path / "none.csv"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(MarketHistoryRefused, match="expected candle files"):
        import_paths(store, [tmp_path / "empty"])
