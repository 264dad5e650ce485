"""Commands carried out by the exchange's own core, its answers as the events of the user stream.

The live bot hears of an order twice, in the answer to its request and on the stream; the second
report changes nothing. Here it hears once, as the stream says it, at the moment it happens: the
stated latency lies between the decision and the book.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.entities.order import OrderSide, OrderType
from autotrade.infrastructure.connectors.market_rules import fault_of, market_id
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    BalancesChanged,
    ExchangeError,
    ExchangeOrder,
    OcoRequest,
    OrderChanged,
    OrderKind,
    OrderRequest,
    Output,
    Side,
    Status,
    TimeInForce,
)

ACCOUNT = "backtest"
GONE = frozenset((Status.CANCELED, Status.EXPIRED, Status.EXPIRED_IN_MATCH))
RESTING = (OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT)
PRICED = (OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT)


class ExchangeDesk:
    """The bot's hand at the exchange: one account, synchronous."""

    def __init__(self, core: SimulatedExchange, rules: Mapping[str, MarketRules]) -> None:
        self._core, self._rules = core, rules
        self._symbols = {market_id(symbol): symbol for symbol in rules}

    def execute(self, command: c.AnyCommand) -> list[e.Event]:
        """What follows from the command at the core's present time."""
        refused: Sequence[e.Event] = ()
        try:
            match command:
                case c.PlaceOrder() | c.PlaceOrderList():
                    refused = self._refusal_here(command)
                    if not refused:
                        self._place(command)
                case c.CancelOrder():
                    symbol = market_id(command.symbol)
                    self._core.cancel(ACCOUNT, symbol, client_order_id=command.order_id)
                case c.CancelOrderList():
                    symbol = market_id(command.symbol)
                    self._core.cancel_list(ACCOUNT, symbol, list_client_order_id=command.list_id)
                case c.QueryOrder():
                    return self._report(command)
                case c.QueryBalances():
                    return self._balances(command)
        except ExchangeError as error:
            refused = self._refused(command, error)
        return [*refused, *self.news()]

    def _place(self, command: c.PlaceOrder | c.PlaceOrderList) -> None:
        if isinstance(command, c.PlaceOrder):
            self._core.place(ACCOUNT, request_of(command))
        else:
            self._core.place_oco(ACCOUNT, list_request_of(command))

    def _refusal_here(self, command: c.PlaceOrder | c.PlaceOrderList) -> Sequence[e.Event]:
        """The gateway's own last look at the filters, before anything leaves."""
        fault = fault_of(command, self._rules[command.symbol])
        if fault is None:
            return ()
        return [
            e.OrderRejected(
                ts=self._core.now,
                order_id=order_id,
                reason=e.RejectReason.FILTER,
                code=None,
                message=fault,
            )
            for order_id in _orders_of(command)
        ]

    def _refused(self, command: c.Command, error: ExchangeError) -> Sequence[e.Event]:
        if isinstance(command, c.PlaceOrder | c.PlaceOrderList):
            from autotrade.infrastructure.connectors.event_translation import rejected

            return rejected(_orders_of(command), error.code, error.message, self._core.now)
        return [
            e.CancelRejected(
                ts=self._core.now, order_id=order_id, code=error.code, message=error.message
            )
            for order_id in _orders_of(command)
        ]

    def _report(self, command: c.QueryOrder) -> list[e.Event]:
        now, symbol = self._core.now, market_id(command.symbol)
        try:
            order = self._core.order(ACCOUNT, symbol, client_order_id=command.order_id)
        except ExchangeError:
            return [e.OrderNotFound(ts=now, order_id=command.order_id)]
        report = e.OrderReported(
            ts=now,
            order_id=command.order_id,
            exchange_id=str(order.id),
            is_open=order.status.is_open,
            filled_total=order.executed_quantity,
            reason=order.status.value,
        )
        fills = [
            self._fill(order, command.order_id, number) for number in range(len(order.executions))
        ]
        return [report, *fills]

    def _balances(self, command: c.QueryBalances) -> list[e.Event]:
        now = self._core.now
        return [
            e.BalancesUpdated(ts=now, balances=self.balances(), is_complete=True),
            e.MarketRulesUpdated(ts=now, symbol=command.symbol, rules=self._rules[command.symbol]),
        ]

    def balances(self) -> tuple[Balance, ...]:
        held = self._core.balances(ACCOUNT)
        return tuple(
            Balance(asset, free, locked) for asset, (free, locked) in held.items() if free or locked
        )

    # --- what the core says -------------------------------------------------------------------

    def news(self) -> list[e.Event]:
        """What has happened to the account since the last time."""
        events: list[e.Event] = []
        for output in self._core.drain():
            self._translate(output, events.append)
        return events

    def _translate(self, output: Output, put: Callable[[e.Event], None]) -> None:
        if isinstance(output, BalancesChanged):
            balances = tuple([Balance(*entry) for entry in output.balances])
            put(e.BalancesUpdated(ts=output.ts, balances=balances, is_complete=False))
            return
        if not isinstance(output, OrderChanged):
            return
        order, ts = output.order, output.ts
        order_id = output.original_client_order_id or order.client_order_id
        if output.execution_type == "NEW":
            put(
                e.OrderAccepted(ts=ts, order_id=order_id, exchange_id=str(order.id), exchange_ts=ts)
            )
            return
        if output.execution is not None:
            put(self._fill(order, order_id, -1))
        if order.status in GONE:
            put(
                e.OrderCanceled(
                    ts=ts,
                    order_id=order_id,
                    exchange_id=str(order.id),
                    filled_total=order.executed_quantity,
                    reason=order.status.value.lower(),
                )
            )

    def _fill(self, order: ExchangeOrder, order_id: str, number: int) -> e.OrderFilled:
        execution = order.executions[number]
        return e.OrderFilled(
            ts=self._core.now,
            order_id=order_id,
            exchange_id=str(order.id),
            trade_id=str(execution.trade_id),
            symbol=self._symbols[order.symbol],
            side=OrderSide.BUY if order.side is Side.BUY else OrderSide.SELL,
            price=execution.price,
            amount=execution.quantity,
            fee=execution.commission,
            fee_asset=execution.commission_asset,
            is_maker=execution.is_maker,
            exchange_ts=execution.ts,
        )


def request_of(command: c.PlaceOrder) -> OrderRequest:
    """As connectors.order_gateway.placement_parameters puts it on the wire."""
    kind = command.type
    in_force: TimeInForce | None = None
    if kind in RESTING:
        in_force = TimeInForce((command.time_in_force or c.TimeInForce.GTC).value)
    return OrderRequest(
        symbol=market_id(command.symbol),
        side=Side(command.side.value),
        kind=OrderKind(kind.value),
        quantity=command.amount,
        price=command.price if kind in PRICED else None,
        stop_price=command.stop_price,
        time_in_force=in_force,
        client_order_id=command.order_id,
    )


def list_request_of(command: c.PlaceOrderList) -> OcoRequest:
    """As connectors.order_gateway.list_parameters puts it on the wire."""
    symbol, limit = market_id(command.symbol), command.stop_limit_price
    above = OrderRequest(
        symbol=symbol,
        side=Side.SELL,
        kind=OrderKind.LIMIT_MAKER,
        quantity=command.amount,
        price=command.target_price,
        client_order_id=command.target_id,
    )
    below = OrderRequest(
        symbol=symbol,
        side=Side.SELL,
        kind=OrderKind.STOP_LOSS if limit is None else OrderKind.STOP_LOSS_LIMIT,
        quantity=command.amount,
        price=limit,
        stop_price=command.stop_price,
        time_in_force=None if limit is None else TimeInForce.GTC,
        client_order_id=command.stop_id,
    )
    return OcoRequest(symbol, above, below, command.list_id)


def _orders_of(command: c.Command) -> Sequence[str]:
    if isinstance(command, c.PlaceOrderList | c.CancelOrderList):
        return [command.target_id, command.stop_id]
    assert isinstance(command, c.PlaceOrder | c.CancelOrder)
    return [command.order_id]


__all__ = ["ACCOUNT", "Decimal", "ExchangeDesk", "list_request_of", "request_of"]
