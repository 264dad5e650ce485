"""Candles of trades against a plain loop; parts, holes, first and last minutes."""

from __future__ import annotations

import zipfile
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.infrastructure.market_history import (
    CandleSeries,
    CandleStore,
    MarketHistoryRefused,
)
from autotrade.infrastructure.market_history.importers.file_names import Description
from autotrade.infrastructure.market_history.importers.importing import (
    ImportOptions,
    import_paths,
    read_candle_file,
)
from autotrade.infrastructure.market_history.importers.trade_tables import candles_of_trades
from autotrade.infrastructure.market_history.timeframes import MINUTE_MS
from tests.unit.market_history.builders import START_MS, rows_of

Trade = tuple[int, int, Decimal, Decimal]
"""Id, time, price, amount."""


@st.composite
def trade_lists(draw: st.DrawFn) -> list[Trade]:
    gaps = draw(st.lists(st.integers(0, 200_000), min_size=1, max_size=60))
    prices = draw(st.lists(st.integers(9_900, 10_100), min_size=len(gaps), max_size=len(gaps)))
    amounts = draw(st.lists(st.integers(0, 99_999), min_size=len(gaps), max_size=len(gaps)))
    found, ts = [], START_MS
    for index, gap in enumerate(gaps):
        ts += gap
        price, amount = Decimal(prices[index]).scaleb(-2), Decimal(amounts[index]).scaleb(-5)
        found.append((index + 10, ts, price, amount))
    return found


def columns(trades: list[Trade], *, has_ids: bool = True) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {
        "time": [ts for _, ts, _, _ in trades],
        "price": [float(price) for _, _, price, _ in trades],
        "qty": [float(amount) for _, _, _, amount in trades],
    }
    return found | ({"id": [trade_id for trade_id, *_ in trades]} if has_ids else {})


def candles(parts: list[dict[str, list[float]]]) -> CandleSeries:
    return candles_of_trades(
        parts, exchange="binance", symbol="BTC/USDT", has_whole_days=True, notes=[]
    )


def plain_candles(trades: list[Trade]) -> list[tuple[float, ...]]:
    """One after the other, minutes without a trade at the last price."""
    minutes: dict[int, list[Trade]] = {}
    for trade in trades:
        minutes.setdefault(trade[1] // MINUTE_MS * MINUTE_MS, []).append(trade)
    result: list[tuple[float, ...]] = []
    for open_ts in range(min(minutes), max(minutes) + 1, MINUTE_MS):
        inside = minutes.get(open_ts)
        if inside is None:
            close = result[-1][4]
            result.append((open_ts, close, close, close, close, 0.0))
            continue
        prices = [float(price) for _, _, price, _ in inside]
        volume = float(sum((amount for *_, amount in inside), Decimal(0)))
        result.append((open_ts, prices[0], max(prices), min(prices), prices[-1], volume))
    return result


@settings(max_examples=120, deadline=None)
@given(trade_lists(), st.lists(st.integers(1, 59), max_size=4))
def test_as_the_plain_loop_however_the_list_is_cut(trades: list[Trade], cuts: list[int]) -> None:
    edges = sorted({0, len(trades), *(cut for cut in cuts if cut < len(trades))})
    parts = [columns(trades[a:b]) for a, b in pairwise(edges)]
    found = candles(parts)
    assert rows_of(found) == plain_candles(trades)
    assert found.trades is not None
    assert int(found.trades.sum()) == len(trades)


def some(*minutes: int) -> list[Trade]:
    """Two trades in each of these minutes."""
    return [
        (2 * index + half, START_MS + minute * MINUTE_MS + 20_000 * half, Decimal(100), Decimal(1))
        for index, minute in enumerate(minutes)
        for half in range(2)
    ]


def opens(one: CandleSeries) -> list[int]:
    return [(ts - START_MS) // MINUTE_MS for ts in one.open_ts.tolist()]


def test_a_missing_id_keeps_a_hole_a_hole() -> None:
    trades = some(0, 4)
    assert opens(candles([columns(trades)])) == [0, 1, 2, 3, 4]
    later = [(trade_id + (ts > START_MS + MINUTE_MS), ts, p, a) for trade_id, ts, p, a in trades]
    assert opens(candles([columns(later)])) == [0, 4]
    assert opens(candles([columns(trades, has_ids=False)])) == [0, 4]


def test_cut_minutes_at_the_ends_are_left_out_unless_the_file_has_whole_days() -> None:
    notes: list[str] = []
    found = candles_of_trades(
        [columns(some(0, 1, 2, 3))],
        exchange="binance",
        symbol="BTC/USDT",
        has_whole_days=False,
        notes=notes,
    )
    assert opens(found) == [1, 2]
    assert "the first and the last minute may be cut and are left out" in notes


AGG_HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"


def agg_lines(trades: list[Trade], factor: int) -> str:
    return "".join(
        f"{trade_id},{price},{amount:.8f},{trade_id},{trade_id},{ts * factor},True,True\n"
        for trade_id, ts, price, amount in trades
    )


@pytest.mark.parametrize("factor", [1, 1_000])
def test_agg_trades_of_the_archive(tmp_path: Path, factor: int) -> None:
    trades = some(0, 1, 2, 5)
    path = tmp_path / "BTCUSDT-aggTrades-2024-01-01.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("BTCUSDT-aggTrades-2024-01-01.csv", agg_lines(trades, factor))
    (found,) = read_candle_file(path)
    assert rows_of(found) == plain_candles(trades)
    assert (found.exchange, found.symbol, found.timeframe) == ("binance", "BTC/USDT", "1m")


def test_agg_trades_of_the_futures_have_a_header(tmp_path: Path) -> None:
    lines = [line.removesuffix(",True") for line in agg_lines(some(0, 1, 2), 1).splitlines()]
    path = tmp_path / "BTCUSDT-aggTrades-2024-01-01.csv"
    path.write_text("\n".join([AGG_HEADER, *lines]))
    (found,) = read_candle_file(path)
    assert rows_of(found) == plain_candles(some(0, 1, 2))
    assert found.exchange == "binanceusdm"


def test_plain_trades_of_the_archive(tmp_path: Path) -> None:
    trades = some(0, 1, 2)
    path = tmp_path / "ETHUSDT-trades-2024-01.csv"
    path.write_text("".join(f"{i},{p},{a},100,{ts},True,True\n" for i, ts, p, a in trades))
    (found,) = read_candle_file(path)
    assert rows_of(found) == plain_candles(trades)


def test_trades_in_a_folder_are_taken_only_when_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "BTCUSDT-aggTrades-2024-01-01.csv").write_text(agg_lines(some(0, 1), 1))
    store = CandleStore(tmp_path / "store")
    (left,) = import_paths(store, [folder]).files
    assert "add --trades" in left.left_out
    report = import_paths(store, [folder], ImportOptions(with_trades=True))
    assert report.saved[0][1].candles == 2
    with pytest.raises(MarketHistoryRefused, match="expected --timeframe 1m for trades, was 5m"):
        read_candle_file(next(folder.iterdir()), Description(timeframe="5m"))
