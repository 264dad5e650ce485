"""PerformanceLogger: how fast the loop turns, in numbers that cost next to nothing to keep."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate

BUCKETS_PER_OCTAVE = 8
"""Latency buckets grow by 2^(1/8): a percentile is right to 9 %."""
BUCKETS = 40 * BUCKETS_PER_OCTAVE


class LatencyHistogram:
    """Counts of latencies in buckets of equal ratio; bounded however long it runs."""

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self.count = 0
        self.maximum_ns = 0

    def add(self, latency_ns: int) -> None:
        value = max(latency_ns, 1)
        octave = value.bit_length() - 1
        part = ((value - (1 << octave)) * BUCKETS_PER_OCTAVE) >> octave
        self._counts[min(octave * BUCKETS_PER_OCTAVE + part, BUCKETS - 1)] += 1
        self.count += 1
        self.maximum_ns = max(self.maximum_ns, latency_ns)

    def percentile_us(self, percent: float) -> float:
        """The latency that `percent` of all stay under, in microseconds (upper bucket edge)."""
        if not self.count:
            return 0.0
        rank = max(self.count * percent / 100, 1)
        index = bisect_left(list(accumulate(self._counts)), rank)
        octave, part = divmod(index, BUCKETS_PER_OCTAVE)
        edge = (1 << octave) * (1 + (part + 1) / BUCKETS_PER_OCTAVE)
        return min(edge, float(self.maximum_ns)) / 1000

    def summary_us(self) -> dict[str, float]:
        """p50, p95, p99 and max in microseconds, as the summary and `--json` give them."""
        return {
            "p50": round(self.percentile_us(50), 1),
            "p95": round(self.percentile_us(95), 1),
            "p99": round(self.percentile_us(99), 1),
            "max": round(self.maximum_ns / 1000, 1),
        }


@dataclass(slots=True)
class PerformanceLogger:
    """Sums for the performance line; `line` also starts the next interval."""

    decision: LatencyHistogram = field(default_factory=LatencyHistogram)
    """From an event's arrival in the queue until its commands are on disk and on their way."""
    processing: LatencyHistogram = field(default_factory=LatencyHistogram)
    """From an event's arrival in the queue until the engine has finished with it."""
    journal: LatencyHistogram = field(default_factory=LatencyHistogram)
    ticks: int = 0
    events: int = 0
    queue_depth_max: int = 0
    _ticks_before: int = 0

    def line(self, interval_seconds: float, queue_depth: int, reconnects: int) -> str:
        """One line for the log; latencies are over the whole session."""
        rate = (self.ticks - self._ticks_before) / max(interval_seconds, 1e-9)
        self._ticks_before = self.ticks
        processing, journal = self.processing, self.journal
        return (
            f"performance {rate:.0f} ticks/s | tick to decision us "
            f"p50 {processing.percentile_us(50):.0f} p95 {processing.percentile_us(95):.0f} "
            f"p99 {processing.percentile_us(99):.0f} max {processing.maximum_ns / 1000:.0f} | "
            f"queue {queue_depth} (max {self.queue_depth_max}) | journal sync ms "
            f"p50 {journal.percentile_us(50) / 1000:.1f} p99 {journal.percentile_us(99) / 1000:.1f}"
            f" | reconnects {reconnects}"
        )
