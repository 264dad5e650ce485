"""The disk refuses: nothing is lost silently, nothing is promised that is not there."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotrade.application.ports import StoreFault
from autotrade.infrastructure.journal.journal import JsonlJournal, read_rows, verify
from autotrade.infrastructure.journal.journal_file import JournalFile
from tests.unit.journal.faulty_files import FaultyFiles
from tests.unit.journal.samples import accepted, content, extend, ready, size, write_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EIO, "the disk failed"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not write"),
        (errno.EFBIG, "ulimit -f"),
    ],
)
async def test_a_refused_write_says_which_file_why_and_what_to_do(
    path: Path, number: int, advice: str
) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    files.fail("write", number)
    journal.append(ready())
    with pytest.raises(StoreFault) as caught:
        await journal.write()
    text = str(caught.value)
    assert str(path) in text and errno.errorcode[number] in text and advice in text
    assert "Nothing more is journaled" in text
    await journal.close()


async def test_after_a_fault_every_call_is_refused(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    files.fail("write", errno.ENOSPC)
    journal.append(ready())
    with pytest.raises(StoreFault):
        await journal.sync()
    with pytest.raises(StoreFault, match="ENOSPC"):
        journal.append(ready())
    with pytest.raises(StoreFault, match="ENOSPC"):
        await journal.write()
    with pytest.raises(StoreFault, match="ENOSPC"):
        await journal.sync()
    await journal.close()
    assert content(path) == b""


async def test_all_who_wait_learn_of_the_fault(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    files.fail("sync", errno.EIO)
    for number in range(5):
        journal.append(accepted(number))
    results = await asyncio.gather(*(journal.sync() for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results] == [StoreFault] * 5
    await journal.close()


async def test_a_torn_write_is_cut_back_to_the_last_whole_row(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    journal.append(accepted(0))
    await journal.write()
    journal.append(accepted(1))
    end = journal.position.offset
    journal.append(accepted(2))
    files.fail("write", errno.ENOSPC, partial=end - size(path) + 40)
    with pytest.raises(StoreFault, match=f"at byte {end}"):
        await journal.write()
    await journal.close()
    assert size(path) == end
    reopened = JsonlJournal.open(path)
    assert (reopened.opened.rows, reopened.opened.cut_bytes) == (2, 0)
    await reopened.close()


async def test_after_a_failed_sync_only_durable_rows_are_left(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    journal.append(accepted(0))
    await journal.sync()
    durable = journal.position.offset
    journal.append(accepted(1))
    await journal.write()
    files.fail("sync", errno.EIO)
    with pytest.raises(StoreFault, match="make durable"):
        await journal.sync()
    await journal.close()
    assert size(path) == durable
    assert [row.record for row in read_rows(path)] == [accepted(0)]


async def test_a_file_that_cannot_be_cut_back_is_cut_at_the_next_start(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    journal.append(accepted(0))
    await journal.sync()
    journal.append(accepted(1))
    files.fail("write", errno.EIO, partial=25)
    files.fail("truncate", errno.EIO)
    with pytest.raises(StoreFault, match="the next start does that"):
        await journal.sync()
    await journal.close()
    reopened = JsonlJournal.open(path)
    assert (reopened.opened.rows, reopened.opened.cut_bytes) == (1, 25)
    await reopened.close()


def test_what_was_handed_over_first_is_written_first(path: Path) -> None:
    files = FaultyFiles()
    file = JournalFile(files, path, files.open_append(path), size=0, seq=0)
    for seq in range(1, 4):
        file.hand_over(b"%d\n" % seq, seq)
    file.write_and_sync()
    file.close()
    assert content(path) == b"1\n2\n3\n"
    assert (file.written_seq, file.durable_seq) == (3, 3)


async def test_a_write_that_ends_in_any_other_way_leaves_no_hole(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files)
    files.crash_next_write = True
    journal.append(accepted(0))
    with pytest.raises(MemoryError):
        await journal.sync()
    with pytest.raises(StoreFault, match="interrupted"):
        journal.append(accepted(1))
    await journal.close()
    assert verify(path).rows == 0


async def test_short_writes_are_continued(path: Path) -> None:
    files = FaultyFiles(bytes_a_write_max=7)
    journal = JsonlJournal.open(path, files=files)
    for number in range(5):
        journal.append(accepted(number))
    await journal.sync()
    await journal.close()
    assert verify(path).rows == 5
    assert files.calls["write"] > 5


async def test_a_full_buffer_on_a_full_disk_is_refused_at_append(path: Path) -> None:
    files = FaultyFiles()
    journal = JsonlJournal.open(path, files=files, buffer_bytes_max=500)
    files.fail("write", errno.ENOSPC, forever=True)
    with pytest.raises(StoreFault, match="ENOSPC"):
        for number in range(10):
            journal.append(accepted(number))
    await journal.close()


@pytest.mark.parametrize("operation", ["open_append", "sync", "sync_folder"])
def test_a_journal_that_cannot_be_opened_says_so(path: Path, operation: str) -> None:
    files = FaultyFiles()
    files.fail(operation, errno.EROFS)
    with pytest.raises(StoreFault, match=r"open .*journal\.jsonl.*EROFS"):
        JsonlJournal.open(path, files=files)


def test_a_torn_end_that_cannot_be_kept_is_not_cut(path: Path) -> None:
    write_journal(path, [ready()])
    extend(path, b"torn")
    before = path.read_bytes()
    files = FaultyFiles()
    files.fail("write", errno.ENOSPC)
    with pytest.raises(StoreFault, match="ENOSPC"):
        JsonlJournal.open(path, files=files)
    assert path.read_bytes() == before


def test_a_missing_folder_and_a_folder_in_the_files_place_are_named(tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match="ENOENT"):
        JsonlJournal.open(tmp_path / "missing" / "journal.jsonl")
    (tmp_path / "journal.jsonl").mkdir()
    with pytest.raises(StoreFault, match=r"journal\.jsonl"):
        JsonlJournal.open(tmp_path / "journal.jsonl")


STEPS = st.lists(st.sampled_from(["append", "append", "write", "sync"]), min_size=1, max_size=40)
FAULTS = st.tuples(
    st.sampled_from(["write", "sync"]),
    st.sampled_from([errno.ENOSPC, errno.EIO]),
    st.integers(1, 8),
    st.integers(0, 900),
)


@given(steps=STEPS, fault=FAULTS, kept=st.integers(0, 2_000), cannot_cut=st.booleans())
@settings(max_examples=150, deadline=None)
def test_what_was_synced_is_there_after_any_fault_and_a_loss_of_power(
    steps: list[str], fault: tuple[str, int, int, int], kept: int, cannot_cut: bool
) -> None:
    """Whatever happens: a reopened journal holds a prefix of what was appended, all synced rows in
    it, and it can be appended to."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        files = FaultyFiles()
        appended, synced = asyncio.run(_work(path, files, steps, fault, cannot_cut))
        files.lose_power(path, keep=kept)
        journal = JsonlJournal.open(path)
        rows = journal.opened.rows
        assert rows >= synced
        journal.append(ready(5))
        asyncio.run(_close(journal))
        expected = [accepted(number) for number in range(rows)]
        assert rows <= appended
        assert [row.record for row in read_rows(path)] == [*expected, ready(5)]


async def _work(
    path: Path,
    files: FaultyFiles,
    steps: list[str],
    fault: tuple[str, int, int, int],
    cannot_cut: bool,
) -> tuple[int, int]:
    journal = JsonlJournal.open(path, files=files)
    operation, number, call, partial = fault
    files.fail(operation, number, call=call, partial=partial)
    if cannot_cut:
        files.fail("truncate", errno.EIO)
    appended = synced = 0
    try:
        for step in steps:
            if step == "append":
                journal.append(accepted(appended))
                appended += 1
            elif step == "write":
                await journal.write()
            else:
                await journal.sync()
                synced = appended
    except StoreFault:
        pass
    await _close(journal)
    return appended, synced


async def _close(journal: JsonlJournal) -> None:
    with suppress(StoreFault):
        await journal.close()
