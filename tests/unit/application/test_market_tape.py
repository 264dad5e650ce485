"""The tape keeps what was looked at, in front of the row that was next, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

from autotrade.application.market_tape import MarketTape, RecordedSession
from autotrade.domain import events as e
from autotrade.domain.settings import DomainSettings
from autotrade.domain.state import TradingState
from tests.engine_harness import START_TS, SYMBOL, eth_pair, good_book


class ListRecorder:
    def __init__(self) -> None:
        self.begun: list[tuple[int, RecordedSession]] = []
        self.taken: list[tuple[int, e.Event, bool]] = []

    def begin(self, seq: int, session: RecordedSession) -> None:
        self.begun.append((seq, session))

    def take(self, seq: int, event: e.Event, *, is_remembered: bool) -> None:
        self.taken.append((seq, event, is_remembered))

    def flush(self, next_seq: int) -> None: ...

    def close(self) -> None: ...


def ticker(price: int) -> e.TickerUpdated:
    return e.TickerUpdated(ts=START_TS, symbol=SYMBOL, price=D(price), bid=D(price), ask=D(price))


def book(price: float) -> e.OrderBookUpdated:
    return e.OrderBookUpdated(ts=START_TS, symbol=SYMBOL, book=good_book(SYMBOL, price, START_TS))


class Rig:
    def __init__(self) -> None:
        self.state = TradingState([eth_pair()])
        self.recorder = ListRecorder()
        self.tape = MarketTape(DomainSettings(), self.state, self.recorder)

    def see(self, event: e.Event, seq: int, *, looks: bool = False) -> None:
        """Process an event; with `looks` the engine asks for price and book meanwhile."""
        self.state.apply(event)
        if looks:
            self.state.tickers.find(SYMBOL)
            self.state.books.get(SYMBOL)
        self.tape.processed(event, seq)


def test_only_the_newest_price_and_book_that_were_looked_at_are_kept() -> None:
    rig = Rig()
    for price in (1, 2, 3):
        rig.see(ticker(price), 5)
        rig.see(book(price), 5)
    assert rig.recorder.taken == []
    timer = e.TimerTicked(ts=START_TS)
    rig.see(timer, 5, looks=True)
    assert rig.recorder.taken == [(5, book(3), True), (5, ticker(3), True), (5, timer, False)]
    rig.see(timer, 6, looks=True)
    assert len(rig.recorder.taken) == 4, "what was recorded is not recorded again"


def test_a_price_that_is_looked_at_while_it_comes_acts_by_itself() -> None:
    rig = Rig()
    rig.see(book(2), 5)
    rig.see(ticker(2), 5, looks=True)
    assert rig.recorder.taken == [(5, book(2), True), (5, ticker(2), False)]


def test_a_journaled_event_that_looks_brings_the_price_in_front_of_its_row() -> None:
    rig = Rig()
    rig.see(ticker(2), 5)
    rig.see(e.SessionReady(ts=START_TS), 9, looks=True)
    assert rig.recorder.taken == [(9, ticker(2), True)]


def test_a_session_begins_with_what_its_engine_was_made_of() -> None:
    rig = Rig()
    rig.tape.warmed_up(SYMBOL, [])
    started = e.SessionStarted(
        ts=START_TS, installation_id="a", version="1", commit="", mode="m", venue="v", market="m",
        start_balances=(), request_window_ms=1,
    )  # fmt: skip
    rig.see(started, 3)
    [(seq, session)] = rig.recorder.begun
    assert seq == 3
    assert session.pairs == (replace(eth_pair(), rules=None),)
    assert session.history == {SYMBOL: ()}
