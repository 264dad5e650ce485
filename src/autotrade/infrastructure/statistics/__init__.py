"""Honest statistics of a run: pure functions over deals, equity curves and prices.

No file, no clock, and no chance that was not handed in as a seed.
"""

from autotrade.infrastructure.statistics.bootstrap import Interval
from autotrade.infrastructure.statistics.checks import UndefinedFigure
from autotrade.infrastructure.statistics.deals import DealResult
from autotrade.infrastructure.statistics.judgement import Verdict, VerdictLevel, verdict
from autotrade.infrastructure.statistics.monte_carlo import (
    CandlePath,
    DealFutures,
    monte_carlo_candles,
    monte_carlo_deals,
)
from autotrade.infrastructure.statistics.overfitting import (
    Overfitting,
    probability_of_backtest_overfitting,
)
from autotrade.infrastructure.statistics.returns import equal_weight_index
from autotrade.infrastructure.statistics.summary import Statistics, summarise
from autotrade.infrastructure.statistics.walk_forward import (
    WalkForwardResult,
    WalkForwardWindow,
    truncation_points,
    walk_forward_efficiency,
    walk_forward_windows,
)

__all__ = [
    "CandlePath",
    "DealFutures",
    "DealResult",
    "Interval",
    "Overfitting",
    "Statistics",
    "UndefinedFigure",
    "Verdict",
    "VerdictLevel",
    "WalkForwardResult",
    "WalkForwardWindow",
    "equal_weight_index",
    "monte_carlo_candles",
    "monte_carlo_deals",
    "probability_of_backtest_overfitting",
    "summarise",
    "truncation_points",
    "verdict",
    "walk_forward_efficiency",
    "walk_forward_windows",
]
