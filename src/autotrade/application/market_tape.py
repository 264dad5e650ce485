"""MarketTape: what the engine was given beside the journal, as small as it can be kept.

The journal holds every event from outside but the market's. With the candles, the timers and those
prices and books that the engine really looked at, written at the journal's row that was next, it is
the whole sequence that the engine saw, so a replay can repeat every decision.

A price or a book is kept in memory until somebody looks at it and forgotten when a newer one comes:
most are never looked at. One that is written later than it came is `is_remembered`: the replay puts
it into the state and lets nothing follow from it, as nothing did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autotrade.application.ports import MarketRecorder
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.entities.ticker import Ticker
from autotrade.domain.events import (
    CandleClosed,
    Event,
    OrderBookUpdated,
    SessionStarted,
    TickerUpdated,
    TimerTicked,
)
from autotrade.domain.settings import DomainSettings
from autotrade.domain.state import TradingState


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """What an engine is made with, so that a replay does not depend on today's configuration."""

    settings: DomainSettings
    pairs: tuple[CurrencyPair, ...]
    """Without the exchange's rules; those are in the journal."""
    tickers: tuple[Ticker, ...]
    """Last prices that the snapshots of the run before had."""
    history: dict[str, tuple[Candle, ...]]
    """Symbol -> the candles that brought the indicators up."""


class MarketTape:
    """One session's tape. It must see every event right after the engine did."""

    def __init__(
        self, settings: DomainSettings, state: TradingState, recorder: MarketRecorder
    ) -> None:
        """`state` as it was recovered, before anything happened to it."""
        self._settings, self._state, self._recorder = settings, state, recorder
        self._pairs = tuple(replace(pair, rules=None) for pair in state.pairs.values())
        self._tickers = tuple(replace(ticker) for ticker in state.tickers.all())
        self._history: dict[str, tuple[Candle, ...]] = {}
        self._unread_prices: dict[str, Event] = {}
        self._unread_books: dict[str, Event] = {}

    def warmed_up(self, symbol: str, candles: Sequence[Candle]) -> None:
        self._history[symbol] = tuple(candles)

    def processed(self, event: Event, seq: int) -> None:
        """`seq` is the event's own row, or for a market event the row that was next."""
        match event:
            case TickerUpdated():
                self._unread_prices[event.symbol] = event
            case OrderBookUpdated():
                self._unread_books[event.symbol] = event
            case SessionStarted():
                session = RecordedSession(self._settings, self._pairs, self._tickers, self._history)
                self._recorder.begin(seq, session)
                self._history = {}
        state = self._state
        for looked_at, unread in (
            (state.books.looked_at, self._unread_books),
            (state.tickers.looked_at, self._unread_prices),
        ):
            if looked_at:
                for symbol in sorted(looked_at):
                    if (seen := unread.pop(symbol, None)) is not None:
                        self._recorder.take(seq, seen, is_remembered=seen is not event)
                looked_at.clear()
        if isinstance(event, CandleClosed | TimerTicked):
            self._recorder.take(seq, event, is_remembered=False)

    def flush(self, next_seq: int) -> None:
        """To be called before the journal writes the rows up to `next_seq`."""
        self._recorder.flush(next_seq)

    def close(self) -> None:
        self._recorder.close()
