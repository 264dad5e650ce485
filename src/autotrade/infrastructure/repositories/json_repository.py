"""What the JSON repositories of deals, orders and tickers have in common."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from aiofiles.os import wrap

from autotrade.infrastructure.journal.chain import JournalPosition
from autotrade.infrastructure.journal.files import (
    REAL_FILES,
    FileSystem,
    store_faults,
    write_atomically,
)
from autotrade.infrastructure.repositories.snapshot_store import (
    ItemCodec,
    Snapshot,
    SnapshotProblem,
    encode_snapshot,
    read_snapshot,
)

T = TypeVar("T")


class JsonRepository(Generic[T]):
    """The entities of one kind in one file. `codec` is the subclass's."""

    codec: ClassVar[ItemCodec[Any]]

    def __init__(self, path: Path, files: FileSystem = REAL_FILES) -> None:
        self.path, self._files = path, files

    def encode(self, position: JournalPosition, entities: Iterable[T]) -> bytes:
        """The file's bytes. Entities change, so this must happen before the first await."""
        return encode_snapshot(self.path.stem, position, map(self.codec.encode, entities))

    async def save(self, position: JournalPosition, entities: Iterable[T]) -> None:
        """Replace the file; raises `StoreFault`, and then the old file is still there."""
        data = self.encode(position, entities)
        with store_faults(self.path, "write"):
            # One hop to a worker thread for the whole file, not one for each call on it.
            await _write_atomically(self._files, self.path, data)

    def load(self) -> Snapshot[T] | SnapshotProblem:
        return read_snapshot(self.path, self.codec)


_write_atomically = wrap(write_atomically)
