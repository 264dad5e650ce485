"""The recorded run, backtested on its own candles with its own settings, and what differs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from autotrade.application.use_cases.run_replay import ComparedRow
from autotrade.domain.entities.order import ZERO
from autotrade.domain.state import Record
from autotrade.infrastructure.backtest.book_model import BookModel
from autotrade.infrastructure.backtest.journal_writer import JournalWriter
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.runner import Backtest, BacktestPlan
from autotrade.infrastructure.backtest.settings import BacktestSettings
from autotrade.infrastructure.drift.attribution import PARTS, DealDrift, attribute
from autotrade.infrastructure.drift.deal_facts import FactCollector
from autotrade.infrastructure.drift.recorded_run import (
    Finds,
    NothingToCompare,
    RecordedRun,
    RunReader,
)
from autotrade.infrastructure.journal.reader import read_rows


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Sums in the quote currency of the pairs."""

    run: RecordedRun
    assumptions: BacktestSettings
    deals: list[DealDrift]
    candles: int

    @property
    def quote(self) -> str:
        return self.run.session.pairs[0].quote

    @property
    def recorded(self) -> Decimal:
        return sum((deal.recorded.result for deal in self.deals if deal.recorded), ZERO)

    @property
    def backtest(self) -> Decimal:
        return sum((deal.backtest.result for deal in self.deals if deal.backtest), ZERO)

    @property
    def flatters(self) -> Decimal:
        """By how much the backtest's result is better than what was."""
        return self.backtest - self.recorded

    @property
    def parts(self) -> dict[str, Decimal]:
        """Every part over all deals; they sum to `flatters`."""
        return {
            name: sum((deal.parts.get(name, ZERO) for deal in self.deals), ZERO) for name in PARTS
        }


def measure(rows: Iterable[ComparedRow], recordings: Finds) -> DriftReport:
    """Raises `NothingToCompare`."""
    run = RunReader(recordings).read(rows)
    plan, last_prices = _plan(run)
    recorded = FactCollector(run.start_ts).take_all(run.records, last_prices)
    recorded.candles = run.shown
    backtest = FactCollector(0).take_all(_backtest(plan), last_prices)
    tested = sum(int((market.series.open_ts >= plan.start_ts).sum()) for market in plan.markets)
    return DriftReport(run, plan.assumptions, attribute(recorded, backtest), tested)


def _plan(run: RecordedRun) -> tuple[BacktestPlan, dict[str, Decimal]]:
    """The backtest of the run's own time, with its fees and its capital."""
    pairs = [replace(pair) for pair in run.session.pairs if pair.deal_count]
    quotes = sorted({pair.quote for pair in pairs})
    if len(quotes) != 1:
        raise NothingToCompare(
            f"expected pairs with one quote currency, was {', '.join(quotes)}; results in several "
            "cannot be added up"
        )
    rules = next(iter(run.rules.values()))
    assumptions = BacktestSettings(
        balance=run.balance.get(quotes[0]) or BacktestSettings().balance,
        maker_fee=rules.maker_fee,
        taker_fee=rules.taker_fee,
    )
    model = BookModel.of(assumptions)
    markets = [PairMarket(run.series(pair.symbol), model) for pair in pairs]
    last_prices = {
        market.symbol: market.series.decimal("close", len(market) - 1) for market in markets
    }
    plan = BacktestPlan(
        settings=run.session.settings,
        assumptions=assumptions,
        pairs=pairs,
        markets=markets,
        start_ts=run.start_ts,
    )
    return plan, last_prices


def _backtest(plan: BacktestPlan) -> list[Record]:
    """The backtest's whole journal."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        Backtest(plan, JournalWriter(path)).run()
        return [row.record for row in read_rows(path)]  # type: ignore[misc]
