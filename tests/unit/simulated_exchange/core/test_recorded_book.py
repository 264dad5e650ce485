"""A recorded spot capture through the core: its book equals one kept in plain dicts."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from itertools import islice

import pytest

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import BookChanged, Side
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels, MarketTrade
from tests.recordings import recording
from tests.unit.simulated_exchange.core.builders import MARKET, SYMBOL, lots, ticks

LINES = 8_000


@pytest.mark.recorded
def test_the_recorded_book_is_followed_level_by_level() -> None:
    exchange: SimulatedExchange | None = None
    offline: tuple[dict[int, int], dict[int, int]] = ({}, {})
    seen = checked = trades = 0
    last_update_id = None
    with gzip.open(recording("depth/binance_BTCUSDT_20240808_raw_ws.jsonl.gz"), "rt") as lines:
        for line in islice(lines, LINES):
            data = json.loads(line.split(" ", 1)[1]).get("data", {})
            if exchange is None and "E" in data:
                exchange = SimulatedExchange([MARKET], start_ts=data["E"])
            if data.get("e") == "trade":
                taker = Side.SELL if data["m"] else Side.BUY
                exchange.apply(
                    MarketTrade(
                        data["T"], SYMBOL, ticks(data["p"]), lots(data["q"]), taker, data["t"]
                    )
                )
                trades += 1
                assert exchange.trades(SYMBOL, limit=1)[0].id == data["t"]
            if data.get("e") != "depthUpdate":
                continue
            sides = tuple(
                tuple((ticks(price), lots(amount)) for price, amount in data[key])
                for key in ("b", "a")
            )
            for side, changes in zip(offline, sides, strict=True):
                side.update(changes)
            if not offline[0] or not offline[1]:
                continue
            exchange.apply(
                MarketLevels(data["E"], SYMBOL, *sides, update_ids=(data["U"], data["u"]))
            )
            change = next(one for one in exchange.drain() if isinstance(one, BookChanged))
            assert (change.first_update_id, change.last_update_id) == (data["U"], data["u"])
            assert last_update_id in (None, data["U"] - 1)
            last_update_id = data["u"]
            seen += 1
            if seen % 5 == 0:
                checked += compare(exchange, offline, data["u"])
    assert checked > 50
    assert trades > 100


def compare(
    exchange: SimulatedExchange, offline: tuple[dict[int, int], dict[int, int]], last_id: int
) -> int:
    """1 when both books, uncrossed, are equal in full."""
    bids = {price: amount for price, amount in offline[0].items() if amount}
    asks = {price: amount for price, amount in offline[1].items() if amount}
    if not bids or not asks or max(bids) >= min(asks):
        return 0
    update_id, shown_bids, shown_asks = exchange.depth(SYMBOL, 100_000)
    assert update_id == last_id
    assert shown_bids == [
        (Decimal(price) / 100, Decimal(bids[price]) / 100_000) for price in sorted(bids)[::-1]
    ]
    assert shown_asks == [
        (Decimal(price) / 100, Decimal(asks[price]) / 100_000) for price in sorted(asks)
    ]
    return 1
