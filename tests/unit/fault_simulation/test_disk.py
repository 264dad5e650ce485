"""The simulated disk takes back what was never synced, and nothing that was."""

from __future__ import annotations

import errno
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrade.infrastructure.fault_simulation.disk import SimulatedDisk
from autotrade.infrastructure.fault_simulation.virtual_loop import ProcessKilled
from autotrade.infrastructure.journal.files import write_atomically


def disk_of(seed: int = 1) -> SimulatedDisk:
    return SimulatedDisk(random.Random(seed), lambda path, data: None, lambda path: None)


@given(
    seed=st.integers(0, 10_000),
    pieces=st.lists(st.tuples(st.binary(max_size=40), st.booleans()), max_size=12),
)
def test_after_a_loss_of_power_the_synced_part_stands(
    tmp_path_factory: pytest.TempPathFactory, seed: int, pieces: list[tuple[bytes, bool]]
) -> None:
    path = tmp_path_factory.mktemp("disk") / "file"
    disk = disk_of(seed)
    handle = disk.open_append(path)
    written = synced = b""
    for data, is_synced in pieces:
        disk.write(handle, data)
        written += data
        if is_synced:
            disk.sync(handle)
            synced = written
    disk.end()
    disk.lose_power()
    found = path.read_bytes()
    assert found.startswith(synced)
    assert len(synced) <= len(found) <= len(written)


def test_what_was_lost_differs_and_is_sometimes_torn(tmp_path: Path) -> None:
    lengths, has_zeros = set(), False
    for seed in range(40):
        path = tmp_path / f"file{seed}"
        disk = disk_of(seed)
        handle = disk.open_append(path)
        disk.write(handle, b"x" * 100)
        disk.end()
        disk.lose_power()
        found = path.read_bytes()
        lengths.add(len(found))
        has_zeros = has_zeros or b"\0" in found
    assert len(lengths) > 20
    assert has_zeros


def test_a_kill_keeps_what_the_system_was_given(tmp_path: Path) -> None:
    disk = disk_of()
    handle = disk.open_append(tmp_path / "file")
    disk.write(handle, b"given")
    disk.end()
    assert (tmp_path / "file").read_bytes() == b"given"


def test_a_rename_without_its_folders_sync_may_come_back(tmp_path: Path) -> None:
    outcomes = set()
    for seed in range(20):
        target = tmp_path / f"snapshot{seed}"
        target.write_bytes(b"old")
        disk = disk_of(seed)
        source = tmp_path / f"new{seed}"
        source.write_bytes(b"new")
        disk.replace(source, target)
        disk.end()
        disk.lose_power()
        outcomes.add(target.read_bytes())
    assert outcomes == {b"old", b"new"}


def test_an_atomic_write_stands_for_good(tmp_path: Path) -> None:
    for seed in range(20):
        disk = disk_of(seed)
        target = tmp_path / f"file{seed}"
        write_atomically(disk, target, b"old")
        write_atomically(disk, target, b"new")
        disk.end()
        disk.lose_power()
        assert target.read_bytes() == b"new"


def test_the_dead_write_nothing(tmp_path: Path) -> None:
    disk = disk_of()
    handle = disk.open_append(tmp_path / "file")
    disk.end()
    with pytest.raises(ProcessKilled):
        disk.write(handle, b"late")
    with pytest.raises(ProcessKilled):
        disk.open_new(tmp_path / "other")
    assert (tmp_path / "file").read_bytes() == b""


def test_killed_at_an_operation(tmp_path: Path) -> None:
    disk = disk_of()
    disk.faults.kill_at_operation = 3
    handle = disk.open_append(tmp_path / "file")
    disk.write(handle, b"one")
    with pytest.raises(ProcessKilled):
        disk.write(handle, b"two")
    assert (tmp_path / "file").read_bytes() == b"one"


def test_full_failing_and_unsynced(tmp_path: Path) -> None:
    disk = disk_of()
    handle = disk.open_append(tmp_path / "file")
    disk.faults.is_full = True
    with pytest.raises(OSError) as full:
        disk.write(handle, b"data")
    assert full.value.errno == errno.ENOSPC
    disk.faults.is_full = False
    disk.faults.failing_writes = disk.faults.failing_syncs = 1
    with pytest.raises(OSError) as broken:
        disk.write(handle, b"data")
    assert broken.value.errno == errno.EIO
    with pytest.raises(OSError):
        disk.sync(handle)
    assert disk.write(handle, b"data") == 4
    disk.sync(handle)
    disk.close(handle)
