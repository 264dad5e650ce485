"""TradingService: a signal becomes a Decision and, if approved, a Deal with its BUY."""

from __future__ import annotations

from decimal import Decimal

from autotrade.domain.decisions import Check, Decision, Modification, RefusalReason, Signal
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.events import DealOpened, SellPlanned
from autotrade.domain.factories.deal_factory import DealFactory
from autotrade.domain.services.market_data.market_analysis_service import MarketConditions
from autotrade.domain.services.market_data.orderbook_analyzer import (
    OrderBookAnalyzer,
    OrderBookMetrics,
)
from autotrade.domain.services.orders.order_execution_service import OrderExecutionService
from autotrade.domain.services.risk.risk_limits import RiskLimits
from autotrade.domain.services.trading.deal_economics import DealEconomics, DealPlan
from autotrade.domain.services.trading.signal_cooldown_manager import SignalCooldownManager
from autotrade.domain.services.trading.trading_decision_engine import (
    Proposal,
    TradingDecisionEngine,
)
from autotrade.domain.settings import DomainSettings
from autotrade.domain.state import PairHistory, Record, TradingState


class TradingService:
    """Composes the pure parts; every check they make stands in the Decision."""

    def __init__(self, settings: DomainSettings, execution: OrderExecutionService) -> None:
        self._settings = settings
        self._execution = execution
        self._analyzer = OrderBookAnalyzer(settings.orderbook_analyzer)
        self._decision_engine = TradingDecisionEngine(settings.trading, settings.orderbook_analyzer)
        self._cooldown = SignalCooldownManager(settings.signal_cooldown)
        self._limits = RiskLimits(settings.trading)
        self._economics = DealEconomics(
            settings.trading.min_net_profit_percent,
            settings.stop_loss_monitor.exchange_stop_percent,
        )

    def on_signal(
        self, state: TradingState, signal: Signal, conditions: MarketConditions
    ) -> list[Record]:
        """The Decision, followed by DealOpened, SellPlanned and PlaceOrder when it is approved."""
        pair = state.pair(signal.symbol)
        metrics = self._analyze(state, pair, signal.ts)
        markup = 1 + pair.profit_markup / 100
        proposal = self._decision_engine.propose(
            signal, metrics, conditions, target_price=signal.price * markup
        )
        budget = pair.deal_quota * proposal.size_factor
        plan = self._plan(pair, proposal, budget, markup)
        entry_price = plan.entry_price if plan is not None else proposal.entry_price
        checks = (
            *self._gate_checks(state, pair, signal.ts, entry_price, budget),
            *proposal.checks,
            *(plan.checks if plan is not None else (_no_rules(pair),)),
        )
        approved = all(check.passed for check in checks)
        decision = Decision(
            id=f"D{state.totals.decisions + 1}",
            ts=signal.ts,
            signal=signal,
            approved=approved,
            confidence=proposal.confidence,
            checks=checks,
            modifications=proposal.modifications,
            entry_price=plan.entry_price if plan else None,
            amount=plan.amount if plan else None,
            target_price=plan.target_price if plan else None,
            budget=budget,
            book=metrics.as_figures() if metrics is not None else {},
            conditions=conditions.as_figures(),
        )
        if not approved or plan is None:
            return [decision]
        return [decision, *self._open(state, pair, decision, plan)]

    def _analyze(self, state: TradingState, pair: CurrencyPair, ts: int) -> OrderBookMetrics | None:
        if not (
            self._settings.trading.enable_orderbook_validation
            and self._settings.orderbook_analyzer.enabled
        ):
            return None
        book = state.books.get(pair.symbol)
        return self._analyzer.analyze(book, order_quote=float(pair.deal_quota), ts=ts)

    def _plan(
        self, pair: CurrencyPair, proposal: Proposal, budget: Decimal, markup: Decimal
    ) -> DealPlan | None:
        if pair.rules is None:
            return None
        target = proposal.entry_price * markup
        if (
            Modification.EXIT_AT_RESISTANCE in proposal.modifications
            and proposal.exit_hint is not None
        ):
            target = max(target, proposal.exit_hint)
        return self._economics.plan(pair.rules, budget, proposal.entry_price, target)

    def _gate_checks(
        self,
        state: TradingState,
        pair: CurrencyPair,
        ts: int,
        entry_price: Decimal,
        budget: Decimal,
    ) -> list[Check]:
        open_deals = state.deals.open_deals(pair.symbol)
        history = state.history.get(pair.symbol, PairHistory())
        balance = state.balance_of(pair.quote)
        limits = self._limits.checks(
            pair=pair,
            open_deals_on_pair=len(open_deals),
            open_deals_total=len(state.deals.open_deals()),
            free_quote=None if balance is None else balance.free,
            needed_quote=budget,
            is_paused=state.is_paused or state.is_stopping or state.is_flattening,
            is_ready=state.is_ready,
            is_halted=pair.rules is not None and not pair.rules.is_trading,
            stale_text=state.stale_text(pair.symbol),
        )
        cooldown = self._cooldown.checks(
            ts=ts,
            entry_price=entry_price,
            last_approved_ts=history.last_approved_ts,
            last_loss_ts=history.last_loss_ts,
            open_entries=[deal.average_entry for deal in open_deals],
        )
        return [*limits, *cooldown]

    def _open(
        self, state: TradingState, pair: CurrencyPair, decision: Decision, plan: DealPlan
    ) -> list[Record]:
        """Only the BUY is sent; the SELL is virtual until the BUY filled."""
        ts, installation_id = decision.ts, state.installation_id
        opened = DealOpened(
            ts=ts,
            deal_id=state.totals.deals_opened + 1,
            symbol=pair.symbol,
            base=pair.base,
            quote=pair.quote,
            decision_id=decision.id,
            budget=plan.budget,
            entry_price=plan.entry_price,
            amount=plan.amount,
            target_price=plan.target_price,
        )
        deal = DealFactory.create_new_deal(opened)
        planned = SellPlanned(
            ts=ts,
            deal_id=deal.id,
            order_id=self._execution.target_id(installation_id, deal),
            amount=plan.sell_amount,
            price=plan.target_price,
            text="planned with the BUY",
        )
        entry = self._execution.place_entry(
            installation_id, deal, amount=plan.amount, price=plan.entry_price, ts=ts
        )
        return [opened, planned, entry]


def _no_rules(pair: CurrencyPair) -> Check:
    return Check(
        name="market_rules",
        passed=False,
        value="none",
        limit="known",
        text=f"the exchange's filters of {pair.symbol} are not known yet",
        reason=RefusalReason.NOT_READY,
    )
