"""The journal as the trading loop uses it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from autotrade.application.ports import StoreFault
from autotrade.infrastructure.journal.codec import CodecFault
from autotrade.infrastructure.journal.journal import (
    JOURNAL_START,
    BrokenChain,
    JsonlJournal,
    read_rows,
    verify,
)
from tests.unit.journal.faulty_files import FaultyFiles
from tests.unit.journal.samples import (
    accepted,
    canceled,
    content,
    decision,
    extend,
    placed,
    ready,
    size,
    write_journal,
)


def wait_for(gate: threading.Event) -> None:
    assert gate.wait(10)


FIELDS = ["seq", "ts", "kind", "type", "deal", "cause", "data", "prev", "hash"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


async def test_the_line_is_the_documented_one(path: Path) -> None:
    journal = JsonlJournal.open(path)
    assert journal.append(ready()) == 1
    assert journal.append(decision(), cause=1) == 2
    assert journal.append(placed(7), cause=2) == 3
    assert journal.append(accepted(), cause=3, deal=7) == 4
    await journal.close()
    prev, rows = "0" * 64, []
    for line in content(path).decode().splitlines():
        row = json.loads(line)
        assert list(row) == FIELDS
        without_hash = line.replace(f',"hash":"{row["hash"]}"', "")
        assert row["hash"] == sha256(without_hash.encode()).hexdigest()
        assert row["prev"] == prev
        prev = row["hash"]
        rows.append(row)
    assert [row["seq"] for row in rows] == [1, 2, 3, 4]
    assert [row["ts"] for row in rows] == [1, 5, 1_700, 1_001]
    assert [row["kind"] for row in rows] == ["event", "decision", "command", "event"]
    assert [row["type"] for row in rows] == [
        "SessionReady",
        "Decision",
        "PlaceOrder",
        "OrderAccepted",
    ]
    assert [row["deal"] for row in rows] == [None, None, 7, 7]
    assert [row["cause"] for row in rows] == [None, 1, 2, 3]


async def test_what_is_given_as_deal_goes_before_the_records_own(path: Path) -> None:
    journal = JsonlJournal.open(path)
    journal.append(placed(7), deal=8)
    await journal.close()
    assert [row.deal for row in read_rows(path)] == [8]


async def test_rows_come_back_and_the_chain_goes_on_after_reopening(path: Path) -> None:
    records = [ready(), placed(1), accepted(1), decision(histogram=0.5), canceled(1)]
    for start in range(0, len(records), 2):
        journal = JsonlJournal.open(path)
        assert journal.opened.rows == start
        for record in records[start : start + 2]:
            journal.append(record)
        await journal.close()
    assert [row.record for row in read_rows(path)] == records
    assert verify(path).rows == len(records)


async def test_append_stays_in_memory_until_write(path: Path) -> None:
    journal = JsonlJournal.open(path)
    journal.append(ready())
    assert content(path) == b""
    await journal.write()
    assert size(path) == journal.position.offset
    await journal.close()


async def test_position_names_the_last_appended_row(path: Path) -> None:
    journal = JsonlJournal.open(path)
    assert journal.position == JOURNAL_START
    for number in range(3):
        journal.append(accepted(number))
    position = journal.position
    await journal.sync()
    assert verify(path).end == position
    await journal.close()


async def test_write_syncs_nothing_and_sync_only_once(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    opened = files.calls["sync"]
    journal.append(ready())
    await journal.write()
    await journal.write()
    assert files.calls["sync"] == opened
    await journal.sync()
    await journal.sync()
    assert files.calls["sync"] == opened + 1
    assert files.calls["write"] == 1
    assert files.durable[path] == journal.position.offset
    await journal.close()


async def test_callers_at_the_same_time_share_a_sync_and_none_returns_early(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    opened = files.calls["sync"]

    async def commit(number: int) -> None:
        journal.append(accepted(number))
        end = journal.position.offset
        await journal.sync()
        assert files.durable[path] >= end

    await asyncio.gather(*(commit(number) for number in range(200)))
    assert files.calls["sync"] - opened <= 3
    await journal.close()
    assert verify(path).rows == 200


async def test_rows_appended_while_the_disk_works_wait_for_the_next_round(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    gate, waiting = threading.Semaphore(0), threading.Event()

    def hold() -> None:
        waiting.set()
        assert gate.acquire(timeout=10)

    files.before_sync = hold
    journal.append(accepted(1))
    first = asyncio.create_task(journal.sync())
    await asyncio.to_thread(waiting.wait, 10)
    journal.append(accepted(2))
    end = journal.position.offset
    second = asyncio.create_task(journal.sync())
    await asyncio.sleep(0)
    gate.release()
    await first
    assert files.durable[path] < end
    assert not second.done()
    gate.release()
    await second
    assert files.durable[path] == end
    await journal.close()


async def test_a_caller_that_is_cancelled_stops_nobody_else(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    gate = threading.Event()
    files.before_sync = lambda: wait_for(gate)
    journal.append(accepted(1))
    impatient = asyncio.create_task(journal.sync())
    patient = asyncio.create_task(journal.sync())
    await asyncio.sleep(0)
    impatient.cancel()
    gate.set()
    await patient
    assert impatient.cancelled() or impatient.cancelling()
    assert files.durable[path] == journal.position.offset
    await journal.close()


async def test_a_full_buffer_is_written_before_more_is_taken(path: Path) -> None:
    journal = JsonlJournal.open(path, buffer_bytes_max=2_000)
    for number in range(100):
        journal.append(accepted(number))
        in_memory = journal.position.offset - size(path)
        assert in_memory <= 2_000
    await journal.close()
    assert verify(path).rows == 100


async def test_rows_stay_in_order_when_the_buffer_fills_while_the_disk_works(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files, buffer_bytes_max=1_000)
    gate, waiting = threading.Event(), threading.Event()

    def hold() -> None:
        waiting.set()
        assert gate.wait(10)

    files.before_sync = hold
    journal.append(accepted(0))
    sync = asyncio.create_task(journal.sync())
    await asyncio.to_thread(waiting.wait, 10)
    for number in range(1, 50):
        journal.append(accepted(number))
    gate.set()
    await sync
    await journal.close()
    assert [row.record for row in read_rows(path)] == [accepted(number) for number in range(50)]


async def test_a_record_that_cannot_be_stored_leaves_the_journal_sound(path: Path) -> None:
    journal = JsonlJournal.open(path)
    journal.append(ready())
    with pytest.raises(CodecFault):
        journal.append(decision(histogram=float("nan")))
    with pytest.raises(CodecFault, match="at most"):
        journal.append(canceled(reason="x" * (1 << 20)))
    with pytest.raises(ValueError, match="cause"):
        journal.append(placed(), cause=2)
    with pytest.raises(CodecFault, match="str"):
        journal.append("a text")
    assert journal.append(placed(), cause=1) == 2
    await journal.close()
    assert [row.record for row in read_rows(path)] == [ready(), placed()]


async def test_a_closed_journal_takes_nothing(path: Path) -> None:
    journal = JsonlJournal.open(path)
    journal.append(ready())
    await journal.close()
    await journal.close()
    with pytest.raises(StoreFault, match="closed"):
        journal.append(ready())
    assert verify(path).rows == 1


def test_a_new_file_is_made_durable_in_its_folder(path: Path) -> None:
    files = FaultyFiles()
    write_journal(path, [ready()], files=files)
    assert files.synced_folders == [path.parent]
    write_journal(path, [ready()], files=files)
    assert files.synced_folders == [path.parent]


@pytest.mark.parametrize("torn", [b"{", b'{"seq":3,"ts"', b"\x00" * 500, b"x" * 99 + b"\n"])
async def test_a_torn_end_is_cut_reported_and_kept(path: Path, torn: bytes) -> None:
    ends = write_journal_in_thread(path, 2)
    extend(path, torn)
    journal = JsonlJournal.open(path)
    assert (journal.opened.rows, journal.opened.cut_bytes) == (2, len(torn))
    assert f"{len(torn)} bytes after seq 2" in journal.opened.cut_text
    assert size(path) == ends
    assert torn in content(path.with_suffix(".torn"))
    journal.append(ready(9))
    await journal.close()
    assert [row.seq for row in read_rows(path)] == [1, 2, 3]
    assert verify(path).holds


def write_journal_in_thread(path: Path, count: int) -> int:
    """`write_journal` runs its own event loop, so it needs its own thread here."""
    ends: list[int] = []
    thread = threading.Thread(
        target=lambda: ends.extend(write_journal(path, [accepted(n) for n in range(count)]))
    )
    thread.start()
    thread.join()
    return ends[-1]


def test_a_last_line_whose_hash_does_not_hold_is_cut(path: Path) -> None:
    ends = write_journal(path, [accepted(n) for n in range(3)])
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"order_id":"at-2"', b'"order_id":"at-9"'))
    journal = JsonlJournal.open(path)
    assert (journal.opened.rows, journal.opened.cut_bytes) == (2, len(data) - ends[1])


def test_torn_ends_of_several_starts_are_all_kept(path: Path) -> None:
    for torn in (b"first", b"second"):
        write_journal(path, [ready()])
        extend(path, torn)
    write_journal(path, [ready()])
    kept = content(path.with_suffix(".torn"))
    assert b"first" in kept and b"second" in kept
    assert verify(path).rows == 3


def test_nothing_is_reported_of_a_sound_journal(path: Path) -> None:
    write_journal(path, [ready()])
    report = JsonlJournal.open(path).opened
    assert dataclasses.astuple(report) == (1, 0, "")
    assert not path.with_suffix(".torn").exists()


def test_a_broken_chain_is_refused_and_the_file_left_alone(path: Path) -> None:
    write_journal(path, [accepted(n) for n in range(5)])
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    before = path.read_bytes()
    with pytest.raises(BrokenChain, match="line 3 at byte") as caught:
        JsonlJournal.open(path)
    assert (caught.value.seq_expected, caught.value.seq_found) == (3, 4)
    assert path.read_bytes() == before
