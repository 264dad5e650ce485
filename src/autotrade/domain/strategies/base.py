"""What a strategy is: it looks at closed candles of one pair and says when to buy.

One file, one class. The file's name is the strategy's name; the registry finds the shipped ones,
the configuration loads a user's own. `StrategyRunner` stands between a strategy and the engine:
it makes one object for each pair, puts name, version and price on what it says, and turns whatever
goes wrong in it into a `StrategyFault`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from autotrade.domain.decisions import Signal
from autotrade.domain.entities.candle import TIMEFRAME_MS, Candle
from autotrade.domain.services.indicators.cached_indicator_service import IndicatorValues

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class StrategyFault(Exception):
    """A strategy raised, returned nonsense, or cannot be used; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a strategy saw on the newest candle: a reason to buy now."""

    kind: str
    """In one word: macd_cross."""
    values: Mapping[str, float] = field(default_factory=dict)
    """The numbers behind it, for the journal and for people."""


@dataclass(frozen=True, slots=True)
class NoParameters:
    """Of a strategy that has nothing to set."""


class CandleColumns(Protocol):
    """Closed candles of one pair, oldest first, as columns of equal length; for `scan`."""

    @property
    def open_ts(self) -> NDArray[np.int64]: ...

    @property
    def open(self) -> NDArray[np.float64]: ...

    @property
    def high(self) -> NDArray[np.float64]: ...

    @property
    def low(self) -> NDArray[np.float64]: ...

    @property
    def close(self) -> NDArray[np.float64]: ...

    @property
    def volume(self) -> NDArray[np.float64]: ...


class Strategy(ABC):
    """One idea of when to buy; one object a pair. It only speaks, others decide about a deal.

    `version` rises whenever the same candles could give other signals, so that old decisions can
    be read against the code that made them. A strategy sees nothing but its candles: no clock, no
    chance, no file, no network.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    Parameters: ClassVar[type[Any]] = NoParameters
    """A frozen dataclass: each field typed, with bounds and a default (see `parameter`)."""
    needs_every_candle: ClassVar[bool] = True
    """False when `signals` keeps nothing between two candles: what is no candidate of `scan` need
    not be shown to it."""

    def __init__(self, parameters: Any, timeframe: str = "1m") -> None:
        self.parameters = parameters
        self.timeframe = timeframe
        self.candle_ms = TIMEFRAME_MS[timeframe]
        self.prepare()

    def prepare(self) -> None:
        """Make the indicators and whatever is kept between candles. Raise ValueError when the
        parameters contradict each other."""
        return

    @property
    def history_candles(self) -> int:
        """Candles after which it answers as if it had seen all; fetched at the start."""
        return 0

    @abstractmethod
    def signals(self, candle: Candle, values: IndicatorValues) -> Sighting | None:
        """Called once for each closed candle, oldest first. `values` are the shared indicators
        after this candle; a strategy's own are its own business."""

    def scan(self, candles: CandleColumns) -> NDArray[np.bool_] | None:
        """True for every candle on which `signals` may speak, all at once; None: cannot say.

        A superset: from candle `history_candles` on, wherever `signals` speaks there must be a
        True, whatever came before the first candle. What comes after a candle must not change its
        verdict.
        """
        return None


class SignalSource(Protocol):
    """What the engine asks about each closed candle of each pair."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def on_candle(
        self, symbol: str, ts: int, candle: Candle, values: IndicatorValues
    ) -> Signal | None:
        """Raises `StrategyFault` once a pair; from then on that pair stays silent."""
        ...
