"""The only loop: written down before it is sent, nothing lost, loud when the disk refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal as D
from pathlib import Path

import pytest

from autotrade.application import trading_loop
from autotrade.application.market_tape import MarketTape, RecordedSession
from autotrade.application.ports import StoreFault
from autotrade.application.trading_loop import TradingLoop
from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.state import Record
from autotrade.infrastructure.journal.journal import JsonlJournal, read_rows
from tests.engine_harness import SYMBOL, EngineHarness


class HandClock:
    def __init__(self, ts: int) -> None:
        self.ts = ts

    def now_ms(self) -> int:
        return self.ts


class ScriptedConnector:
    """Answers each command with what the test says; remembers what was on disk at that moment."""

    def __init__(self, journal_path: Path) -> None:
        self.sent: list[c.Command] = []
        self.on_disk: list[list[str]] = []
        self.answer: Callable[[c.Command], Sequence[e.Event]] = lambda command: []
        self._journal_path = journal_path

    async def execute(self, command: c.AnyCommand) -> Sequence[e.Event]:
        self.sent.append(command)
        self.on_disk.append([row.type for row in read_rows(self._journal_path)])
        return self.answer(command)


class Rig:
    def __init__(self, path: Path) -> None:
        self.bot = EngineHarness()
        self.path = path / "journal.jsonl"
        self.journal = JsonlJournal.open(self.path)
        self.connector = ScriptedConnector(self.path)
        self.clock = HandClock(self.bot.ts)
        self.told: list[tuple[e.Event, list[Record]]] = []
        self.loop = TradingLoop(
            self.bot.engine,
            self.journal,
            self.connector,  # type: ignore[arg-type]
            self.clock,
            lambda event, records: self.told.append((event, records)),
        )

    async def run_until_idle(self) -> None:
        """Let the loop work off everything, then stop it."""
        running = asyncio.create_task(self.loop.run())
        async with asyncio.timeout(10):
            while not self.loop.is_idle:
                await asyncio.sleep(0)
        self.loop.stop("test")
        await running

    def rows(self) -> list[str]:
        return [row.type for row in read_rows(self.path)]

    def unknown_buy(self) -> e.OrderOutcomeUnknown:
        """An event that makes the engine answer with a command."""
        self.bot.signal()
        return e.OrderOutcomeUnknown(ts=self.bot.ts, order_id="at1-1-B1", message="timed out")

    def filled_buy(self) -> e.OrderFilled:
        """An event that makes the engine protect what was bought."""
        order = self.bot.entry
        return e.OrderFilled(
            ts=self.bot.ts,
            order_id=order.id,
            exchange_id="1",
            trade_id="1",
            symbol=SYMBOL,
            side=order.side,
            price=order.price or D(0),
            amount=order.amount,
            fee=D(0),
            fee_asset="USDT",
            is_maker=True,
            exchange_ts=self.bot.ts,
        )


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def test_event_and_command_are_on_disk_before_the_command_leaves(rig: Rig) -> None:
    await rig.loop.put(rig.unknown_buy())
    await rig.run_until_idle()
    assert [type(command).__name__ for command in rig.connector.sent] == ["QueryOrder"]
    assert rig.connector.on_disk == [["OrderOutcomeUnknown", "QueryOrder"]]


async def test_cause_points_at_the_event(rig: Rig) -> None:
    await rig.loop.put(rig.unknown_buy())
    await rig.run_until_idle()
    event, command = read_rows(rig.path)
    assert (command.cause, command.deal, event.deal) == (event.seq, 1, 1)


async def test_outcome_comes_back_as_an_event(rig: Rig) -> None:
    rig.connector.answer = lambda command: [
        e.OrderReported(
            ts=rig.bot.ts,
            order_id="at1-1-B1",
            exchange_id="5",
            is_open=True,
            filled_total=D(0),
            reason="NEW",
        )
    ]
    await rig.loop.put(rig.unknown_buy())
    await rig.run_until_idle()
    assert rig.rows() == ["OrderOutcomeUnknown", "QueryOrder", "OrderReported"]
    assert rig.bot.entry.is_working


async def test_orders_are_unsent_from_the_disk_until_their_outcome(rig: Rig) -> None:
    """Meanwhile the exchange's "unknown order" would be no proof, however slow the disk is."""
    rig.bot.signal()
    seen: list[set[str]] = []
    sync = rig.journal.sync

    async def slow_sync() -> None:
        seen.append(set(rig.loop.unsent))
        await sync()

    def answer(command: c.Command) -> Sequence[e.Event]:
        seen.append(set(rig.loop.unsent))
        return []

    rig.journal.sync = slow_sync  # type: ignore[method-assign]
    rig.connector.answer = answer
    await rig.loop.put(rig.filled_buy())
    await rig.run_until_idle()
    assert seen == [{rig.bot.target.id, rig.bot.stop.id}] * 2
    assert rig.loop.unsent == set()


@pytest.mark.parametrize(("late_ms", "is_sent"), [(5_000, True), (5_001, False)])
async def test_a_buy_that_the_disk_kept_too_long_is_not_sent(
    rig: Rig, late_ms: int, is_sent: bool
) -> None:
    """The exchange would take it, at a price that was right long ago."""
    rig.bot.opened()
    rig.bot.wait(301)
    sync = rig.journal.sync

    async def slow_sync() -> None:
        await sync()
        rig.clock.ts = rig.bot.ts + late_ms

    rig.journal.sync = slow_sync  # type: ignore[method-assign]
    await rig.loop.put(
        e.OrderCanceled(
            ts=rig.bot.ts,
            order_id="at1-1-B1",
            exchange_id="1",
            filled_total=D(0),
            reason="canceled",
        )
    )
    await rig.run_until_idle()
    assert [type(command).__name__ for command in rig.connector.sent] == ["PlaceOrder"] * is_sent
    if not is_sent:
        refused = next(row for row in read_rows(rig.path) if row.type == "OrderRejected")
        assert "decided 5.0 s ago" in rig.bot.state.orders.get("at1-1-B2").close_reason
        assert refused.record.reason is e.RejectReason.UNAVAILABLE  # type: ignore[union-attr]
    assert rig.loop.unsent == set()


async def test_what_sells_is_sent_however_long_the_disk_took(rig: Rig) -> None:
    rig.bot.opened()
    rig.clock.ts = rig.bot.ts + 600_000
    await rig.loop.put(rig.filled_buy())
    await rig.run_until_idle()
    assert [type(command).__name__ for command in rig.connector.sent] == ["PlaceOrderList"]


async def test_prices_are_coalesced_and_not_journaled(rig: Rig) -> None:
    for price in range(2000, 2100):
        rig.loop.put_market(
            e.TickerUpdated(
                ts=rig.bot.ts, symbol=SYMBOL, price=D(price), bid=D(price), ask=D(price)
            )
        )
    assert rig.loop.queue_depth == 1
    await rig.run_until_idle()
    ticker = rig.bot.state.tickers.find(SYMBOL)
    assert ticker is not None
    assert ticker.price == 2099
    assert rig.rows() == []
    assert rig.loop.performance.ticks == 100


async def test_full_queue_makes_the_stream_wait_and_loses_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trading_loop, "QUEUE_MAX", 4)

    async def produce() -> None:
        for number in range(50):
            await rig.loop.put(
                e.ChannelLost(ts=rig.bot.ts, channel=e.Channel.USER_DATA, text=str(number))
            )

    producing = asyncio.create_task(produce())
    await asyncio.sleep(0)
    assert rig.loop.queue_depth == 4
    assert not producing.done()
    running = asyncio.create_task(rig.loop.run())
    async with asyncio.timeout(10):
        await producing
    rig.loop.stop("test")
    await running
    texts = [row.record.text for row in read_rows(rig.path)]  # type: ignore[attr-defined]
    assert texts == [str(number) for number in range(50)]


async def test_store_fault_stops_before_anything_is_sent(rig: Rig) -> None:
    async def refuse() -> None:
        raise StoreFault("no space left on device")

    rig.journal.sync = refuse  # type: ignore[method-assign]
    await rig.loop.put(rig.unknown_buy())
    with pytest.raises(StoreFault, match="no space"):
        await rig.loop.run()
    assert rig.connector.sent == []


async def test_fault_in_a_sender_ends_the_loop(rig: Rig) -> None:
    def explode(command: c.Command) -> Sequence[e.Event]:
        raise RuntimeError("connector broke its promise")

    rig.connector.answer = explode
    await rig.loop.put(rig.unknown_buy())
    with pytest.raises(RuntimeError, match="promise"):
        async with asyncio.timeout(10):
            await rig.loop.run()


async def test_stop_works_off_the_queue_first(rig: Rig) -> None:
    await rig.loop.put(e.OperatorRequested(ts=1, action=e.OperatorAction.PAUSE, by="test"))
    rig.loop.stop("enough")
    async with asyncio.timeout(10):
        assert await rig.loop.run() == "enough"
    assert rig.bot.state.is_paused
    await rig.loop.close("over")
    assert rig.rows() == ["OperatorRequested", "SessionStopped"]


async def test_finish_waits_for_outcomes(rig: Rig) -> None:
    release = asyncio.Event()

    async def slow(command: c.AnyCommand) -> Sequence[e.Event]:
        await release.wait()
        return [e.OrderAccepted(ts=rig.bot.ts, order_id="at1-1-B1", exchange_id="9", exchange_ts=1)]

    rig.connector.execute = slow  # type: ignore[method-assign]
    await rig.loop.put(rig.unknown_buy())
    rig.loop.stop("test")
    await rig.loop.run()
    assert not await rig.loop.finish(0.05)
    release.set()
    assert await rig.loop.finish(5)
    assert rig.bot.entry.exchange_id == "9"


async def test_waiting_for_the_stop_is_not_latency(rig: Rig) -> None:
    await rig.loop.put(e.BalancesUpdated(ts=rig.bot.ts, balances=(), is_complete=False))
    await rig.run_until_idle()
    assert rig.loop.performance.processing.count == 1
    rig.loop.put_market(e.TimerTicked(ts=rig.bot.ts))
    await rig.loop.finish(1.0)
    assert rig.loop.performance.events == 2
    assert rig.loop.performance.processing.count == 1


async def test_timer_ticks_reach_the_monitors(rig: Rig) -> None:
    rig.bot.signal()
    rig.clock.ts = rig.bot.ts + 16_000
    running = asyncio.create_task(rig.loop.run())
    async with asyncio.timeout(10):
        while not rig.connector.sent:
            await asyncio.sleep(0)
            rig.loop._slots.setdefault(  # the timer's own slot, without waiting for its second
                (e.TimerTicked, ""), (e.TimerTicked(ts=rig.clock.ts), 0)
            )
            rig.loop._wake.set()
    rig.loop.stop("test")
    await running
    assert isinstance(rig.connector.sent[0], c.QueryOrder)


async def test_the_recording_is_written_before_the_rows_that_follow_from_it(tmp_path: Path) -> None:
    """A process that is killed between the two leaves no row without its cause."""

    class Recorder:
        def __init__(self) -> None:
            self.flushed: list[tuple[int, list[str]]] = []
            self.taken: list[tuple[int, str]] = []

        def begin(self, seq: int, session: RecordedSession) -> None: ...

        def take(self, seq: int, event: e.Event, *, is_remembered: bool) -> None:
            self.taken.append((seq, type(event).__name__))

        def flush(self, next_seq: int) -> None:
            self.flushed.append((next_seq, rig.rows()))

        def close(self) -> None: ...

    recorder = Recorder()
    rig = Rig(tmp_path)
    rig.loop._tape = MarketTape(rig.bot.settings, rig.bot.state, recorder)
    await rig.loop.put(e.Reconciled(ts=rig.bot.ts, trigger="timer", differences=0))
    await rig.loop.put(rig.unknown_buy())
    rig.loop.put_market(e.TimerTicked(ts=rig.bot.ts))
    await rig.run_until_idle()
    assert recorder.flushed[0] == (4, []), "two events and a command, and none of them in the file"
    assert recorder.taken == [(4, "TimerTicked")], "after the three rows"
    assert rig.rows() == ["Reconciled", "OrderOutcomeUnknown", "QueryOrder"]
