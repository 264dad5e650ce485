"""SnapshotSet: deals, orders, tickers and state as they were at one and the same row."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiofiles.os import wrap

from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Order
from autotrade.domain.entities.ticker import Ticker
from autotrade.infrastructure.journal.chain import JournalPosition
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.files import (
    REAL_FILES,
    FileSystem,
    store_faults,
    write_temporary,
)
from autotrade.infrastructure.journal.reader import UnreadableRow, position_problem
from autotrade.infrastructure.repositories.deals_repository import JsonDealsRepository
from autotrade.infrastructure.repositories.orders_repository import JsonOrdersRepository
from autotrade.infrastructure.repositories.snapshot_store import (
    SnapshotProblem,
    SnapshotProblemKind,
)
from autotrade.infrastructure.repositories.state_repository import JsonStateRepository
from autotrade.infrastructure.repositories.tickers_repository import JsonTickersRepository


@dataclass(frozen=True, slots=True)
class LoadedSnapshots:
    """Read the journal on from `position.offset`."""

    position: JournalPosition
    deals: list[Deal]
    orders: list[Order]
    tickers: list[Ticker]
    state: dict[str, Any]


PreparedSnapshots = list[tuple[Path, bytes]]


class SnapshotSet:
    """The four snapshot files of a data folder."""

    def __init__(self, folder: DataFolder, files: FileSystem = REAL_FILES) -> None:
        self._folder, self._files = folder, files
        self.deals = JsonDealsRepository(folder.deals, files)
        self.orders = JsonOrdersRepository(folder.orders, files)
        self.tickers = JsonTickersRepository(folder.tickers, files)
        self.state = JsonStateRepository(folder.state, files)
        self._one_at_a_time = asyncio.Lock()

    def prepare(
        self,
        position: JournalPosition,
        deals: Iterable[Deal],
        orders: Iterable[Order],
        tickers: Iterable[Ticker],
        state: Mapping[str, Any],
    ) -> PreparedSnapshots:
        """Encode everything now, in one go, so that no event can come between; raises `CodecFault`.

        The entities must be as they were right after the row that the position names.
        """
        return [
            (self.deals.path, self.deals.encode(position, deals)),
            (self.orders.path, self.orders.encode(position, orders)),
            (self.tickers.path, self.tickers.encode(position, tickers)),
            (self.state.path, self.state.encode_state(position, state)),
        ]

    async def write(self, prepared: PreparedSnapshots) -> None:
        """Put the files in place; raises `StoreFault`.

        Sync the journal up to the position first: a snapshot must never be ahead of the journal.
        """
        async with self._one_at_a_time:
            with store_faults(self._folder.path, "write the snapshots in"):
                await _write_set(self._files, self._folder.path, prepared)

    async def save(  # noqa: PLR0917
        self,
        seq: int,
        chain_hash: str,
        offset: int,
        deals: Iterable[Deal],
        orders: Iterable[Order],
        tickers: Iterable[Ticker],
        state: Mapping[str, Any],
    ) -> None:
        """`prepare` and `write`. Await it at once: a task would encode later than it was made."""
        position = JournalPosition(seq, chain_hash, offset)
        await self.write(self.prepare(position, deals, orders, tickers, state))

    def load(self) -> LoadedSnapshots | SnapshotProblem:
        """All four, proven to belong together and to the journal; else why not."""
        deals, orders = self.deals.load(), self.orders.load()
        tickers, state = self.tickers.load(), self.state.load()
        if isinstance(deals, SnapshotProblem):
            return deals
        if isinstance(orders, SnapshotProblem):
            return orders
        if isinstance(tickers, SnapshotProblem):
            return tickers
        if isinstance(state, SnapshotProblem):
            return state
        position = deals.position
        problem = self._mismatch(position, orders.position, tickers.position, state.position)
        if problem is not None:
            return problem
        return LoadedSnapshots(
            position, deals.items, orders.items, tickers.items, dict(state.items)
        )

    def _mismatch(
        self, position: JournalPosition, *others: JournalPosition
    ) -> SnapshotProblem | None:
        """Whether the files speak of different rows, or of one that the journal does not have."""
        for other, path in zip(others, self._folder.snapshots[1:], strict=True):
            if other != position:
                return SnapshotProblem(
                    SnapshotProblemKind.DIFFERENT_MOMENTS,
                    path,
                    f"{path}: expected seq {position.seq} as in {self._folder.deals.name}, was "
                    f"seq {other.seq}: the process ended while they were written",
                )
        reason = self._not_in_journal(position)
        if reason is not None:
            return SnapshotProblem(
                SnapshotProblemKind.NOT_IN_JOURNAL,
                self._folder.journal,
                f"the snapshots do not belong to {self._folder.journal}: {reason}",
            )
        return None

    def _not_in_journal(self, position: JournalPosition) -> str | None:
        try:
            return position_problem(self._folder.journal, position)
        except UnreadableRow as error:
            return str(error)


@wrap
def _write_set(files: FileSystem, folder: Path, prepared: PreparedSnapshots) -> None:
    """All new files first, then all renames: a crash rarely finds the set half replaced, and then
    the set is refused and the journal is read instead."""
    written = [(write_temporary(files, path, data), path) for path, data in prepared]
    for temporary, path in written:
        files.replace(temporary, path)
    files.sync_folder(folder)
