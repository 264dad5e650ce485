"""Between a strategy and the engine: signed signals, one object a pair, and no fault escapes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pytest

from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.domain.strategies.base import NoParameters, Sighting, Strategy, StrategyFault
from autotrade.domain.strategies.runner import StrategyRunner
from autotrade.infrastructure.strategies.synthetic import columns_of_closes


class Third(Strategy):
    """Speaks on every third candle of its pair."""

    name = "third"
    version = "4"

    def prepare(self) -> None:
        self.count = 0

    def signals(self, candle: Candle, values: IndicatorValues) -> Sighting | None:
        self.count += 1
        return Sighting("third", {"count": self.count}) if self.count % 3 == 0 else None


class Answers(Strategy):
    """Answers whatever the test wants, or raises it."""

    name = "answers"
    version = "1"
    answer: ClassVar[Any] = None

    def signals(self, candle: Candle, values: IndicatorValues) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def scan(self, candles: Any) -> Any:
        return self.signals(candles, candles)


def runner_of(kind: type[Strategy]) -> StrategyRunner:
    return StrategyRunner(kind, NoParameters(), "1m")


def answering(answer: Any) -> StrategyRunner:
    return runner_of(type("Answering", (Answers,), {"answer": answer}))


def show(runner: StrategyRunner, number: int = 0, symbol: str = "ETH/USDT") -> Any:
    candle = Candle(number * 60_000, 100.0, 101.0, 99.0, 100.5, 1.0)
    values = IndicatorValues(candle_ts=candle.open_ts, close=100.5, count=number + 1)
    return runner.on_candle(symbol, candle.open_ts + 60_123, candle, values)


def test_a_sighting_is_signed_with_name_version_candle_and_price() -> None:
    runner = runner_of(Third)
    assert show(runner, 0) is None
    assert show(runner, 1) is None
    signal = show(runner, 2)
    assert (signal.strategy, signal.version, signal.kind) == ("third", "4", "third")
    assert (signal.ts, signal.candle_ts) == (180_123, 120_000)
    assert (signal.price, signal.values) == (Decimal("100.5"), {"count": 3.0})


def test_each_pair_has_an_object_of_its_own() -> None:
    runner = runner_of(Third)
    said = [
        show(runner, number, symbol) is not None
        for number in range(6)
        for symbol in ("ETH/USDT", "BTC/USDT")
    ]
    assert said == [False, False, False, False, True, True] * 2


def test_a_raise_is_one_sentence_with_file_and_line_and_the_pair_stays_silent() -> None:
    class Divides(Third):
        name = "divides"

        def signals(self, candle: Candle, values: IndicatorValues) -> Sighting | None:
            if values.count == 2:
                return Sighting("never", {"x": 1 / (values.count - 2)})
            return super().signals(candle, values)

    line = Divides.signals.__code__.co_firstlineno + 2
    runner = runner_of(Divides)
    assert show(runner, 0) is None
    assert runner.fault("ETH/USDT") is None
    with pytest.raises(StrategyFault) as caught:
        show(runner, 1)
    assert str(caught.value) == (
        f"strategy divides (test_runner.py, line {line}) raised ZeroDivisionError in signals: "
        "division by zero"
    )
    assert runner.fault("ETH/USDT") == str(caught.value)
    assert [show(runner, number) for number in range(2, 20)] == [None] * 18
    assert show(runner, 0, "BTC/USDT") is None
    assert runner.fault("BTC/USDT") is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (7, "a Sighting or None, was int"),
        (True, "a Sighting or None, was bool"),
        (Sighting("Two Words"), "a kind of small letters, digits and _, was 'Two Words'"),
        (Sighting(""), "a kind of small letters"),
        (Sighting(None), "a kind of small letters"),  # type: ignore[arg-type]
        (Sighting("x", {"a": float("nan")}), "finite numbers by name, was 'a': nan"),
        (Sighting("x", {"a": float("inf")}), "finite numbers by name, was 'a': inf"),
        (Sighting("x", {"a": "1"}), "finite numbers by name, was 'a': '1'"),  # type: ignore[dict-item]
        (Sighting("x", {1: 1.0}), "finite numbers by name, was 1: 1.0"),  # type: ignore[dict-item]
        (Sighting("x", [1.0]), "at most 64 named values"),  # type: ignore[arg-type]
        (Sighting("x", {str(n): 1.0 for n in range(65)}), "at most 64 named values"),
    ],
)
def test_nonsense_is_refused_with_what_was_expected(answer: Any, words: str) -> None:
    with pytest.raises(StrategyFault) as caught:
        show(answering(answer))
    assert words in str(caught.value)
    assert "(test_runner.py, line" in str(caught.value)


def test_the_sentence_of_a_fault_is_one_short_line_without_addresses() -> None:
    error = ValueError(f"odd\n{object()} {'long ' * 200}")
    with pytest.raises(StrategyFault) as caught:
        show(answering(error))
    text = str(caught.value)
    assert "<object object at 0x...>" in text
    assert "\n" not in text and len(text) < 210


def test_numpy_numbers_are_numbers() -> None:
    signal = show(answering(Sighting("x", {"a": np.float64(1.5), "b": 2})))
    assert signal.values == {"a": 1.5, "b": 2.0}
    assert {type(value) for value in signal.values.values()} == {float}


@pytest.mark.parametrize(
    ("history", "words"),
    [(-1, "was -1"), (20_001, "was 20001"), (1.5, "was 1.5"), (True, "was True")],
)
def test_a_history_that_nobody_can_fetch_is_refused(history: Any, words: str) -> None:
    kind = type("Long", (Third,), {"history_candles": history})
    with pytest.raises(StrategyFault, match="expected history_candles from 0 to 20000") as caught:
        runner_of(kind)
    assert words in str(caught.value)


def test_contradicting_parameters_are_told_in_the_strategys_own_words() -> None:
    class Contrary(Third):
        def prepare(self) -> None:
            raise ValueError("expected fast below slow, was 9 and 5")

    class Broken(Third):
        def prepare(self) -> None:
            raise KeyError("x")

    with pytest.raises(StrategyFault, match=r"line \d+\): expected fast below slow, was 9 and 5$"):
        runner_of(Contrary)
    with pytest.raises(StrategyFault, match="raised KeyError in prepare"):
        runner_of(Broken)


def test_a_scan_must_answer_for_each_candle() -> None:
    columns = columns_of_closes([1.0, 2.0, 3.0])
    assert runner_of(Third).scan(columns) is None
    mask = np.array([True, False, True])
    assert answering(mask).scan(columns) is mask
    for answer in (mask[:2], mask.astype(int), [True, False, True], np.array([0, 2])):
        with pytest.raises(StrategyFault, match=r"expected from scan\(\) 3 of True or False"):
            answering(answer).scan(columns)
    with pytest.raises(StrategyFault, match="raised IndexError in scan"):
        answering(IndexError("gone")).scan(columns)


def test_values_do_not_hang_on_the_strategys_own_mapping() -> None:
    own = {"a": 1.0}
    signal = show(answering(Sighting("x", own)))
    own["a"] = 2.0
    assert signal == replace(signal, values={"a": 1.0})
