"""The statistics as rows for a reader: name, value, 95 % interval, what it means."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

NO_VALUE = "-"
DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
Format = Callable[[Any], str]


def percent(share: float | None, digits: int = 2) -> str:
    return NO_VALUE if share is None else f"{100 * share + 0.0:,.{digits}f} %"


def money(value: object) -> str:
    """An amount of quote currency: small ones with the digits that matter."""
    if value is None:
        return NO_VALUE
    amount = float(str(value))
    return f"{amount:,.2f}" if abs(amount) >= 1 or amount == 0 else f"{amount:.4g}"


def number(value: float | None, digits: int = 2) -> str:
    return NO_VALUE if value is None else f"{value + 0.0:,.{digits}f}"


def span(length_ms: float | None) -> str:
    """A length of time in its two largest units."""
    if length_ms is None:
        return NO_VALUE
    rest, words = round(length_ms), []
    for unit, length in (("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS), ("s", 1_000)):
        count, rest = divmod(rest, length)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words[:2]) or "0 s"


def moment(ts_ms: int) -> str:
    return f"{datetime.fromtimestamp(ts_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def fee(share: float | None) -> str:
    return percent(share, 4)


def probability(value: float | None) -> str:
    """Three digits, never rounded up to what it is not."""
    return NO_VALUE if value is None else f"{math.floor(value * 1000) / 1000:.3f}"


GROUPS: tuple[tuple[str, tuple[tuple[str, str, Format, str], ...]], ...] = (
    (
        "Return and risk",
        (
            ("total_return", "total return", percent, "what is still held counted at its price"),
            ("annual_return", "annual return", percent, "compounded to a year of 365 days"),
            ("buy_and_hold_return", "buy and hold", percent,
             "the pairs bought at the start with equal sums, without fees"),
            ("exposure", "exposure", percent, "share of the time with at least one deal"),
            ("max_drawdown", "max drawdown", percent, "deepest fall from an earlier peak"),
            ("max_drawdown_ms", "its length", span, "from the peak to the recovery, or to the end"),
            ("longest_drawdown_ms", "longest drawdown", span, "longest time under any peak"),
            ("volatility", "volatility", percent, "of daily returns, a year"),
            ("sharpe", "Sharpe ratio", number, "of daily returns, a year (Sharpe 1994)"),
            ("sortino", "Sortino ratio", number, "only falls count as risk (Sortino, Price 1994)"),
            ("calmar", "Calmar ratio", number, "annual return over max drawdown (Young 1991)"),
        ),
    ),
    (
        "Deals",
        (
            ("profit_factor", "profit factor", number, "sum of gains over sum of losses"),
            ("expectancy", "average deal", money, "expectancy: net result of a deal"),
            ("average_deal_return", "average deal return", lambda value: percent(value, 3),
             "net, of what the deal invested"),
            ("sqn", "SQN", number, "root of deals times mean over deviation (Tharp 2008)"),
            ("sqn_100", "SQN of 100", number, "the same, counting at most 100 deals"),
            ("win_rate", "win rate", percent, "deals that earned after fees"),
            ("average_win", "average win", money, ""),
            ("average_loss", "average loss", money, ""),
            ("best_deal", "best deal", money, ""),
            ("worst_deal", "worst deal", money, ""),
            ("average_deal_ms", "time in deal", span, "average; from opening to closing"),
            ("median_deal_ms", "median time in deal", span, ""),
        ),
    ),
    (
        "Fees",
        (
            ("fees_paid", "fees paid", money, "both sides, valued at their fills' prices"),
            ("turnover", "turnover", money, "bought plus sold"),
            ("fee_rate_paid", "fee rate paid", fee, "fees over turnover"),
            ("break_even_fee_rate", "break-even fee", fee,
             "fee a trade at which the same deals would earn nothing"),
        ),
    ),
    (
        "Skill or luck",
        (
            ("trials", "trials counted", str, "parameter sets tried before this one was shown"),
            ("probabilistic_sharpe", "probabilistic Sharpe", probability,
             "probability of a true Sharpe ratio above 0 (Bailey, Lopez de Prado 2012)"),
            ("expected_max_sharpe", "best of luck", number,
             "Sharpe ratio the best of so many trials shows without skill"),
            ("deflated_sharpe", "deflated Sharpe", probability,
             "the probability again, against the best of luck (the same, 2014)"),
            ("minimum_track_record_days", "track record needed", lambda value: number(value, 0),
             "days until such a Sharpe ratio can be trusted"),
            ("skewness", "skewness", number, "of daily returns; 0 is symmetric"),
            ("kurtosis", "kurtosis", number, "of daily returns; 3 is Normal, more has fat tails"),
        ),
    ),
)  # fmt: skip
"""(title, (field of Statistics, name, format, meaning))."""


def value_of(statistics: Mapping[str, Any], name: str, shown: Format) -> str:
    value = statistics.get(name)
    return NO_VALUE if value is None else shown(value)


def interval_of(statistics: Mapping[str, Any], name: str, shown: Format) -> str:
    """`low to high`, or nothing where the figure has no interval."""
    found = statistics.get(f"{name}_interval")
    return "" if found is None else f"{shown(found['low'])} to {shown(found['high'])}"


def meaning_of(statistics: Mapping[str, Any], name: str, meaning: str) -> str:
    """The reason instead, where the figure has no value."""
    reason = statistics.get("undefined", {}).get(name)
    return f"no value: {reason}" if reason else meaning
