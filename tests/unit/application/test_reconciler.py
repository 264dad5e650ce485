"""What the Reconciler asks the exchange for, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence

from autotrade.application.ports import AccountReport, OpenOrder
from autotrade.application.reconciler import Reconciler
from autotrade.domain import events as e
from tests.engine_harness import EngineHarness


class World:
    """Connector, sink, clock and notifier in one: it remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def report(
        self, orders: Sequence[OpenOrder], symbols: Sequence[str], trades_since_ms: int
    ) -> AccountReport:
        self.asked.append([order.order_id for order in orders])
        return AccountReport(events=(), foreign_orders=())

    async def put(self, event: e.Event) -> None: ...

    def put_market(self, event: e.Event) -> None: ...

    def now_ms(self) -> int:
        return 0

    def notify(self, text: str, *, is_warning: bool = False) -> None: ...


async def test_an_order_that_was_not_sent_yet_is_not_asked_for() -> None:
    """The exchange cannot know it; "unknown order" would end it while it waits for the disk."""
    bot, world = EngineHarness(), World()
    bot.signal()
    unsent = {bot.entry.id}
    reconciler = Reconciler(bot.state, world, world, world, world, unsent=unsent)  # type: ignore[arg-type]
    await reconciler.run("timer")
    unsent.clear()
    await reconciler.run("timer")
    assert world.asked == [[], [bot.entry.id]]
