"""Virtual time: waiting costs nothing, the world goes on meanwhile, a kill is a kill."""

from __future__ import annotations

import asyncio

import pytest

from autotrade.infrastructure.fault_simulation.virtual_loop import (
    Agenda,
    ProcessKilled,
    VirtualLoop,
    WorldStuck,
)

START_MS = 1_700_000_000_000


def loop_of(agenda: Agenda, seed: str = "a") -> VirtualLoop:
    return VirtualLoop(agenda, seed)


def test_waiting_moves_the_worlds_time_and_nothing_else() -> None:
    agenda = Agenda(START_MS)
    loop = loop_of(agenda)
    loop.run_until_complete(asyncio.sleep(86_400))
    assert 86_400 <= agenda.seconds < 86_400.01
    assert agenda.now_ms - START_MS == pytest.approx(86_400_000, abs=10)
    loop.close()


def test_the_world_goes_on_while_a_process_waits() -> None:
    agenda, seen = Agenda(START_MS), []
    for second in (3, 1, 2):
        agenda.at(second, lambda second=second: seen.append((second, agenda.seconds)))  # type: ignore[misc]
    loop = loop_of(agenda)
    loop.run_until_complete(asyncio.sleep(2.5))
    assert seen == [(1, 1.0), (2, 2.0)]
    loop.close()


def test_what_the_world_brings_wakes_the_process_at_once() -> None:
    agenda = Agenda(START_MS)
    loop = loop_of(agenda)

    async def wait_for_it() -> float:
        event = asyncio.Event()
        agenda.after(7.0, event.set)
        await asyncio.wait_for(event.wait(), 100)
        return agenda.seconds

    assert loop.run_until_complete(wait_for_it()) == 7.0
    loop.close()


def test_the_order_of_one_moment_comes_from_the_seed() -> None:
    def order(seed: str) -> list[int]:
        seen: list[int] = []
        loop = loop_of(Agenda(START_MS), seed)

        async def one(number: int) -> None:
            await asyncio.sleep(1)
            seen.append(number)

        async def all_of_them() -> None:
            await asyncio.gather(*(one(number) for number in range(20)))

        loop.run_until_complete(all_of_them())
        loop.close()
        return seen

    assert order("a") == order("a")
    assert order("a") != order("b")
    assert sorted(order("b")) == list(range(20))


def test_a_kill_passes_every_handler_of_the_process() -> None:
    agenda = Agenda(START_MS)
    loop = loop_of(agenda)
    survived = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(1)
            except Exception:  # noqa: BLE001 what a careless program would catch
                survived.append(True)

    loop.kill_at_step = 10
    with pytest.raises(ProcessKilled):
        loop.run_until_complete(stubborn())
    assert not survived
    assert loop.steps == 10


def test_work_of_a_thread_takes_the_disks_time_and_keeps_its_errors() -> None:
    agenda = Agenda(START_MS)
    loop = loop_of(agenda)
    loop.executor_delay = lambda: 2.0

    def fails() -> None:
        raise OSError("full")

    async def work() -> None:
        assert await asyncio.to_thread(lambda: 41 + 1) == 42
        assert agenda.seconds >= 2.0
        with pytest.raises(OSError, match="full"):
            await asyncio.to_thread(fails)

    loop.run_until_complete(work())
    loop.close()


def test_a_world_in_which_nothing_will_happen_is_told() -> None:
    loop = loop_of(Agenda(START_MS))
    with pytest.raises(WorldStuck):
        loop.run_until_complete(loop.create_future())
    loop.close()
