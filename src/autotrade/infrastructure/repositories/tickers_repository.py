"""tickers.json: every Ticker as it was right after one row of the journal."""

from __future__ import annotations

from autotrade.domain.entities.ticker import Ticker
from autotrade.infrastructure.repositories.json_repository import JsonRepository
from autotrade.infrastructure.repositories.snapshot_store import item_codec


class JsonTickersRepository(JsonRepository[Ticker]):
    codec = item_codec(Ticker)
