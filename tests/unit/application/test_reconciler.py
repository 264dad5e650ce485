"""What the Reconciler asks the exchange for, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence, Set

import pytest

from autotrade.application.ports import AccountReport, ExchangeUnreachable, OpenOrder
from autotrade.application.reconciler import OVERLAP_MS, Reconciler
from autotrade.domain import events as e
from tests.engine_harness import EngineHarness


class World:
    """Connector, sink, clock and notifier in one: it remembers what it was asked."""

    def __init__(self, now_ms: int = 0) -> None:
        self.asked: list[list[str]] = []
        self.trades_since: list[int] = []
        self.now = now_ms
        self.is_away = False

    async def report(
        self, orders: Sequence[OpenOrder], symbols: Sequence[str], trades_since_ms: int
    ) -> AccountReport:
        self.asked.append([order.order_id for order in orders])
        self.trades_since.append(trades_since_ms)
        if self.is_away:
            raise ExchangeUnreachable("expected an answer, was none")
        return AccountReport(events=(), foreign_orders=())

    async def put(self, event: e.Event) -> None: ...

    def put_market(self, event: e.Event) -> None: ...

    def now_ms(self) -> int:
        return self.now

    def notify(self, text: str, *, is_warning: bool = False) -> None: ...


def reconciler_of(bot: EngineHarness, world: World, unsent: Set[str] = frozenset()) -> Reconciler:
    return Reconciler(bot.state, world, world, world, world, unsent=unsent)  # type: ignore[arg-type]


async def test_an_order_that_was_not_sent_yet_is_not_asked_for() -> None:
    """The exchange cannot know it; "unknown order" would end it while it waits for the disk."""
    bot, world = EngineHarness(), World()
    bot.signal()
    unsent = {bot.entry.id}
    reconciler = reconciler_of(bot, world, unsent)
    await reconciler.run("timer")
    unsent.clear()
    await reconciler.run("timer")
    assert world.asked == [[], [bot.entry.id]]


@pytest.mark.parametrize("hours", [0, 1, 50])
async def test_trades_are_asked_for_from_the_last_thing_we_know(hours: int) -> None:
    """However long the bot was away: from a minute before its last fact on."""
    bot = EngineHarness()
    last_ts = bot.state.last_ts
    world = World(last_ts + hours * 3_600_000)
    await reconciler_of(bot, world).run("start")
    assert world.trades_since == [last_ts - OVERLAP_MS]


async def test_trades_are_asked_for_from_the_oldest_order_that_may_have_traded() -> None:
    bot = EngineHarness()
    bot.opened()
    sent_ts = bot.entry.sent_ts
    assert sent_ts is not None
    bot.wait(600)
    world = World(bot.ts)
    reconciler = reconciler_of(bot, world)
    await reconciler.run("timer")
    assert world.trades_since == [sent_ts - OVERLAP_MS]
    world.now = bot.ts + 30_000
    await reconciler.run("timer")
    assert world.trades_since[1] == bot.ts - OVERLAP_MS, "from the comparison before"


async def test_trades_that_no_comparison_had_are_asked_for_again() -> None:
    bot, world = EngineHarness(), World()
    world.now = bot.ts
    reconciler = reconciler_of(bot, world)
    await reconciler.run("timer")
    world.is_away = True
    world.now += 30_000
    with pytest.raises(ExchangeUnreachable):
        await reconciler.run("timer")
    world.is_away = False
    world.now += 30_000
    await reconciler.run("timer")
    assert world.trades_since[1:] == [bot.ts - OVERLAP_MS] * 2


async def test_orders_in_doubt_are_asked_for() -> None:
    bot, world = EngineHarness(), World()
    bot.signal()
    bot.unknown(bot.entry.id)
    await reconciler_of(bot, world).run("timer")
    assert world.asked == [[bot.entry.id]]
