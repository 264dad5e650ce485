"""Which order is whose: exchange ids and client order ids of the orders we met."""

from __future__ import annotations

from collections import OrderedDict

REMEMBERED_MAX = 20_000


class OrderIds:
    """myTrades names orders by the exchange's id only; this remembers ours. Exchange ids are unique
    for one symbol, not over all. The oldest of `REMEMBERED_MAX` are forgotten and asked for again.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._by_exchange_id: OrderedDict[tuple[str, str], str] = OrderedDict()

    def is_ours(self, order_id: str) -> bool:
        return order_id.startswith(self.prefix)

    def learn(self, symbol: str, exchange_id: str, order_id: str) -> None:
        self._by_exchange_id[symbol, exchange_id] = order_id
        if len(self._by_exchange_id) > REMEMBERED_MAX:
            self._by_exchange_id.popitem(last=False)

    def find(self, symbol: str, exchange_id: str) -> str | None:
        return self._by_exchange_id.get((symbol, exchange_id))
