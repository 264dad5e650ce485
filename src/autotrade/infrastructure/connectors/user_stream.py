"""The account's event stream, watched over: every loss is told at once, every return too.

The stream is a hint. When it comes back the application reconciles by REST, because what happened
meanwhile is not sent again. Silence is normal for an account that does nothing, so liveness is the
ping of the socket, not the time since the last event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from autotrade.domain.events import Channel, ChannelLost, ChannelRestored, Event
from autotrade.infrastructure.connectors.backoff import Backoff
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.error_normalizer import is_clock_refusal, normalize
from autotrade.infrastructure.connectors.event_translation import (
    of_account_position,
    of_execution_report,
    report_order_id,
)
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.market_rules import MarketDirectory
from autotrade.infrastructure.connectors.order_ids import OrderIds

if TYPE_CHECKING:
    from autotrade.infrastructure.connectors.tapped_client import TappedBinance

LOG = logging.getLogger(__name__)
BAD_PAYLOAD = (KeyError, ValueError, TypeError, ArithmeticError, IndexError, AttributeError)
SUBSCRIBE_SECONDS_MAX = 15.0
BACKOFF_SEED_OFFSET = 100


class UserStream:
    """Keeps the subscription alive; `push` takes the events in the order of the stream."""

    def __init__(
        self,
        client: TappedBinance,
        settings: ConnectorSettings,
        clock: ExchangeClock,
        directory: MarketDirectory,
        ids: OrderIds,
        *,
        push: Callable[[Event], None],
        remeasure_clock: Callable[[], Awaitable[None]],
    ) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        self._directory, self._ids, self._push = directory, ids, push
        self._remeasure_clock = remeasure_clock
        self._backoff = Backoff(
            settings.backoff_seed + BACKOFF_SEED_OFFSET,
            longest_seconds=settings.backoff_longest_seconds,
        )
        self._down = asyncio.Event()
        self._down_text = self._told_text = ""
        self._task: asyncio.Task[None] | None = None
        self._is_up = False
        self.redials = 0
        self.foreign_events = 0
        self.bad_messages = 0
        self.ignored_events = 0

    @property
    def is_up(self) -> bool:
        return self._is_up

    async def start(self) -> None:
        """Subscribe once, then keep it so. The first failure is the caller's to judge."""
        self._client.tap = self._tap
        self._client.on_socket_down = self._socket_down
        try:
            await self._subscribe()
        except Exception as error:
            self._drop_sockets(str(error))  # another try begins with a new one
            raise
        self._is_up = True
        self._task = asyncio.create_task(self._keep(), name="user-stream")

    async def close(self) -> None:
        self._client.on_socket_down = lambda url, text: None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._client.tap = self._client.forward
        await self._client.shut()

    def lose(self, text: str) -> None:
        """Say that events are or may be missing, and dial anew."""
        text = self._settings.scrub(text)
        if self._is_up:
            self._is_up = False
            self._push(ChannelLost(ts=self._clock.now_ms(), channel=Channel.USER_DATA, text=text))
        self._down_text = text
        self._down.set()

    async def _subscribe(self) -> None:
        """The library signs, sends userDataStream.subscribe.signature and waits for the answer."""
        self._down.clear()
        self._client.forget_dial_delays()
        subscribing = asyncio.ensure_future(
            self._client.ensure_user_data_stream_ws_subscribe_signature("spot")
        )
        down = asyncio.ensure_future(self._down.wait())
        try:
            await asyncio.wait(
                {subscribing, down},
                timeout=SUBSCRIBE_SECONDS_MAX,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not subscribing.done():
                raise ConnectionError(self._down_text or "no answer to the subscription")
            subscribing.result()
        except KeyError as error:
            # the library trips over its own clearing up and hides the exchange's refusal behind it
            raise error.__context__ or error from None
        finally:
            down.cancel()
            if not subscribing.done():
                subscribing.cancel()

    async def _keep(self) -> None:
        while True:
            await self._down.wait()
            self._drop_sockets(self._down_text)
            self.redials += 1
            await asyncio.sleep(self._backoff.next_seconds())
            try:
                await self._subscribe()
                if self._down.is_set():
                    raise ConnectionError(self._down_text)  # gone again before it was announced
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                self._down.set()
            except Exception as error:  # noqa: BLE001 whatever the library raises: dial again
                failure = normalize(error, self._settings.secrets)
                if failure.message != self._told_text:  # the same trouble is told once
                    LOG.warning("user stream not back yet: %s", failure.message)
                self._down_text = self._told_text = failure.message
                self._down.set()
                if is_clock_refusal(failure):
                    await self._measure_clock()
            else:
                self._is_up = True
                self._told_text = ""
                self._backoff.reset()
                self._push(ChannelRestored(ts=self._clock.now_ms(), channel=Channel.USER_DATA))

    async def _measure_clock(self) -> None:
        """The subscription's time stamp was refused: the next one is signed by a fresh clock."""
        try:
            await self._remeasure_clock()
        except Exception as error:  # noqa: BLE001 then the next try is refused and comes here again
            failure = normalize(error, self._settings.secrets)
            LOG.warning("clock not measured: %s", failure.message)

    def _drop_sockets(self, text: str) -> None:
        on_down, self._client.on_socket_down = self._client.on_socket_down, lambda url, text: None
        for url in list(self._client.clients):
            self._client.drop_socket(url, text)
        self._client.on_socket_down = on_down

    def _socket_down(self, url: str, text: str) -> None:
        self.lose(text)

    # --- messages -------------------------------------------------------------------------

    def _tap(self, socket: Any, message: Any) -> None:
        """Must not raise, or the library's reading stops. What cannot be read may be a fill, so it
        counts as a loss: the application asks by REST."""
        try:
            self._dispatch(socket, message)
        except BAD_PAYLOAD as error:
            self.bad_messages += 1
            text = f"unreadable account message: {error!r}"
            LOG.error("%s", self._settings.scrub(f"{text} {message}"[:500]))
            self.lose(text)

    def _dispatch(self, socket: Any, message: Any) -> None:
        event = message.get("event", message) if isinstance(message, dict) else {}
        now = self._clock.now_ms()
        match event.get("e"):
            case "executionReport":
                self._take_report(event, now)
            case "outboundAccountPosition":
                self._push(of_account_position(event, now))
            case "eventStreamTerminated" | "serverShutdown":
                self.lose(f"the exchange ended the stream: {event['e']}")
            case None:
                self._client.forward(socket, message)
            case _:
                self.ignored_events += 1  # listStatus, balanceUpdate: said by other events too

    def _take_report(self, report: Any, now: int) -> None:
        symbol = self._directory.symbol(report["s"])
        exchange_id = str(report["i"])
        known = self._ids.find(symbol, exchange_id) if symbol is not None else None
        order_id = report_order_id(report) or known or ""
        if symbol is None or not self._ids.is_ours(order_id):
            self.foreign_events += 1
            return
        self._ids.learn(symbol, exchange_id, order_id)
        for translated in of_execution_report(report, symbol, now, order_id):
            self._push(translated)
