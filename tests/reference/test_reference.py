"""Two programs that share no line come to the same signals, fills, deals and results."""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.domain.settings import DomainSettings, StopLossMonitorSettings
from tests.recordings import recording
from tests.reference.comparison import (
    Scenario,
    by_the_engine,
    by_the_reference,
    differences,
)
from tests.reference.scenarios import random_scenario, recorded_series

EXAMPLES = int(os.environ.get("AUTOTRADE_REFERENCE_EXAMPLES", "15"))
ALLOWED = {"__future__", "collections.abc", "dataclasses", "decimal", "itertools", "typing"}
EVERY_WAY = (3, 5, 8, 10, 15, 16, 45, 55, 88, 1173)
"""Seeds of short markets that hold every way together; in the last one a SELL of ours meets a BUY
of ours."""
HISTORY = 500
THIN = "klines/binance_IOTAUSDT_1m_20210420_20210520.parquet"
WIDER = StopLossMonitorSettings(
    orderbook_percent=D(2), emergency_percent=D(3), exchange_stop_percent=D(4)
)


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("plain_*.py")), ids=str)
def test_the_reference_knows_nothing_of_the_program(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            raise AssertionError(f"{path.name}:{node.lineno} imports a module")
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            is_own = module.startswith("tests.reference.plain_")
            assert node.level == 0 and (is_own or module in ALLOWED), f"{path.name}: {module}"


@given(seed=st.integers(0, 10**9))
@settings(max_examples=EXAMPLES, deadline=None)
def test_they_agree_on_random_markets(seed: int) -> None:
    scenario = random_scenario(seed)
    assert differences(by_the_engine(scenario), by_the_reference(scenario)) == []


def test_they_agree_on_every_way_to_end_and_to_refuse() -> None:
    """What never happens is not compared."""
    results = []
    for seed in EVERY_WAY:
        scenario = random_scenario(seed)
        results.append(by_the_reference(scenario))
        assert differences(by_the_engine(scenario), results[-1]) == [], f"seed {seed}"
    ways = {end.how for result in results for end in result.ends}
    assert ways == {
        "target reached",
        "stopped on the exchange",
        "stop_loss",
        "emergency",
        "exchange_stop",
        "canceled",
    }
    refusals = {reason for one in results for signal in one.signals for reason in signal.refused_by}
    assert refusals >= {
        "balance",
        "confidence",
        "cooldown_loss",
        "deal_count",
        "liquidity",
        "market_conditions",
        "min_notional",
        "slippage",
    }
    assert any(result.dust[0] for result in results)


@pytest.mark.parametrize(
    ("quota", "chosen"),
    [(D(15), DomainSettings()), (D(500), DomainSettings(stop_loss_monitor=WIDER))],
)
def test_they_agree_on_recorded_days(quota: D, chosen: DomainSettings) -> None:
    series = recorded_series(recording(THIN), 39_000, HISTORY + 2_880)
    scenario = Scenario(series, int(series.open_ts[HISTORY]), chosen, deal_quota=quota)
    engine, plain = by_the_engine(scenario), by_the_reference(scenario)
    assert differences(engine, plain) == []
    assert len(engine.ends) > 10


def test_a_deviation_is_seen() -> None:
    """The comparison is no formality: what differs by one small rule does not pass."""
    scenario = random_scenario(3)
    engine = by_the_engine(scenario)
    assert engine.fills and engine.ends
    assumed = scenario.assumptions
    for other in (
        replace(scenario, assumptions=replace(assumed, latency_ms=assumed.latency_ms + 1)),
        replace(scenario, assumptions=replace(assumed, taker_fee=D("0.00100001"))),
        replace(scenario, profit_markup=scenario.profit_markup + D("0.3")),
    ):
        assert differences(engine, by_the_reference(other)) != []
