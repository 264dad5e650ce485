"""What the figures amount to, in plain words and without flattery."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from autotrade.infrastructure.statistics.summary import Statistics

DEALS_MIN = 30
DEFLATED_SHARPE_MIN = 0.95
OVERFITTING_MAX = 0.5


class VerdictLevel(StrEnum):
    """The three things a test of a strategy can say."""

    LOSES_MONEY = "loses money"
    NO_EVIDENCE = "no evidence of an edge"
    EVIDENCE = "some evidence of an edge"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The level and the sentences that say why, the most important first."""

    level: VerdictLevel
    sentences: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        return {"level": self.level.value, "sentences": list(self.sentences)}


def verdict(statistics: Statistics, pbo: float | None = None) -> Verdict:
    """Judge a run: evidence of an edge only where every test for it is passed.

    The tests: the lower bound of the expectancy's interval above 0, a deflated Sharpe ratio above
    0.95, at least 30 deals, and a probability of backtest overfitting below 0.5 where there was a
    sweep. A loss, open positions included, comes before all of them. ValueError for a `pbo` that
    is no probability.
    """
    if pbo is not None and not (math.isfinite(pbo) and 0 <= pbo <= 1):
        raise ValueError(f"expected a probability of overfitting from 0 to 1, was {pbo}")
    failures = _failures(statistics, pbo)
    if statistics.net_profit < 0 or statistics.total_return < 0:
        level = VerdictLevel.LOSES_MONEY
        sentences = [_loss(statistics), *failures]
    elif failures:
        level = VerdictLevel.NO_EVIDENCE
        sentences = ["There is no evidence of an edge.", *failures]
    else:
        level = VerdictLevel.EVIDENCE
        sentences = [
            "There is some evidence of an edge: every test below was passed, on this data alone.",
            *_passes(statistics, pbo),
        ]
    return Verdict(level, (*sentences, *_context(statistics)))


def _failures(statistics: Statistics, pbo: float | None) -> list[str]:
    sentences = []
    if statistics.deals < DEALS_MIN:
        sentences.append(
            f"{_deals(statistics.deals)} are too few to tell skill from luck; {DEALS_MIN} is the "
            "least."
        )
    interval = statistics.expectancy_interval
    if interval is None:
        reason = statistics.undefined.get("expectancy_interval", "it was not computed")
        sentences.append(f"What an average deal earns has no interval: {reason}.")
    elif interval.low <= 0:
        sentences.append(
            f"An average deal earns between {_amount(interval.low)} and {_amount(interval.high)} "
            "with 95 % confidence, which does not exclude zero."
            if interval.high >= 0
            else f"An average deal loses between {_amount(-interval.high)} and "
            f"{_amount(-interval.low)} with 95 % confidence."
        )
    deflated = statistics.deflated_sharpe
    if deflated is None:
        reason = statistics.undefined.get("deflated_sharpe", "it was not computed")
        sentences.append(f"The deflated Sharpe ratio has no value: {reason}.")
    elif deflated <= DEFLATED_SHARPE_MIN:
        sentences.append(
            f"The deflated Sharpe ratio is {_probability(deflated)} after "
            f"{_trials(statistics.trials)}; it takes more than {DEFLATED_SHARPE_MIN}."
        )
    if pbo is not None and pbo >= OVERFITTING_MAX:
        sentences.append(
            f"The probability of backtest overfitting is {_probability(pbo)}: chosen in one half "
            "of the data, the best parameters are no better than any others in the other."
        )
    return sentences


def _passes(statistics: Statistics, pbo: float | None) -> list[str]:
    interval = statistics.expectancy_interval
    assert interval is not None and statistics.deflated_sharpe is not None
    sentences = [
        f"An average deal earns between {_amount(interval.low)} and {_amount(interval.high)} with "
        f"95 % confidence, over {_deals(statistics.deals)}.",
        f"The deflated Sharpe ratio is {_probability(statistics.deflated_sharpe)} after "
        f"{_trials(statistics.trials)}.",
    ]
    if pbo is not None:
        sentences.append(f"The probability of backtest overfitting is {_probability(pbo)}.")
    return sentences


def _loss(statistics: Statistics) -> str:
    if statistics.net_profit < 0:
        amount = _amount(float(-statistics.net_profit))
        fees = float(statistics.fees_paid)
        of_fees = f", {_amount(fees)} of fees included" if fees > 0 else ""
        return f"The strategy loses money: {amount} over {_deals(statistics.deals)}{of_fees}."
    return (
        f"The strategy loses money: {_percent(-statistics.total_return)} of the equity, what is "
        "still held at the end included."
    )


def _context(statistics: Statistics) -> list[str]:
    """What a reader should know whatever the level."""
    sentences = []
    held = statistics.buy_and_hold_return
    if held is not None and held > statistics.total_return:
        sentences.append(
            f"Buying and holding returned {_percent(held)}, the strategy "
            f"{_percent(statistics.total_return)}."
        )
    if statistics.gross_profit < 0:
        sentences.append("The deals lose before fees, so no fee is low enough.")
    elif statistics.net_profit < 0 and statistics.break_even_fee_rate is not None:
        sentences.append(
            f"Without fees it would earn: it breaks even at a fee of "
            f"{_percent(statistics.break_even_fee_rate, 4)} a trade."
        )
    record = statistics.minimum_track_record_days
    if record is not None and record > statistics.days:
        sentences.append(
            f"A Sharpe ratio like this one takes {record:,.0f} days to be trusted; these are "
            f"{statistics.days:,.0f}."
        )
    return sentences


def _deals(count: int) -> str:
    return "1 deal" if count == 1 else f"{count:,} deals"


def _trials(count: int) -> str:
    return "1 trial" if count == 1 else f"{count:,} trials"


def _amount(value: float) -> str:
    """Money of any size, from satoshis to millions."""
    return f"{value:,.2f}" if abs(value) >= 1 or value == 0 else f"{value:.3g}"


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:,.{digits}f} %"


def _probability(value: float) -> str:
    """Three digits, never rounded up to what it is not."""
    return f"{math.floor(value * 1000) / 1000:.3f}"
