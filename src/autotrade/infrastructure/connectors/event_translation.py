"""The exchange's words as our events: user stream and REST answers.

Numbers stay the exchange's exact strings until they are Decimals. `order_id` is always the client
order id that we chose: in a report about a cancel the field `c` names the cancel request and `C`
the order that is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.order import OrderSide
from autotrade.domain.events import (
    BalancesUpdated,
    Event,
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderReported,
    RejectReason,
)
from autotrade.infrastructure.connectors.error_normalizer import of_answer

Payload = Mapping[str, Any]

OPEN_STATES = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL"})
GONE_STATES = frozenset({"CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"})
ZERO = Decimal(0)


# --- user stream -----------------------------------------------------------------------------


def report_order_id(report: Payload) -> str:
    """Our client order id in an executionReport."""
    return str(report.get("C") or report["c"])


def of_execution_report(report: Payload, symbol: str, ts: int, order_id: str = "") -> list[Event]:
    """One executionReport. A trade that ends the order by its own rules gives two events."""
    order_id, exchange_id = order_id or report_order_id(report), str(report["i"])
    exchange_ts = int(report["T"])
    match report["x"]:
        case "NEW":
            return [
                OrderAccepted(
                    ts=ts, order_id=order_id, exchange_id=exchange_id, exchange_ts=exchange_ts
                )
            ]
        case "REJECTED":
            return [
                OrderRejected(
                    ts=ts,
                    order_id=order_id,
                    reason=_reason_of_report(str(report.get("r", ""))),
                    code=None,
                    message=str(report.get("r", "rejected")),
                )
            ]
    events: list[Event] = []
    if report["x"] == "TRADE" and Decimal(report["l"]) > ZERO:
        events.append(_fill_of_report(report, order_id, symbol, ts))
    if report["X"] in GONE_STATES:
        events.append(
            OrderCanceled(
                ts=ts,
                order_id=order_id,
                exchange_id=exchange_id,
                filled_total=Decimal(report["z"]),
                reason=str(report["X"]).lower(),
            )
        )
    return events


def _fill_of_report(report: Payload, order_id: str, symbol: str, ts: int) -> OrderFilled:
    """Raises ValueError for a trade without a price or a number: such reports have been seen, and
    what they mean has to be asked for by REST."""
    price, trade_id = Decimal(report["L"]), int(report["t"])
    if price <= ZERO or trade_id < 0:
        raise ValueError(f"expected a trade with a price and an id, was {price} and {trade_id}")
    return OrderFilled(
        ts=ts,
        order_id=order_id,
        exchange_id=str(report["i"]),
        trade_id=str(trade_id),
        symbol=symbol,
        side=OrderSide(report["S"]),
        price=price,
        amount=Decimal(report["l"]),
        fee=Decimal(report.get("n") or 0),
        fee_asset=str(report.get("N") or ""),
        is_maker=bool(report["m"]),
        exchange_ts=int(report["T"]),
    )


def _reason_of_report(word: str) -> RejectReason:
    return {
        "INSUFFICIENT_BALANCE": RejectReason.INSUFFICIENT_BALANCE,
        "INSUFFICIENT_BALANCES": RejectReason.INSUFFICIENT_BALANCE,
        "DUPLICATE_ORDER": RejectReason.DUPLICATE,
        "WOULD_MATCH_IMMEDIATELY": RejectReason.WOULD_MATCH,
        "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY": RejectReason.WOULD_TRIGGER,
    }.get(word, RejectReason.OTHER)


def of_account_position(message: Payload, ts: int) -> BalancesUpdated:
    """outboundAccountPosition: only the assets that may have changed."""
    balances = tuple(
        Balance(entry["a"], Decimal(entry["f"]), Decimal(entry["l"])) for entry in message["B"]
    )
    return BalancesUpdated(ts=ts, balances=balances, is_complete=False)


# --- REST ------------------------------------------------------------------------------------


def of_placement(answer: Payload, symbol: str, ts: int) -> list[Event]:
    """The FULL answer to a placed order: accepted, its fills, and its end when it has ended."""
    order_id, exchange_id = str(answer["clientOrderId"]), str(answer["orderId"])
    exchange_ts = int(answer["transactTime"])
    status = str(answer.get("status", "NEW"))
    if status == "REJECTED":
        return [
            OrderRejected(
                ts=ts, order_id=order_id, reason=RejectReason.OTHER, code=None, message=status
            )
        ]
    events: list[Event] = [
        OrderAccepted(ts=ts, order_id=order_id, exchange_id=exchange_id, exchange_ts=exchange_ts)
    ]
    for fill in answer.get("fills", ()):
        events.append(
            OrderFilled(
                ts=ts,
                order_id=order_id,
                exchange_id=exchange_id,
                trade_id=str(fill["tradeId"]),
                symbol=symbol,
                side=OrderSide(answer["side"]),
                price=Decimal(fill["price"]),
                amount=Decimal(fill["qty"]),
                fee=Decimal(fill["commission"]),
                fee_asset=str(fill["commissionAsset"]),
                is_maker=False,
                exchange_ts=exchange_ts,
            )
        )
    if status in GONE_STATES:
        events.append(
            OrderCanceled(
                ts=ts,
                order_id=order_id,
                exchange_id=exchange_id,
                filled_total=Decimal(answer["executedQty"]),
                reason=status.lower(),
            )
        )
    return events


def of_list_placement(answer: Payload, symbol: str, ts: int) -> list[Event]:
    """An order list's answer: each leg as if it had been placed alone."""
    reports = {str(report["orderId"]): report for report in answer.get("orderReports", ())}
    events: list[Event] = []
    for leg in answer["orders"]:
        report = reports.get(str(leg["orderId"]))
        if report is not None:
            events.extend(of_placement(report, symbol, ts))
        else:
            events.append(
                OrderAccepted(
                    ts=ts,
                    order_id=str(leg["clientOrderId"]),
                    exchange_id=str(leg["orderId"]),
                    exchange_ts=int(answer["transactionTime"]),
                )
            )
    return events


def of_cancel(answer: Payload, ts: int) -> OrderCanceled:
    """A cancel that worked."""
    return OrderCanceled(
        ts=ts,
        order_id=str(answer.get("origClientOrderId") or answer["clientOrderId"]),
        exchange_id=str(answer["orderId"]),
        filled_total=Decimal(answer["executedQty"]),
        reason=str(answer.get("status", "CANCELED")).lower(),
    )


def of_order(answer: Payload, order_id: str, ts: int) -> OrderReported:
    """The answer to a question about one order."""
    return OrderReported(
        ts=ts,
        order_id=order_id,
        exchange_id=str(answer["orderId"]),
        is_open=answer["status"] in OPEN_STATES,
        filled_total=Decimal(answer["executedQty"]),
        reason=str(answer["status"]),
    )


def of_trade(trade: Payload, order_id: str, symbol: str, ts: int) -> OrderFilled:
    """One row of myTrades."""
    return OrderFilled(
        ts=ts,
        order_id=order_id,
        exchange_id=str(trade["orderId"]),
        trade_id=str(trade["id"]),
        symbol=symbol,
        side=OrderSide.BUY if trade["isBuyer"] else OrderSide.SELL,
        price=Decimal(trade["price"]),
        amount=Decimal(trade["qty"]),
        fee=Decimal(trade["commission"]),
        fee_asset=str(trade["commissionAsset"]),
        is_maker=bool(trade["isMaker"]),
        exchange_ts=int(trade["time"]),
    )


def balances_of(account: Payload) -> tuple[Balance, ...]:
    """The assets of GET account that are not zero."""
    balances = (
        Balance(entry["asset"], Decimal(entry["free"]), Decimal(entry["locked"]))
        for entry in account["balances"]
    )
    return tuple(balance for balance in balances if balance.total > ZERO)


def fee_rates_of(commission: Payload) -> tuple[Decimal, Decimal]:
    """(maker, taker) of GET account/commission: every part that is charged, before any discount.

    A buyer's or seller's extra is charged on one side only; the larger counts, so that nothing is
    promised that the exchange would not keep.
    """
    maker = taker = ZERO
    for part in ("standardCommission", "specialCommission", "taxCommission"):
        rates = commission.get(part) or {}
        extra = max(Decimal(rates.get("buyer", 0)), Decimal(rates.get("seller", 0)))
        maker += Decimal(rates.get("maker", 0)) + extra
        taker += Decimal(rates.get("taker", 0)) + extra
    return maker, taker


def rejected(order_ids: Iterable[str], code: int | None, message: str, ts: int) -> Sequence[Event]:
    """The same refusal for each of these orders, its reason read from code and text."""
    reason = of_answer(400, code, message).reason
    return [
        OrderRejected(ts=ts, order_id=order_id, reason=reason, code=code, message=message)
        for order_id in order_ids
    ]
