"""What all parts of one exchange share: the clock, the numbers and the outgoing messages."""

from __future__ import annotations

from autotrade.infrastructure.simulated_exchange.core.types import Output


class Context:
    """Time in ms UTC (never back), the next numbers, and what has not been drained yet."""

    __slots__ = ("next_client_id", "next_list_id", "next_order_id", "now", "outputs")

    def __init__(self, now: int) -> None:
        self.now = now
        self.next_order_id = 1
        self.next_list_id = 1
        self.next_client_id = 1
        self.outputs: list[Output] = []

    def new_order_id(self) -> int:
        number = self.next_order_id
        self.next_order_id += 1
        return number

    def new_list_id(self) -> int:
        number = self.next_list_id
        self.next_list_id += 1
        return number

    def new_client_id(self) -> str:
        """An id as the exchange makes it for clients that send none: 22 characters, by number."""
        number = self.next_client_id
        self.next_client_id += 1
        return f"auto{number:018d}"
