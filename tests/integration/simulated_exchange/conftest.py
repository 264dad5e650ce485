"""Fixtures: an exchange of its own for each test, driven by the clock or by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from autotrade.infrastructure.simulated_exchange.driver import HandClock
from autotrade.infrastructure.simulated_exchange.embedded import (
    EmbeddedExchange,
    EmbeddedOptions,
)
from tests.integration.simulated_exchange.support import START_TS, ScriptedMarket

RICH = {"USDT": Decimal(100_000), "BTC": Decimal(1), "ETH": Decimal(10), "BNB": Decimal(0)}


@pytest.fixture
async def running() -> AsyncIterator[EmbeddedExchange]:
    """Twenty times real time, both transports."""
    options = EmbeddedOptions(port=0, tls_port=0, speed=20.0, balances=RICH, history_candles=100)
    async with EmbeddedExchange(ScriptedMarket(), options) as exchange:
        yield exchange


@pytest.fixture
async def by_hand() -> AsyncIterator[EmbeddedExchange]:
    """Time stands still until the test moves it."""
    options = EmbeddedOptions(port=0, balances=RICH, history_candles=100)
    exchange = EmbeddedExchange(ScriptedMarket(), options, clock=HandClock(START_TS))
    exchange.driver.advance_to(START_TS + 1)
    async with exchange:
        yield exchange
