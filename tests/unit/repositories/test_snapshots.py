"""Snapshots come back exactly, or say why they are not to be used."""

from __future__ import annotations

import asyncio
import errno
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotrade.application.ports import StoreFault
from autotrade.application.state_snapshot import export_rest
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Fill, Order, OrderRole, OrderSide, OrderType
from autotrade.domain.entities.ticker import Ticker
from autotrade.infrastructure.journal.chain import JOURNAL_START, JournalPosition
from autotrade.infrastructure.journal.codec import CodecFault
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.reader import read_rows
from autotrade.infrastructure.repositories.snapshot_set import LoadedSnapshots, SnapshotSet
from autotrade.infrastructure.repositories.snapshot_store import (
    Snapshot,
    SnapshotProblem,
    SnapshotProblemKind,
    encode_snapshot,
    item_codec,
    read_snapshot,
    write_snapshot,
)
from autotrade.infrastructure.repositories.state_snapshots import StateSnapshots
from tests.engine_harness import EngineHarness
from tests.unit.journal.faulty_files import FaultyFiles
from tests.unit.journal.samples import accepted, instances_of, write_journal

POSITION = JournalPosition(5, "ab" * 32, 1_234)
PLACE: dict[str, Any] = {"seq": 5, "chain_hash": "ab" * 32, "offset": 1_234}


def fill(number: int = 1) -> Fill:
    return Fill(str(number), Decimal("61234.5"), Decimal("0.00012"), Decimal("1E-8"), "BNB", 7)


def order() -> Order:
    return Order(
        id="at-1-b-1",
        deal_id=1,
        symbol="BTC/USDT",
        role=OrderRole.ENTRY,
        side=OrderSide.BUY,
        type=OrderType.LIMIT,
        amount=Decimal("0.00024"),
        price=Decimal("61234.5"),
        created_ts=6,
        fees={"BNB": Decimal("1E-8")},
        fills=[fill(1), fill(2)],
    )


def deal(number: int = 1) -> Deal:
    return Deal(
        id=number,
        symbol="BTC/USDT",
        base="BTC",
        quote="USDT",
        created_ts=6,
        decision_id="d1",
        budget=Decimal(15),
        entry_price=Decimal("61234.5"),
        target_price=Decimal("62153.02"),
        order_ids=["at-1-b-1"],
        fees={"BTC": Decimal("0.00000012")},
    )


def ticker() -> Ticker:
    price = Decimal("61234.5")
    return Ticker("BTC/USDT", price, price, price, 9, signals={"macd": -0.25})


@given(item=st.one_of(instances_of(Deal), instances_of(Order), instances_of(Ticker)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_entity_comes_back_equal(item: Deal | Order | Ticker) -> None:
    codec = item_codec(type(item))
    back = codec.decode(codec.encode(item))
    assert back == item
    assert type(back) is type(item)


def test_a_file_comes_back_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "deals.json"
    write_snapshot(path, **PLACE, items=[deal(1), deal(2)])
    assert read_snapshot(path, Deal) == Snapshot(POSITION, [deal(1), deal(2)])
    assert [file.name for file in tmp_path.iterdir()] == ["deals.json"]


def test_a_file_is_json_with_one_item_a_line(tmp_path: Path) -> None:
    path = tmp_path / "deals.json"
    write_snapshot(path, **PLACE, items=[deal(1), deal(2)])
    text = path.read_text()
    document = json.loads(text)
    assert (document["name"], document["seq"], document["count"]) == ("deals", 5, 2)
    assert [item["id"] for item in document["items"]] == [1, 2]
    lines = [line for line in text.splitlines() if line.startswith('{"id":')]
    assert len(lines) == 2


def test_a_snapshot_costs_little_more_than_its_bytes() -> None:
    """Once a minute, beside trading: the encoded items are not kept one by one."""
    codec = item_codec(Order)
    orders = [order()] * 500
    tracemalloc.start()
    try:
        data = encode_snapshot("orders", POSITION, map(codec.encode, orders))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert data.count(b"at-1-b-1") == len(orders)
    assert peak < 6 * len(data)


def test_an_empty_repository_is_a_snapshot_too(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    write_snapshot(path, **PLACE, items=[])
    assert read_snapshot(path, Order) == Snapshot(POSITION, [])


def test_a_missing_file_is_a_typed_reason(tmp_path: Path) -> None:
    problem = read_snapshot(tmp_path / "deals.json", Deal)
    assert isinstance(problem, SnapshotProblem)
    assert problem.kind is SnapshotProblemKind.MISSING
    assert "deals.json" in problem.text


def test_a_folder_in_the_files_place_is_a_typed_reason(tmp_path: Path) -> None:
    (tmp_path / "deals.json").mkdir()
    problem = read_snapshot(tmp_path / "deals.json", Deal)
    assert isinstance(problem, SnapshotProblem)
    assert problem.kind is SnapshotProblemKind.UNREADABLE


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda text: "", SnapshotProblemKind.BAD_JSON),
        (lambda text: text[:-20], SnapshotProblemKind.BAD_JSON),
        (lambda text: "[]", SnapshotProblemKind.BAD_JSON),
        (lambda text: "{}", SnapshotProblemKind.BAD_JSON),
        (lambda text: text.replace('"items"', '"goods"'), SnapshotProblemKind.BAD_JSON),
        (
            lambda text: text.replace('"version":1', '"version":2'),
            SnapshotProblemKind.WRONG_VERSION,
        ),
        (lambda text: text.replace("61234.5", "61234.6"), SnapshotProblemKind.BAD_CHECKSUM),
        (lambda text: text.replace('"seq":5', '"seq":6'), SnapshotProblemKind.BAD_CHECKSUM),
        (lambda text: text.replace("ab", "ba", 1), SnapshotProblemKind.BAD_CHECKSUM),
        (lambda text: text + "\n", SnapshotProblemKind.BAD_CHECKSUM),
    ],
)
def test_a_damaged_file_is_a_typed_reason(
    tmp_path: Path, change: Callable[[str], str], kind: SnapshotProblemKind
) -> None:
    path = tmp_path / "orders.json"
    write_snapshot(path, **PLACE, items=[order()])
    changed = change(path.read_text())
    path.write_bytes(changed.encode())
    problem = read_snapshot(path, Order)
    assert isinstance(problem, SnapshotProblem)
    assert problem.kind is kind
    assert str(path) in problem.text


@given(data=st.data(), bit=st.integers(0, 7))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_flipped_bit_is_found_wherever_it_is(
    tmp_path: Path, data: st.DataObject, bit: int
) -> None:
    path = tmp_path / "orders.json"
    write_snapshot(path, **PLACE, items=[order()])
    changed = bytearray(path.read_bytes())
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << bit
    path.write_bytes(changed)
    assert isinstance(read_snapshot(path, Order), SnapshotProblem)


def test_items_of_another_kind_are_a_typed_reason(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    write_snapshot(path, **PLACE, items=[deal()])
    problem = read_snapshot(path, Order)
    assert isinstance(problem, SnapshotProblem)
    assert problem.kind is SnapshotProblemKind.BAD_ITEM


def test_a_float_that_json_cannot_hold_is_refused() -> None:
    bad = ticker()
    bad.signals["rsi"] = float("nan")
    with pytest.raises(CodecFault, match="finite"):
        item_codec(Ticker).encode(bad)


def test_a_file_is_wholly_old_or_wholly_new(tmp_path: Path) -> None:
    path = tmp_path / "deals.json"
    write_snapshot(path, **PLACE, items=[deal(1)])
    before = path.read_bytes()
    for operation, partial in (("open_new", 0), ("write", 100), ("sync", 0), ("replace", 0)):
        files = FaultyFiles()
        files.fail(operation, errno.ENOSPC, partial=partial)
        with pytest.raises(StoreFault, match=r"deals\.json.*the disk is full"):
            write_snapshot(path, **PLACE, items=[deal(2)], files=files)
        assert path.read_bytes() == before


def test_the_order_of_steps_survives_a_crash_at_any_of_them(tmp_path: Path) -> None:
    """The new bytes are durable before they get the name, and the name before we go on."""
    path = tmp_path / "deals.json"
    files = FaultyFiles()
    write_snapshot(path, **PLACE, items=[deal(1)], files=files)
    assert files.durable[tmp_path / "deals.json.tmp"] == path.stat().st_size
    assert files.synced_folders == [tmp_path]


# --- the set --------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    write_journal(folder.journal, [accepted(number) for number in range(6)])
    return folder


def save(
    folder: DataFolder, seq: int = 4, files: FaultyFiles | None = None, **state: Any
) -> JournalPosition:
    position = [row.position for row in read_rows(folder.journal)][seq - 1]
    snapshots = SnapshotSet(folder) if files is None else SnapshotSet(folder, files)
    asyncio.run(
        snapshots.save(
            position.seq,
            position.chain_hash,
            position.offset,
            [deal()],
            [order()],
            [ticker()],
            state or {"is_paused": True, "ledger": {"BTC": "0.1"}, "last": None},
        )
    )
    return position


def problem_of(folder: DataFolder) -> SnapshotProblem:
    problem = SnapshotSet(folder).load()
    assert isinstance(problem, SnapshotProblem)
    return problem


def test_the_set_comes_back_and_the_journal_goes_on_behind_it(folder: DataFolder) -> None:
    position = save(folder)
    loaded = SnapshotSet(folder).load()
    assert loaded == LoadedSnapshots(
        position,
        [deal()],
        [order()],
        [ticker()],
        {"is_paused": True, "ledger": {"BTC": "0.1"}, "last": None},
    )
    assert [row.seq for row in read_rows(folder.journal, from_offset=position.offset)] == [5, 6]


def test_a_set_at_the_very_beginning_is_one_too(folder: DataFolder) -> None:
    start = JOURNAL_START
    asyncio.run(SnapshotSet(folder).save(start.seq, start.chain_hash, start.offset, [], [], [], {}))
    assert SnapshotSet(folder).load() == LoadedSnapshots(start, [], [], [], {})


def test_files_of_different_moments_are_refused(folder: DataFolder) -> None:
    for index, path in enumerate(folder.snapshots):
        save(folder, seq=2)
        older = path.read_bytes()
        save(folder, seq=4)
        path.write_bytes(older)
        problem = problem_of(folder)
        assert problem.kind is SnapshotProblemKind.DIFFERENT_MOMENTS
        if index:
            assert problem.path == path
            assert "expected seq 4" in problem.text and "was seq 2" in problem.text


def test_one_file_missing_or_bad_is_named(folder: DataFolder) -> None:
    for path in folder.snapshots:
        save(folder)
        path.write_text("{")
        assert (problem_of(folder).kind, problem_of(folder).path) == (
            SnapshotProblemKind.BAD_JSON,
            path,
        )
        path.unlink()
        assert (problem_of(folder).kind, problem_of(folder).path) == (
            SnapshotProblemKind.MISSING,
            path,
        )


def test_a_snapshot_ahead_of_the_journal_is_refused(folder: DataFolder) -> None:
    save(folder, seq=6)
    lines = folder.journal.read_bytes().splitlines(True)
    folder.journal.write_bytes(b"".join(lines[:5]))
    assert problem_of(folder).kind is SnapshotProblemKind.NOT_IN_JOURNAL
    folder.journal.unlink()
    assert problem_of(folder).kind is SnapshotProblemKind.NOT_IN_JOURNAL


def test_a_snapshot_of_another_journal_is_refused(folder: DataFolder) -> None:
    save(folder)
    folder.journal.unlink()
    write_journal(folder.journal, [accepted(number) for number in (0, 1, 2, 9, 4, 5)])
    problem = problem_of(folder)
    assert problem.kind is SnapshotProblemKind.NOT_IN_JOURNAL
    assert "hash" in problem.text


def test_a_crash_between_two_files_is_seen(folder: DataFolder) -> None:
    save(folder, seq=2)
    for done in range(4):
        files = FaultyFiles()
        files.fail("replace", errno.EIO, call=done + 1)
        with pytest.raises(StoreFault, match="write the snapshots"):
            save(folder, seq=3 + done % 2, files=files)
        expected = LoadedSnapshots if done == 0 else SnapshotProblem
        assert isinstance(SnapshotSet(folder).load(), expected)
        save(folder, seq=2)


def test_a_full_disk_leaves_the_old_set(folder: DataFolder) -> None:
    position = save(folder, seq=2)
    files = FaultyFiles()
    files.fail("write", errno.ENOSPC, call=3, partial=10)
    with pytest.raises(StoreFault, match="the disk is full"):
        save(folder, seq=4, files=files)
    loaded = SnapshotSet(folder).load()
    assert isinstance(loaded, LoadedSnapshots)
    assert loaded.position == position


@pytest.mark.parametrize("value", [(1, 2), Decimal(1), float("nan"), {1: 2}, {"a": [(1,)]}])
def test_state_that_json_would_change_is_refused(folder: DataFolder, value: object) -> None:
    with pytest.raises(CodecFault):
        save(folder, thing=value)


async def test_one_repository_alone_saves_and_loads(folder: DataFolder) -> None:
    repository = SnapshotSet(folder).orders
    await repository.save(POSITION, [order()])
    assert repository.load() == Snapshot(POSITION, [order()])


async def test_what_changes_while_the_set_is_written_is_not_in_it(folder: DataFolder) -> None:
    """The entities are encoded before the first await, so the set is of one moment."""
    position = next(iter(read_rows(folder.journal))).position
    changing = deal()
    snapshots = SnapshotSet(folder)
    prepared = snapshots.prepare(position, [changing], [], [], {})
    changing.bought = Decimal(99)
    await snapshots.write(prepared)
    loaded = snapshots.load()
    assert isinstance(loaded, LoadedSnapshots)
    assert loaded.deals == [deal()]


async def test_two_saves_at_once_do_not_mix(folder: DataFolder) -> None:
    positions = [row.position for row in read_rows(folder.journal)]
    snapshots = SnapshotSet(folder)
    sets = [
        snapshots.prepare(position, [deal(position.seq)] * 50, [], [], {}) for position in positions
    ]
    await asyncio.gather(*map(snapshots.write, sets))
    loaded = snapshots.load()
    assert isinstance(loaded, LoadedSnapshots)
    assert loaded.deals == [deal(6)] * 50


class JournalThatGoesOn:
    """While its end is made durable, the next event comes."""

    def __init__(self, position: JournalPosition, event: Callable[[], object]) -> None:
        self.position, self._event = position, event

    async def sync(self) -> None:
        self._event()


async def test_what_happens_while_the_journal_is_synced_is_not_in_the_snapshot(
    folder: DataFolder,
) -> None:
    """Deals, orders and the rest are of the row that the snapshot names, none of them newer."""
    bot = EngineHarness()
    bot.signal()
    before = export_rest(bot.state), [replace(deal) for deal in bot.state.deals.all()]
    position = next(iter(read_rows(folder.journal))).position
    journal: Any = JournalThatGoesOn(position, lambda: bot.reject(bot.entry.id))
    await StateSnapshots(journal, SnapshotSet(folder)).save(bot.state)
    assert not bot.deal.is_open
    loaded = SnapshotSet(folder).load()
    assert isinstance(loaded, LoadedSnapshots)
    assert (loaded.state, loaded.deals) == before
