"""Volatility breakout against a slow reading of the same rule, and against the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.domain.settings import StrategySettings
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.volatility_breakout import VolatilityBreakout
from autotrade.infrastructure.strategies.contract import check_strategy
from autotrade.infrastructure.strategies.synthetic import Columns, synthetic_markets

DAY_MS, MINUTE_MS = 86_400_000, 60_000
START_MS = 1_704_067_200_000


def speaks(
    candles: Sequence[Candle], timeframe: str = "1m", **parameters: float
) -> list[tuple[int, dict[str, float]]]:
    """(number of the candle, values) of every signal."""
    named = replace(
        StrategySettings(name="volatility_breakout", timeframe=timeframe),
        parameters=tuple(parameters.items()),
    )
    runner, found = registry.create(named), []
    for number, candle in enumerate(candles):
        values = IndicatorValues(candle.open_ts, candle.close, number + 1)
        signal = runner.on_candle("ETH/USDT", candle.open_ts, candle, values)
        if signal is not None:
            found.append((number, signal.values))
    return found


def slow_reading(candles: Sequence[Candle], session_ms: int, k: float, trend: int) -> list[int]:
    """The rule in plain words: every session anew, looking back over all candles."""
    found = []
    sessions: dict[int, list[int]] = {}
    for number, candle in enumerate(candles):
        sessions.setdefault(candle.open_ts // session_ms, []).append(number)
    first = min(sessions)
    begins_whole = candles[0].open_ts % session_ms == 0
    for session, members in sessions.items():
        before = sessions.get(session - 1)
        if before is None or (session - 1 == first and not begins_whole):
            continue
        reach = max(candles[n].high for n in before) - min(candles[n].low for n in before)
        trigger = candles[members[0]].open + k * reach
        broken = [n for n in members if candles[n].close > trigger]
        if not broken:
            continue
        number = broken[0]
        if trend:
            last = [candle.close for candle in candles[max(0, number + 1 - trend) : number + 1]]
            if len(last) < trend or not candles[number].close > sum(last) / trend:
                continue
        found.append(number)
    return found


def flat(ts: int, price: float) -> Candle:
    return Candle(ts, price, price, price, price, 1.0)


def two_days(*second: float) -> list[Candle]:
    """A day between 95 and 105, then these closes, hour by hour."""
    hour = DAY_MS // 24
    first = [flat(START_MS + n * hour, 95.0 + 10.0 * (n % 2)) for n in range(24)]
    opens = [100.0, *second]
    return first + [
        Candle(START_MS + DAY_MS + n * hour, opens[n], max(opens[n], close), close, close, 1.0)
        for n, close in enumerate(second)
    ]


def test_the_first_close_above_open_plus_k_ranges_is_the_signal() -> None:
    [(number, values)] = speaks(two_days(101.0, 105.0, 105.1, 107.0, 99.0, 110.0), "1h")
    assert number == 24 + 2  # 105.0 only reaches the trigger
    assert values == {
        "close": 105.1, "session_open": 100.0, "range_before": 10.0, "k": 0.5, "trigger": 105.0
    }  # fmt: skip


def test_k_moves_the_trigger() -> None:
    candles = two_days(101.0, 105.1, 107.0, 112.0)
    assert [number for number, _ in speaks(candles, "1h", k=0.05)] == [24]
    assert [number for number, _ in speaks(candles, "1h", k=1.0)] == [27]
    assert speaks(candles, "1h", k=2.0) == []


def test_a_session_speaks_once_and_the_next_one_again() -> None:
    hour = DAY_MS // 24
    candles = two_days(106.0, 99.0, 108.0)
    candles += [flat(START_MS + 2 * DAY_MS + n * hour, 100.0 + 9.0 * n) for n in range(3)]
    assert [number for number, _ in speaks(candles, "1h")] == [24, 28]


def test_a_range_that_was_not_seen_whole_gives_no_signal() -> None:
    candles = two_days(120.0)
    assert [number for number, _ in speaks(candles[1:], "1h")] == []
    assert [number for number, _ in speaks(candles, "1h")] == [24]


def test_a_missing_session_gives_no_signal_after_it() -> None:
    candles = two_days(104.0, 106.0)
    late = [replace(c, open_ts=c.open_ts + DAY_MS) for c in candles[24:]]
    assert speaks([*candles[:24], *late], "1h") == []


def test_the_filter_is_asked_once_a_session() -> None:
    candles = two_days(106.0, 107.0, 120.0)
    assert [number for number, _ in speaks(candles, "1h", trend_candles=5)] == [24]
    high = [flat(START_MS - (n + 1) * DAY_MS // 24, 500.0) for n in reversed(range(24))]
    # the mean still remembers 500: the session's one chance passes
    assert speaks([*high, *candles], "1h", trend_candles=40) == []


@st.composite
def candle_lists(draw: st.DrawFn) -> list[Candle]:
    """Minutes with gaps, quarters as prices so that ties happen."""
    count = draw(st.integers(1, 120))
    ts = START_MS + draw(st.integers(0, 30)) * MINUTE_MS
    price, candles = 400, []
    for _ in range(count):
        ts += MINUTE_MS * draw(st.sampled_from([1, 1, 1, 1, 2, 9]))
        opens, price = price, max(40, price + draw(st.integers(-6, 6)))
        high = max(opens, price) + draw(st.integers(0, 2))
        low = min(opens, price) - draw(st.integers(0, 2))
        candles.append(Candle(ts, opens / 4, high / 4, low / 4, price / 4, 1.0))
    return candles


@given(
    candle_lists(),
    st.integers(1, 20),
    st.sampled_from([0.25, 0.5, 1.0]),
    st.sampled_from([0, 1, 4]),
)
@settings(max_examples=150, deadline=None)
def test_it_says_what_a_slow_reading_of_the_rule_says(
    candles: list[Candle], session: int, k: float, trend: int
) -> None:
    said = speaks(candles, session_candles=session, k=k, trend_candles=trend)
    assert [number for number, _ in said] == slow_reading(candles, session * MINUTE_MS, k, trend)


@given(candle_lists(), st.integers(1, 20), st.sampled_from([0.25, 1.0]))
@settings(max_examples=100, deadline=None)
def test_scan_names_every_signal(candles: list[Candle], session: int, k: float) -> None:
    named = StrategySettings(
        name="volatility_breakout", parameters=(("session_candles", session), ("k", k))
    )
    columns = Columns(*(_array(candles, name) for name in Columns.__dataclass_fields__))
    mask = registry.create(named).scan(columns)
    assert mask is not None
    said = {number for number, _ in speaks(candles, session_candles=session, k=k)}
    assert said <= set(mask.nonzero()[0].tolist())
    assert mask.sum() <= len({c.open_ts // (session * MINUTE_MS) for c in candles})


def _array(candles: list[Candle], name: str):  # type: ignore[no-untyped-def]
    import numpy as np

    kind = np.int64 if name == "open_ts" else np.float64
    return np.array([getattr(candle, name) for candle in candles], dtype=kind)


@pytest.mark.parametrize(
    "given_parameters",
    [(), (("session_candles", 60), ("k", 0.3)), (("session_candles", 240), ("trend_candles", 100))],
    ids=["day", "hour", "with trend"],
)
def test_it_keeps_the_contract(given_parameters: tuple[tuple[str, float], ...]) -> None:
    results = check_strategy(VolatilityBreakout, "5m", given_parameters)
    assert [result.text for result in results if not result.passed] == []
    assert len(results) == 9


def test_a_day_of_minutes_on_the_synthetic_markets() -> None:
    [drifts] = [m for m in synthetic_markets(MINUTE_MS, 12_000) if m.name == "drifts and jumps"]
    candles = drifts.columns.candles()
    said = [number for number, _ in speaks(candles)]
    assert said == slow_reading(candles, DAY_MS, 0.5, 0)
    assert said
