"""Accounts: free and locked funds, their orders, and the ledger over all of them.

Money is exact Decimal and never negative. Every amount that leaves an account goes to another
account, to the market, or to the exchange as commission; `Ledger` counts the last two, so that
the sum over everything stays what was deposited.
"""

from __future__ import annotations

from collections import deque
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    ExchangeOrder,
    Execution,
)

if TYPE_CHECKING:
    from autotrade.infrastructure.simulated_exchange.core.orders import LiveList, LiveOrder

ZERO = Decimal(0)
EIGHT_PLACES = Decimal("1E-8")
BNB_DISCOUNT = Decimal("0.75")
HISTORY_KEPT = 10_000
"""Closed orders per account, and executions per account and symbol."""


def insufficient_balance() -> ExchangeError:
    return ExchangeError(-2010, "Account has insufficient balance for requested action.")


class Lock:
    """Funds set aside for an order, or for all legs of a list together."""

    __slots__ = ("amount", "asset", "holders")

    def __init__(self, asset: str, amount: Decimal, holders: int = 1) -> None:
        self.asset, self.amount, self.holders = asset, amount, holders


class Account:
    """One client's funds and orders."""

    def __init__(self, name: str, *, pays_fees_in_bnb: bool) -> None:
        self.name = name
        self.pays_fees_in_bnb = pays_fees_in_bnb
        self.free: dict[str, Decimal] = {}
        self.locked: dict[str, Decimal] = {}
        self.touched: dict[str, None] = {}
        """assets that changed since the last flush"""
        self.open: dict[int, LiveOrder] = {}
        self.orders: dict[str, dict[int, ExchangeOrder]] = {}
        self.executions: dict[str, deque[Execution]] = {}
        self.lists: dict[int, LiveList] = {}
        self.open_lists: dict[int, LiveList] = {}
        """those of `lists` that are not over"""
        self.open_client_ids: dict[tuple[str, str], int] = {}
        self.latest_client_ids: dict[tuple[str, str], int] = {}
        self.closed: deque[tuple[str, int]] = deque()
        self.closed_lists: deque[int] = deque()

    # funds

    def add(self, asset: str, amount: Decimal) -> None:
        """To the free funds; negative takes. Raises -2010 when there is not enough."""
        free = self.free.get(asset, ZERO) + amount
        if free < 0:
            raise insufficient_balance()
        self.free[asset] = free
        self.locked.setdefault(asset, ZERO)
        self.touched[asset] = None

    def lock(self, asset: str, amount: Decimal, holders: int = 1) -> Lock:
        """Set `amount` aside; raises -2010 when the free funds do not suffice."""
        self.add(asset, -amount)
        self.locked[asset] += amount
        return Lock(asset, amount, holders)

    def release(self, lock: Lock, amount: Decimal) -> None:
        """Back to the free funds."""
        self.spend(lock, amount)
        self.free[lock.asset] += amount

    def spend(self, lock: Lock, amount: Decimal) -> None:
        """Out of the account."""
        if amount > lock.amount:
            raise AssertionError(
                f"expected at most {lock.amount} {lock.asset} to be spent of a lock, was {amount};"
                " this is a fault of the exchange core, report it"
            )
        lock.amount -= amount
        self.locked[lock.asset] -= amount
        self.touched[lock.asset] = None

    # orders

    def remember(self, order: ExchangeOrder) -> None:
        self.orders.setdefault(order.symbol, {})[order.id] = order
        key = (order.symbol, order.client_order_id)
        self.open_client_ids[key] = self.latest_client_ids[key] = order.id

    def retire(self, order: ExchangeOrder) -> None:
        """The order is closed; the oldest closed one is forgotten beyond the bound."""
        self.open.pop(order.id, None)
        key = (order.symbol, order.client_order_id)
        if self.open_client_ids.get(key) == order.id:
            del self.open_client_ids[key]
        self.closed.append((order.symbol, order.id))
        if len(self.closed) > HISTORY_KEPT:
            symbol, order_id = self.closed.popleft()
            gone = self.orders[symbol].pop(order_id)
            key = (symbol, gone.client_order_id)
            if self.latest_client_ids.get(key) == order_id:
                del self.latest_client_ids[key]

    def retire_list(self, list_id: int) -> None:
        self.open_lists.pop(list_id, None)
        self.closed_lists.append(list_id)
        if len(self.closed_lists) > HISTORY_KEPT:
            del self.lists[self.closed_lists.popleft()]

    def executed(self, execution: Execution) -> None:
        known = self.executions.get(execution.symbol)
        if known is None:
            known = self.executions[execution.symbol] = deque(maxlen=HISTORY_KEPT)
        known.append(execution)


class Ledger:
    """All accounts, and what left them for the market or as commission."""

    def __init__(self, maker_fee: Decimal, taker_fee: Decimal) -> None:
        self.accounts: dict[str, Account] = {}
        self.maker_fee = maker_fee
        self.taker_fee = taker_fee
        self.commissions: dict[str, Decimal] = {}
        self.market_flow: dict[str, Decimal] = {}
        """asset -> what the market has gained from the accounts (negative: given)"""

    def flow(self, asset: str, amount: Decimal) -> None:
        self.market_flow[asset] = self.market_flow.get(asset, ZERO) + amount

    def charge(
        self,
        account: Account,
        received: str,
        amount: Decimal,
        *,
        is_maker: bool,
        bnb_value: Decimal | None,
    ) -> tuple[Decimal, str]:
        """Take the commission on `amount` of `received`, which the account holds already.

        `bnb_value` is the trade's worth in BNB, None when that is not known. Returns (commission,
        asset); cut to 8 places as Binance does.
        """
        fee = self.maker_fee if is_maker else self.taker_fee
        asset, commission = received, (amount * fee).quantize(EIGHT_PLACES, ROUND_DOWN)
        if account.pays_fees_in_bnb and bnb_value is not None:
            in_bnb = (bnb_value * fee * BNB_DISCOUNT).quantize(EIGHT_PLACES, ROUND_DOWN)
            if account.free.get("BNB", ZERO) >= in_bnb:
                asset, commission = "BNB", in_bnb
        if commission:
            account.add(asset, -commission)
            self.commissions[asset] = self.commissions.get(asset, ZERO) + commission
        return commission, asset
