"""What must hold at every step, told by the exchange's truth and the journal's bytes alone.

Nothing here uses the bot's own code or state: lines of the journal are read as JSON the moment they
are written, requests and executions are seen where the exchange sees them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeOrder,
    Execution,
    OrderChanged,
    Output,
    Side,
)

ZERO = Decimal(0)
STOP_KINDS = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
TYPE_OF_LINE = re.compile(rb'"type":"(\w+)"')
TYPES_READ = frozenset(
    {
        b"PlaceOrder",
        b"PlaceOrderList",
        b"OrderFilled",
        b"DealOpened",
        b"DealClosed",
        b"Decision",
        b"OperatorRequested",
        b"SessionStarted",
        b"SessionReady",
    }
)
"""Most lines are of other types, and parsing them would cost more than everything else here."""
NOTIONAL_ROOM = Decimal("1.1")
"""What is worth less than this many minimum notionals may not be sellable: it is dust."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise."""

    at_s: float
    invariant: str
    text: str


@dataclass(slots=True)
class Position:
    """What the exchange says of one deal."""

    symbol: str
    base: str
    held: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    open_orders: dict[int, ExchangeOrder] = field(default_factory=dict)
    entry_ids: list[int] = field(default_factory=list)
    unprotected_since: float | None = None
    was_taken: bool = False
    """The account once held less than this deal: somebody took coins out by hand."""

    def covered(self) -> Decimal:
        """Held coins for which a stop rests, or that are being sold at market."""
        covered = ZERO
        for order in self.open_orders.values():
            if order.side is Side.SELL and order.kind.value in (*STOP_KINDS, "MARKET"):
                covered += order.remaining
        return covered

    @property
    def is_live(self) -> bool:
        return bool(self.open_orders)


@dataclass(slots=True)
class Limits:
    """The promises' figures, from the settings that the bot was given."""

    deals_per_pair: int
    deals_in_all: int
    protect_seconds: float
    stale_seconds: float


@dataclass(slots=True)
class Told:
    """What the journal's lines say; a line that is not on the disk yet is not in `intents`."""

    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of orders, by id."""
    fills: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """By pair and trade id."""
    approved: set[int] = field(default_factory=set)
    """Deals that were opened by an approved decision."""
    closed: set[int] = field(default_factory=set)
    is_paused: bool = False

    def copy(self) -> Told:
        return Told(
            self.intents.copy(),
            self.fills.copy(),
            self.approved.copy(),
            self.closed.copy(),
            self.is_paused,
        )


class Watcher:
    """`now` is the world's time in seconds; `calm_since` is when the last disturbance was over."""

    def __init__(self, prefix: str, limits: Limits) -> None:
        self._prefix, self._limits = prefix, limits
        self.now = 0.0
        self.calm_since = 0.0
        self.market_lost_since: float | None = None
        self.book_lost_since: float | None = None
        self.violations: list[Violation] = []
        self.positions: dict[int, Position] = {}
        self.executions: dict[tuple[str, int], Execution] = {}
        self.unprotected_s_max = 0.0
        self.unprotected_calm_s_max = 0.0
        self._exposed: dict[int, Position] = {}
        """Positions to look at each second."""
        self._order_ids: dict[str, tuple[str, int]] = {}
        self._deal_by_order: dict[tuple[str, int], int] = {}
        self._pending = b""
        self._written: dict[str, dict[str, Any]] = {}
        self.told = Told()
        self._kept = b""
        """The journal's whole lines at the last start, and what they told."""
        self._kept_told = Told()
        self._owed: set[tuple[str, int]] = set()
        """Executed before this life began and not in the journal that it found."""
        self._approved_decisions: set[str] = set()
        self._started_at = 0.0
        self.minimum_notional: dict[str, Decimal] = {}
        self.prices: dict[str, Decimal] = {}
        self.base_total: dict[str, Decimal] | None = None
        """What the account holds, free and locked; None while nobody took anything out of it."""

    def violate(self, invariant: str, text: str) -> None:
        self.violations.append(Violation(round(self.now, 3), invariant, text))

    # --- the journal, as its bytes are written ------------------------------------------------

    def on_journal(self, data: bytes) -> None:
        self._pending += data
        *lines, self._pending = self._pending.split(b"\n")
        for line in lines:
            self._read(line)

    def on_journal_cut(self) -> None:
        """The process is dead or cut its file: what was begun is not a line."""
        self._pending = b""

    def on_journal_synced(self) -> None:
        self.told.intents.update(self._written)
        self._written.clear()

    def on_restart(self, journal: bytes) -> None:
        """Begin anew with what the disk kept: only that was ever promised. Lines that were there
        at the start before are not read again."""
        if not journal.startswith(self._kept):
            self._kept, self._kept_told = b"", Told()
        self.told = self._kept_told.copy()
        self._written.clear()
        self._pending = b""
        self.on_journal(journal[len(self._kept) :])
        self._pending = b""
        self.on_journal_synced()
        self._kept = journal[: journal.rfind(b"\n") + 1]
        self._kept_told = self.told.copy()
        self._owed = set(self._own_executions()) - self._told_executions()

    def _read(self, line: bytes) -> None:
        named = TYPE_OF_LINE.search(line)
        if named is None or named[1] not in TYPES_READ:
            return
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            return  # torn; the chain's own proof is the auditor's
        data, kind = row["data"], row["type"]
        match kind:
            case "PlaceOrder":
                self._written[data["order_id"]] = data
            case "PlaceOrderList":
                self._written[data["target_id"]] = data
                self._written[data["stop_id"]] = data
            case "OrderFilled":
                self._read_fill(data)
            case "DealOpened":
                if data["decision_id"] in self._approved_decisions:
                    self.told.approved.add(data["deal_id"])
            case "DealClosed":
                self.told.closed.add(data["deal_id"])
            case "Decision":
                self._read_decision(data)
            case "OperatorRequested":
                if data["action"] in ("pause", "stop"):
                    self.told.is_paused = True
                elif data["action"] == "resume":
                    self.told.is_paused = False
            case "SessionStarted":
                self.told.is_paused, self._started_at = False, self.now
            case "SessionReady" if self._owed:
                missing = sorted(self._owed)[:5]
                self.violate("ready_knows_all", f"executed before the start, not told: {missing}")
            case _:
                pass

    def _read_decision(self, data: dict[str, Any]) -> None:
        if data["approved"]:
            self._approved_decisions.add(data["id"])
        elif not any(check["text"] for check in data["checks"] if not check["passed"]):
            self.violate("refusal_has_reason", f"decision {data['id']} names none")

    def _read_fill(self, data: dict[str, Any]) -> None:
        key = (data["symbol"], data["trade_id"])
        known = self.told.fills.get(key)
        if known is not None and known["order_id"] != data["order_id"]:
            self.violate("fill_of_two_orders", f"trade {key}")
        self.told.fills[key] = data
        self._owed.discard(_execution_key(*key))

    # --- what reaches the exchange ------------------------------------------------------------

    def on_order_request(self, path: str, sent: Mapping[str, Any]) -> None:
        if path == "order":
            ids = [sent["newClientOrderId"]]
        else:
            ids = [sent["aboveClientOrderId"], sent["belowClientOrderId"]]
        for order_id in ids:
            intent = self.told.intents.get(order_id)
            if intent is None:
                self.violate("intent_on_disk_first", f"{order_id} was sent before its fsync")
            elif Decimal(intent["amount"]) != Decimal(sent["quantity"]):
                self.violate("one_order_an_intent", f"{order_id} differs from its intent")
        if sent.get("side") == "BUY":
            self._check_entry(str(sent["newClientOrderId"]), str(sent["symbol"]))

    def _check_entry(self, order_id: str, symbol: str) -> None:
        deal = self._deal_of(order_id)
        if deal is None:
            return
        if deal not in self.told.approved:
            self.violate("order_has_decision", f"{order_id} without an approved decision")
        if self.told.is_paused and self.now - self.calm_since > 1.0:
            self.violate("no_order_while_paused", f"{order_id} was sent while paused")
        # a BUY that is made anew goes by the price, only the first one is a judgement of the book
        book_lost_since = self.book_lost_since if order_id.endswith("-B1") else None
        for lost_since in (self.market_lost_since, book_lost_since):
            if lost_since is None:
                continue
            # a start asks by REST, streams or not: what it learns then is fresh
            silent_s = self.now - max(lost_since, self._started_at)
            if silent_s > self._limits.stale_seconds:
                self.violate("no_order_while_stale", f"{order_id} after {silent_s:.0f} s")
        others = [
            position
            for number, position in self.positions.items()
            if number != deal and (position.is_live or self._is_bare(number, position))
        ]
        of_pair = sum(position.symbol == symbol for position in others)
        if of_pair >= self._limits.deals_per_pair or len(others) >= self._limits.deals_in_all:
            self.violate("no_order_over_a_limit", f"{order_id} is deal {of_pair + 1} of {symbol}")

    def _is_bare(self, deal: int, position: Position) -> bool:
        return self._worth(position) > ZERO and not self._is_given_up(deal, position)

    def _is_given_up(self, deal: int, position: Position) -> bool:
        """The bot closed the deal, and somebody did take its coins by hand. If they ever come back
        they belong to whoever brings them."""
        return position.was_taken and deal in self.told.closed

    def _worth(self, position: Position) -> Decimal:
        """Quote value of what is held, where it can be sold at all; else 0."""
        value = position.held * self.prices.get(position.symbol, ZERO)
        limit = self.minimum_notional.get(position.symbol, ZERO) * NOTIONAL_ROOM
        return value if value >= limit else ZERO

    # --- what the exchange did ----------------------------------------------------------------

    def on_outputs(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, OrderChanged):
                self._on_order(output.order, output.execution)

    def _on_order(self, order: ExchangeOrder, execution: Execution | None) -> None:
        number = (order.symbol, order.id)
        deal = self._deal_of(order.client_order_id)
        if deal is None:  # a cancel's report goes by the cancel's own id
            deal = self._deal_by_order.get(number)
        if execution is not None:
            self.executions[order.symbol, execution.trade_id] = execution
        if deal is None:
            return
        self._deal_by_order[number] = deal
        if self._deal_of(order.client_order_id) is not None:
            known = self._order_ids.setdefault(order.client_order_id, number)
            if known != number:
                self.violate("one_order_an_intent", f"{order.client_order_id} exists twice")
        position = self.positions.get(deal)
        if position is None:
            base = order.symbol.removesuffix("USDT")
            position = self.positions[deal] = Position(order.symbol, base)
        if order.status.is_open:
            position.open_orders[order.id] = order
        else:
            position.open_orders.pop(order.id, None)
        if execution is not None:
            self._book(position, deal, order, execution)
        if position.held:
            self._exposed[deal] = position
        self._check_deal(deal, position)

    def _book(
        self, position: Position, deal: int, order: ExchangeOrder, execution: Execution
    ) -> None:
        amount = execution.quantity
        if order.side is Side.BUY:
            position.bought += amount
            position.held += amount
        else:
            position.sold += amount
            position.held -= amount
        if execution.commission_asset == position.base:
            position.held -= execution.commission
        if order.executed_quantity > order.original_quantity:
            self.violate("overfill", f"deal {deal}: {order.client_order_id}")

    def _check_deal(self, deal: int, position: Position) -> None:
        buys = [one for one in position.open_orders.values() if one.side is Side.BUY]
        if len(buys) > 1:
            self.violate("one_order_an_intent", f"deal {deal} has {len(buys)} open BUY orders")
        stops = sum(
            (
                one.remaining
                for one in position.open_orders.values()
                if one.side is Side.SELL and one.kind.value in STOP_KINDS
            ),
            ZERO,
        )
        held = max(position.held, ZERO)
        if stops > held and stops > held + self._dust_room(position):
            self.violate("sells_what_is_held", f"deal {deal}: stops {stops}, held {position.held}")
        sold, bought = position.sold, position.bought
        if sold > bought and sold > bought + self._dust_room(position):
            self.violate(
                "sells_what_is_held",
                f"deal {deal}: sold {sold}, bought {bought}",
            )

    def _dust_room(self, position: Position) -> Decimal:
        """A deal may sell the dust of earlier deals of its pair with its own coins."""
        return sum(
            (
                max(other.held, ZERO)
                for other in self.positions.values()
                if other is not position
                and other.symbol == position.symbol
                and not self._worth(other)
            ),
            ZERO,
        )

    def _deal_of(self, client_order_id: str) -> int | None:
        if not client_order_id.startswith(self._prefix):
            return None
        return int(client_order_id[len(self._prefix) :].split("-", maxsplit=1)[0])

    # --- each second --------------------------------------------------------------------------

    def second(self) -> None:
        """Is every position protected, and for how long was it not?"""
        for deal, position in list(self._exposed.items()):
            bare = position.held - position.covered()
            value = bare * self.prices.get(position.symbol, ZERO)
            limit = self.minimum_notional.get(position.symbol, ZERO) * NOTIONAL_ROOM
            is_gone = self._is_gone(position)
            position.was_taken = position.was_taken or is_gone
            if value < limit or is_gone or self._is_given_up(deal, position):
                position.unprotected_since = None
                if not position.open_orders and not is_gone:
                    del self._exposed[deal]  # dust, until something happens to the deal
                continue
            if position.unprotected_since is None:
                position.unprotected_since = self.now
            self._measure(deal, position, bare)

    def _measure(self, deal: int, position: Position, bare: Decimal) -> None:
        since = position.unprotected_since
        assert since is not None
        self.unprotected_s_max = max(self.unprotected_s_max, self.now - since)
        calm_s = self.now - max(since, self.calm_since)
        self.unprotected_calm_s_max = max(self.unprotected_calm_s_max, calm_s)
        limit = self._limits.protect_seconds
        if limit < calm_s <= limit + 1.0:
            self.violate(
                "protected_in_time",
                f"deal {deal}: {bare} {position.base} without a stop for {calm_s:.1f} s of calm",
            )

    def _is_gone(self, position: Position) -> bool:
        """Somebody took the coins away by hand: there is nothing to protect."""
        totals = self.base_total
        return totals is not None and totals.get(position.base, ZERO) < position.held

    # --- in a calm, one reconciliation after the last disturbance ------------------------------

    def books_differ(self, believed_open: set[str]) -> str | None:
        """Why the bot's books are not the exchange's, or None."""
        truth = {
            order.client_order_id
            for position in self.positions.values()
            for order in position.open_orders.values()
        }
        if believed_open != truth:
            return f"open orders: believed {sorted(believed_open)}, open {sorted(truth)}"
        mine, told = self._own_executions(), self._told_executions()
        if told != set(mine):
            missing, strange = sorted(set(mine) - told), sorted(told - set(mine))
            return f"fills: not in the journal {missing[:5]}, not on the exchange {strange[:5]}"
        for (symbol, trade_id), data in self.told.fills.items():
            execution = mine[_execution_key(symbol, trade_id)]
            if (
                Decimal(data["amount"]) != execution.quantity
                or Decimal(data["price"]) != execution.price
                or Decimal(data["fee"]) != execution.commission
            ):
                return f"fill {symbol} {trade_id}: other numbers in the journal"
        return None

    def _own_executions(self) -> dict[tuple[str, int], Execution]:
        """What the exchange executed of the bot's orders."""
        own = set(self._order_ids.values())
        return {
            key: execution
            for key, execution in self.executions.items()
            if (execution.symbol, execution.order_id) in own
        }

    def _told_executions(self) -> set[tuple[str, int]]:
        return {_execution_key(*key) for key in self.told.fills}


def _execution_key(symbol: str, trade_id: str) -> tuple[str, int]:
    """Of a fill in the journal."""
    return symbol.replace("/", ""), int(trade_id)
