"""FilledBuyOrderHandler: what a BUY brought gets its SELL, at once and for what is really held.

On the exchange the SELL is a pair: the target above and a protective stop below (OCO), so that a
dead bot leaves a protected position behind.
"""

from __future__ import annotations

from decimal import Decimal

from autotrade.domain.commands import QueryBalances
from autotrade.domain.entities.deal import Deal, ExitReason
from autotrade.domain.entities.order import ZERO, Order, OrderRole
from autotrade.domain.events import (
    NEVER_LOOKED_AT,
    DustTaken,
    ExitDecided,
    ExitPostponed,
    RejectReason,
)
from autotrade.domain.factories.order_factory import LEG_OF_ROLE
from autotrade.domain.services.deals.deal_context import DealContext
from autotrade.domain.services.deals.deal_service import DealService
from autotrade.domain.services.orders.order_execution_service import OrderExecutionService
from autotrade.domain.services.utils.decimal_rounding_service import DecimalRoundingService
from autotrade.domain.settings import StopLossMonitorSettings
from autotrade.domain.state import Record

STOP_LIMIT_GAP = Decimal("0.99")
"""Where only stops with a limit are offered, or a market order may not have so much, the limit lies
1 % under the trigger."""
IOC_REACH = Decimal("0.998")
"""The optional first exit takes bids down to 0.2 % under the market."""
RETRY_MS = 1_000
RETRY_MS_MAX = 30_000
RETRY_SOON_MS_MAX = 5_000
TRIED_SOON = NEVER_LOOKED_AT - {RejectReason.PERMISSION}
"""These pass by themselves, and what is held is unprotected until they do."""


class FilledBuyOrderHandler:
    def __init__(
        self,
        settings: StopLossMonitorSettings,
        grace_seconds: float,
        deals: DealService,
        execution: OrderExecutionService,
    ) -> None:
        self._settings = settings
        self._grace_ms = grace_seconds * 1000
        self._deals = deals
        self._execution = execution

    def sell(self, context: DealContext) -> list[Record]:
        """Place the SELL side of a deal whose BUY is done, or take it off to leave.

        Called after every event of the deal: does nothing while a SELL works or an answer is out.
        """
        deal, ts = context.deal, context.ts
        if deal.exit_reason is not None:
            cancels = self._execution.cancel_exits(deal, deal.exit_reason.lower(), ts)
            if cancels or self._deals.open_exits(deal):
                return list(cancels)
        elif self._deals.open_exits(deal):
            return self._guard_exits(context)
        if not self._deals.is_entry_done(deal) or ts < deal.retry_ts:
            return []
        postponed = self._after_refusal(deal, ts)
        if postponed:
            return postponed
        amount = self._amount(context)
        if deal.exit_reason is not None:
            return self._leave(context, amount)
        return self._protect(context, amount)

    # --- the two ways -------------------------------------------------------------------------

    def _protect(self, context: DealContext, amount: Decimal) -> list[Record]:
        """The target with a stop under it; the market's own place decides when it is outside."""
        deal, rules, ticker, ts = context.deal, context.rules, context.ticker, context.ts
        stop = self._stop_price(context)
        if not self._deals.sellable(amount, stop, rules):
            return self._sell_unprotected(context, amount)
        if ticker is not None and ticker.bid <= stop:
            text = f"the price {ticker.bid} is at or under the stop {stop} already"
            return [ExitDecided(ts=ts, deal_id=deal.id, reason=ExitReason.EXCHANGE_STOP, text=text)]
        records = self._take_dust(context, amount)
        if self._is_at_target(context) or not rules.has_oco:
            order = self._execution.place_target_alone(
                context.installation_id, deal, amount=amount, ts=ts
            )
            return [*records, order]
        limit = None
        if not rules.has_stop_loss or amount > rules.market_maximum_amount:
            limit = DecimalRoundingService.price_down(stop * STOP_LIMIT_GAP, rules)
        pair_of_orders = self._execution.place_exit_list(
            context.installation_id,
            deal,
            amount=amount,
            stop_price=stop,
            stop_limit_price=limit,
            ts=ts,
        )
        return [*records, pair_of_orders]

    def _sell_unprotected(self, context: DealContext, amount: Decimal) -> list[Record]:
        """Too little for a stop but enough for a SELL at the target: StopLossMonitor guards it."""
        deal, ticker = context.deal, context.ticker
        price = ticker.bid if ticker is not None else deal.average_entry
        is_final = deal.entry_abandoned is not None or deal.sold > 0
        if not is_final or not self._deals.sellable(amount, price, context.rules):
            return []
        order = self._execution.place_target_alone(
            context.installation_id, deal, amount=amount, ts=context.ts
        )
        return [*self._take_dust(context, amount), order]

    @staticmethod
    def _is_at_target(context: DealContext) -> bool:
        """Somebody bids the target or more, as far as we see now."""
        ticker = context.ticker
        if ticker is None or context.is_stale:
            return False
        return ticker.bid >= context.deal.target_price

    def _guard_exits(self, context: DealContext) -> list[Record]:
        """SELL orders rest: are they still the right ones?"""
        deal, ts = context.deal, context.ts
        exits = self._deals.open_exits(deal)
        is_idle = all(ts - order.updated_ts >= self._grace_ms for order in exits)
        if deal.held <= 0 and self._deals.is_entry_done(deal) and is_idle:
            # an order that was believed gone: it would sell what belongs to other deals
            return list(self._execution.cancel_exits(deal, "nothing is held any more", ts))
        if is_idle and self._can_protect_more(context, exits):
            text = "coins that were missing are there again: protect them too"
            return list(self._execution.cancel_exits(deal, text, ts))
        return self._guard_lone_target(context, exits)

    def _can_protect_more(self, context: DealContext, exits: list[Order]) -> bool:
        """Whether the stop is smaller than what would be offered now, by an order's worth that is
        free on the exchange: it was placed while coins were gone or locked, or a BUY that was
        believed ended was filled further."""
        stop = next((order for order in exits if order.role is OrderRole.STOP), None)
        if stop is None or context.balance is None:
            return False
        bare = min(self._amount(context) - stop.remaining, context.balance.free)
        return self._deals.sellable(bare, self._stop_price(context), context.rules) > 0

    def _guard_lone_target(self, context: DealContext, exits: list[Order]) -> list[Record]:
        """The exchange drops the stop of a pair when its target begins to fill. A rest that stays
        behind unprotected longer than the grace time is taken back and paired anew; while the
        market stands at the target it would only be placed alone again."""
        deal, rules, ts = context.deal, context.rules, context.ts
        target, since = self._deals.target(deal), deal.unprotected_since_ts
        if target is None or since is None or not rules.has_oco or self._is_at_target(context):
            return []
        if any(order.role is OrderRole.STOP for order in exits):
            return []
        is_protectable = self._deals.sellable(deal.held, self._stop_price(context), rules) > 0
        if ts - since < self._grace_ms or not is_protectable:
            return []
        command = self._execution.cancel(target, "its stop is gone: protect the rest", ts)
        return [] if command is None else [command]

    def _leave(self, context: DealContext, amount: Decimal) -> list[Record]:
        """Sell now what is held, at market; once through the book with a limit if asked."""
        deal, rules, ticker = context.deal, context.rules, context.ticker
        price = ticker.bid if ticker is not None else deal.average_entry
        amount = DecimalRoundingService.market_amount_down(amount, rules)
        if not self._deals.sellable(amount, price, rules):
            return []
        is_first = LEG_OF_ROLE[OrderRole.EXIT] not in deal.attempts
        limit = None
        if self._settings.limit_exit_first and is_first:
            limit = DecimalRoundingService.price_down(price * IOC_REACH, rules)
        order = self._execution.place_exit(
            context.installation_id, deal, amount=amount, limit=limit, ts=context.ts
        )
        return [*self._take_dust(context, amount), order]

    def _stop_price(self, context: DealContext) -> Decimal:
        percent = self._settings.exchange_stop_percent
        return self._deals.stop_price(context.deal, percent, context.rules)

    # --- how much -----------------------------------------------------------------------------

    def _amount(self, context: DealContext) -> Decimal:
        """What is held and, when it completes a lot, dust of earlier deals; after a refusal for
        want of balance no more than the exchange says is free. When nothing is, all is tried again
        until the exchange's refusals, several of them, prove that it is gone."""
        deal, dust, balance = context.deal, context.dust, context.balance
        held = deal.held + (dust.amount if dust is not None else ZERO)
        if self._last_refusal(deal) == RejectReason.INSUFFICIENT_BALANCE and balance is not None:
            free = DecimalRoundingService.amount_down(balance.free, context.rules)
            held = min(deal.held, free or deal.held)
            if self._deals.is_missing(deal, balance, context.rules):
                return ZERO
        return DecimalRoundingService.amount_down(held, context.rules)

    @staticmethod
    def _take_dust(context: DealContext, amount: Decimal) -> list[Record]:
        deal, dust = context.deal, context.dust
        needed = amount - deal.held
        if needed <= 0 or dust is None or dust.amount <= 0:
            return []
        cost = DecimalRoundingService.money(dust.cost * needed / dust.amount)
        return [
            DustTaken(ts=context.ts, deal_id=deal.id, asset=deal.base, amount=needed, cost=cost)
        ]

    # --- refusals -----------------------------------------------------------------------------

    def _last_sell(self, deal: Deal) -> Order | None:
        """The SELL that was sent last: the stop speaks for a list."""
        for order in reversed(self._deals.orders(deal)):
            if order.role is not OrderRole.ENTRY and order.sent_ts is not None:
                return order
        return None

    def _last_refusal(self, deal: Deal) -> str | None:
        last = self._last_sell(deal)
        return None if last is None else last.reject_reason

    def _after_refusal(self, deal: Deal, ts: int) -> list[Record]:
        """A refused or fruitless SELL is tried again after a pause that doubles. Where the exchange
        judged it, balances and filters are fetched anew first: one of them is not what we
        believed."""
        last = self._last_sell(deal)
        if last is None or deal.failures <= deal.failures_answered:
            return []
        longest_ms = RETRY_SOON_MS_MAX if last.reject_reason in TRIED_SOON else RETRY_MS_MAX
        pause_ms = min(RETRY_MS * 2 ** min(deal.failures - 1, 10), longest_ms)
        postponed = ExitPostponed(
            ts=ts,
            deal_id=deal.id,
            retry_ts=last.updated_ts + pause_ms,
            text=f"SELL refused ({last.close_reason}), next try in {pause_ms / 1000:g} s",
        )
        if last.reject_reason in NEVER_LOOKED_AT:
            return [postponed]
        reason = f"SELL refused: {last.close_reason}"
        query = QueryBalances(ts=ts, deal_id=deal.id, symbol=deal.symbol, reason=reason)
        return [query, postponed]
