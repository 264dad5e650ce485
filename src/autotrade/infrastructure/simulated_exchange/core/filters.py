"""Is this request allowed? Binance's parameter rules and spot filters, in its words and codes.

Rules of the filters: Binance's public "Filters" page. Codes: -1102/-1106 parameters, -1111
precision, -1013 filters, -2010 refusals of the matching engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from autotrade.infrastructure.simulated_exchange.core.accounts import ZERO, Account
from autotrade.infrastructure.simulated_exchange.core.matching import SymbolEngine
from autotrade.infrastructure.simulated_exchange.core.orders import (
    CONDITIONAL_KINDS,
    MARKET_KINDS,
)
from autotrade.infrastructure.simulated_exchange.core.types import (
    ExchangeError,
    Market,
    MarketStatus,
    OrderKind,
    OrderRequest,
    Side,
    TimeInForce,
)

SELF_TRADE_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
TIMED_KINDS = (OrderKind.LIMIT, OrderKind.STOP_LOSS_LIMIT, OrderKind.TAKE_PROFIT_LIMIT)


@dataclass(frozen=True, slots=True)
class Shape:
    """A request that passed, in the book's integers (0: none)."""

    ticks: int
    stop_ticks: int
    lots: int
    time_in_force: TimeInForce


def failure(name: str) -> ExchangeError:
    return ExchangeError(-1013, f"Filter failure: {name}")


def check(request: OrderRequest, engine: SymbolEngine, account: Account) -> Shape:
    """Everything that does not depend on the book. Raises ExchangeError."""
    market = engine.market
    _check_parameters(request)
    _check_precision(request, market)
    if market.status is not MarketStatus.TRADING:
        raise ExchangeError(-1013, "Market is closed.")
    for price in (request.price, request.stop_price):
        if price is not None:
            _check_price(price, market)
    if request.price is not None:
        _check_percent_price(request.price, request.side, engine)
    if request.quantity is not None:
        _check_quantity(request, request.quantity, market)
    _check_notional(request, engine)
    if request.trailing_delta is not None and not (
        market.minimum_trailing_delta <= request.trailing_delta <= market.maximum_trailing_delta
    ):
        raise failure("TRAILING_DELTA")
    _check_account(request, engine, account)
    return Shape(
        ticks=int((request.price or ZERO) / engine.tick),
        stop_ticks=int((request.stop_price or ZERO) / engine.tick),
        lots=int((request.quantity or ZERO) / engine.lot),
        time_in_force=request.time_in_force or TimeInForce.GTC,
    )


def check_counts(
    account: Account, engine: SymbolEngine, *, new_orders: int, new_algo_orders: int
) -> None:
    """MAX_NUM_ORDERS and MAX_NUM_ALGO_ORDERS; algo orders count for both."""
    mine = [live for live in account.open.values() if live.engine is engine]
    if len(mine) + new_orders > engine.market.max_orders:
        raise failure("MAX_NUM_ORDERS")
    algo = sum(live.is_algo for live in mine)
    if new_algo_orders and algo + new_algo_orders > engine.market.max_algo_orders:
        raise failure("MAX_NUM_ALGO_ORDERS")


def _missing(name: str) -> ExchangeError:
    return ExchangeError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def neither(first: str, second: str) -> ExchangeError:
    return ExchangeError(
        -1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!"
    )


def _check_parameters(request: OrderRequest) -> None:
    kind = request.kind
    needs_price = kind not in MARKET_KINDS
    if kind in TIMED_KINDS and request.time_in_force is None:
        raise _missing("timeInForce")
    if kind is OrderKind.MARKET:
        if request.quantity is None and request.quote_quantity is None:
            raise neither("quantity", "quoteOrderQty")
        if request.quantity is not None and request.quote_quantity is not None:
            raise ExchangeError(-1128, "Combination of optional parameters invalid.")
    elif request.quantity is None:
        raise _missing("quantity")
    if needs_price and request.price is None:
        raise _missing("price")
    if kind in CONDITIONAL_KINDS and request.stop_price is None and request.trailing_delta is None:
        raise neither("stopPrice", "trailingDelta")
    unwanted = (
        ("timeInForce", kind not in TIMED_KINDS and request.time_in_force is not None),
        ("price", not needs_price and request.price is not None),
        ("quoteOrderQty", kind is not OrderKind.MARKET and request.quote_quantity is not None),
        ("stopPrice", kind not in CONDITIONAL_KINDS and request.stop_price is not None),
        ("trailingDelta", kind not in CONDITIONAL_KINDS and request.trailing_delta is not None),
        ("icebergQty", not needs_price and request.iceberg_quantity is not None),
    )
    for name, is_unwanted in unwanted:
        if is_unwanted:
            raise ExchangeError(-1106, f"Parameter '{name}' sent when not required.")
    if request.self_trade_prevention not in SELF_TRADE_MODES:
        raise ExchangeError(
            -1130, "Data sent for parameter 'selfTradePreventionMode' is not valid."
        )
    if request.iceberg_quantity and request.time_in_force not in (None, TimeInForce.GTC):
        raise ExchangeError(-2010, "Unsupported order combination")


def _check_precision(request: OrderRequest, market: Market) -> None:
    for name, value, places in (
        ("quantity", request.quantity, market.base_precision),
        ("icebergQty", request.iceberg_quantity, market.base_precision),
        ("quoteOrderQty", request.quote_quantity, market.quote_precision),
        ("price", request.price, market.quote_precision),
        ("stopPrice", request.stop_price, market.quote_precision),
    ):
        if value is None:
            continue
        if not value.is_finite() or value < 0:
            raise ExchangeError(-1100, f"Illegal characters found in parameter '{name}'.")
        exponent = value.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > places:
            raise ExchangeError(-1111, f"Parameter '{name}' has too much precision.")


def _check_price(price: Decimal, market: Market) -> None:
    if price == 0:
        raise ExchangeError(-1013, "Invalid price.")
    if (
        (market.minimum_price and price < market.minimum_price)
        or (market.maximum_price and price > market.maximum_price)
        or price % market.tick_size
    ):
        raise failure("PRICE_FILTER")


def _check_percent_price(price: Decimal, side: Side, engine: SymbolEngine) -> None:
    market = engine.market
    average = engine.statistics.average_price(market.average_price_minutes)
    if average is None:
        return
    up, down = (
        (market.bid_multiplier_up, market.bid_multiplier_down)
        if side is Side.BUY
        else (market.ask_multiplier_up, market.ask_multiplier_down)
    )
    if not average * down <= price <= average * up:
        raise failure("PERCENT_PRICE_BY_SIDE")


def _check_quantity(request: OrderRequest, quantity: Decimal, market: Market) -> None:
    if quantity == 0:
        raise ExchangeError(-1013, "Invalid quantity.")
    for amount in (quantity, request.iceberg_quantity):
        if amount and (
            not market.minimum_amount <= amount <= market.maximum_amount or amount % market.lot_size
        ):
            raise failure("LOT_SIZE")
    if request.kind in MARKET_KINDS and quantity > market.market_maximum_amount:
        raise failure("MARKET_LOT_SIZE")
    iceberg = request.iceberg_quantity
    if iceberg:
        if iceberg > quantity:
            raise ExchangeError(-2010, "IcebergQty exceeds QTY.")
        if (quantity / iceberg).to_integral_value(ROUND_CEILING) > market.max_iceberg_parts:
            raise failure("ICEBERG_PARTS")


def _check_notional(request: OrderRequest, engine: SymbolEngine) -> None:
    """Orders without a price are reckoned at their stop price or the average price; the maximum
    is not applied to them (applyMaxToMarket false)."""
    market = engine.market
    if request.quote_quantity is not None:
        if request.quote_quantity < market.minimum_notional:
            raise failure("NOTIONAL")
        return
    price = request.price or request.stop_price
    if price is None:
        price = engine.statistics.average_price(market.average_price_minutes)
    if price is None or request.quantity is None:
        return
    notional = price * request.quantity
    if notional < market.minimum_notional or (
        request.price is not None and notional > market.maximum_notional
    ):
        raise failure("NOTIONAL")


def _check_account(request: OrderRequest, engine: SymbolEngine, account: Account) -> None:
    market = engine.market
    if market.maximum_position is None or request.side is not Side.BUY:
        return
    position = account.free.get(market.base, ZERO) + account.locked.get(market.base, ZERO)
    for live in account.open.values():
        if live.engine is engine and live.is_buy:
            position += engine.lot * live.lots
    if position + (request.quantity or ZERO) > market.maximum_position:
        raise failure("MAX_POSITION")
