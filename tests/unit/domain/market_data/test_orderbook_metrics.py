"""What of a book goes into journals and onto screens."""

from __future__ import annotations

from autotrade.domain.services.market_data.orderbook_analyzer import OrderBookAnalyzer
from autotrade.domain.settings import OrderbookAnalyzerSettings
from tests.unit.domain.market_data.books import TS, book, side


def test_figures_of_a_book_with_walls() -> None:
    quotes = [512.0] * 20
    quotes[4] = 8000.123
    analyzer = OrderBookAnalyzer(OrderbookAnalyzerSettings())
    of = book(side(99.9375, -0.0625, quotes), side(100.0625, 0.0625, quotes))
    assert analyzer.analyze(of, order_quote=700.0, ts=TS + 40).as_figures() == {
        "verdict": "NEUTRAL",
        "confidence": 0.84,
        "bid": 99.9375,
        "ask": 100.0625,
        "mid": 100.0,
        "spread_percent": 0.125,
        "bid_volume_quote": 15168.12,
        "ask_volume_quote": 15168.12,
        "imbalance_percent": 0.0,
        "buy_slippage_percent": 0.0168,
        "sell_slippage_percent": 0.0168,
        "order_quote": 700.0,
        "bid_walls": 1,
        "ask_walls": 1,
        "quality": 0.84,
        "age_ms": 40,
        "support_price": 99.6875,
        "support_quote": 8000.12,
        "resistance_price": 100.3125,
        "resistance_quote": 8000.12,
    }


def test_figures_without_a_book() -> None:
    analyzer = OrderBookAnalyzer(OrderbookAnalyzerSettings())
    figures = analyzer.analyze(None, order_quote=0.0, ts=TS).as_figures()
    assert figures["verdict"] == "REJECT"
    assert figures["reject"] == "book has no bids and asks"
    assert figures["spread_percent"] == "unknown"
    assert figures["buy_slippage_percent"] == figures["sell_slippage_percent"] == "unfillable"
    assert "age_ms" not in figures
    assert "support_price" not in figures
    assert "resistance_price" not in figures


def test_prices_carry_no_float_tails() -> None:
    analyzer = OrderBookAnalyzer(OrderbookAnalyzerSettings())
    of = book(((0.1 + 0.2 - 0.001, 99_999.0),), ((0.1 + 0.2, 99_999.0),))
    figures = analyzer.analyze(of, order_quote=5.0, ts=TS).as_figures()
    assert (figures["bid"], figures["ask"]) == (0.299, 0.3)
