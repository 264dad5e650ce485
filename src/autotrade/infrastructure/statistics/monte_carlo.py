"""What else could have happened: the same deals in another order, the same market rearranged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from autotrade.infrastructure.statistics.bootstrap import stationary_indices
from autotrade.infrastructure.statistics.checks import Floats, checked_count, checked_prices
from autotrade.infrastructure.statistics.deals import DealResult, deal_table

CHUNK_NUMBERS = 1_000_000
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

Method = Literal["resample", "shuffle"]


@dataclass(frozen=True, slots=True, eq=False)
class DealFutures:
    """Final equity and deepest drawdown of every run, beside what was observed.

    A run that reaches 0 stays there; `probability_of_ruin` is the share of such runs.
    """

    method: Method
    capital: float
    final_equity: Floats
    max_drawdown: Floats
    observed_final_equity: float
    observed_max_drawdown: float

    @property
    def probability_of_loss(self) -> float:
        return float(np.mean(self.final_equity < self.capital))

    @property
    def probability_of_ruin(self) -> float:
        return float(np.mean(self.final_equity <= 0))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; the distributions as quantiles."""
        return {
            "method": self.method,
            "runs": int(self.final_equity.size),
            "capital": self.capital,
            "final_equity_quantiles": _quantiles(self.final_equity),
            "max_drawdown_quantiles": _quantiles(self.max_drawdown),
            "observed_final_equity": self.observed_final_equity,
            "observed_max_drawdown": self.observed_max_drawdown,
            "probability_of_loss": self.probability_of_loss,
            "probability_of_ruin": self.probability_of_ruin,
        }


@dataclass(frozen=True, slots=True, eq=False)
class CandlePath:
    """A rearranged market; `source` says which candle each one was made of (for its volume)."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    source: NDArray[np.int64]


def monte_carlo_deals(
    deals: Sequence[DealResult],
    runs: int,
    seed: int,
    *,
    capital: float | None = None,
    method: Method = "resample",
) -> DealFutures:
    """Play the deals again `runs` times, in another order or drawn with replacement.

    `shuffle` keeps every deal once: the end is the same, the way there is not. `resample` draws as
    many deals with replacement (Efron 1979), so the end differs too. Profits are added to
    `capital` (the largest sum invested in one deal by default): the stakes are those of the run,
    not compounded anew. ValueError without deals.
    """
    checked_count(runs, "runs")
    table = deal_table(deals)
    if not table.count:
        raise ValueError("expected at least one deal to play again, was none")
    if method not in ("resample", "shuffle"):
        raise ValueError(f"expected method resample or shuffle, was {method!r}")
    if capital is None:
        capital = float(max(deal.invested for deal in deals))
    if not np.isfinite(capital) or capital <= 0:
        raise ValueError(f"expected a capital above 0, was {capital}")
    generator = np.random.default_rng(seed)
    finals, drawdowns = [], []
    size = max(1, CHUNK_NUMBERS // table.count)
    for begin in range(0, runs, size):
        rows = min(size, runs - begin)
        shape = (rows, table.count)
        if method == "resample":
            pnl = table.pnl[generator.integers(0, table.count, size=shape)]
        else:
            pnl = generator.permuted(np.broadcast_to(table.pnl, shape), axis=1)
        final, drawdown = _played(pnl, capital)
        finals.append(final)
        drawdowns.append(drawdown)
    observed_final, observed_drawdown = _played(table.pnl[None, :], capital)
    return DealFutures(
        method=method,
        capital=capital,
        final_equity=np.concatenate(finals),
        max_drawdown=np.concatenate(drawdowns),
        observed_final_equity=float(observed_final[0]),
        observed_max_drawdown=float(observed_drawdown[0]),
    )


def _played(pnl: Floats, capital: float) -> tuple[Floats, Floats]:
    """Final equity and deepest drawdown of each row of profits added to the capital."""
    equity = capital + np.cumsum(pnl, axis=1)
    is_ruined = np.logical_or.accumulate(equity <= 0, axis=1)
    equity[is_ruined] = 0.0
    peaks = np.maximum(np.maximum.accumulate(equity, axis=1), capital)
    return equity[:, -1].copy(), (1.0 - equity / peaks).max(axis=1, initial=0.0)


def monte_carlo_candles(
    open_: ArrayLike,
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    *,
    block: float,
    seed: int,
    paths: int = 1,
) -> Iterator[CandlePath]:
    """Rearranged markets, one at a time: blocks of candles, `block` long on average, drawn anew.

    A candle is kept as its shape in logarithms: the gap from the close before, and high, low and
    close from the open. Shapes are drawn by the stationary bootstrap (Politis and Romano 1994) and
    joined from the first open on, so moves keep their sizes, their shapes and, within blocks,
    their order. Prices are not rounded to ticks. ValueError for prices that are no candles.
    """
    columns = _checked_candles(open_, high, low, close)
    checked_count(paths, "paths")
    if not np.isfinite(block) or block < 1:
        raise ValueError(f"expected a mean block of 1 candle or more, was {block}")
    return _candle_paths(columns, block, seed, paths)


def _candle_paths(
    columns: tuple[Floats, Floats, Floats, Floats], block: float, seed: int, paths: int
) -> Iterator[CandlePath]:
    logs = np.log(np.stack(columns))
    first_open = logs[0, 0]
    gap = np.append(0.0, logs[0, 1:] - logs[3, :-1])
    up, down, move = logs[1] - logs[0], logs[2] - logs[0], logs[3] - logs[0]
    generator = np.random.default_rng(seed)
    for _ in range(paths):
        source = stationary_indices(gap.size, block, 1, generator)[0]
        gaps, moves = gap[source], move[source]
        gaps[0] = 0.0
        close_log = first_open + np.cumsum(gaps + moves)
        open_log = np.append(first_open, close_log[:-1] + gaps[1:])
        opens, closes = np.exp(open_log), np.exp(close_log)
        # The last bit of a rounding must not put a close above its high.
        highs = np.maximum(np.exp(open_log + up[source]), np.maximum(opens, closes))
        lows = np.minimum(np.exp(open_log + down[source]), np.minimum(opens, closes))
        yield CandlePath(opens, highs, lows, closes, source)


def _checked_candles(
    open_: ArrayLike, high: ArrayLike, low: ArrayLike, close: ArrayLike
) -> tuple[Floats, Floats, Floats, Floats]:
    opens, highs = checked_prices(open_, "open"), checked_prices(high, "high")
    lows, closes = checked_prices(low, "low"), checked_prices(close, "close")
    if not opens.size:
        raise ValueError("expected at least one candle, was none")
    if not opens.size == highs.size == lows.size == closes.size:
        raise ValueError(
            f"expected as many opens, highs, lows and closes, was {opens.size}, {highs.size}, "
            f"{lows.size}, {closes.size}"
        )
    is_wrong = (highs < np.maximum(opens, closes)) | (lows > np.minimum(opens, closes))
    bad = np.flatnonzero(is_wrong)
    if bad.size:
        first = int(bad[0])
        raise ValueError(
            f"expected low <= open, close <= high, was {lows[first]}, {opens[first]}, "
            f"{closes[first]}, {highs[first]} at index {first}"
        )
    return opens, highs, lows, closes


def _quantiles(values: Floats) -> dict[str, float]:
    found = np.quantile(values, QUANTILES)
    return {f"{share:g}": float(value) for share, value in zip(QUANTILES, found, strict=True)}
