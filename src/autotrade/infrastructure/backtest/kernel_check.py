"""The kernel against the engine: one combination both ways, compared to the last unit."""

from __future__ import annotations

from decimal import Decimal

from autotrade.infrastructure.backtest import kernel_layout as at
from autotrade.infrastructure.backtest.journal_writer import JournalWriter
from autotrade.infrastructure.backtest.kernel import Kernel, KernelResult
from autotrade.infrastructure.backtest.kernel_rules import COINS, Combination, fresh_pair
from autotrade.infrastructure.backtest.runner import Backtest, BacktestPlan, BacktestRun

Row = tuple[object, ...]


def engine_run(
    kernel: Kernel, combination: Combination, journal: JournalWriter | None = None
) -> tuple[Backtest, BacktestPlan, BacktestRun]:
    """The real engine over the kernel's candles."""
    plan = BacktestPlan(
        settings=combination.settings,
        assumptions=kernel.assumptions,
        pairs=[fresh_pair(combination.pair)],
        markets=[kernel.market],
        start_ts=kernel.start_ts,
    )
    backtest = Backtest(plan, journal or JournalWriter())
    return backtest, plan, backtest.run()


def first_difference(kernel: Kernel, result: KernelResult, run: BacktestRun) -> str | None:
    """In words, or None when every fill and every deal is the same. `result` keeps its deals."""
    for what, mine, theirs in (
        ("fill", _kernel_fills(kernel, result), _engine_fills(run)),
        ("deal", _kernel_deals(kernel, result), _engine_deals(run)),
    ):
        for number, (left, right) in enumerate(zip(mine, theirs, strict=False)):
            if left != right:
                return f"{what} {number}: kernel {_text(left)}, engine {_text(right)}"
        if len(mine) != len(theirs):
            return f"{what}s: kernel {len(mine)}, engine {len(theirs)}"
    net = sum((deal.pnl_net for deal in run.deals), Decimal(0))
    fees = sum((deal.fees for deal in run.deals), Decimal(0))
    if (result.deals, result.net, result.fees) != (len(run.deals), net, fees):
        return f"sums: kernel {result.net}, {result.fees}, engine {net}, {fees}"
    return None


def _text(row: Row) -> str:
    return "(" + ", ".join(str(value) for value in row) + ")"


def _kernel_fills(kernel: Kernel, result: KernelResult) -> list[Row]:
    """(ts, base, quote) of each fill, fees included."""
    lot, turnover = kernel.market.lot, kernel.units.turnover
    rows: list[Row] = []
    assert result.fills is not None
    for ts, price, lots, fee in result.fills.tolist():
        base, quote = lots * lot, -lots * price * turnover
        if lots > 0:
            base -= fee * COINS
        else:
            quote -= fee * COINS
        rows.append((ts, base, quote))
    return rows


def _engine_fills(run: BacktestRun) -> list[Row]:
    return [(fill.ts, fill.base, fill.quote) for fill in run.fills]


def _kernel_deals(kernel: Kernel, result: KernelResult) -> list[Row]:
    """(opened, closed, invested, net, fees)."""
    units = kernel.units
    assert result.closed is not None
    return [
        (
            row[at.DEAL_OPENED_TS],
            row[at.DEAL_CLOSED_TS],
            row[at.DEAL_COST] * units.turnover,
            row[at.DEAL_NET] * units.quote,
            row[at.DEAL_FEE_BASE_VALUE] * units.fine + row[at.DEAL_FEE_QUOTE] * COINS,
        )
        for row in result.closed.tolist()
    ]


def _engine_deals(run: BacktestRun) -> list[Row]:
    return [
        (deal.opened_ts, deal.closed_ts, deal.invested, deal.pnl_net, deal.fees)
        for deal in run.deals
    ]
