"""TradingEngine: one event in, what follows from it out. The single writer of the state.

`process` applies the event, asks the services, and applies each record they answer with before the
next is asked for, so that the state is at every moment the fold of what was written. It never
awaits and knows no clock: time is what the events say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

from autotrade.domain import events as e
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.deal import Deal, ExitReason
from autotrade.domain.services.deals.deal_completion_monitor import DealCompletionMonitor
from autotrade.domain.services.deals.deal_context import DealContext
from autotrade.domain.services.market_data.market_analysis_service import (
    MarketAnalysisService,
    MarketConditions,
)
from autotrade.domain.services.market_data.orderbook_analyzer import (
    OrderBookAnalyzer,
    OrderBookMetrics,
)
from autotrade.domain.services.market_data.ticker_service import Indicators, TickerService
from autotrade.domain.services.orders.buy_order_monitor import BuyOrderMonitor
from autotrade.domain.services.orders.filled_buy_order_handler import FilledBuyOrderHandler
from autotrade.domain.services.orders.order_execution_service import OrderExecutionService
from autotrade.domain.services.orders.order_service import OrderEvent, value_fee
from autotrade.domain.services.risk.stop_loss_monitor import StopLossMonitor
from autotrade.domain.services.trading.strategy_fault import refuse_faulty
from autotrade.domain.services.trading.trading_service import TradingService
from autotrade.domain.settings import DomainSettings
from autotrade.domain.state import Record, TradingState
from autotrade.domain.strategies.base import StrategyFault
from autotrade.domain.strategies.registry import create

STEPS_MAX = 16
"""One event moves one deal by a few steps; more is a fault of the program."""


class DealDidNotSettle(Exception):
    """A deal kept producing records for one event."""


class TradingEngine:
    def __init__(
        self,
        settings: DomainSettings,
        state: TradingState,
        indicators: Indicators | None = None,
    ) -> None:
        """`indicators` stand in for those that are computed a candle at a time; the same values."""
        self.state = state
        deals = state.deal_service
        self._execution = OrderExecutionService(deals)
        self._analyzer = OrderBookAnalyzer(settings.orderbook_analyzer)
        self._market_analysis = MarketAnalysisService(settings.strategy.timeframe)
        self.strategy = create(settings.strategy)
        self._ticker_service = TickerService(settings.strategy, self.strategy, indicators)
        self._trading_service = TradingService(settings, self._execution)
        self._buy_order_monitor = BuyOrderMonitor(
            settings.buy_order_monitor, settings.stop_loss_monitor, deals, self._execution
        )
        self._filled_buy_order_handler = FilledBuyOrderHandler(
            settings.stop_loss_monitor,
            settings.buy_order_monitor.partial_fill_grace_seconds,
            deals,
            self._execution,
        )
        self._deal_completion_monitor = DealCompletionMonitor(deals)
        self._stop_loss_monitor = StopLossMonitor(settings.stop_loss_monitor)
        self._check_interval_ms = settings.buy_order_monitor.check_interval_seconds * 1000
        self._buy_check_due_ts = 0.0
        self._reactions: dict[type, Callable[[Any, list[Record]], None]] = {
            e.TickerUpdated: self._on_ticker,
            e.CandleClosed: self._on_candle,
            e.TimerTicked: self._on_timer,
            e.OperatorRequested: self._on_operator,
            e.SessionReady: self._on_ready,
            **dict.fromkeys(get_args(OrderEvent), self._on_order),
        }
        """What each kind of event sets in motion; the others only change the state."""

    def warm_up(self, symbol: str, candles: Sequence[Candle]) -> None:
        """Give the indicators their history before the first live candle."""
        self._ticker_service.warm_up(symbol, candles)

    def conditions(self, symbol: str) -> MarketConditions:
        """The pair's volatility class and trend, for decisions and screens."""
        return self._market_analysis.conditions(self._ticker_service.values(symbol))

    def process(self, event: e.Event) -> list[Record]:
        """All that follows from `event`, in order, already applied to the state."""
        out: list[Record] = []
        new_fill = event if isinstance(event, e.OrderFilled) and self._is_new(event) else None
        self.state.apply(event)
        if new_fill is not None:
            self._value_fee(new_fill, out)
        react = self._reactions.get(type(event))
        if react is not None:
            react(event, out)
        return out

    # --- what each kind of event sets in motion -----------------------------------------------

    def _on_ticker(self, event: e.TickerUpdated, out: list[Record]) -> None:
        for deal in self.state.deals.open_deals(event.symbol):
            if deal.bought:
                self._watch_loss(deal, event.ts, out)

    def _on_candle(self, event: e.CandleClosed, out: list[Record]) -> None:
        ticker = self.state.tickers.find(event.symbol)
        try:
            signal = self._ticker_service.on_candle(event, ticker)
        except StrategyFault as fault:
            if event.symbol in self.state.pairs:
                self._emit(refuse_faulty(self.state, self.strategy, event, fault), out)
            return
        if signal is None or event.symbol not in self.state.pairs:
            return
        conditions = self.conditions(event.symbol)
        for record in self._trading_service.on_signal(self.state, signal, conditions):
            self._emit(record, out)

    def _on_timer(self, event: e.TimerTicked, out: list[Record]) -> None:
        ts = event.ts
        is_check_due = ts >= self._buy_check_due_ts
        if is_check_due:
            self._buy_check_due_ts = ts + self._check_interval_ms
        for deal in self.state.deals.open_deals():
            if is_check_due or deal.first_fill_ts is not None:
                self._watch_entry(deal, ts, out)
            if deal.bought:
                self._watch_loss(deal, ts, out)
            self._advance(deal, ts, out)

    def _on_order(self, event: OrderEvent, out: list[Record]) -> None:
        order = self.state.orders.find(event.order_id)
        if order is not None:
            self._advance(self.state.deals.get(order.deal_id), event.ts, out)

    def _on_ready(self, event: e.SessionReady, out: list[Record]) -> None:
        for deal in self.state.deals.open_deals():
            self._advance(deal, event.ts, out)

    def _on_operator(self, event: e.OperatorRequested, out: list[Record]) -> None:
        if event.action is not e.OperatorAction.FLATTEN:
            return
        for deal in self.state.deals.open_deals():
            if deal.exit_reason is None:
                text = f"flatten requested by {event.by}"
                self._emit(
                    e.ExitDecided(
                        ts=event.ts, deal_id=deal.id, reason=ExitReason.OPERATOR, text=text
                    ),
                    out,
                )
            self._advance(deal, event.ts, out)

    # --- one deal -----------------------------------------------------------------------------

    def _watch_loss(self, deal: Deal, ts: int, out: list[Record]) -> None:
        ticker = self.state.tickers.find(deal.symbol)
        if ticker is None:
            return
        records = self._stop_loss_monitor.watch(deal, ticker, lambda: self._metrics(deal, ts), ts)
        for record in records:
            self._emit(record, out)
        if records:
            self._advance(deal, ts, out)

    def _metrics(self, deal: Deal, ts: int) -> OrderBookMetrics:
        size = float(deal.held * deal.average_entry)
        book = self.state.books.get(deal.symbol)
        return self._analyzer.analyze(book, order_quote=size, ts=ts)

    def _watch_entry(self, deal: Deal, ts: int, out: list[Record]) -> None:
        if self.state.deal_service.doubtful(deal):
            return
        for record in self._buy_order_monitor.watch(DealContext.of(self.state, deal, ts)):
            self._emit(record, out)

    def _advance(self, deal: Deal, ts: int, out: list[Record]) -> None:
        """Let the deal do all that it can do now."""
        for _ in range(STEPS_MAX):
            records = self._step(deal, ts) if deal.is_open else []
            if not records:
                return
            for record in records:
                self._emit(record, out)
        raise DealDidNotSettle(
            f"deal {deal.id}: expected to settle within {STEPS_MAX} steps, was still moving; "
            "this is a fault of the program, trading stops until it was looked at"
        )

    def _step(self, deal: Deal, ts: int) -> list[Record]:
        """The next thing a deal needs, or nothing. A deal with an order in doubt only asks."""
        state, deals = self.state, self.state.deal_service
        questions = self._execution.questions(deal, ts)
        if questions or deals.doubtful(deal):
            return list(questions)
        if strays := deals.strays(deal):
            return [*self._execution.cancel_all(strays, "another order has its place", ts)]
        if deal.exit_reason is not None and (entry := deals.entry(deal)) is not None:
            command = self._execution.cancel(entry, deal.exit_text or "leaving", ts)
            if command is not None:
                return [command]
        context = DealContext.of(state, deal, ts)
        records = self._filled_buy_order_handler.sell(context)
        if records or ts < deal.retry_ts or deals.open_exits(deal):
            return records
        if state.stale_text(deal.symbol) is None:
            records = self._buy_order_monitor.continue_entry(context)
        return records or self._deal_completion_monitor.complete(context)

    # --- fees in a third asset ----------------------------------------------------------------

    def _is_new(self, event: e.OrderFilled) -> bool:
        order = self.state.orders.find(event.order_id)
        return order is not None and not order.has_fill(event.trade_id)

    def _value_fee(self, event: e.OrderFilled, out: list[Record]) -> None:
        order = self.state.orders.get(event.order_id)
        deal = self.state.deals.get(order.deal_id)
        ticker = self.state.tickers.find(f"{event.fee_asset}/{deal.quote}")
        if value_fee(event, deal.base, deal.quote) is None and ticker is not None:
            self._emit(
                e.FeeValued(
                    ts=event.ts,
                    deal_id=deal.id,
                    trade_id=event.trade_id,
                    fee_quote=event.fee * ticker.price,
                ),
                out,
            )

    def _emit(self, record: Record, out: list[Record]) -> None:
        self.state.apply(record)
        out.append(record)
