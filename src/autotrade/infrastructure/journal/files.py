"""The few things that we ask of a disk, as a port, so that tests can make the disk fail.

Everything that writes the journal or a snapshot goes through a `FileSystem`. Reading does not: what
was read is proven by its hash.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from autotrade.application.ports import StoreFault

_BINARY = getattr(os, "O_BINARY", 0)
_APPEND_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _BINARY
_NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY
_WINDOWS_REPLACE_TRIES = 40
_WINDOWS_REPLACE_PAUSE_SECONDS = 0.025


class FileSystem(Protocol):
    """Each method raises OSError. A handle is a file descriptor."""

    def open_append(self, path: Path) -> int: ...

    def open_new(self, path: Path) -> int:
        """Create the file, or empty it."""

    def write(self, handle: int, data: bytes) -> int:
        """May write less than all; returns how many bytes."""

    def sync(self, handle: int) -> None:
        """Return only when what was written survives a loss of power."""

    def size(self, handle: int) -> int: ...

    def truncate(self, handle: int, size: int) -> None: ...

    def close(self, handle: int) -> None: ...

    def replace(self, source: Path, target: Path) -> None:
        """Put `source` in the place of `target` in one step."""

    def sync_folder(self, folder: Path) -> None:
        """Make new and renamed names in the folder durable."""


class RealFiles:
    """The disk of this machine: Linux, macOS or Windows."""

    def open_append(self, path: Path) -> int:
        return os.open(path, _APPEND_FLAGS, 0o644)

    def open_new(self, path: Path) -> int:
        return os.open(path, _NEW_FLAGS, 0o644)

    def write(self, handle: int, data: bytes) -> int:
        return os.write(handle, data)

    def sync(self, handle: int) -> None:
        if sys.platform == "darwin":
            # There fsync stops at the drive's cache; only F_FULLFSYNC reaches the platter.
            import fcntl

            with suppress(OSError):
                fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
                return
        if hasattr(os, "fdatasync"):
            # Writes the data and the file's length; leaves out the times, which we never read.
            os.fdatasync(handle)
        else:
            os.fsync(handle)

    def size(self, handle: int) -> int:
        return os.fstat(handle).st_size

    def truncate(self, handle: int, size: int) -> None:
        os.ftruncate(handle, size)

    def close(self, handle: int) -> None:
        os.close(handle)

    def replace(self, source: Path, target: Path) -> None:
        tries = _WINDOWS_REPLACE_TRIES if os.name == "nt" else 1
        for remaining in reversed(range(tries)):
            try:
                source.replace(target)
                return
            except PermissionError:
                # Windows refuses while a reader (`deals`, `status`) has the target open.
                if not remaining:
                    raise
                time.sleep(_WINDOWS_REPLACE_PAUSE_SECONDS)

    def sync_folder(self, folder: Path) -> None:
        if os.name == "nt":
            return  # Windows has no handle to flush here; NTFS journals its names itself.
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


REAL_FILES = RealFiles()


def write_all(files: FileSystem, handle: int, data: bytes) -> None:
    """Write every byte or raise OSError; a short write is continued."""
    view = memoryview(data)
    while view:
        count = files.write(handle, view)  # type: ignore[arg-type]  # os.write takes any buffer
        if count <= 0:
            raise OSError(errno.EIO, "the disk took no byte and gave no reason")
        view = view[count:]


def write_temporary(files: FileSystem, path: Path, data: bytes) -> Path:
    """Write and sync `data` beside `path`; returns the file that is ready to replace it."""
    temporary = path.with_name(path.name + ".tmp")
    handle = files.open_new(temporary)
    try:
        write_all(files, handle, data)
        files.sync(handle)
    finally:
        files.close(handle)
    return temporary


def write_atomically(files: FileSystem, path: Path, data: bytes) -> None:
    """Replace a file so that after any crash it is either wholly the old or wholly the new one."""
    files.replace(write_temporary(files, path, data), path)
    files.sync_folder(path.parent)


_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space and start again",
    errno.EDQUOT: "the disk quota is used up: free some space and start again",
    errno.EFBIG: "the file may not grow further: raise the limit (ulimit -f) and start again",
    errno.EROFS: "the disk is read-only: make it writable, or name another data folder",
    errno.EACCES: "this user may not write there: change the rights, or name another data folder",
    errno.EPERM: "this user may not write there: change the rights, or name another data folder",
    errno.EIO: "the disk failed: check it, and go on from a backup on another disk",
    errno.ENOENT: "the folder is not there: make it, or name another data folder",
    errno.ENOTDIR: "a part of the path is a file: name another data folder",
    errno.EEXIST: "there is a file where a folder belongs: move it away",
    errno.EISDIR: "there is a folder where a file belongs: move it away",
}


def store_fault(error: OSError, path: Path, doing: str) -> StoreFault:
    """The sentence for people: which file, what the system said, what to do."""
    name = errno.errorcode.get(error.errno or 0, "unknown error")
    advice = _ADVICE.get(error.errno or 0, "check the disk and the data folder, then start again")
    return StoreFault(
        f"expected to {doing} {path}, was refused: {error.strerror or error} ({name}); {advice}"
    )


@contextmanager
def store_faults(path: Path, doing: str) -> Iterator[None]:
    """Turn every OSError of the block into a `StoreFault` that names `path`."""
    try:
        yield
    except OSError as error:
        raise store_fault(error, path, doing) from error
