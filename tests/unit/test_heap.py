"""The heap is settled when the start is over, tended in the session, and let go after it."""

from __future__ import annotations

import asyncio
import gc
import platform
import sys
import weakref

import pytest

from autotrade.infrastructure import heap
from autotrade.infrastructure.heap import give_back, tend_heap


async def until(condition: object) -> None:
    async with asyncio.timeout(5):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.001)


async def test_settles_when_the_start_is_over_and_lets_go_at_the_end() -> None:
    frozen_before = gc.get_freeze_count()
    is_ready = False
    looks = 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        return is_ready

    task = asyncio.create_task(tend_heap(look))
    await until(lambda: looks >= 2)
    assert gc.get_freeze_count() == frozen_before
    is_ready = True
    await until(lambda: gc.get_freeze_count() > frozen_before)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert gc.get_freeze_count() == 0


async def test_cycles_are_let_go_while_the_session_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cycle:
        def __init__(self) -> None:
            self.me = self

    monkeypatch.setattr(heap, "TEND_SECONDS", 0.001)
    task = asyncio.create_task(tend_heap(lambda: True))
    gc.disable()
    try:
        await until(lambda: gc.get_freeze_count() > 0)
        lost = weakref.ref(Cycle())
        assert lost() is not None
        await until(lambda: lost() is None)
    finally:
        gc.enable()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_gives_back_where_the_system_knows_how_and_says_so() -> None:
    is_glibc = sys.platform.startswith("linux") and platform.libc_ver()[0] == "glibc"
    assert give_back() is is_glibc
