"""Signals of macd_orderbook for many parameter sets at once, compiled.

The MACD is computed with the same operations in the same order as `indicators.macd`, several sets
side by side so that the processor does not wait for each one's recursion. Moving averages of closes
are differences of one running sum in ticks, which is exact.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from autotrade.domain.strategies.macd_orderbook import ROUNDING_NOISE
from autotrade.infrastructure.backtest.kernel_layout import Integers, compiled, compiled_entry

LANES = 1 if numba.config.DISABLE_JIT else 8
"""Sets side by side. As plain Python there is nothing to be gained by it."""
FAST, SLOW, SIGNAL = range(3)
SURE, UNSURE = 0, 1


@compiled
def _seeded(closes: Any, periods: Any, lane: int, start: int, state: Any) -> None:
    """Bring one lane to candle `start` - 1, from the first candle on: fast, slow and signal EMA and
    the histogram into `state`."""
    fast, slow, signal = periods[lane, FAST], periods[lane, SLOW], periods[lane, SIGNAL]
    total = 0.0
    for index in range(slow):
        total += closes[index]
    slow_ema = total / slow
    total = 0.0
    for index in range(slow - fast, slow):
        total += closes[index]
    fast_ema = total / fast
    total = fast_ema - slow_ema
    total += 0.0
    signal_ema, histogram = 0.0, 0.0
    if signal == 1:
        signal_ema = total
        histogram = (fast_ema - slow_ema) - signal_ema
    fast_factor, slow_factor, signal_factor = 2.0 / (fast + 1), 2.0 / (slow + 1), 2.0 / (signal + 1)
    for index in range(slow, start):
        close = closes[index]
        slow_ema = (close - slow_ema) * slow_factor + slow_ema
        fast_ema = (close - fast_ema) * fast_factor + fast_ema
        macd = fast_ema - slow_ema
        known = index - slow + 2
        if known < signal:
            total += macd
            continue
        if known == signal:
            total += macd
            signal_ema = total / signal
        else:
            signal_ema = (macd - signal_ema) * signal_factor + signal_ema
        histogram = macd - signal_ema
    state[0, lane], state[1, lane], state[2, lane] = fast_ema, slow_ema, signal_ema
    state[3, lane] = histogram
    state[4, lane], state[5, lane], state[6, lane] = fast_factor, slow_factor, signal_factor


@compiled_entry
def crossings(closes: Any, periods: Any, first: int, out: Any, counts: Any) -> None:
    """Candles from `first` on whose MACD histogram crosses from <= 0 to > 0, into `out` [lane, n].

    `periods` is `LANES` rows of fast, slow, signal; every lane must have a histogram before
    `first`.
    """
    state = np.zeros((7, LANES))
    for lane in range(LANES):
        _seeded(closes, periods, lane, first, state)
        counts[lane] = 0
    fast, slow, signal, before = state[0], state[1], state[2], state[3]
    fast_factor, slow_factor, signal_factor = state[4], state[5], state[6]
    now = np.zeros(LANES)
    for index in range(first, len(closes)):
        close = closes[index]
        noise = ROUNDING_NOISE * close
        hits = 0
        for lane in range(LANES):
            fast[lane] = (close - fast[lane]) * fast_factor[lane] + fast[lane]
            slow[lane] = (close - slow[lane]) * slow_factor[lane] + slow[lane]
            macd = fast[lane] - slow[lane]
            signal[lane] = (macd - signal[lane]) * signal_factor[lane] + signal[lane]
            histogram = macd - signal[lane]
            is_hit = (before[lane] <= noise) & (histogram > noise)
            now[lane] = 1.0 if is_hit else 0.0
            hits += is_hit
            before[lane] = histogram
        if hits:
            for lane in range(LANES):
                if now[lane] != 0.0:
                    out[lane, counts[lane]] = index
                    counts[lane] += 1


@compiled_entry
def confirmed(
    found: Integers, sums: Integers, fast: int, slow: int, verdicts: Any, out: Integers
) -> tuple[int, int]:
    """(how many entries, SURE or UNSURE): crossings with the fast SMA above the slow one that book
    and conditions let through.

    `sums[i]` is the sum of the closes before candle i in ticks, `verdicts` says per candle 0 no, 1
    yes, 2 with a smaller size. UNSURE: a difference lies where the rounding of the engine's own
    averages decides.
    """
    count, state = 0, SURE
    for index in found:
        fast_sum = sums[index + 1] - sums[index + 1 - fast]
        slow_sum = sums[index + 1] - sums[index + 1 - slow]
        gap = float(fast_sum * slow - slow_sum * fast) / float(fast * slow)
        noise = ROUNDING_NOISE * float(sums[index + 1] - sums[index])
        if abs(gap - noise) <= 0.01 * noise:
            state = UNSURE
        if gap <= noise:
            continue
        verdict = verdicts[index]
        if verdict == 0:
            continue
        out[count] = index if verdict == 1 else -1 - index
        count += 1
    return count, state
