"""Bounded numbers as option types, with one sentence when they are not."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any


def number(kind: type, low: float, high: float, what: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f'expected {what} from {low:g} to {high:g}, was "{text}"'
            )
        return value

    return parse
