"""A bench on a market that is moved by hand, with a strategy that sees every rise."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal as D
from pathlib import Path

import pytest

from autotrade.application.use_cases.run_realtime_trading import RealtimeTrading
from autotrade.domain.entities.currency_pair import CurrencyPair, MarketRules
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Order
from autotrade.domain.settings import (
    BuyOrderMonitorSettings,
    DomainSettings,
    OrderbookAnalyzerSettings,
    SignalCooldownSettings,
    StrategySettings,
)
from autotrade.infrastructure.simulated_exchange.core.types import MarketStatus
from tests.integration.bad_days.market import ETH, MINUTE_MS, HandMarket
from tests.integration.bad_days.user import User, user_at
from tests.integration.bench import Bench, serving, until

QUICK = DomainSettings(
    strategy=StrategySettings(
        macd_fast=2, macd_slow=3, macd_signal=2, sma_fast=1, sma_slow=2, min_candles=10
    ),
    orderbook_analyzer=OrderbookAnalyzerSettings(max_book_age_seconds=1e9),
    signal_cooldown=SignalCooldownSettings(0.0, 0.0, D(0)),
    # a BUY rests until the test has done with it
    buy_order_monitor=BuyOrderMonitorSettings(max_age_minutes=D(10_000)),
)
SIGNAL_TRIES = 10
CANDLES_AFTER_A_DIP = 2.2
CANDLES_AFTER_A_RISE = 5.0
"""A busy machine is late; the decision is waited for, the time is only its bound."""
ONE_DEAL = CurrencyPair("ETH", "USDT", 10_000, D(100), D("0.9"), 1)


@dataclass
class Scene:
    """A bench, its market, and the steps of a deal that most stories need."""

    bench: Bench
    market: HandMarket

    async def resting_buy(self, session: RealtimeTrading) -> Order:
        """A signal becomes a deal whose BUY rests on the exchange."""
        self.market.has_wall = True
        deal = await self.opened(session)
        self.market.has_wall = False
        await until(lambda: self.entry(session, deal).is_working, "the BUY's acceptance")
        return self.entry(session, deal)

    async def opened(self, session: RealtimeTrading) -> Deal:
        """A signal becomes a deal (the last move may have been one already); without a wall its BUY
        takes the ask."""
        totals = session.state.totals
        if not session.state.deals.open_deals():
            opened = totals.deals_opened
            await self.signal(session)
            assert totals.deals_opened > opened, self.bench.log.lines
        return session.state.deals.get(totals.deals_opened)

    async def signal(
        self, session: RealtimeTrading, behind_it: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """A small dip, then a rise, until the strategy has seen it and the bot has decided.
        `behind_it` happens after each rise, before its candle closes."""
        decided = session.state.totals.decisions
        for percent in (-0.05, 0.1) * SIGNAL_TRIES:
            self.resume()
            self.market.rise(percent)
            if behind_it is not None and percent > 0:
                await behind_it()
            candles = CANDLES_AFTER_A_DIP if percent < 0 else CANDLES_AFTER_A_RISE
            due = session.now_ms() + candles * MINUTE_MS
            await until(
                lambda due=due: session.now_ms() > due or session.state.totals.decisions > decided,
                "a candle",
            )
            if session.state.totals.decisions > decided:
                return
        raise AssertionError(f"expected a signal, was none: {self.bench.log.lines}")

    def fill(self, order: Order, amount: D | None = None) -> None:
        """Somebody sells to our BUY."""
        assert order.price is not None
        self.market.sell(order.price, amount or order.remaining)

    async def position(self, session: RealtimeTrading) -> Deal:
        """A deal that holds something, with its SELL and its stop on the exchange."""
        deal = await self.bought(session)
        await self.protected(session, deal)
        return deal

    async def bought(self, session: RealtimeTrading) -> Deal:
        """A deal whose BUY has met a seller, at once or by the test."""
        deal = await self.opened(session)
        entry = self.entry(session, deal)
        await until(lambda: entry.is_working or not entry.is_open(), "the BUY's answer")
        if entry.is_working:  # the price had moved on before the BUY arrived
            self.fill(entry)
        return deal

    async def protected(self, session: RealtimeTrading, deal: Deal) -> None:
        await until(lambda: self.is_protected(session, deal), "the protection")

    @staticmethod
    def is_protected(session: RealtimeTrading, deal: Deal) -> bool:
        service = session.state.deal_service
        return service.is_protected(deal) and not service.doubtful(deal)

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

    async def win(self, session: RealtimeTrading, deal: Deal) -> None:
        """The price rises to the target and the deal closes with a profit."""
        won = session.state.totals.deals_won
        self.market.rise(1.5)
        await self.ended(deal)
        assert session.state.totals.deals_won == won + 1, self.bench.log.lines

    async def told(self, *words: str) -> None:
        """The log says one of these; its lines follow the facts by a moment."""
        await until(lambda: any(map(self.bench.log.has, words)), " or ".join(words))

    async def halt(self) -> None:
        """The exchange stops trading the pair as soon as the last move has been traded."""
        exchange = self.bench.exchange.exchange
        await until(
            lambda: exchange.statistics(ETH.symbol).last_ticks == self.market.middle, "a trade"
        )
        exchange.set_market_status(ETH.symbol, MarketStatus.HALT)

    def resume(self) -> None:
        self.bench.exchange.exchange.set_market_status(ETH.symbol, MarketStatus.TRADING)

    @staticmethod
    def rules(session: RealtimeTrading) -> MarketRules:
        rules = session.state.pairs["ETH/USDT"].rules
        assert rules is not None
        return rules

    async def goes_on(self, session: RealtimeTrading) -> None:
        """The whole way once more: signal, BUY, protection, target, profit. On a busy machine the
        candle of a rise may come before its book; what is bought in the old one wins at once."""
        won = session.state.totals.deals_won
        deal = await self.bought(session)
        await until(
            lambda: not deal.is_open or self.is_protected(session, deal), "the protection or more"
        )
        if deal.is_open:
            await self.win(session, deal)
        assert session.state.totals.deals_won == won + 1, self.bench.log.lines


@pytest.fixture
def user(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[User]:
    with user_at(tmp_path / "user", capsys, monkeypatch) as user:
        yield user


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    market = HandMarket()
    async with serving(market, tmp_path / "data", settings=QUICK, pair=ONE_DEAL) as bench:
        yield Scene(bench, market)
        sys.stdout.write("\n".join(bench.log.lines))  # shown where a test fails
