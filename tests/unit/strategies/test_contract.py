"""The checks bite: each kind of bad strategy fails the check that is meant for it, and only good
ones pass all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotrade.domain.strategies.base import Strategy
from autotrade.domain.strategies.macd_orderbook import MacdOrderbook
from autotrade.infrastructure.strategies.contract import (
    check_file,
    check_strategy,
    signals_on,
)
from autotrade.infrastructure.strategies.skeleton import name_problem, write_skeleton
from autotrade.infrastructure.strategies.synthetic import synthetic_markets

HEAD = """
from dataclasses import dataclass
from typing import Annotated
import numpy as np
from annotated_types import Ge, Le
from autotrade.domain.strategies.base import Sighting, Strategy
from autotrade.domain.strategies.parameters import parameter

class Probe(Strategy):
    name = "probe"
    version = "1"
    def prepare(self):
        self.before = None
    def signals(self, candle, values):
        was, self.before = self.before, candle.close
        rose = was is not None and candle.close > was * 1.001
        return Sighting("rise", {"close": candle.close}) if rose else None
"""
"""A good one; each bad one below changes one thing."""


def failing(folder: Path, source: str) -> dict[str, str]:
    path = folder / "probe.py"
    path.write_text(source, encoding="utf-8")
    return {result.name: result.text for result in check_file(path) if not result.passed}


def test_the_plain_one_passes(tmp_path: Path) -> None:
    assert failing(tmp_path, HEAD) == {}


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        (
            "runs",
            "    def signals(self, candle, values):\n        return [][0]\n",
            "raised IndexError in signals",
        ),
        (
            "runs",
            "    def signals(self, candle, values):\n        return 'buy'\n",
            "expected from signals() a Sighting or None, was str",
        ),
        (
            "same candles, same signals",
            "    calls = [0]\n"
            "    def signals(self, candle, values):\n"
            "        self.calls[0] += 1\n"
            "        return Sighting('tenth') if self.calls[0] % 7 == 0 else None\n",
            "run again: expected",
        ),
        (
            "pairs do not meet",
            "    shared = {}\n"
            "    def signals(self, candle, values):\n"
            "        was = self.shared.get('close')\n"
            "        self.shared['close'] = candle.close\n"
            "        if was is None or values.count < 2: return None\n"
            "        return Sighting('rise') if candle.close > was * 1.001 else None\n",
            "with another pair beside it: expected",
        ),
        (
            "starts anywhere",
            "    def signals(self, candle, values):\n"
            "        self.before = (self.before or 0) + 1\n"
            "        return Sighting('fiftieth') if self.before % 50 == 0 else None\n",
            "raise history_candles",
        ),
        (
            "does not look ahead",
            "    def scan(self, candles):\n        return candles.close < candles.close.max()\n",
            "scan: expected the same verdict on candle",
        ),
        (
            "scan names every signal",
            "    def scan(self, candles):\n"
            "        mask = np.zeros(len(candles.close), dtype=bool)\n"
            "        mask[1:] = candles.close[1:] > candles.close[:-1] * 1.002\n"
            "        return mask\n",
            "expected scan to be True for candle",
        ),
        (
            "scan names every signal",
            "    def scan(self, candles):\n        return candles.close[:-1] > 0\n",
            "of True or False, was ndarray",
        ),
        (
            "candles it may miss",
            "    needs_every_candle = False\n"
            "    def scan(self, candles):\n"
            "        mask = np.zeros(len(candles.close), dtype=bool)\n"
            "        mask[1:] = candles.close[1:] > candles.close[:-1] * 1.001\n"
            "        return mask\n",
            "shown its candidates only: expected",
        ),
        (
            "candles it may miss",
            "    needs_every_candle = False\n",
            "expected a scan where needs_every_candle is False, was none",
        ),
        (
            "parameters in bounds",
            "    @dataclass(frozen=True)\n"
            "    class Parameters:\n"
            "        part: Annotated[int, Ge(0), Le(9)] = parameter(3, 'x')\n"
            "    def prepare(self):\n"
            "        self.before, self.share = None, 1 / self.parameters.part\n",
            "expected part=0 to work or a ValueError in prepare, was ZeroDivisionError",
        ),
        (
            "parameters in bounds",
            "    @dataclass(frozen=True)\n"
            "    class Parameters:\n"
            "        part: Annotated[int, Ge(0), Le(9)] = parameter(3, 'x')\n"
            "    def signals(self, candle, values):\n"
            "        return Sighting('x', {'a': 1 / self.parameters.part})\n",
            "with part=0: strategy probe (probe.py, line",
        ),
        ("no clock, no chance", "import time\n", "expected no time"),
        ("no clock, no chance", "from random import choice\n", "expected no random"),
        ("class", "Probe.version = 2\n", "expected version to be a text"),
    ],
)
def test_each_broken_promise_is_found(tmp_path: Path, name: str, code: str, words: str) -> None:
    found = failing(tmp_path, HEAD + code)
    assert name in found, found
    assert words in found[name]


def test_a_parameter_that_prepare_refuses_clearly_is_fine(tmp_path: Path) -> None:
    code = (
        "    @dataclass(frozen=True)\n"
        "    class Parameters:\n"
        "        part: Annotated[int, Ge(0), Le(9)] = parameter(3, 'x')\n"
        "    def prepare(self):\n"
        "        self.before = None\n"
        "        if self.parameters.part == 0: raise ValueError('expected a part, was 0')\n"
    )
    assert failing(tmp_path, HEAD + code) == {}


@pytest.mark.parametrize("timeframe", ["1m", "1h"])
def test_the_shipped_macd_keeps_the_contract(timeframe: str) -> None:
    results = check_strategy(MacdOrderbook, timeframe)
    assert [result.text for result in results if not result.passed] == []


def test_the_skeleton_works_and_is_never_written_over(tmp_path: Path) -> None:
    paths = write_skeleton("my_idea", tmp_path / "own")
    assert [path.name for path in paths] == ["my_idea.py", "test_my_idea.py"]
    assert [r.text for r in check_file(paths[0]) if not r.passed] == []
    assert signals_on(paths[0], [100.0] * 30 + [99.0, 101.0, 102.0]) == [31]
    compile(paths[1].read_text(encoding="utf-8"), "test", "exec")
    before = paths[0].read_bytes()
    with pytest.raises(Exception, match="expected a free place"):
        write_skeleton("my_idea", tmp_path / "own")
    assert paths[0].read_bytes() == before


@pytest.mark.parametrize(
    "name", ["My", "1st", "a-b", "class", "test_x", "_x", "", "macd_orderbook"]
)
def test_names_that_cannot_be(name: str) -> None:
    assert name_problem(name)


def test_synthetic_markets_are_markets_and_always_the_same() -> None:
    one, two = synthetic_markets(60_000, 3_000), synthetic_markets(60_000, 3_000)
    assert len(one) == 5
    for market, again in zip(one, two, strict=True):
        columns = market.columns
        assert all(
            np.array_equal(getattr(columns, name), getattr(again.columns, name))
            for name in ("open_ts", "open", "high", "low", "close", "volume")
        )
        assert (np.diff(columns.open_ts) >= 60_000).all()
        assert (columns.low > 0).all()
        assert (columns.high >= np.maximum(columns.open, columns.close)).all()
        assert (columns.low <= np.minimum(columns.open, columns.close)).all()
    gaps = one[3].columns
    assert (np.diff(gaps.open_ts) > 60_000).any()


def test_a_class_of_its_own_may_be_checked_without_a_file() -> None:
    class Silent(Strategy):
        name = "silent"
        version = "1"

        def signals(self, candle: object, values: object) -> None:
            return None

    results = check_strategy(Silent)
    assert all(result.passed for result in results)
    assert "0 signals" in next(r.text for r in results if r.name == "runs")
