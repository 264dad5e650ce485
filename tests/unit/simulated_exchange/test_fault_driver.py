"""Scripts and seeds become faults, at their times, and are undone."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import MarketStatus
from autotrade.infrastructure.simulated_exchange.driver import HandClock
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange, EmbeddedOptions
from autotrade.infrastructure.simulated_exchange.fault_driver import FaultDriver
from autotrade.infrastructure.simulated_exchange.fault_profile import (
    AT_RANDOM,
    ON_SOCKETS,
    FaultProfile,
    faults_of,
)
from autotrade.infrastructure.simulated_exchange.fault_script import (
    BadFaultScript,
    FaultKind,
    ScriptedFault,
    dump_script,
)
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels
from autotrade.infrastructure.simulated_exchange.market_faults import Bend, MarketBender
from autotrade.infrastructure.simulated_exchange.wire.faults import FaultPlan
from tests.integration.simulated_exchange.support import START_TS, ScriptedMarket, market

K = FaultKind
BTC = "BTCUSDT"
DEPTH, TRADES = "btcusdt@depth@100ms", "btcusdt@trade"


@pytest.fixture
def exchange() -> EmbeddedExchange:
    options = EmbeddedOptions(
        balances={"USDT": Decimal(1_000), "BNB": Decimal(2)}, history_candles=10
    )
    made = EmbeddedExchange(ScriptedMarket(), options, clock=HandClock(START_TS))
    made.driver.advance_to(START_TS + 1)
    return made


class Listener:
    """A socket of a market stream."""

    is_combined = False

    def __init__(self, exchange: EmbeddedExchange, stream: str) -> None:
        self.heard: list[dict[str, int]] = []
        exchange.server.hub.subscribe(self, stream)

    def send(self, message: bytes) -> None:
        self.heard.append(orjson.loads(message))


def pass_seconds(exchange: EmbeddedExchange, seconds: float) -> None:
    exchange.driver.advance_to(exchange.exchange.now + round(seconds * 1000))


# --- seeds and scripts ----------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_faults_for_ever() -> None:
    first, again, other = (list(islice(FaultProfile(n).faults(), 2_000)) for n in (3, 3, 4))
    assert first == again != other
    assert {fault.kind for fault in first} == set(AT_RANDOM)
    assert [fault.at_s for fault in first] == sorted(fault.at_s for fault in first)
    mean_s = first[-1].at_s / len(first)
    assert 27 < mean_s < 33


def test_an_accelerated_clock_does_not_hurry_random_faults() -> None:
    slow, quick = (list(islice(faults_of("seed:1", [BTC], speed), 500)) for speed in (1.0, 120.0))
    assert quick[-1].at_s == pytest.approx(slow[-1].at_s * 240 / 30, rel=0.01)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"at_s": 5, "kind": "disk_full"}, "disk_full at 5 s: expected a fault that an exchange"),
        ({"at_s": 5, "kind": "process_killed"}, "happens to the bot's process or its disk"),
        (
            {"at_s": 1, "kind": "book_gap", "symbol": "XUSDT"},
            "expected a symbol of BTCUSDT, was XUSDT",
        ),
    ],
)
def test_what_no_exchange_can_cause_is_refused(
    tmp_path: Path, entry: dict[str, object], words: str
) -> None:
    path = tmp_path / "script.json"
    path.write_bytes(orjson.dumps({"faults": [entry]}))
    with pytest.raises(BadFaultScript, match=words):
        faults_of(str(path), [BTC])


@pytest.mark.parametrize("text", ["seed:", "seed:x", "no-such-file.json"])
def test_words_that_name_no_faults_are_refused(text: str) -> None:
    with pytest.raises(BadFaultScript, match="expected"):
        faults_of(text, [BTC])


def test_a_profile_of_the_process_is_refused() -> None:
    with pytest.raises(BadFaultScript, match="disk"):
        FaultProfile(1, kinds=(K.DISK_SLOW,))
    with pytest.raises(BadFaultScript, match="above 0"):
        FaultProfile(1, 0.0)


def test_a_profile_written_down_is_a_script(tmp_path: Path) -> None:
    faults = list(islice(FaultProfile(9).faults(), 50))
    path = tmp_path / "script.json"
    path.write_bytes(orjson.dumps(dump_script(faults)))
    assert list(faults_of(str(path), [BTC])) == faults


# --- states ---------------------------------------------------------------------------------------


def test_every_kind_of_an_exchange_can_be_played(exchange: EmbeddedExchange) -> None:
    driver = exchange.play(ScriptedFault(number, kind) for number, kind in enumerate(ON_SOCKETS))
    assert isinstance(driver, FaultDriver)
    pass_seconds(exchange, 120)
    assert driver.counts[K.MARKET_HALTED] == driver.counts[K.FUNDS_MOVED] == 1


def test_a_state_is_undone_and_a_second_one_lengthens_it(exchange: EmbeddedExchange) -> None:
    driver = exchange.play(
        ScriptedFault(at_s, K.MARKET_HALTED, duration_s=10, symbol=BTC) for at_s in (1, 6)
    )
    seen = []
    for _ in range(5):
        pass_seconds(exchange, 4)
        seen.append(exchange.exchange.market(BTC).status is MarketStatus.HALT)
    assert seen == [True, True, True, False, False]
    assert driver.counts == {K.MARKET_HALTED: 1}
    assert driver.next_due_ts() is None


def test_the_end_makes_everything_well(exchange: EmbeddedExchange) -> None:
    markets, balances = exchange.exchange.markets, exchange.exchange.balances("main")
    levels = exchange.exchange.market_levels(BTC)
    states = (ScriptedFault(0, kind, duration_s=1e6, symbol=BTC) for kind in AT_RANDOM)
    driver = exchange.play(states)
    pass_seconds(exchange, 1)
    assert exchange.exchange.markets != markets
    assert exchange.exchange.balances("main") != balances
    assert exchange.exchange.market_levels(BTC) != levels
    assert exchange.server.key_ring.is_suspended
    assert exchange.server.faults.answers and exchange.server.faults.mishaps
    driver.end()
    assert exchange.exchange.markets == markets
    assert exchange.exchange.balances("main") == balances
    assert sorted(exchange.exchange.market_levels(BTC)[0]) != []
    assert not exchange.server.key_ring.is_suspended
    plan, fresh = exchange.server.faults, FaultPlan()
    for name in ("answers", "mishaps", "lose_replies", "clock_skew_ms", "silent_streams"):
        assert getattr(plan, name) == getattr(fresh, name), name
    assert driver.next_due_ts() is None


def test_funds_leave_and_return(exchange: EmbeddedExchange) -> None:
    exchange.play([ScriptedFault(1, K.FUNDS_MOVED, 10), ScriptedFault(1, K.FEE_ASSET_SHORT, 20)])
    pass_seconds(exchange, 2)
    balances = exchange.exchange.balances("main")
    assert (balances["USDT"][0], balances["BNB"][0]) == (990, 0)
    pass_seconds(exchange, 30)
    balances = exchange.exchange.balances("main")
    assert (balances["USDT"][0], balances["BNB"][0]) == (1_000, 2)


# --- messages -------------------------------------------------------------------------------------


def test_a_gap_is_lost_overtaken_and_repeated_in_turn(exchange: EmbeddedExchange) -> None:
    listener, quiet = Listener(exchange, DEPTH), Listener(exchange, TRADES)
    driver = exchange.play(ScriptedFault(at_s, K.BOOK_GAP) for at_s in (1, 3, 5))
    pass_seconds(exchange, 1)
    before = len(listener.heard)
    pass_seconds(exchange, 6)
    first_ids = [message["U"] for message in listener.heard[before:]]
    steps = [after - before for before, after in pairwise(first_ids)]
    assert sum(step < 0 for step in steps) == 1, "one came before its predecessor"
    assert steps.count(0) == 1, "one came twice"
    assert max(steps) == 2 * min(step for step in steps if step > 0), "one or two were skipped"
    assert driver.counts == {K.BOOK_GAP: 3}
    numbers = [message["t"] for message in quiet.heard]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "trades go on"


def test_a_stale_book_is_told_later_in_its_order(exchange: EmbeddedExchange) -> None:
    listener = Listener(exchange, DEPTH)
    exchange.play([ScriptedFault(1, K.BOOK_STALE, 3, symbol=BTC)])
    pass_seconds(exchange, 1)
    before = len(listener.heard)
    pass_seconds(exchange, 2)
    assert len(listener.heard) == before
    pass_seconds(exchange, 2)
    ids = [message["U"] for message in listener.heard]
    assert ids == sorted(ids) and len(ids) == len(set(ids)) and len(ids) > before + 10


def test_a_silent_market_sends_nothing_of_its_symbol(exchange: EmbeddedExchange) -> None:
    mute, other = Listener(exchange, TRADES), Listener(exchange, "ethusdt@trade")
    exchange.play([ScriptedFault(0, K.MARKET_STREAM_SILENT, 5, symbol=BTC)])
    pass_seconds(exchange, 4)
    assert mute.heard == [] and other.heard
    pass_seconds(exchange, 4)
    assert mute.heard


def test_a_skewed_clock_dates_the_streams_too(exchange: EmbeddedExchange) -> None:
    listener = Listener(exchange, TRADES)
    exchange.play([ScriptedFault(1, K.CLOCK_SKEW, 2)])
    pass_seconds(exchange, 6)
    ahead = [message["E"] - message["T"] for message in listener.heard]
    assert {0, 6_000} == set(ahead)
    assert exchange.server.now_ms() == exchange.exchange.now


# --- a bent market --------------------------------------------------------------------------------

LEVEL = st.tuples(st.integers(1, 6), st.sampled_from((0, 1, 5_000, 90_000)))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.booleans(), st.lists(LEVEL, max_size=4), st.lists(LEVEL, max_size=4)),
        st.tuples(st.sampled_from(Bend), st.booleans()),
    ),
    max_size=25,
)


@given(STEPS)
def test_after_the_bends_the_book_is_the_markets_own(steps: list[tuple[object, ...]]) -> None:
    bent, straight = (SimulatedExchange([market(BTC)], start_ts=START_TS) for _ in range(2))
    bender = MarketBender(bent)
    for step in [*steps, *((bend, False) for bend in Bend)]:
        if isinstance(step[0], Bend):
            (bender.begin if step[1] else bender.end)(BTC, step[0])
            continue
        fact = next(_facts(step))
        straight.apply(fact)
        bent.apply(bender.bend(fact))  # type: ignore[arg-type]
    assert [dict(side) for side in bent.market_levels(BTC)] == [
        dict(side) for side in straight.market_levels(BTC)
    ]


def _facts(step: tuple[object, ...]) -> Iterator[MarketLevels]:
    is_snapshot, bids, asks = step
    yield MarketLevels(
        START_TS,
        BTC,
        tuple((100 - ticks, lots) for ticks, lots in dict(bids).items()),  # type: ignore[call-overload]
        tuple((100 + ticks, lots) for ticks, lots in dict(asks).items()),  # type: ignore[call-overload]
        is_snapshot=bool(is_snapshot),
    )
