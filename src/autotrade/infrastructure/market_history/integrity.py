"""Is a series of candles whole and possible? `check` looks and says so in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from autotrade.infrastructure.market_history.series import FLOAT_COLUMNS, CandleSeries
from autotrade.infrastructure.market_history.timeframes import (
    candle_opens,
    candles_between,
    next_opens,
)

_GAPS_SAID_MAX = 5


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing candles: the first would open at `from_ms`, the next that is there at `to_ms`."""

    from_ms: int
    to_ms: int
    count: int


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What `check` found. Gaps may be real (an exchange that stood still), the rest never is."""

    name: str
    candles: int
    first_ms: int | None
    last_ms: int | None
    gaps: tuple[Gap, ...]
    duplicates: int
    disordered: int
    """Candles that open before the one in front of them."""
    impossible: int
    """Not low <= open, close <= high."""
    not_positive: int
    """Prices that are zero, negative or no number; volumes that are negative or no number."""
    misaligned: int
    """Open times at which no candle of the timeframe opens."""
    zero_volume: int
    first_bad_ms: int | None

    @property
    def is_sound(self) -> bool:
        """Everything that is there is usable. A series with gaps is sound; see `has_gaps`."""
        return not (
            self.duplicates
            or self.disordered
            or self.impossible
            or self.not_positive
            or self.misaligned
        )

    @property
    def has_gaps(self) -> bool:
        return bool(self.gaps)

    @property
    def missing(self) -> int:
        return sum(gap.count for gap in self.gaps)

    def faults(self) -> list[str]:
        """A sentence for each kind of fault; empty when the series is sound."""
        where = (
            "" if self.first_bad_ms is None else f", the first at {time_text(self.first_bad_ms)}"
        )
        found = []
        for count, expected in (
            (self.disordered, "candles in the order of time, {} were not"),
            (self.duplicates, "every candle once, {} were there again"),
            (self.misaligned, "open times that begin a candle, {} did not"),
            (self.not_positive, "prices above zero and volumes not below, {} were not"),
            (self.impossible, "low <= open, close <= high, {} were not"),
        ):
            if count:
                found.append(f"{self.name}: expected {expected.format(count)}{where}")
        return found

    def sentences(self) -> list[str]:
        """Everything that was found, the good included."""
        if not self.candles:
            return [f"{self.name}: no candles"]
        head = (
            f"{self.name}: {self.candles} candles from {time_text(self.first_ms)} "
            f"to {time_text(self.last_ms)} UTC"
        )
        if self.zero_volume:
            head += f", {self.zero_volume} of them without volume"
        lines = [head, *self.faults()]
        if self.gaps:
            word = "gap" if len(self.gaps) == 1 else "gaps"
            lines.append(f"{self.name}: {len(self.gaps)} {word}, candles missing: {self.missing}")
            largest = sorted(self.gaps, key=lambda gap: (-gap.count, gap.from_ms))
            for gap in sorted(largest[:_GAPS_SAID_MAX], key=lambda gap: gap.from_ms):
                lines.append(
                    f"{self.name}: missing from {time_text(gap.from_ms)} until before "
                    f"{time_text(gap.to_ms)} UTC ({gap.count})"
                )
            if len(self.gaps) > _GAPS_SAID_MAX:
                lines.append(f"{self.name}: and {len(self.gaps) - _GAPS_SAID_MAX} smaller gaps")
        return lines


def time_text(ts_ms: int | None) -> str:
    """`2024-01-01 00:00`."""
    if ts_ms is None:
        return "-"
    return f"{datetime.fromtimestamp(ts_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def check(series: CandleSeries) -> IntegrityReport:
    """Look at every candle of the series."""
    open_ts = series.open_ts
    steps = np.diff(open_ts)
    disordered = np.zeros(len(series), dtype=bool)
    disordered[1:] = steps < 0
    if bool((steps > 0).all()):
        times, duplicated = open_ts, np.zeros(len(series), dtype=bool)
    else:
        times, counts = np.unique(open_ts, return_counts=True)
        duplicated = np.isin(open_ts, times[counts > 1])
    misaligned = candle_opens(open_ts, series.timeframe) != open_ts
    with np.errstate(invalid="ignore"):
        is_positive = (series.volume >= 0) & np.isfinite(series.volume)
        for name in FLOAT_COLUMNS[:-1]:
            column = getattr(series, name)
            is_positive &= (column > 0) & np.isfinite(column)
        is_possible = (series.low <= np.minimum(series.open, series.close)) & (
            series.high >= np.maximum(series.open, series.close)
        )
    impossible = is_positive & ~is_possible
    bad = disordered | duplicated | misaligned | ~is_positive | impossible
    return IntegrityReport(
        name=f"{series.exchange} {series.symbol} {series.timeframe}",
        candles=len(series),
        first_ms=int(times[0]) if len(times) else None,
        last_ms=int(times[-1]) if len(times) else None,
        gaps=_gaps(
            times if not misaligned.any() else np.setdiff1d(times, open_ts[misaligned]),
            series.timeframe,
        ),
        duplicates=len(series) - len(times),
        disordered=int(disordered.sum()),
        impossible=int(impossible.sum()),
        not_positive=int((~is_positive).sum()),
        misaligned=int(misaligned.sum()),
        zero_volume=int((series.volume == 0).sum()),
        first_bad_ms=int(open_ts[bad.argmax()]) if bool(bad.any()) else None,
    )


def _gaps(opens: np.ndarray, timeframe: str) -> tuple[Gap, ...]:
    expected = next_opens(opens[:-1], timeframe)
    found = opens[1:]
    is_gap = found > expected
    counts = candles_between(expected[is_gap], found[is_gap], timeframe)
    return tuple(
        Gap(int(start), int(end), int(count))
        for start, end, count in zip(expected[is_gap], found[is_gap], counts, strict=True)
    )
