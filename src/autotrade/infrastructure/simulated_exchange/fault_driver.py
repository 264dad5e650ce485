"""FaultDriver: plays a fault script against an exchange's sockets, on the exchange's clock.

Single events (a lost reply, a closed socket, a gap) happen `count` times, each as soon as there is
something that they can happen to. States (a ban, a silent stream, a halt) hold for `duration_s` and
are undone afterwards; a second one of the same kind and symbol only lengthens the first. What a
script leaves open is taken in turn, so that a script always does the same: the symbol, whether a
request was carried out, whether a socket is closed with a code.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from functools import partial
from itertools import count as numbers
from typing import Any

from autotrade.infrastructure.simulated_exchange import fault_requests
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    MarketStatus,
    OrderKind,
    OrderRequest,
    Side,
)
from autotrade.infrastructure.simulated_exchange.fault_frames import Fate, FrameFault, FrameFaults
from autotrade.infrastructure.simulated_exchange.fault_profile import check_kind
from autotrade.infrastructure.simulated_exchange.fault_requests import RequestFaults, stay_away
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind, ScriptedFault
from autotrade.infrastructure.simulated_exchange.market_faults import Bend, MarketBender
from autotrade.infrastructure.simulated_exchange.wire import errors
from autotrade.infrastructure.simulated_exchange.wire.client_socket import SERVICE_RESTART
from autotrade.infrastructure.simulated_exchange.wire.faults import ALWAYS
from autotrade.infrastructure.simulated_exchange.wire.server import ExchangeServer, SocketKind

RETRY_MS = 500
"""How soon (exchange's time) something is tried again that found nothing to happen to."""
SKEW_MS = 6_000
"""Of the client's machine: more than a request may be old by default (5 s) or early (1 s)."""
DELAY_SECONDS_MAX = 10.0
SECONDS_BY_DEFAULT = 20.0
COARSER = 4
"""The minimum notional becomes so many times what it was."""
MOVED_PART = Decimal("0.01")
BY_HAND_QUOTE = Decimal(20)
CENT = Decimal("0.01")
FEE_ASSET = "BNB"

Key = tuple[FaultKind, str]
Action = Callable[[], Any]


@dataclass(slots=True)
class _State:
    until_ts: int
    undo: Action


class FaultDriver:
    """A clockwork of the market's driver; `end` makes everything well again."""

    def __init__(
        self,
        server: ExchangeServer,
        faults: Iterable[ScriptedFault],
        *,
        account: str,
        bender: MarketBender,
        speed: float = 1.0,
        seed: int = 0,
    ) -> None:
        """`speed` turns the exchange's seconds into those for which a request is held up; `seed`
        chooses how late each delayed request or message is."""
        self.counts: Counter[FaultKind] = Counter()
        """How often each kind really happened: requests and messages met, states begun."""
        self._server, self._exchange = server, server.exchange
        self._account, self._bender = account, bender
        self._origin_ts = self._exchange.now
        self._faults: Iterator[ScriptedFault] = iter(faults)
        self._next = next(self._faults, None)
        self._agenda: list[tuple[int, int, Action]] = []
        self._numbers = numbers()
        self._turns: Counter[FaultKind] = Counter()
        self._states: dict[Key, _State] = {}
        choose = random.Random(seed)
        self._requests = RequestFaults(
            server.faults, self._count, lambda: choose.uniform(0, DELAY_SECONDS_MAX) / speed
        )
        self._frames = FrameFaults(
            self._count, lambda: round(choose.uniform(0, DELAY_SECONDS_MAX) * 1000), self._after
        )
        server.faults.frame_rule = self._frames.market_rule
        server.faults.user_frame_rule = self._frames.user_rule
        self._begin = self._table()

    # the clockwork

    def next_due_ts(self) -> int | None:
        due = [] if self._next is None else [self._ts_of(self._next)]
        if self._agenda:
            due.append(self._agenda[0][0])
        return min(due, default=None)

    def flush(self, ts: int) -> None:
        """Do what is due at `ts`; raises `BadFaultScript` for what no exchange can cause."""
        while self._next is not None and self._ts_of(self._next) <= ts:
            fault, self._next = self._next, next(self._faults, None)
            check_kind(fault.kind, f"fault at {fault.at_s:g} s")
            self._begin[fault.kind](fault)
        while self._agenda and self._agenda[0][0] <= ts:
            heapq.heappop(self._agenda)[2]()
        self._publish()

    def end(self) -> None:
        """No more faults: states are undone, what is held back is sent, plans are forgotten."""
        self._next = None
        self._agenda.clear()
        for state in list(self._states.values()):
            state.undo()
        self._states.clear()
        self._requests.end()
        self._frames.end()
        self._publish()

    def figures(self) -> dict[str, int]:
        """`counts`, ready for JSON."""
        return {kind.value: count for kind, count in sorted(self.counts.items())}

    def _ts_of(self, fault: ScriptedFault) -> int:
        return self._origin_ts + round(fault.at_s * 1000)

    def _after(self, ms: int, action: Action) -> None:
        heapq.heappush(self._agenda, (self._exchange.now + max(1, ms), next(self._numbers), action))

    def _publish(self) -> None:
        self._server.publish(self._exchange.drain())

    # states and repeated events

    def _hold(
        self,
        fault: ScriptedFault,
        begin: Action,
        undo: Action,
        *,
        symbol: str = "",
        is_counted: bool = True,
    ) -> None:
        """A state of this kind (and symbol) from now on; not begun twice."""
        length_ms = round((fault.duration_s or SECONDS_BY_DEFAULT) * 1000)
        until_ts, key = self._exchange.now + length_ms, (fault.kind, symbol)
        state = self._states.get(key)
        if state is not None:
            state.until_ts = max(state.until_ts, until_ts)
            return
        self._states[key] = _State(until_ts, undo)
        begin()
        if is_counted:
            self._count(fault.kind)
        self._after(length_ms, lambda: self._end_if_over(key))

    def _end_if_over(self, key: Key) -> None:
        state = self._states[key]
        left_ms = state.until_ts - self._exchange.now
        if left_ms > 0:
            self._after(left_ms, lambda: self._end_if_over(key))
            return
        del self._states[key]
        state.undo()

    def _each(self, fault: ScriptedFault, happen: Callable[[], bool]) -> None:
        """`count` times, each as soon as it can happen."""
        left = fault.count

        def attempt() -> None:
            nonlocal left
            if happen():
                self._count(fault.kind)
                left -= 1
            if left:
                self._after(RETRY_MS, attempt)

        attempt()

    def _count(self, kind: FaultKind) -> None:
        self.counts[kind] += 1

    def _turn(self, kind: FaultKind) -> int:
        """0, 1, 2 ... for what a script leaves open."""
        self._turns[kind] += 1
        return self._turns[kind] - 1

    def _symbol(self, fault: ScriptedFault) -> str:
        if fault.symbol is not None:
            return fault.symbol
        markets = self._exchange.markets
        return markets[self._turn(fault.kind) % len(markets)].symbol

    # the kinds

    def _table(self) -> dict[FaultKind, Callable[[ScriptedFault], None]]:
        kind = FaultKind
        return {
            **dict.fromkeys(fault_requests.KINDS, self._request),
            kind.RATE_LIMITED: self._stay_away,
            kind.BANNED: self._stay_away,
            kind.CLOCK_SKEW: self._clock_skew,
            kind.KEY_EXPIRED: self._key_expired,
            kind.USER_STREAM_CLOSED: partial(self._close, SocketKind.API),
            kind.MARKET_STREAM_CLOSED: partial(self._close, SocketKind.MARKET),
            kind.USER_STREAM_SILENT: partial(self._user_frames, Fate.LOST, is_state=True),
            kind.USER_EVENTS_LOST: partial(self._user_frames, Fate.LOST),
            kind.USER_EVENTS_REPEATED: partial(self._user_frames, Fate.REPEATED),
            kind.USER_EVENTS_DELAYED: partial(self._user_frames, Fate.LATE),
            kind.MARKET_STREAM_SILENT: self._market_silent,
            kind.BOOK_GAP: self._book_gap,
            kind.BOOK_STALE: self._book_stale,
            kind.BOOK_EMPTY: partial(self._bend, Bend.EMPTY),
            kind.THIN_MARKET: partial(self._bend, Bend.THIN),
            kind.FILTERS_CHANGED: self._filters_changed,
            kind.MARKET_HALTED: self._market_halted,
            kind.ORDERS_CANCELED_BY_HAND: self._canceled_by_hand,
            kind.TRADED_BY_HAND: self._traded_by_hand,
            kind.FUNDS_MOVED: self._funds_moved,
            kind.FEE_ASSET_SHORT: self._fee_asset_short,
        }

    def _request(self, fault: ScriptedFault) -> None:
        armed: list[fault_requests.Armed] = []
        if fault.duration_s:
            self._hold(
                fault,
                lambda: armed.extend(self._requests.arm(fault)),
                lambda: self._requests.disarm(armed),
                symbol=fault.symbol or "",
                is_counted=False,
            )
        else:
            self._requests.arm(fault)

    def _stay_away(self, fault: ScriptedFault) -> None:
        armed: list[fault_requests.Armed] = []

        def refusal() -> errors.WireRefusal:
            until_ts = self._states[fault.kind, ""].until_ts
            return stay_away(fault.kind, self._exchange.now, until_ts)

        self._hold(
            fault,
            lambda: armed.extend(self._requests.refuse_all(fault.kind, refusal)),
            lambda: self._requests.disarm(armed),
            is_counted=False,
        )

    def _clock_skew(self, fault: ScriptedFault) -> None:
        """Ahead and behind in turn."""
        plan = self._server.faults
        skew_ms = round(SKEW_MS * self._server.settings.window_tolerance)
        skew_ms *= -1 if self._turn(fault.kind) % 2 else 1

        def shift(ms: int) -> None:
            plan.clock_skew_ms += ms

        self._hold(fault, lambda: shift(skew_ms), lambda: shift(-skew_ms))

    def _key_expired(self, fault: ScriptedFault) -> None:
        ring = self._server.key_ring

        def expire() -> None:
            ring.is_suspended = True
            self._server.users.terminate(self._account, self._server.now_ms())

        self._hold(fault, expire, lambda: setattr(ring, "is_suspended", False))

    def _close(self, kind: SocketKind, fault: ScriptedFault) -> None:
        """Without a code (the network) and with one (the exchange) in turn."""

        def close() -> bool:
            code = SERVICE_RESTART if self._turns[fault.kind] % 2 else None
            is_done = bool(self._server.close_sockets(kind, code, "Service restart"))
            self._turns[fault.kind] += is_done
            return is_done

        self._each(fault, close)

    # messages

    def _user_frames(self, fate: Fate, fault: ScriptedFault, *, is_state: bool = False) -> None:
        met = FrameFault(fault.kind, fate, fault.count, fault.symbol)
        self._frame_fault(fault, met, self._frames.add_user, is_state=is_state)

    def _market_silent(self, fault: ScriptedFault) -> None:
        met = FrameFault(fault.kind, Fate.LOST, fault.count, fault.symbol)
        self._frame_fault(fault, met, self._frames.add_market, is_state=True)

    def _book_gap(self, fault: ScriptedFault) -> None:
        """In turn the messages are lost, overtaken by their successors, and repeated."""
        fate = (Fate.LOST, Fate.OVERTAKEN, Fate.REPEATED)[self._turn(fault.kind) % 3]
        met = FrameFault(fault.kind, fate, fault.count, fault.symbol, only_depth=True)
        self._frame_fault(fault, met, self._frames.add_market)

    def _book_stale(self, fault: ScriptedFault) -> None:
        met = FrameFault(fault.kind, Fate.HELD, fault.count, fault.symbol, only_depth=True)
        self._frame_fault(fault, met, self._frames.add_market, is_state=True)

    def _frame_fault(
        self,
        fault: ScriptedFault,
        met: FrameFault,
        add: Callable[[FrameFault], object],
        *,
        is_state: bool = False,
    ) -> None:
        if not is_state and not fault.duration_s:
            add(met)
            return
        met.left = ALWAYS
        symbol = fault.symbol or ""
        undo = partial(self._frames.remove, met)
        self._hold(fault, partial(add, met), undo, symbol=symbol, is_counted=False)

    # the market

    def _bend(self, bend: Bend, fault: ScriptedFault) -> None:
        symbol = self._symbol(fault)
        begin, undo = (
            partial(self._bender.begin, symbol, bend),
            partial(self._bender.end, symbol, bend),
        )
        self._hold(fault, begin, undo, symbol=symbol)

    def _filters_changed(self, fault: ScriptedFault) -> None:
        symbol, exchange = self._symbol(fault), self._exchange
        before = exchange.market(symbol).minimum_notional

        def change(minimum: Decimal) -> None:
            exchange.replace_market(replace(exchange.market(symbol), minimum_notional=minimum))

        begin, undo = partial(change, before * COARSER), partial(change, before)
        self._hold(fault, begin, undo, symbol=symbol)

    def _market_halted(self, fault: ScriptedFault) -> None:
        symbol = self._symbol(fault)
        begin, undo = (
            partial(self._exchange.set_market_status, symbol, status)
            for status in (MarketStatus.HALT, MarketStatus.TRADING)
        )
        self._hold(fault, begin, undo, symbol=symbol)

    # other hands on the account

    def _canceled_by_hand(self, fault: ScriptedFault) -> None:
        def cancel() -> bool:
            orders = self._exchange.open_orders(self._account, fault.symbol)
            if orders:
                order = orders[0]
                self._exchange.cancel(self._account, order.symbol, order_id=order.id)
            return bool(orders)

        self._each(fault, cancel)

    def _traded_by_hand(self, fault: ScriptedFault) -> None:
        def trade() -> bool:
            request = OrderRequest(
                self._symbol(fault), Side.BUY, OrderKind.MARKET, quote_quantity=BY_HAND_QUOTE
            )
            try:
                self._exchange.place(self._account, request)
            except ExchangeError:
                return False  # halted, no money, nothing to buy: later
            return True

        self._each(fault, trade)

    def _funds_moved(self, fault: ScriptedFault) -> None:
        """A hundredth of the free quote leaves and comes back."""
        self._take_away(fault, self._exchange.markets[0].quote, MOVED_PART)

    def _fee_asset_short(self, fault: ScriptedFault) -> None:
        self._take_away(fault, FEE_ASSET, Decimal(1))

    def _take_away(self, fault: ScriptedFault, asset: str, part: Decimal) -> None:
        free, _ = self._exchange.balances(self._account).get(asset, (Decimal(0), Decimal(0)))
        amount = (free * part).quantize(CENT, ROUND_DOWN) if part < 1 else free
        if amount > 0:
            begin, undo = (
                partial(self._exchange.deposit, self._account, asset, moved)
                for moved in (-amount, amount)
            )
            self._hold(fault, begin, undo)
