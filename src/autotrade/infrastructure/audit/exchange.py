"""The journal against the exchange's history: orders, trades and money."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from autotrade.infrastructure.audit.history import ExchangeHistory
from autotrade.infrastructure.audit.lives import Fill, FillKey, OrderLife, wire
from autotrade.infrastructure.audit.orders import Orders
from autotrade.infrastructure.audit.report import ZERO, AuditReport, plain, tidy
from autotrade.infrastructure.audit.sessions import Sessions

Row = dict[str, Any]
OrderKey = tuple[str, str]
"""(symbol on the wire, the exchange's order id): unique within a symbol only."""

RESTING = ("NEW", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL")
ARCHIVED_MS = 90 * 86_400_000
"""Binance puts orders away that ended without a fill so long ago."""
QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL")
"""Where neither the journal nor the balances tell how a symbol divides."""


class HistoryCheck:
    """One comparison of everything that the journal told with one history."""

    def __init__(
        self, report: AuditReport, sessions: Sessions, orders: Orders, history: ExchangeHistory
    ) -> None:
        self._report = report
        self._sessions = sessions
        self._orders = orders
        self._history = history
        self._rows: dict[OrderKey, Row] = {}
        for row in history.orders:
            self._rows.setdefault((row["symbol"], str(row["orderId"])), row)
        self._by_exchange_id: dict[OrderKey, OrderLife] = {
            (wire(life.intent.symbol), life.exchange_id): life
            for life in orders.lives.values()
            if life.exchange_id
        }

    def run(self) -> None:
        self._report.has_history = True
        self._check_orders()
        trades = self._own_trades()
        self._check_fills(trades)
        late = self._late(trades)
        self._check_ledger(late)

    # --- orders -------------------------------------------------------------------------------

    def _check_orders(self) -> None:
        report, sessions = self._report, self._sessions
        seen: dict[tuple[str, str], str] = {}
        is_running = sessions.last_type != "SessionStopped"
        for (symbol, exchange_id), row in self._rows.items():
            order_id = str(row["clientOrderId"])
            if not self._orders.is_ours(order_id):
                report.foreign_orders += int(row["time"]) > (sessions.start_ts or 0)
                continue
            first = seen.setdefault((symbol, order_id), exchange_id)
            life = self._orders.lives.get(order_id)
            deal = None if life is None else life.intent.deal
            report.orders += first == exchange_id
            if first != exchange_id:
                text = f"order {order_id} is twice on the exchange: {first} and {exchange_id}"
                report.blame("intent_twice", text, None if life is None else life.seq, deal)
            elif life is not None:
                self._check_intent(row, life)
            elif is_running and int(row["time"]) >= sessions.last_ts:
                report.orders_late += 1
            else:
                text = f"order {order_id} is on the exchange and was never written down"
                report.blame("order_without_intent", text)
        for life in self._orders.lives.values():
            if life.is_accepted and (wire(life.intent.symbol), life.id) not in seen:
                self._check_missing(life)

    def _check_intent(self, row: Row, life: OrderLife) -> None:
        intent = life.intent
        wanted: list[tuple[str, object, object]] = [
            ("symbol", row["symbol"], wire(intent.symbol)),
            ("side", row["side"], intent.side),
            ("amount", Decimal(row["origQty"]), intent.amount),
        ]
        if "type" in row:
            wanted.append(("type", row["type"], intent.type))
        if intent.price is not None:
            wanted.append(("price", Decimal(row["price"]), intent.price))
        if intent.stop_price is not None and "stopPrice" in row:
            wanted.append(("stop price", Decimal(row["stopPrice"]), intent.stop_price))
        if life.exchange_id:
            wanted.append(("order id", str(row["orderId"]), life.exchange_id))
        for name, said, meant in wanted:
            if said != meant:
                text = (
                    f"order {life.id}: {name} on the exchange is {_shown(said)}, "
                    f"in the journal {_shown(meant)}"
                )
                self._report.blame("order_differs", text, life.seq, intent.deal)
        if "status" in row:
            self._check_state(row, life)

    def _check_state(self, row: Row, life: OrderLife) -> None:
        """What rests on the exchange must rest in the journal, and what ended there must have ended
        here, if it ended before the bot's last look."""
        is_resting = row["status"] in RESTING
        was_seen = int(row.get("updateTime") or row["time"]) < self._sessions.known_until_ts
        taken_ts = self._history.taken_ts
        is_older = taken_ts is not None and taken_ts <= life.last_ts
        if is_resting and not life.is_open and not is_older:
            text = f"order {life.id} rests on the exchange, for the journal it has ended"
        elif not is_resting and life.is_open and was_seen:
            text = f"order {life.id} is {row['status']} on the exchange, for the journal it rests"
        elif life.is_rejected and row["status"] != "REJECTED":
            text = f"order {life.id} was rejected as the journal says, the exchange took it"
        else:
            return
        self._report.blame("order_state_differs", text, life.seq, life.intent.deal)

    def _check_missing(self, life: OrderLife) -> None:
        """The journal says that the exchange had it, the exchange does not."""
        history = self._history
        is_archived = (
            not life.filled and life.is_gone and self._sessions.last_ts - life.sent_ts > ARCHIVED_MS
        )
        is_before = history.complete_from is not None and life.sent_ts < history.complete_from
        is_after = history.taken_ts is not None and life.sent_ts >= history.taken_ts
        if not (is_archived or is_before or is_after):
            text = f"order {life.id} was accepted as the journal says, the exchange has none"
            deal = life.intent.deal
            self._report.blame("order_unknown_to_exchange", text, life.seq, deal)

    # --- trades -------------------------------------------------------------------------------

    def _owner(self, trade: Row) -> str | None:
        """Our id of the order that traded; None for a foreign one."""
        key = (trade["symbol"], str(trade["orderId"]))
        row = self._rows.get(key)
        if row is not None:
            order_id = str(row["clientOrderId"])
            return order_id if self._orders.is_ours(order_id) else None
        life = self._by_exchange_id.get(key)
        return None if life is None else life.id

    def _own_trades(self) -> dict[FillKey, tuple[str, Row]]:
        """Ours, each with the order that it belongs to. A row that is listed twice counts once."""
        found: dict[FillKey, tuple[str, Row]] = {}
        for trade in self._history.trades:
            owner = self._owner(trade)
            if owner is None:
                continue
            key = _trade_key(trade)
            known = found.setdefault(key, (owner, trade))[1]
            if known is not trade and known != trade:
                text = f"the exchange lists trade {key[1]} of {key[0]} twice, with other numbers"
                self._report.blame("fill_twice_different", text)
        return found

    def _check_fills(self, trades: dict[FillKey, tuple[str, Row]]) -> None:
        history = self._history
        for key, fill in self._orders.fills.items():
            found = trades.get(key)
            if found is not None:
                self._check_fill(key, fill, *found)
                continue
            is_before = history.complete_from is not None and fill.ts < history.complete_from
            if not is_before and not self._is_too_new(fill):
                text = f"trade {key[1]} of {fill.symbol} is in the journal, the exchange has none"
                self._blame_fill("fill_unknown_to_exchange", text, fill)

    def _is_too_new(self, fill: Fill) -> bool:
        taken_ts = self._history.taken_ts
        return taken_ts is not None and fill.ts > taken_ts

    def _check_fill(self, key: FillKey, fill: Fill, owner: str, trade: Row) -> None:
        wanted: list[tuple[str, object, object]] = [
            ("order", owner, fill.order_id),
            ("price", Decimal(trade["price"]), fill.price),
            ("amount", Decimal(trade["qty"]), fill.amount),
            ("fee", Decimal(trade["commission"]), fill.fee),
        ]
        if fill.fee or Decimal(trade["commission"]):
            wanted.append(("fee asset", trade["commissionAsset"], fill.fee_asset))
        for name, said, meant in wanted:
            if said != meant:
                text = (
                    f"trade {key[1]} of {fill.symbol}: {name} on the exchange is {_shown(said)}, "
                    f"in the journal {_shown(meant)}"
                )
                self._blame_fill("fill_differs", text, fill)

    def _late(self, trades: dict[FillKey, tuple[str, Row]]) -> list[Row]:
        """Trades of ours that the journal does not have: late ones, or missing ones."""
        late = []
        for key, (owner, trade) in trades.items():
            if key in self._orders.fills:
                continue
            if int(trade["time"]) >= self._sessions.known_until_ts:
                late.append(trade)
                continue
            life = self._orders.lives.get(owner)
            text = (
                f"trade {key[1]} of {key[0]}, {plain(Decimal(trade['qty']))} at "
                f"{plain(Decimal(trade['price']))} for order {owner}, is not in the journal"
            )
            deal = None if life is None else life.intent.deal
            self._report.blame("fill_missing", text, None, deal)
        self._report.trades_late = len(late)
        return late

    def _blame_fill(self, code: str, text: str, fill: Fill) -> None:
        life = self._orders.lives[fill.order_id]
        self._report.blame(code, text, fill.seq, life.intent.deal)

    # --- money --------------------------------------------------------------------------------

    def _check_ledger(self, late: list[Row]) -> None:
        """Start balances, own fills, foreign trades and transfers against what the account has."""
        report, history = self._report, self._history
        start_ts = self._sessions.start_ts
        if start_ts is None:
            report.notes.append("no session was ever started: there is no balance to begin with")
            return
        expected = dict(report.start_balances)
        fills = self._orders.fills.values()
        add_fills(expected, (fill for fill in fills if not self._is_too_new(fill)))
        moved: dict[str, Decimal] = {}
        foreign = [
            trade
            for trade in history.trades
            if self._owner(trade) is None and int(trade["time"]) > start_ts
        ]
        report.foreign_trades = len(foreign)
        for trade in late:
            self._add_trade(expected, trade)
        for trade in foreign:
            self._add_trade(moved, trade)
        for transfer in history.transfers:
            if int(transfer["time"]) > start_ts:
                _add(moved, transfer["asset"], Decimal(transfer["amount"]))
        for asset, amount in moved.items():
            _add(expected, asset, amount)
        self._check_written_off(foreign, start_ts)
        for asset, amount in history.balances.items():
            _add(expected, asset, -amount)
        report.ledger_difference = tidy(expected)
        for asset, difference in report.ledger_difference.items():
            if difference:
                word = "less" if difference > 0 else "more"
                text = (
                    f"the exchange has {plain(abs(difference))} {asset} {word} than start "
                    "balances, fills and transfers say"
                )
                report.blame("ledger", text)

    def _check_written_off(self, foreign: list[Row], start_ts: int) -> None:
        """Coins that a deal gave up as gone must have gone: by hand, or as fees of other pairs."""
        gone: dict[str, Decimal] = {}
        for trade in foreign:
            flows: dict[str, Decimal] = {}
            self._add_trade(flows, trade)
            for asset, amount in flows.items():
                _add(gone, asset, max(-amount, ZERO))
        for transfer in self._history.transfers:
            if int(transfer["time"]) > start_ts:
                _add(gone, transfer["asset"], max(-Decimal(transfer["amount"]), ZERO))
        for fill in self._orders.fills.values():
            if fill.fee_asset not in fill.symbol.split("/"):
                _add(gone, fill.fee_asset, fill.fee)
        for asset, amount in self._report.written_off.items():
            if amount > gone.get(asset, ZERO):
                text = (
                    f"{plain(amount)} {asset} were given up as moved away, the exchange tells of "
                    f"{plain(gone.get(asset, ZERO))}"
                )
                self._report.blame("deal_closed_with_coins", text)

    def _add_trade(self, balances: dict[str, Decimal], trade: Row) -> None:
        base, quote = self._split(trade["symbol"])
        amount = Decimal(trade["qty"]) * (1 if trade["isBuyer"] else -1)
        _add(balances, base, amount)
        _add(balances, quote, -amount * Decimal(trade["price"]))
        _add(balances, trade["commissionAsset"], -Decimal(trade["commission"]))

    def _split(self, symbol: str) -> tuple[str, str]:
        """Base and quote of a symbol on the wire."""
        known = self._sessions.pairs.get(symbol)
        if known is not None:
            return known
        held = {*self._history.balances, *self._report.start_balances}
        for assets in (sorted(held, key=lambda asset: (-len(asset), asset)), QUOTES):
            for quote in assets:
                base = symbol.removesuffix(quote)
                if base not in ("", symbol) and (base in held or assets is QUOTES):
                    return base, quote
        self._report.notes.append(f"expected a known quote currency in {symbol}, took it whole")
        return symbol, symbol


def add_fills(balances: dict[str, Decimal], fills: Iterable[Fill]) -> None:
    """What fills and their fees did to balances."""
    for fill in fills:
        base, _, quote = fill.symbol.partition("/")
        amount = fill.amount if fill.side == "BUY" else -fill.amount
        _add(balances, base, amount)
        _add(balances, quote, -amount * fill.price)
        if fill.fee:
            _add(balances, fill.fee_asset, -fill.fee)


def _add(balances: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    balances[asset] = balances.get(asset, ZERO) + amount


def _trade_key(trade: Row) -> FillKey:
    return trade["symbol"], str(trade["id"]), "BUY" if trade["isBuyer"] else "SELL"


def _shown(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)
