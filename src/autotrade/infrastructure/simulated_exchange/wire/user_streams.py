"""UserStreams: which sockets hear of which account, and the faults planned for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import orjson

from autotrade.infrastructure.simulated_exchange.core.types import Output
from autotrade.infrastructure.simulated_exchange.wire.client_socket import ClientSocket
from autotrade.infrastructure.simulated_exchange.wire.faults import FaultPlan
from autotrade.infrastructure.simulated_exchange.wire.user_events import account_of, user_event


class UserStreams:
    """Subscriptions of user data, each with the number its WebSocket API session gave it."""

    def __init__(self, faults: FaultPlan) -> None:
        self._faults = faults
        self._listeners: dict[str, dict[tuple[ClientSocket, int], None]] = {}
        self._execution_id = 0
        self.published = 0

    def subscribe(self, account: str, socket: ClientSocket, number: int) -> None:
        self._listeners.setdefault(account, {})[socket, number] = None

    def unsubscribe(self, account: str, socket: ClientSocket, number: int) -> None:
        self._listeners.get(account, {}).pop((socket, number), None)

    def listeners(self, account: str) -> int:
        return len(self._listeners.get(account, {}))

    def on_outputs(self, outputs: Iterable[Output]) -> None:
        """Send the events of accounts, in the core's order."""
        for output in outputs:
            account = account_of(output)
            if account is None:
                continue
            self._execution_id += 1
            if self._listeners.get(account):
                event = user_event(output, self._execution_id)
                if event is not None:
                    self._send(account, event)

    def _send(self, account: str, event: dict[str, object]) -> None:
        if self._faults.silent_user_streams:
            return
        copies = self._faults.copies_of(event)
        if copies != 1:
            self._faults.injected.append(f"user event x{copies} {event['e']}")
        encoded = orjson.dumps(event)
        for socket, number in list(self._listeners.get(account, ())):
            message = b'{"subscriptionId":%d,"event":%s}' % (number, encoded)
            for _ in range(copies):
                self.published += 1
                if self._faults.is_holding_user_events:
                    self._faults.held_user_events.append(_sender(socket, message))
                else:
                    socket.send(message)


def _sender(socket: ClientSocket, message: bytes) -> Callable[[], None]:
    return lambda: socket.send(message)
