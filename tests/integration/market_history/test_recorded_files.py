"""Every recorded candle file comes in, and says of itself what its own list of sources says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from autotrade.infrastructure.market_history import CandleStore, check, resample
from autotrade.infrastructure.market_history.importers.file_names import Description
from autotrade.infrastructure.market_history.importers.importing import (
    import_paths,
    read_candle_file,
)
from tests.recordings import recording

pytestmark = pytest.mark.recorded


def listed_gaps(folder: Path) -> dict[str, tuple[int, int]]:
    """(rows, missing minutes) of each candle file as the list of sources states them."""
    found = {}
    for line in (folder / "SOURCES.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 6 and cells[1].startswith("klines/"):
            words = cells[6].split()
            missing = 0 if words[0] == "no" else int(words[words.index("min") - 1])
            found[cells[1]] = (int(cells[5]), missing)
    return found


def test_every_candle_file_is_imported_whole(tmp_path: Path) -> None:
    folder = recording("klines").parent
    listed = listed_gaps(folder)
    assert listed
    for name, (rows, missing) in listed.items():
        (series,) = read_candle_file(folder / name)
        report = check(series)
        assert report.is_sound, name
        assert (len(series), report.missing) == (rows, missing), name
        assert max(series.price_decimals, series.amount_decimals) <= 8, name
        table = pq.read_table(folder / name)
        for column in ("open", "high", "low", "close", "volume"):
            recorded = table[column].to_numpy()
            # One source has summed its volumes in floats: its noise is taken off, nothing else.
            noise = 1e-15 if "otherexchange" in name and column == "volume" else 0
            assert np.allclose(recorded, getattr(series, column), rtol=noise, atol=0), name


def test_the_whole_folder_in_one_go_and_twice(tmp_path: Path) -> None:
    folder = recording("klines").parent
    store = CandleStore(tmp_path)
    report = import_paths(store, [folder])
    assert [one.problem for one in report.problems] == []
    taken = {one.path.name for one in report.files if one.series}
    assert taken == {Path(name).name for name in listed_gaps(folder)}
    before = {entry.path: entry.path.read_bytes() for entry in store.list()}
    import_paths(store, [folder / "klines"])
    assert {entry.path: entry.path.read_bytes() for entry in store.list()} == before


def test_trades_make_the_candles_that_were_recorded() -> None:
    """Two sources of the same days: trades of one, candles of the other."""
    (made,) = read_candle_file(recording("trades/binance_XRPETH_trades_freqtrade.parquet"))
    (known,) = read_candle_file(recording("klines/binance_XRPETH_1m_20191011_20191013.parquet"))
    traded = made.rows(made.volume > 0)
    both, left, right = np.intersect1d(traded.open_ts, known.open_ts, return_indices=True)
    assert len(both) > 0.99 * len(traded)
    for name in ("open", "high", "low", "close", "volume"):
        equal = getattr(traded, name)[left] == getattr(known, name)[right]
        assert equal.mean() > 0.99, name


def test_days_of_minutes_are_days(tmp_path: Path) -> None:
    (minutes,) = read_candle_file(
        recording("klines/binance_BTCUSDT_1m_20220101_20230930.parquet"), Description()
    )
    days, weeks = resample(minutes, "1d"), resample(minutes, "1w")
    assert len(days) == 638
    assert check(days).is_sound
    assert not check(days).has_gaps
    assert check(weeks).is_sound
    assert days.volume.sum() == pytest.approx(minutes.volume.sum(), rel=1e-12)
    assert days.high.max() == minutes.high.max()
