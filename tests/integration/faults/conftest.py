"""The bench of the bad days, and scripts played on its exchange."""

from __future__ import annotations

from collections import Counter

import pytest

from autotrade.application.use_cases import run_realtime_trading
from autotrade.application.use_cases.run_realtime_trading import RealtimeTrading
from autotrade.domain import commands as c
from autotrade.infrastructure.simulated_exchange.fault_driver import FaultDriver
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind, ScriptedFault
from tests.integration.bad_days.conftest import Scene, scene
from tests.integration.bad_days.market import ETH
from tests.integration.bench import SPEED, until

__all__ = ["Stage", "scene", "stage"]

WINDOW_MS = 1_500
"""How long a request may be under way, of this machine; what comes later is refused."""
SIGNALS_MAX = 6
UNTIL_TOLD_S = 1e6
"""Longer than any story: a state that holds until `Stage.over`, however slow this machine is."""


class Stage:
    """A scene on which scripted faults happen; each story ends with one order an intent."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.driver: FaultDriver | None = None
        self._met: list[str] = []
        scene.bench.request_window_ms = round(WINDOW_MS * SPEED)
        scene.bench.connection_changes["receive_window_ms"] = WINDOW_MS

    def play(self, *faults: ScriptedFault) -> FaultDriver:
        self.driver = self.scene.bench.exchange.play(faults)
        return self.driver

    def fault(self, kind: FaultKind, duration_s: float = 0.0, count: int = 1) -> FaultDriver:
        """One fault, from now on."""
        return self.play(ScriptedFault(0.0, kind, duration_s, count))

    def hold(self, kind: FaultKind) -> FaultDriver:
        """A state from now on, until `over`."""
        return self.fault(kind, UNTIL_TOLD_S)

    def over(self) -> None:
        """All faults end now."""
        assert self.driver is not None
        self.driver.end()

    async def happened(self, kind: FaultKind, times: int = 1) -> None:
        driver = self.driver
        assert driver is not None
        await until(lambda: driver.counts[kind] >= times, f"{kind.value} {times} times")

    async def passed(self, kind: FaultKind) -> None:
        """The state is over."""
        driver = self.driver
        assert driver is not None
        await until(lambda: driver.next_due_ts() is None, f"the end of {kind.value}")

    async def goes_on(self, session: RealtimeTrading) -> None:
        """The faults are over: doubts are cleared, and a deal goes its whole way once more. A
        signal may be refused first, with a reason."""
        if self.driver is not None:
            self.over()
        await until(lambda: not session.state.lost_channels, "all channels")
        totals = session.state.totals
        closed = totals.deals_closed
        for _ in range(SIGNALS_MAX):
            if not session.state.deals.open_deals():
                await self.scene.signal(session)
            await until(lambda: self._is_clear(session), "an end of all doubts")
            self.scene.market.rise(1.5)
            await until(
                lambda: totals.deals_closed > closed or not session.state.deals.open_deals(),
                "the end of a deal",
            )
            if totals.deals_closed > closed:
                return
        raise AssertionError(f"expected a deal, was none: {self.scene.bench.log.lines}")

    def _is_clear(self, session: RealtimeTrading) -> bool:
        """Every deal is protected or ended, and nothing must be asked for. BUYs that rest meet a
        seller."""
        service = session.state.deal_service
        deals = session.state.deals.open_deals()
        for deal in deals:
            entry = self.scene.entry(session, deal)
            if entry.is_working and entry.id not in self._met:
                self._met.append(entry.id)
                self.scene.fill(entry)
        return all(service.is_protected(deal) and not service.doubtful(deal) for deal in deals)

    def assert_one_order_an_intent(self) -> None:
        orders = self.scene.bench.exchange.exchange.all_orders("main", ETH.symbol)
        placed = Counter(order.client_order_id for order in orders)
        assert set(placed.values()) <= {1}, placed
        sent = [row.order_id for row in self.scene.bench.records(c.PlaceOrder)]
        assert len(sent) == len(set(sent)), "an intent was sent twice"


@pytest.fixture
async def stage(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(run_realtime_trading, "RULES_SECONDS", 0.5)
    return Stage(scene)
