"""The model against what recordings say. Tolerances are wide enough for chance and narrow enough
that a broken model (no clustering, no tails, a book of another size, independent pairs) fails."""

from __future__ import annotations

import statistics
from functools import cache

import pytest

from autotrade.infrastructure.simulated_exchange.market.catalog import open_market
from autotrade.infrastructure.simulated_exchange.market.listings import LISTINGS
from autotrade.infrastructure.simulated_exchange.market.model import ModelMarket
from autotrade.infrastructure.simulated_exchange.market.stylised_facts import (
    REFERENCE,
    BookMeter,
    CandleFigures,
    autocorrelation,
    candle_figures,
    kurtosis,
    quantile,
    returns_bp,
)
from tests.recordings import recording
from tests.unit.simulated_exchange.market.helpers import facts_until

PAIRS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
MINUTES = 12_000
SEEDS = (1, 2, 3)


def reference(name: str) -> float:
    return REFERENCE[name].value


@cache
def modelled_series(seed: int) -> dict[str, list[list[float]]]:
    market = ModelMarket(seed, PAIRS, history_minutes=MINUTES)
    columns = {}
    for symbol in PAIRS:
        candles = market.history(symbol, MINUTES)
        columns[symbol] = [
            [float(getattr(candle, name)) for candle in candles]
            for name in ("close", "high", "low", "quote_volume")
        ]
    return columns


@cache
def modelled_candles(symbol: str) -> list[CandleFigures]:
    return [candle_figures(*modelled_series(seed)[symbol]) for seed in SEEDS]


def middle(symbol: str, name: str) -> float:
    return statistics.median(getattr(figures, name) for figures in modelled_candles(symbol))


@cache
def modelled_books() -> dict[str, dict[str, float]]:
    market = ModelMarket(5, (*PAIRS, "TRXUSDT"))
    meters = {listed.symbol: BookMeter(listed) for listed in market.markets}
    for fact in facts_until(market, market.start_ts + 25 * 60_000):
        meters[fact.symbol].add(fact)
    return {symbol: meter.figures() for symbol, meter in meters.items()}


@pytest.mark.parametrize("pair", ["btc", "eth", "sol"])
def test_minute_volatility_is_that_of_the_recorded_candles(pair: str) -> None:
    measured = middle(f"{pair.upper()}USDT", "minute_sd_bp")
    assert measured == pytest.approx(reference(f"{pair}_minute_sd_bp"), rel=0.4)


def test_returns_have_fat_tails_and_no_memory_of_their_sign() -> None:
    for symbol in PAIRS:
        assert middle(symbol, "kurtosis") > reference("btc_quiet_week_kurtosis") * 0.7
        assert abs(middle(symbol, "return_autocorrelation")) < 0.06


def test_volatility_clusters_and_its_memory_decays() -> None:
    for symbol in PAIRS:
        at_1, at_20, at_60 = (
            statistics.median(column)
            for column in zip(
                *(figures.absolute_autocorrelation for figures in modelled_candles(symbol)),
                strict=True,
            )
        )
        assert at_1 == pytest.approx(reference("btc_absolute_autocorrelation_1"), abs=0.15)
        assert at_1 > at_20 > at_60 > 0.03


def test_ranges_volumes_and_their_link_to_volatility_are_as_recorded() -> None:
    assert middle("BTCUSDT", "range_bp") == pytest.approx(reference("btc_range_bp"), rel=0.4)
    assert middle("BTCUSDT", "quote_median") == pytest.approx(
        reference("btc_minute_quote_median"), rel=0.5
    )
    assert middle("BTCUSDT", "quote_log_sd") == pytest.approx(
        reference("btc_minute_quote_log_sd"), rel=0.25
    )
    assert middle("BTCUSDT", "volume_volatility_correlation") == pytest.approx(
        reference("btc_volume_volatility_correlation"), abs=0.15
    )
    assert middle("BTCUSDT", "empty_share") <= 0.001


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("BTCUSDT", "ETHUSDT", "btc_eth_correlation"),
        ("BTCUSDT", "SOLUSDT", "btc_sol_correlation"),
        ("ETHUSDT", "SOLUSDT", "eth_sol_correlation"),
    ],
)
def test_pairs_move_together_as_recorded(first: str, second: str, name: str) -> None:
    found = statistics.median(
        statistics.correlation(
            returns_bp(modelled_series(seed)[first][0]),
            returns_bp(modelled_series(seed)[second][0]),
        )
        for seed in SEEDS
    )
    assert found == pytest.approx(reference(name), abs=0.06)


@pytest.mark.parametrize(
    ("symbol", "name"), [("ETHUSDT", "btc_eth_beta"), ("SOLUSDT", "btc_sol_beta")]
)
def test_betas_are_as_recorded(symbol: str, name: str) -> None:
    slopes = []
    for seed in SEEDS:
        series = modelled_series(seed)
        fit = statistics.linear_regression(
            returns_bp(series["BTCUSDT"][0]), returns_bp(series[symbol][0])
        )
        slopes.append(fit.slope)
    assert statistics.median(slopes) == pytest.approx(reference(name), rel=0.15)


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("best_quote_median", 1.5),
        ("top_20_quote_median", 1.7),
        ("top_20_span_bp_median", 1.4),
        ("depth_2_bp_quote_median", 1.7),
        ("depth_10_bp_quote_median", 1.6),
        ("order_log_sd", 1.3),
        ("order_mean_to_median", 2.0),
        ("order_q95_to_median", 2.5),
        ("order_gap_variation", 1.6),
    ],
)
def test_the_book_and_the_orders_of_btc_are_sized_as_captured(name: str, factor: float) -> None:
    expected = reference(f"btc_{name}")
    assert expected / factor < modelled_books()["BTCUSDT"][name] < expected * factor


def test_spreads_are_mostly_one_tick() -> None:
    for symbol, figures in modelled_books().items():
        assert figures["spread_ticks_median"] == 1, symbol
        assert figures["crossed_share"] == 0
    assert 1 < modelled_books()["BTCUSDT"]["spread_ticks_mean"] < 20


def test_a_coarse_tick_has_deep_queues() -> None:
    figures = modelled_books()["TRXUSDT"]
    for name in ("best_quote_median", "top_3_quote_median"):
        expected = reference(f"trx_{name}")
        assert expected / 2 < figures[name] < expected * 2


def test_rates_are_thinned_by_the_documented_factors_and_volume_is_kept() -> None:
    figures = modelled_books()["BTCUSDT"]
    thinning = reference("btc_orders_per_second") / figures["orders_per_second"]
    assert 1.5 < thinning < 4
    thinning = reference("btc_level_changes_per_second") / figures["level_changes_per_second"]
    assert 2.5 < thinning < 8
    assert 4 < figures["batches_per_second"] < 12
    minutes = [
        figures["quote_per_second"] * 60 / LISTINGS[symbol].minute_quote
        for symbol, figures in modelled_books().items()
    ]
    assert 0.3 < statistics.median(minutes) < 6


def test_takers_come_in_runs_and_push_the_price() -> None:
    for symbol in PAIRS:
        figures = modelled_books()[symbol]
        assert 0.15 < figures["order_sign_autocorrelation_1"] < 0.5
        assert figures["order_sign_autocorrelation_10"] < figures["order_sign_autocorrelation_1"]
        assert figures["move_sign_correlation"] > 0.15


def test_every_reference_names_its_source() -> None:
    assert all(len(figure.source) > 20 for figure in REFERENCE.values())


def test_the_measures_themselves() -> None:
    assert autocorrelation([1.0, -1.0] * 50, 1) == pytest.approx(-0.99)
    assert kurtosis([-1.0, 1.0] * 10) == pytest.approx(1.0)
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert returns_bp([100.0, 101.0]) == pytest.approx([99.503], abs=0.001)


@pytest.mark.recorded
def test_the_reference_figures_of_the_book_are_those_of_the_capture() -> None:
    source = open_market(
        recordings=[
            recording("depth/binance_BTCUSDT_20240808_raw_ws.jsonl.gz"),
            recording("depth/binance_BTCUSDT_20240809_raw_ws.jsonl.gz"),
        ]
    )
    meter = BookMeter(source.markets[0])
    for fact in source.facts():
        meter.add(fact)
    figures = meter.figures()
    compared = [name for name in REFERENCE if name.removeprefix("btc_") in figures]
    assert len(compared) >= 14
    for name in compared:
        assert figures[name.removeprefix("btc_")] == pytest.approx(reference(name), rel=0.05), name


@pytest.mark.recorded
def test_the_reference_figures_of_candles_are_those_of_the_files() -> None:
    import pyarrow.parquet

    closes = {}
    for pair in ("btc", "eth", "sol"):
        path = recording(f"klines/binance_{pair.upper()}USDT_1m_20220101_20230930.parquet")
        table = pyarrow.parquet.read_table(path)
        close = table["close"].to_numpy()
        closes[pair] = dict(zip(table["open_time"].to_pylist(), close.tolist(), strict=True))
        deviation = statistics.pstdev(returns_bp(close.tolist()))
        assert deviation == pytest.approx(reference(f"{pair}_minute_sd_bp"), rel=0.01)
    common = [ts for ts in closes["btc"] if ts in closes["eth"] and ts in closes["sol"]]
    changes = {pair: returns_bp([series[ts] for ts in common]) for pair, series in closes.items()}
    for first, second in (("btc", "eth"), ("btc", "sol"), ("eth", "sol")):
        found = statistics.correlation(changes[first], changes[second])
        assert found == pytest.approx(reference(f"{first}_{second}_correlation"), abs=0.01)
