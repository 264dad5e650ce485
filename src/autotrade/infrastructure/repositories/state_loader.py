"""The state of a data folder: the snapshots if they hold, and what the journal says since.

Used by the bot's start and, without the lock, by every command that only looks.
"""

from __future__ import annotations

from collections.abc import Iterator

from autotrade.application.state_snapshot import restore_state
from autotrade.application.use_cases.recover_state import Recovered, recover_state
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.state import Record, TradingState
from autotrade.infrastructure.journal.data_folder import DataFolder
from autotrade.infrastructure.journal.reader import read_rows
from autotrade.infrastructure.repositories.snapshot_set import SnapshotSet
from autotrade.infrastructure.repositories.snapshot_store import SnapshotProblem


def load_state(folder: DataFolder, pairs: list[CurrencyPair] | None = None) -> Recovered:
    """Snapshots plus tail, or the whole journal where the snapshots are missing or do not hold."""
    pairs = pairs or []
    loaded = SnapshotSet(folder).load()
    if isinstance(loaded, SnapshotProblem):
        return recover_state(
            TradingState(pairs), _records(folder, 0), f"no snapshot: {loaded.text}"
        )
    state = restore_state(pairs, loaded.deals, loaded.orders, loaded.tickers, loaded.state)
    text = f"snapshot of row {loaded.position.seq}"
    return recover_state(state, _records(folder, loaded.position.offset), text)


def journal_state(folder: DataFolder, pairs: list[CurrencyPair]) -> TradingState:
    """The state as the journal alone tells it, whatever the snapshots say."""
    return recover_state(TradingState(pairs), _records(folder, 0), "not looked for").state


def _records(folder: DataFolder, offset: int) -> Iterator[Record]:
    if not folder.journal.exists():
        return
    for row in read_rows(folder.journal, from_offset=offset):
        yield row.record  # type: ignore[misc]
