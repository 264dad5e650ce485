"""The simulated network and gates tell what is true, or nothing."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from autotrade.infrastructure.fault_simulation.exchange_end import (
    ACCOUNT,
    ArmedFault,
    ExchangeEnd,
)
from autotrade.infrastructure.fault_simulation.market import SimulatedMarket
from autotrade.infrastructure.fault_simulation.virtual_loop import Agenda
from autotrade.infrastructure.simulated_exchange.core.types import ExchangeError
from autotrade.infrastructure.simulated_exchange.fault_script import FaultKind

START_MS = 1_760_000_040_000


class Carried(random.Random):
    """Of a fault that hides an execution."""

    def random(self) -> float:
        return 0.0


@pytest.fixture
def end() -> ExchangeEnd:
    agenda = Agenda(START_MS)
    return ExchangeEnd(agenda, SimulatedMarket(1, 1, START_MS), seed=1)


def placed(end: ExchangeEnd) -> tuple[int | None, int]:
    """What a BUY far below the market is told, and how many orders rest then."""
    pair = end.market.pairs[0]
    price = pair.decimal(pair.price) / 2
    told: list[ExchangeError | None] = []

    def reply(result: Any, refusal: ExchangeError | None, headers: Mapping[str, str]) -> None:
        told.append(refusal)

    sent = {
        "symbol": pair.symbol,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": str(pair.market.lot_size * 1000),
        "price": str(price - price % pair.market.tick_size),
        "newClientOrderId": "at-1-B1",
        "timestamp": str(START_MS),
        "recvWindow": "5000",
    }
    end.request("POST", "order", sent, reply)
    end._agenda.pass_time(1.0)
    refusal = told[0]
    return (None if refusal is None else refusal.code), len(end.core.open_orders(ACCOUNT))


def doubt(kind: FaultKind) -> ArmedFault:
    return ArmedFault(kind, 1, is_for_orders=True, until_seconds=60.0, rng=Carried())


def test_an_order_reaches_the_exchange(end: ExchangeEnd) -> None:
    assert placed(end) == (None, 1)


@pytest.mark.parametrize(
    ("kind", "code"), [(FaultKind.STATUS_UNKNOWN, -1007), (FaultKind.SERVER_ERROR, -1000)]
)
def test_a_fault_may_hide_what_was_executed(end: ExchangeEnd, kind: FaultKind, code: int) -> None:
    end.armed.append(doubt(kind))
    assert placed(end) == (code, 1)


@pytest.mark.parametrize("kind", [FaultKind.STATUS_UNKNOWN, FaultKind.SERVER_ERROR])
def test_what_a_ban_refuses_is_never_executed(end: ExchangeEnd, kind: FaultKind) -> None:
    end.stay_away_until = 60.0
    end.armed.append(doubt(kind))
    assert placed(end) == (-1003, 0)
