"""What goes wrong with market history. Every text is a sentence for people."""

from __future__ import annotations


class MarketHistoryError(Exception):
    """A file or a stored series that cannot be used as it is."""

    exit_code = 1


class MarketHistoryRefused(MarketHistoryError):
    """A question that cannot be answered: what was asked for must be changed."""

    exit_code = 2


class NotCandles(MarketHistoryError):
    """A readable file that holds something else than candles or trades."""


class CandleConflict(MarketHistoryError):
    """New candles contradict stored ones (or each other)."""
