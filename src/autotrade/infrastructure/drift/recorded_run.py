"""What a drift needs of a recorded run: its candles, its settings and what the journal says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

import numpy as np

from autotrade.application.market_tape import RecordedSession
from autotrade.application.use_cases.run_replay import ComparedRow, RecordingOfSession
from autotrade.domain import events as e
from autotrade.domain.entities.candle import TIMEFRAME_MS, Candle
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.state import Record
from autotrade.infrastructure.drift.deal_facts import SignalKey
from autotrade.infrastructure.market_history.decimals import decimal_places
from autotrade.infrastructure.market_history.series import CandleSeries


class NothingToCompare(Exception):
    """The recording holds no candle that the run could have traded on."""

    exit_code = 2


class Finds(Protocol):
    def find(self, seq: int) -> RecordingOfSession | None: ...


@dataclass(slots=True)
class RecordedRun:
    """The newest sessions that ran with one configuration."""

    session: RecordedSession
    first_seq: int
    start_ts: int
    """Opening of the first candle that closed while the run was ready."""
    end_ts: int
    venue: str
    balance: dict[str, Decimal]
    rules: dict[str, MarketRules]
    candles: dict[str, dict[int, Candle]]
    """Symbol -> opening time -> candle, warm-up included."""
    records: list[Record]
    """The whole journal: what was there before is needed to book what came."""
    shown: set[SignalKey] = field(default_factory=set)
    """Candles that closed while the bot ran; the others it knows from its warm-up."""
    sessions: int = 1
    notes: list[str] = field(default_factory=list)

    def series(self, symbol: str) -> CandleSeries:
        """The pair's candles as the backtest takes them."""
        rows = [candle for _, candle in sorted(self.candles[symbol].items())]
        columns = {
            name: np.array([getattr(row, name) for row in rows], dtype=np.float64)
            for name in ("open", "high", "low", "close", "volume")
        }
        prices = decimal_places(*(columns[name] for name in ("open", "high", "low", "close")))
        amounts = decimal_places(columns["volume"])
        if prices is None or amounts is None:
            raise NothingToCompare(
                f"expected recorded candles of {symbol} with at most 12 decimal places, was more; "
                "they cannot be backtested"
            )
        return CandleSeries(
            open_ts=np.array([row.open_ts for row in rows], dtype=np.int64),
            symbol=symbol,
            timeframe=self.session.settings.strategy.timeframe,
            exchange=self.venue,
            price_decimals=prices,
            amount_decimals=amounts,
            open=columns["open"],
            high=columns["high"],
            low=columns["low"],
            close=columns["close"],
            volume=columns["volume"],
        )


class RunReader:
    """Journal rows and recordings in, the run out."""

    def __init__(self, recordings: Finds) -> None:
        self._recordings = recordings
        self._run: RecordedRun | None = None
        self._ready_ts: int | None = None
        self._closed: list[e.CandleClosed] = []
        self._notes: list[str] = []

    def read(self, rows: Iterable[ComparedRow]) -> RecordedRun:
        """Raises `NothingToCompare`."""
        records: list[Record] = []
        for row in rows:
            record: Record = row.record  # type: ignore[assignment]
            records.append(record)
            if isinstance(record, e.SessionStarted):
                self._start(row.seq, record)
            elif self._run is not None:
                self._take(record)
        run = self._run
        if run is None or run.start_ts == 0:
            raise NothingToCompare(
                "expected a recorded session in which a candle closed after the start, was none; "
                "let the bot run longer"
            )
        run.records, run.notes = records, self._notes
        return run

    def _take(self, record: Record) -> None:
        run = self._run
        assert run is not None
        match record:
            case e.MarketRulesUpdated():
                run.rules.setdefault(record.symbol, record.rules)
            case e.SessionReady():
                self._ready_ts = self._ready_ts or record.ts
                self._set_start()
            case e.BalancesUpdated() if record.is_complete and not run.balance:
                run.balance = {item.asset: item.total for item in record.balances}

    def _start(self, seq: int, started: e.SessionStarted) -> None:
        recording = self._recordings.find(seq)
        if recording is None:
            self._notes.append(f"the session at row {seq} was not recorded and is left out")
            return
        session = recording.session
        run = self._run
        if run is None or _differs(run.session, session):
            if run is not None:
                self._notes.append(
                    f"the configuration changed before row {seq}; what was before is left out"
                )
            self._ready_ts = None
            self._run = run = RecordedRun(session, seq, 0, 0, started.venue, {}, {}, {}, [])
        else:
            run.sessions += 1
        for symbol, candles in session.history.items():
            known = run.candles.setdefault(symbol, {})
            for candle in candles:
                known.setdefault(candle.open_ts, candle)
        self._closed = []
        for seen in recording.events():
            if isinstance(seen.event, e.CandleClosed):
                self._close(run, seen.event)
        self._set_start()

    def _close(self, run: RecordedRun, event: e.CandleClosed) -> None:
        run.candles.setdefault(event.symbol, {})[event.candle.open_ts] = event.candle
        run.shown.add((event.symbol, event.candle.open_ts))
        self._closed.append(event)
        length = TIMEFRAME_MS[event.timeframe]
        run.end_ts = max(run.end_ts, event.candle.open_ts + length)

    def _set_start(self) -> None:
        """The first candle that the ready bot was shown."""
        run = self._run
        if run is None or run.start_ts or self._ready_ts is None:
            return
        opened = [event.candle.open_ts for event in self._closed if event.ts >= self._ready_ts]
        run.start_ts = min(opened, default=0)


def _differs(one: RecordedSession, other: RecordedSession) -> bool:
    return (one.settings, _plain(one)) != (other.settings, _plain(other))


def _plain(session: RecordedSession) -> list[object]:
    """Pairs that may trade; one that only waits for its last deal to end has no quota."""
    return [replace(pair, rules=None) for pair in session.pairs if pair.deal_count]
