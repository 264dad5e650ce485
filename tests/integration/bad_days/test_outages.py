"""The exchange is away, bans us, or its clock moves, in the middle of a session: the bot survives,
opens nothing on what it does not see, compares when it sees again, and goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from autotrade.application.use_cases import run_realtime_trading
from autotrade.domain import events as e
from autotrade.domain.settings import OrderbookAnalyzerSettings
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.journal.journal import verify
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange, EmbeddedOptions
from autotrade.infrastructure.simulated_exchange.wire.dispatch import Incoming
from autotrade.infrastructure.terminal.commands.operator import write_word
from tests.integration.bad_days.conftest import QUICK, Scene
from tests.integration.bad_days.market import MINUTE_MS, HandMarket
from tests.integration.bad_days.user import User
from tests.integration.bench import SPEED, until

OCO = "POST /api/v3/orderList/oco"
NO_PERMISSION = (-2015, "Invalid API-key, IP, or permissions for action.", 401)
BANNED = "Way too much request weight used; IP banned until 1760000000000."
CLOCK_OFF_MS = round(15_000 * SPEED)
"""Fifteen seconds as this machine has them."""


@contextmanager
def requests_of(scene: Scene) -> Iterator[list[tuple[int, str]]]:
    """When the requests that reach the exchange from here on were signed (0: they were not), and
    their names.

    A request is signed at the moment it is let go. It may arrive much later, after others that
    left later: each has its own connection.
    """
    server = scene.bench.exchange.server
    seen: list[tuple[int, str]] = []
    carry_out = server.carry_out

    def watched(incoming: Incoming) -> Any:
        if incoming.kind == "REST":
            signed_ts = int(incoming.sent.get("timestamp", 0))
            seen.append((signed_ts, f"{incoming.verb} {incoming.path}"))
        return carry_out(incoming)

    server.carry_out = watched  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        server.carry_out = carry_out  # type: ignore[method-assign]


async def test_unreachable_for_a_minute(scene: Scene) -> None:
    """A minute of the exchange's time and more. What rests there protects; signals wait."""
    faults, server = scene.bench.faults, scene.bench.exchange.server
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        faults.refuse_connections = True
        server.close_all_sockets()
        await until(lambda: len(session.state.lost_channels) >= 2, "both losses")
        due = session.now_ms() + 2 * MINUTE_MS
        await until(lambda: session.now_ms() > due, "two minutes")
        assert session.state.stale_text("ETH/USDT") is not None
        assert deal.is_open and not session.state.totals.reconnects
        faults.refuse_connections = False
        await until(lambda: not session.state.lost_channels, "the return")
        await until(
            lambda: any(row.trigger == "reconnect" for row in scene.bench.records(e.Reconciled)),
            "the comparison",
        )
        await scene.goes_on(session)
        assert not deal.is_open
    assert session.state.totals.reconnects >= 2


async def test_the_price_reaches_the_target_while_nobody_looks(scene: Scene) -> None:
    """The fill is found by asking, not by the stream that was away."""
    faults, server = scene.bench.faults, scene.bench.exchange.server
    async with scene.bench.trading() as session:
        deal = await scene.position(session)
        faults.refuse_connections = True
        server.close_all_sockets()
        await until(lambda: len(session.state.lost_channels) >= 2, "both losses")
        scene.market.rise(1.5)
        await until(lambda: not scene.bench.exchange.exchange.open_orders("main"), "the fill")
        faults.refuse_connections = False
        await scene.ended(deal)
        assert deal.close_text == "target reached"


async def test_a_signal_on_stale_data_is_refused(scene: Scene) -> None:
    """The prices come, but the account's stream is away: nothing new is opened half blind."""
    async with scene.bench.trading() as session:
        lost = e.ChannelLost(ts=session.now_ms(), channel=e.Channel.USER_DATA, text="cut off")
        await session.loop.put(lost)
        await until(lambda: session.state.lost_channels, "the loss")
        await scene.signal(session)
        assert session.state.totals.refused == {"stale_data": 1}
        await scene.told("refused: cut off")
        back = e.ChannelRestored(ts=session.now_ms(), channel=e.Channel.USER_DATA)
        await session.loop.put(back)
        await scene.goes_on(session)


async def test_every_socket_closed_again_and_again(scene: Scene) -> None:
    async with scene.bench.trading() as session:
        for code in (None, 1001):
            reconnects = session.state.totals.reconnects
            scene.bench.exchange.server.close_all_sockets(code)
            await until(lambda n=reconnects: session.state.totals.reconnects >= n + 2, "the return")
            await until(lambda: not session.state.lost_channels, "all channels")
            await scene.goes_on(session)


@pytest.mark.parametrize("status", [429, 418])
async def test_a_ban_while_a_position_waits_for_its_protection(
    scene: Scene, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent during the ban, and the first that is sent after it protects the position.
    Requests are signed with the bot's clock here, which is the one that waits for the ban's end."""
    monkeypatch.setattr(ExchangeClock, "signing_ms", lambda clock: int(clock.exact_ms()))
    ban_seconds = 600
    async with scene.bench.trading(reconcile_seconds=0.2) as session:
        order = await scene.resting_buy(session)
        deal = scene.deal(session)
        scene.bench.faults.answer(
            OCO, -1003, BANNED, status, headers={"Retry-After": str(ban_seconds)}
        )
        with requests_of(scene) as requests:
            scene.fill(order)
            await until(lambda: deal.failures, "the refusal")
            known_ts, sent = session.now_ms(), len(requests)
            refused_ts = next(ts for ts, name in requests if name == OCO)
            await scene.protected(session, deal)
        first_ts, first = min(request for request in requests if request[0] > known_ts)
        assert first == OCO, sorted(requests)
        arrived = [name for signed_ts, name in requests[sent:] if name == OCO or not signed_ts]
        assert next(name for name in arrived if "exchangeInfo" not in name) == OCO, arrived
        assert first_ts >= refused_ts + ban_seconds * 1000
        await scene.told(f"SELL refused ({BANNED}), next try in 1 s")
        await scene.told("the exchange told us to stay away for")
        await scene.win(session, deal)


async def test_stopping_during_a_ban(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl+C does not wait for the end of a ban of hours; the next start compares the books."""
    monkeypatch.setattr(run_realtime_trading, "SETTLE_SECONDS_MAX", 0.3)
    session = await scene.bench.session()
    running = asyncio.create_task(session.run())
    await until(lambda: session.state.is_ready, "the start")
    scene.bench.faults.answer(
        "GET /api/v3/", -1003, BANNED, 418, headers={"Retry-After": "1000000"}
    )
    with requests_of(scene) as requests:
        await until(lambda: requests, "the ban")
        session.request_stop("test")
        assert await running == "test"
    assert session.ledger_difference is None
    await scene.told("the exchange did not tell the account's state within 0.3 s")


async def test_a_key_that_loses_its_permission(scene: Scene) -> None:
    """Each refusal is said with what to do; what is held stays under its stop; when the permission
    is back, so is the bot."""
    code, text, status = NO_PERMISSION
    async with scene.bench.trading(reconcile_seconds=0.2) as session:
        scene.bench.faults.answer("POST /api/v3/order", code, text, status)
        deal = await scene.opened(session)
        await scene.ended(deal)
        assert deal.close_text == f"the exchange refused the BUY: {text}"
        held = await scene.position(session)
        scene.bench.faults.answer("/api/v3/openOrders", code, text, status, times=3)
        await scene.told("look at the API key, its secret and its permissions")
        assert held.is_open
        await scene.win(session, held)


async def test_a_protection_without_permission(scene: Scene) -> None:
    code, text, status = NO_PERMISSION
    async with scene.bench.trading() as session:
        scene.bench.faults.answer(OCO, code, text, status, times=2)
        deal = await scene.position(session)
        await scene.told(f"SELL refused ({text}), next try in 1 s")
        await scene.win(session, deal)


@pytest.mark.parametrize("skew_ms", [CLOCK_OFF_MS, -CLOCK_OFF_MS], ids=["ahead", "behind"])
async def test_a_clock_that_moves_by_15_seconds(scene: Scene, skew_ms: int) -> None:
    """-1021 proves that nothing was executed: the clock is measured and the request sent again."""
    scene.bench.connection_changes["clock_interval_seconds"] = 1_000.0
    # only the exchange's answers move; what its streams tell carries the time that it had
    any_age = OrderbookAnalyzerSettings(max_book_age_seconds=1e9)
    scene.bench.settings = replace(QUICK, orderbook_analyzer=any_age)
    async with scene.bench.trading() as session:
        scene.bench.faults.clock_skew_ms = skew_ms
        await scene.goes_on(session)
    assert not scene.bench.log.has("reconciliation")


async def test_the_exchange_that_the_bot_started_dies(user: User) -> None:
    """It does not come back: one sentence, exit 1, and the folder is whole for the next start."""
    trading = asyncio.create_task(user.trades("--for", "60s"))
    announce = user.data / "exchange.json"
    await until(lambda: announce.exists() and b"SessionReady" in user.journal(), "the start")
    os.kill(orjson.loads(announce.read_bytes())["pid"], signal.SIGTERM)
    said = await trading
    sentence = said.refusal(1)
    assert "expected the embedded exchange" in sentence and "was ended" in sentence
    assert "start again on the same data folder to go on" in sentence
    assert verify(user.data / "journal.jsonl").holds
    assert user.journal().splitlines()[-1].count(b"SessionStopped") == 1


async def test_an_attached_exchange_that_goes_away_is_waited_for(user: User) -> None:
    """Somebody else started it and may do so again: the bot dials until it is told to stop."""
    options = EmbeddedOptions(port=None, tls_port=0, speed=SPEED)
    async with EmbeddedExchange(HandMarket(), options) as exchange:
        attach = user.announces(exchange)
        trading = asyncio.create_task(user.trades("--attach", attach))
        await until(lambda: b"SessionReady" in user.journal(), "the start")
        await exchange.server.stop()
        await until(lambda: user.journal().count(b"ChannelLost") >= 2, "both losses")
        await until(lambda: "not back yet: no connection to" in user.log(), "a vain try")
        due = exchange.driver.time_ms() + 5 * MINUTE_MS
        await until(lambda: exchange.driver.time_ms() > due, "some more of them")
        await exchange.server.start(
            port=None, tls_port=exchange.tls_port, files=exchange.certificates
        )
        await until(lambda: user.journal().count(b"ChannelRestored") >= 2, "both returns")
        write_word(user.data, "stop", "the test", 1)
        said = await trading
    assert said.code == 0, said.err
    assert said.json["ledger_difference"] == {"USDT": "0"}
    assert "never retrieved" not in said.err, "an outage is no reason for a programmer's words"
    assert said.err.count("user stream not back yet: no connection to") == 1, said.err
