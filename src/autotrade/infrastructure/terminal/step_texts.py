"""One sentence for each kind of journal row, as `why` tells it."""

from __future__ import annotations

from decimal import Decimal

from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.entities.order import OrderRole
from autotrade.infrastructure.terminal.formatting import format_number as number
from autotrade.infrastructure.terminal.formatting import format_time

_ROLE_WORDS = {
    OrderRole.ENTRY: "BUY",
    OrderRole.TARGET: "SELL",
    OrderRole.STOP: "stop",
    OrderRole.EXIT: "exit SELL",
}


class OrderLabels:
    """What to call each order of a deal: `BUY`, `BUY 2` after it was replaced, `stop` ..."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._amounts: dict[str, Decimal] = {}
        self._filled: dict[str, Decimal] = {}
        self._counts: dict[OrderRole, int] = {}
        self._told: set[tuple[str, str]] = set()

    def is_told(self, record: object) -> bool:
        """True for a fact that came before by another way: the answer to a request and the stream
        both bring it, and a comparison with the exchange may bring it a third time."""
        match record:
            case e.OrderAccepted():
                key = (record.order_id, "accepted")
            case e.OrderReported(is_open=True):
                key = (record.order_id, "accepted")
            case e.OrderFilled():
                key = (record.order_id, f"trade {record.trade_id}")
            case e.OrderCanceled():
                key = (record.order_id, "canceled")
            case _:
                return False
        if key in self._told:
            return True
        self._told.add(key)
        return False

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._labels

    def __len__(self) -> int:
        return len(self._labels)

    def learn(self, order_id: str, role: OrderRole, amount: Decimal) -> None:
        self._counts[role] = count = self._counts.get(role, 0) + 1
        self._labels[order_id] = _ROLE_WORDS[role] + (f" {count}" if count > 1 else "")
        self._amounts[order_id] = amount

    def name(self, order_id: str) -> str:
        return self._labels.get(order_id, order_id)

    def fill(self, order_id: str, amount: Decimal) -> str:
        """Count a fill; `complete`, or how much of how much."""
        filled = self._filled.get(order_id, Decimal(0)) + amount
        self._filled[order_id] = filled
        whole = self._amounts.get(order_id)
        if whole is None or filled >= whole:
            return "complete"
        return f"{number(filled)} of {number(whole)}"


def step_text(record: object, labels: OrderLabels) -> str | None:
    """The sentence for one record, or None for one that has nothing to tell."""
    if isinstance(record, c.Command):
        return _command_text(record, labels)
    if labels.is_told(record):
        return None
    return _order_text(record, labels) or _deal_text(record) or _session_text(record)


def _command_text(record: c.Command, labels: OrderLabels) -> str | None:
    match record:
        case c.PlaceOrder():
            price = "at market" if record.price is None else f"@ {number(record.price)}"
            force = f" {record.time_in_force}" if record.time_in_force else ""
            stop = f", trigger {number(record.stop_price)}" if record.stop_price else ""
            name = labels.name(record.order_id)
            return f"{name} {number(record.amount)} {price} sent ({record.type}{force}{stop})"
        case c.PlaceOrderList():
            limit = record.stop_limit_price
            how = "at market" if limit is None else f"down to {number(limit)}"
            return (
                f"{labels.name(record.target_id)} {number(record.amount)} @ "
                f"{number(record.target_price)} sent, with a stop on the exchange at "
                f"{number(record.stop_price)} that sells {how} (OCO)"
            )
        case c.CancelOrder():
            return f"cancel of {labels.name(record.order_id)} sent: {record.reason}"
        case c.CancelOrderList():
            return (
                f"cancel of {labels.name(record.target_id)} and {labels.name(record.stop_id)} "
                f"sent: {record.reason}"
            )
        case c.QueryOrder():
            return f"exchange asked about {labels.name(record.order_id)}: {record.reason}"
    return None


def _order_text(record: object, labels: OrderLabels) -> str | None:
    match record:
        case e.OrderAccepted():
            return f"{labels.name(record.order_id)} accepted, exchange order {record.exchange_id}"
        case e.OrderFilled():
            side = "maker" if record.is_maker else "taker"
            return (
                f"{labels.name(record.order_id)} filled {number(record.amount)} @ "
                f"{number(record.price)} as {side}, fee {number(record.fee)} {record.fee_asset}: "
                f"{labels.fill(record.order_id, record.amount)}"
            )
        case e.OrderRejected():
            code = f" {record.code}" if record.code is not None else ""
            name = labels.name(record.order_id)
            return f"{name} rejected, {record.reason}{code}: {record.message}"
        case e.OrderOutcomeUnknown():
            return (
                f"{labels.name(record.order_id)}: no answer that proves anything "
                f"({record.message}); the deal waits until the exchange was asked"
            )
        case e.OrderCanceled():
            filled = f" with {number(record.filled_total)} filled" if record.filled_total else ""
            return f"{labels.name(record.order_id)} rests no more{filled}: {record.reason}"
        case e.OrderReported():
            filled = f", {number(record.filled_total)} filled" if record.filled_total else ""
            return f"exchange says of {labels.name(record.order_id)}: {record.reason}{filled}"
        case e.OrderNotFound():
            return f"exchange does not know {labels.name(record.order_id)}"
        case e.CancelRejected():
            code = f" {record.code}" if record.code is not None else ""
            return f"cancel of {labels.name(record.order_id)} refused{code}: {record.message}"
        case e.CancelOutcomeUnknown():
            return f"cancel of {labels.name(record.order_id)}: no answer ({record.message})"
    return None


def _deal_text(record: object) -> str | None:
    match record:
        case e.DealOpened():
            return (
                f"deal {record.deal_id} opened: spend up to {number(record.budget)} "
                f"{record.quote}, entry {number(record.entry_price)}, target "
                f"{number(record.target_price)}"
            )
        case e.SellPlanned():
            return (
                f"SELL {number(record.amount)} @ {number(record.price)} planned, not sent: "
                f"{record.text}"
            )
        case e.EntryAbandoned():
            return f"no further BUY: {record.text}"
        case e.LossWarned() | e.LossWatched() | e.DealClosed() | e.DealCanceled():
            return _ending_text(record)
        case e.ExitDecided():
            return f"get out ({record.reason}): {record.text}"
        case e.ExitPostponed():
            return f"next try at {format_time(record.retry_ts)}: {record.text}"
        case e.FeeValued():
            return f"fee of trade {record.trade_id} is worth {number(record.fee_quote)}"
        case e.DustTaken():
            return f"{number(record.amount)} {record.asset} of earlier dust is sold along"
        case e.DustBooked():
            return f"{number(record.amount)} {record.asset} is too little to sell: booked as dust"
    return None


def _ending_text(record: e.LossWarned | e.LossWatched | e.DealClosed | e.DealCanceled) -> str:
    match record:
        case e.LossWarned():
            return f"warning: {record.text}"
        case e.LossWatched():
            return f"{'waiting' if record.is_watching else 'waiting ended'}: {record.text}"
        case e.DealClosed():
            return f"deal closed: {record.text}"
        case e.DealCanceled():
            return f"deal canceled: {record.text}"


def _session_text(record: object) -> str | None:
    match record:
        case e.SessionStarted():
            return f"AutoTrade {record.version} started and recovered the deal"
        case e.SessionStopped():
            return f"AutoTrade stopped: {record.text}"
        case e.OperatorRequested():
            return f"operator said {record.action} ({record.by})"
        case e.ChannelLost():
            return f"{record.channel} lost: {record.text}"
        case e.ChannelRestored():
            return f"{record.channel} is back"
    return None
