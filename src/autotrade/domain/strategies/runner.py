"""StrategyRunner: a strategy as the engine sees it, one object a pair, and nothing it does escapes.

A strategy that raises or answers nonsense may have lost the thread of its candles. It is not asked
again about that pair; the engine refuses one signal with the sentence of the fault, so that it
stands in the journal, and the pair's open deals live on under their monitors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from types import TracebackType
from typing import TYPE_CHECKING, Any

from autotrade.domain.decisions import Signal
from autotrade.domain.entities.candle import Candle
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues
from autotrade.domain.strategies.base import CandleColumns, Sighting, Strategy, StrategyFault

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HISTORY_MAX = 20_000
VALUES_MAX = 64
_TEXT_MAX = 200
_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


class StrategyRunner:
    """Asks the strategy, checks its answers, signs them with name and version."""

    def __init__(self, kind: type[Strategy], parameters: Any, timeframe: str) -> None:
        self._kind, self._parameters, self._timeframe = kind, parameters, timeframe
        self.name, self.version = kind.name, kind.version
        self._by_pair: dict[str, Strategy] = {}
        self._faults: dict[str, str] = {}
        self._model = self._make()
        self.history_candles = self._history()

    @property
    def parameters(self) -> Any:
        return self._parameters

    @property
    def needs_every_candle(self) -> bool:
        return self._kind.needs_every_candle

    def fault(self, symbol: str) -> str | None:
        """Why this pair gets no signals any more; None when all is well."""
        return self._faults.get(symbol)

    def on_candle(
        self, symbol: str, ts: int, candle: Candle, values: IndicatorValues
    ) -> Signal | None:
        if symbol in self._faults:
            return None
        strategy = self._by_pair.get(symbol)
        try:
            if strategy is None:
                strategy = self._by_pair[symbol] = self._make()
            try:
                sighting = strategy.signals(candle, values)
            except Exception as error:
                raise StrategyFault(self._raised(error, "signals")) from error
            return None if sighting is None else self._signal(symbol, ts, candle, sighting)
        except StrategyFault as fault:
            self._faults[symbol] = str(fault)
            raise

    def scan(self, candles: CandleColumns) -> NDArray[np.bool_] | None:
        """The strategy's candidates; None when it cannot say. Raises StrategyFault."""
        try:
            mask = self._model.scan(candles)
        except Exception as error:
            raise StrategyFault(self._raised(error, "scan")) from error
        if mask is None:
            return None
        count, shape = len(candles.open_ts), getattr(mask, "shape", None)
        if shape != (count,) or str(getattr(mask, "dtype", "")) != "bool":
            raise StrategyFault(
                f"{self._place('scan')}: expected from scan() {count} of True or False, was "
                f"{type(mask).__name__} of shape {shape}; return one for each candle"
            )
        return mask

    # --- making -------------------------------------------------------------------------------

    def _make(self) -> Strategy:
        try:
            return self._kind(self._parameters, self._timeframe)
        except Exception as error:
            raise StrategyFault(self._raised(error, "prepare")) from error

    def _history(self) -> int:
        try:
            count = self._model.history_candles
        except Exception as error:
            raise StrategyFault(self._raised(error, "history_candles")) from error
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= HISTORY_MAX:
            raise StrategyFault(
                f"strategy {self.name}: expected history_candles from 0 to {HISTORY_MAX}, was "
                f"{count!r}; shorten a period or take longer candles"
            )
        return count

    # --- judging ------------------------------------------------------------------------------

    def _signal(self, symbol: str, ts: int, candle: Candle, sighting: object) -> Signal:
        if not isinstance(sighting, Sighting):
            raise self._nonsense(f"a Sighting or None, was {type(sighting).__name__}")
        kind, values = sighting.kind, sighting.values
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise self._nonsense(f"a kind of small letters, digits and _, was {kind!r}")
        if not isinstance(values, Mapping) or len(values) > VALUES_MAX:
            raise self._nonsense(f"at most {VALUES_MAX} named values, was {_short(repr(values))}")
        for name, value in values.items():
            if not isinstance(name, str) or not _is_number(value):
                raise self._nonsense(f"finite numbers by name, was {name!r}: {value!r}")
        return Signal(
            symbol=symbol,
            strategy=self.name,
            version=self.version,
            kind=kind,
            ts=ts,
            candle_ts=candle.open_ts,
            price=Decimal(repr(float(candle.close))),
            values={name: float(value) for name, value in values.items()},
        )

    def _nonsense(self, what: str) -> StrategyFault:
        return StrategyFault(_short(f"{self._place('signals')}: expected from signals() {what}"))

    def _raised(self, error: Exception, method: str) -> str:
        if isinstance(error, StrategyFault):
            return str(error)
        place = raised_at(error, self._file()) or self._place(method)
        if isinstance(error, ValueError) and method == "prepare":
            return _short(f"strategy {self.name} ({place}): {error}")
        text = f"strategy {self.name} ({place}) raised {type(error).__name__} in {method}"
        return _short(f"{text}: {error}" if str(error) else text)

    def _place(self, method: str) -> str:
        code = getattr(getattr(self._kind, method, None), "__code__", None)
        line = f", line {code.co_firstlineno}" if code is not None else ""
        return f"strategy {self.name} ({_base_name(self._file())}{line})"

    def _file(self) -> str:
        code = getattr(self._kind.signals, "__code__", None)
        return code.co_filename if code is not None else self._kind.__module__


def raised_at(error: BaseException, file: str) -> str | None:
    """`my.py, line 12`: the innermost line of `file` that the error came through."""
    found = None
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            found = f"{_base_name(file)}, line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _base_name(path: str) -> str:
    """Without its folders: the journal must not differ from machine to machine."""
    return re.split(r"[\\/]", path)[-1]


def _short(text: str) -> str:
    """One line that is the same at every run: no memory addresses."""
    line = _ADDRESS.sub("0x...", " ".join(text.split()))
    return line if len(line) <= _TEXT_MAX else f"{line[:_TEXT_MAX]}..."
