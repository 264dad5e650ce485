"""Snapshots of the running state: the application's SnapshotStore over the JSON repositories."""

from __future__ import annotations

from autotrade.application.state_snapshot import export_rest
from autotrade.domain.state import TradingState
from autotrade.infrastructure.journal.journal import JsonlJournal
from autotrade.infrastructure.repositories.snapshot_set import SnapshotSet


class StateSnapshots:
    def __init__(self, journal: JsonlJournal, snapshots: SnapshotSet) -> None:
        self._journal = journal
        self._snapshots = snapshots

    async def save(self, state: TradingState) -> None:
        """Encode the state as of the journal's last row, make that row durable, put the files in
        place. The encoding is one step without a pause, so no event can come between."""
        prepared = self._snapshots.prepare(
            self._journal.position,
            state.deals.all(),
            state.orders.all(),
            state.tickers.all(),
            export_rest(state),
        )
        await self._journal.sync()
        await self._snapshots.write(prepared)
