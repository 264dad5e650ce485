"""state.json: what the engine must remember beside deals, orders and tickers, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from autotrade.infrastructure.journal.chain import JournalPosition
from autotrade.infrastructure.journal.codec import CodecFault, dump_json
from autotrade.infrastructure.repositories.json_repository import JsonRepository

StateItem = tuple[str, Any]


class _StateCodec:
    """One entry of the state. What JSON would give back differently is refused."""

    def encode(self, item: StateItem) -> bytes:
        name, value = item
        data = dump_json({"name": name, "value": value})
        if orjson.loads(data)["value"] != value:
            raise CodecFault(
                f"expected plain JSON values in the state's {name}, was something that JSON gives "
                "back differently (tuple, Decimal, NaN); convert it first"
            )
        return data

    def decode(self, data: bytes) -> StateItem:
        entry = orjson.loads(data)
        try:
            return entry["name"], entry["value"]
        except (TypeError, KeyError):
            raise CodecFault(f"expected an entry with name and value, was {data[:60]!r}") from None


class JsonStateRepository(JsonRepository[StateItem]):
    """A dict of JSON-ready values: text, whole and finite numbers, bool, None, lists, dicts."""

    codec = _StateCodec()

    def encode_state(self, position: JournalPosition, state: Mapping[str, Any]) -> bytes:
        return self.encode(position, state.items())
