"""DealContext: one deal and everything around it that a service may look at, at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.currency_pair import CurrencyPair, MarketRules
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.entities.ticker import Ticker
from autotrade.domain.repositories import InMemoryBooks
from autotrade.domain.state import Dust, TradingState


@dataclass(frozen=True, slots=True)
class DealContext:
    deal: Deal
    ts: int
    installation_id: str
    pair: CurrencyPair
    rules: MarketRules
    ticker: Ticker | None
    books: InMemoryBooks
    balance: Balance | None
    """Of the base asset."""
    dust: Dust | None
    """Of the base asset, from earlier deals."""
    no_new_orders: str | None
    """Why no BUY may be sent now, or None."""
    is_stale: bool
    """Market or account data of the pair may be old."""

    @classmethod
    def of(cls, state: TradingState, deal: Deal, ts: int) -> DealContext:
        pair = state.pair(deal.symbol)
        return cls(
            deal=deal,
            ts=ts,
            installation_id=state.installation_id,
            pair=pair,
            rules=state.deal_service.rules(pair),
            ticker=state.tickers.find(deal.symbol),
            books=state.books,
            balance=state.balance_of(deal.base),
            dust=state.dust.get(deal.base),
            no_new_orders=_no_new_orders(state, deal),
            is_stale=state.stale_text(deal.symbol) is not None,
        )

    @property
    def book(self) -> OrderBook | None:
        """Asked for only by who needs it: what is looked at is recorded, and books are large."""
        return self.books.get(self.deal.symbol)


def _no_new_orders(state: TradingState, deal: Deal) -> str | None:
    if deal.exit_reason is not None:
        return deal.exit_text or "leaving"
    if state.is_paused:
        return "trading is paused"
    return "the bot is stopping" if state.is_stopping else None
