from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from autotrade.infrastructure.simulated_exchange.market.catalog import (
    DEFAULT_SEED,
    DEFAULT_SYMBOLS,
    LISTINGS,
    MarketSourceError,
    RecordingKind,
    open_market,
    recording_kind,
)
from autotrade.infrastructure.simulated_exchange.market.listings import (
    market_on_grid,
    split_symbol,
)
from tests.recordings import recording
from tests.unit.simulated_exchange.market import test_candle_replay, test_l2_capture


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return test_l2_capture.write(tmp_path / "capture.parquet", test_l2_capture.LINES)


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    return test_candle_replay.write(tmp_path / "SOLUSDT.jsonl.gz", test_candle_replay.ROWS)


def test_the_default_is_the_model_with_three_pairs() -> None:
    source = open_market()

    assert [market.symbol for market in source.markets] == list(DEFAULT_SYMBOLS)
    assert f"modelled market, seed {DEFAULT_SEED}" in source.description
    assert "nothing is recorded" in source.description
    assert source.end_ts is None
    assert "seed 3" in open_market(seed=3, symbols=["BTCUSDT"]).description


def test_kinds_are_told_by_content_not_by_name(capture: Path, candles: Path) -> None:
    assert recording_kind(capture) is RecordingKind.CAPTURE
    assert recording_kind(candles) is RecordingKind.CANDLES
    assert "recorded L2 capture" in open_market(recordings=[capture]).description
    assert "recorded 1-minute candles" in open_market(recordings=[candles]).description


def test_kinds_cannot_be_mixed(capture: Path, candles: Path) -> None:
    with pytest.raises(MarketSourceError, match="of one kind"):
        open_market(recordings=[capture, candles])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "was something else"),
        (b"hello\n", "was something else"),
        (b'{"lastUpdateId":1}\n', "was something else"),
        (b"PK\x03\x04zip", "was something else"),
        (b"PAR1 but not really", "readable Parquet"),
        (b"\x1f\x8b\x08 broken gzip", "readable capture"),
    ],
)
def test_unknown_files_are_refused_in_a_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(MarketSourceError, match=message) as caught:
        open_market(recordings=[path])
    assert str(path) in str(caught.value)


def test_missing_files_folders_and_other_tables_are_refused(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    with pytest.raises(MarketSourceError, match="there is no file"):
        open_market(recordings=[tmp_path / "none"])
    with pytest.raises(MarketSourceError, match="was a folder"):
        open_market(recordings=[tmp_path])
    pyarrow.parquet.write_table(pyarrow.table({"open_time": [1]}), tmp_path / "t")
    with pytest.raises(MarketSourceError, match="lacks open, high, low, close, volume"):
        open_market(recordings=[tmp_path / "t"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "2023-01-01"}, "only with recorded candles"),
        ({"minutes": 5}, "only with recorded candles"),
        ({"symbols": []}, "at least one symbol"),
        ({"symbols": ["BTCUSDT", "NOPEUSDT"]}, "NOPEUSDT"),
        ({"checkpoint": {}}, "whole checkpoint"),
        ({"checkpoint": {"seed": 1, "pairs": {}, "format": 9}}, "format"),
        ({"checkpoint": {"seed": 1, "pairs": {}, "format": 1}}, "whole checkpoint"),
        ({"checkpoint": {"seed": 1, "pairs": {}, "format": 1}, "seed": 2}, "seed 1, was 2"),
    ],
)
def test_options_that_do_not_fit_the_model_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(MarketSourceError, match=message):
        open_market(**options)


def test_options_that_do_not_fit_a_recording_are_refused(capture: Path) -> None:
    with pytest.raises(MarketSourceError, match="only with the modelled market"):
        open_market(recordings=[capture], checkpoint={"seed": 1})
    with pytest.raises(MarketSourceError, match="starts at its snapshot"):
        open_market(recordings=[capture], start="2023-01-01")


def test_twenty_pairs_are_listed_with_filters_that_hold_their_prices() -> None:
    assert len(LISTINGS) >= 20
    for symbol, listing in LISTINGS.items():
        market = listing.market
        assert (market.symbol, market.quote) == (symbol, "USDT")
        assert market.minimum_price <= Decimal(listing.price) <= market.maximum_price
        assert market.minimum_amount < market.maximum_amount
        assert 0 < listing.loading < 1


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("BTCUSDT", ("BTC", "USDT")),
        ("ETHBTC", ("ETH", "BTC")),
        ("USDCUSDT", ("USDC", "USDT")),
        ("RUNEEUR", ("RUNE", "EUR")),
        ("BTCFDUSD", ("BTC", "FDUSD")),
    ],
)
def test_symbols_are_split_into_currencies(symbol: str, parts: tuple[str, str]) -> None:
    assert split_symbol(symbol) == parts


def test_a_recordings_grid_is_the_listed_one_unless_it_must_be_finer() -> None:
    assert market_on_grid("BTCUSDT", 1, 2) == LISTINGS["BTCUSDT"].market
    finer = market_on_grid("BTCUSDT", 3, 6)
    assert (finer.tick_size, finer.lot_size) == (Decimal("0.001"), Decimal("0.000001"))
    assert finer.minimum_notional == LISTINGS["BTCUSDT"].market.minimum_notional
    other = market_on_grid("NKNBTC", 8, 0)
    assert (other.base, other.tick_size, other.lot_size) == ("NKN", Decimal("1E-8"), Decimal(1))


@pytest.mark.recorded
def test_listed_filters_are_binances() -> None:
    path = recording("exchange_info/binance_symbol_properties_lean.csv.gz")
    with gzip.open(path, "rt") as stream:
        rows = {
            row[1]: row
            for row in csv.reader(stream)
            if len(row) > 9 and (row[0], row[2]) == ("binance", "crypto")
        }
    for symbol, listing in LISTINGS.items():
        market, row = listing.market, rows[symbol]
        assert (market.tick_size, market.lot_size) == (Decimal(row[6]), Decimal(row[7])), symbol
        assert market.minimum_notional == Decimal(row[9]), symbol


def test_a_coin_of_tiny_price_can_be_bought_for_more_than_a_dollar() -> None:
    """A pair that is not listed is not bounded by the amounts of another price."""
    market = market_on_grid("SHIBUSDT", 8, 0)
    assert Decimal("0.00001") * market.maximum_amount > 10_000
    assert Decimal("0.00001") * market.market_maximum_amount > 10_000
