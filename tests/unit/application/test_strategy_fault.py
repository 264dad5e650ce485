"""A strategy that fails in the middle: one refused decision, and open deals live on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from autotrade.application.narrator import Narrator
from autotrade.application.use_cases.run_realtime_trading import history_needed, market_line
from autotrade.domain import events as e
from autotrade.domain.decisions import Decision, RefusalReason
from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.domain.settings import DomainSettings, StrategySettings
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.base import Sighting, Strategy, StrategyFault
from autotrade.infrastructure.journal.codec import record_type
from tests.engine_harness import START_TS, SYMBOL, EngineHarness


class Breaks(Strategy):
    """A signal on candle 2, nonsense on candle 5."""

    name = "breaks"
    version = "7"

    @property
    def history_candles(self) -> int:
        return 2_345

    def signals(self, candle: Candle, values: IndicatorValues) -> Sighting | None:
        if values.count == 5:
            raise RuntimeError("lost the thread")
        return Sighting("second", {"count": 2}) if values.count == 2 else None


@pytest.fixture
def bot() -> Iterator[EngineHarness]:
    registry.register(Breaks, "breaks.py")
    yield EngineHarness(
        replace(DomainSettings(), strategy=StrategySettings(name="breaks")), price="2000"
    )
    registry.forget("breaks")


def test_the_failure_is_a_refused_decision_once_and_the_deal_lives_on(bot: EngineHarness) -> None:
    bot.candle(0, 2000.0)
    bot.ts = START_TS + 120_000  # the book of the moment at which candle 1 closes
    bot.price("2000")
    opened = bot.candle(1, 2000.0)
    assert isinstance(opened[0], Decision) and opened[0].signal.version == "7"
    assert any(isinstance(record, e.DealOpened) for record in opened), opened[0].reason_text
    bot.accept(bot.entry.id)
    bot.fill(bot.entry.id)
    bot.accept(bot.target.id)
    bot.accept(bot.stop.id)

    assert [bot.candle(2, 2000.0), bot.candle(3, 2000.0)] == [[], []]
    [refused] = bot.candle(4, 2000.0)
    assert isinstance(refused, Decision) and not refused.approved
    assert (refused.signal.strategy, refused.signal.version) == ("breaks", "7")
    assert refused.refusal is not None
    assert refused.refusal.reason is RefusalReason.STRATEGY_FAULT
    assert "(test_strategy_fault.py, line " in refused.reason_text
    assert "raised RuntimeError in signals: lost the thread; no more signals for" in (
        refused.reason_text
    )
    assert bot.state.totals.refused == {"strategy_fault": 1}
    assert [bot.candle(minute, 2000.0 + minute) for minute in range(5, 40)] == [[]] * 35

    bot.fill(bot.target.id)
    bot.cancel(bot.stop.id, reason="expired")
    assert bot.state.totals.deals_won == 1
    assert bot.state.deals.open_deals() == []


def test_the_refusal_is_told_and_journaled_like_any_other(bot: EngineHarness) -> None:
    for minute in range(4):
        bot.candle(minute, 2000.0)
    records = bot.candle(4, 2000.0)
    assert isinstance(records[0], Decision)
    [line] = Narrator(bot.state).tell(e.TimerTicked(ts=bot.ts), records)
    assert line.startswith(f"signal {SYMBOL} strategy_fault 2000 | refused: strategy breaks (")
    codec = record_type(records[0]).codec
    assert codec.decode(codec.encode(records[0])) == records[0]
    assert market_line(bot.engine).endswith("no signals: strategy failed")


def test_a_failure_on_history_is_raised(bot: EngineHarness) -> None:
    history = [Candle(START_TS + n * 60_000, 1.0, 1.0, 1.0, 1.0, 1.0) for n in range(6)]
    with pytest.raises(StrategyFault, match="raised RuntimeError in signals: lost the thread"):
        bot.engine.warm_up(SYMBOL, history)


def test_history_that_comes_twice_is_shown_once(bot: EngineHarness) -> None:
    history = [Candle(START_TS + n * 60_000, 1.0, 1.0, 1.0, 1.0, 1.0) for n in range(3)]
    bot.engine.warm_up(SYMBOL, history)
    bot.engine.warm_up(SYMBOL, history)
    assert bot.engine.strategy.fault(SYMBOL) is None


def test_the_strategys_own_history_is_fetched(bot: EngineHarness) -> None:
    assert history_needed(bot.settings.strategy) == 2_345
    assert history_needed(StrategySettings()) == 217
    breakout = StrategySettings(name="volatility_breakout")
    assert history_needed(breakout) == 2_880
    assert history_needed(replace(breakout, timeframe="1h")) == 217
