"""The disk refuses in the middle of a session: it stops loudly, nothing is sent that could not be
written down, and the next start goes on from what is written."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autotrade.application.ports import StoreFault
from autotrade.application.use_cases import run_realtime_trading
from autotrade.domain import commands as c
from autotrade.infrastructure.journal.journal import verify
from autotrade.infrastructure.simulated_exchange.embedded import EmbeddedExchange, EmbeddedOptions
from tests.integration.bad_days.conftest import ONE_DEAL, QUICK, Scene
from tests.integration.bad_days.market import HandMarket
from tests.integration.bad_days.user import User
from tests.integration.bench import SPEED, serving, until
from tests.unit.journal.faulty_files import FaultyFiles


@pytest.fixture
async def frail(tmp_path: Path) -> AsyncIterator[tuple[Scene, FaultyFiles]]:
    files, market = FaultyFiles(), HandMarket()
    folder = tmp_path / "data"
    async with serving(market, folder, settings=QUICK, pair=ONE_DEAL, files=files) as bench:
        yield Scene(bench, market), files


@pytest.mark.parametrize(
    ("operation", "error", "words"),
    [
        ("write", errno.ENOSPC, "the disk is full: free some space and start again"),
        ("sync", errno.EIO, "the disk failed: check it"),
        ("write", errno.EROFS, "the disk is read-only"),
    ],
)
async def test_the_journal_cannot_be_written(
    frail: tuple[Scene, FaultyFiles], operation: str, error: int, words: str
) -> None:
    scene, files = frail
    bench = scene.bench
    session = await bench.session()
    running = asyncio.create_task(session.run())
    await until(lambda: session.state.is_ready, "the start")
    deal = await scene.position(session)
    files.fail(operation, error, forever=True)
    scene.market.rise(-2.4)
    with pytest.raises(StoreFault, match=words):
        await running
    assert verify(bench.folder.journal).holds
    exchange = bench.exchange.exchange
    written = {row.order_id for row in bench.records(c.PlaceOrder)}
    listed = {name for row in bench.records(c.PlaceOrderList) for name in row_ids(row)}
    placed = {order.client_order_id for order in exchange.all_orders("main", "ETHUSDT")}
    assert placed <= written | listed, "sent, but not written down"
    assert len(exchange.open_orders("main")) == 2, "the position keeps its protection"

    bench.files = FaultyFiles()
    async with bench.trading() as again:
        await until(lambda: not again.state.deals.open_deals(), "the exit")
        assert again.state.deals.get(deal.id).sold


def row_ids(row: c.PlaceOrderList) -> tuple[str, str]:
    return row.target_id, row.stop_id


async def test_a_snapshot_cannot_be_written(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots are only speed, but a disk that refuses them refuses the next journal line."""
    monkeypatch.setattr(run_realtime_trading, "SNAPSHOT_SECONDS", 0.3)
    in_the_way = scene.bench.folder.path / "orders.json.tmp"
    in_the_way.mkdir(parents=True)
    session = await scene.bench.session()
    with pytest.raises(StoreFault, match="expected to write the snapshots"):
        await session.run()
    assert verify(scene.bench.folder.journal).holds
    in_the_way.rmdir()
    async with scene.bench.trading() as again:
        await scene.goes_on(again)


async def test_a_user_sees_a_full_disk(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 1, one sentence, and no half JSON on stdout."""
    monkeypatch.setattr(run_realtime_trading, "SNAPSHOT_SECONDS", 0.2)
    options = EmbeddedOptions(port=None, tls_port=0, speed=SPEED)
    (user.data / "orders.json.tmp").mkdir(parents=True)
    async with EmbeddedExchange(HandMarket(), options) as exchange:
        said = await user.trades("--attach", user.announces(exchange))
    sentence = said.refusal(1)
    assert f"expected to write the snapshots in {user.data}" in sentence
    assert "ready: recovered, warmed up and reconciled" in said.err
    assert said.err.rstrip().endswith(sentence), "the sentence is the last thing said"
    assert verify(user.data / "journal.jsonl").holds
