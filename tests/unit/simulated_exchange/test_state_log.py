"""Stored accounts: rows merged into their snapshot are what the core itself would export."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    OcoRequest,
    OrderKind,
    OrderRequest,
    OtocoRequest,
    Side,
    TimeInForce,
)
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels, MarketTrade
from autotrade.infrastructure.simulated_exchange.state_changes import (
    StateMerger,
    account_changes,
)
from autotrade.infrastructure.simulated_exchange.state_log import StateDamaged, StateLog
from tests.integration.simulated_exchange.support import START_TS, ScriptedMarket

BTC = "BTCUSDT"
PRICE = 6_000_000


def _exchange() -> SimulatedExchange:
    source = ScriptedMarket(symbols=[BTC])
    exchange = SimulatedExchange(source.markets, start_ts=START_TS)
    exchange.open_account("main", {"USDT": Decimal(50_000), "BTC": Decimal(1)})
    exchange.apply(source.opening(BTC, START_TS))
    exchange.apply(MarketTrade(START_TS, BTC, PRICE, 10, Side.BUY))
    exchange.drain()
    return exchange


def _limit(side: Side, offset: int, kind: OrderKind = OrderKind.LIMIT) -> OrderRequest:
    return OrderRequest(
        symbol=BTC,
        side=side,
        kind=kind,
        quantity=Decimal("0.01"),
        price=Decimal(PRICE + offset) / 100,
        time_in_force=TimeInForce.GTC if kind is OrderKind.LIMIT else None,
    )


def _act(exchange: SimulatedExchange, action: tuple[str, int], ts: int) -> None:
    """One thing that may happen; refusals are part of life."""
    kind, number = action
    offset = number * 7
    match kind:
        case "buy":
            exchange.place("main", _limit(Side.BUY, offset))
        case "sell":
            exchange.place("main", _limit(Side.SELL, offset))
        case "oco":
            exchange.place_oco(
                "main",
                OcoRequest(
                    BTC,
                    _limit(Side.SELL, 100 + abs(offset), OrderKind.LIMIT_MAKER),
                    OrderRequest(
                        BTC,
                        Side.SELL,
                        OrderKind.STOP_LOSS,
                        Decimal("0.01"),
                        stop_price=Decimal(PRICE - 100 - abs(offset)) / 100,
                    ),
                ),
            )
        case "otoco":
            pending = (
                _limit(Side.SELL, 100 + abs(offset), OrderKind.LIMIT_MAKER),
                OrderRequest(
                    BTC,
                    Side.SELL,
                    OrderKind.STOP_LOSS,
                    Decimal("0.01"),
                    stop_price=Decimal(PRICE - 400) / 100,
                ),
            )
            exchange.place_otoco("main", OtocoRequest(BTC, _limit(Side.BUY, -abs(offset)), pending))
        case "trade":
            taker = Side.BUY if number > 0 else Side.SELL
            exchange.apply(MarketTrade(ts, BTC, PRICE + offset, 700, taker))
        case "cancel":
            exchange.cancel("main", BTC, order_id=abs(number))
        case "cancel all":
            exchange.cancel_all("main", BTC)
        case "deposit":
            exchange.deposit("main", "USDT", Decimal(number))


ACTIONS = st.tuples(
    st.sampled_from(["buy", "sell", "oco", "otoco", "trade", "cancel", "cancel all", "deposit"]),
    st.integers(-40, 40),
)


def _comparable(state: dict[str, Any]) -> dict[str, Any]:
    """The same state in one order; lists of changes carry no order between symbols."""
    state = orjson.loads(orjson.dumps(state))
    for account in state["accounts"]:
        for name in ("orders", "open"):
            account[name].sort(key=lambda row: row["id"])
        account["lists"].sort(key=lambda row: row["record"]["id"])
        account["closed"].sort()
        account["closed_lists"].sort()
    return state


@settings(max_examples=100, deadline=None)
@given(st.lists(ACTIONS, max_size=40))
def test_rows_merged_equal_the_export(actions: list[tuple[str, int]]) -> None:
    exchange = _exchange()
    merger = StateMerger(exchange.export_state())
    for number, action in enumerate(actions, start=1):
        with contextlib.suppress(ExchangeError):
            _act(exchange, action, START_TS + number)
        changes = account_changes(exchange, exchange.drain())
        if changes is not None:
            merger.add(orjson.loads(orjson.dumps(changes)))
    exchange.deposit("main", "USDT", Decimal(1))  # the row that brings the clock and ids along
    changes = account_changes(exchange, exchange.drain())
    assert changes is not None
    merger.add(changes)
    assert _comparable(merger.state()) == _comparable(exchange.export_state())


def test_a_row_does_not_grow_with_history() -> None:
    exchange = _exchange()
    sizes = []
    for _ in range(200):
        exchange.place("main", _limit(Side.BUY, -500))
        exchange.cancel_all("main", BTC)
        sizes.append(len(orjson.dumps(account_changes(exchange, exchange.drain()))))
    assert max(sizes[100:]) <= max(sizes[:10]) + 64


def test_market_alone_writes_nothing(tmp_path: Path) -> None:
    exchange = _exchange()
    log = StateLog(tmp_path)
    log.open(exchange)
    exchange.apply(MarketLevels(START_TS + 5, BTC, ((PRICE - 1, 5),), ()))
    log.on_outputs(exchange, exchange.drain())
    assert log.rows == 0


def test_load_goes_on_after_a_torn_line_and_refuses_a_damaged_one(tmp_path: Path) -> None:
    exchange = _exchange()
    log = StateLog(tmp_path)
    assert log.load() is None
    log.open(exchange)
    exchange.place("main", _limit(Side.BUY, -500))
    log.on_outputs(exchange, exchange.drain())
    whole = log.load()
    path = tmp_path / "exchange" / "state.jsonl"
    with path.open("ab") as file:
        file.write(b'{"changes": {"acc')
    assert log.load() == whole
    again = SimulatedExchange(ScriptedMarket(symbols=[BTC]).markets, start_ts=START_TS)
    again.restore_state(whole or {})
    assert again.balances("main") == exchange.balances("main")
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], b"broken", lines[1], b""]))
    with pytest.raises(StateDamaged, match=r"line 2 of .*state\.jsonl"):
        log.load()
