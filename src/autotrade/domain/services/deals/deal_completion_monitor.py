"""DealCompletionMonitor: ends a deal when both sides are done, with its result to the last unit."""

from __future__ import annotations

from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import OrderRole, OrderType
from autotrade.domain.events import DealCanceled, DealClosed, DustBooked
from autotrade.domain.services.deals.deal_context import DealContext
from autotrade.domain.services.deals.deal_service import DealService
from autotrade.domain.services.utils.decimal_rounding_service import DecimalRoundingService
from autotrade.domain.state import Record


class DealCompletionMonitor:
    def __init__(self, deals: DealService) -> None:
        self._deals = deals

    def complete(self, context: DealContext) -> list[Record]:
        """DealClosed or DealCanceled (with the dust booked) when nothing is left to do."""
        deal, rules, ts = context.deal, context.rules, context.ts
        if self._deals.entry(deal) is None:
            # The process died while it wrote the opening: the BUY's line is not there, so the BUY
            # never left.
            return [DealCanceled(ts=ts, deal_id=deal.id, text="its BUY was never written down")]
        if not self._deals.is_entry_done(deal) or self._deals.open_exits(deal):
            return []
        if not deal.bought:
            if deal.entry_abandoned is None:
                return []
            return [DealCanceled(ts=ts, deal_id=deal.id, text=deal.entry_abandoned)]
        ticker = context.ticker
        price = ticker.price if ticker is not None else deal.average_entry
        is_missing = self._deals.is_missing(deal, context.balance, rules)
        if not is_missing and self._deals.sellable(deal.held, price, rules):
            return []
        if not deal.sold and deal.entry_abandoned is None and not is_missing:
            return []
        records: list[Record] = []
        if deal.held and not is_missing:
            cost = DecimalRoundingService.money(
                deal.held * (deal.cost + deal.dust_in_cost) / (deal.bought + deal.dust_in)
            )
            records.append(
                DustBooked(ts=ts, deal_id=deal.id, asset=deal.base, amount=deal.held, cost=cost)
            )
        if not deal.sold and not is_missing:
            text = f"{deal.entry_abandoned}; {deal.held} {deal.base} too little to sell"
            return [*records, DealCanceled(ts=ts, deal_id=deal.id, text=text)]
        text = self._text(deal)
        if is_missing:
            moved = f"{deal.held} {deal.base} was moved away outside the bot"
            text = f"{text}; {moved}" if deal.sold else moved
            text = f"{text}, what it cost counts as a loss"
        return [*records, DealClosed(ts=ts, deal_id=deal.id, text=text)]

    def _text(self, deal: Deal) -> str:
        """How it ended, from the last SELL that traded."""
        for order in reversed(self._deals.orders(deal)):
            if order.role is OrderRole.ENTRY or not order.filled:
                continue
            if order.role is OrderRole.STOP:
                return "stopped on the exchange"
            if order.role is OrderRole.EXIT or order.type is OrderType.MARKET:
                return deal.exit_text or "left"
            return "target reached"
        return "left"
