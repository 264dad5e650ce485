"""What of the state a snapshot holds beside deals, orders and tickers, as plain JSON values."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Order
from autotrade.domain.entities.ticker import Ticker
from autotrade.domain.state import Dust, PairHistory, Totals, TradingState


@dataclass(slots=True)
class StateRest:
    """Field for field the rest of TradingState."""

    installation_id: str = ""
    mode: str = ""
    market: str = ""
    request_window_ms: int = 0
    session_started_ts: int = 0
    last_ts: int = 0
    is_paused: bool = False
    is_stopping: bool = False
    is_flattening: bool = False
    is_ready: bool = False
    start_balances: dict[str, Decimal] = field(default_factory=dict)
    balances: list[Balance] = field(default_factory=list)
    ledger: dict[str, Decimal] = field(default_factory=dict)
    history: dict[str, PairHistory] = field(default_factory=dict)
    dust: dict[str, Dust] = field(default_factory=dict)
    lost_channels: dict[str, str] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    pairs: list[CurrencyPair] = field(default_factory=list)


_SAME_NAME = (
    "installation_id",
    "mode",
    "market",
    "last_ts",
    "is_paused",
    "is_stopping",
    "is_flattening",
    "is_ready",
    "start_balances",
    "ledger",
    "history",
    "dust",
    "lost_channels",
    "totals",
)


def export_rest(state: TradingState) -> dict[str, Any]:
    """JSON-ready; Decimals as strings."""
    rest = StateRest(
        request_window_ms=state.order_service.request_window_ms,
        session_started_ts=state.order_service.session_started_ts,
        balances=list(state.balances.values()),
        pairs=list(state.pairs.values()),
        **{name: getattr(state, name) for name in _SAME_NAME},
    )
    data: dict[str, Any] = msgspec.to_builtins(rest)
    return data


def restore_state(
    pairs: list[CurrencyPair],
    deals: list[Deal],
    orders: list[Order],
    tickers: list[Ticker],
    rest_data: dict[str, Any],
) -> TradingState:
    """A state as the snapshot left it. `pairs` are the configuration's; the exchange's filters that
    were known then come back until they are fetched anew."""
    rest = msgspec.convert(rest_data, StateRest, strict=False)
    state = TradingState(pairs)
    known_rules = {pair.symbol: pair.rules for pair in rest.pairs}
    state.restore(deals, orders, tickers)
    for name in _SAME_NAME:
        setattr(state, name, getattr(rest, name))
    state.order_service.request_window_ms = rest.request_window_ms
    state.order_service.session_started_ts = rest.session_started_ts
    state.balances = {balance.asset: balance for balance in rest.balances}
    for pair in state.pairs.values():
        pair.rules = pair.rules or known_rules.get(pair.symbol)
    return state
