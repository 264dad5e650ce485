"""Signed questions by REST: orders, trades, balances, fees. Answers become domain values.

Errors of the client pass through; the callers know what they mean for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from autotrade.application.ports import AccountReport, OpenOrder
from autotrade.domain.entities.balance import Balance
from autotrade.domain.events import BalancesUpdated, Event, OrderNotFound
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.error_normalizer import ORDER_NOT_FOUND, normalize
from autotrade.infrastructure.connectors.event_translation import (
    balances_of,
    fee_rates_of,
    of_order,
    of_trade,
)
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.market_rules import MarketDirectory, market_id
from autotrade.infrastructure.connectors.order_ids import OrderIds
from autotrade.infrastructure.connectors.requests_under_way import RequestsUnderWay

if TYPE_CHECKING:
    from autotrade.infrastructure.connectors.tapped_client import TappedBinance

TRADES_PAGE = 1_000
DAY_MS = 86_400_000
"""The exchange answers at most a day of trades when it is asked by time."""


class AccountQuestions:
    def __init__(
        self,
        client: TappedBinance,
        settings: ConnectorSettings,
        clock: ExchangeClock,
        directory: MarketDirectory,
        ids: OrderIds,
    ) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        self._directory, self._ids = directory, ids
        self.under_way = RequestsUnderWay(
            clock.exact_ms, settings.receive_window_ms * max(1.0, settings.speed)
        )

    # --- one order ------------------------------------------------------------------------

    async def order(self, symbol: str, order_id: str) -> list[Event]:
        """OrderReported and an OrderFilled for each of its trades, asked by our own id."""
        answer = await self._client.private_get_order(
            {"symbol": market_id(symbol), "origClientOrderId": order_id}
        )
        return await self._with_trades(answer, symbol, order_id)

    async def _with_trades(self, answer: Any, symbol: str, order_id: str) -> list[Event]:
        self._ids.learn(symbol, str(answer["orderId"]), order_id)
        events: list[Event] = [of_order(answer, order_id, self._clock.now_ms())]
        if Decimal(answer["executedQty"]) > 0:
            rows = await self._client.private_get_mytrades(
                {"symbol": market_id(symbol), "orderId": answer["orderId"], "limit": TRADES_PAGE}
            )
            now = self._clock.now_ms()
            events.extend(of_trade(row, order_id, symbol, now) for row in rows)
        return events

    # --- reconciliation -------------------------------------------------------------------

    async def report(
        self, orders: Sequence[OpenOrder], symbols: Sequence[str], trades_since_ms: int
    ) -> AccountReport:
        """See ports.AccountReport. Costs a few questions a symbol and one an order that is gone."""
        all_symbols = sorted({*symbols, *(order.symbol for order in orders)})
        self._directory.know(all_symbols)
        for order in orders:
            if order.exchange_id is not None:
                self._ids.learn(order.symbol, order.exchange_id, order.order_id)
        open_rows, foreign = await self._open_orders(all_symbols)
        events: list[Event] = []
        for order in orders:
            events.extend(await self._report_one(order, open_rows))
        asked = {(order.symbol, order.order_id) for order in orders}
        for (symbol, order_id), row in open_rows.items():
            if (symbol, order_id) not in asked:  # it rests, whatever we believe of it
                events.append(of_order(row, order_id, self._clock.now_ms()))
        for symbol in all_symbols:
            events.extend(await self._trades_since(symbol, trades_since_ms))
        now = self._clock.now_ms()
        balances = await self.balances()
        events.append(BalancesUpdated(ts=now, balances=balances, is_complete=True))
        return AccountReport(events=tuple(events), foreign_orders=tuple(foreign))

    async def _open_orders(
        self, symbols: Sequence[str]
    ) -> tuple[dict[tuple[str, str], Mapping[str, Any]], list[str]]:
        rows: dict[tuple[str, str], Mapping[str, Any]] = {}
        foreign: list[str] = []
        for symbol in symbols:
            for row in await self._client.private_get_openorders({"symbol": market_id(symbol)}):
                order_id = str(row["clientOrderId"])
                if self._ids.is_ours(order_id):
                    rows[symbol, order_id] = row
                    self._ids.learn(symbol, str(row["orderId"]), order_id)
                else:
                    foreign.append(
                        f"{symbol} {row['side']} {row['origQty']} @ {row['price']} ({order_id})"
                    )
        return rows, foreign

    async def _report_one(
        self, order: OpenOrder, open_rows: Mapping[tuple[str, str], Mapping[str, Any]]
    ) -> list[Event]:
        row = open_rows.get((order.symbol, order.order_id))
        if row is not None:
            return [of_order(row, order.order_id, self._clock.now_ms())]
        may_arrive = self.under_way.may_arrive(order.order_id)
        try:
            return await self.order(order.symbol, order.order_id)
        except Exception as error:
            failure = normalize(error, self._settings.secrets)
            if failure.code == ORDER_NOT_FOUND and not failure.is_unknown:
                if may_arrive:
                    return []  # no proof: the next comparison will tell
                return [OrderNotFound(ts=self._clock.now_ms(), order_id=order.order_id)]
            raise

    async def _trades_since(self, symbol: str, since_ms: int) -> list[Event]:
        events: list[Event] = []
        for row in await self._trade_rows(symbol, since_ms):
            order_id = await self._owner(symbol, str(row["orderId"]))
            if order_id is not None:
                events.append(of_trade(row, order_id, symbol, self._clock.now_ms()))
        return events

    async def _trade_rows(self, symbol: str, since_ms: int) -> list[Mapping[str, Any]]:
        """All our trades from `since_ms` on: by time, a day at once, to find the first; a full
        page goes on by trade id, which cannot skip trades of one millisecond."""
        rows: list[Mapping[str, Any]] = []
        start = since_ms
        now = int(self._clock.exact_ms())
        while start <= now:
            page = await self._client.private_get_mytrades(
                {
                    "symbol": market_id(symbol),
                    "startTime": start,
                    "endTime": min(start + DAY_MS - 1, now + 60_000),
                    "limit": TRADES_PAGE,
                }
            )
            rows.extend(page)
            if len(page) == TRADES_PAGE:
                rows.extend(await self._rows_after(symbol, int(page[-1]["id"])))
                break
            start += DAY_MS
        return rows

    async def _rows_after(self, symbol: str, trade_id: int) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = []
        while True:
            page = await self._client.private_get_mytrades(
                {"symbol": market_id(symbol), "fromId": trade_id + 1, "limit": TRADES_PAGE}
            )
            rows.extend(page)
            if len(page) < TRADES_PAGE:
                return rows
            trade_id = int(page[-1]["id"])

    async def _owner(self, symbol: str, exchange_id: str) -> str | None:
        """Our id of the order that traded; None for a foreign one."""
        order_id = self._ids.find(symbol, exchange_id)
        if order_id is None:
            answer = await self._client.private_get_order(
                {"symbol": market_id(symbol), "orderId": exchange_id}
            )
            order_id = str(answer["clientOrderId"])
            self._ids.learn(symbol, exchange_id, order_id)
        return order_id if self._ids.is_ours(order_id) else None

    # --- balances and fees ----------------------------------------------------------------

    async def balances(self) -> tuple[Balance, ...]:
        return balances_of(await self._client.private_get_account({"omitZeroBalances": "true"}))

    async def fee_rates(self, symbols: Sequence[str]) -> dict[str, tuple[Decimal, Decimal]]:
        """(maker, taker) of each symbol; the account's own rates where a symbol has none."""
        rates: dict[str, tuple[Decimal, Decimal]] = {}
        for symbol in symbols:
            try:
                answer = await self._client.private_get_account_commission(
                    {"symbol": market_id(symbol)}
                )
                rates[symbol] = fee_rates_of(answer)
            except Exception as error:
                if normalize(error, self._settings.secrets).code is None:
                    raise
                account = await self._client.private_get_account({"omitZeroBalances": "true"})
                plain = account["commissionRates"]
                rates[symbol] = (Decimal(plain["maker"]), Decimal(plain["taker"]))
            self._directory.learn_fees(symbol, *rates[symbol])
        return rates
