"""Whatever the network loses, doubles or delays and whenever the process dies: no order twice, no
fill lost, no deal forgotten, nothing stuck."""

from __future__ import annotations

from collections import Counter

import pytest

from autotrade.domain.entities.deal import DealStatus
from autotrade.domain.services.deals.deal_service import DealService
from autotrade.domain.state import TradingState
from autotrade.infrastructure.connectors.in_process_client import ACCOUNT
from tests.simulation.world import NO_FAULTS, Faults, World

SECONDS = 400


def assert_everything_came_right(world: World, seed: int) -> None:
    __tracebackhide__ = True
    state = world.engine.state
    where = f"seed {seed}, {world.crashes} crashes"
    assert not any(world.difference().values()), f"{where}: ledger {world.difference()}"
    _assert_one_order_an_intent(world, where)
    _assert_books_are_equal(world, where)
    _assert_every_deal_is_cared_for(state, where)
    _assert_state_is_the_fold(world, where)


def _assert_one_order_an_intent(world: World, where: str) -> None:
    orders = world.exchange.all_orders(ACCOUNT, "ETHUSDT", limit=1000)
    counts = Counter(order.client_order_id for order in orders)
    doubles = [order_id for order_id, count in counts.items() if count > 1]
    assert not doubles, f"{where}: two orders for one intent: {doubles}"
    assert len(world.sent) == len(set(world.sent)), f"{where}: an intent was sent twice"


def _assert_books_are_equal(world: World, where: str) -> None:
    believed = {order.id for order in world.engine.state.orders.all() if order.is_open()}
    truth = {order.client_order_id for order in world.exchange.open_orders(ACCOUNT)}
    assert believed == truth, f"{where}: believed open {believed}, open {truth}"
    for order in world.engine.state.orders.all():
        assert not order.is_in_doubt, f"{where}: {order.id} is still in doubt"


def _assert_every_deal_is_cared_for(state: TradingState, where: str) -> None:
    """An open deal either has its BUY resting, or its SELL with a stop, or says why it waits."""
    service = DealService(state.orders)
    for deal in state.deals.open_deals():
        entry = service.entry(deal)
        assert entry is not None
        is_cared_for = entry.is_open() or service.open_exits(deal) or deal.retry_ts
        assert is_cared_for, f"{where}: deal {deal.id} is forgotten: {deal}"
    for deal in state.deals.all():
        if deal.status is DealStatus.CLOSED:
            assert deal.held == 0, f"{where}: deal {deal.id} closed with coins"


def _assert_state_is_the_fold(world: World, where: str) -> None:
    state = TradingState([])
    for record in (*world.durable, *world.buffered):
        state.apply(record)
    assert state.ledger == world.engine.state.ledger, f"{where}: the journal says otherwise"
    assert state.totals == world.engine.state.totals, where


@pytest.mark.parametrize("seed", range(12))
def test_without_faults(seed: int) -> None:
    world = World(seed, NO_FAULTS)
    for _ in range(SECONDS):
        world.second()
    world.calm_down()
    assert world.engine.state.totals.deals_closed > 0
    assert_everything_came_right(world, seed)


@pytest.mark.parametrize("seed", range(60))
def test_with_every_fault(seed: int) -> None:
    world = World(seed)
    for _ in range(SECONDS):
        world.second()
    world.calm_down()
    assert_everything_came_right(world, seed)


@pytest.mark.parametrize("seed", range(15))
def test_with_a_process_that_keeps_dying(seed: int) -> None:
    world = World(seed, Faults(crash=0.1))
    for _ in range(SECONDS // 2):
        world.second()
    world.calm_down()
    assert world.crashes > 5
    assert_everything_came_right(world, seed)
