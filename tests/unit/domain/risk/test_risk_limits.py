"""RiskLimits: every gate shut alone, every limit on both sides."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from autotrade.domain.decisions import Check, RefusalReason
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.services.risk.risk_limits import RiskLimits
from autotrade.domain.settings import TradingSettings

PAIR = CurrencyPair("ETH", "USDT", 1, Decimal(15), Decimal("1.5"), deal_count=3)

OPEN: dict[str, Any] = {
    "pair": PAIR,
    "open_deals_on_pair": 2,
    "open_deals_total": 8,
    "free_quote": Decimal("15.00"),
    "needed_quote": Decimal("15"),
    "is_paused": False,
    "is_ready": True,
    "is_halted": False,
    "stale_text": None,
}


def checks(**changes: Any) -> list[Check]:
    return RiskLimits(TradingSettings()).checks(**{**OPEN, **changes})


def test_all_gates_open() -> None:
    assert [(check.name, check.text) for check in checks() if check.passed] == [
        ("not_ready", "ready"),
        ("paused", "not paused"),
        ("halted", "ETH/USDT trades on the exchange"),
        ("stale_data", "market data is fresh"),
        ("deal_count", "open deals on ETH/USDT 2 < 3"),
        ("open_deals", "open deals 8 < 9"),
        ("balance", "free USDT 15.00 >= 15.00"),
    ]


@pytest.mark.parametrize(
    ("change", "reason", "value", "limit", "text"),
    [
        ({"is_ready": False}, "not_ready", "yes", "no", "not ready: still recovering"),
        ({"is_paused": True}, "paused", "yes", "no", "paused"),
        ({"is_halted": True}, "halted", "yes", "no", "ETH/USDT is halted on the exchange"),
        ({"stale_text": "ticker is 31 s old"}, "stale_data", "yes", "no", "ticker is 31 s old"),
        ({"stale_text": ""}, "stale_data", "yes", "no", "market data is stale"),
        ({"open_deals_on_pair": 3}, "deal_count", "3", "3", "open deals on ETH/USDT 3 >= 3"),
        ({"open_deals_on_pair": 4}, "deal_count", "4", "3", "open deals on ETH/USDT 4 >= 3"),
        ({"open_deals_total": 9}, "open_deals", "9", "9", "open deals 9 >= 9"),
        ({"free_quote": Decimal(7)}, "balance", "7.00", "15.00", "free USDT 7.00 < 15.00"),
        (
            {"free_quote": Decimal("14.9999")},
            "balance",
            "14.9999",
            "15.0000",
            "free USDT 14.9999 < 15.0000",
        ),
        ({"free_quote": None}, "balance", "unknown", "15.00", "free USDT unknown, 15.00 needed"),
    ],
)
def test_each_gate_alone(
    change: dict[str, Any], reason: str, value: str, limit: str, text: str
) -> None:
    refused = [check for check in checks(**change) if not check.passed]
    assert refused == [Check(reason, False, value, limit, text, RefusalReason(reason))]
    assert len(checks(**change)) == 7


def test_limits_come_from_the_settings() -> None:
    limits = RiskLimits(replace(TradingSettings(), max_open_deals=1))
    full = limits.checks(**{**OPEN, "open_deals_total": 1})
    assert [check.name for check in full if not check.passed] == ["open_deals"]
    single = replace(PAIR, deal_count=1)
    assert not checks(pair=single, open_deals_on_pair=1)[4].passed
    assert checks(pair=single, open_deals_on_pair=0)[4].passed
