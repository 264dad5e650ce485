"""Checks with sentences made for the log: "spread 0.41% > 0.30%"."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import NamedTuple

from autotrade.domain.decisions import Check, RefusalReason

Number = int | float | Decimal

DECIMALS_MAX = 12


class Rule(NamedTuple):
    """A number that must not pass a limit. Cheap to ask; its sentence is written on demand.

    `value` and `limit` are of one type. `decimals` and `unit` say how both are written.
    """

    name: str
    reason: RefusalReason
    label: str
    value: Number
    limit: Number
    is_upper: bool = True
    """True when the limit is the most that is allowed, False when it is the least."""
    decimals: int = 2
    unit: str = ""

    @property
    def is_kept(self) -> bool:
        return self.value <= self.limit if self.is_upper else self.value >= self.limit

    def check(self) -> Check:
        value, limit = number_pair(self.value, self.limit, self.decimals, self.unit)
        is_kept = self.is_kept
        sign = ("<=" if is_kept else ">") if self.is_upper else (">=" if is_kept else "<")
        text = f"{self.label} {value} {sign} {limit}"
        return make_check(
            self.name, self.reason, passed=is_kept, value=value, limit=limit, text=text
        )


def number_pair(value: Number, limit: Number, decimals: int, unit: str = "") -> tuple[str, str]:
    """Both as text, with as many decimals as it takes to tell them apart.

    Nobody should read "0.30% > 0.30%".
    """
    digits = decimals
    while True:
        texts = _text(value, digits, unit), _text(limit, digits, unit)
        if texts[0] != texts[1] or value == limit or digits >= DECIMALS_MAX:
            return texts
        digits += 1


def _text(number: Number, digits: int, unit: str) -> str:
    return f"{number:.{digits}f}{unit}" if isfinite(number) else "infinite"


def make_check(
    name: str, reason: RefusalReason, *, passed: bool, value: str, limit: str, text: str
) -> Check:
    """A check that is no comparison of numbers; `reason` is kept only when it refused."""
    return Check(
        name=name,
        passed=passed,
        value=value,
        limit=limit,
        text=text,
        reason=None if passed else reason,
    )
