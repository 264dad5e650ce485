"""What became of each deal, told the same way of a recorded run and of its backtest.

A journal is folded with the domain's own state, so a deal's result is the bot's own to the last
unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.decisions import Decision
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import ZERO, OrderRole, OrderSide
from autotrade.domain.state import Record, TradingState

SignalKey = tuple[str, int]
"""(pair, open time of the candle that gave the signal): the same in both runs."""
TARGET, OPEN_AT_END, NOTHING_BOUGHT = "target", "still open", "nothing bought"


@dataclass(slots=True)
class DealFacts:
    """Prices and money in quote, amounts in base currency."""

    deal_id: int
    key: SignalKey
    quote: str
    decided_ts: int
    first_limit: Decimal
    """Of the first BUY."""
    limit: Decimal
    """Of the last one."""
    ordered: Decimal
    """Amount of the first BUY."""
    target: Decimal = ZERO
    bought: Decimal = ZERO
    cost: Decimal = ZERO
    bought_as_maker: Decimal = ZERO
    sold: Decimal = ZERO
    proceeds: Decimal = ZERO
    fees: Decimal = ZERO
    """All of them, also those taken in base currency, valued in quote."""
    first_fill_ts: int | None = None
    exit: str = NOTHING_BOUGHT
    result: Decimal = ZERO
    """Net; of a deal that is still open, with what it holds at the last price."""

    @property
    def entry_price(self) -> Decimal | None:
        return self.cost / self.bought if self.bought else None

    @property
    def exit_price(self) -> Decimal | None:
        """Average; nothing was sold yet: None."""
        return self.proceeds / self.sold if self.sold else None

    @property
    def waited_ms(self) -> int | None:
        """From the decision to the first fill."""
        return None if self.first_fill_ts is None else self.first_fill_ts - self.decided_ts


@dataclass(slots=True)
class RunFacts:
    deals: dict[SignalKey, DealFacts] = field(default_factory=dict)
    decisions: dict[SignalKey, Decision] = field(default_factory=dict)
    candles: set[SignalKey] | None = None
    """Those that were shown to the run as they closed; None: all."""


class FactCollector:
    """Records of one run in, `RunFacts` out. Deals of decisions before `from_ts` are left out."""

    def __init__(self, from_ts: int) -> None:
        self._from_ts = from_ts
        self._state = TradingState([])
        self._decisions_by_id: dict[str, Decision] = {}
        self._by_deal: dict[int, DealFacts] = {}
        self._maker_fills: set[tuple[str, str]] = set()
        self._facts = RunFacts()

    def take_all(self, records: Iterable[Record], last_prices: dict[str, Decimal]) -> RunFacts:
        """`last_prices` value what is still held at the end."""
        for record in records:
            self._state.apply(record)
            self._take(record)
        for deal_id, facts in self._by_deal.items():
            if facts.exit == OPEN_AT_END:
                deal = self._state.deals.get(deal_id)
                self._copy(facts, deal)
                facts.result = _worth(deal, last_prices.get(deal.symbol, deal.average_entry))
        return self._facts

    def _take(self, record: Record) -> None:
        match record:
            case Decision():
                if record.ts >= self._from_ts:
                    key = (record.signal.symbol, record.signal.candle_ts)
                    self._facts.decisions[key] = record
                    self._decisions_by_id = {record.id: record}
            case e.DealOpened():
                self._open(record)
            case c.PlaceOrder():
                facts = self._by_deal.get(record.deal_id)
                if facts is not None and record.role is OrderRole.ENTRY and record.price:
                    facts.limit = record.price
            case e.OrderFilled():
                self._fill(record)
            case e.DealClosed() | e.DealCanceled():
                self._end(record.deal_id)

    def _open(self, event: e.DealOpened) -> None:
        decision = self._decisions_by_id.get(event.decision_id)
        if decision is None:
            return
        key = (decision.signal.symbol, decision.signal.candle_ts)
        facts = DealFacts(
            deal_id=event.deal_id,
            key=key,
            quote=event.quote,
            decided_ts=event.ts,
            first_limit=event.entry_price,
            limit=event.entry_price,
            ordered=event.amount,
            target=event.target_price,
            exit=OPEN_AT_END,
        )
        self._by_deal[event.deal_id] = self._facts.deals[key] = facts

    def _fill(self, event: e.OrderFilled) -> None:
        order = self._state.orders.find(event.order_id)
        facts = None if order is None else self._by_deal.get(order.deal_id)
        if facts is None or order is None:
            return
        if event.side is OrderSide.BUY:
            facts.first_fill_ts = facts.first_fill_ts or event.ts
            fill = (event.exchange_id, event.trade_id)
            if event.is_maker and fill not in self._maker_fills:
                self._maker_fills.add(fill)
                facts.bought_as_maker += event.amount
        deal = self._state.deals.get(order.deal_id)
        if not deal.is_open or facts.exit != OPEN_AT_END:
            return
        self._copy(facts, deal)

    def _end(self, deal_id: int) -> None:
        facts = self._by_deal.get(deal_id)
        if facts is None:
            return
        deal = self._state.deals.get(deal_id)
        self._copy(facts, deal)
        facts.result = deal.pnl_net
        if not deal.bought:
            facts.exit = NOTHING_BOUGHT
        else:
            facts.exit = TARGET if deal.exit_reason is None else deal.exit_reason.value.lower()

    @staticmethod
    def _copy(facts: DealFacts, deal: Deal) -> None:
        facts.bought, facts.cost = deal.bought, deal.cost
        facts.sold, facts.proceeds = deal.sold, deal.proceeds
        facts.fees, facts.target = deal.fees_quote, deal.target_price


def _worth(deal: Deal, price: Decimal) -> Decimal:
    """An open deal's result so far: as `Deal.close` counts it, what it holds valued at `price`."""
    paid = deal.cost + deal.dust_in_cost - deal.dust_out_cost
    fees = deal.fees_quote - deal.base_fees_quote
    return deal.proceeds + deal.held * price - paid - fees
