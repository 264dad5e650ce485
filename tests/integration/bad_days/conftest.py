"""A bench on a market that is moved by hand, with a strategy that sees every rise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal as D
from pathlib import Path

import pytest

from autotrade.application.use_cases.run_realtime_trading import RealtimeTrading
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Order
from autotrade.domain.settings import (
    BuyOrderMonitorSettings,
    DomainSettings,
    OrderbookAnalyzerSettings,
    SignalCooldownSettings,
    StrategySettings,
)
from tests.integration.bad_days.market import HandMarket
from tests.integration.bench import Bench, serving, until

QUICK = DomainSettings(
    strategy=StrategySettings(
        macd_fast=2, macd_slow=3, macd_signal=2, sma_fast=1, sma_slow=2, min_candles=10
    ),
    orderbook_analyzer=OrderbookAnalyzerSettings(max_book_age_seconds=600.0),
    signal_cooldown=SignalCooldownSettings(0.0, 0.0, D(0)),
    # a BUY rests until the test has done with it
    buy_order_monitor=BuyOrderMonitorSettings(max_age_minutes=D(10_000)),
)
ONE_DEAL = CurrencyPair("ETH", "USDT", 10_000, D(100), D("0.9"), 1)


@dataclass
class Scene:
    """A bench, its market, and the steps of a deal that most stories need."""

    bench: Bench
    market: HandMarket

    async def resting_buy(self, session: RealtimeTrading) -> Order:
        """A signal becomes a deal whose BUY rests on the exchange."""
        opened = session.state.totals.deals_opened
        self.market.rise()
        await until(lambda: session.state.totals.deals_opened > opened, "a deal")
        deal = self.deal(session)
        await until(lambda: self.entry(session, deal).is_working, "the BUY's acceptance")
        return self.entry(session, deal)

    def fill(self, order: Order, amount: D | None = None) -> None:
        """Somebody sells to our BUY."""
        assert order.price is not None
        self.market.sell(order.price, amount or order.remaining)

    async def position(self, session: RealtimeTrading) -> Deal:
        """A deal that holds something, with its SELL and its stop on the exchange."""
        self.fill(await self.resting_buy(session))
        deal = self.deal(session)
        await self.protected(session, deal)
        return deal

    async def protected(self, session: RealtimeTrading, deal: Deal) -> None:
        service = session.state.deal_service
        await until(
            lambda: service.is_protected(deal) and not service.doubtful(deal), "the protection"
        )

    async def ended(self, deal: Deal) -> None:
        await until(lambda: not deal.is_open, f"the end of deal {deal.id}")

    @staticmethod
    def deal(session: RealtimeTrading) -> Deal:
        return session.state.deals.open_deals()[-1]

    @staticmethod
    def entry(session: RealtimeTrading, deal: Deal) -> Order:
        entry = session.state.deal_service.entry(deal)
        assert entry is not None
        return entry

    async def goes_on(self, session: RealtimeTrading) -> None:
        """The whole way once more: signal, BUY, protection, target, profit."""
        won = session.state.totals.deals_won
        deal = await self.position(session)
        self.market.rise(1.5)
        await self.ended(deal)
        assert session.state.totals.deals_won == won + 1


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    market = HandMarket()
    async with serving(market, tmp_path / "data", settings=QUICK, pair=ONE_DEAL) as bench:
        yield Scene(bench, market)
