"""What can go wrong before the first deal, between a user's command and an exchange over the wire:
one sentence that says what to do, exit code 2, and the journal is as it was."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from autotrade.application import patience
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange, EmbeddedOptions
from autotrade.infrastructure.simulated_exchange.wire.faults import FaultPlan
from tests.integration.bad_days.market import HandMarket
from tests.integration.bad_days.user import CONFIG, User
from tests.integration.bench import SPEED

CLOCK_OFF_MS = round(15_000 * SPEED)
"""Fifteen seconds of the user's time."""


@dataclass
class Counter:
    """A user in front of an exchange that the test can spoil."""

    user: User
    exchange: EmbeddedExchange

    @property
    def faults(self) -> FaultPlan:
        return self.exchange.server.faults

    async def refused(self, **announced: object) -> str:
        """Trade, and be refused with one sentence; nothing was written down."""
        attach = self.user.announces(self.exchange, **announced)
        sentence = (await self.user.trades("--for", "1s", "--attach", attach)).refusal(2)
        assert self.user.journal_rows() == 0
        return sentence


@pytest.fixture
async def counter(user: User, tmp_path: Path) -> AsyncIterator[Counter]:
    options = EmbeddedOptions(port=None, tls_port=0, speed=SPEED)
    async with EmbeddedExchange(HandMarket(), options) as exchange:
        yield Counter(user, exchange)
        assert exchange.server.misses == []


async def test_a_pair_that_the_exchange_does_not_list(counter: Counter) -> None:
    pair = {**CONFIG["currency_pair"], "base_currency": "ETHH"}
    counter.user.config.write_text(json.dumps({**CONFIG, "currency_pair": pair}))
    sentence = await counter.refused()
    assert "expected a pair that the exchange lists, was ETHH/USDT" in sentence
    assert "did you mean ETH/USDT?" in sentence


@pytest.mark.parametrize(
    ("announced", "code"),
    [({"api_secret": "another"}, "-1022"), ({"api_key": "k" * 64}, "-2015")],
    ids=["secret", "key"],
)
async def test_a_wrong_key(counter: Counter, announced: dict[str, str], code: str) -> None:
    sentence = await counter.refused(**announced)
    assert f"({code})" in sentence and "look at the API key" in sentence
    assert counter.exchange.options.api_secret not in sentence


async def test_a_key_without_permission(counter: Counter) -> None:
    counter.faults.answer(
        "/api/v3/account",
        -2015,
        "Invalid API-key, IP, or permissions for action.",
        401,
        times=100,
    )
    sentence = await counter.refused()
    assert "was refused: Invalid API-key, IP, or permissions for action. (-2015)" in sentence
    assert "look at the API key, its secret and its permissions" in sentence


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.8)


@pytest.mark.usefixtures("little_patience")
@pytest.mark.parametrize("status", [429, 418])
async def test_an_address_that_is_banned(counter: Counter, status: int) -> None:
    """It asks once: whoever goes on asking is banned for longer."""
    counter.faults.answer(
        "GET /api/v3/time",
        -1003,
        "Way too much request weight used; IP banned until 1760000000000.",
        status,
        headers={"Retry-After": "7200"},
        times=100,
    )
    sentence = await counter.refused()
    assert "IP banned until" in sentence and "start again" in sentence
    assert counter.faults.injected == ["answer GET /api/v3/time"]


async def test_an_exchange_that_is_not_there(counter: Counter) -> None:
    port = counter.exchange.tls_port
    attach = counter.user.announces(counter.exchange)
    await counter.exchange.server.stop()
    sentence = (await counter.user.trades("--for", "1s", "--attach", attach)).refusal(2)
    assert f"(127.0.0.1:{port})" in sentence and "was no connection to api.binance.com" in sentence
    assert "look whether the exchange runs" in sentence
    assert counter.user.journal_rows() == 0


async def test_an_announcement_that_is_older_than_its_exchange(counter: Counter) -> None:
    gone = counter.user.home / "gone" / "ca.pem"
    sentence = await counter.refused(ca_certificate=str(gone))
    assert f"was {gone} (No such file" in sentence and "still runs" in sentence


@pytest.mark.usefixtures("little_patience")
async def test_an_exchange_that_takes_no_connections(counter: Counter) -> None:
    counter.faults.refuse_connections = True
    sentence = await counter.refused()
    assert "the connection broke before an answer came" in sentence


@pytest.mark.parametrize("skew_ms", [CLOCK_OFF_MS, -CLOCK_OFF_MS], ids=["ahead", "behind"])
async def test_a_clock_that_is_15_seconds_off(counter: Counter, skew_ms: int) -> None:
    """Not an error at all: the offset is measured before the first signature."""
    counter.faults.clock_skew_ms = skew_ms
    attach = counter.user.announces(counter.exchange)
    said = await counter.user.trades("--for", "1s", "--attach", attach)
    assert said.code == 0, said.err
    assert said.json["ledger_difference"] == {"USDT": "0"}
    assert "ready: recovered, warmed up and reconciled" in said.err


async def test_a_recording_ends(user: User) -> None:
    options = EmbeddedOptions(port=None, tls_port=0, speed=SPEED)
    async with EmbeddedExchange(HandMarket(minutes=15), options) as exchange:
        said = await user.trades("--attach", user.announces(exchange))
    assert said.code == 0, said.err
    assert said.json["stopped_by"] == "the recording is at its end"
    assert said.json["ledger_difference"] == {"USDT": "0"}
    assert "operator (the recording is at its end): stop" in said.err
