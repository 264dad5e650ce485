"""What the bot does with its deals: watches them, moves them on, hears of their orders."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

from tests.reference.plain_deals import (
    Deal,
    Order,
    PlainEnd,
    PlainFill,
    PlainSignal,
    amount_down,
    down,
    money,
    sellable,
    up,
)
from tests.reference.plain_settings import PlainFilters, PlainSettings

ANSWER_MS_MAX = 15_000


class PlainBot:
    """`queue` holds what it wants done: (ts, what, deal, orders)."""

    def __init__(self, settings: PlainSettings, filters: PlainFilters) -> None:
        self.settings, self.filters = settings, filters
        self.queue: list[tuple[int, str, Deal, tuple[Order, ...]]] = []
        self.open: list[Deal] = []
        self.signals: list[PlainSignal] = []
        self.fills: list[PlainFill] = []
        self.ends: list[PlainEnd] = []
        self.dust, self.dust_cost = D(0), D(0)
        self.last_approved_ts: int | None = None
        self.last_loss_ts: int | None = None
        self.price = self.bid = self.ask = D(0)
        self._entry_check_ts = 0

    def _send(self, ts: int, what: str, deal: Deal, *orders: Order) -> None:
        self.queue.append((ts + self.settings.latency_ms, what, deal, orders))

    def _new_order(self, ts: int, deal: Deal, role: str, amount: D, price: D | None) -> Order:
        order = Order(deal, role, amount, price, sent_ts=ts, updated_ts=ts)
        deal.orders.append(order)
        return order

    # --- opening ----------------------------------------------------------------------------------

    def open_deal(self, ts: int, entry: D, amount: D, target: D, budget: D) -> None:
        """Only the BUY is sent."""
        number = sum(not signal.refused_by for signal in self.signals)
        deal = Deal(number, ts, budget, entry, target)
        self.open.append(deal)
        self._send_entry(ts, deal, amount, entry)

    def _send_entry(self, ts: int, deal: Deal, amount: D, price: D) -> None:
        deal.entry = self._new_order(ts, deal, "entry", amount, price)
        deal.entries_sent += 1
        deal.entry_sent_ts = ts
        self._send(ts, "place", deal, deal.entry)

    # --- what the market says ---------------------------------------------------------------------

    def see_price(self, ts: int, price: D, bid: D, ask: D) -> None:
        self.price, self.bid, self.ask = price, bid, ask
        for deal in list(self.open):
            self._watch_loss(ts, deal)

    def tick(self, ts: int) -> None:
        """The monitors look whether their time has come."""
        is_due = ts >= self._entry_check_ts
        if is_due:
            self._entry_check_ts = ts + self.settings.check_interval_ms
        for deal in list(self.open):
            if is_due or deal.first_fill_ts is not None:
                self._watch_entry(ts, deal)
            self._watch_loss(ts, deal)
            self._advance(ts, deal)

    def _watch_entry(self, ts: int, deal: Deal) -> None:
        entry = deal.entry
        if entry is not None and entry.is_working and self._is_stale(ts, deal, entry):
            self._cancel(ts, entry)

    def _is_stale(self, ts: int, deal: Deal, entry: Order) -> bool:
        settings = self.settings
        first = deal.first_fill_ts
        is_due = first is not None and ts - first >= settings.grace_ms
        if is_due and sellable(deal.held, self._stop_price(deal), self.filters):
            return True
        minutes = min(settings.max_age_minutes, D(settings.order_life_minutes))
        if ts - entry.sent_ts > minutes * 60_000:
            return True
        assert entry.price is not None
        return (1 - entry.price / self.price) * 100 > settings.max_price_deviation_percent

    def _watch_loss(self, ts: int, deal: Deal) -> None:
        """Three levels under the entry; a modelled book never gives a reason to wait at the
        second."""
        settings = self.settings
        if not settings.is_loss_watched or deal.exit_reason is not None or not deal.bought:
            return
        loss = (1 - self.bid / deal.average_entry) * 100
        if loss >= settings.emergency_percent:
            self._leave(ts, deal, "emergency")
        elif loss >= settings.orderbook_percent:
            self._leave(ts, deal, "stop_loss")
        elif loss >= settings.warning_percent and not deal.is_warned:
            deal.is_warned = True
            self._advance(ts, deal)

    def _leave(self, ts: int, deal: Deal, reason: str) -> None:
        deal.exit_reason = reason
        deal.failures = deal.failures_answered = deal.retry_ts = 0
        self._advance(ts, deal)

    # --- moving a deal on -------------------------------------------------------------------------

    def _advance(self, ts: int, deal: Deal) -> None:
        while not deal.is_ended and self._step(ts, deal):
            pass

    def _step(self, ts: int, deal: Deal) -> bool:
        """The next thing that the deal needs; False when there is none."""
        if self._ask(ts, deal):
            return True
        entry = deal.entry
        if deal.exit_reason is not None and entry is not None and self._cancel(ts, entry):
            return True
        if self._sell(ts, deal):
            return True
        if ts < deal.retry_ts:
            return False
        if not deal.open_exits and self._go_on_buying(ts, deal):
            return True
        return self._complete(ts, deal)

    def _ask(self, ts: int, deal: Deal) -> bool:
        """After orders that have had no answer for a long time; a gap in the market does that."""
        has_asked = False
        for order in deal.orders:
            since = order.cancel_ts if order.is_working else order.sent_ts
            if not order.is_open or since is None or ts - since <= ANSWER_MS_MAX:
                continue
            pause = min(1_000 << min(order.ask_count, 10), 60_000)
            if order.asked_ts is None or ts - order.asked_ts >= pause:
                order.asked_ts, order.ask_count = ts, order.ask_count + 1
                self._send(ts, "ask", deal, order)
                has_asked = True
        return has_asked

    def _cancel(self, ts: int, *orders: Order) -> bool:
        if not any(order.is_working for order in orders):
            return False
        if any(order.cancel_ts is not None for order in orders):
            return False
        for order in orders:
            if order.is_open:
                order.cancel_ts, order.was_canceled_by_us = ts, True
        self._send(ts, "cancel", orders[0].deal, *orders)
        return True

    # --- selling ----------------------------------------------------------------------------------

    def _sell(self, ts: int, deal: Deal) -> bool:
        if deal.exit_reason is not None:
            has_canceled = self._cancel_exits(ts, deal)
            if has_canceled or deal.open_exits:
                return has_canceled
        elif deal.open_exits:
            return self._guard_lone_target(ts, deal)
        if not deal.is_entry_over or ts < deal.retry_ts:
            return False
        last = deal.last_sell
        if last is not None and deal.failures > deal.failures_answered:
            pause = min(1_000 * 2 ** min(deal.failures - 1, 10), 30_000)
            deal.retry_ts, deal.failures_answered = last.updated_ts + pause, deal.failures
            self._send(ts, "balances", deal)
            return True
        amount = amount_down(deal.held + self.dust, self.filters)
        if deal.exit_reason is not None:
            return self._get_out(ts, deal, amount)
        return self._protect(ts, deal, amount)

    def _cancel_exits(self, ts: int, deal: Deal) -> bool:
        target, stop = deal.target, deal.stop
        if (
            target is not None
            and stop is not None
            and target.is_paired
            and (target.is_working or stop.is_working)
        ):
            return self._cancel(ts, target, stop)
        done = [self._cancel(ts, one) for one in deal.open_exits if one.role != "exit"]
        return any(done)

    def _guard_lone_target(self, ts: int, deal: Deal) -> bool:
        """A target that began to fill lost its stop: the rest is taken back and paired anew."""
        target, since = deal.target, deal.unprotected_since_ts
        if target is None or since is None or ts - since < self.settings.grace_ms:
            return False
        if any(order.role == "stop" for order in deal.open_exits):
            return False
        if self.bid >= deal.target_price:
            return False  # it would only be placed alone again
        if not sellable(deal.held, self._stop_price(deal), self.filters):
            return False
        return self._cancel(ts, target)

    def _stop_price(self, deal: Deal) -> D:
        return down(deal.average_entry * (1 - self.settings.stop_percent / 100), self.filters.tick)

    def _protect(self, ts: int, deal: Deal, amount: D) -> bool:
        stop_price = self._stop_price(deal)
        if not sellable(amount, stop_price, self.filters):
            is_final = deal.is_given_up or deal.sold > 0
            if not is_final or not sellable(amount, self.bid, self.filters):
                return False
            self._take_dust(deal, amount)
            self._send_target(ts, deal, amount)
            return True
        if self.bid <= stop_price:
            deal.exit_reason = "exchange_stop"
            deal.failures = deal.failures_answered = deal.retry_ts = 0
            return True
        self._take_dust(deal, amount)
        if self.bid >= deal.target_price:
            self._send_target(ts, deal, amount)
            return True
        target = self._new_order(ts, deal, "target", amount, deal.target_price)
        stop = self._new_order(ts, deal, "stop", amount, stop_price)
        target.is_paired = stop.is_paired = True
        deal.target, deal.stop = target, stop
        self._send(ts, "pair", deal, target, stop)
        return True

    def _send_target(self, ts: int, deal: Deal, amount: D) -> None:
        deal.target = self._new_order(ts, deal, "target", amount, deal.target_price)
        self._send(ts, "place", deal, deal.target)

    def _get_out(self, ts: int, deal: Deal, amount: D) -> bool:
        amount = amount_down(min(amount, self.filters.most_market_amount), self.filters)
        if not sellable(amount, self.bid, self.filters):
            return False
        self._take_dust(deal, amount)
        order = self._new_order(ts, deal, "exit", amount, None)
        order.kind = "market"
        if self.settings.is_limit_exit_first and not deal.has_tried_exit:
            order.kind, order.price = "ioc", down(self.bid * D("0.998"), self.filters.tick)
        deal.has_tried_exit = True
        deal.target = order
        self._send(ts, "place", deal, order)
        return True

    def _take_dust(self, deal: Deal, amount: D) -> None:
        """What earlier deals left behind completes a lot of this one."""
        needed = amount - deal.held
        if needed <= 0 or self.dust <= 0:
            return
        cost = money(self.dust_cost * needed / self.dust)
        deal.dust_in, deal.dust_in_cost = deal.dust_in + needed, deal.dust_in_cost + cost
        self.dust, self.dust_cost = self.dust - needed, self.dust_cost - cost

    # --- buying on, and the end -------------------------------------------------------------------

    def _go_on_buying(self, ts: int, deal: Deal) -> bool:
        """A BUY that is gone before it brought enough: made anew a little lower, or given up."""
        entry, settings = deal.entry, self.settings
        if entry is None or entry.is_open or deal.is_given_up or deal.sold > 0:
            return False
        if (
            deal.exit_reason is not None
            or entry.status == "filled"
            or entry.refusal is not None
            or not entry.was_canceled_by_us
            or deal.entries_sent > settings.max_recreations
        ):
            deal.is_given_up = True
            if entry.refusal is not None:
                self._send(ts, "balances", deal)
            return True
        price = down(self.price * D("0.999"), self.filters.tick)
        rest = deal.budget - deal.cost - deal.fees
        amount = D(0)
        if price > 0:
            amount = amount_down(rest / (price * (1 + settings.taker_fee)), self.filters)
        if not amount or amount * price < self.filters.least_notional:
            deal.is_given_up = True
            return True
        average = (deal.cost + amount * price) / (deal.bought + amount)
        deal.target_price = up(average * (1 + settings.profit_markup / 100), self.filters.tick)
        self._send_entry(ts, deal, amount, price)
        return True

    def _complete(self, ts: int, deal: Deal) -> bool:
        if not deal.is_entry_over or deal.open_exits:
            return False
        if not deal.bought:
            if not deal.is_given_up:
                return False
            return self._end(ts, deal, "canceled")
        if sellable(deal.held, self.price, self.filters):
            return False
        if not deal.sold and not deal.is_given_up:
            return False
        if deal.held:
            paid = deal.cost + deal.dust_in_cost
            cost = money(deal.held * paid / (deal.bought + deal.dust_in))
            held = deal.held
            deal.dust_out, deal.dust_out_cost = deal.dust_out + held, deal.dust_out_cost + cost
            self.dust, self.dust_cost = self.dust + held, self.dust_cost + cost
        return self._end(ts, deal, self._how(deal) if deal.sold else "canceled")

    @staticmethod
    def _how(deal: Deal) -> str:
        if deal.exit_reason is not None:
            return deal.exit_reason
        last = next(one for one in reversed(deal.orders) if one.role != "entry" and one.filled)
        return {"stop": "stopped on the exchange", "target": "target reached"}[last.role]

    def _end(self, ts: int, deal: Deal, how: str) -> bool:
        deal.is_ended = True
        self.open.remove(deal)
        if how == "canceled":
            self.ends.append(PlainEnd(deal.number, deal.opened_ts, ts, how))
            return True
        if deal.net < 0:
            self.last_loss_ts = ts
        result = (deal.cost, deal.net, deal.fees)
        self.ends.append(PlainEnd(deal.number, deal.opened_ts, ts, how, *result))
        return True

    # --- what the exchange says -------------------------------------------------------------------

    def hear(self, ts: int, what: str, order: Order, *facts: Any) -> None:
        deal = order.deal
        match what:
            case "accepted":
                order.status = "open" if order.status == "sent" else order.status
                order.updated_ts = ts
            case "fill":
                self._book_fill(ts, order, *facts)
            case "canceled":
                if order.kind == "market" and order.is_open:
                    deal.failures += 1
                order.status, order.updated_ts = "canceled", ts
            case "refused":
                order.status, order.updated_ts, order.refusal = "failed", ts, facts[0]
                if order.role != "entry" and not (order.role == "target" and order.is_paired):
                    deal.failures += 1
            case "cancel_refused":
                assert not order.is_open, "a cancel is refused only for what is over"
                order.cancel_ts = None
            case "told":
                order.updated_ts = order.updated_ts if order.status == "filled" else ts
        self._note_protection(ts, deal)
        self._advance(ts, deal)

    def _book_fill(
        self, ts: int, order: Order, price: D, amount: D, fee: D, is_maker: bool
    ) -> None:
        deal = order.deal
        is_buy = order.role == "entry"
        self.fills.append(PlainFill(ts, deal.number, is_buy, price, amount, fee, is_maker))
        order.filled += amount
        order.status = "filled" if order.filled >= order.amount else "part"
        order.updated_ts = ts
        if is_buy:
            deal.bought, deal.cost = deal.bought + amount, deal.cost + price * amount
            deal.fee_base, deal.fee_base_in_quote = (
                deal.fee_base + fee,
                deal.fee_base_in_quote + fee * price,
            )
            deal.first_fill_ts = ts if deal.first_fill_ts is None else deal.first_fill_ts
        else:
            deal.sold, deal.proceeds = deal.sold + amount, deal.proceeds + price * amount
            deal.fee_quote += fee
            deal.failures = deal.failures_answered = 0

    def _note_protection(self, ts: int, deal: Deal) -> None:
        """Since when what is held has had no stop."""
        is_at_risk = not deal.is_ended and deal.bought > 0
        if is_at_risk and not sellable(deal.held, deal.average_entry, self.filters):
            is_at_risk = False
        if not is_at_risk or (deal.stop is not None and deal.stop.is_working):
            deal.unprotected_since_ts = None
        elif deal.unprotected_since_ts is None:
            deal.unprotected_since_ts = ts
