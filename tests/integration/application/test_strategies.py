"""Other strategies in a whole session, with real parts from the exchange to the journal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autotrade.config.strategy_files import register_own
from autotrade.domain.decisions import Decision
from autotrade.domain.settings import SignalCooldownSettings, StrategySettings
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.base import StrategyFault
from autotrade.infrastructure.journal.journal import verify
from tests.integration.bench import SETTINGS, serving, until
from tests.market_waves import WaveMarket

FAILS_LATER = """
from autotrade.domain.strategies.base import Sighting, Strategy

class FailsLater(Strategy):
    name = "fails_later"
    version = "2"
    def signals(self, candle, values):
        return {}["missing"] if values.count > LIMIT else None
"""


def settings_of(**strategy: object):  # type: ignore[no-untyped-def]
    return replace(
        SETTINGS,
        strategy=StrategySettings(**strategy),  # type: ignore[arg-type]
        signal_cooldown=SignalCooldownSettings(0.0, 0.0),
    )


@pytest.fixture
def fails_later(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "fails_later.py"
    registry.forget("fails_later")


async def test_volatility_breakout_trades_and_signs_its_decisions(tmp_path: Path) -> None:
    settings = settings_of(
        name="volatility_breakout", parameters=(("session_candles", 10), ("k", 0.3))
    )
    async with serving(WaveMarket(), tmp_path / "data", settings=settings) as bench:
        async with bench.trading() as session:
            await until(lambda: session.state.totals.deals_opened >= 2, "two deals")
        decisions = list(bench.records(Decision))
    assert {(d.signal.strategy, d.signal.version) for d in decisions} == {
        ("volatility_breakout", "1")
    }
    sessions = [decision.signal.candle_ts // 600_000 for decision in decisions]
    assert len(sessions) == len(set(sessions))
    for decision in decisions:
        values = decision.signal.values
        assert values["close"] > values["trigger"] > values["session_open"]


async def test_a_strategy_that_fails_on_history_does_not_start(
    tmp_path: Path, fails_later: Path
) -> None:
    fails_later.write_text(FAILS_LATER.replace("LIMIT", "100"), encoding="utf-8")
    register_own("fails_later", tmp_path)
    settings = settings_of(name="fails_later")
    async with serving(WaveMarket(), tmp_path / "data", settings=settings) as bench:
        session = await bench.session()
        with pytest.raises(StrategyFault, match=r"\(fails_later\.py, line 8\) raised KeyError"):
            await session.run()
        assert verify(bench.folder.journal).holds
        assert bench.exchange.exchange.open_orders("main") == []


async def test_a_strategy_that_fails_later_is_refused_once_and_the_session_goes_on(
    tmp_path: Path, fails_later: Path
) -> None:
    fails_later.write_text(FAILS_LATER.replace("LIMIT", "222"), encoding="utf-8")
    register_own("fails_later", tmp_path)
    settings = settings_of(name="fails_later")
    async with serving(WaveMarket(), tmp_path / "data", settings=settings) as bench:
        async with bench.trading() as session:
            await until(lambda: session.state.totals.refused, "the refusal")
            seen = session.state.tickers.find("ETH/USDT")
            assert seen is not None
            later = seen.ts + 300_000
            await until(lambda: seen.ts > later, "five more candles")
        [decision] = bench.records(Decision)
    assert decision.signal.kind == "strategy_fault"
    assert "fails_later.py, line 8" in decision.reason_text
