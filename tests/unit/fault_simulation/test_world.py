"""A world's last question: does what the bot left behind tell one story?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from autotrade.application.state_snapshot import export_rest
from autotrade.domain.state import TradingState
from autotrade.infrastructure.fault_simulation.world import World, WorldPlan
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.journal import verify
from autotrade.infrastructure.repositories.snapshot_set import SnapshotSet
from autotrade.infrastructure.repositories.state_loader import load_state


def count_a_decision(state: TradingState) -> None:
    state.totals.decisions += 1


def forget_an_order(state: TradingState) -> None:
    order_id = next(order.id for order in state.orders.all())
    state.orders.forget([order_id])


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Twenty minutes without a fault, in which deals were made."""
    world = World(WorldPlan(seed=3, seconds=1_200.0, script=()), tmp_path_factory.mktemp("world"))
    assert world.run().violations == []
    assert world.result.deals
    return world


@pytest.mark.parametrize("change", [count_a_decision, forget_an_order])
def test_a_snapshot_that_is_not_what_the_journal_tells(
    lived: World, change: Callable[[TradingState], None]
) -> None:
    folder = DataFolder(lived.folder.path)
    state = load_state(folder).state
    change(state)
    snapshots = SnapshotSet(folder)
    prepared = snapshots.prepare(
        verify(folder.journal).end,
        state.deals.all(),
        state.orders.all(),
        state.tickers.all(),
        export_rest(state),
    )
    asyncio.run(snapshots.write(prepared))
    lived.watch.violations.clear()
    lived._recover_twice()
    assert {violation.invariant for violation in lived.watch.violations} == {"recovered_alike"}
