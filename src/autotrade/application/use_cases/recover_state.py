"""Start = recover: a snapshot, and the journal's tail through `apply`. There is no other way in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autotrade.domain.state import Record, TradingState


@dataclass(frozen=True, slots=True)
class Recovered:
    state: TradingState
    replayed_rows: int
    snapshot_text: str
    """Which snapshot was used, or why none was."""

    @property
    def text(self) -> str | None:
        """What was found, for the start card; None in a new folder."""
        if not self.state.installation_id:
            return None
        open_deals = len(self.state.deals.open_deals())
        resting = sum(order.is_open() for order in self.state.orders.all())
        return (
            f"{open_deals} open deals, {resting} orders to ask for; "
            f"{self.replayed_rows} journal rows replayed ({self.snapshot_text})"
        )


def recover_state(state: TradingState, tail: Iterable[Record], snapshot_text: str) -> Recovered:
    """Fold the tail into the state that the snapshot gave (or into an empty one)."""
    rows = 0
    for record in tail:
        state.apply(record)
        rows += 1
    return Recovered(state, rows, snapshot_text)
