"""Waiting times between redials: doubling, bounded, jittered, from a seed."""

from __future__ import annotations

import random


class Backoff:
    """Seconds to wait before the next try; `reset` after one that worked."""

    def __init__(
        self, seed: int, *, first_seconds: float = 0.1, longest_seconds: float = 10.0
    ) -> None:
        self._random = random.Random(seed)
        self._first, self._longest = first_seconds, longest_seconds
        self.attempts = 0

    def next_seconds(self) -> float:
        """Between half and the whole of the doubled time: many clients must not march in step."""
        whole = min(self._longest, self._first * 2.0 ** min(self.attempts, 20))
        self.attempts += 1
        return whole * (0.5 + 0.5 * self._random.random())

    def reset(self) -> None:
        self.attempts = 0
