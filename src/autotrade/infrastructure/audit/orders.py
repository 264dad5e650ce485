"""Orders: one life for one intent, and each trade once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from autotrade.infrastructure.audit.lives import Fill, FillKey, Intent, OrderLife, wire
from autotrade.infrastructure.audit.report import AuditReport, plain
from autotrade.infrastructure.audit.sessions import Sessions

Row = dict[str, Any]


class Orders:
    """Follows every row that names an order of ours."""

    def __init__(self, report: AuditReport, sessions: Sessions) -> None:
        self._report = report
        self._sessions = sessions
        self.lives: dict[str, OrderLife] = {}
        self.fills: dict[FillKey, Fill] = {}

    def is_ours(self, order_id: str) -> bool:
        prefix = self._sessions.prefix
        return order_id in self.lives or (prefix is not None and order_id.startswith(prefix))

    # --- what was sent ------------------------------------------------------------------------

    def placed(self, row: Row) -> list[OrderLife]:
        """The orders that a command begins; none when it repeats an earlier one."""
        data = row["data"]
        if row["type"] == "PlaceOrder":
            return self._begin(row, data["order_id"], _intent_of_order(data))
        target, stop = _intents_of_list(data)
        return [
            *self._begin(row, data["target_id"], target),
            *self._begin(row, data["stop_id"], stop),
        ]

    def _begin(self, row: Row, order_id: str, intent: Intent) -> list[OrderLife]:
        known = self.lives.get(order_id)
        if known is not None:
            if known.intent != intent:
                code, text = "intent_twice", f"with other content than in row {known.seq}"
            else:
                code, text = "illegal_order_state", f"as in row {known.seq}"
            self._blame(row, code, f"order {order_id} was sent a second time, {text}", intent.deal)
            return []
        life = OrderLife(order_id, intent, row["seq"], row["ts"], last_ts=row["ts"])
        self.lives[order_id] = life
        self._report.intents += 1
        self._sessions.know_pair(intent.symbol)
        return [life]

    # --- what the exchange said ---------------------------------------------------------------

    def told(self, row: Row) -> OrderLife | None:
        """Any event about an order but a fill; the order, when it rests by what is told."""
        data = row["data"]
        life = self.lives.get(data["order_id"])
        if life is None:
            if self.is_ours(data["order_id"]):
                text = f"{row['type']} of order {data['order_id']}, which was never sent"
                self._blame(row, "illegal_order_state", text, row["deal"])
            return None
        self._check_deal(row, life)
        life.last_ts = row["ts"]
        match row["type"]:
            case "OrderAccepted":
                self._accepted(row, life)
            case "OrderRejected":
                self._rejected(row, life, str(data["reason"]))
            case "OrderCanceled":
                self._learn(row, life)
                self._ended(row, life)
            case "OrderReported":
                self._reported(row, life)
            case "OrderNotFound":
                if row["ts"] > life.sent_ts + self._sessions.window_ms and not life.is_gone:
                    life.is_gone = True
                    life.is_only_not_found = not life.is_accepted
        is_resting = row["type"] == "OrderAccepted" or bool(data.get("is_open"))
        return life if is_resting and life.is_open else None

    def _accepted(self, row: Row, life: OrderLife) -> None:
        if life.is_rejected:
            text = f"order {life.id} was accepted after it had been rejected"
            self._blame(row, "illegal_order_state", text, life.intent.deal)
            life.is_rejected = False
        if life.is_only_not_found:
            life.is_gone = life.is_only_not_found = False
        self._learn(row, life)
        life.is_accepted = True

    def _rejected(self, row: Row, life: OrderLife, reason: str) -> None:
        if life.is_accepted:
            text = f"order {life.id} was rejected after the exchange had accepted it"
            self._blame(row, "illegal_order_state", text, life.intent.deal)
        life.is_rejected, life.reject_reason = True, reason

    def _reported(self, row: Row, life: OrderLife) -> None:
        data = row["data"]
        if data["is_open"]:
            self._accepted(row, life)
            self._told_filled(row, life)
        elif data["reason"] == "REJECTED" and not life.is_accepted:
            self._rejected(row, life, "other")
        else:
            self._learn(row, life)
            self._ended(row, life)

    def _ended(self, row: Row, life: OrderLife) -> None:
        life.is_gone, life.is_only_not_found = True, False
        life.is_accepted = life.is_accepted or bool(life.exchange_id)
        self._told_filled(row, life)

    def _told_filled(self, row: Row, life: OrderLife) -> None:
        life.told_filled = max(life.told_filled, Decimal(row["data"]["filled_total"]))
        if life.told_filled > life.intent.amount:
            self._overfilled(row, life, life.told_filled)

    def _learn(self, row: Row, life: OrderLife) -> None:
        exchange_id = str(row["data"].get("exchange_id") or "")
        if not exchange_id:
            return
        if life.exchange_id and life.exchange_id != exchange_id:
            text = (
                f"order {life.id} is {life.exchange_id} on the exchange and, by this row, "
                f"{exchange_id} as well: two orders for one intent"
            )
            self._blame(row, "illegal_order_state", text, life.intent.deal)
        life.exchange_id = life.exchange_id or exchange_id

    def _check_deal(self, row: Row, life: OrderLife) -> None:
        if row["deal"] is not None and row["deal"] != life.intent.deal:
            text = (
                f"order {life.id} belongs to deal {life.intent.deal}, the row names {row['deal']}"
            )
            self._blame(row, "deal_of_two", text, life.intent.deal)

    # --- fills --------------------------------------------------------------------------------

    def filled(self, row: Row) -> tuple[OrderLife, Fill] | None:
        """A new fill and its order; None when it is known, foreign or nobody's."""
        fill = _fill_of(row)
        life = self.lives.get(fill.order_id)
        if life is None:
            if self.is_ours(fill.order_id):
                text = f"fill {row['data']['trade_id']} of order {fill.order_id}, never sent"
                self._blame(row, "fill_without_order", text, row["deal"])
            return None
        self._check_deal(row, life)
        self._learn(row, life)
        key = (wire(fill.symbol), str(row["data"]["trade_id"]), fill.side)
        known = self.fills.get(key)
        if known is not None:
            self._told_again(row, known, fill)
            return None
        self.fills[key] = fill
        self._report.fills += 1
        self._check_fill(row, life, fill)
        life.is_accepted, life.last_ts = True, row["ts"]
        life.filled += fill.amount
        if life.filled > life.intent.amount:
            self._overfilled(row, life, life.filled)
        return life, fill

    def _told_again(self, row: Row, known: Fill, fill: Fill) -> None:
        trade = f"trade {row['data']['trade_id']} of {fill.symbol}"
        if known.order_id != fill.order_id:
            deals = [self.lives[one.order_id].intent.deal for one in (known, fill)]
            code = "deal_of_two" if deals[0] != deals[1] else "fill_twice_different"
            text = (
                f"{trade} belongs to {known.order_id} in row {known.seq}, here to {fill.order_id}"
            )
            self._blame(row, code, text, deals[1])
            return
        different = [
            f"{name} {_shown(getattr(known, name))} and {_shown(getattr(fill, name))}"
            for name in ("exchange_id", "price", "amount", "fee", "fee_asset")
            if getattr(known, name) != getattr(fill, name)
        ]
        if different:
            text = f"{trade} is told in row {known.seq} and here, with {', '.join(different)}"
            self._blame(row, "fill_twice_different", text, self.lives[fill.order_id].intent.deal)
        else:
            self._report.fills_told_again += 1

    def _check_fill(self, row: Row, life: OrderLife, fill: Fill) -> None:
        intent = life.intent
        if (fill.symbol, fill.side) != (intent.symbol, intent.side):
            text = (
                f"a {fill.side} of {fill.symbol} filled order {life.id}, which is a {intent.side} "
                f"of {intent.symbol}"
            )
            self._blame(row, "fill_without_order", text, intent.deal)
        if fill.amount <= 0 or fill.price <= 0:
            text = f"a fill of {plain(fill.amount)} at {plain(fill.price)} is none"
            self._blame(row, "fill_without_order", text, intent.deal)
        if life.is_rejected:
            text = f"order {life.id} was filled after it had been rejected"
            self._blame(row, "illegal_order_state", text, intent.deal)
            life.is_rejected = False
        if intent.price is not None:
            is_worse = (
                fill.price > intent.price if intent.side == "BUY" else fill.price < intent.price
            )
            if is_worse:
                text = (
                    f"order {life.id} has the limit {plain(intent.price)} and was filled at "
                    f"{plain(fill.price)}"
                )
                self._blame(row, "fill_beyond_limit", text, intent.deal)

    def _overfilled(self, row: Row, life: OrderLife, filled: Decimal) -> None:
        text = f"order {life.id} of {plain(life.intent.amount)} was filled {plain(filled)}"
        self._blame(row, "overfill", text, life.intent.deal)

    def _blame(self, row: Row, code: str, text: str, deal: int | None) -> None:
        self._report.blame(code, text, row["seq"], deal)


def _shown(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)


def _optional(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _intent_of_order(data: Row) -> Intent:
    return Intent(
        deal=int(data["deal_id"]),
        symbol=data["symbol"],
        role=data["role"],
        side=data["side"],
        type=data["type"],
        amount=Decimal(data["amount"]),
        price=None if data["type"] in ("MARKET", "STOP_LOSS") else _optional(data["price"]),
        stop_price=_optional(data.get("stop_price")),
    )


def _intents_of_list(data: Row) -> tuple[Intent, Intent]:
    """Target and stop of an order list: two orders for the same coins."""
    deal, symbol = int(data["deal_id"]), data["symbol"]
    amount, list_id = Decimal(data["amount"]), str(data["list_id"])
    limit = _optional(data.get("stop_limit_price"))
    target = Intent(
        deal=deal,
        symbol=symbol,
        role="TARGET",
        side="SELL",
        type="LIMIT_MAKER",
        amount=amount,
        price=Decimal(data["target_price"]),
        stop_price=None,
        list_id=list_id,
    )
    stop = Intent(
        deal=deal,
        symbol=symbol,
        role="STOP",
        side="SELL",
        type="STOP_LOSS" if limit is None else "STOP_LOSS_LIMIT",
        amount=amount,
        price=limit,
        stop_price=Decimal(data["stop_price"]),
        list_id=list_id,
    )
    return target, stop


def _fill_of(row: Row) -> Fill:
    data = row["data"]
    return Fill(
        order_id=data["order_id"],
        exchange_id=str(data["exchange_id"]),
        symbol=data["symbol"],
        side=data["side"],
        price=Decimal(data["price"]),
        amount=Decimal(data["amount"]),
        fee=Decimal(data["fee"]),
        fee_asset=data["fee_asset"],
        ts=int(data["exchange_ts"]),
        seq=row["seq"],
    )
