"""What happened. Past tense, frozen, each with the time at which the core learnt of it.

Three families:
- market events (`MarketEvent`) are many and are not journaled; the loop may coalesce tickers;
- order, account and operator events come from outside and are journaled before they are processed;
- deal events are facts that our own services made; they are journaled with their cause.

`ts` is milliseconds UTC on the exchange's clock. `order_id` is always our client order id.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from autotrade.domain.entities.balance import Balance
from autotrade.domain.entities.candle import Candle
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.entities.deal import ExitReason
from autotrade.domain.entities.order import OrderSide
from autotrade.domain.entities.orderbook import OrderBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    ts: int


# --- market ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TickerUpdated(Event):
    symbol: str
    price: Decimal
    bid: Decimal
    ask: Decimal
    volume: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleClosed(Event):
    symbol: str
    timeframe: str
    candle: Candle


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBookUpdated(Event):
    symbol: str
    book: OrderBook


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerTicked(Event):
    """A second has passed; the monitors look whether their time has come."""


# --- orders ----------------------------------------------------------------------------------


class RejectReason(StrEnum):
    """Why the exchange refused, from its numeric code (never from a library's class)."""

    INSUFFICIENT_BALANCE = "insufficient_balance"
    WOULD_MATCH = "would_match"
    """A maker-only order would have traded at once."""
    WOULD_TRIGGER = "would_trigger"
    """A stop would have fired at once."""
    FILTER = "filter"
    DUPLICATE = "duplicate"
    """An open order has this client order id already: it is ours."""
    RATE_LIMIT = "rate_limit"
    """Too many requests: not executed, may be tried again later."""
    CLOCK = "clock"
    """Our time was outside the exchange's window: not executed, may be sent again."""
    MARKET_HALTED = "market_halted"
    PERMISSION = "permission"
    UNAVAILABLE = "unavailable"
    """The request never left this machine."""
    OTHER = "other"


NEVER_LOOKED_AT = frozenset(
    {RejectReason.RATE_LIMIT, RejectReason.UNAVAILABLE, RejectReason.CLOCK, RejectReason.PERMISSION}
)
"""Refusals that say nothing about balances or filters: the order itself was not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted(Event):
    order_id: str
    exchange_id: str
    exchange_ts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected(Event):
    order_id: str
    reason: RejectReason
    code: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcomeUnknown(Event):
    """Sent, and no answer that proves anything (time-out, -1007, 5xx, connection lost)."""

    order_id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled(Event):
    """One trade of ours, from the stream or from REST; the same one may come several times."""

    order_id: str
    exchange_id: str
    trade_id: str
    symbol: str
    side: OrderSide
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_asset: str
    is_maker: bool
    exchange_ts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCanceled(Event):
    """The order rests no more. `filled_total` is what the exchange says it filled before."""

    order_id: str
    exchange_id: str
    filled_total: Decimal
    reason: str
    """canceled, expired, or the exchange's own word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReported(Event):
    """The exchange's answer to a question about one order: it exists and looks like this."""

    order_id: str
    exchange_id: str
    is_open: bool
    filled_total: Decimal
    reason: str
    """The exchange's status word (NEW, FILLED, CANCELED, EXPIRED ...)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderNotFound(Event):
    """The exchange does not know the order. Proves something only after the request's window."""

    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRejected(Event):
    """A cancel was refused: the order is unknown, filled or gone. The order must be asked for."""

    order_id: str
    code: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOutcomeUnknown(Event):
    order_id: str
    message: str


# --- account and connection ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesUpdated(Event):
    balances: tuple[Balance, ...]
    is_complete: bool
    """True when assets that are not listed are zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRulesUpdated(Event):
    symbol: str
    rules: MarketRules


class Channel(StrEnum):
    MARKET_DATA = "market_data"
    USER_DATA = "user_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLost(Event):
    """A stream is silent or closed. Until it is back nothing new is opened on its symbols."""

    channel: Channel
    text: str
    symbol: str | None = None
    """The one symbol that is stale; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRestored(Event):
    channel: Channel
    symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled(Event):
    """Open orders, fills and balances were compared with the exchange by REST."""

    trigger: str
    """start, reconnect, timer."""
    differences: int
    """Facts that the stream had not told us."""


# --- session and operator --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    """The process began. `installation_id` is chosen once a data folder and prefixes all ids."""

    installation_id: str
    version: str
    commit: str
    mode: str
    venue: str
    market: str
    start_balances: tuple[Balance, ...]
    request_window_ms: int
    """How long after its time stamp the exchange may still take a request of ours (recvWindow)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReady(Event):
    """Recovered, warmed up, reconciled: from here on signals may become deals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStopped(Event):
    text: str


class OperatorAction(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    """No new deals; what rests on the exchange stays and is listed."""
    FLATTEN = "flatten"
    """Cancel entries, sell what is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRequested(Event):
    action: OperatorAction
    by: str


# --- deals: facts that our services made -----------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DealOpened(Event):
    deal_id: int
    symbol: str
    base: str
    quote: str
    decision_id: str
    budget: Decimal
    entry_price: Decimal
    amount: Decimal
    target_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SellPlanned(Event):
    """The virtual SELL was made or its price moved. Nothing is sent."""

    deal_id: int
    order_id: str
    amount: Decimal
    price: Decimal
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAbandoned(Event):
    """The BUY will not be tried again; what it filled is kept."""

    deal_id: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWarned(Event):
    deal_id: int
    change_percent: Decimal
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWatched(Event):
    """The price stands under the order-book level and the book says wait (or no longer)."""

    deal_id: int
    is_watching: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitDecided(Event):
    deal_id: int
    reason: ExitReason
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPostponed(Event):
    """A SELL was refused; the next try comes at `retry_ts`."""

    deal_id: int
    retry_ts: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeValued(Event):
    """A fee in a third asset (BNB) was valued at that asset's last known price."""

    deal_id: int
    trade_id: str
    fee_quote: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DustTaken(Event):
    """Dust of earlier deals joins this deal's SELL."""

    deal_id: int
    asset: str
    amount: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DustBooked(Event):
    """What is too small to be sold goes to the dust ledger, with what it cost."""

    deal_id: int
    asset: str
    amount: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DealClosed(Event):
    deal_id: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DealCanceled(Event):
    deal_id: int
    text: str


MarketEvent = TickerUpdated | CandleClosed | OrderBookUpdated | TimerTicked
