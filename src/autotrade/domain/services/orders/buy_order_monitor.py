"""BuyOrderMonitor: no BUY waits for ever. Stale ones are canceled and made anew at the new price;
what they filled meanwhile is kept."""

from __future__ import annotations

from decimal import Decimal

from autotrade.domain.commands import QueryBalances
from autotrade.domain.entities.order import ZERO, Order, OrderSide, OrderType
from autotrade.domain.entities.order_state import OrderStatus
from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.events import EntryAbandoned, RejectReason, SellPlanned
from autotrade.domain.services.deals.deal_context import DealContext
from autotrade.domain.services.deals.deal_service import DealService
from autotrade.domain.services.orders.order_execution_service import OrderExecutionService
from autotrade.domain.services.utils.decimal_rounding_service import DecimalRoundingService
from autotrade.domain.settings import BuyOrderMonitorSettings, StopLossMonitorSettings
from autotrade.domain.state import Record

MINUTE_MS = 60_000
JUDGED = frozenset(
    {RejectReason.FILTER, RejectReason.INSUFFICIENT_BALANCE, RejectReason.MARKET_HALTED}
)
"""Refusals that show that balances or filters are not what we believe: they are asked for."""
UNDER_MARKET = Decimal("0.999")
"""A re-created BUY rests 0.1 % under the market."""
BOOK_REACH = Decimal("0.997")
"""A large bid down to 0.3 % under the market is worth standing in front of."""


class BuyOrderMonitor:
    def __init__(
        self,
        settings: BuyOrderMonitorSettings,
        stop_loss: StopLossMonitorSettings,
        deals: DealService,
        execution: OrderExecutionService,
    ) -> None:
        self._settings = settings
        self._stop_loss = stop_loss
        self._deals = deals
        self._execution = execution

    # --- watching a resting BUY ---------------------------------------------------------------

    def watch(self, context: DealContext) -> list[Record]:
        """Cancel the BUY when it is stale, or partly filled and due for protection."""
        entry = self._deals.entry(context.deal)
        if not self._settings.enabled or entry is None or not entry.is_working:
            return []
        reason = self._stale(context, entry)
        if reason is None:
            return []
        command = self._execution.cancel(entry, reason, context.ts)
        return [] if command is None else [command]

    def _stale(self, context: DealContext, entry: Order) -> str | None:
        deal, ticker, ts, rules = context.deal, context.ticker, context.ts, context.rules
        if deal.entry_abandoned is not None:
            return f"given up before: {deal.entry_abandoned}"
        first_fill = deal.first_fill_ts
        if first_fill is not None:
            grace_ms = self._settings.partial_fill_grace_seconds * 1000
            stop = self._deals.stop_price(deal, self._stop_loss.exchange_stop_percent, rules)
            if ts - first_fill >= grace_ms and self._deals.sellable(deal.held, stop, rules):
                return f"partly filled ({entry.filled} of {entry.amount}): protect what is held"
        sent = entry.sent_ts or entry.created_ts
        minutes = min(self._settings.max_age_minutes, Decimal(context.pair.order_life_time))
        if ts - sent > minutes * MINUTE_MS:
            return f"stale: older than {minutes} min"
        if ticker is not None and entry.price is not None and ticker.price > 0:
            deviation = (1 - entry.price / ticker.price) * 100
            if deviation > self._settings.max_price_deviation_percent:
                limit = self._settings.max_price_deviation_percent
                return f"stale: {deviation:.2f}% under the market > {limit}%"
        return None

    # --- after the cancel ---------------------------------------------------------------------

    def continue_entry(self, context: DealContext) -> list[Record]:
        """The BUY is gone with too little or nothing bought: make it anew, or give it up."""
        deal, ts = context.deal, context.ts
        entry = self._deals.entry(deal)
        is_over = deal.entry_abandoned is not None or deal.sold > 0
        if entry is None or not self._deals.is_entry_done(deal) or is_over:
            return []
        text = self._give_up(context, entry)
        if text is not None:
            abandoned = EntryAbandoned(ts=ts, deal_id=deal.id, text=text)
            if entry.reject_reason not in JUDGED:
                return [abandoned]
            reason = f"BUY refused: {entry.close_reason}"
            query = QueryBalances(ts=ts, deal_id=deal.id, symbol=deal.symbol, reason=reason)
            return [abandoned, query]
        wait_ms = self._settings.min_time_between_recreations_minutes * MINUTE_MS
        return [] if ts - deal.entry_sent_ts < wait_ms else self._recreate(context)

    def _give_up(self, context: DealContext, entry: Order) -> str | None:
        settings, deal = self._settings, context.deal
        if context.no_new_orders is not None:
            return context.no_new_orders
        if entry.status is OrderStatus.FILLED:
            return "filled"
        if entry.reject_reason is not None:
            return f"the exchange refused the BUY: {entry.close_reason}"
        if entry.cancel_reason is None:
            return f"the BUY ended without our doing: {entry.close_reason}"
        if not settings.auto_recreate_orders:
            return f"{entry.cancel_reason}; re-creation is off"
        if deal.recreations >= settings.max_recreations:
            return f"{entry.cancel_reason}; re-created {deal.recreations} times already"
        if context.ticker is None:
            return f"{entry.cancel_reason}; no price of the pair is known"
        return None

    def _recreate(self, context: DealContext) -> list[Record]:
        """The rest of the budget at the new price; the target keeps its distance to it."""
        deal, rules, ts = context.deal, context.rules, context.ts
        assert context.ticker is not None
        market = context.ticker.price
        price = DecimalRoundingService.price_down(self._new_price(market, context.book), rules)
        budget = deal.budget - deal.cost - deal.fees_quote
        amount = (
            DecimalRoundingService.amount_down(budget / (price * (1 + rules.taker_fee)), rules)
            if price > 0
            else ZERO
        )
        violation = DecimalRoundingService.violation(
            rules,
            OrderType.LIMIT,
            OrderSide.BUY,
            amount=amount,
            price=price,
            market_price=market,
        )
        if violation is not None:
            text = f"cannot be re-created: {violation}"
            return [EntryAbandoned(ts=ts, deal_id=deal.id, text=text)]
        bought_at = (deal.cost + amount * price) / (deal.bought + amount)
        markup = 1 + context.pair.profit_markup / 100
        held = (deal.held + amount) * (1 - rules.taker_fee)
        planned = SellPlanned(
            ts=ts,
            deal_id=deal.id,
            order_id=self._execution.target_id(context.installation_id, deal),
            amount=DecimalRoundingService.amount_down(held, rules),
            price=DecimalRoundingService.price_up(bought_at * markup, rules),
            text=f"BUY re-created at {price}",
        )
        entry = self._execution.place_entry(
            context.installation_id, deal, amount=amount, price=price, ts=ts
        )
        return [planned, entry]

    @staticmethod
    def _new_price(market: Decimal, book: OrderBook | None) -> Decimal:
        """0.1 % under the market; just above the largest bid near it when the book shows one."""
        price = market * UNDER_MARKET
        if book is None or not book.bids:
            return price
        lowest = float(market * BOOK_REACH)
        near = [level for level in book.bids if lowest <= level[0] <= float(price)]
        if len(near) < 3:
            return price
        largest = max(near, key=lambda level: level[1])
        others = sum(level[1] for level in near) - largest[1]
        stands_out = largest[1] > 3 * others / (len(near) - 1)
        return Decimal(repr(largest[0])) if stands_out else price
