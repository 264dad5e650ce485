"""The log that people tail: one line per outcome, told from what was journaled.

It reads records and the state, changes nothing and is never asked by the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.decisions import Decision
from autotrade.domain.entities.order import OrderRole
from autotrade.domain.state import Record, TradingState

_ROLE_WORDS = {
    OrderRole.ENTRY: "BUY",
    OrderRole.TARGET: "SELL",
    OrderRole.STOP: "STOP",
    OrderRole.EXIT: "SELL now",
}


TOLD_MAX = 1_000


def plain(value: Decimal | None) -> str:
    """A number without trailing zeros or exponents."""
    if value is None:
        return "market"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class Narrator:
    def __init__(self, state: TradingState, *, with_book: bool = True) -> None:
        self._state = state
        self._with_book = with_book
        self._told: dict[str, None] = {}

    def tell(self, event: e.Event, records: list[Record]) -> list[str]:
        """The lines for one event and all that followed from it, oldest first."""
        lines = [] if (line := self._event(event)) is None else [line]
        decision = next((record for record in records if isinstance(record, Decision)), None)
        if decision is not None:
            return [*lines, self._decision(decision, records)]
        lines.extend(text for record in records if (text := self._record(record)) is not None)
        return lines

    # --- decisions ----------------------------------------------------------------------------

    def _decision(self, decision: Decision, records: list[Record]) -> str:
        signal = decision.signal
        parts = [f"signal {signal.symbol} {signal.kind} {plain(signal.price)}"]
        book = decision.book
        if self._with_book and book:
            parts.append(_book_text(book, decision.confidence))
        if not decision.approved:
            return " | ".join([*parts, f"refused: {decision.reason_text} ({decision.id})"])
        parts.extend(modification.value for modification in decision.modifications)
        for kind in (e.DealOpened, c.PlaceOrder, e.SellPlanned):
            parts.extend(self._plan(record) for record in records if isinstance(record, kind))
        return " | ".join(parts)

    @staticmethod
    def _plan(record: Record) -> str:
        match record:
            case e.DealOpened():
                return f"deal {record.deal_id} opened"
            case c.PlaceOrder():
                return f"BUY {plain(record.amount)} @ {plain(record.price)} sent"
            case e.SellPlanned():
                return f"SELL pending @ {plain(record.price)}"
            case _:
                return ""

    # --- what came in -------------------------------------------------------------------------

    def _event(self, event: e.Event) -> str | None:
        match event:
            case e.OrderFilled():
                return self._fill(event)
            case e.OrderRejected():
                return self._order(event.order_id, f"refused: {event.message} ({event.reason})")
            case e.OrderOutcomeUnknown() | e.CancelOutcomeUnknown():
                return self._order(event.order_id, f"outcome unknown: {event.message}")
            case e.CancelRejected():
                return self._order(event.order_id, f"cancel refused: {event.message}")
            case e.OrderCanceled():
                return self._canceled(event)
            case e.ChannelLost():
                return f"{event.channel} lost{_of(event.symbol)}: {event.text}"
            case e.ChannelRestored():
                return f"{event.channel} restored{_of(event.symbol)}"
            case e.Reconciled(differences=0):
                return None
            case e.Reconciled():
                return f"reconciled ({event.trigger}): {event.differences} facts were missing"
            case e.OperatorRequested():
                return f"operator ({event.by}): {event.action}"
            case e.SessionReady():
                return "ready: recovered, warmed up and reconciled"
            case _:
                return None

    def _fill(self, event: e.OrderFilled) -> str | None:
        order = self._state.orders.find(event.order_id)
        if order is None or not self._is_first(f"{event.order_id} {event.trade_id}"):
            return None
        filled = Decimal(0)
        for fill in order.fills:
            filled += fill.amount
            if fill.trade_id == event.trade_id:
                break
        done = "filled" if filled >= order.amount else f"filled {plain(filled)} of"
        fee = f"fee {plain(event.fee)} {event.fee_asset}"
        return (
            f"deal {order.deal_id} {_ROLE_WORDS[order.role]} {done} {plain(order.amount)} "
            f"@ {plain(event.price)} {fee}"
        )

    def _is_first(self, key: str) -> bool:
        """True once a fact: the answer to a request and the stream both bring it, and a comparison
        with the exchange may bring it a third time."""
        if key in self._told:
            return False
        self._told[key] = None
        if len(self._told) > TOLD_MAX:
            del self._told[next(iter(self._told))]
        return True

    def _canceled(self, event: e.OrderCanceled) -> str | None:
        order = self._state.orders.find(event.order_id)
        if order is None or not self._is_first(f"{event.order_id} canceled"):
            return None
        return f"deal {order.deal_id} {_ROLE_WORDS[order.role]} {event.reason}"

    def _order(self, order_id: str, text: str) -> str | None:
        order = self._state.orders.find(order_id)
        if order is None:
            return None
        return f"deal {order.deal_id} {_ROLE_WORDS[order.role]} {order_id} {text}"

    # --- what followed ------------------------------------------------------------------------

    def _record(self, record: Record) -> str | None:
        match record:
            case c.Command():
                return self._command(record)
            case e.DealClosed() | e.DealCanceled():
                return self._ended(record)
            case e.LossWarned() | e.LossWatched() | e.EntryAbandoned() | e.ExitPostponed():
                return f"deal {record.deal_id} {record.text}"
            case e.ExitDecided():
                return f"deal {record.deal_id} leaves ({record.reason}): {record.text}"
            case e.SellPlanned():
                return f"deal {record.deal_id} SELL pending @ {plain(record.price)}: {record.text}"
            case e.DustBooked():
                return f"deal {record.deal_id} dust {plain(record.amount)} {record.asset} kept"
            case _:
                return None

    @staticmethod
    def _command(command: c.Command) -> str | None:
        prefix = f"deal {command.deal_id}"
        match command:
            case c.PlaceOrder():
                word = _ROLE_WORDS[command.role]
                return f"{prefix} {word} {plain(command.amount)} @ {plain(command.price)} sent"
            case c.PlaceOrderList():
                return (
                    f"{prefix} SELL {plain(command.amount)} @ {plain(command.target_price)} "
                    f"with STOP {plain(command.stop_price)} sent"
                )
            case c.CancelOrder() | c.CancelOrderList():
                return f"{prefix} cancel sent: {command.reason}"
            case c.QueryOrder():
                return f"{prefix} asks for {command.order_id}: {command.reason}"
            case _:
                return None

    def _ended(self, record: e.DealClosed | e.DealCanceled) -> str:
        deal = self._state.deals.get(record.deal_id)
        if isinstance(record, e.DealCanceled):
            return f"deal {deal.id} canceled: {record.text}"
        return (
            f"deal {deal.id} closed: {record.text} | {deal.symbol} net {deal.pnl_net:+.4f} "
            f"{deal.quote} (gross {deal.pnl_gross:+.4f}, fees {deal.fees_quote:.4f})"
        )


def _book_text(book: Mapping[str, float | str], confidence: float) -> str:
    """A book that could not be measured has no figures."""
    try:
        spread, imbalance = float(book["spread_percent"]), float(book["imbalance_percent"])
    except (KeyError, ValueError):
        return f"book {book.get('verdict')} conf {confidence:.2f}"
    return (
        f"book {book.get('verdict')} spread {spread:.2f}% imbalance {round(imbalance):+d}% "
        f"conf {confidence:.2f}"
    )


def _of(symbol: str | None) -> str:
    return "" if symbol is None else f" of {symbol}"
