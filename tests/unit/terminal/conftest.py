"""A data folder whose journal the real engine wrote, and a command line without a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest

from autotrade.domain import events as e
from autotrade.domain.decisions import Decision
from autotrade.domain.entities.order import OrderRole
from autotrade.domain.state import Record
from autotrade.infrastructure.journal.journal import JsonlJournal
from autotrade.infrastructure.terminal import redaction
from autotrade.infrastructure.terminal.entry import main
from tests.engine_harness import EngineHarness

MARKET_EVENTS = (e.TickerUpdated, e.OrderBookUpdated, e.TimerTicked, e.CandleClosed)


class Tape(EngineHarness):
    """The harness, remembering every line that the loop would journal, with its deal."""

    def __init__(self, **options: Any) -> None:
        self.lines: list[tuple[Record, int | None]] = []
        super().__init__(**options)

    def send(self, kind: type[e.Event], **values: Any) -> list[Record]:
        event = kind(ts=self.ts, **values)
        if not isinstance(event, MARKET_EVENTS):
            self.lines.append((event, self.state.deal_of(event)))
        records = super().send(kind, **values)
        self.lines.extend((record, self.state.deal_of(record)) for record in records)
        return records

    def signal(self, symbol: str = "ETH/USDT") -> Decision:
        start = len(self.records)
        decision = super().signal(symbol)
        self.lines.extend((r, self.state.deal_of(r)) for r in self.records[start:])
        return decision

    def order(self, role: OrderRole) -> str:
        """The id of the newest order in that role."""
        return [order.id for order in self.state.orders.all() if order.role is role][-1]

    async def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        journal = JsonlJournal.open(folder / "journal.jsonl")
        for record, deal in self.lines:
            journal.append(record, deal=deal)
        await journal.close()


def play_deal(tape: Tape) -> None:
    """Deal 1: a BUY filled in two trades, the target reached; then a signal that is refused."""
    assert tape.signal().approved
    buy = tape.order(OrderRole.ENTRY)
    tape.ts += 15
    tape.accept(buy)
    tape.ts += 1_000
    tape.fill(buy, amount="0.02")
    tape.ts += 300
    tape.fill(buy)
    target, stop = tape.order(OrderRole.TARGET), tape.order(OrderRole.STOP)
    tape.accept(target)
    tape.accept(stop)
    tape.ts += 10_000
    assert not tape.signal().approved
    tape.ts += 600_000
    tape.price("2031")
    tape.fill(target)
    tape.cancel(stop, reason="expired")
    tape.ts += 60_000


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    tape = Tape()
    play_deal(tape)
    await tape.write(tmp_path / "data")
    return tmp_path / "data"


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process, on a configuration and data folder of the test's own."""
    config, env_file = tmp_path / "config.json", tmp_path / "test.env"
    config.write_text('{"currency_pair": {"base_currency": "ETH", "quote_currency": "USDT"}}')
    env_file.write_text("")
    monkeypatch.setattr(redaction, "_known", [])

    def call(*words: str) -> Outcome:
        capsys.readouterr()
        places = ["--config", str(config), "--env-file", str(env_file)]
        code = main([*words, *places, "--data-dir", str(tmp_path / "data")])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


def no_floats(value: object) -> bool:
    """Money in JSON must be text; only indicators and measures may be numbers."""
    return not isinstance(value, float)


__all__ = ["D", "Outcome", "Run", "Tape", "play_deal"]
