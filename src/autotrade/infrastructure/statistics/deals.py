"""Figures of the deals themselves: what they earned, how often, how long, and at what fee."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike

from autotrade.infrastructure.statistics.checks import (
    Floats,
    Integers,
    UndefinedFigure,
    checked_floats,
    varies,
)


@dataclass(frozen=True, slots=True)
class DealResult:
    """A closed deal; amounts in the quote currency, times in milliseconds UTC.

    `invested` is what the bought base cost without the fee, `fees` all fees of both sides in
    quote, `pnl_net` what was earned after them.
    """

    deal_id: int
    symbol: str
    opened_ts: int
    closed_ts: int
    invested: Decimal
    pnl_net: Decimal
    fees: Decimal
    exit_reason: str


@dataclass(frozen=True, slots=True, eq=False)
class DealTable:
    """Deals as columns, checked: floats for statistics, exact sums beside them."""

    opened_ts: Integers
    closed_ts: Integers
    pnl: Floats
    returns: Floats
    net_profit: Decimal
    fees_paid: Decimal
    turnover: Decimal

    @property
    def count(self) -> int:
        return int(self.pnl.size)

    @property
    def gross_profit(self) -> Decimal:
        """What the deals earned before fees."""
        return self.net_profit + self.fees_paid


def deal_table(deals: Sequence[DealResult]) -> DealTable:
    """The deals as columns; ValueError names the first deal that cannot be one.

    Turnover is what was bought plus what was sold, each without fees: invested + (invested +
    profit before fees).
    """
    for deal in deals:
        _check(deal)
    zero = Decimal(0)
    net_profit = sum((deal.pnl_net for deal in deals), zero)
    fees_paid = sum((deal.fees for deal in deals), zero)
    invested = sum((deal.invested for deal in deals), zero)
    pnl = np.array([float(deal.pnl_net) for deal in deals], dtype=np.float64)
    stakes = np.array([float(deal.invested) for deal in deals], dtype=np.float64)
    return DealTable(
        opened_ts=np.array([deal.opened_ts for deal in deals], dtype=np.int64),
        closed_ts=np.array([deal.closed_ts for deal in deals], dtype=np.int64),
        pnl=pnl,
        returns=pnl / stakes,
        net_profit=net_profit,
        fees_paid=fees_paid,
        turnover=2 * invested + net_profit + fees_paid,
    )


def _check(deal: DealResult) -> None:
    amounts = (deal.invested, deal.pnl_net, deal.fees)
    if not all(amount.is_finite() for amount in amounts):
        raise ValueError(
            f"expected finite amounts in deal {deal.deal_id}, was invested {deal.invested}, "
            f"pnl_net {deal.pnl_net}, fees {deal.fees}"
        )
    if deal.invested <= 0:
        raise ValueError(
            f"expected deal {deal.deal_id} to have invested more than 0, was {deal.invested}"
        )
    if deal.closed_ts < deal.opened_ts:
        raise ValueError(
            f"expected deal {deal.deal_id} to close at or after its opening {deal.opened_ts}, "
            f"was {deal.closed_ts}"
        )


def profit_factor(pnl: ArrayLike) -> float:
    """Sum of the gains over the sum of the losses, both after fees."""
    values = _some(pnl)
    losses = -float(values[values < 0].sum())
    if losses <= 0:
        raise UndefinedFigure("no deal lost")
    return float(values[values > 0].sum()) / losses


def expectancy(pnl: ArrayLike) -> float:
    """Average net profit of a deal: win rate x average win - loss rate x average loss.

    Source: V. K. Tharp, "Trade Your Way to Financial Freedom", McGraw-Hill, 1998 (there in
    multiples of the risk taken, here in quote currency).
    """
    return float(np.mean(_some(pnl)))


def win_rate(pnl: ArrayLike) -> float:
    """Share of deals that earned more than nothing after fees."""
    return float(np.mean(_some(pnl) > 0))


def average_win(pnl: ArrayLike) -> float:
    """Average net profit of the deals that earned."""
    values = _some(pnl)
    if not np.any(values > 0):
        raise UndefinedFigure("no deal won")
    return float(values[values > 0].mean())


def average_loss(pnl: ArrayLike) -> float:
    """Average net loss of the deals that lost, a negative amount."""
    values = _some(pnl)
    if not np.any(values < 0):
        raise UndefinedFigure("no deal lost")
    return float(values[values < 0].mean())


def system_quality_number(multiples: ArrayLike, deals_cap: int | None = None) -> float:
    """SQN: sqrt(deals) x average / standard deviation of the deals' multiples of risk.

    Source: V. K. Tharp, "The Definitive Guide to Position Sizing", IITM, 2008; the Guide counts at
    most 100 deals, so that systems of different activity compare: `deals_cap=100`. The measure
    does not change with the unit, so returns on the sum invested do for multiples of risk whenever
    the risk is a fixed share of it.
    """
    values = _some(multiples)
    if values.size < 2:
        raise UndefinedFigure(f"needs at least 2 deals, was {values.size}")
    if not varies(values):
        raise UndefinedFigure("the deals' results do not vary")
    counted = values.size if deals_cap is None else min(values.size, deals_cap)
    return math.sqrt(counted) * float(np.mean(values) / np.std(values, ddof=1))


def exposure(table: DealTable, start_ts: int, end_ts: int, open_since: Sequence[int] = ()) -> float:
    """Share of the span spent in at least one deal; deals side by side count once.

    `open_since` are the opening times of deals that were still open at the end.
    """
    if end_ts <= start_ts:
        raise UndefinedFigure("the curve covers no time")
    still_open = np.array(open_since, dtype=np.int64)
    opened = np.clip(np.append(table.opened_ts, still_open), start_ts, end_ts)
    ends = np.full(still_open.size, end_ts, dtype=np.int64)
    closed = np.clip(np.append(table.closed_ts, ends), start_ts, end_ts)
    if not opened.size:
        return 0.0
    order = np.argsort(opened, kind="stable")
    opened, closed = opened[order], closed[order]
    # Each deal adds what lies beyond everything the earlier ones cover.
    covered_to = np.maximum.accumulate(np.append(np.int64(start_ts), closed[:-1]))
    added = np.maximum(closed - np.maximum(opened, covered_to), 0)
    return float(added.sum()) / (end_ts - start_ts)


def fee_rate_paid(table: DealTable) -> float:
    """Fees as a share of everything bought and sold."""
    if table.turnover <= 0:
        raise UndefinedFigure("nothing was bought or sold")
    return float(table.fees_paid / table.turnover)


def break_even_fee_rate(table: DealTable) -> float:
    """The fee, as a share of each purchase and sale, at which the deals would earn exactly nothing.

    Profit before fees over turnover. It assumes the same deals at any fee.
    """
    if table.turnover <= 0:
        raise UndefinedFigure("nothing was bought or sold")
    if table.gross_profit < 0:
        raise UndefinedFigure("the deals lose money before fees; no fee is low enough")
    return float(table.gross_profit / table.turnover)


def _some(values: ArrayLike) -> Floats:
    array = checked_floats(values, "deals")
    if not array.size:
        raise UndefinedFigure("there are no deals")
    return array
