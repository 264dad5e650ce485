"""The exchange is in trouble when the bot starts: it waits for what may pass and then trades; what
stays is said at once. Nothing is written before it can begin."""

from __future__ import annotations

import asyncio

import pytest

from autotrade.application.ports import ExchangeUnreachable
from autotrade.domain import events as e
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind
from tests.integration.bench import assert_books_agree, until, until_or_ended
from tests.integration.faults.conftest import Stage

NO_START_YET = "no start yet"
QUESTIONS = [
    "GET /api/v3/exchangeInfo",
    "GET /api/v3/account",
    "GET /api/v3/account$",
    "GET /api/v3/depth",
    "userDataStream.subscribe.signature",
    "GET /api/v3/klines",
]
"""The account's stands in for its commission, too: where that is refused, the account is asked."""


@pytest.mark.parametrize(
    "kind",
    [FaultKind.SERVER_ERROR, FaultKind.STATUS_UNKNOWN, FaultKind.REQUEST_LOST],
    ids=lambda kind: str(kind.value),
)
async def test_trouble_that_passes_is_waited_for(stage: Stage, kind: FaultKind) -> None:
    bench = stage.scene.bench
    session = await bench.session()
    stage.hold(kind)
    running = asyncio.create_task(session.run())
    await until_or_ended(lambda: bench.log.has(NO_START_YET), running, "the trouble in the log")
    stage.over()
    await until_or_ended(lambda: session.state.is_ready, running, "the start")
    assert bench.log.has("the exchange answers again")
    await stage.goes_on(session)
    session.request_stop("test")
    await running
    assert_books_agree(session)
    assert len(list(bench.records(e.SessionStarted))) == 1


@pytest.mark.parametrize("question", QUESTIONS)
async def test_every_question_of_the_start_is_asked_until_it_is_answered(
    stage: Stage, question: str
) -> None:
    bench = stage.scene.bench
    bench.connection_changes["request_timeout_seconds"] = 2.0
    session = await bench.session()
    bench.faults.answer(question, -1016, "This service is no longer available.", 503, times=10**6)
    running = asyncio.create_task(session.run())
    await until_or_ended(lambda: bench.log.has(NO_START_YET), running, "the trouble in the log")
    assert not session.state.is_ready
    bench.faults.answers.clear()
    await until_or_ended(lambda: session.state.is_ready, running, "the start")
    session.request_stop("test")
    await running
    assert_books_agree(session)


async def test_a_wrong_key_is_not_waited_for(stage: Stage) -> None:
    bench = stage.scene.bench
    bench.connection_changes["api_key"] = "unknown-key"
    session = await bench.session()
    with pytest.raises(ExchangeUnreachable, match="API key"):
        await session.run()
    assert not bench.log.has(NO_START_YET)


async def test_a_stop_while_it_waits_leaves_the_folder_as_it_was(stage: Stage) -> None:
    bench = stage.scene.bench
    session = await bench.session()
    bench.faults.refuse_connections = True
    running = asyncio.create_task(session.run())
    await until(lambda: bench.log.has(NO_START_YET) or running.done(), "the trouble in the log")
    session.request_stop("test")
    with pytest.raises(ExchangeUnreachable, match="ETH/USDT"):
        await running
    assert not list(bench.records(e.SessionStarted))
    bench.faults.refuse_connections = False
    async with bench.trading() as session:
        await stage.goes_on(session)
