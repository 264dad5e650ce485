"""The indicators of a whole series at once, equal to the last bit to those of a candle at a time.

What recurs (EMA, Wilder's averages) is computed one after the other with the same operations in the
same order; plain Python does that at some 20 million steps a second, everywhere with the same bits.
What looks at a window (SMA, Bollinger, deviations) is exact and rounded once, so it is computed
where it is asked for, from the window alone.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import isnan, ldexp, sqrt

import numpy as np
from numpy.typing import NDArray

from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.domain.services.indicators.window import SCALE_BITS
from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies.base import CandleColumns
from autotrade.infrastructure.market_history.series import CandleSeries

Floats = NDArray[np.float64]

BOLLINGER_PERIOD, BOLLINGER_WIDTH = 20, 2.0
RETURNS_PERIOD = 20
SMA_LONG = 75
ATR_PERIOD = 14
BLOCK = 1 << 16


def ema(values: Floats, period: int) -> Floats:
    """From the `period`th value on; as `indicators.ema.Ema`."""
    factor = 2.0 / (period + 1)

    def step(last: float, block: list[float]) -> list[float]:
        return [last := (value - last) * factor + last for value in block]

    return _recurrence(values, period, step)


def wilder(values: Floats, period: int) -> Floats:
    """Wilder's average from the `period`th value on; as in `indicators.atr` and `.rsi`."""
    before = period - 1

    def step(last: float, block: list[float]) -> list[float]:
        return [last := (last * before + value) / period for value in block]

    return _recurrence(values, period, step)


def _recurrence(
    values: Floats, period: int, step: Callable[[float, list[float]], list[float]]
) -> Floats:
    """Seeded by the mean of the first values; block by block, so that a long series does not exist
    as Python's floats at once."""
    if len(values) < period:
        return np.empty(0)
    out = np.empty(len(values) - period + 1)
    seed = 0.0
    for value in values[:period].tolist():
        seed += value
    out[0] = last = seed / period
    for start in range(period, len(values), BLOCK):
        block = step(last, values[start : start + BLOCK].tolist())
        first = start - period + 1
        out[first : first + len(block)] = block
        last = block[-1]
    return out


def _late(values: Floats, length: int) -> Floats:
    """The values at the end of a column of this length, NaN before."""
    column = np.full(length, np.nan)
    if len(values):
        column[length - len(values) :] = values
    return column


def average_ranges(candles: CandleColumns) -> Floats:
    """ATR(14) of each candle, NaN before the first."""
    before, high, low = candles.close[:-1], candles.high[1:], candles.low[1:]
    ranges = np.maximum(np.maximum(high - low, np.abs(before - high)), np.abs(before - low))
    return _late(wilder(ranges, ATR_PERIOD), len(candles.close))


class IndicatorColumns:
    """Columns of one series. `macd` ... `atr_14` are NaN where the history is too short."""

    def __init__(self, series: CandleSeries, settings: StrategySettings) -> None:
        self.open_ts = series.open_ts
        self.open, self.high, self.low = series.open, series.high, series.low
        self.close, self.volume = series.close, series.volume
        self._settings = settings
        self._sums: Floats | None = None
        self._later: dict[str, Floats] = {}
        self._add_macd(series.close, settings)

    def __len__(self) -> int:
        return len(self.close)

    def _add_macd(self, close: Floats, settings: StrategySettings) -> None:
        length = len(close)
        slow = ema(close, settings.macd_slow)
        fast = ema(close[settings.macd_slow - settings.macd_fast :], settings.macd_fast)
        line = fast - slow
        signal = ema(line, settings.macd_signal)
        self.macd = _late(line[len(line) - len(signal) :], length)
        self.macd_signal = _late(signal, length)
        self.macd_histogram = self.macd - self.macd_signal

    # columns that a scan may not need

    @property
    def atr_14(self) -> Floats:
        return self._column("atr_14", self._atr)

    @property
    def rsi_5(self) -> Floats:
        return self._column("rsi_5", lambda: self._rsi(5))

    @property
    def rsi_15(self) -> Floats:
        return self._column("rsi_15", lambda: self._rsi(15))

    def _column(self, name: str, make: object) -> Floats:
        column = self._later.get(name)
        if column is None:
            column = self._later[name] = make()  # type: ignore[operator]
        return column

    def _atr(self) -> Floats:
        return average_ranges(self)

    def _rsi(self, period: int) -> Floats:
        changes = self.close[1:] - self.close[:-1]
        gains = wilder(np.where(changes > 0, changes, 0.0), period)
        losses = wilder(np.where(changes > 0, 0.0, -changes), period)
        total = gains + losses
        moved = total != 0
        values = 100.0 * np.divide(gains, total, out=np.zeros_like(total), where=moved)
        return _late(values, len(self))

    def near_mean(self, period: int) -> Floats:
        """A rolling mean of the closes for scans: off by less than `mean_error`; NaN before."""
        if self._sums is None:
            self._sums = np.concatenate(([0.0], np.cumsum(self.close)))
        out = np.full(len(self), np.nan)
        if len(self) >= period:
            out[period - 1 :] = (self._sums[period:] - self._sums[:-period]) / period
        return out

    @property
    def mean_error(self) -> float:
        """What `near_mean` may be off by: each of the n additions of a running sum rounds by at
        most half a unit in the last place of the largest sum; a difference has two of them."""
        if self._sums is None:
            self._sums = np.concatenate(([0.0], np.cumsum(self.close)))
        return float(self._sums[-1]) * len(self) * 2.0**-51

    # one candle

    def values_at(self, index: int) -> IndicatorValues:
        """As `CachedIndicatorService` has them after candle `index`."""
        settings = self._settings
        first = max(0, index + 1 - max(SMA_LONG, settings.sma_slow, RETURNS_PERIOD + 1))
        window: list[float] = self.close[first : index + 1].tolist()
        scaled = [int(ldexp(value, SCALE_BITS)) for value in window]
        lower = middle = upper = None
        if len(window) >= BOLLINGER_PERIOD:
            mean, deviation = _spread(scaled[-BOLLINGER_PERIOD:])
            reach = BOLLINGER_WIDTH * deviation
            lower, middle, upper = mean - reach, mean, mean + reach
        volatility = None
        if len(window) > RETURNS_PERIOD:
            tail = window[-RETURNS_PERIOD - 1 :]
            returns = [int(ldexp(now / before - 1.0, SCALE_BITS)) for before, now in pairwise(tail)]
            volatility = _spread(returns)[1] * 100.0
        return IndicatorValues(
            candle_ts=int(self.open_ts[index]),
            close=window[-1],
            count=index + 1,
            macd=_known(self.macd, index),
            macd_signal=_known(self.macd_signal, index),
            macd_histogram=_known(self.macd_histogram, index),
            previous_histogram=_known(self.macd_histogram, index - 1) if index else None,
            sma_fast=_mean(scaled, settings.sma_fast),
            sma_slow=_mean(scaled, settings.sma_slow),
            sma_75=_mean(scaled, SMA_LONG),
            rsi_5=_known(self.rsi_5, index),
            rsi_15=_known(self.rsi_15, index),
            bollinger_lower=lower,
            bollinger_middle=middle,
            bollinger_upper=upper,
            atr_14=_known(self.atr_14, index),
            returns_volatility_percent=volatility,
        )


def _known(column: Floats, index: int) -> float | None:
    value = float(column[index])
    return None if isnan(value) else value


def _mean(scaled: list[int], period: int) -> float | None:
    if len(scaled) < period:
        return None
    return sum(scaled[-period:]) / (period << SCALE_BITS)


def _spread(scaled: list[int]) -> tuple[float, float]:
    """Mean and population deviation, as `indicators.window.RollingDeviation`."""
    count = len(scaled)
    total = sum(scaled)
    squares = sum([value * value for value in scaled])
    spread = count * squares - total * total
    deviation = sqrt(spread / (count * count << 2 * SCALE_BITS))
    return total / (count << SCALE_BITS), deviation
