"""Deals: every BUY decided, every coin sold or accounted for, every figure derived anew."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from autotrade.infrastructure.audit.lives import DealLife, Fill, OrderLife
from autotrade.infrastructure.audit.orders import Orders
from autotrade.infrastructure.audit.report import ZERO, AuditReport, DealResult, plain, tidy
from autotrade.infrastructure.audit.sessions import Sessions

Row = dict[str, Any]

MONEY_UNIT = Decimal("0.00000001")
DUST_NOTIONALS = 2
"""Coins that cost more than so many of the exchange's least orders are not dust, whatever the price
did since."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an approved decision allows."""

    symbol: str
    figures: tuple[Decimal, ...]
    """amount, entry price, target price, budget"""


class Deals:
    """Follows decisions, deals and what their orders did."""

    def __init__(self, report: AuditReport, sessions: Sessions, orders: Orders) -> None:
        self._report = report
        self._sessions = sessions
        self._orders = orders
        self.lives: dict[int, DealLife] = {}
        self._plans: dict[str, Plan] = {}
        self._decided: dict[str, int] = {}
        self._dust: dict[str, tuple[Decimal, Decimal]] = {}
        """Asset -> (amount, cost) of the dust ledger."""
        self.unvalued_fees = 0

    # --- decisions ----------------------------------------------------------------------------

    def decided(self, row: Row) -> None:
        data, counts = row["data"], self._report.decisions
        failed = next((check for check in data["checks"] if not check["passed"]), None)
        if data["approved"]:
            counts["approved"] += 1
            if failed is not None:
                text = f"decision {data['id']} approved what its own check refused: "
                self._blame(row, "approval_against_checks", f"{text}{failed['text']}", None)
            names = ("amount", "entry_price", "target_price", "budget")
            figures = tuple(Decimal(data[name] or 0) for name in names)
            self._plans[data["id"]] = Plan(data["signal"]["symbol"], figures)
            return
        word = "none" if failed is None else str(failed.get("reason") or failed["name"])
        counts["refused"][word] = counts["refused"].get(word, 0) + 1
        if failed is None or not failed.get("reason") or not str(failed["text"]).strip():
            text = f"decision {data['id']} refused a signal and does not say why"
            self._blame(row, "refusal_without_reason", text, None)

    # --- the life of a deal -------------------------------------------------------------------

    def opened(self, row: Row) -> None:
        data = row["data"]
        number = int(data["deal_id"])
        if number in self.lives:
            self._blame(row, "deal_twice", f"deal {number} was opened before", number)
            return
        self.lives[number] = DealLife(
            id=number,
            symbol=data["symbol"],
            base=data["base"],
            quote=data["quote"],
            budget=Decimal(data["budget"]),
            seq=row["seq"],
            is_decided=self._is_decided(row, number),
            last_seq=row["seq"],
        )
        self._sessions.pairs[data["base"] + data["quote"]] = (data["base"], data["quote"])

    def _is_decided(self, row: Row, number: int) -> bool:
        data = row["data"]
        decision = data["decision_id"]
        plan = self._plans.pop(decision, None)
        if plan is None or plan.symbol != data["symbol"]:
            if (other := self._decided.get(decision)) is not None:
                text = f"deal {number} names decision {decision}, which opened deal {other}"
                self._blame(row, "order_without_decision", text, number)
            return False
        self._decided[decision] = number
        names = ("amount", "entry_price", "target_price", "budget")
        figures = tuple(Decimal(data[name]) for name in names)
        if figures != plan.figures:
            said = ", ".join(plain(value) for value in figures)
            meant = ", ".join(plain(value) for value in plan.figures)
            text = f"deal {number} opens with {said} ({', '.join(names)}), decided was {meant}"
            self._blame(row, "deal_numbers", text, number)
        return True

    def planned(self, row: Row) -> None:
        deal = self._deal(row)
        if deal is not None:
            deal.has_planned_sell = True

    def placed(self, row: Row, begun: list[OrderLife]) -> None:
        """An order command; `begun` are the orders that it really begins."""
        intent = begun[0].intent if begun else None
        if intent is None:
            return
        deal = self.lives.get(intent.deal)
        if deal is None:
            code = "order_without_decision" if intent.side == "BUY" else "order_without_deal"
            text = f"order {begun[0].id} serves deal {intent.deal}, which was never opened"
            self._blame(row, code, text, intent.deal)
            return
        if deal.status != "OPEN":
            text = f"order {begun[0].id} was sent for deal {deal.id}, which had ended"
            self._blame(row, "order_without_deal", text, deal.id)
        if intent.side == "BUY":
            self._check_buy(row, deal, begun[0])
        else:
            self._check_sell(row, deal, begun[0])
        deal.orders.extend(begun)

    def _check_buy(self, row: Row, deal: DealLife, order: OrderLife) -> None:
        intent = order.intent
        if not deal.is_decided:
            text = f"BUY {order.id} was sent without an approved decision before it"
            self._blame(row, "order_without_decision", text, deal.id)
        earlier = [known for known in deal.orders if known.intent.side == "BUY"]
        why = self._sessions.why_no_buy(deal.symbol, is_new_deal=not earlier)
        if why is not None:
            self._blame(row, why[0], f"BUY {order.id} was sent while {why[1]}", deal.id)
        for known in earlier:
            is_whole = known is earlier[-1] and known.filled >= known.intent.amount
            if known.is_open or is_whole:
                state = "may rest on the exchange" if known.is_open else "was filled whole"
                text = f"BUY {order.id} was sent while {known.id} {state}"
                self._blame(row, "bought_twice", text, deal.id)
        if not deal.has_planned_sell:
            text = f"BUY {order.id} was sent without a planned SELL"
            self._blame(row, "buy_without_sell", text, deal.id)
        deal.has_planned_sell = False
        spent = deal.cost + intent.amount * (intent.price or ZERO)
        if spent > deal.budget:
            text = f"BUY {order.id} makes it {plain(spent)} of a budget of {plain(deal.budget)}"
            self._blame(row, "over_budget", text, deal.id)

    def _check_sell(self, row: Row, deal: DealLife, order: OrderLife) -> None:
        """No SELL for more than is held and not offered by another SELL already."""
        offered: dict[str, Decimal] = {}
        for known in deal.orders:
            if known.intent.side == "SELL" and known.is_open:
                group = known.intent.list_id or known.id
                offered[group] = max(offered.get(group, ZERO), known.remaining)
        free = deal.sellable - deal.sold - sum(offered.values(), ZERO)
        if order.intent.amount > free:
            text = (
                f"SELL {order.id} of {plain(order.intent.amount)} was sent while the deal had "
                f"{plain(free)} {deal.base} to sell"
            )
            self._blame(row, "oversell", text, deal.id)

    # --- what the exchange said ---------------------------------------------------------------

    def rests(self, row: Row, order: OrderLife) -> None:
        """An order that is on the exchange: the deal that it serves has not ended."""
        deal = self.lives.get(order.intent.deal)
        if deal is not None:
            self._live_again(row, deal)

    @staticmethod
    def _live_again(row: Row, deal: DealLife) -> None:
        """The exchange has the last word: what ended lives again until it is settled anew."""
        if deal.status != "OPEN":
            deal.status, deal.ended_seq = "OPEN", None
            deal.last_seq = row["seq"]

    # --- fills and fees -----------------------------------------------------------------------

    def filled(self, row: Row, order: OrderLife, fill: Fill) -> None:
        deal = self.lives.get(order.intent.deal)
        if deal is None:
            return
        self._live_again(row, deal)
        deal.last_seq = row["seq"]
        if fill.side == "BUY":
            deal.bought += fill.amount
            deal.cost += fill.amount * fill.price
        else:
            deal.sold += fill.amount
            deal.proceeds += fill.amount * fill.price
        self._book_fee(deal, fill)
        if deal.sold > deal.sellable and not deal.is_blamed:
            deal.is_blamed = True
            text = (
                f"deal {deal.id} sold {plain(deal.sold)} {deal.base} and had {plain(deal.sellable)}"
            )
            self._blame(row, "oversell", text, deal.id)
        self._check_pair(row, deal, order)

    def _book_fee(self, deal: DealLife, fill: Fill) -> None:
        if not fill.fee:
            return
        fees = self._report.fees
        fees[fill.fee_asset] = fees.get(fill.fee_asset, ZERO) + fill.fee
        if fill.fee_asset == deal.base:
            deal.base_fees += fill.fee
            if fill.side == "BUY":
                deal.base_fees_bought += fill.fee
        elif fill.fee_asset == deal.quote:
            deal.fees_quote += fill.fee
        else:
            self.unvalued_fees += 1

    def _check_pair(self, row: Row, deal: DealLife, order: OrderLife) -> None:
        """Of target and stop of one list only one may trade."""
        if order.intent.list_id is None:
            return
        for other in deal.orders:
            is_sibling = other.intent.list_id == order.intent.list_id and other.id != order.id
            if is_sibling and other.filled:
                text = f"{order.id} and {other.id} of one list both traded"
                self._blame(row, "both_legs_traded", text, deal.id)

    def fee_valued(self, row: Row) -> None:
        deal = self._deal(row)
        if deal is None:
            return
        data = row["data"]
        fill = next(
            (
                known
                for side in ("BUY", "SELL")
                if (key := (deal.base + deal.quote, str(data["trade_id"]), side))
                in self._orders.fills
                and not (known := self._orders.fills[key]).is_valued
                and self._orders.lives[known.order_id].intent.deal == deal.id
            ),
            None,
        )
        if fill is None or fill.fee_asset in (deal.base, deal.quote):
            text = f"the fee of trade {data['trade_id']} is valued, which needs no value or has one"
            self._blame(row, "deal_numbers", text, deal.id)
            return
        fill.is_valued = True
        self.unvalued_fees -= 1
        deal.fees_quote += Decimal(data["fee_quote"])
        deal.last_seq = row["seq"]

    # --- dust ---------------------------------------------------------------------------------

    def dust_taken(self, row: Row) -> None:
        deal = self._deal(row)
        if deal is None:
            return
        data = row["data"]
        amount, cost = Decimal(data["amount"]), Decimal(data["cost"])
        known, known_cost = self._dust.get(data["asset"], (ZERO, ZERO))
        if amount > known:
            text = f"{plain(amount)} {data['asset']} of dust were taken, there were {plain(known)}"
            self._blame(row, "deal_numbers", text, deal.id)
        elif not _is_share(cost, known_cost, amount, known):
            text = f"dust of {plain(amount)} {data['asset']} is said to have cost {plain(cost)}"
            self._blame(row, "deal_numbers", text, deal.id)
        self._dust[data["asset"]] = known - amount, known_cost - cost
        deal.dust_in += amount
        deal.dust_in_cost += cost
        deal.last_seq = row["seq"]

    def dust_booked(self, row: Row) -> None:
        deal = self._deal(row)
        if deal is None:
            return
        data = row["data"]
        amount, cost = Decimal(data["amount"]), Decimal(data["cost"])
        if amount != deal.held:
            text = f"{plain(amount)} {deal.base} are booked as dust, held were {plain(deal.held)}"
            self._blame(row, "deal_numbers", text, deal.id)
        all_cost, all_coins = deal.dust_base
        if not _is_share(cost, all_cost, amount, all_coins):
            text = f"dust of {plain(amount)} {deal.base} is said to have cost {plain(cost)}"
            self._blame(row, "deal_numbers", text, deal.id)
        self._check_is_dust(row, deal, amount)
        known, known_cost = self._dust.get(data["asset"], (ZERO, ZERO))
        self._dust[data["asset"]] = known + amount, known_cost + cost
        deal.dust_out += amount
        deal.dust_out_cost += cost
        deal.last_seq = row["seq"]

    def _check_is_dust(self, row: Row, deal: DealLife, amount: Decimal) -> None:
        known = self._sessions.filters.get(deal.symbol)
        if known is None or amount < known.lot_size or not deal.bought:
            return
        worth = amount * deal.cost / deal.bought
        if worth >= DUST_NOTIONALS * known.minimum_notional:
            text = f"{plain(amount)} {deal.base}, bought for {worth:.2f} {deal.quote}, are no dust"
            self._blame(row, "deal_closed_with_coins", text, deal.id)

    # --- the end ------------------------------------------------------------------------------

    def ended(self, row: Row) -> None:
        deal = self._deal(row)
        if deal is None:
            return
        if deal.status != "OPEN":
            text = f"deal {deal.id} ended in row {deal.ended_seq} already"
            self._blame(row, "deal_twice", text, deal.id)
        deal.status = "CLOSED" if row["type"] == "DealClosed" else "CANCELED"
        deal.ended_seq = deal.last_seq = row["seq"]
        for order in deal.orders:
            if order.is_open:
                text = f"deal {deal.id} ended while {order.id} may rest on the exchange"
                self._blame(row, "deal_ended_with_open_order", text, deal.id)
            if order.told_filled > order.filled:
                text = (
                    f"deal {deal.id} ended while fills of {order.id} are missing: the exchange "
                    f"told {plain(order.told_filled)}, the journal holds {plain(order.filled)}"
                )
                self._blame(row, "fill_missing", text, deal.id)
        self._check_figures(row, deal)
        self._check_coins(row, deal)

    def _check_figures(self, row: Row, deal: DealLife) -> None:
        """Figures of the row itself, where a version of the journal writes them down."""
        wanted = {"pnl_net": deal.pnl_net, "bought": deal.bought, "sold": deal.sold}
        for name, value in wanted.items():
            said = row["data"].get(name)
            if said is not None and Decimal(said) != value:
                text = f"deal {deal.id}: {name} is said to be {said}, the fills say {plain(value)}"
                self._blame(row, "deal_numbers", text, deal.id)
        if deal.status == "CANCELED" and deal.sold:
            text = f"deal {deal.id} is canceled and sold {plain(deal.sold)} {deal.base}"
            self._blame(row, "deal_numbers", text, deal.id)

    def _check_coins(self, row: Row, deal: DealLife) -> None:
        if not deal.held:
            return
        if deal.status == "CLOSED" and deal.held > 0 and _was_refused_for_want(deal):
            lost = self._report.written_off
            lost[deal.base] = lost.get(deal.base, ZERO) + deal.held
            return
        text = f"deal {deal.id} ended with {plain(deal.held)} {deal.base} in it"
        self._blame(row, "deal_closed_with_coins", text, deal.id)

    def _deal(self, row: Row) -> DealLife | None:
        number = int(row["data"]["deal_id"])
        deal = self.lives.get(number)
        if deal is None:
            text = f"{row['type']} of deal {number}, which was never opened"
            self._blame(row, "order_without_deal", text, number)
        return deal

    def _blame(self, row: Row, code: str, text: str, deal: int | None) -> None:
        self._report.blame(code, text, row["seq"], deal)

    # --- sums ---------------------------------------------------------------------------------

    def sum_up(self) -> None:
        report, counts = self._report, self._report.deals
        counts["opened"] = len(self.lives)
        for deal in self.lives.values():
            counts[deal.status.lower()] += 1  # type: ignore[literal-required]
            is_closed = deal.status == "CLOSED"
            if is_closed:
                report.pnl_net[deal.quote] = report.pnl_net.get(deal.quote, ZERO) + deal.pnl_net
            report.deal_results[deal.id] = DealResult(
                status=deal.status,
                symbol=deal.symbol,
                bought=deal.bought,
                cost=deal.cost,
                sold=deal.sold,
                proceeds=deal.proceeds,
                pnl_net=deal.pnl_net if is_closed else None,
            )
        report.pnl_net, report.fees = tidy(report.pnl_net), tidy(report.fees)
        if self.unvalued_fees > 0:
            report.notes.append(
                f"{self.unvalued_fees} fee(s) in a third asset have no value in quote currency; "
                "they are in the ledger and not in the profit"
            )


def _is_share(cost: Decimal, all_cost: Decimal, amount: Decimal, all_coins: Decimal) -> bool:
    """True when `cost` is the part of `all_cost` that falls on `amount`, to the smallest unit."""
    if not all_coins:
        return not cost
    share = (all_cost * amount / all_coins).quantize(MONEY_UNIT, rounding=ROUND_HALF_EVEN)
    return abs(share - cost) <= MONEY_UNIT


def _was_refused_for_want(deal: DealLife) -> bool:
    """The exchange refused its last SELL because the coins were not there."""
    last = next((one for one in reversed(deal.orders) if one.intent.side == "SELL"), None)
    return last is not None and last.is_rejected and last.reject_reason == "insufficient_balance"
