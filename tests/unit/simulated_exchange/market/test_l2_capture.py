from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrade.infrastructure.simulated_exchange.market.catalog import open_market
from autotrade.infrastructure.simulated_exchange.market.errors import MarketSourceError
from autotrade.infrastructure.simulated_exchange.market.l2_capture import L2Capture
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels, MarketTrade
from tests.recordings import recording
from tests.unit.simulated_exchange.market.helpers import Book, digest

T0 = 1_700_000_000_000


def depth(at_ms: int, first: int, last: int, bids: object = (), asks: object = ()) -> str:
    data = {"e": "depthUpdate", "E": T0 + at_ms, "s": "BTCUSDT", "U": first, "u": last}
    return line("btcusdt@depth@100ms", {**data, "b": bids, "a": asks})


def trade(at_ms: int, number: int, price: str, amount: str, *, seller: bool = False) -> str:
    data = {"e": "trade", "E": T0 + at_ms + 1, "s": "BTCUSDT", "t": number, "p": price}
    return line("btcusdt@trade", {**data, "q": amount, "T": T0 + at_ms, "m": seller, "M": True})


def line(stream: str, data: dict[str, Any]) -> str:
    return f"1700000000000000000 {json.dumps({'stream': stream, 'data': data})}".replace(": ", ":")


SNAPSHOT = (
    '1700000000000000000 {"lastUpdateId":105,"bids":[["100.00","1.5"],["99.99","2"]],'
    '"asks":[["100.01","1"],["100.05","3.00001"]]}'
)
LINES = [
    depth(0, 90, 99, [["1.00", "9"]]),
    trade(10, 500, "100.00", "0.2", seller=True),
    depth(100, 100, 104, [["2.00", "9"]]),
    depth(200, 105, 110, [["100.00", "1.25"]], [["100.01", "0"]]),
    SNAPSHOT,
    line("btcusdt@bookTicker", {"u": 111, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"}),
    depth(300, 111, 112, [], [["100.02", "0.5"]]),
    trade(250, 501, "100.00", "0.25", seller=True),
    trade(400, 502, "100.02", "0.5"),
    depth(400, 113, 115, [], [["100.02", "0.00000000"]]),
]


def write(path: Path, lines: list[str], *, zipped: bool = False) -> Path:
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if zipped else data)
    return path


@pytest.mark.parametrize("zipped", [False, True])
def test_a_capture_is_replayed_from_its_snapshot(tmp_path: Path, zipped: bool) -> None:
    source = L2Capture([write(tmp_path / "capture", LINES, zipped=zipped)])
    facts = list(source.facts())

    assert source.start_ts == T0 + 200
    assert source.end_ts == T0 + 401
    assert facts == [
        MarketLevels(
            T0 + 200,
            "BTCUSDT",
            ((10_000, 150_000), (9_999, 200_000)),
            ((10_001, 100_000), (10_005, 300_001)),
            is_snapshot=True,
            update_ids=(105, 105),
        ),
        MarketLevels(
            T0 + 200, "BTCUSDT", ((10_000, 125_000),), ((10_001, 0),), update_ids=(106, 110)
        ),
        MarketTrade(T0 + 250, "BTCUSDT", 10_000, 25_000, facts[2].taker, trade_id=501),
        MarketLevels(T0 + 300, "BTCUSDT", (), ((10_002, 50_000),), update_ids=(111, 112)),
        MarketTrade(T0 + 400, "BTCUSDT", 10_002, 50_000, facts[4].taker, trade_id=502),
        MarketLevels(T0 + 400, "BTCUSDT", (), ((10_002, 0),), update_ids=(113, 115)),
    ]
    assert isinstance(facts[2], MarketTrade)
    assert facts[2].taker == "SELL"
    assert isinstance(facts[4], MarketTrade)
    assert facts[4].taker == "BUY"


def test_several_files_are_one_capture(tmp_path: Path) -> None:
    whole = L2Capture([write(tmp_path / "whole", LINES)])
    parts = [write(tmp_path / "one", LINES[:7]), write(tmp_path / "two", LINES[7:], zipped=True)]
    assert digest(L2Capture(parts).facts()) == digest(whole.facts())


def test_the_history_is_modelled_and_says_so(tmp_path: Path) -> None:
    source = open_market(recordings=[write(tmp_path / "capture", LINES)])
    candles = source.history("BTCUSDT", 100)

    assert len(candles) == 100
    assert candles[-1].close == Decimal("100.00")
    assert candles[-1].open_ts + 60_000 <= source.start_ts
    assert candles == source.history("BTCUSDT", 100)
    assert "recorded L2 capture" in source.description
    assert "candles before its start are modelled" in source.description


def test_a_lost_update_stops_the_replay_with_its_number(tmp_path: Path) -> None:
    source = L2Capture([write(tmp_path / "capture", [*LINES[:6], *LINES[7:]])])
    with pytest.raises(MarketSourceError, match="expected BTCUSDT's update 111, was 113"):
        list(source.facts())


def test_an_amount_finer_than_the_listed_lot_makes_the_lot_finer(tmp_path: Path) -> None:
    lines = [*LINES, depth(500, 116, 116, [["50.00", "7.0000015"]])]
    source = L2Capture([write(tmp_path / "capture", lines)])
    market = source.markets[0]

    assert market.lot_size == Decimal("1E-7")
    assert market.minimum_amount == Decimal("0.00001")
    last = list(source.facts())[-1]
    assert isinstance(last, MarketLevels)
    assert last.bids == ((5_000, 70_000_015),)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (LINES[:4], "has none"),
        ([*LINES[:3], SNAPSHOT, depth(900, 200, 210)], "has none"),
        ([*LINES[:4], SNAPSHOT.replace("105", "9999")], "has none"),
        ([LINES[3].replace('"u":', '"pu":1,"u":'), SNAPSHOT], "one of futures"),
        ([*LINES, '17 {"stream":"btcusdt@depth","data":{"e":"depthUpdate", oops'], "JSON"),
        ([*LINES, LINES[-1].replace("BTCUSDT", "ETHUSDT")], "2 symbols"),
    ],
)
def test_unusable_captures_are_refused_in_a_sentence(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(MarketSourceError, match=message):
        L2Capture([write(tmp_path / "capture", lines)])


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "capture", LINES, zipped=True)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(MarketSourceError, match="readable"):
        list(L2Capture([path]).facts())


def test_symbols_choose_among_those_recorded(tmp_path: Path) -> None:
    path = write(tmp_path / "capture", LINES)
    assert [m.symbol for m in L2Capture([path], ["BTCUSDT"]).markets] == ["BTCUSDT"]
    with pytest.raises(MarketSourceError, match="the capture holds BTCUSDT"):
        L2Capture([path], ["ETHUSDT"])


@pytest.mark.recorded
def test_the_recorded_capture_yields_the_recorded_book_at_every_update() -> None:
    """Against a replay that shares nothing with the source: texts and Decimals, no grid."""
    paths = [
        recording("depth/binance_BTCUSDT_20240808_raw_ws.jsonl.gz"),
        recording("depth/binance_BTCUSDT_20240809_raw_ws.jsonl.gz"),
    ]
    messages = []
    for path in paths:
        with gzip.open(path, "rt") as stream:
            messages += [json.loads(text.split(" ", 1)[1]) for text in stream]
    snapshot = next(message for message in messages if "lastUpdateId" in message)
    updates = [m["data"] for m in messages if m.get("stream", "").endswith("depth@100ms")]
    updates = [data for data in updates if data["u"] > snapshot["lastUpdateId"]]
    trades = [m["data"] for m in messages if m.get("stream", "").endswith("@trade")]
    sides: dict[str, dict[Decimal, Decimal]] = {
        "b": {Decimal(price): Decimal(lots) for price, lots in snapshot["bids"]},
        "a": {Decimal(price): Decimal(lots) for price, lots in snapshot["asks"]},
    }
    source = open_market(recordings=paths)
    market = source.markets[0]
    book, checked, seen = Book(), 0, []
    for fact in source.facts():
        if isinstance(fact, MarketTrade):
            seen.append(
                (fact.trade_id, fact.ts, market.price(fact.price), market.amount(fact.amount))
            )
            continue
        book.apply(fact)
        if fact.is_snapshot:
            continue
        data = updates[checked]
        assert (fact.ts, fact.update_ids[1]) == (data["E"], data["u"])  # type: ignore[index]
        for side, levels in sides.items():
            for price, lots in data[side]:
                levels[Decimal(price)] = Decimal(lots)
        checked += 1
        if checked % 250 == 1 or checked == len(updates):
            for levels, mine in ((sides["b"], book.bids), (sides["a"], book.asks)):
                assert {price: lots for price, lots in levels.items() if lots} == {
                    market.price(price): market.amount(lots) for price, lots in mine.items()
                }
    assert checked == len(updates)
    assert seen == [
        (data["t"], data["T"], Decimal(data["p"]), Decimal(data["q"]))
        for data in trades
        if data["T"] >= source.start_ts
    ]


@pytest.mark.recorded
def test_the_other_form_with_snapshots_in_a_file_of_their_own() -> None:
    source = open_market(
        recordings=[
            recording("depth/cryptofeed_binance_20211012_raw_ws.txt.gz"),
            recording("depth/cryptofeed_binance_20211012_rest_depth_snapshots.txt.gz"),
        ]
    )
    facts = list(source.facts())
    symbols = {market.symbol for market in source.markets}

    assert symbols == {"NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"}
    assert {fact.symbol for fact in facts if isinstance(fact, MarketLevels)} == symbols
    assert any(isinstance(fact, MarketTrade) for fact in facts)
    books = {symbol: Book() for symbol in symbols}
    for fact in facts:
        if isinstance(fact, MarketLevels):
            books[fact.symbol].apply(fact)
            bid, ask = books[fact.symbol].best
            assert bid < ask
