"""Could the Sharpe ratio be luck: of a short record, of odd returns, of many tries.

Everything here is per period (not annualised): pass a daily Sharpe ratio with daily counts.
Kurtosis is not in excess, 3 for Normal returns.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from autotrade.infrastructure.statistics.checks import UndefinedFigure, checked_count

EULER_GAMMA = 0.5772156649015329
_NORMAL = NormalDist()


def sharpe_variance_factor(sharpe: float, skewness: float, kurtosis: float) -> float:
    """Variance of the Sharpe estimator times (n - 1): 1 - skew SR + (kurtosis - 1)/4 SR^2.

    Source: E. Mertens, "Comments on variance of the IID estimator in Lo (2002)", 2002, as used by
    Bailey and Lopez de Prado (2012).
    """
    for name, value in (("sharpe", sharpe), ("skewness", skewness), ("kurtosis", kurtosis)):
        if not math.isfinite(value):
            raise ValueError(f"expected a finite {name}, was {value}")
    factor = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if factor <= 0:
        raise UndefinedFigure("these moments leave the Sharpe ratio no spread")
    return factor


def probabilistic_sharpe_ratio(
    sharpe: float, count: int, skewness: float, kurtosis: float, benchmark: float = 0.0
) -> float:
    """Probability that the true Sharpe ratio is above `benchmark`, given `count` returns.

    Source: D. H. Bailey, M. Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of
    Risk 15(2), 2012: PSR = Z[(SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1)/4 SR^2)].
    """
    if checked_count(count, "returns") < 2:
        raise UndefinedFigure(f"needs at least 2 returns, was {count}")
    factor = sharpe_variance_factor(sharpe, skewness, kurtosis)
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt((count - 1) / factor))


def expected_max_sharpe(trials: int, variance: float) -> float:
    """The Sharpe ratio the best of `trials` tries without any skill is expected to show.

    Source: D. H. Bailey, M. Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio
    Management 40(5), 2014: sqrt(V) ((1 - g) Z^-1[1 - 1/N] + g Z^-1[1 - 1/(N e)]), g being the
    Euler-Mascheroni constant and `variance` (V) that of the tries' Sharpe ratios. One try was not
    chosen among others: 0.
    """
    checked_count(trials, "trials")
    if not math.isfinite(variance) or variance < 0:
        raise ValueError(f"expected a variance of 0 or more, was {variance}")
    if trials == 1:
        return 0.0
    return math.sqrt(variance) * (
        (1.0 - EULER_GAMMA) * _NORMAL.inv_cdf(1.0 - 1.0 / trials)
        + EULER_GAMMA * _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    )


def deflated_sharpe_ratio(
    sharpe: float,
    count: int,
    skewness: float,
    kurtosis: float,
    *,
    trials: int,
    trial_variance: float | None = None,
) -> float:
    """Probability that the best of `trials` tries has a true Sharpe ratio above 0.

    Source: Bailey and Lopez de Prado (2014), as above: the probabilistic Sharpe ratio against the
    expected maximum. Without `trial_variance` (of the tries' Sharpe ratios, per period) the spread
    of tries without skill stands in, 1/(count - 1), which is the variance of a Sharpe estimate
    whose true value is 0.
    """
    if checked_count(count, "returns") < 2:
        raise UndefinedFigure(f"needs at least 2 returns, was {count}")
    variance = 1.0 / (count - 1) if trial_variance is None else trial_variance
    benchmark = expected_max_sharpe(trials, variance)
    return probabilistic_sharpe_ratio(sharpe, count, skewness, kurtosis, benchmark)


def minimum_track_record_length(
    sharpe: float,
    skewness: float,
    kurtosis: float,
    benchmark: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """Returns needed before a Sharpe ratio like this one is above `benchmark` with `confidence`.

    Source: Bailey and Lopez de Prado (2012), as above:
    1 + (1 - skew SR + (kurtosis - 1)/4 SR^2) (Z^-1[confidence] / (SR - SR*))^2.
    """
    if not 0.5 < confidence < 1:
        raise ValueError(f"expected a confidence between 0.5 and 1, was {confidence}")
    factor = sharpe_variance_factor(sharpe, skewness, kurtosis)
    if sharpe <= benchmark:
        raise UndefinedFigure("the Sharpe ratio is not above its benchmark; no record is enough")
    return 1.0 + factor * (_NORMAL.inv_cdf(confidence) / (sharpe - benchmark)) ** 2
