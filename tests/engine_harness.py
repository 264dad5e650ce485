"""EngineHarness: the real TradingEngine with its state, driven event by event, no loop and no wire.

Tests say what the exchange would have said; the harness keeps the time and collects the records.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from typing import Any, TypeVar

from autotrade.application.trading_engine import TradingEngine
from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.decisions import Decision, Signal
from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.currency_pair import CurrencyPair, MarketRules
from autotrade.domain.entities.deal import Deal
from autotrade.domain.entities.order import Order, OrderSide
from autotrade.domain.entities.orderbook import OrderBook
from autotrade.domain.settings import DomainSettings
from autotrade.domain.state import Record, TradingState

T = TypeVar("T")

START_TS = 1_700_000_000_000
SYMBOL = "ETH/USDT"

RULES = MarketRules(
    tick_size=D("0.01"),
    lot_size=D("0.0001"),
    minimum_amount=D("0.0001"),
    maximum_amount=D(9000),
    minimum_notional=D(5),
    market_maximum_amount=D(1000),
)


def eth_pair(**changes: Any) -> CurrencyPair:
    values: dict[str, Any] = {
        "base": "ETH",
        "quote": "USDT",
        "order_life_time": 5,
        "deal_quota": D(100),
        "profit_markup": D("1.5"),
        "deal_count": 3,
    }
    return CurrencyPair(**{**values, **changes})


def good_book(symbol: str, price: float, ts: int) -> OrderBook:
    """A deep, even book one tick wide."""
    bids = tuple((round(price - 0.01 - i * 0.05, 2), 5.0) for i in range(100))
    asks = tuple((round(price + i * 0.05, 2), 5.0) for i in range(100))
    return OrderBook(symbol=symbol, ts=ts, bids=bids, asks=asks)


class EngineHarness:
    def __init__(
        self,
        settings: DomainSettings | None = None,
        *,
        pair: CurrencyPair | None = None,
        rules: MarketRules = RULES,
        price: str = "2000",
    ) -> None:
        self.settings = settings or DomainSettings()
        self.state = TradingState([pair or eth_pair()])
        self.engine = TradingEngine(self.settings, self.state)
        self.ts = START_TS
        self.records: list[Record] = []
        self._trades = 0
        self.send(
            e.SessionStarted,
            installation_id="at1",
            version="1",
            commit="c",
            mode="simulation",
            venue="embedded",
            market="test",
            start_balances=(Balance("USDT", D(10_000), D(0)),),
            request_window_ms=5_000,
        )
        self.send(e.MarketRulesUpdated, symbol=SYMBOL, rules=rules)
        self.send(e.BalancesUpdated, balances=(Balance("USDT", D(10_000), D(0)),), is_complete=True)
        self.price(price)
        self.send(e.SessionReady)

    # --- time and market ----------------------------------------------------------------------

    def send(self, kind: type[e.Event], **values: Any) -> list[Record]:
        """Process one event at the harness's time; returns what followed from it."""
        event = kind(ts=self.ts, **values)
        records = self.engine.process(event)
        self.records.extend(records)
        return records

    def wait(self, seconds: float) -> list[Record]:
        """Let time pass with a timer tick each second."""
        out: list[Record] = []
        for _ in range(max(1, round(seconds))):
            self.ts += 1000
            out.extend(self.send(e.TimerTicked))
        return out

    def price(self, price: str) -> list[Record]:
        """The market moves: ticker and book."""
        value = D(price)
        book = good_book(SYMBOL, float(value), self.ts)
        self.send(e.OrderBookUpdated, symbol=SYMBOL, book=book)
        return self.send(
            e.TickerUpdated, symbol=SYMBOL, price=value, bid=value - D("0.01"), ask=value
        )

    def book(self, book: OrderBook) -> list[Record]:
        return self.send(e.OrderBookUpdated, symbol=SYMBOL, book=book)

    def signal(self, symbol: str = SYMBOL) -> Decision:
        """A MACD crossing now, decided by the real services."""
        ticker = self.state.tickers.find(symbol)
        price = ticker.price if ticker is not None else D(2000)
        signal = Signal(
            symbol=symbol,
            strategy="macd_orderbook",
            version="1",
            kind="macd_cross",
            ts=self.ts,
            candle_ts=self.ts - 60_000,
            price=price,
            values={"macd_histogram": 0.1},
        )
        service = self.engine._trading_service
        conditions = self.engine.conditions(symbol)
        out: list[Record] = []
        for record in service.on_signal(self.state, signal, conditions):
            self.engine._emit(record, out)
        self.records.extend(out)
        decision = out[0]
        assert isinstance(decision, Decision)
        return decision

    def candle(self, minute: int, close: float) -> list[Record]:
        candle = Candle(START_TS + minute * 60_000, close, close, close, close, 1.0)
        self.ts = candle.open_ts + 60_000
        return self.send(e.CandleClosed, symbol=SYMBOL, timeframe="1m", candle=candle)

    # --- what the exchange says ---------------------------------------------------------------

    def accept(self, order_id: str) -> list[Record]:
        return self.send(
            e.OrderAccepted, order_id=order_id, exchange_id=f"x{order_id}", exchange_ts=self.ts
        )

    def fill(
        self,
        order_id: str,
        amount: str | None = None,
        price: str | None = None,
        *,
        fee_asset: str | None = None,
        trade_id: str | None = None,
    ) -> list[Record]:
        """A trade of 0.1 % fee: in base on a BUY, in quote on a SELL, unless an asset is named."""
        order = self.state.orders.get(order_id)
        size = D(amount) if amount is not None else order.remaining
        at = D(price) if price is not None else order.price or order.stop_price or D(0)
        is_buy = order.side is OrderSide.BUY
        asset = fee_asset or ("ETH" if is_buy else "USDT")
        fee = size * D("0.001") if asset == "ETH" else size * at * D("0.001")
        self._trades += 1
        return self.send(
            e.OrderFilled,
            order_id=order_id,
            exchange_id=f"x{order_id}",
            trade_id=trade_id or f"t{self._trades}",
            symbol=SYMBOL,
            side=order.side,
            price=at,
            amount=size,
            fee=fee,
            fee_asset=asset,
            is_maker=False,
            exchange_ts=self.ts,
        )

    def cancel(self, order_id: str, filled: str = "0", reason: str = "canceled") -> list[Record]:
        return self.send(
            e.OrderCanceled,
            order_id=order_id,
            exchange_id=f"x{order_id}",
            filled_total=D(filled),
            reason=reason,
        )

    def reject(
        self, order_id: str, reason: e.RejectReason = e.RejectReason.OTHER, message: str = "no"
    ) -> list[Record]:
        return self.send(
            e.OrderRejected, order_id=order_id, reason=reason, code=-2010, message=message
        )

    def unknown(self, order_id: str) -> list[Record]:
        return self.send(e.OrderOutcomeUnknown, order_id=order_id, message="timed out")

    def balance(self, asset: str, free: str) -> list[Record]:
        return self.send(
            e.BalancesUpdated, balances=(Balance(asset, D(free), D(0)),), is_complete=False
        )

    # --- shortcuts ----------------------------------------------------------------------------

    def opened(self) -> Deal:
        """A deal whose BUY rests on the exchange."""
        decision = self.signal()
        assert decision.approved, decision.reason_text
        deal = self.deal
        self.accept(self.entry.id)
        return deal

    def bought(self) -> Deal:
        """A deal whose BUY filled and whose OCO was sent."""
        deal = self.opened()
        self.fill(self.entry.id)
        return deal

    def holding(self) -> Deal:
        """A deal whose OCO rests on the exchange."""
        deal = self.bought()
        self.accept(self.target.id)
        self.accept(self.stop.id)
        return deal

    @property
    def deal(self) -> Deal:
        return max(self.state.deals.all(), key=lambda deal: deal.id)

    @property
    def entry(self) -> Order:
        return self.state.orders.get(self.deal.buy_order or "")

    @property
    def target(self) -> Order:
        return self.state.orders.get(self.deal.sell_order or "")

    @property
    def stop(self) -> Order:
        return self.state.orders.get(self.deal.stop_order or "")

    def with_rules(self, **changes: Any) -> None:
        rules = self.state.pair(SYMBOL).rules
        assert rules is not None
        self.send(e.MarketRulesUpdated, symbol=SYMBOL, rules=replace(rules, **changes))


def only(records: list[Record], kind: type[T]) -> T:
    """The one record of this kind."""
    found = [record for record in records if isinstance(record, kind)]
    assert len(found) == 1, f"expected one {kind.__name__}, was {records}"
    return found[0]


def none_of(records: list[Record], kind: type) -> bool:
    return not any(isinstance(record, kind) for record in records)


def commands(records: list[Record]) -> list[c.Command]:
    return [record for record in records if isinstance(record, c.Command)]
