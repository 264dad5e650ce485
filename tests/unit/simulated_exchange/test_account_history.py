"""The exchange's log, told in the shapes of its REST API."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from autotrade.infrastructure.simulated_exchange.account_history import (
    account_history,
    has_account_log,
)
from autotrade.infrastructure.simulated_exchange.core.accounts import HISTORY_KEPT
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import OrderKind, OrderRequest, Side
from autotrade.infrastructure.simulated_exchange.state_log import StateDamaged, StateLog
from autotrade.infrastructure.simulated_exchange.wire import shapes
from tests.integration.simulated_exchange.support import START_TS, ScriptedMarket

BTC = "BTCUSDT"


class Life:
    """An exchange that writes its log, as the embedded one does."""

    def __init__(self, folder: Path) -> None:
        source = ScriptedMarket(symbols=[BTC])
        self.exchange = SimulatedExchange(source.markets, start_ts=START_TS)
        self.exchange.open_account("main", {"USDT": Decimal(50_000)})
        self.exchange.apply(source.opening(BTC, START_TS))
        self.log = StateLog(folder)
        self.begin()

    def begin(self) -> None:
        self.exchange.drain()
        self.log.open(self.exchange)

    def does(self, act: Callable[[], object]) -> None:
        act()
        self.log.on_outputs(self.exchange, self.exchange.drain())

    def market_order(self, side: Side, amount: str) -> None:
        request = OrderRequest(
            BTC, side, OrderKind.MARKET, Decimal(amount), client_order_id=f"at-{side.value}"
        )
        self.does(lambda: self.exchange.place("main", request))

    def deposit(self, asset: str, amount: str) -> None:
        self.does(lambda: self.exchange.deposit("main", asset, Decimal(amount)))


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


def test_orders_trades_and_balances_are_those_of_the_exchange(life: Life, tmp_path: Path) -> None:
    life.market_order(Side.BUY, "0.02")
    life.market_order(Side.SELL, "0.01")
    history = account_history(tmp_path)
    exchange = life.exchange
    orders = exchange.all_orders("main", BTC)
    assert history.orders == [shapes.queried_order(order) for order in orders]
    assert history.trades == [shapes.own_trade(one) for one in exchange.executions("main", BTC)]
    assert len(history.trades) >= 2
    balances = {asset: free + locked for asset, (free, locked) in exchange.balances("main").items()}
    assert history.balances == balances
    assert (history.transfers, history.complete_from) == ([], None)


def test_deposits_are_transfers_and_trades_are_not(life: Life, tmp_path: Path) -> None:
    life.market_order(Side.BUY, "0.02")
    life.deposit("USDT", "25")
    life.deposit("BTC", "-0.01")
    life.market_order(Side.SELL, "0.005")
    moves = [(row["asset"], Decimal(row["amount"])) for row in account_history(tmp_path).transfers]
    assert moves == [("USDT", Decimal(25)), ("BTC", Decimal("-0.01"))]


def test_a_log_that_began_anew_keeps_orders_and_trades(life: Life, tmp_path: Path) -> None:
    life.market_order(Side.BUY, "0.02")
    before = account_history(tmp_path)
    life.log.close()
    life.begin()
    assert account_history(tmp_path) == before
    life.market_order(Side.SELL, "0.01")
    assert len(account_history(tmp_path).orders) == 2


def test_a_row_that_is_being_written_is_left_out(life: Life, tmp_path: Path) -> None:
    life.market_order(Side.BUY, "0.02")
    whole = account_history(tmp_path)
    path = tmp_path / "exchange" / "state.jsonl"
    path.write_bytes(path.read_bytes() + b'{"changes":{"now":1')
    assert account_history(tmp_path) == whole


def test_a_damaged_log_is_named(life: Life, tmp_path: Path) -> None:
    life.market_order(Side.BUY, "0.02")
    path = tmp_path / "exchange" / "state.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"executions"', b'"executionz"'))
    with pytest.raises(StateDamaged, match=r"expected whole lines in .*restore a backup"):
        account_history(tmp_path)


def test_a_snapshot_that_forgot_its_oldest_trades(life: Life, tmp_path: Path) -> None:
    life.market_order(Side.BUY, "0.02")
    life.log.close()
    life.begin()
    path = tmp_path / "exchange" / "state.jsonl"
    row = orjson.loads(path.read_bytes())
    account = row["snapshot"]["accounts"][0]
    one = account["executions"][0]
    account["executions"] = [{**one, "ts": START_TS + n} for n in range(7, HISTORY_KEPT + 7)]
    path.write_bytes(orjson.dumps(row) + b"\n")
    assert account_history(tmp_path).complete_from == START_TS + 7


def test_accounts_by_name(life: Life, tmp_path: Path) -> None:
    assert account_history(tmp_path, "main").balances == {"USDT": Decimal(50_000)}
    with pytest.raises(ValueError, match="expected the account other"):
        account_history(tmp_path, "other")
    life.exchange.open_account("second", {"BTC": Decimal(1)})
    life.log.close()
    life.begin()
    with pytest.raises(ValueError, match="were main, second: name one"):
        account_history(tmp_path)


def test_a_folder_without_a_log(tmp_path: Path) -> None:
    assert not has_account_log(tmp_path)
