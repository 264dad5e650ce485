"""Latency percentiles are right within their bucket, whatever comes in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autotrade.application.utils.performance_logger import LatencyHistogram, PerformanceLogger


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=200))
def test_percentile_is_the_value_or_its_bucket_edge(values: list[int]) -> None:
    histogram = LatencyHistogram()
    for value in values:
        histogram.add(value)
    for percent in (50, 95, 99, 100):
        rank = max(1, -(-len(values) * percent // 100))
        exact_us = sorted(values)[rank - 1] / 1000
        estimate_us = histogram.percentile_us(percent)
        assert exact_us <= estimate_us * 1.0001
        assert estimate_us <= max(exact_us * 1.26, 0.003)
    assert histogram.summary_us()["max"] == round(max(values) / 1000, 1)


def test_empty_histogram_says_zero() -> None:
    assert LatencyHistogram().summary_us() == {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}


def test_line_counts_ticks_of_its_interval_only() -> None:
    logger = PerformanceLogger()
    logger.ticks = 100
    assert logger.line(10, 3, 1).startswith("performance 10 ticks/s")
    logger.ticks = 150
    line = logger.line(10, 3, 1)
    assert line.startswith("performance 5 ticks/s")
    assert "queue 3" in line
    assert line.endswith("reconnects 1")
