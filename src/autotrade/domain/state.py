"""TradingState: everything the core knows, and `apply`, the only thing that changes it.

The state is a fold over the journal: applying the same lines in the same order gives the same
state, in the running process, in recovery, in a replay and in the reader of a command line. Market
events are applied too but not journaled; what they leave behind (tickers, books, indicators) is
fetched again at a start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.decisions import Decision
from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.currency_pair import CurrencyPair, MarketRules
from autotrade.domain.entities.deal import Deal, DealStatus
from autotrade.domain.entities.order import ZERO, Order, OrderSide
from autotrade.domain.entities.ticker import Ticker
from autotrade.domain.factories.deal_factory import DealFactory
from autotrade.domain.repositories import (
    InMemoryBooks,
    InMemoryDeals,
    InMemoryOrders,
    InMemoryTickers,
)
from autotrade.domain.services.deals.deal_service import DealService
from autotrade.domain.services.orders.order_service import OrderService, value_fee

Record = e.Event | c.Command | Decision

RETIRED_MARKUP = Decimal("1.5")
"""Target of a BUY that is re-created on a pair which the configuration no longer names."""


@dataclass(slots=True)
class PairHistory:
    """What SignalCooldownManager needs to remember of a pair."""

    last_approved_ts: int | None = None
    last_loss_ts: int | None = None


@dataclass(slots=True)
class Dust:
    """Base currency too small to sell, and what it cost."""

    amount: Decimal = ZERO
    cost: Decimal = ZERO


@dataclass(slots=True)
class Totals:
    """Sums since the data folder began; they stay small while history grows."""

    decisions: int = 0
    approved: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    deals_opened: int = 0
    deals_closed: int = 0
    deals_canceled: int = 0
    deals_won: int = 0
    pnl_net: dict[str, Decimal] = field(default_factory=dict)
    fees: dict[str, Decimal] = field(default_factory=dict)
    reconnects: int = 0
    unprotected_ms_max: int = 0
    foreign_events: int = 0


class TradingState:
    """The core's whole memory."""

    def __init__(self, pairs: list[CurrencyPair]) -> None:
        self.pairs: dict[str, CurrencyPair] = {pair.symbol: pair for pair in pairs}
        self.orders = InMemoryOrders()
        self.deals = InMemoryDeals(self.orders)
        self.tickers = InMemoryTickers()
        self.order_service = OrderService(self.deals, self.orders)
        self.deal_service = DealService(self.orders)
        self.books = InMemoryBooks()
        self.balances: dict[str, Balance] = {}
        self.history: dict[str, PairHistory] = {}
        self.dust: dict[str, Dust] = {}
        self.ledger: dict[str, Decimal] = {}
        """Sum of our fills and fees per asset: what the account gained or lost by trading."""
        self.start_balances: dict[str, Decimal] = {}
        self.lost_channels: dict[str, str] = {}
        self.totals = Totals()
        self.installation_id = ""
        self.mode = ""
        self.market = ""
        self.is_paused = False
        self.is_stopping = False
        self.is_flattening = False
        self.is_ready = False
        self.last_ts = 0
        self._rules: dict[str, MarketRules] = {}
        self._appliers: dict[type, Callable[[Any], None]] = _appliers(self)

    def apply(self, record: Record) -> None:
        """Change the state by one fact. Unknown kinds are facts that change nothing here."""
        self.last_ts = max(self.last_ts, record.ts)
        applier = self._appliers.get(type(record))
        if applier is not None:
            applier(record)

    def restore(self, deals: list[Deal], orders: list[Order], tickers: list[Ticker]) -> None:
        """Take the entities of a snapshot into an empty state."""
        for order in orders:
            self.orders.add(order)
        for deal in deals:
            if deal.is_open:
                self._ensure_pair(deal.symbol, deal.base, deal.quote)
            self.deals.add(deal)
        for ticker in tickers:
            self.tickers.put(ticker)

    def _ensure_pair(self, symbol: str, base: str, quote: str) -> None:
        """A pair that left the configuration while a deal was open stays until the deal ended; it
        may have no new deals."""
        if symbol not in self.pairs:
            self.pairs[symbol] = CurrencyPair(
                base=base,
                quote=quote,
                order_life_time=1,
                deal_quota=ZERO,
                profit_markup=RETIRED_MARKUP,
                deal_count=0,
                rules=self._rules.get(symbol),
            )

    def pair(self, symbol: str) -> CurrencyPair:
        return self.pairs[symbol]

    def deal_of(self, record: Record) -> int | None:
        """The deal a record belongs to, for the journal's column."""
        deal_id = getattr(record, "deal_id", None)
        if deal_id is None and (order_id := getattr(record, "order_id", None)) is not None:
            order = self.orders.find(order_id)
            deal_id = None if order is None else order.deal_id
        return deal_id

    def balance_of(self, asset: str) -> Balance | None:
        """None while no balance is known at all. The exchange does not name what is empty, so an
        asset without a row in what it told is one with nothing in it."""
        if not self.balances:
            return None
        return self.balances.get(asset) or Balance(asset, ZERO, ZERO)

    def stale_text(self, symbol: str) -> str | None:
        """Why nothing new may be opened on this pair for want of data, or None."""
        for key in (e.Channel.MARKET_DATA, e.Channel.USER_DATA):
            for name in (f"{key}:", f"{key}:{symbol}"):
                if name in self.lost_channels:
                    return self.lost_channels[name]
        return None

    # --- market -------------------------------------------------------------------------------

    def ticker_updated(self, event: e.TickerUpdated) -> None:
        if event.bid <= 0 or event.ask <= 0:
            return  # nobody stands on a side: that is no price, and no loss of everything
        ticker = self.tickers.to_update(event.symbol)
        if ticker is None:
            self.tickers.put(
                Ticker(event.symbol, event.price, event.bid, event.ask, event.ts, event.volume)
            )
            return
        ticker.price, ticker.bid, ticker.ask = event.price, event.bid, event.ask
        ticker.volume, ticker.ts = event.volume, event.ts

    def book_updated(self, event: e.OrderBookUpdated) -> None:
        self.books.put(event.book)

    # --- session ------------------------------------------------------------------------------

    def session_started(self, event: e.SessionStarted) -> None:
        self.installation_id = self.installation_id or event.installation_id
        self.mode, self.market = event.mode, event.market
        if not self.start_balances:
            self.start_balances = {item.asset: item.total for item in event.start_balances}
        self.order_service.request_window_ms = event.request_window_ms
        self.order_service.session_started_ts = event.ts
        self.is_ready = self.is_stopping = self.is_flattening = False
        self.lost_channels.clear()

    def session_ready(self, event: e.SessionReady) -> None:
        self.is_ready = True

    def session_stopped(self, event: e.SessionStopped) -> None:
        self.is_ready = False

    def operator_requested(self, event: e.OperatorRequested) -> None:
        match event.action:
            case e.OperatorAction.PAUSE:
                self.is_paused = True
            case e.OperatorAction.RESUME:
                self.is_paused = self.is_flattening = False
            case e.OperatorAction.STOP:
                self.is_stopping = True
            case e.OperatorAction.FLATTEN:
                self.is_flattening = True

    def channel_lost(self, event: e.ChannelLost) -> None:
        self.lost_channels[f"{event.channel}:{event.symbol or ''}"] = event.text

    def channel_restored(self, event: e.ChannelRestored) -> None:
        if self.lost_channels.pop(f"{event.channel}:{event.symbol or ''}", None) is not None:
            self.totals.reconnects += event.symbol is None

    def balances_updated(self, event: e.BalancesUpdated) -> None:
        if event.is_complete:
            self.balances = {}
        for balance in event.balances:
            self.balances[balance.asset] = balance

    def rules_updated(self, event: e.MarketRulesUpdated) -> None:
        self._rules[event.symbol] = event.rules
        if event.symbol in self.pairs:
            self.pairs[event.symbol].rules = event.rules

    # --- decisions and deals ------------------------------------------------------------------

    def decided(self, decision: Decision) -> None:
        self.totals.decisions += 1
        refusal = decision.refusal
        if decision.approved:
            self.totals.approved += 1
            history = self.history.setdefault(decision.signal.symbol, PairHistory())
            history.last_approved_ts = decision.ts
        elif refusal is not None:
            reason = refusal.reason.value if refusal.reason else refusal.name
            self.totals.refused[reason] = self.totals.refused.get(reason, 0) + 1

    def deal_opened(self, event: e.DealOpened) -> None:
        self._ensure_pair(event.symbol, event.base, event.quote)
        self.deals.add(DealFactory.create_new_deal(event))
        self.totals.deals_opened += 1

    def sell_planned(self, event: e.SellPlanned) -> None:
        deal = self.deals.get(event.deal_id)
        deal.target_price = event.price
        self.order_service.sell_planned(deal, event.order_id, event.amount, event.price, event.ts)

    def entry_abandoned(self, event: e.EntryAbandoned) -> None:
        self.deals.get(event.deal_id).entry_abandoned = event.text

    def loss_warned(self, event: e.LossWarned) -> None:
        self.deals.get(event.deal_id).warned = True

    def loss_watched(self, event: e.LossWatched) -> None:
        deal = self.deals.get(event.deal_id)
        deal.watch_since_ts = event.ts if event.is_watching else None

    def exit_decided(self, event: e.ExitDecided) -> None:
        deal = self.deals.get(event.deal_id)
        deal.exit_reason, deal.exit_text, deal.exit_ts = event.reason, event.text, event.ts
        deal.failures, deal.failures_answered, deal.retry_ts = 0, 0, 0

    def exit_postponed(self, event: e.ExitPostponed) -> None:
        deal = self.deals.get(event.deal_id)
        deal.retry_ts, deal.failures_answered = event.retry_ts, deal.failures

    def dust_taken(self, event: e.DustTaken) -> None:
        deal = self.deals.get(event.deal_id)
        deal.dust_in += event.amount
        deal.dust_in_cost += event.cost
        dust = self.dust.setdefault(event.asset, Dust())
        dust.amount -= event.amount
        dust.cost -= event.cost

    def dust_booked(self, event: e.DustBooked) -> None:
        deal = self.deals.get(event.deal_id)
        deal.dust_out += event.amount
        deal.dust_out_cost += event.cost
        dust = self.dust.setdefault(event.asset, Dust())
        dust.amount += event.amount
        dust.cost += event.cost

    def deal_closed(self, event: e.DealClosed) -> None:
        deal = self.deals.get(event.deal_id)
        deal.close(event.ts, event.text)
        self.totals.deals_closed += 1
        self.totals.deals_won += deal.pnl_net > 0
        self.totals.pnl_net[deal.quote] = self.totals.pnl_net.get(deal.quote, ZERO) + deal.pnl_net
        if deal.pnl_net < 0:
            self.history.setdefault(deal.symbol, PairHistory()).last_loss_ts = event.ts
        self._ended(deal, event.ts)

    def deal_canceled(self, event: e.DealCanceled) -> None:
        deal = self.deals.get(event.deal_id)
        deal.cancel(event.ts, event.text)
        self.totals.deals_canceled += 1
        self._ended(deal, event.ts)

    def _ended(self, deal: Deal, ts: int) -> None:
        for order in self.deal_service.orders(deal):
            if not order.is_open() and not order.is_closed():
                order.cancel(ts, "the deal ended")
        self._track_protection(deal, ts)
        self.order_service.forget_refused(deal, ts)
        self.deals.ended(deal)

    # --- orders -------------------------------------------------------------------------------

    def order_placed(self, command: c.PlaceOrder) -> None:
        self.order_service.placed(command)

    def list_placed(self, command: c.PlaceOrderList) -> None:
        self.order_service.list_placed(command)

    def cancel_sent(self, command: c.CancelOrder | c.CancelOrderList) -> None:
        self.order_service.cancel_sent(command)

    def order_asked(self, command: c.QueryOrder) -> None:
        self.order_service.asked(command.order_id, command.ts)

    def order_changed(self, event: Any) -> None:
        order = self.order_service.apply(event)
        if order is None:
            self.totals.foreign_events += 1
            return
        deal = self.deals.get(order.deal_id)
        if order.is_open() and not deal.is_open:
            self._reopen(deal)
        self._track_protection(deal, event.ts)

    def order_filled(self, event: e.OrderFilled) -> None:
        order = self.orders.find(event.order_id)
        if order is None:
            self.totals.foreign_events += 1
            return
        deal = self.deals.get(order.deal_id)
        fee_quote = value_fee(event, deal.base, deal.quote)
        if self.order_service.fill(event, fee_quote or ZERO):
            if not deal.is_open:
                self._reopen(deal)
            sign = 1 if event.side is OrderSide.BUY else -1
            self._book(deal.base, sign * event.amount)
            self._book(deal.quote, -sign * event.price * event.amount)
            self._book(event.fee_asset, -event.fee)
            if event.fee:
                fees = self.totals.fees
                fees[event.fee_asset] = fees.get(event.fee_asset, ZERO) + event.fee
        self._track_protection(deal, event.ts)

    def fee_valued(self, event: e.FeeValued) -> None:
        self.deals.get(event.deal_id).fees_quote += event.fee_quote

    def _reopen(self, deal: Deal) -> None:
        """A fill came for a deal that had ended, or an order of it rests after all: it lives again
        until it is settled anew."""
        if deal.status is DealStatus.CLOSED:
            self.totals.deals_closed -= 1
            self.totals.deals_won -= deal.pnl_net > 0
            self.totals.pnl_net[deal.quote] -= deal.pnl_net
        else:
            self.totals.deals_canceled -= 1
        deal.status, deal.closed_ts, deal.close_text = DealStatus.OPEN, None, None
        self.deals.reopened(deal)

    def _book(self, asset: str, change: Decimal) -> None:
        if asset:
            self.ledger[asset] = self.ledger.get(asset, ZERO) + change

    def _track_protection(self, deal: Deal, ts: int) -> None:
        """Measure how long what a deal holds is without a stop on the exchange. What the exchange
        would not take as an order (dust) cannot be protected by anybody and counts as nothing."""
        rules = self.pairs[deal.symbol].rules if deal.symbol in self.pairs else None
        is_at_risk = (
            deal.is_open
            and deal.bought > 0
            and rules is not None
            and self.deal_service.sellable(deal.held, deal.average_entry, rules) > 0
        )
        if is_at_risk and not self.deal_service.is_protected(deal):
            if deal.unprotected_since_ts is None:
                deal.unprotected_since_ts = ts
        elif deal.unprotected_since_ts is not None:
            span_ms = ts - deal.unprotected_since_ts
            deal.unprotected_ms_max = max(deal.unprotected_ms_max, span_ms)
            deal.unprotected_since_ts = None
            totals = self.totals
            totals.unprotected_ms_max = max(totals.unprotected_ms_max, span_ms)


def _appliers(state: TradingState) -> dict[type, Callable[[Any], None]]:
    """Which method books which kind of record."""
    return {
        e.TickerUpdated: state.ticker_updated,
        e.OrderBookUpdated: state.book_updated,
        e.SessionStarted: state.session_started,
        e.SessionReady: state.session_ready,
        e.SessionStopped: state.session_stopped,
        e.OperatorRequested: state.operator_requested,
        e.ChannelLost: state.channel_lost,
        e.ChannelRestored: state.channel_restored,
        e.BalancesUpdated: state.balances_updated,
        e.MarketRulesUpdated: state.rules_updated,
        Decision: state.decided,
        e.DealOpened: state.deal_opened,
        e.SellPlanned: state.sell_planned,
        e.EntryAbandoned: state.entry_abandoned,
        e.LossWarned: state.loss_warned,
        e.LossWatched: state.loss_watched,
        e.ExitDecided: state.exit_decided,
        e.ExitPostponed: state.exit_postponed,
        e.FeeValued: state.fee_valued,
        e.DustTaken: state.dust_taken,
        e.DustBooked: state.dust_booked,
        e.DealClosed: state.deal_closed,
        e.DealCanceled: state.deal_canceled,
        c.PlaceOrder: state.order_placed,
        c.PlaceOrderList: state.list_placed,
        c.CancelOrder: state.cancel_sent,
        c.CancelOrderList: state.cancel_sent,
        c.QueryOrder: state.order_asked,
        e.OrderAccepted: state.order_changed,
        e.OrderRejected: state.order_changed,
        e.OrderOutcomeUnknown: state.order_changed,
        e.OrderCanceled: state.order_changed,
        e.OrderReported: state.order_changed,
        e.OrderNotFound: state.order_changed,
        e.CancelRejected: state.order_changed,
        e.CancelOutcomeUnknown: state.order_changed,
        e.OrderFilled: state.order_filled,
    }
