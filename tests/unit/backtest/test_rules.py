"""The stated rules of a candle's path, on drawn candles; refusals and answers are the core's."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from autotrade.domain import commands as c
from autotrade.domain import events as e
from autotrade.domain.entities.order import OrderRole, OrderSide, OrderType
from autotrade.infrastructure.backtest.book_model import LEVELS, BookModel
from autotrade.infrastructure.backtest.exchange_desk import (
    ACCOUNT,
    ExchangeDesk,
    list_request_of,
    request_of,
)
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.runner import RULES
from autotrade.infrastructure.backtest.settings import BacktestSettings
from autotrade.infrastructure.connectors.event_translation import of_execution_report
from autotrade.infrastructure.connectors.order_gateway import (
    list_parameters,
    placement_parameters,
)
from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import OrderChanged, Side
from autotrade.infrastructure.simulated_exchange.market.source import MarketTrade
from autotrade.infrastructure.simulated_exchange.wire.user_events import user_event
from tests.backtest_markets import START_TS, series_of

MODEL = BookModel.of(BacktestSettings())
FEE = D("0.001")


class Bench:
    """The core under a backtest's rules with a book around 2000.00 and one account."""

    def __init__(self) -> None:
        self.pair = PairMarket(series_of([(START_TS, 2000, 2000, 2000, 2000, 40.0)] * 1), MODEL)
        self.core = SimulatedExchange([self.pair.market], start_ts=START_TS, rules=RULES)
        self.core.open_account(ACCOUNT, {"USDT": D(10_000), "ETH": D(1)})
        self.desk = ExchangeDesk(self.core, {"ETH/USDT": self.pair.rules(FEE, FEE)})
        self.ids = 0
        self.trade(200_000, Side.BUY)
        self.core.apply(self.pair.levels(START_TS, 200_000, 400_000))

    def trade(self, ticks: int, taker: Side, lots: int = 1_000) -> list[e.Event]:
        self.ids += 64
        self.core.apply(MarketTrade(self.core.now, "ETHUSDT", ticks, lots, taker, self.ids))
        return self.desk.news()

    def place(self, side: OrderSide, price: str | None, amount: str = "0.01") -> list[e.Event]:
        return self.desk.execute(command(side, price, amount))


def command(side: OrderSide, price: str | None, amount: str = "0.01") -> c.PlaceOrder:
    return c.PlaceOrder(
        ts=START_TS,
        deal_id=1,
        symbol="ETH/USDT",
        order_id=f"at-1-{side.value[0]}1",
        role=OrderRole.ENTRY if side is OrderSide.BUY else OrderRole.EXIT,
        side=side,
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        amount=D(amount),
        price=None if price is None else D(price),
    )


OCO = c.PlaceOrderList(
    ts=START_TS,
    deal_id=1,
    symbol="ETH/USDT",
    list_id="at-1-L1",
    target_id="at-1-T1",
    stop_id="at-1-S1",
    amount=D("0.01"),
    target_price=D("2010.00"),
    stop_price=D("1990.00"),
    stop_limit_price=None,
)


def fills(events: list[e.Event]) -> list[e.OrderFilled]:
    return [event for event in events if isinstance(event, e.OrderFilled)]


def test_a_resting_limit_fills_only_when_traded_through() -> None:
    bench = Bench()
    assert not fills(bench.place(OrderSide.BUY, "1990.00"))
    assert not fills(bench.trade(199_000, Side.SELL))
    bench.core.apply(bench.pair.levels(bench.core.now, 198_990, 400_000))
    assert not fills(bench.desk.news()), "the market's levels never fill what rests"
    [fill] = fills(bench.trade(198_999, Side.SELL))
    assert (fill.price, fill.amount, fill.is_maker) == (D("1990.00"), D("0.01"), True)


def test_a_resting_limit_fills_by_at_most_what_was_traded() -> None:
    bench = Bench()
    bench.place(OrderSide.BUY, "1990.00", "0.0500")
    assert [fill.amount for fill in fills(bench.trade(198_900, Side.SELL, 200))] == [D("0.0200")]
    assert not fills(bench.trade(198_900, Side.SELL, 0))


def test_a_stop_pays_the_spread_under_its_price() -> None:
    bench = Bench()
    assert len([one for one in bench.desk.execute(OCO) if isinstance(one, e.OrderAccepted)]) == 2
    assert bench.core.next_stop_below("ETHUSDT") == 199_000
    bench.core.apply(bench.pair.levels(bench.core.now, 199_000, 400_000))
    events = bench.trade(199_000, Side.SELL)
    [fill] = fills(events)
    assert fill.order_id == "at-1-S1"
    assert fill.price == bench.pair.tick * MODEL.bid(199_000) < D("1990.00")
    assert bench.core.next_stop_below("ETHUSDT") == -1


def test_a_market_order_takes_the_book_level_by_level() -> None:
    bench = Bench()
    prices = [fill.price for fill in fills(bench.place(OrderSide.SELL, None, "0.9"))]
    assert prices[0] == bench.pair.tick * MODEL.bid(200_000)


def test_what_the_core_refuses_comes_back_in_its_words() -> None:
    bench = Bench()
    [refusal] = bench.place(OrderSide.BUY, "1990.00", "9")
    assert isinstance(refusal, e.OrderRejected)
    assert refusal.reason is e.RejectReason.INSUFFICIENT_BALANCE and refusal.code == -2010
    cancel = c.CancelOrder(
        ts=START_TS, deal_id=1, symbol="ETH/USDT", order_id="at-1-B9", reason="stale"
    )
    [no] = bench.desk.execute(cancel)
    assert isinstance(no, e.CancelRejected) and no.code == -2011


def test_requests_are_those_that_go_over_the_wire() -> None:
    request, wire = (
        request_of(command(OrderSide.BUY, "1990.00")),
        placement_parameters(command(OrderSide.BUY, "1990.00")),
    )
    assert (request.symbol, request.side, request.kind) == (
        wire["symbol"],
        wire["side"],
        wire["type"],
    )
    assert (request.quantity, request.price) == (D(wire["quantity"]), D(wire["price"]))
    assert request.time_in_force == wire["timeInForce"]
    both, wire = list_request_of(OCO), list_parameters(OCO)
    assert (both.above.kind, both.above.price) == (wire["aboveType"], D(wire["abovePrice"]))
    assert (both.below.kind, both.below.stop_price) == (
        wire["belowType"],
        D(wire["belowStopPrice"]),
    )


def test_news_are_what_the_user_stream_would_say() -> None:
    bench = Bench()
    drain, outputs = bench.core.drain, []

    def listen() -> list[object]:
        found = drain()
        outputs.extend(found)
        return found

    bench.core.drain = listen  # type: ignore[method-assign,assignment]
    told = bench.place(OrderSide.BUY, "2001.00", "0.5")
    told += bench.desk.execute(OCO)
    told += bench.trade(201_001, Side.BUY)
    orders = [one for one in told if not isinstance(one, e.BalancesUpdated)]
    streamed = [
        event
        for number, output in enumerate(outputs)
        if isinstance(output, OrderChanged)
        for event in of_execution_report(
            user_event(output, number),
            "ETH/USDT",
            output.ts,  # type: ignore[arg-type]
        )
    ]
    assert orders == streamed and len(orders) > 4


@pytest.mark.parametrize("price", [1, 7, 100, 99_999, 12_345_678])
def test_the_book_is_even_rising_and_around_the_price(price: int) -> None:
    bids, asks = list(MODEL.bids(price)), list(MODEL.asks(price))
    assert 1 <= len(bids) <= LEVELS == len(asks)
    assert bids == sorted(bids, reverse=True) and asks == sorted(asks) and bids[-1] >= 1
    assert bids[0] <= price < asks[0]


@pytest.mark.parametrize("spread_bp", [0, 2, 40, 1_000])
def test_no_price_above_the_searched_one_has_a_bid_as_low(spread_bp: int) -> None:
    model = BookModel(spread_bp, 1, 5)
    for bid in (1, 50, 9_999, 123_456):
        reached = model.price_whose_bid_reaches(bid)
        assert all(model.bid(price) > bid for price in range(reached + 1, reached + 500))
