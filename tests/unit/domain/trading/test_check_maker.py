"""Sentences of checks: right sign, and numbers that can be told apart."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.domain.decisions import Check, RefusalReason
from autotrade.domain.services.utils.check_maker import Rule, number_pair

SPREAD = RefusalReason.SPREAD


@pytest.mark.parametrize(
    ("value", "is_upper", "passed", "text"),
    [
        (0.41, True, False, "spread 0.41% > 0.30%"),
        (0.3, True, True, "spread 0.30% <= 0.30%"),
        (0.01, True, True, "spread 0.01% <= 0.30%"),
        (0.41, False, True, "spread 0.41% >= 0.30%"),
        (0.3, False, True, "spread 0.30% >= 0.30%"),
        (0.01, False, False, "spread 0.01% < 0.30%"),
    ],
)
def test_a_rule_and_its_sentence(value: float, is_upper: bool, passed: bool, text: str) -> None:
    rule = Rule("spread", SPREAD, "spread", value, 0.3, is_upper=is_upper, unit="%")
    assert rule.is_kept is passed
    reason = None if passed else SPREAD
    assert rule.check() == Check("spread", passed, f"{value:.2f}%", "0.30%", text, reason)


def test_nobody_reads_030_over_030() -> None:
    assert number_pair(0.304, 0.3, 2, "%") == ("0.304%", "0.300%")
    assert number_pair(0.3004, 0.3, 2, "%") == ("0.3004%", "0.3000%")
    assert number_pair(Decimal("14.999999"), Decimal(15), 2) == ("14.999999", "15.000000")
    assert number_pair(0.3, 0.3, 2, "%") == ("0.30%", "0.30%")
    assert number_pair(0.3 + 1e-16, 0.3, 2) == ("0.300000000000", "0.300000000000")
    assert number_pair(float("inf"), 2.0, 1, "%") == ("infinite", "2.0%")


@given(value=st.decimals(0, 100, places=6), limit=st.decimals(0, 100, places=6))
def test_the_sentence_never_lies(value: Decimal, limit: Decimal) -> None:
    check = Rule("spread", SPREAD, "spread", value, limit).check()
    assert (Decimal(check.value) <= Decimal(check.limit)) is check.passed
    assert (check.reason is None) is check.passed
