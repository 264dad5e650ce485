"""The independent checker: the journal's raw lines against what the exchange says by REST.

It shares no code with the application: it reads JSON, knows the documented names of the journal
and of Binance's REST API, and counts. `audit` returns its figures and every fault as a sentence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.acceptance.exchange_client import ExchangeClient

Row = dict[str, Any]
OPEN = {"NEW", "PARTIALLY_FILLED", "PENDING_NEW"}
MOMENTS_MAX = 20


@dataclass(slots=True)
class Audit:
    """What was counted, and what was wrong."""

    intents: int = 0
    orders: int = 0
    trades: int = 0
    fills_told_again: int = 0
    """Lines of a fill that the journal already held, with the same numbers."""
    deals_opened: int = 0
    deals_open: int = 0
    deals_closed: int = 0
    deals_canceled: int = 0
    trades_after_the_end: int = 0
    """What rested went on trading after the bot had stopped; the next start will learn of it."""
    sessions: int = 0
    ledger_difference: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def audit(rows: Iterable[Row], client: ExchangeClient, open_deals: Iterable[int]) -> Audit:
    """`open_deals` is what `deals --open --json` listed."""
    lines = list(rows)
    found = Audit(sessions=sum(row["type"] == "SessionStarted" for row in lines))
    intents = _intents(lines, found)
    symbols = sorted({str(intent["symbol"]) for intent in intents.values()})
    orders = [order for symbol in symbols for order in client.all_orders(wire_name(symbol))]
    trades, account = _at_one_moment(client, symbols)
    trades, late = _split_late(lines, trades)
    found.intents, found.orders, found.trades = len(intents), len(orders), len(trades)
    found.trades_after_the_end = len(late)
    _check_one_order_an_intent(intents, orders, found)
    _check_legs(lines, intents, orders, [*trades, *late], found)
    fills = _check_fills(lines, orders, trades, found)
    _check_deals(lines, set(open_deals), found)
    _check_ledger(lines, fills, late, account, found)
    return found


def _at_one_moment(client: ExchangeClient, symbols: list[str]) -> tuple[list[Row], Row]:
    """Trades and account of a moment in which nothing traded; the market does not wait for us."""
    for _ in range(MOMENTS_MAX):
        before = [trade for symbol in symbols for trade in client.my_trades(wire_name(symbol))]
        account = client.account()
        after = [trade for symbol in symbols for trade in client.my_trades(wire_name(symbol))]
        if before == after:
            return after, account
    raise AssertionError("expected a moment without a trade, the account traded on and on")


def _split_late(lines: list[Row], trades: list[Row]) -> tuple[list[Row], list[Row]]:
    """Trades of the bot's life, and those that came after its last look at the exchange, which it
    takes between the word to stop and its journal's last line. (That the ledger was right at that
    look is said by the bot's own summary.)"""
    words = [row["ts"] for row in lines if row["type"] == "OperatorRequested"]
    if lines[-1]["type"] != "SessionStopped" or not words:
        return trades, []
    told = {
        (wire_name(row["data"]["symbol"]), row["data"]["exchange_id"], row["data"]["trade_id"])
        for row in lines
        if row["type"] == "OrderFilled"
    }
    late = [
        trade
        for trade in trades
        if trade["time"] >= words[-1]
        and (trade["symbol"], str(trade["orderId"]), str(trade["id"])) not in told
    ]
    return [trade for trade in trades if trade not in late], late


def wire_name(symbol: str) -> str:
    return symbol.replace("/", "")


# --- intents ------------------------------------------------------------------------------------


def _intents(lines: list[Row], found: Audit) -> dict[str, Row]:
    """Client order id -> what was written down before it was sent. An id may not come twice."""
    intents: dict[str, Row] = {}

    def take(order_id: str, intent: Row) -> None:
        if order_id in intents:
            found.faults.append(f"order {order_id} was commanded twice (row {intent['seq']})")
        intents[order_id] = intent

    for row in lines:
        data = row["data"]
        common = {"seq": row["seq"], "deal": row["deal"], "symbol": data.get("symbol")}
        if row["type"] == "PlaceOrder":
            take(
                data["order_id"],
                {
                    **common,
                    "side": data["side"],
                    "amount": data["amount"],
                    "price": None if data["type"] == "MARKET" else data["price"],
                },
            )
        elif row["type"] == "PlaceOrderList":
            both = {**common, "side": "SELL", "amount": data["amount"]}
            take(data["target_id"], {**both, "price": data["target_price"]})
            take(data["stop_id"], {**both, "price": data["stop_limit_price"]})
    return intents


def _check_one_order_an_intent(intents: dict[str, Row], orders: list[Row], found: Audit) -> None:
    counts = Counter(order["clientOrderId"] for order in orders)
    for order_id, count in counts.items():
        if count > 1:
            found.faults.append(f"intent {order_id} has {count} orders on the exchange")
    for order in orders:
        intent = intents.get(order["clientOrderId"])
        if intent is None:
            found.faults.append(
                f"order {order['clientOrderId']} is on the exchange and not in the journal"
            )
            continue
        is_same = (
            order["side"] == intent["side"]
            and order["symbol"] == wire_name(str(intent["symbol"]))
            and Decimal(order["origQty"]) == Decimal(intent["amount"])
            and (intent["price"] is None or Decimal(order["price"]) == Decimal(intent["price"]))
        )
        if not is_same:
            found.faults.append(
                f"order {order['clientOrderId']}: the exchange has {order['side']} "
                f"{order['origQty']} at {order['price']}, the journal says {intent}"
            )


# --- legs of deals ------------------------------------------------------------------------------


def _check_legs(
    lines: list[Row],
    intents: dict[str, Row],
    orders: list[Row],
    trades: list[Row],
    found: Audit,
) -> None:
    """A deal buys once and sells once: no second whole fill of a leg, no BUY after a whole one, no
    target and stop of one pair both filled, and never more sold than was bought."""
    by_deal: dict[int, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for order in sorted(orders, key=lambda order: (order["time"], order["orderId"])):
        intent = intents.get(order["clientOrderId"])
        if intent is not None:
            leg = order["clientOrderId"].rpartition("-")[2]
            by_deal[int(intent["deal"])][leg[:1]].append(order)
    for deal, legs in by_deal.items():
        for leg, attempts in legs.items():
            whole = [order for order in attempts if order["status"] == "FILLED"]
            if len(whole) > 1 and leg != "X":
                ids = ", ".join(order["clientOrderId"] for order in whole)
                found.faults.append(f"deal {deal}: leg {leg} was filled {len(whole)} times: {ids}")
        buys = legs.get("B", [])
        if any(order["status"] == "FILLED" for order in buys[:-1]):
            found.faults.append(f"deal {deal}: a BUY was sent after one that had filled")
        if sum(order["status"] in OPEN for order in buys) > 1:
            found.faults.append(f"deal {deal}: several BUYs rest at once")
        for target in legs.get("T", []):
            for stop in legs.get("S", []):
                is_pair = target["orderListId"] == stop["orderListId"] != -1
                if is_pair and Decimal(target["executedQty"]) and Decimal(stop["executedQty"]):
                    found.faults.append(
                        f"deal {deal}: {target['clientOrderId']} and {stop['clientOrderId']} of "
                        "one pair both traded"
                    )
    _check_sold(lines, intents, orders, trades, found)


def _check_sold(
    lines: list[Row],
    intents: dict[str, Row],
    orders: list[Row],
    trades: list[Row],
    found: Audit,
) -> None:
    held: dict[int, Decimal] = defaultdict(Decimal)
    deal_of = {
        (order["symbol"], order["orderId"]): int(intents[order["clientOrderId"]]["deal"])
        for order in orders
        if order["clientOrderId"] in intents
    }
    for trade in trades:
        deal = deal_of.get((trade["symbol"], trade["orderId"]))
        if deal is None:
            continue
        held[deal] += Decimal(trade["qty"]) * (1 if trade["isBuyer"] else -1)
        if trade["symbol"].startswith(trade["commissionAsset"]):
            held[deal] -= Decimal(trade["commission"])
    for row in lines:
        if row["type"] == "DustTaken":
            held[int(row["data"]["deal_id"])] += Decimal(row["data"]["amount"])
    for deal, amount in held.items():
        if amount < 0:
            found.faults.append(f"deal {deal}: sold {-amount} more than it held")


# --- fills --------------------------------------------------------------------------------------


def _check_fills(
    lines: list[Row], orders: list[Row], trades: list[Row], found: Audit
) -> dict[tuple[str, str, str], Row]:
    """Each trade of the exchange once in the journal, by (symbol, order, trade id)."""
    ids = {(order["symbol"], order["orderId"]): order["clientOrderId"] for order in orders}
    told: dict[tuple[str, str, str], Row] = {}
    for row in lines:
        if row["type"] != "OrderFilled":
            continue
        data = row["data"]
        key = (wire_name(data["symbol"]), str(data["exchange_id"]), str(data["trade_id"]))
        if key not in told:
            told[key] = data
            continue
        found.fills_told_again += 1
        for name in ("order_id", "side", "price", "amount", "fee", "fee_asset"):
            if told[key][name] != data[name]:
                found.faults.append(f"row {row['seq']}: fill {key} is told anew, with other {name}")
    happened = {
        (trade["symbol"], str(trade["orderId"]), str(trade["id"])): trade for trade in trades
    }
    if len(happened) != len(trades):
        found.faults.append("the exchange lists a trade twice")
    for key, trade in happened.items():
        fill = told.get(key)
        if fill is None:
            found.faults.append(f"trade {key} of the exchange is not in the journal")
            continue
        wanted = {
            "order_id": ids.get((trade["symbol"], trade["orderId"])),
            "side": "BUY" if trade["isBuyer"] else "SELL",
            "price": Decimal(trade["price"]),
            "amount": Decimal(trade["qty"]),
            "fee": Decimal(trade["commission"]),
            "fee_asset": trade["commissionAsset"],
        }
        for name, value in wanted.items():
            said = Decimal(fill[name]) if isinstance(value, Decimal) else fill[name]
            if said != value:
                found.faults.append(f"fill {key}: {name} is {said}, the exchange says {value}")
    for key in told.keys() - happened.keys():
        found.faults.append(f"fill {key} of the journal is no trade of the exchange")
    return told


# --- deals and money ----------------------------------------------------------------------------


def _check_deals(lines: list[Row], open_deals: set[int], found: Audit) -> None:
    opened, ended = [], {}
    for row in lines:
        if row["type"] == "DealOpened":
            opened.append(int(row["data"]["deal_id"]))
        elif row["type"] in ("DealClosed", "DealCanceled"):
            ended[int(row["data"]["deal_id"])] = row["type"]
    found.deals_opened = len(opened)
    found.deals_open = len(open_deals)
    found.deals_closed = sum(kind == "DealClosed" for kind in ended.values())
    found.deals_canceled = sum(kind == "DealCanceled" for kind in ended.values())
    for deal, count in Counter(opened).items():
        if count > 1:
            found.faults.append(f"deal {deal} was opened {count} times")
    for deal in opened:
        if deal not in open_deals and deal not in ended:
            found.faults.append(f"deal {deal} is forgotten: neither open nor ended")
    for deal in open_deals - set(opened):
        found.faults.append(f"deal {deal} is listed as open and was never opened")


def _check_ledger(
    lines: list[Row],
    fills: dict[tuple[str, str, str], Row],
    late: list[Row],
    account: Row,
    found: Audit,
) -> None:
    """Start balances plus the journal's fills (plus what traded after it) minus the account."""
    expected: dict[str, Decimal] = defaultdict(Decimal)
    start = next(row for row in lines if row["type"] == "SessionStarted")
    for balance in start["data"]["start_balances"]:
        expected[balance["asset"]] += Decimal(balance["free"]) + Decimal(balance["locked"])
    for fill in fills.values():
        base, quote = fill["symbol"].split("/")
        sign = 1 if fill["side"] == "BUY" else -1
        expected[base] += sign * Decimal(fill["amount"])
        expected[quote] -= sign * Decimal(fill["amount"]) * Decimal(fill["price"])
        expected[fill["fee_asset"]] -= Decimal(fill["fee"])
    for trade in late:
        sign = 1 if trade["isBuyer"] else -1
        expected[trade["symbol"].removesuffix("USDT")] += sign * Decimal(trade["qty"])
        expected["USDT"] -= sign * Decimal(trade["qty"]) * Decimal(trade["price"])
        expected[trade["commissionAsset"]] -= Decimal(trade["commission"])
    for balance in account["balances"]:
        expected[balance["asset"]] -= Decimal(balance["free"]) + Decimal(balance["locked"])
    for asset, difference in sorted(expected.items()):
        if difference:
            found.faults.append(f"ledger: {asset} differs by {difference}")
        if difference or any(asset in key[0] for key in fills):
            found.ledger_difference[asset] = f"{difference.normalize():f}" if difference else "0"


def in_flight(lines: Iterable[Row]) -> list[str]:
    """Commands whose outcome the journal does not tell: what a dead bot had under way."""
    waiting: dict[str, str] = {}
    for row in lines:
        data = row["data"]
        match row["type"]:
            case "PlaceOrder":
                waiting[data["order_id"]] = row["type"]
            case "PlaceOrderList":
                waiting[data["target_id"]] = waiting[data["stop_id"]] = row["type"]
            case "CancelOrder":
                waiting[data["order_id"]] = row["type"]
            case "CancelOrderList":
                waiting[data["target_id"]] = waiting[data["stop_id"]] = row["type"]
            case "OrderAccepted" | "OrderRejected" | "OrderFilled" | "OrderReported":
                if not waiting.get(data["order_id"], "").startswith("Cancel") or (
                    row["type"] == "OrderReported" and not data["is_open"]
                ):
                    waiting.pop(data["order_id"], None)
            case "OrderCanceled" | "CancelRejected" | "OrderNotFound":
                waiting.pop(data["order_id"], None)
    return list(dict.fromkeys(waiting.values()))
