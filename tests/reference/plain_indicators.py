"""MACD, averages and ranges over whole lists, in decimals. None where the history is too short."""

from __future__ import annotations

from decimal import Decimal as D
from itertools import pairwise

from tests.reference.plain_settings import PlainCandle, PlainSettings

Column = list[D | None]


def ema(values: Column, period: int) -> Column:
    """From its first number on: the mean of the first `period` numbers, then the recursion."""
    factor = D(2) / (period + 1)
    out: Column = []
    seen: list[D] = []
    last: D | None = None
    for value in values:
        if value is None:
            out.append(None)
            continue
        if last is None:
            seen.append(value)
            if len(seen) == period:
                last = sum(seen, D(0)) / period
        else:
            last = last + (value - last) * factor
        out.append(last)
    return out


def macd_histogram(closes: list[D], fast: int, slow: int, signal: int) -> Column:
    """Fast EMA less slow EMA, less the EMA of that; both begin on the same candle."""
    late: Column = [None] * (slow - fast) + list(closes[slow - fast :])
    quick, sluggish = ema(late, fast), ema(list(closes), slow)
    line = [None if b is None or a is None else a - b for a, b in zip(quick, sluggish, strict=True)]
    smooth = ema(line, signal)
    return [None if b is None or a is None else a - b for a, b in zip(line, smooth, strict=True)]


def average_true_range(candles: list[PlainCandle], period: int = 14) -> Column:
    out: Column = [None]
    seen: list[D] = []
    last: D | None = None
    for before, candle in pairwise(candles):
        top, bottom = max(candle.high, before.close), min(candle.low, before.close)
        if last is None:
            seen.append(top - bottom)
            if len(seen) == period:
                last = sum(seen, D(0)) / period
        else:
            last = (last * (period - 1) + (top - bottom)) / period
        out.append(last)
    return out


def mean(closes: list[D], index: int, period: int) -> D | None:
    """Of the last `period` closes, `index` among them."""
    if index + 1 < period:
        return None
    return sum(closes[index + 1 - period : index + 1], D(0)) / period


def returns_deviation(closes: list[D], index: int, period: int = 20) -> D | None:
    """Population standard deviation of the last returns, as a fraction."""
    if index < period:
        return None
    returns = [closes[i] / closes[i - 1] - 1 for i in range(index + 1 - period, index + 1)]
    middle = sum(returns, D(0)) / period
    return (sum(((one - middle) ** 2 for one in returns), D(0)) / period).sqrt()


class PlainIndicators:
    """Everything that a decision asks for, candle by candle."""

    def __init__(self, candles: list[PlainCandle], settings: PlainSettings) -> None:
        self.settings = settings
        self.closes = [candle.close for candle in candles]
        self.histogram = macd_histogram(
            self.closes, settings.macd_fast, settings.macd_slow, settings.macd_signal
        )
        self.atr = average_true_range(candles)

    def has_signal(self, index: int) -> bool:
        """The histogram came from 0 or below to above it while the fast mean is above the slow."""
        settings = self.settings
        if index + 1 < settings.min_candles or index == 0:
            return False
        before, now = self.histogram[index - 1], self.histogram[index]
        noise = self.closes[index] / 10**12
        if before is None or now is None or before > noise or now <= noise:
            return False
        fast = mean(self.closes, index, settings.sma_fast)
        slow = mean(self.closes, index, settings.sma_slow)
        return fast is not None and slow is not None and fast - slow > noise

    def volatility(self, index: int) -> str:
        """The worse of the average range and 1.5 deviations of the returns, percent of the price,
        against the figures for one minute."""
        atr = self.atr[index]
        if atr is None:
            return "unknown"
        percent = atr / self.closes[index] * 100
        deviation = returns_deviation(self.closes, index)
        if deviation is not None:
            percent = max(percent, deviation * 150)
        for name, least in (("extreme", D("1.5")), ("high", D("0.3")), ("normal", D("0.05"))):
            if percent >= least:
                return name
        return "calm"

    def trend(self, index: int) -> str:
        """The slow mean more than one and a half average ranges away from the mean of 75."""
        slow, long = mean(self.closes, index, self.settings.sma_slow), mean(self.closes, index, 75)
        atr = self.atr[index]
        if slow is None or long is None or atr is None:
            return "unknown"
        if slow - long > atr * D("1.5"):
            return "up"
        return "down" if long - slow > atr * D("1.5") else "flat"
