"""The only place where deals come into being."""

from __future__ import annotations

from autotrade.domain.entities.deal import Deal
from autotrade.domain.events import DealOpened


class DealFactory:
    @staticmethod
    def create_new_deal(opened: DealOpened) -> Deal:
        """A deal as its opening was written down; the BUY and the virtual SELL follow."""
        return Deal(
            id=opened.deal_id,
            symbol=opened.symbol,
            base=opened.base,
            quote=opened.quote,
            created_ts=opened.ts,
            decision_id=opened.decision_id,
            budget=opened.budget,
            entry_price=opened.entry_price,
            target_price=opened.target_price,
        )
