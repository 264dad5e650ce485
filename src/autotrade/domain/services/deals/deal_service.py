"""DealService: questions about a deal that several services ask, answered in one place."""

from __future__ import annotations

from decimal import Decimal

from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.currency_pair import CurrencyPair, MarketRules
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import ZERO, Order
from autotrade.domain.events import RejectReason
from autotrade.domain.repositories import InMemoryOrders
from autotrade.domain.services.utils.decimal_rounding_service import DecimalRoundingService

FAILURES_BEFORE_MISSING = 4
"""Refusals for want of balance before what is not in the account is given up as moved away."""


class DealService:
    """Reads deals and their orders; changes nothing."""

    def __init__(self, orders: InMemoryOrders) -> None:
        self._orders = orders

    def entry(self, deal: Deal) -> Order | None:
        return self._orders.find(deal.buy_order)

    def target(self, deal: Deal) -> Order | None:
        return self._orders.find(deal.sell_order)

    def stop(self, deal: Deal) -> Order | None:
        return self._orders.find(deal.stop_order)

    def orders(self, deal: Deal) -> list[Order]:
        return list(map(self._orders.get, deal.order_ids))

    def open_exits(self, deal: Deal) -> list[Order]:
        """SELL orders that the exchange may hold."""
        return [
            order
            for order in (self.target(deal), self.stop(deal))
            if order is not None and order.is_open()
        ]

    def strays(self, deal: Deal) -> list[Order]:
        """Orders that the exchange may hold although another one plays their role."""
        leads = deal.leads
        return [order for order in self.orders(deal) if order.is_open() and order.id not in leads]

    def doubtful(self, deal: Deal) -> list[Order]:
        """Orders whose truth must be asked for before the deal may go on."""
        return [order for order in self.orders(deal) if order.is_in_doubt]

    def is_entry_done(self, deal: Deal) -> bool:
        """True when no BUY rests or may rest on the exchange."""
        entry = self.entry(deal)
        return entry is not None and entry.is_closed() and entry.is_settled

    def is_protected(self, deal: Deal) -> bool:
        stop = self.stop(deal)
        return stop is not None and stop.is_working

    def is_missing(self, deal: Deal, balance: Balance | None, rules: MarketRules) -> bool:
        """True when the exchange has said often enough that the coins are not there. What somebody
        else's order holds locked is there."""
        if deal.failures < FAILURES_BEFORE_MISSING or balance is None:
            return False
        is_refused = self.orders(deal)[-1].reject_reason == RejectReason.INSUFFICIENT_BALANCE
        return is_refused and not DecimalRoundingService.amount_down(balance.total, rules)

    @staticmethod
    def stop_price(deal: Deal, percent: Decimal, rules: MarketRules) -> Decimal:
        """Where the stop rests on the exchange: `percent` under the average entry."""
        price = deal.average_entry * (1 - percent / 100)
        return DecimalRoundingService.price_down(price, rules)

    @staticmethod
    def sellable(amount: Decimal, price: Decimal, rules: MarketRules) -> Decimal:
        """The part of `amount` that the exchange would take as an order at `price`, else 0."""
        rounded = DecimalRoundingService.amount_down(amount, rules)
        return rounded if rounded * price >= rules.minimum_notional else ZERO

    @staticmethod
    def rules(pair: CurrencyPair) -> MarketRules:
        if pair.rules is None:
            raise ValueError(f"{pair.symbol}: expected the exchange's filters, was none")
        return pair.rules
