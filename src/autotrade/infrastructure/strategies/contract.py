"""The contract of a strategy, checked: what every engine relies on, tried on synthetic candles."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotrade.application.use_cases.run_realtime_trading import HISTORY_CANDLES, history_needed
from autotrade.config.strategy_files import load_strategy
from autotrade.domain.decisions import Signal
from autotrade.domain.entities.candle import TIMEFRAME_MS, Candle
from autotrade.domain.services.indicators.cached_indicator_service import (
    CachedIndicatorService,
    IndicatorValues,
)
from autotrade.domain.settings import ParameterValue, StrategySettings
from autotrade.domain.strategies import registry
from autotrade.domain.strategies.base import Strategy, StrategyFault
from autotrade.domain.strategies.parameters import ParameterFault, declared, parse
from autotrade.domain.strategies.runner import StrategyRunner
from autotrade.infrastructure.strategies.synthetic import (
    Columns,
    SyntheticMarket,
    columns_of_closes,
    disturbed_after,
    synthetic_markets,
)

CANDLES_MIN = 2_500
BOUND_CANDLES = 600
SYMBOL, OTHER_SYMBOL = "BTC/USDT", "ETH/USDT"
FORBIDDEN_IMPORTS = ("time", "random", "secrets", "uuid", "os", "socket", "threading", "asyncio")
_PRICE_FACTOR = 0.37

Parameters = tuple[tuple[str, ParameterValue], ...]
"""As StrategySettings.parameters."""
Shown = list[tuple[Candle, IndicatorValues]]
"""Candles with the shared indicators after each of them."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One promise and whether it was kept; `text` is the sentence for people."""

    name: str
    passed: bool
    text: str


class _Broken(Exception):
    """A promise was not kept."""


def check_file(path: Path, timeframe: str = "1m") -> list[CheckResult]:
    """All checks of the strategy in one file; never raises for what is in it."""
    try:
        kind = load_strategy(path)
        tree = ast.parse(path.read_bytes())
    except StrategyFault as fault:
        return [CheckResult("loads", False, str(fault))]
    loads = CheckResult("loads", True, f"{path.name} holds {kind.__name__}")
    return [loads, _check_imports(tree, path), *check_strategy(kind, timeframe)]


def check_strategy(
    kind: type[Strategy], timeframe: str = "1m", given: Parameters = ()
) -> list[CheckResult]:
    """All checks of a strategy class, with these parameters instead of its defaults."""
    if problems := registry.contract_problems(kind):
        return [CheckResult("class", False, problem) for problem in problems]
    results = [CheckResult("class", True, f"{kind.name} version {kind.version}")]
    try:
        bench = _Bench(kind, timeframe, given)
    except (StrategyFault, ParameterFault) as fault:
        return [*results, CheckResult("can be made", False, str(fault))]
    for name, look in (
        ("runs", bench.runs),
        ("parameters in bounds", bench.keeps_bounds),
        ("same candles, same signals", bench.is_deterministic),
        ("pairs do not meet", bench.keeps_pairs_apart),
        ("starts anywhere", bench.starts_anywhere),
        ("does not look ahead", bench.looks_not_ahead),
        ("scan names every signal", bench.scan_is_superset),
        ("candles it may miss", bench.misses_what_it_may),
    ):
        result = _attempt(name, look)
        results.append(result)
        if name == "runs" and not result.passed:
            break
    return results


def signals_on(path: Path, closes: Sequence[float]) -> list[int]:
    """Numbers of the candles, from 0, on which the strategy of a file speaks; for its tests."""
    bench = _Bench(load_strategy(path), "1m", with_markets=False)
    shown = _shown(columns_of_closes(closes), bench.settings)
    positions = {candle.open_ts: number for number, (candle, _) in enumerate(shown)}
    return [positions[signal.candle_ts] for signal in _signals(bench.runner(), shown)]


def _attempt(name: str, look: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(name, True, look())
    except (_Broken, StrategyFault) as broken:
        return CheckResult(name, False, str(broken))


def _check_imports(tree: ast.Module, path: Path) -> CheckResult:
    """A clock or a die gives other signals tomorrow, which two runs today may not show."""
    name = "no clock, no chance"
    for node in ast.walk(tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        for module in modules:
            if module.partition(".")[0] in FORBIDDEN_IMPORTS:
                text = f"{path.name}, line {node.lineno}: expected no {module}, time is open_ts"
                return CheckResult(name, False, text)
    return CheckResult(name, True, "imports neither")


class _Bench:
    """One strategy with its markets and what it says on them."""

    def __init__(
        self,
        kind: type[Strategy],
        timeframe: str,
        given: Parameters = (),
        *,
        with_markets: bool = True,
    ) -> None:
        self.kind = kind
        self.settings = StrategySettings(name=kind.name, timeframe=timeframe, parameters=given)
        self.parameters = registry.parameters_of(kind, self.settings)
        self.needed = max(self._shared_history(), self.runner().history_candles)
        count = max(CANDLES_MIN, 3 * self.needed) if with_markets else 0
        candle_ms = TIMEFRAME_MS[timeframe]
        self.markets = synthetic_markets(candle_ms, count) if with_markets else []
        self._shown = {one.name: _shown(one.columns, self.settings) for one in self.markets}
        self._said: dict[str, list[Signal]] = {}

    def runner(self, parameters: Any = None) -> StrategyRunner:
        return StrategyRunner(self.kind, parameters or self.parameters, self.settings.timeframe)

    def said(self, market: SyntheticMarket) -> list[Signal]:
        if market.name not in self._said:
            self._said[market.name] = _signals(self.runner(), self._shown[market.name])
        return self._said[market.name]

    def _shared_history(self) -> int:
        """What a run fetches for the shared indicators alone."""
        return max(HISTORY_CANDLES, history_needed(StrategySettings()))

    # --- the promises -------------------------------------------------------------------------

    def runs(self) -> str:
        counts = [len(self.said(market)) for market in self.markets]
        candles = sum(len(market.columns) for market in self.markets)
        return f"{sum(counts)} signals on {candles} synthetic candles of {len(counts)} markets"

    def keeps_bounds(self) -> str:
        """Each parameter at each of its limits either works or is refused in prepare."""
        if registry.shares_settings(self.kind):
            return "the settings of the section strategy, which the configuration checks"
        infos = declared(self.kind.Parameters)
        shown = self._shown[self.markets[0].name][:BOUND_CANDLES]
        count = 0
        for info in infos:
            for bound in info.bounds:
                count += 1
                given = {**dict(self.settings.parameters), info.name: bound}
                parameters = parse(self.kind.Parameters, given)
                try:
                    self.kind(parameters, self.settings.timeframe)
                except ValueError:
                    continue  # a clear refusal, the configuration shows it
                except Exception as error:
                    raise _Broken(
                        f"expected {info.name}={bound} to work or a ValueError in prepare, was "
                        f"{type(error).__name__}: {error}"
                    ) from error
                try:
                    _signals(self.runner(parameters), shown)
                except StrategyFault as fault:
                    raise _Broken(f"with {info.name}={bound}: {fault}") from fault
        return f"{len(infos)} parameters, tried at {count} limits"

    def is_deterministic(self) -> str:
        for market in self.markets:
            again = _signals(self.runner(), self._shown[market.name])
            _expect_same(self.said(market), again, f"{market.name}, run again")
            _expect_same_masks(self._mask(market.columns), self._mask(market.columns), "scan again")
        return "twice the same on every market"

    def keeps_pairs_apart(self) -> str:
        """Two pairs in turn, as the engine shows them, against each alone."""
        market = self.markets[0]
        own = self._shown[market.name]
        prices = (getattr(market.columns, name) for name in ("open", "high", "low", "close"))
        scaled = (values[::-1] * _PRICE_FACTOR for values in prices)
        columns = Columns(market.columns.open_ts, *scaled, market.columns.volume)
        other = _shown(columns, self.settings)
        runner, said = self.runner(), []
        for mine, others in zip(own, other, strict=True):
            for symbol, (candle, values) in ((SYMBOL, mine), (OTHER_SYMBOL, others)):
                signal = runner.on_candle(symbol, candle.open_ts, candle, values)
                if signal is not None and symbol == SYMBOL:
                    said.append(signal)
        _expect_same(self.said(market), said, "with another pair beside it")
        return "what it says of one pair does not depend on another"

    def starts_anywhere(self) -> str:
        """A restart with the fetched history gives the signals that going on would have given."""
        for market in self.markets:
            count = len(market.columns)
            for first in (self.needed + 1, count // 2 + 7, count - self.needed // 2):
                begin = max(0, first - self.needed)
                shown = _shown(market.columns.rows(slice(begin, None)), self.settings)
                first_ts = int(market.columns.open_ts[first])
                later = [s for s in _signals(self.runner(), shown) if s.candle_ts >= first_ts]
                wanted = [s for s in self.said(market) if s.candle_ts >= first_ts]
                _expect_same_places(
                    wanted,
                    later,
                    f"{market.name}, started with {first - begin} candles of history (needs more "
                    "of them? raise history_candles)",
                )
        return f"after {self.needed} candles of history as if it had seen all"

    def looks_not_ahead(self) -> str:
        """Other candles afterwards, or none at all, change nothing before."""
        for market in self.markets:
            cut = len(market.columns) * 2 // 3
            cut_ts = int(market.columns.open_ts[cut])
            wanted = [s for s in self.said(market) if s.candle_ts < cut_ts]
            mask = self._mask(market.columns)
            for columns, what in (
                (market.columns.rows(slice(0, cut)), "the future cut off"),
                (disturbed_after(market.columns, cut), "another future"),
            ):
                said = _signals(self.runner(), _shown(columns, self.settings))
                before = [s for s in said if s.candle_ts < cut_ts]
                _expect_same(wanted, before, f"{market.name}, {what}")
                if mask is not None:
                    other = self._mask(columns)
                    assert other is not None, "a scan that spoke once speaks again"
                    _expect_same_masks(mask[:cut], other[:cut], f"{market.name}, {what}: scan")
        return "neither signals nor scan know what comes"

    def scan_is_superset(self) -> str:
        candidates = candles = 0
        for market in self.markets:
            positions = {int(ts): at for at, ts in enumerate(market.columns.open_ts)}
            places = [positions[signal.candle_ts] for signal in self.said(market)]
            for begin in (0, len(market.columns) // 4 + 3):
                mask = self._mask(market.columns.rows(slice(begin, None)))
                if mask is None:
                    return "no scan: a backtest shows it every candle"
                trusted = begin + (self.runner().history_candles if begin else 0)
                missed = [at for at in places if at >= trusted and not mask[at - begin]]
                if missed:
                    raise _Broken(
                        f"{market.name}: expected scan to be True for candle {missed[0]}, where "
                        f"signals speaks, was False ({len(missed)} missed); widen it"
                    )
                candidates, candles = candidates + int(mask.sum()), candles + len(mask)
        return f"{candidates} candidates in {candles} candles"

    def misses_what_it_may(self) -> str:
        """needs_every_candle False: candidates alone give the same signals."""
        if self.kind.needs_every_candle:
            return "none: it is shown every candle"
        for market in self.markets:
            mask = self._mask(market.columns)
            if mask is None:
                raise _Broken("expected a scan where needs_every_candle is False, was none")
            shown = [one for one, may in zip(self._shown[market.name], mask, strict=True) if may]
            said = _signals(self.runner(), shown)
            _expect_same(self.said(market), said, f"{market.name}, shown its candidates only")
        return "shown its candidates only it says the same"

    def _mask(self, columns: Columns) -> NDArray[np.bool_] | None:
        return self.runner().scan(columns)


def _shown(columns: Columns, settings: StrategySettings) -> Shown:
    service = CachedIndicatorService(settings)
    return [
        (candle, service.update(SYMBOL, settings.timeframe, candle)) for candle in columns.candles()
    ]


def _signals(runner: StrategyRunner, shown: Shown) -> list[Signal]:
    answers = (runner.on_candle(SYMBOL, one.open_ts, one, values) for one, values in shown)
    return [signal for signal in answers if signal is not None]


def _expect_same(wanted: list[Signal], was: list[Signal], where: str) -> None:
    _expect_same_places(wanted, was, where)
    for one, other in zip(wanted, was, strict=True):
        if one != other:
            raise _Broken(
                f"{where}: expected the same values with the signal at {one.candle_ts}, was "
                f"{one.values} and {other.values}"
            )


def _expect_same_places(wanted: list[Signal], was: list[Signal], where: str) -> None:
    one = [(signal.candle_ts, signal.kind) for signal in wanted]
    other = [(signal.candle_ts, signal.kind) for signal in was]
    if one != other:
        different = sorted(set(one) ^ set(other))[0]
        lost = "missing" if different in one else "new"
        raise _Broken(
            f"{where}: expected {len(one)} signals, was {len(other)}; the first difference is a "
            f"{lost} {different[1]} at {different[0]}"
        )


def _expect_same_masks(
    wanted: NDArray[np.bool_] | None, was: NDArray[np.bool_] | None, where: str
) -> None:
    if wanted is None or was is None:
        return
    different = np.flatnonzero(wanted != was)
    if len(different):
        raise _Broken(
            f"{where}: expected the same verdict on candle {different[0]}, was "
            f"{wanted[different[0]]} and {was[different[0]]}"
        )
