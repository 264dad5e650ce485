"""Replay a recorded run: the same events through a new engine, every answer compared.

Journal and market recording are two halves of one sequence. A recorded market event stands in front
of the journal's row that was next when the engine processed it; the journal's events from outside
stand at their own row. What the engine answers must be the journal's next rows, byte for byte: each
decision, each fact of a deal, each command.

Every SessionStarted is a new engine with its own warm-up, as at the real start. Sessions without a
recording are only booked, so that the next one starts from the right state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from autotrade.application.market_tape import RecordedSession
from autotrade.application.state_snapshot import export_rest, restore_state
from autotrade.application.trading_engine import DealDidNotSettle, TradingEngine
from autotrade.domain import events as e
from autotrade.domain.commands import Command
from autotrade.domain.decisions import Decision
from autotrade.domain.state import Record, TradingState

OWN_EVENTS = (
    e.DealOpened,
    e.SellPlanned,
    e.EntryAbandoned,
    e.LossWarned,
    e.LossWatched,
    e.ExitDecided,
    e.ExitPostponed,
    e.FeeValued,
    e.DustTaken,
    e.DustBooked,
    e.DealClosed,
    e.DealCanceled,
)
"""Facts that the engine makes itself; all other events come from outside."""


class ComparedRow(Protocol):
    """A row of the journal with its bytes."""

    @property
    def seq(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def deal(self) -> int | None: ...
    @property
    def cause(self) -> int | None: ...
    @property
    def record(self) -> object: ...
    @property
    def data(self) -> bytes:
        """The record in the journal's own bytes."""


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """One line of a recording. Without an event it only says that every row before `seq` is
    explained by what stands before it."""

    seq: int
    event: e.Event | None
    is_remembered: bool = False
    """Put into the state only: nothing may follow from it."""


class RecordingOfSession(Protocol):
    @property
    def session(self) -> RecordedSession: ...

    def events(self) -> Iterator[SeenEvent]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A row as it is compared."""

    type: str
    deal: int | None
    cause: int | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where replay and journal part."""

    seq: int
    session_seq: int
    after: str
    """The event that was processed, in words."""
    recorded: Answer | None
    replayed: Answer | None


@dataclass(slots=True)
class ReplayReport:
    sessions: int = 0
    """Replayed ones."""
    sessions_unrecorded: int = 0
    rows: int = 0
    rows_unrecorded: int = 0
    """Rows of sessions without a recording, or behind a recording's early end: only booked."""
    journal_events: int = 0
    """Events from outside."""
    market_events: int = 0
    decisions: int = 0
    commands: int = 0
    deal_facts: int = 0
    """Compared ones, like decisions and commands."""
    answers_unwritten: int = 0
    """Answers of the last moment of a killed process, which its journal has no row for."""
    first_seq: int | None = None
    """The row that starts the first replayed session."""
    difference: Difference | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def differing(self) -> int:
        return 0 if self.difference is None else 1

    @property
    def compared(self) -> int:
        return self.decisions + self.commands + self.deal_facts


class _Differs(Exception):
    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.seq)
        self.difference = difference


class Replay:
    """Made once, run once. `encode` is the journal's codec; `find` gives the recording of the
    session that starts at a row; `prepare` makes the settings' strategy known."""

    def __init__(
        self,
        rows: Iterable[ComparedRow],
        find: Callable[[int], RecordingOfSession | None],
        encode: Callable[[Record], tuple[str, bytes]],
        prepare: Callable[[RecordedSession], None],
    ) -> None:
        self._rows = _Ahead(rows)
        self._find, self._encode, self._prepare = find, encode, prepare
        self._state = TradingState([])
        self._last_settings: dict[str, Any] | None = None
        self.report = ReplayReport()

    def run(self) -> ReplayReport:
        """To the journal's end, or to the first difference."""
        try:
            while (row := self._rows.first) is not None:
                recording = self._find(row.seq) if row.type == "SessionStarted" else None
                if recording is None:
                    self._book_session(row)
                else:
                    self._replay_session(row, recording)
        except _Differs as differs:
            self.report.difference = differs.difference
        return self.report

    def _book_session(self, first: ComparedRow) -> None:
        self.report.sessions_unrecorded += first.type == "SessionStarted"
        self._book(self._rows.take())
        while not self._is_at_end():
            self._book(self._rows.take())

    def _book(self, row: ComparedRow) -> None:
        self._state.apply(row.record)  # type: ignore[arg-type]
        self.report.rows += 1
        self.report.rows_unrecorded += 1

    def _is_at_end(self) -> bool:
        """No row is left, or the next one belongs to another session."""
        row = self._rows.first
        return row is None or row.type == "SessionStarted"

    # --- one session --------------------------------------------------------------------------

    def _replay_session(self, first: ComparedRow, recording: RecordingOfSession) -> None:
        session = recording.session
        self._prepare(session)
        self._note_settings(first.seq, session)
        self._state = _as_recovered(self._state, session)
        engine = TradingEngine(session.settings, self._state)
        for symbol, candles in session.history.items():
            engine.warm_up(symbol, candles)
        report = self.report
        report.sessions += 1
        report.first_seq = report.first_seq or first.seq
        seen = _Seen(recording.events())
        is_begun = False
        while not self._is_at_end() or not is_begun:
            row = self._rows.first
            assert row is not None
            if (market := seen.before(row.seq)) is not None:
                self._take_market(engine, market, first.seq)
            elif seen.explained_seq <= row.seq:
                self._book_rest(row)
            else:
                self._take_row(engine, row, first.seq)
            is_begun = True

    def _take_market(self, engine: TradingEngine, seen: SeenEvent, session_seq: int) -> None:
        assert seen.event is not None
        self.report.market_events += 1
        if seen.is_remembered:
            self._state.apply(seen.event)
        else:
            self._compare(_process(engine, seen.event), None, seen.event, session_seq)

    def _take_row(self, engine: TradingEngine, row: ComparedRow, session_seq: int) -> None:
        record = row.record
        if isinstance(record, (Decision, Command, *OWN_EVENTS)):
            raise _Differs(
                Difference(row.seq, session_seq, "everything that was recorded", _of(row), None)
            )
        assert isinstance(record, e.Event)
        self._rows.take()
        self.report.rows += 1
        self.report.journal_events += 1
        self._compare(_process(engine, record), row.seq, record, session_seq)

    def _compare(
        self, answers: list[Record], cause: int | None, event: e.Event, session_seq: int
    ) -> None:
        report = self.report
        for record in answers:
            type_name, data = self._encode(record)
            answer = Answer(type_name, self._state.deal_of(record), cause, data)
            after = f"{type(event).__name__} of {event.ts}"
            if self._is_at_end():
                if isinstance(event, e.SessionStopped):
                    raise _Differs(Difference(cause or 0, session_seq, after, None, answer))
                report.answers_unwritten += 1
                continue
            row = self._rows.take()
            report.rows += 1
            if _of(row) != answer:
                raise _Differs(Difference(row.seq, session_seq, after, _of(row), answer))
            match record:
                case Decision():
                    report.decisions += 1
                case Command():
                    report.commands += 1
                case _:
                    report.deal_facts += 1

    def _book_rest(self, row: ComparedRow) -> None:
        self.report.notes.append(
            f"the recording of the session ends before row {row.seq} (the disk refused, or the "
            "power failed); what follows in this session is not compared"
        )
        while not self._is_at_end():
            self._book(self._rows.take())

    def _note_settings(self, seq: int, session: RecordedSession) -> None:
        settings = {**_flat(asdict(session.settings)), "pairs": session.pairs}
        before, self._last_settings = self._last_settings, settings
        if before is not None:
            changed = sorted(
                name for name in {*before, *settings} if before.get(name) != settings.get(name)
            )
            if changed:
                self.report.notes.append(
                    f"the configuration changed before row {seq}: {', '.join(changed)}; each "
                    "session is replayed with its own"
                )


def _process(engine: TradingEngine, event: e.Event) -> list[Record]:
    """A deal that did not settle ended the real session without a row, too."""
    try:
        return engine.process(event)
    except DealDidNotSettle:
        return []


def _of(row: ComparedRow) -> Answer:
    return Answer(row.type, row.deal, row.cause, row.data)


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{section}.{name}": value
        for section, values in settings.items()
        for name, value in values.items()
    }


def _as_recovered(state: TradingState, session: RecordedSession) -> TradingState:
    """The state as a start makes it of what is on disk: prices and books are not."""
    return restore_state(
        [replace(pair) for pair in session.pairs],
        list(state.deals.all()),
        list(state.orders.all()),
        list(session.tickers),
        export_rest(state),
    )


class _Ahead:
    """Rows with a look at the next one."""

    def __init__(self, rows: Iterable[ComparedRow]) -> None:
        self._rest = iter(rows)
        self.first: ComparedRow | None = next(self._rest, None)

    def take(self) -> ComparedRow:
        row = self.first
        assert row is not None
        self.first = next(self._rest, None)
        return row


class _Seen:
    """A recording, read as far as the journal's rows go."""

    def __init__(self, events: Iterator[SeenEvent]) -> None:
        self._rest = events
        self._kept: SeenEvent | None = None
        self.explained_seq = 0
        """Rows before this one are explained by what was read."""

    def before(self, seq: int) -> SeenEvent | None:
        """The next event that the engine saw in front of row `seq`; None when there is none."""
        while self._kept is not None or self.explained_seq <= seq:
            seen, self._kept = self._kept or next(self._rest, None), None
            if seen is None:
                return None
            self.explained_seq = max(self.explained_seq, seen.seq)
            if seen.event is None:
                continue
            if seen.seq > seq:
                self._kept = seen
                return None
            return seen
        return None
