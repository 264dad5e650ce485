"""Words of the exchange's core: markets, requests, orders, trades, and what it tells the outside.

Inside the core a price is an integer count of ticks and an amount an integer count of lots (steps);
money is Decimal. Everything here is plain data; nothing does I/O or reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(StrEnum):
    LIMIT = "LIMIT"
    MARKET = "MARKET"
    LIMIT_MAKER = "LIMIT_MAKER"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    """Binance's words for an order's state."""

    NEW = "NEW"
    PENDING_NEW = "PENDING_NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"

    @property
    def is_open(self) -> bool:
        return self in (Status.NEW, Status.PARTIALLY_FILLED, Status.PENDING_NEW)


class MarketStatus(StrEnum):
    TRADING = "TRADING"
    HALT = "HALT"
    BREAK = "BREAK"


class ExchangeError(Exception):
    """A refusal in Binance's own terms: numeric code and message; `http_status` for REST."""

    def __init__(self, code: int, message: str, http_status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.http_status = code, message, http_status


@dataclass(frozen=True, slots=True)
class Market:
    """One listed symbol with its filters (Binance's names in comments of `filters.py`).

    Decimal fields are in quote (prices, notionals) or base (amounts) currency.
    """

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    minimum_amount: Decimal
    maximum_amount: Decimal
    minimum_price: Decimal
    maximum_price: Decimal
    minimum_notional: Decimal
    maximum_notional: Decimal = Decimal(9_000_000)
    market_maximum_amount: Decimal = Decimal(1_000)
    bid_multiplier_up: Decimal = Decimal(5)
    bid_multiplier_down: Decimal = Decimal("0.2")
    ask_multiplier_up: Decimal = Decimal(5)
    ask_multiplier_down: Decimal = Decimal("0.2")
    average_price_minutes: int = 5
    max_orders: int = 200
    max_algo_orders: int = 5
    max_iceberg_parts: int = 10
    maximum_position: Decimal | None = None
    minimum_trailing_delta: int = 10
    maximum_trailing_delta: int = 2000
    base_precision: int = 8
    quote_precision: int = 8
    status: MarketStatus = MarketStatus.TRADING
    max_order_lists: int = 20

    def price(self, ticks: int) -> Decimal:
        return self.tick_size * ticks

    def amount(self, lots: int) -> Decimal:
        return self.lot_size * lots


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A new order as a client asks for it; Decimals as the client wrote them."""

    symbol: str
    side: Side
    kind: OrderKind
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    time_in_force: TimeInForce | None = None
    client_order_id: str | None = None
    iceberg_quantity: Decimal | None = None
    self_trade_prevention: str = "NONE"
    strategy_id: int | None = None
    strategy_type: int | None = None


@dataclass(frozen=True, slots=True)
class OcoRequest:
    """orderList/oco: two legs of one side and quantity; when one trades the other expires."""

    symbol: str
    above: OrderRequest
    below: OrderRequest
    list_client_order_id: str | None = None


@dataclass(frozen=True, slots=True)
class OtocoRequest:
    """orderList/oto (one pending order) and orderList/otoco (two: above, below): the pending
    orders come alive when the working one is filled whole."""

    symbol: str
    working: OrderRequest
    pending: tuple[OrderRequest, ...]
    list_client_order_id: str | None = None


@dataclass(slots=True)
class Trade:
    """One match. Account fields are set for the side(s) that an account had in it."""

    id: int
    symbol: str
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    ts: int
    buyer_is_maker: bool
    is_own: bool
    """True when an account of ours took part; False for the market among itself."""


@dataclass(slots=True)
class Execution:
    """One account's side of a trade (myTrades)."""

    trade_id: int
    order_id: int
    order_list_id: int
    account: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    ts: int
    is_maker: bool


@dataclass(slots=True)
class ExchangeOrder:
    """An account's order as the exchange keeps it."""

    id: int
    account: str
    symbol: str
    side: Side
    kind: OrderKind
    client_order_id: str
    original_quantity: Decimal
    original_quote_quantity: Decimal
    price: Decimal
    stop_price: Decimal
    time_in_force: TimeInForce
    created_ts: int
    updated_ts: int
    status: Status = Status.NEW
    executed_quantity: Decimal = Decimal(0)
    executed_quote: Decimal = Decimal(0)
    working_ts: int = -1
    is_working: bool = False
    trailing_delta: int | None = None
    order_list_id: int = -1
    iceberg_quantity: Decimal = Decimal(0)
    self_trade_prevention: str = "NONE"
    strategy_id: int | None = None
    strategy_type: int | None = None
    executions: list[Execution] = field(default_factory=list)
    cancel_client_order_id: str = ""
    """The id the cancel itself had: clientOrderId of the cancel's answer."""

    @property
    def remaining(self) -> Decimal:
        return self.original_quantity - self.executed_quantity


@dataclass(slots=True)
class OrderList:
    """An OCO (later OTO, OTOCO)."""

    id: int
    account: str
    symbol: str
    contingency: str
    list_client_order_id: str
    order_ids: tuple[int, ...]
    status_type: str
    """RESPONSE, EXEC_STARTED, ALL_DONE"""
    order_status: str
    """EXECUTING, ALL_DONE, REJECT"""
    ts: int


@dataclass(frozen=True, slots=True)
class Kline:
    """One candle as Binance shows it; `close_ts` is the last millisecond inside it."""

    open_ts: int
    close_ts: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    taker_buy_volume: Decimal
    taker_buy_quote: Decimal
    first_trade_id: int
    """-1 when nothing traded, or when the candle came from seeded history."""
    last_trade_id: int


@dataclass(frozen=True, slots=True)
class AggregateTrade:
    """Neighbouring trades of one taker at one price and time, as one."""

    id: int
    price: Decimal
    quantity: Decimal
    first_trade_id: int
    last_trade_id: int
    ts: int
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class DayTicker:
    """The rolling 24 hours, to the minute. Best bid and ask are the book's to tell."""

    symbol: str
    open_ts: int
    close_ts: int
    open: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    last_quantity: Decimal
    previous_close: Decimal
    volume: Decimal
    quote_volume: Decimal
    weighted_average: Decimal
    price_change: Decimal
    price_change_percent: Decimal
    first_trade_id: int
    last_trade_id: int
    trades: int


# --- what the core tells the outside (drained by the wire server or the in-process connector) ----


@dataclass(frozen=True, slots=True)
class BookChanged:
    """Levels of a symbol that changed since the last time, absolute amounts, 0 removes.

    Covers everything that rests: the market's and the accounts' orders.
    """

    symbol: str
    first_update_id: int
    last_update_id: int
    ts: int
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class TradeExecuted:
    trade: Trade


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """executionReport: `execution_type` NEW, CANCELED, REPLACED, REJECTED, TRADE, EXPIRED,
    TRADE_PREVENTION. `order` is a copy frozen at that moment."""

    order: ExchangeOrder
    execution_type: str
    execution: Execution | None
    ts: int
    reject_reason: str = "NONE"
    original_client_order_id: str = ""
    """C of the report: the id the canceled order had, when the cancel got an id of its own."""


@dataclass(frozen=True, slots=True)
class OrderListChanged:
    order_list: OrderList
    orders: tuple[tuple[int, str], ...]
    """(order id, client order id) of each leg."""
    ts: int


@dataclass(frozen=True, slots=True)
class BalancesChanged:
    """outboundAccountPosition: (asset, free, locked) of the assets that changed."""

    account: str
    balances: tuple[tuple[str, Decimal, Decimal], ...]
    ts: int


@dataclass(frozen=True, slots=True)
class BalanceMoved:
    """balanceUpdate: a deposit or withdrawal."""

    account: str
    asset: str
    delta: Decimal
    ts: int


@dataclass(frozen=True, slots=True)
class KlineClosed:
    """A watched candle is complete; given out exactly at its boundary (`ts`)."""

    symbol: str
    interval: str
    kline: Kline
    ts: int


Output = (
    BookChanged
    | TradeExecuted
    | OrderChanged
    | OrderListChanged
    | BalancesChanged
    | BalanceMoved
    | KlineClosed
)
