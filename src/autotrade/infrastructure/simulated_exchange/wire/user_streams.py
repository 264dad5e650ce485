"""UserStreams: which sockets hear of which account, and the faults planned for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from autotrade.infrastructure.simulated_exchange.core.types import Output
from autotrade.infrastructure.simulated_exchange.wire.client_socket import ClientSocket
from autotrade.infrastructure.simulated_exchange.wire.faults import FaultPlan
from autotrade.infrastructure.simulated_exchange.wire.user_events import account_of, user_event


class UserStreams:
    """Subscriptions of user data, each with the number its WebSocket API session gave it."""

    def __init__(self, faults: FaultPlan) -> None:
        self._faults = faults
        self._listeners: dict[str, dict[tuple[ClientSocket, int], Callable[[], Any]]] = {}
        self._execution_id = 0
        self.published = 0

    def subscribe(
        self,
        account: str,
        socket: ClientSocket,
        number: int,
        on_terminated: Callable[[], Any] = lambda: None,
    ) -> None:
        """`on_terminated` is called when the exchange ends the subscription by itself."""
        self._listeners.setdefault(account, {})[socket, number] = on_terminated

    def unsubscribe(self, account: str, socket: ClientSocket, number: int) -> None:
        self._listeners.get(account, {}).pop((socket, number), None)

    def terminate(self, account: str, ts: int) -> int:
        """End the account's subscriptions as Binance does when a key dies; how many there were."""
        ended = self._listeners.pop(account, {})
        event = orjson.dumps({"e": "eventStreamTerminated", "E": ts})
        for (socket, number), on_terminated in ended.items():
            socket.send(b'{"subscriptionId":%d,"event":%s}' % (number, event))
            on_terminated()
        return len(ended)

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
        faults = self._faults
        if faults.silent_user_streams:
            return
        listeners = list(self._listeners.get(account, ()))
        event = faults.at_our_time(event)
        rule = faults.user_frame_rule
        if rule is None or not rule(str(event["e"]), event, lambda: self._tell(listeners, event)):
            self._tell(listeners, event)

    def _tell(self, listeners: list[tuple[ClientSocket, int]], event: dict[str, object]) -> None:
        copies = self._faults.copies_of(event)
        if copies != 1:
            self._faults.user_event_copied(event, copies)
        encoded = orjson.dumps(event)
        for socket, number in listeners:
            message = b'{"subscriptionId":%d,"event":%s}' % (number, encoded)
            for _ in range(copies):
                self.published += 1
                if self._faults.is_holding_user_events:
                    self._faults.held_user_events.append(_sender(socket, message))
                else:
                    socket.send(message)


def _sender(socket: ClientSocket, message: bytes) -> Callable[[], None]:
    return lambda: socket.send(message)
