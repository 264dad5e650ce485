"""The engine and the reference over the same candles, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal as D
from typing import Any

import numpy as np

from autotrade.domain import events as e
from autotrade.domain.decisions import Decision
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.entities.order import OrderSide
from autotrade.domain.settings import DomainSettings
from autotrade.infrastructure.backtest.book_model import BookModel
from autotrade.infrastructure.backtest.journal_writer import JournalWriter
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.runner import Backtest, BacktestPlan
from autotrade.infrastructure.backtest.settings import BacktestSettings
from autotrade.infrastructure.market_history.series import CandleSeries
from tests.reference.plain_backtest import PlainBacktest, PlainResult
from tests.reference.plain_deals import PlainEnd, PlainFill, PlainSignal
from tests.reference.plain_settings import PlainCandle, PlainFilters, PlainSettings


class Recorder(JournalWriter):
    """A journal that keeps what the comparison looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.decisions: list[Decision] = []
        self.fills: list[tuple[int | None, e.OrderFilled]] = []
        self.canceled: list[e.DealCanceled] = []
        self._told: set[tuple[str, str]] = set()

    def append(self, record: object, *, cause: int | None = None, deal: int | None = None) -> int:
        match record:
            case Decision():
                self.decisions.append(record)
            case e.OrderFilled() if (record.order_id, record.trade_id) not in self._told:
                # An answer to a question tells it once more.
                self._told.add((record.order_id, record.trade_id))
                self.fills.append((deal, record))
            case e.DealCanceled():
                self.canceled.append(record)
        return super().append(record, cause=cause, deal=deal)


@dataclass(frozen=True)
class Scenario:
    """What is run twice. Settings of the engine; the reference's are made of them."""

    series: CandleSeries
    start_ts: int
    settings: DomainSettings = DomainSettings()
    assumptions: BacktestSettings = BacktestSettings()
    deal_quota: D = D(15)
    profit_markup: D = D("1.5")
    deal_count: int = 3
    order_life_time: int = 1

    @property
    def market(self) -> PairMarket:
        return PairMarket(self.series, BookModel.of(self.assumptions))


def by_the_engine(scenario: Scenario, *, is_skipping: bool = True) -> PlainResult:
    market, recorder = scenario.market, Recorder()
    pair = CurrencyPair(
        base=market.market.base,
        quote=market.market.quote,
        order_life_time=scenario.order_life_time,
        deal_quota=scenario.deal_quota,
        profit_markup=scenario.profit_markup,
        deal_count=scenario.deal_count,
    )
    plan = BacktestPlan(
        scenario.settings,
        scenario.assumptions,
        [pair],
        [market],
        scenario.start_ts,
        is_skipping,
        "test",
    )
    backtest = Backtest(plan, recorder)
    run = backtest.run()
    dust = backtest.state.dust.get(pair.base)
    opened = {number: decision.ts for number, decision in enumerate(_approved(recorder), start=1)}
    ends = [
        PlainEnd(
            deal.deal_id,
            deal.opened_ts,
            deal.closed_ts,
            deal.exit_reason,
            deal.invested,
            deal.pnl_net,
            deal.fees,
        )
        for deal in run.deals
    ]
    ends += [
        PlainEnd(one.deal_id, opened[one.deal_id], one.ts, "canceled") for one in recorder.canceled
    ]
    return PlainResult(
        [_signal(decision) for decision in recorder.decisions],
        [_fill(deal, fill) for deal, fill in recorder.fills],
        sorted(ends, key=_order),
        (dust.amount, dust.cost) if dust is not None else (D(0), D(0)),
        (_total(backtest, pair.quote), _total(backtest, pair.base)),
        len(backtest.state.deals.open_deals()),
    )


def _total(backtest: Backtest, asset: str) -> D:
    balance = backtest.state.balance_of(asset)
    return D(0) if balance is None else balance.total


def _approved(recorder: Recorder) -> list[Decision]:
    return [decision for decision in recorder.decisions if decision.approved]


def _order(end: PlainEnd) -> tuple[int, int]:
    return end.ended_ts, end.deal


def _signal(decision: Decision) -> PlainSignal:
    assert decision.entry_price is not None and decision.amount is not None
    assert decision.target_price is not None and decision.budget is not None
    refusals = [check.reason for check in decision.checks if not check.passed]
    return PlainSignal(
        decision.ts,
        decision.signal.price,
        tuple(str(reason) for reason in refusals),
        decision.entry_price,
        decision.amount,
        decision.target_price,
        decision.budget,
    )


def _fill(deal: int | None, fill: e.OrderFilled) -> PlainFill:
    assert deal is not None
    is_buy = fill.side is OrderSide.BUY
    return PlainFill(fill.ts, deal, is_buy, fill.price, fill.amount, fill.fee, fill.is_maker)


def by_the_reference(scenario: Scenario) -> PlainResult:
    market = scenario.market.market
    filters = PlainFilters(
        tick=market.tick_size,
        lot=market.lot_size,
        least_amount=market.minimum_amount,
        most_amount=market.maximum_amount,
        most_market_amount=market.market_maximum_amount,
        least_notional=market.minimum_notional,
        most_stops=market.max_algo_orders,
    )
    plain = PlainBacktest(candles_of(scenario.series), plain_settings(scenario), filters)
    result = plain.run(scenario.start_ts)
    result.ends.sort(key=_order)
    return result


def candles_of(series: CandleSeries) -> list[PlainCandle]:
    """Each number as the shortest decimal that reads back as the stored one."""
    columns = [
        [D(repr(value)) for value in np.asarray(getattr(series, name)).tolist()]
        for name in ("open", "high", "low", "close", "volume")
    ]
    rows = zip(series.open_ts.tolist(), *columns, strict=True)
    return [PlainCandle(*row) for row in rows]


def plain_settings(scenario: Scenario) -> PlainSettings:
    """Only what differs from the engine's own defaults is handed over: the reference has its own,
    and they must agree."""
    theirs, default = scenario.settings, DomainSettings()
    assumed, usual = scenario.assumptions, BacktestSettings()
    known: list[tuple[str, Any, Any]] = [
        ("macd_fast", theirs.strategy.macd_fast, default.strategy.macd_fast),
        ("macd_slow", theirs.strategy.macd_slow, default.strategy.macd_slow),
        ("macd_signal", theirs.strategy.macd_signal, default.strategy.macd_signal),
        ("sma_fast", theirs.strategy.sma_fast, default.strategy.sma_fast),
        ("sma_slow", theirs.strategy.sma_slow, default.strategy.sma_slow),
        ("deal_quota", scenario.deal_quota, D(15)),
        ("profit_markup", scenario.profit_markup, D("1.5")),
        ("deal_count", scenario.deal_count, 3),
        ("order_life_minutes", scenario.order_life_time, 1),
    ]
    for section in (
        "trading",
        "orderbook_analyzer",
        "buy_order_monitor",
        "stop_loss_monitor",
        "signal_cooldown",
    ):
        for mine, name in NAMES[section].items():
            known.append(
                (
                    mine,
                    getattr(getattr(theirs, section), name),
                    getattr(getattr(default, section), name),
                )
            )
    for name in (
        "latency_ms",
        "spread_bp",
        "level_step_bp",
        "level_volume_percent",
        "balance",
        "maker_fee",
        "taker_fee",
    ):
        known.append((name, getattr(assumed, name), getattr(usual, name)))
    return PlainSettings(
        **{name: _plain(name, value) for name, value, own in known if value != own}
    )


def _plain(name: str, value: Any) -> Any:
    if name.endswith("_ms") and isinstance(value, float):
        return round(value * 1000)
    return D(repr(value)) if isinstance(value, float) else value


NAMES = {
    "trading": {
        "is_book_asked": "enable_orderbook_validation",
        "is_support_required": "require_orderbook_support",
        "confidence_least": "orderbook_confidence_threshold",
        "min_net_profit_percent": "min_net_profit_percent",
        "max_open_deals": "max_open_deals",
    },
    "orderbook_analyzer": {
        "min_volume_quote": "min_volume_threshold",
        "max_spread_percent": "max_spread_percent",
        "max_slippage_percent": "max_slippage_percent",
        "depth_levels": "min_liquidity_depth",
    },
    "buy_order_monitor": {
        "max_age_minutes": "max_age_minutes",
        "max_price_deviation_percent": "max_price_deviation_percent",
        "check_interval_ms": "check_interval_seconds",
        "max_recreations": "max_recreations",
        "grace_ms": "partial_fill_grace_seconds",
    },
    "stop_loss_monitor": {
        "is_loss_watched": "enabled",
        "warning_percent": "warning_percent",
        "orderbook_percent": "orderbook_percent",
        "emergency_percent": "emergency_percent",
        "stop_percent": "exchange_stop_percent",
        "is_limit_exit_first": "limit_exit_first",
    },
    "signal_cooldown": {
        "after_signal_ms": "after_signal_seconds",
        "after_loss_ms": "after_loss_seconds",
        "min_entry_distance_percent": "min_entry_distance_percent",
    },
}
"""Of each section: the reference's name of a setting, and the section's own."""


def differences(engine: PlainResult, plain: PlainResult) -> list[str]:
    """The first difference of each kind, as a sentence; none when they agree to the last unit."""
    found = []
    for name in ("signals", "fills", "ends"):
        theirs, ours = getattr(engine, name), getattr(plain, name)
        if len(theirs) != len(ours):
            found.append(f"{name}: the engine has {len(theirs)}, the reference {len(ours)}")
        for number, (one, other) in enumerate(zip(theirs, ours, strict=False)):
            if one != other:
                found.append(f"{name}[{number}]: engine {one}, reference {other}")
                break
    for name in ("dust", "balances", "open_deals"):
        theirs, ours = getattr(engine, name), getattr(plain, name)
        if theirs != ours:
            found.append(f"{name}: engine {theirs}, reference {ours}")
    return found
