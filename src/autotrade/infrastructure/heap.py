"""The process's memory: short pauses and a flat curve over days, by a few words to the allocators.

- What a start makes (modules, the market list) lives as long as the process. Python's collector is
  told so once, and from then on looks only at what came later: a millisecond instead of a pause
  that grows with the market list. So it can be asked to look often; by itself it lets the cycles
  of a quarter of an hour among faults pile up to 18 MB.
- The C library keeps what a burst of messages needed, and a heap of its own for every thread. It is
  told to keep to two heaps, and asked now and then to give back what is free.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from collections.abc import Callable
from typing import Any

TEND_SECONDS = 20.0
HEAPS = 2
M_ARENA_MAX = -8
"""mallopt's word for the number of heaps (glibc, malloc.h)."""
LOOK_SECONDS = 0.02


async def tend_heap(is_ready: Callable[[], bool]) -> None:
    """Run beside a session from its start on until cancelled; `is_ready` says when it trades."""
    keep_few_heaps()
    gc.collect()  # takes tens of milliseconds, so not once prices are coming
    while not is_ready():  # noqa: ASYNC110 - the state is plain data and rings no bell
        await asyncio.sleep(LOOK_SECONDS)
    gc.freeze()
    try:
        while True:
            gc.collect()
            await asyncio.to_thread(give_back)
            await asyncio.sleep(TEND_SECONDS)
    finally:
        gc.unfreeze()


def keep_few_heaps() -> bool:
    """Before threads are started; False where the C library knows no such word."""
    library = _c_library()
    return library is not None and bool(library.mallopt(M_ARENA_MAX, HEAPS))


def give_back() -> bool:
    """Return the C library's free pages to the system; False where it knows no such word.

    glibc alone needs it: it returns the end of its heap by itself, and holes never.
    """
    library = _c_library()
    if library is None:
        return False
    library.malloc_trim(0)
    return True


def _c_library() -> Any:
    """glibc, or None on a system that has another."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if library.malloc_trim and library.mallopt else None
    except (OSError, AttributeError):
        return None
