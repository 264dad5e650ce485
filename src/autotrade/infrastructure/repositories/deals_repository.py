"""deals.json: every Deal as it was right after one row of the journal."""

from __future__ import annotations

from autotrade.domain.entities.deal import Deal
from autotrade.infrastructure.repositories.json_repository import JsonRepository
from autotrade.infrastructure.repositories.snapshot_store import item_codec


class JsonDealsRepository(JsonRepository[Deal]):
    codec = item_codec(Deal)
