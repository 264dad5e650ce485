"""ExchangeConnector over ccxt.pro: orders and account of one venue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from autotrade.application.ports import AccountReport, EventSink, ExchangeUnreachable, OpenOrder
from autotrade.domain.commands import (
    AnyCommand,
    QueryBalances,
)
from autotrade.domain.entities.balance import Balance
from autotrade.domain.events import (
    BalancesUpdated,
    Event,
    MarketRulesUpdated,
    RejectReason,
)
from autotrade.infrastructure.connectors.account_questions import AccountQuestions
from autotrade.infrastructure.connectors.connector_settings import ConnectorSettings
from autotrade.infrastructure.connectors.error_normalizer import is_clock_refusal, normalize
from autotrade.infrastructure.connectors.event_pump import EventPump
from autotrade.infrastructure.connectors.exchange_clock import ExchangeClock
from autotrade.infrastructure.connectors.market_questions import MarketQuestions
from autotrade.infrastructure.connectors.market_rules import MarketDirectory
from autotrade.infrastructure.connectors.order_gateway import OrderGateway
from autotrade.infrastructure.connectors.order_ids import OrderIds
from autotrade.infrastructure.connectors.user_stream import UserStream

if TYPE_CHECKING:
    from autotrade.infrastructure.connectors.tapped_client import TappedBinance


Answer = TypeVar("Answer")


class CcxtExchangeConnector:
    """Two clients, so that nothing that streams or reports stands in an order's way."""

    def __init__(
        self,
        trading: TappedBinance,
        user: TappedBinance,
        *,
        settings: ConnectorSettings,
        clock: ExchangeClock,
        directory: MarketDirectory,
        market: MarketQuestions,
    ) -> None:
        self._trading, self._user = trading, user
        self._settings, self._clock = settings, clock
        self._directory, self._market = directory, market
        self._ids = OrderIds(settings.client_id_prefix)
        self._questions = AccountQuestions(trading, settings, clock, directory, self._ids)
        self._gateway = OrderGateway(
            trading,
            settings,
            clock,
            directory=directory,
            ids=self._ids,
            questions=self._questions,
            remeasure_clock=market.measure_clock,
        )
        self._pump: EventPump | None = None
        self.user_stream: UserStream | None = None

    async def start(self, sink: EventSink) -> None:
        pump = EventPump(sink, self._overflowed)
        stream = UserStream(
            self._user,
            self._settings,
            self._clock,
            self._directory,
            self._ids,
            push=pump.push,
            remeasure_clock=self._market.measure_clock,
        )
        self._pump, self.user_stream = pump, stream
        await self._guarded(stream.start)
        pump.start()

    async def execute(self, command: AnyCommand) -> Sequence[Event]:
        if isinstance(command, QueryBalances):
            return await self._balances_and_rules(command)
        return await self._gateway.execute(command)

    async def report(
        self, orders: Sequence[OpenOrder], symbols: Sequence[str], trades_since_ms: int
    ) -> AccountReport:
        return await self._guarded(lambda: self._questions.report(orders, symbols, trades_since_ms))

    async def balances(self) -> tuple[Balance, ...]:
        return await self._guarded(self._questions.balances)

    async def fee_rates(self, symbols: Sequence[str]) -> dict[str, tuple[Decimal, Decimal]]:
        return await self._guarded(lambda: self._questions.fee_rates(symbols))

    async def close(self) -> None:
        if self.user_stream is not None:
            await self.user_stream.close()
        else:
            await self._user.shut()
        if self._pump is not None:
            await self._pump.close()
        await self._trading.shut()

    async def _balances_and_rules(self, command: QueryBalances) -> Sequence[Event]:
        """Nothing when the exchange does not answer: the question will come again."""
        try:
            balances = await self._questions.balances()
            rules = await self._market.rules([command.symbol])
        except Exception as error:  # noqa: BLE001 execute never raises; no events is no knowledge
            self.last_failure = normalize(error, self._settings.secrets)
            return []
        now = self._clock.now_ms()
        return [
            BalancesUpdated(ts=now, balances=balances, is_complete=True),
            MarketRulesUpdated(ts=now, symbol=command.symbol, rules=rules[command.symbol]),
        ]

    async def _guarded(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Questions at start and in reconciliation: scrubbed, with what to do. A refused time
        stamp is a clock that moved: it is measured and the question asked once more."""
        try:
            try:
                return await ask()
            except Exception as error:
                if not is_clock_refusal(normalize(error, self._settings.secrets)):
                    raise
                await self._market.measure_clock()
                return await ask()
        except ExchangeUnreachable:
            raise
        except Exception as error:  # noqa: BLE001 its text may hold a signed address: made anew
            raise self._not_started(error) from None

    def _not_started(self, error: Exception) -> ExchangeUnreachable:
        failure = normalize(error, self._settings.secrets)
        if failure.reason is RejectReason.PERMISSION:
            advice = "look at the API key, its secret and its permissions (reading, spot trading)"
        elif failure.reason is RejectReason.CLOCK:
            advice = "look at this machine's clock"
        elif failure.reason is RejectReason.RATE_LIMIT:
            advice = "wait until the exchange answers this address again"
        else:
            advice = "look at the network and the exchange's status"
        code = f" ({failure.code})" if failure.code is not None else ""
        was = "was refused:" if failure.status is not None else "was"
        return ExchangeUnreachable(
            f"expected the account on {self._settings.venue} to answer, {was} "
            f"{failure.message}{code}; {advice}",
            may_pass=failure.may_pass,
        )

    def _overflowed(self) -> None:
        if self.user_stream is not None:
            self.user_stream.lose("the loop did not take the account's events")
