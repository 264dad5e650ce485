"""The whole story of a deal, gathered from the journal: what happened, in words, in order.

The teller only words what the rows say. The figures of the result come from the domain's own fold
over the same rows (`TradingState`), so the story cannot disagree with the bot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from autotrade.application.ports import JournalRow
from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.decisions import Decision
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import OrderRole
from autotrade.domain.state import TradingState
from autotrade.infrastructure.terminal.step_texts import OrderLabels, step_text

ORDER_EVENTS = (
    e.OrderAccepted,
    e.OrderRejected,
    e.OrderOutcomeUnknown,
    e.OrderFilled,
    e.OrderCanceled,
    e.OrderReported,
    e.OrderNotFound,
    e.CancelRejected,
    e.CancelOutcomeUnknown,
)
_SESSION_TYPES = frozenset(
    {"SessionStarted", "SessionReady", "SessionStopped", "OperatorRequested"}
    | {"ChannelLost", "ChannelRestored"}
)
_ORDER_TYPES = frozenset(cls.__name__ for cls in ORDER_EVENTS)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `seq` is its line in the journal."""

    seq: int
    ts: int
    type: str
    text: str
    order_id: str | None = None


@dataclass(slots=True)
class DealStory:
    """`deal` is the deal as the fold over its rows leaves it."""

    deal: Deal
    decision: Decision | None
    steps: list[Step] = field(default_factory=list)


def tell_deal(rows: Iterable[JournalRow], deal_id: int) -> DealStory | None:
    """The story of one deal; None when the journal has no such deal. Rows oldest first."""
    teller = _Teller(deal_id)
    for row in rows:
        teller.hear(row)
    return teller.story()


def find_decision(rows: Iterable[JournalRow], decision_id: str) -> Decision | None:
    """The decision of that id, approved or refused."""
    for row in rows:
        record = row.record if row.type == "Decision" else None
        if isinstance(record, Decision) and record.id.casefold() == decision_id.casefold():
            return record
    return None


class _Teller:
    """Listens to the journal's rows and keeps those that belong to the deal."""

    def __init__(self, deal_id: int) -> None:
        self._deal_id = deal_id
        self._state = TradingState([])
        self._labels = OrderLabels()
        self._steps: list[Step] = []
        self._decisions: dict[str, Decision] = {}
        self._decision: Decision | None = None
        self._is_open = False
        self._trades: set[tuple[str, str]] = set()
        self._accepted: set[str] = set()
        """The answer and the stream both tell of an acceptance; the second time is no news."""

    def hear(self, row: JournalRow) -> None:
        if row.type == "Decision":
            self._hear_decision(row.record)
        elif row.deal == self._deal_id or self._is_about_our_order(row):
            self._take(row)
        elif self._is_open and row.type in _SESSION_TYPES:
            self._add(row, None)

    def story(self) -> DealStory | None:
        deals = list(self._state.deals.all())
        return DealStory(deals[0], self._decision, self._steps) if deals else None

    def _hear_decision(self, decision: object) -> None:
        """An approved decision waits here until the deal it opened names it."""
        if isinstance(decision, Decision) and decision.approved and self._decision is None:
            self._decisions[decision.id] = decision

    def _is_about_our_order(self, row: JournalRow) -> bool:
        if row.deal is not None or row.type not in _ORDER_TYPES or not self._labels:
            return False
        return getattr(row.record, "order_id", None) in self._labels

    def _take(self, row: JournalRow) -> None:
        record = row.record
        if isinstance(record, e.DealOpened):
            self._decision = self._decisions.get(record.decision_id)
            self._decisions.clear()
            self._is_open = True
        if isinstance(record, e.OrderFilled):
            key = (record.order_id, record.trade_id)
            if key in self._trades:
                return
            self._trades.add(key)
        self._learn_orders(record)
        self._state.apply(record)  # type: ignore[arg-type]
        self._add(row, getattr(record, "order_id", None) or getattr(record, "list_id", None))
        if isinstance(record, e.DealClosed | e.DealCanceled):
            self._is_open = False

    def _learn_orders(self, record: object) -> None:
        match record:
            case c.PlaceOrder():
                self._labels.learn(record.order_id, record.role, record.amount)
            case c.PlaceOrderList():
                self._labels.learn(record.target_id, OrderRole.TARGET, record.amount)
                self._labels.learn(record.stop_id, OrderRole.STOP, record.amount)

    def _add(self, row: JournalRow, order_id: str | None) -> None:
        text = step_text(row.record, self._labels)
        is_echo = isinstance(row.record, e.OrderAccepted) and text in self._accepted
        if text is not None and not is_echo:
            if isinstance(row.record, e.OrderAccepted):
                self._accepted.add(text)
            self._steps.append(Step(row.seq, row.ts, row.type, text, order_id))


def rows_of_interest(rows: Iterable[JournalRow], deal_id: int) -> Iterator[JournalRow]:
    """Rows that may belong to the story, chosen by their heads, before anything is decoded."""
    for row in rows:
        is_loose = row.deal is None and row.type in _ORDER_TYPES
        if row.deal == deal_id or row.type == "Decision" or row.type in _SESSION_TYPES or is_loose:
            yield row
