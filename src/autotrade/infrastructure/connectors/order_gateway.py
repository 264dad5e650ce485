"""Commands to requests, answers to events. Never raises for an exchange's no.

Every request carries a client order id of ours, so a request whose outcome is unknown can be asked
about and a duplicate cannot come into being. A request is repeated in one case only: the exchange
refused its time stamp (-1021), which proves that it was not executed.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, assert_never

from autotrade.domain.commands import (
    CancelOrder,
    CancelOrderList,
    Orders,
    PlaceOrder,
    PlaceOrderList,
    QueryOrder,
    TimeInForce,
)
from autotrade.domain.entities.order import OrderType
from autotrade.domain.events import (
    CancelOutcomeUnknown,
    CancelRejected,
    Event,
    OrderAccepted,
    OrderNotFound,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderReported,
    RejectReason,
)
from autotrade.infrastructure.connectors.account_questions import AccountQuestions
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.error_normalizer import (
    ORDER_ARCHIVED,
    ORDER_NOT_FOUND,
    Failure,
    is_clock_refusal,
    normalize,
)
from autotrade.infrastructure.connectors.event_translation import (
    of_cancel,
    of_list_placement,
    of_placement,
)
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.market_rules import (
    MarketDirectory,
    fault_of,
    market_id,
    on_wire,
)
from autotrade.infrastructure.connectors.order_ids import OrderIds

if TYPE_CHECKING:
    from autotrade.infrastructure.connectors.tapped_client import TappedBinance

LOG = logging.getLogger(__name__)
RESTING_TYPES = frozenset({OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT})
UNREADABLE = (KeyError, ValueError, TypeError, ArithmeticError, IndexError, AttributeError)

Request = Callable[[dict[str, Any]], Awaitable[Any]]


class OrderGateway:
    def __init__(
        self,
        client: TappedBinance,
        settings: ConnectorSettings,
        clock: ExchangeClock,
        *,
        directory: MarketDirectory,
        ids: OrderIds,
        questions: AccountQuestions,
        remeasure_clock: Callable[[], Awaitable[None]],
    ) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        self._directory, self._ids, self._questions = directory, ids, questions
        self._remeasure_clock = remeasure_clock

    async def execute(self, command: Orders | QueryOrder) -> Sequence[Event]:
        """Send what the command asks for; the outcome as events."""
        match command:
            case PlaceOrder():
                return await self.place(command)
            case PlaceOrderList():
                return await self.place_list(command)
            case CancelOrder():
                return await self.cancel(command)
            case CancelOrderList():
                return await self.cancel_list(command)
            case QueryOrder():
                return await self.query(command)
            case _:
                assert_never(command)

    # --- place ----------------------------------------------------------------------------

    async def place(self, command: PlaceOrder) -> Sequence[Event]:
        fault = self._fault(command)
        if fault is not None:
            return self._refused([command.order_id], fault)
        parameters = placement_parameters(command)
        answer = await self._send(self._client.private_post_order, parameters, [command.order_id])
        if isinstance(answer, Failure):
            return await self._placement_failed(command, answer)
        return self._read(
            lambda now: of_placement(answer, command.symbol, now),
            command.symbol,
            [command.order_id],
        )

    async def place_list(self, command: PlaceOrderList) -> Sequence[Event]:
        legs = [command.target_id, command.stop_id]
        fault = self._fault(command)
        if fault is not None:
            return self._refused(legs, fault)
        parameters = list_parameters(command)
        answer = await self._send(self._client.private_post_orderlist_oco, parameters, legs)
        if not isinstance(answer, Failure):
            return self._read(
                lambda now: of_list_placement(answer, command.symbol, now), command.symbol, legs
            )
        if answer.reason is RejectReason.DUPLICATE and not answer.is_unknown:
            return [
                event
                for leg in legs
                for event in await self._state_of(command.symbol, leg, answer.message)
            ]
        return [self._not_placed(leg, answer) for leg in legs]

    def _fault(self, command: PlaceOrder | PlaceOrderList) -> str | None:
        """Checked once more, here, by the exchange's own filters."""
        rules = self._directory.rules(command.symbol)
        if rules is None:
            return f"expected known filters of {command.symbol}, was none, ask for its rules first"
        return fault_of(command, rules)

    def _refused(self, order_ids: Sequence[str], text: str) -> Sequence[Event]:
        LOG.error("not sent: %s", text)
        now = self._clock.now_ms()
        return [
            OrderRejected(
                ts=now, order_id=order_id, reason=RejectReason.FILTER, code=None, message=text
            )
            for order_id in order_ids
        ]

    async def _placement_failed(self, command: PlaceOrder, failure: Failure) -> Sequence[Event]:
        if failure.reason is RejectReason.DUPLICATE and not failure.is_unknown:
            # an open order has this id: it is ours, from a request whose answer we never saw
            return await self._state_of(command.symbol, command.order_id, failure.message)
        return [self._not_placed(command.order_id, failure)]

    def _not_placed(self, order_id: str, failure: Failure) -> Event:
        now = self._clock.now_ms()
        if failure.is_unknown:
            return OrderOutcomeUnknown(ts=now, order_id=order_id, message=failure.message)
        return OrderRejected(
            ts=now,
            order_id=order_id,
            reason=failure.reason,
            code=failure.code,
            message=failure.message,
        )

    async def _state_of(self, symbol: str, order_id: str, text: str) -> Sequence[Event]:
        answer = await self._ask(lambda: self._questions.order(symbol, order_id))
        if isinstance(answer, Failure):
            now = self._clock.now_ms()
            return [OrderOutcomeUnknown(ts=now, order_id=order_id, message=text)]
        reported = answer[0]
        if isinstance(reported, OrderReported) and reported.is_open:
            accepted = OrderAccepted(
                ts=reported.ts,
                order_id=order_id,
                exchange_id=reported.exchange_id,
                exchange_ts=reported.ts,
            )
            return [accepted, *answer]
        return answer

    # --- cancel ---------------------------------------------------------------------------

    async def cancel(self, command: CancelOrder) -> Sequence[Event]:
        parameters = {
            "symbol": market_id(command.symbol),
            "origClientOrderId": command.order_id,
        }
        answer = await self._send(self._client.private_delete_order, parameters)
        return self._canceled(answer, [command.order_id])

    async def cancel_list(self, command: CancelOrderList) -> Sequence[Event]:
        parameters = {
            "symbol": market_id(command.symbol),
            "listClientOrderId": command.list_id,
        }
        answer = await self._send(self._client.private_delete_orderlist, parameters)
        return self._canceled(answer, [command.target_id, command.stop_id])

    def _canceled(self, answer: Any, order_ids: Sequence[str]) -> Sequence[Event]:
        now = self._clock.now_ms()
        if not isinstance(answer, Failure):
            try:
                # an order of a list takes its sibling along, then the answer is the list's
                return [of_cancel(report, now) for report in answer.get("orderReports", [answer])]
            except UNREADABLE as error:
                text = f"unreadable answer to a cancel: {error!r}"
                LOG.error(text)
                return [
                    CancelOutcomeUnknown(ts=now, order_id=order_id, message=text)
                    for order_id in order_ids
                ]
        if answer.is_unknown:
            return [
                CancelOutcomeUnknown(ts=now, order_id=order_id, message=answer.message)
                for order_id in order_ids
            ]
        return [
            CancelRejected(ts=now, order_id=order_id, code=answer.code, message=answer.message)
            for order_id in order_ids
        ]

    # --- ask ------------------------------------------------------------------------------

    async def query(self, command: QueryOrder) -> Sequence[Event]:
        may_arrive = self._questions.under_way.may_arrive(command.order_id)
        answer = await self._ask(lambda: self._questions.order(command.symbol, command.order_id))
        if not isinstance(answer, Failure):
            return answer
        now = self._clock.now_ms()
        if answer.code == ORDER_NOT_FOUND and not answer.is_unknown:
            if may_arrive:
                return []  # no proof, and no news: the question will come again
            return [OrderNotFound(ts=now, order_id=command.order_id)]
        if answer.code == ORDER_ARCHIVED:
            return [archived(command.order_id, command.exchange_id, now)]
        return [OrderOutcomeUnknown(ts=now, order_id=command.order_id, message=answer.message)]

    # --- sending --------------------------------------------------------------------------

    async def _send(
        self, request: Request, parameters: dict[str, Any], placed: Sequence[str] = ()
    ) -> Any:
        """The answer, or a Failure; a refused time stamp is sent once more with the same ids.
        `placed` are the orders that the request would bring into being."""
        under_way = self._questions.under_way
        with under_way.placing(placed) as placing:
            answer = await self._try(lambda: request(dict(parameters)))
            if isinstance(answer, Failure) and is_clock_refusal(answer):
                try:
                    await self._remeasure_clock()
                except Exception as error:  # noqa: BLE001 then the refusal itself is the answer
                    failure = normalize(error, self._settings.secrets)
                    LOG.warning("clock not measured: %s", failure.message)
                    return answer
                under_way.signed_anew(placing)
                answer = await self._try(lambda: request(dict(parameters)))
            placing.is_unknown = isinstance(answer, Failure) and answer.is_unknown
            return answer

    async def _ask(
        self, question: Callable[[], Awaitable[Sequence[Event]]]
    ) -> Sequence[Event] | Failure:
        answer: Sequence[Event] | Failure = await self._try(question)
        if isinstance(answer, Failure) and is_clock_refusal(answer):
            answer = await self._try(self._remeasure_and(question))
        return answer

    def _remeasure_and(
        self, question: Callable[[], Awaitable[Sequence[Event]]]
    ) -> Callable[[], Awaitable[Sequence[Event]]]:
        async def ask_again() -> Sequence[Event]:
            await self._remeasure_clock()
            return await question()

        return ask_again

    async def _try(self, request: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await request()
        except Exception as error:  # noqa: BLE001 every way to fail has a meaning, see normalize
            return normalize(error, self._settings.secrets)

    def _read(
        self,
        translate: Callable[[int], Sequence[Event]],
        symbol: str,
        order_ids: Sequence[str],
    ) -> Sequence[Event]:
        """The events of an answer; an answer that cannot be read means that we do not know."""
        now = self._clock.now_ms()
        try:
            events = translate(now)
        except UNREADABLE as error:
            text = f"unreadable answer to an order: {error!r}"
            LOG.error(text)
            return [
                OrderOutcomeUnknown(ts=now, order_id=order_id, message=text)
                for order_id in order_ids
            ]
        for event in events:
            if isinstance(event, OrderAccepted):
                self._ids.learn(symbol, event.exchange_id, event.order_id)
        return events


def archived(order_id: str, exchange_id: str | None, ts: int) -> OrderReported:
    """-2026: canceled or expired without a fill so long ago that the exchange put it away."""
    return OrderReported(
        ts=ts,
        order_id=order_id,
        exchange_id=exchange_id or "",
        is_open=False,
        filled_total=Decimal(0),
        reason="EXPIRED",
    )


def placement_parameters(command: PlaceOrder) -> dict[str, Any]:
    """POST order, by the exchange's own names only."""
    parameters = {
        "symbol": market_id(command.symbol),
        "side": command.side.value,
        "type": command.type.value,
        "quantity": on_wire(command.amount),
        "newClientOrderId": command.order_id,
        "newOrderRespType": "FULL",
    }
    if command.price is not None and command.type not in (OrderType.MARKET, OrderType.STOP_LOSS):
        parameters["price"] = on_wire(command.price)
    if command.stop_price is not None:
        parameters["stopPrice"] = on_wire(command.stop_price)
    if command.type in RESTING_TYPES:
        parameters["timeInForce"] = (command.time_in_force or TimeInForce.GTC).value
    return parameters


def list_parameters(command: PlaceOrderList) -> dict[str, Any]:
    """POST orderList/oco for a SELL: the target above, the stop below."""
    parameters = {
        "symbol": market_id(command.symbol),
        "side": "SELL",
        "quantity": on_wire(command.amount),
        "listClientOrderId": command.list_id,
        "aboveType": "LIMIT_MAKER",
        "abovePrice": on_wire(command.target_price),
        "aboveClientOrderId": command.target_id,
        "belowType": "STOP_LOSS",
        "belowStopPrice": on_wire(command.stop_price),
        "belowClientOrderId": command.stop_id,
        "newOrderRespType": "FULL",
    }
    if command.stop_limit_price is not None:
        parameters["belowType"] = "STOP_LOSS_LIMIT"
        parameters["belowPrice"] = on_wire(command.stop_limit_price)
        parameters["belowTimeInForce"] = "GTC"
    return parameters
