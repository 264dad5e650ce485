"""Small words for the tests of the exchange's core: prices in whole quote units, sizes in lots."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from autotrade.infrastructure.simulated_exchange.core.exchange import SimulatedExchange
from autotrade.infrastructure.simulated_exchange.core.types import (
    BookChanged,
    ExchangeOrder,
    Market,
    OcoRequest,
    OrderChanged,
    OrderKind,
    OrderRequest,
    Output,
    Side,
    TimeInForce,
    TradeExecuted,
)
from autotrade.infrastructure.simulated_exchange.market.source import MarketLevels, MarketTrade

START_TS = 1_700_000_040_000
"""On a minute's boundary."""
SYMBOL = "BTCUSDT"

MARKET = Market(
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    minimum_amount=Decimal("0.00001"),
    maximum_amount=Decimal(9000),
    minimum_price=Decimal("0.01"),
    maximum_price=Decimal(1_000_000),
    minimum_notional=Decimal(5),
)
BNB_MARKET = replace(
    MARKET,
    symbol="BNBUSDT",
    base="BNB",
    lot_size=Decimal("0.001"),
    minimum_amount=Decimal("0.001"),
)

Level = tuple[str | int, str | int]


def ticks(price: str | int) -> int:
    return int(Decimal(price) * 100)


def lots(amount: str) -> int:
    return int(Decimal(amount) * 100_000)


def new_exchange(*markets: Market, **fees: Decimal) -> SimulatedExchange:
    """Accounts `alice` and `bob` with 100,000 USDT and 10 BTC each; an empty book."""
    exchange = SimulatedExchange(markets or (MARKET,), start_ts=START_TS, **fees)
    for name in ("alice", "bob"):
        exchange.open_account(name, {"USDT": Decimal(100_000), "BTC": Decimal(10)})
    return exchange


def with_book(exchange: SimulatedExchange | None = None) -> SimulatedExchange:
    """Bids 1 BTC at 99 and 2 at 98, asks 1 at 101 and 2 at 102 (x 100 USDT); last price 10,000."""
    exchange = exchange or new_exchange()
    trade(exchange, 10_000, "0.001")
    levels(
        exchange,
        bids=[(9_900, "1"), (9_800, "2")],
        asks=[(10_100, "1"), (10_200, "2")],
        is_snapshot=True,
    )
    exchange.drain()
    return exchange


def levels(
    exchange: SimulatedExchange,
    *,
    bids: list[tuple[int | str, str]] | None = None,
    asks: list[tuple[int | str, str]] | None = None,
    **fields: Any,
) -> None:
    exchange.apply(
        MarketLevels(
            exchange.now,
            fields.pop("symbol", SYMBOL),
            tuple((ticks(price), lots(amount)) for price, amount in bids or []),
            tuple((ticks(price), lots(amount)) for price, amount in asks or []),
            **fields,
        )
    )


def trade(
    exchange: SimulatedExchange,
    price: int | str,
    amount: str,
    taker: Side = Side.SELL,
    *,
    after_ms: int = 0,
    **fields: Any,
) -> None:
    symbol = fields.pop("symbol", SYMBOL)
    exchange.apply(
        MarketTrade(exchange.now + after_ms, symbol, ticks(price), lots(amount), taker, **fields)
    )


def request(
    side: Side, kind: OrderKind, quantity: str | None = None, **fields: Any
) -> OrderRequest:
    """`price`, `stop_price` and `quote_quantity` may be given as text; GTC where one is needed."""
    for name in ("price", "stop_price", "quote_quantity", "iceberg_quantity"):
        if fields.get(name) is not None:
            fields[name] = Decimal(fields[name])
    if kind in (OrderKind.LIMIT, OrderKind.STOP_LOSS_LIMIT, OrderKind.TAKE_PROFIT_LIMIT):
        fields.setdefault("time_in_force", TimeInForce.GTC)
    fields.setdefault("symbol", SYMBOL)
    return OrderRequest(
        side=side, kind=kind, quantity=None if quantity is None else Decimal(quantity), **fields
    )


def limit(side: Side, quantity: str, price: int | str, **fields: Any) -> OrderRequest:
    return request(side, OrderKind.LIMIT, quantity, price=price, **fields)


def sell_oco(quantity: str, above: int | str, stop: int | str, **fields: Any) -> OcoRequest:
    """LIMIT_MAKER above, STOP_LOSS below."""
    return OcoRequest(
        SYMBOL,
        request(Side.SELL, OrderKind.LIMIT_MAKER, quantity, price=above),
        request(Side.SELL, OrderKind.STOP_LOSS, quantity, stop_price=stop),
        **fields,
    )


def reports(outputs: list[Output]) -> list[tuple[int, str, str]]:
    """(order id, execution type, status) of the order reports."""
    return [
        (one.order.id, one.execution_type, one.order.status.value)
        for one in outputs
        if isinstance(one, OrderChanged)
    ]


def tape(outputs: list[Output]) -> list[tuple[str, str, bool]]:
    """(price, quantity, is own) of the printed trades."""
    return [
        (str(one.trade.price), str(one.trade.quantity), one.trade.is_own)
        for one in outputs
        if isinstance(one, TradeExecuted)
    ]


def book_changes(outputs: list[Output]) -> list[BookChanged]:
    return [one for one in outputs if isinstance(one, BookChanged)]


def free(exchange: SimulatedExchange, account: str, asset: str) -> Decimal:
    return exchange.balances(account)[asset][0]


def locked(exchange: SimulatedExchange, account: str, asset: str) -> Decimal:
    return exchange.balances(account)[asset][1]


def now_of(exchange: SimulatedExchange, order: ExchangeOrder) -> ExchangeOrder:
    """The order as it stands by now."""
    return exchange.order(order.account, order.symbol, order_id=order.id)
