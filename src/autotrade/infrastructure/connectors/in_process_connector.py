"""Simulation on live data: the market is the venue's public streams, the orders meet it in here.

The core of the embedded exchange is fed with the raw depth diffs and trades that the feed sees, and
our orders rest in that book. Requests go through the exchange's own dispatch table, so parameters,
filters and error codes are the same as over the wire, and the same gateway translates them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from autotrade.application.ports import AccountReport, EventSink, OpenOrder
from autotrade.domain.commands import (
    AnyCommand,
    QueryBalances,
)
from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.events import BalancesUpdated, Event, MarketRulesUpdated
from autotrade.infrastructure.connectors.account_questions import AccountQuestions
from autotrade.infrastructure.connectors.ccxt_connection import Connection
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.event_pump import EventPump
from autotrade.infrastructure.connectors.event_translation import (
    of_account_position,
    of_execution_report,
)
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.in_process_client import ACCOUNT, InProcessClient
from autotrade.infrastructure.connectors.market_feed import CcxtMarketDataFeed
from autotrade.infrastructure.connectors.market_rules import MarketDirectory, market_id
from autotrade.infrastructure.connectors.order_gateway import OrderGateway
from autotrade.infrastructure.connectors.order_ids import OrderIds
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    Market,
    Output,
    Side,
)
from autotrade.infrastructure.simulated_exchange.market.source import (
    MarketFact,
    MarketLevels,
    MarketTrade,
)
from autotrade.infrastructure.simulated_exchange.state_log import StateLog
from autotrade.infrastructure.simulated_exchange.wire.user_events import user_event

LARGEST = Decimal(1_000_000_000)
START_QUOTE = Decimal(10_000)


def listed_market(symbol: str, rules: MarketRules) -> Market:
    """The venue's market as the core lists it."""
    base, quote = symbol.split("/")
    return Market(
        symbol=market_id(symbol),
        base=base,
        quote=quote,
        tick_size=rules.tick_size,
        lot_size=rules.lot_size,
        minimum_amount=rules.minimum_amount,
        maximum_amount=min(rules.maximum_amount, LARGEST),
        minimum_price=rules.minimum_price,
        maximum_price=min(rules.maximum_price, LARGEST),
        minimum_notional=rules.minimum_notional,
        market_maximum_amount=min(rules.market_maximum_amount, LARGEST),
        bid_multiplier_up=rules.bid_price_up,
        bid_multiplier_down=rules.bid_price_down,
        ask_multiplier_up=rules.ask_price_up,
        ask_multiplier_down=rules.ask_price_down,
    )


class InProcessExchangeConnector:
    """Implements ExchangeConnector. Build it before the feed starts: it listens to the feed."""

    def __init__(
        self,
        feed: CcxtMarketDataFeed,
        settings: ConnectorSettings,
        clock: ExchangeClock,
        *,
        rules: Mapping[str, MarketRules],
        balances: Mapping[str, Decimal],
        account_log: StateLog | None = None,
    ) -> None:
        self._clock, self._account_log = clock, account_log
        self._directory = MarketDirectory()
        self._directory.know(rules)
        self._directory.keep_rules(rules)
        self._units = {
            symbol: (float(rule.tick_size), float(rule.lot_size), rule)
            for symbol, rule in rules.items()
        }
        now = clock.now_ms()
        self._exchange = SimulatedExchange(
            [listed_market(symbol, rule) for symbol, rule in rules.items()], start_ts=now
        )
        self._open_account(balances)
        client = InProcessClient(self._exchange, clock, self._on_outputs)
        self._client = client
        ids = OrderIds(settings.client_id_prefix)
        # the in-process client answers the same private calls that the library's client does
        self._questions = AccountQuestions(client, settings, clock, self._directory, ids)  # type: ignore[arg-type]
        self._gateway = OrderGateway(
            client,  # type: ignore[arg-type]
            settings,
            clock,
            directory=self._directory,
            ids=ids,
            questions=self._questions,
            remeasure_clock=_nothing_to_measure,
        )
        self._pump: EventPump | None = None
        feed.listen(self)

    def _open_account(self, balances: Mapping[str, Decimal]) -> None:
        """The account as its log left it, or a fresh one; from here on every change is logged."""
        log = self._account_log
        stored = log.load() if log is not None else None
        if stored is not None:
            self._exchange.restore_state(stored)
        else:
            self._exchange.open_account(ACCOUNT, balances)
        if log is not None:
            log.open(self._exchange)

    # --- the market comes in --------------------------------------------------------------

    def on_book(self, symbol: str, book: OrderBook) -> None:
        tick, lot, _ = self._units[symbol]
        self._apply(
            MarketLevels(
                ts=book.ts,
                symbol=market_id(symbol),
                bids=tuple((round(price / tick), round(size / lot)) for price, size in book.bids),
                asks=tuple((round(price / tick), round(size / lot)) for price, size in book.asks),
                is_snapshot=True,
            )
        )

    def on_depth(self, symbol: str, message: Mapping[str, Any]) -> None:
        self._apply(
            MarketLevels(
                ts=int(message["E"]),
                symbol=market_id(symbol),
                bids=self._levels(symbol, message["b"]),
                asks=self._levels(symbol, message["a"]),
            )
        )

    def on_trade(self, symbol: str, message: Mapping[str, Any]) -> None:
        _, _, rules = self._units[symbol]
        self._apply(
            MarketTrade(
                ts=int(message["T"]),
                symbol=market_id(symbol),
                price=int(Decimal(message["p"]) / rules.tick_size),
                amount=int(Decimal(message["q"]) / rules.lot_size),
                taker=Side.SELL if message["m"] else Side.BUY,
            )
        )

    def _levels(self, symbol: str, rows: Sequence[Sequence[str]]) -> tuple[tuple[int, int], ...]:
        tick, lot, _ = self._units[symbol]
        return tuple((round(float(row[0]) / tick), round(float(row[1]) / lot)) for row in rows)

    def _apply(self, fact: MarketFact) -> None:
        self._exchange.apply(fact)
        self._client.publish()

    def _on_outputs(self, outputs: Sequence[Output]) -> None:
        """What the core says of the account, in the words of the user stream."""
        if self._account_log is not None:
            self._account_log.on_outputs(self._exchange, outputs)
        if self._pump is None:
            return
        now = self._clock.now_ms()
        for output in outputs:
            event = user_event(output, 0)
            if event is None:
                continue
            symbol = self._directory.symbol(str(event.get("s", "")))
            if event["e"] == "executionReport" and symbol is not None:
                for translated in of_execution_report(event, symbol, now):
                    self._pump.push(translated)
            elif event["e"] == "outboundAccountPosition":
                self._pump.push(of_account_position(event, now))

    # --- the port -------------------------------------------------------------------------

    async def start(self, sink: EventSink) -> None:
        self._pump = EventPump(sink, lambda: None)
        self._pump.start()

    async def execute(self, command: AnyCommand) -> Sequence[Event]:
        if isinstance(command, QueryBalances):
            return await self._balances_and_rules(command)
        return await self._gateway.execute(command)

    async def report(
        self, orders: Sequence[OpenOrder], symbols: Sequence[str], trades_since_ms: int
    ) -> AccountReport:
        return await self._questions.report(orders, symbols, trades_since_ms)

    async def balances(self) -> tuple[Balance, ...]:
        return await self._questions.balances()

    async def fee_rates(self, symbols: Sequence[str]) -> dict[str, tuple[Decimal, Decimal]]:
        return await self._questions.fee_rates(symbols)

    async def close(self) -> None:
        if self._pump is not None:
            await self._pump.close()
        if self._account_log is not None:
            self._account_log.close()

    async def _balances_and_rules(self, command: QueryBalances) -> Sequence[Event]:
        balances = await self._questions.balances()
        now = self._clock.now_ms()
        events: list[Event] = [BalancesUpdated(ts=now, balances=balances, is_complete=True)]
        rules = self._directory.rules(command.symbol)
        if rules is not None:
            events.append(MarketRulesUpdated(ts=now, symbol=command.symbol, rules=rules))
        return events


async def simulate_on(
    connection: Connection,
    symbols: Sequence[str],
    balances: Mapping[str, Decimal] | None = None,
    data_dir: Path | None = None,
) -> tuple[CcxtMarketDataFeed, InProcessExchangeConnector]:
    """Public streams of a venue, orders to a matching engine in this process; no keys.

    `balances` is what the simulated account begins with; `START_QUOTE` of each quote currency if
    none is given. With a `data_dir` the account is kept there and goes on where it stood. Call it
    before the feed starts.
    """
    if connection.settings.has_keys:
        raise ValueError("expected no keys for a simulation on live data, was some, leave them out")
    rules = await connection.feed.rules(symbols)
    if balances is None:
        balances = {symbol.split("/")[1]: START_QUOTE for symbol in symbols}
    connector = InProcessExchangeConnector(
        connection.feed,
        connection.settings,
        connection.clock,
        rules=rules,
        balances=balances,
        account_log=StateLog(data_dir) if data_dir is not None else None,
    )
    return connection.feed, connector


async def _nothing_to_measure() -> None:
    """The core's clock is ours."""
