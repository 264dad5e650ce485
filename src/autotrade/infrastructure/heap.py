"""The process's memory: short pauses and a flat curve over days, by two words to the allocators.

- What a start makes (modules, the market list) lives as long as the process. Python's collector is
  told so once, and from then on looks only at what came later: milliseconds instead of a pause that
  grows with the market list.
- The C library keeps what a burst of messages needed. It is asked to give that back every minute.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from collections.abc import Callable

GIVE_BACK_SECONDS = 60.0
LOOK_SECONDS = 0.02


async def tend_heap(is_ready: Callable[[], bool]) -> None:
    """Run beside a session from its start on until cancelled; `is_ready` says when it trades."""
    gc.collect()  # takes tens of milliseconds, so not once prices are coming
    while not is_ready():  # noqa: ASYNC110 - the state is plain data and rings no bell
        await asyncio.sleep(LOOK_SECONDS)
    gc.freeze()
    try:
        while True:
            await asyncio.to_thread(give_back)
            await asyncio.sleep(GIVE_BACK_SECONDS)
    finally:
        gc.unfreeze()


def give_back() -> bool:
    """Return the C library's free pages to the system; False where it knows no such word.

    glibc alone needs it: it returns the end of its heap by itself, and holes never.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        trim = ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):
        return False
    trim(0)
    return True
