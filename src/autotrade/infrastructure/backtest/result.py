"""What a backtest came to: figures, statistics and verdict as one plain value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.infrastructure.backtest.equity import equity_curve, market_index
from autotrade.infrastructure.backtest.loading import LoadedData
from autotrade.infrastructure.backtest.runner import Backtest, BacktestPlan, BacktestRun
from autotrade.infrastructure.statistics import (
    DealResult,
    monte_carlo_deals,
    summarise,
    verdict,
)
from autotrade.infrastructure.statistics.monte_carlo import Method

FUTURES: dict[Method, int] = {"resample": 1_000, "shuffle": 250}
"""How often the deals are played again; to put thousands in another order takes a while."""


@dataclass(frozen=True, slots=True)
class Timing:
    run_seconds: float
    """Indicators, scan and the run itself; without reading candles and statistics."""


@dataclass(frozen=True, slots=True)
class Tries:
    """How many parameter sets were tried before this one was shown, and what they tell of it."""

    count: int = 1
    sharpes: Sequence[float] | None = None
    """Annual, one a try."""
    overfitting: float | None = None
    """The probability of it, where there is one."""


def deal_results(run: BacktestRun) -> list[DealResult]:
    """The deals that bought something, as the statistics take them."""
    return [DealResult(**asdict(deal)) for deal in run.deals if deal.invested > 0]


def result_of(
    backtest: Backtest,
    plan: BacktestPlan,
    run: BacktestRun,
    data: LoadedData,
    timing: Timing,
    *,
    chosen: Mapping[str, str],
    seed: int,
    tries: Tries = Tries(),
) -> dict[str, Any]:
    """JSON-ready but for Decimals. `chosen` are the settings that the user changed."""
    candle_ms = TIMEFRAME_MS[plan.settings.strategy.timeframe]
    span = (plan.start_ts, run.end_ts)
    balance = plan.assumptions.balance
    times, worth = equity_curve(
        run.fills, plan.markets, *span, balance=balance, candle_ms=candle_ms
    )
    index_ts, index = market_index(plan.markets, *span, candle_ms)
    deals = deal_results(run)
    still_open = [deal.created_ts for deal in backtest.state.deals.open_deals()]
    statistics = summarise(
        deals,
        times,
        worth,
        index_ts,
        index,
        trials=tries.count,
        trial_sharpes=tries.sharpes,
        seed=seed,
        open_since=still_open,
    )
    judged = verdict(statistics, tries.overfitting)
    totals = backtest.state.totals
    zero = Decimal(0)
    return {
        "id": run.journal_sha256[:12],
        "pairs": [market.symbol for market in plan.markets],
        "timeframe": plan.settings.strategy.timeframe,
        "strategy": plan.settings.strategy.name,
        "version": plan.version,
        "is_modelled": data.is_modelled,
        "from_ms": plan.start_ts,
        "to_ms": run.end_ts,
        "candles": run.candles,
        "skipped_candles": run.candles - run.visited,
        "missing_candles": data.missing,
        "signals": totals.decisions,
        "refused": dict(totals.refused),
        "strategy_faults": list(run.strategy_faults),
        "deals": len(run.deals),
        "deals_canceled": totals.deals_canceled,
        "deals_open": len(backtest.state.deals.open_deals()),
        "deals_won": totals.deals_won,
        "pnl_net": sum((deal.pnl_net for deal in run.deals), zero),
        "fees": sum((deal.fees for deal in run.deals), zero),
        "end_equity": round(float(worth[-1]), 8),
        "run_seconds": round(timing.run_seconds, 6),
        "candles_per_second": round(run.candles / timing.run_seconds) if timing.run_seconds else 0,
        "journal_rows": run.journal_rows,
        "journal_sha256": run.journal_sha256,
        "verdict": judged.as_dict(),
        "statistics": statistics.as_dict(),
        "monte_carlo_deals": _played_again(deals, balance, seed),
        "warnings": data.warnings,
        "chosen": dict(chosen),
        "settings": asdict(plan.settings),
        "assumptions": asdict(plan.assumptions),
        "pair_settings": [
            {
                "pair": pair.symbol,
                "deal_quota": pair.deal_quota,
                "profit_markup": pair.profit_markup,
                "deal_count": pair.deal_count,
                "order_life_time": pair.order_life_time,
            }
            for pair in plan.pairs
        ],
        "data": [market.facts() for market in plan.markets],
    }


def _played_again(
    deals: Sequence[DealResult], balance: Decimal, seed: int
) -> dict[str, Any] | None:
    """The deals drawn anew (another end) and in another order (another way there); None without
    deals."""
    if not deals:
        return None
    capital = float(balance)
    return {
        method: monte_carlo_deals(deals, runs, seed, capital=capital, method=method).as_dict()
        for method, runs in FUTURES.items()
    }
