"""orders.json: every Order as it was right after one row of the journal."""

from __future__ import annotations

from autotrade.domain.entities.order import Order
from autotrade.infrastructure.repositories.json_repository import JsonRepository
from autotrade.infrastructure.repositories.snapshot_store import item_codec


class JsonOrdersRepository(JsonRepository[Order]):
    codec = item_codec(Order)
