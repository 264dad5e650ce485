"""One folder, one process; and a disk that can be written."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from autotrade.application.ports import StoreFault
from autotrade.infrastructure.journal.data_folder import DataFolder, FolderInUse
from tests.unit.journal.faulty_files import FaultyFiles


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "deep" / "data")


def test_the_object_alone_touches_no_disk(folder: DataFolder) -> None:
    assert folder.holder() is None
    assert not folder.path.parent.exists()


def test_a_second_lock_is_refused_with_the_holders_pid(folder: DataFolder) -> None:
    with folder.lock():
        with pytest.raises(FolderInUse) as caught:
            DataFolder(folder.path).lock()
        assert caught.value.pid == os.getpid()
        text = str(caught.value)
        assert f"process {os.getpid()}" in text
        assert str(folder.path) in text and "--data-dir" in text
        holder = folder.holder()
        assert holder is not None and holder.pid == os.getpid()
    assert folder.holder() is None
    folder.lock().release()


def test_a_lock_whose_holder_cannot_be_read_is_refused_all_the_same(folder: DataFolder) -> None:
    with folder.lock():
        folder.lock_holder.write_text("{")
        with pytest.raises(FolderInUse, match="another process"):
            folder.lock()


def test_what_a_dead_process_left_behind_does_not_lock(folder: DataFolder) -> None:
    folder.create()
    folder.lock_file.touch()
    folder.lock_holder.write_text('{"pid":1,"since":"2020-01-01T00:00:00+00:00"}')
    assert folder.holder() is None
    folder.lock().release()


def test_releasing_twice_is_harmless(folder: DataFolder) -> None:
    lock = folder.lock()
    lock.release()
    other = folder.lock()
    lock.release()
    with pytest.raises(FolderInUse):
        folder.lock()
    other.release()


def test_a_writable_folder_is_left_as_it_was(folder: DataFolder) -> None:
    folder.check_writable()
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize(
    ("operation", "number", "advice"),
    [
        ("open_new", errno.EROFS, "read-only"),
        ("open_new", errno.EACCES, "may not write"),
        ("write", errno.ENOSPC, "the disk is full"),
        ("sync", errno.EIO, "the disk failed"),
    ],
)
def test_a_folder_that_cannot_be_written_says_why(
    folder: DataFolder, operation: str, number: int, advice: str
) -> None:
    files = FaultyFiles()
    files.fail(operation, number)
    with pytest.raises(StoreFault, match=advice) as caught:
        folder.check_writable(files)
    assert str(folder.path) in str(caught.value)
    assert list(folder.path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="folder rights work differently on Windows")
def test_a_folder_without_rights_says_so(folder: DataFolder) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder.create()
    folder.path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(StoreFault, match="may not write"):
            folder.check_writable()
        with pytest.raises(StoreFault, match="may not write"):
            folder.lock()
    finally:
        folder.path.chmod(stat.S_IRWXU)


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StoreFault, match="data"):
        DataFolder(tmp_path / "data").create()
    with pytest.raises(StoreFault, match=r"ENOTDIR|EEXIST|ENOENT"):
        DataFolder(tmp_path / "data" / "deeper").lock()


def test_free_space_is_known_before_the_folder_exists(folder: DataFolder) -> None:
    assert folder.free_bytes() > 0
    assert not folder.path.exists()
