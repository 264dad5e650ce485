"""The far end of the network: the exchange's own core and dispatch table, and the wires to them.

A request travels, is carried out and its answer travels back, each with its own delay; the faults
that are armed decide what is lost, doubled, refused or late on the way.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from autotrade.infrastructure.audit import ExchangeHistory
from autotrade.infrastructure.connectors.in_process_client import Refused
from autotrade.infrastructure.fault_simulation.market import PairMarket, SimulatedMarket
from autotrade.infrastructure.fault_simulation.virtual_loop import Agenda
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    Market,
    MarketStatus,
    OrderChanged,
    OrderKind,
    OrderRequest,
    Output,
    Side,
)
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind
from autotrade.infrastructure.simulated_exchange.market.source import MarketTrade
from autotrade.infrastructure.simulated_exchange.wire import shapes
from autotrade.infrastructure.simulated_exchange.wire.dispatch import Incoming
from autotrade.infrastructure.simulated_exchange.wire.errors import WireRefusal
from autotrade.infrastructure.simulated_exchange.wire.keys import ApiKey
from autotrade.infrastructure.simulated_exchange.wire.server import ExchangeServer
from autotrade.infrastructure.simulated_exchange.wire.user_events import user_event

ACCOUNT = "simulation"
ADDRESS = "simulated"
START_QUOTE = Decimal(10_000)
START_BNB = Decimal(2)
EVERYTHING = 1 << 30
DATES = ("time", "updateTime", "workingTime")
FILTER_NAMES = ("PRICE_FILTER", "LOT_SIZE", "NOTIONAL", "PERCENT_PRICE_BY_SIDE")

BNB = Market(
    symbol="BNBUSDT",
    base="BNB",
    quote="USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.001"),
    minimum_amount=Decimal("0.001"),
    maximum_amount=Decimal(1_000_000),
    minimum_price=Decimal("0.01"),
    maximum_price=Decimal(1_000_000),
    minimum_notional=Decimal(5),
)
"""Listed for the worth of fees in BNB; nobody trades it."""


class Reply(Protocol):
    """Where an answer arrives: a result, or the exchange's refusal; with the answer's headers."""

    def __call__(
        self, result: Any, refusal: ExchangeError | None, headers: Mapping[str, str]
    ) -> None: ...


class Watch(Protocol):
    """Who looks at what reaches the exchange and what it does (invariants.py)."""

    def on_order_request(self, path: str, sent: Mapping[str, Any]) -> None: ...

    def on_outputs(self, outputs: Sequence[Output]) -> None: ...

    def violate(self, invariant: str, text: str) -> None: ...


@dataclass(slots=True)
class ArmedFault:
    """A fault that waits for the next request it fits."""

    kind: FaultKind
    left: int
    is_for_orders: bool
    until_seconds: float
    rng: random.Random


class ExchangeEnd:
    def __init__(self, agenda: Agenda, market: SimulatedMarket, seed: int) -> None:
        self._agenda, self.market = agenda, market
        self._random = random.Random(f"{seed}:network")
        self.pays_fees_in_bnb = seed % 4 == 3
        self.core = SimulatedExchange(
            [*(pair.market for pair in market.pairs), BNB], start_ts=agenda.start_ms
        )
        self.core.apply(MarketTrade(agenda.start_ms, "BNBUSDT", 60_000, 1_000, Side.BUY))
        balances = {"USDT": START_QUOTE} | ({"BNB": START_BNB} if self.pays_fees_in_bnb else {})
        self.core.open_account(ACCOUNT, balances, pays_fees_in_bnb=self.pays_fees_in_bnb)
        self.server = ExchangeServer(self.core, settle=self._settle, on_outputs=self._on_outputs)
        self._key = ApiKey(ADDRESS, ACCOUNT)
        self.watch: Watch | None = None
        self.on_armed_used: Callable[[ArmedFault, str], None] = lambda fault, path: None
        self.on_order_sent: Callable[[], None] = lambda: None
        self.armed: list[ArmedFault] = []
        self.stay_away_until = 0.0
        self.is_key_expired = False
        self.transfers: list[dict[str, Any]] = []
        self._touch: dict[str, tuple[int, int]] = {}
        self._brought_up: dict[str, float] = {}
        self._changed: set[str] = set()
        self.streams: list[UserSocket] = []
        self.user_stream_is_silent = False
        self._event_number = 0
        for pair in market.pairs:
            self.bring_up(pair)

    # --- the market reaches the core only where it matters ------------------------------------

    def bring_up(self, pair: PairMarket) -> None:
        """Lay the market's present liquidity into the core, and let it trade once."""
        self._brought_up[pair.symbol] = self._agenda.seconds
        ts = max(self.core.now, self._agenda.now_ms)
        for fact in self.market.facts(pair, ts):
            self.core.apply(fact)
        self.server.publish(self.core.drain())

    def second(self) -> None:
        """The market moved: whoever rests where it now stands may trade."""
        if self._changed:
            self._find_touch()
        for pair in self.market.pairs:
            touch = self._touch.get(pair.symbol)
            if touch is not None and (pair.price <= touch[0] or pair.price >= touch[1]):
                self.bring_up(pair)

    def _find_touch(self) -> None:
        """The prices of each pair at which one of the account's orders may trade or trigger."""
        for symbol in self._changed:
            tick = self.market.by_symbol[symbol].market.tick_size
            below, above = -1, 1 << 60
            for order in self.core.open_orders(ACCOUNT, symbol):
                price = order.stop_price if order.stop_price else order.price
                ticks = int(price / tick)
                is_above = order.side is Side.SELL and not order.stop_price
                if is_above:
                    above = min(above, ticks - 1)
                else:
                    below = max(below, ticks + 2)
            self._touch[symbol] = (below, above)
        self._changed.clear()

    def _settle(self) -> None:
        self.core.advance(max(self.core.now, self._agenda.now_ms))

    def _on_outputs(self, outputs: Sequence[Output]) -> None:
        if self.watch is not None:
            self.watch.on_outputs(outputs)
        for output in outputs:
            if isinstance(output, OrderChanged):
                self._changed.add(output.order.symbol)
            self._event_number += 1
            event = user_event(output, self._event_number)
            if event is not None:
                for stream in self.streams:
                    stream.send(event)

    # --- requests -----------------------------------------------------------------------------

    def request(self, verb: str, path: str, sent: dict[str, Any], reply: Reply) -> None:
        """Send a request on its way; `reply` may be called later, or never."""
        is_order = path.startswith("order") and verb in ("POST", "DELETE")
        fault = self._fault_for(path, is_order)
        if is_order:
            self.on_order_sent()
        out = self._delay(fault if fault and fault.kind is FaultKind.REQUEST_DELAYED else None)
        self._agenda.after(out, lambda: self._arrive(verb, path, sent, reply, fault))

    def _delay(self, fault: ArmedFault | None) -> float:
        if fault is not None:
            return fault.rng.uniform(0.3, 9.0)
        return self._random.uniform(0.002, 0.02)

    def _fault_for(self, path: str, is_order: bool) -> ArmedFault | None:
        for fault in self.armed:
            if fault.is_for_orders and not is_order:
                continue
            if fault.kind is FaultKind.REJECTED and not path.startswith("order"):
                continue
            fault.left -= 1
            if fault.left <= 0:
                self.armed.remove(fault)
            self.on_armed_used(fault, path)
            return fault
        return None

    def expire_armed(self) -> None:
        """Faults that met no request in their time are over."""
        self.armed = [one for one in self.armed if one.until_seconds > self._agenda.seconds]

    def _arrive(
        self,
        verb: str,
        path: str,
        sent: dict[str, Any],
        reply: Reply,
        fault: ArmedFault | None,
    ) -> None:
        kind = fault.kind if fault is not None else None
        if kind is FaultKind.REQUEST_LOST:
            return
        refusal = self._refusal_at_the_gate(path)
        is_hidden = False
        if refusal is None and fault is not None:
            refusal = self._refusal_of(verb, fault)
            is_hidden = kind in (FaultKind.SERVER_ERROR, FaultKind.STATUS_UNKNOWN)
        result: Any = None
        if refusal is None or (is_hidden and fault is not None and fault.rng.random() < 0.5):
            result, true_refusal = self._carry_out(verb, path, sent)
            # HTTP clients repeat a broken request by themselves where that is harmless: not a POST
            if kind is FaultKind.REQUEST_DUPLICATED and verb != "POST":
                result, true_refusal = self._carry_out(verb, path, sent)
            refusal = refusal or true_refusal
        if kind is FaultKind.REPLY_LOST:
            return
        headers = dict(getattr(refusal, "headers", {}))
        used = self.server.limiter.used_weight(ADDRESS, self.server.now_ms())
        headers["X-MBX-USED-WEIGHT-1M"] = str(used)
        answer = None if refusal is not None else result
        back = self._random.uniform(0.002, 0.02)
        self._agenda.after(back, lambda: reply(answer, refusal, headers))

    def _refusal_at_the_gate(self, path: str) -> ExchangeError | None:
        """Of whom the exchange does not even listen to: nothing is executed then."""
        seconds = self._agenda.seconds
        if seconds < self.stay_away_until:
            left = int(self.stay_away_until - seconds) + 1
            return WireRefusal(-1003, "Way too many requests.", 418, headers=_retry_after(left))
        if self.is_key_expired and path not in ("time", "klines", "exchangeInfo"):
            return ExchangeError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return None

    def _refusal_of(self, verb: str, fault: ArmedFault) -> ExchangeError | None:
        match fault.kind:
            case FaultKind.RATE_LIMITED | FaultKind.BANNED:
                is_ban = fault.kind is FaultKind.BANNED
                left = fault.rng.randrange(30, 120) if is_ban else fault.rng.randrange(1, 15)
                self.stay_away_until = self._agenda.seconds + left
                status = 418 if is_ban else 429
                return WireRefusal(
                    -1003, "Too much request weight used.", status, headers=_retry_after(left)
                )
            case FaultKind.SERVER_ERROR:
                return ExchangeError(-1000, "Service unavailable.", 503)
            case FaultKind.STATUS_UNKNOWN:
                return ExchangeError(
                    -1007, "Timeout waiting for response; execution status unknown.", 408
                )
            case FaultKind.REJECTED if verb == "POST":
                name = fault.rng.choice(FILTER_NAMES)
                return ExchangeError(-1013, f"Filter failure: {name}")
        return None

    def _carry_out(
        self, verb: str, path: str, sent: dict[str, Any]
    ) -> tuple[Any, ExchangeError | None]:
        symbol = sent.get("symbol")
        is_for_market = symbol is not None and verb != "GET"
        if is_for_market and self._brought_up.get(symbol) != self._agenda.seconds:
            self.bring_up(self.market.by_symbol[symbol])
        if self.watch is not None and verb == "POST":
            self.watch.on_order_request(path, sent)
        incoming = Incoming(
            kind="REST",
            verb=verb,
            path=f"/api/v3/{path}",
            sent=sent,
            address=ADDRESS,
            key=None,
            payload=b"",
            signature=None,
            session_key=self._key,
        )
        try:
            return self.server.carry_out(incoming), None
        except ExchangeError as error:
            return None, error

    # --- the account's stream -----------------------------------------------------------------

    def attach(self, stream: UserSocket) -> None:
        self.streams.append(stream)

    def detach(self, stream: UserSocket) -> None:
        if stream in self.streams:
            self.streams.remove(stream)

    def close_streams(self, text: str) -> None:
        for stream in list(self.streams):
            self.detach(stream)
            stream.closed(text)

    # --- things done by hand or by the exchange itself ----------------------------------------

    def halt(self, pair: PairMarket, *, is_halted: bool) -> None:
        status = MarketStatus.HALT if is_halted else MarketStatus.TRADING
        self.core.set_market_status(pair.symbol, status)
        self.server.publish(self.core.drain())

    def cancel_by_hand(self, rng: random.Random) -> int:
        """One open order (with its list) is canceled on the exchange's own screen."""
        orders = self.core.open_orders(ACCOUNT)
        if not orders:
            return 0
        order = rng.choice(orders)
        self._settle()
        self.core.cancel(ACCOUNT, order.symbol, order_id=order.id)
        self.server.publish(self.core.drain())
        return 1

    def trade_by_hand(self, pair: PairMarket, rng: random.Random) -> None:
        """Somebody buys a little on the same account, with an id that is not ours."""
        self.bring_up(pair)
        amount = Decimal(rng.randrange(12, 40)) / pair.decimal(pair.price)
        quantity = (amount / pair.market.lot_size).to_integral_value() * pair.market.lot_size
        request = OrderRequest(pair.symbol, Side.BUY, OrderKind.MARKET, quantity=quantity)
        try:
            self.core.place(ACCOUNT, request)
        except ExchangeError:
            return  # refused, as it would be for anybody
        finally:
            self.server.publish(self.core.drain())

    def move_funds(self, asset: str, amount: Decimal) -> None:
        """Negative withdraws; the free part at most."""
        free = self.core.balances(ACCOUNT).get(asset, (Decimal(0), Decimal(0)))[0]
        moved = max(amount, -free)
        if moved:
            self._settle()
            self.core.deposit(ACCOUNT, asset, moved)
            self.transfers.append(
                {"asset": asset, "amount": str(moved), "time": self._agenda.now_ms}
            )
            self.server.publish(self.core.drain())

    # --- what it remembers --------------------------------------------------------------------

    def history(self) -> ExchangeHistory:
        """Everything of the account, in the shapes of the REST API, dated by the clock that the
        exchange shows: the bot's rows go by it, whatever fault it has."""
        skew_ms = self.server.faults.clock_skew_ms
        orders: list[dict[str, Any]] = []
        trades: list[dict[str, Any]] = []
        for pair in self.market.pairs:
            found = self.core.all_orders(ACCOUNT, pair.symbol, limit=EVERYTHING)
            orders.extend(shapes.queried_order(order) for order in found)
            executions = self.core.executions(ACCOUNT, pair.symbol, limit=EVERYTHING)
            trades.extend(shapes.own_trade(execution) for execution in executions)
        for row in (*orders, *trades):
            row |= {name: row[name] + skew_ms for name in DATES if name in row}
        balances = {
            asset: free + locked for asset, (free, locked) in self.core.balances(ACCOUNT).items()
        }
        return ExchangeHistory(orders, trades, balances, self.transfers)


class UserSocket:
    """The exchange's side of one subscription. Events keep their order unless a fault says not."""

    def __init__(
        self,
        agenda: Agenda,
        seed: str,
        deliver: Callable[[dict[str, Any]], None],
        on_closed: Callable[[str], None],
    ) -> None:
        self._agenda, self._random = agenda, random.Random(seed)
        self._deliver, self._on_closed = deliver, on_closed
        self._last_due = 0.0
        self.lost = self.repeated = 0
        self.delayed_until = 0.0
        self.is_silent = False

    def send(self, event: dict[str, Any]) -> None:
        if self.is_silent:
            return
        if self.lost > 0:
            self.lost -= 1
            return
        copies = 1
        if self.repeated > 0:
            self.repeated -= 1
            copies = 2
        for _ in range(copies):
            self._agenda.after(self._due_in(), lambda: self._deliver(event))

    def _due_in(self) -> float:
        now = self._agenda.seconds
        if now < self.delayed_until:
            return self._random.uniform(0.0, 4.0)
        due = max(self._last_due, now + self._random.uniform(0.001, 0.01))
        self._last_due = due
        return due - now

    def closed(self, text: str) -> None:
        self._agenda.after(self._random.uniform(0.001, 0.05), lambda: self._on_closed(text))


def _retry_after(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


__all__ = ["ACCOUNT", "ArmedFault", "ExchangeEnd", "Refused", "UserSocket"]
