"""The exchange's market info as MarketRules, and the last check of a command against them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from autotrade.application.ports import UnknownSymbol
from autotrade.domain.commands import PlaceOrder, PlaceOrderList
from autotrade.domain.entities.currency_pair import MarketRules
from autotrade.domain.entities.order import OrderType

NO_LIMIT = Decimal("Infinity")
ZERO = Decimal(0)


def market_id(symbol: str) -> str:
    """BASE/QUOTE as the exchange writes it."""
    return symbol.replace("/", "").upper()


def plain(value: Any) -> Decimal:
    """The number without trailing zeros and without an exponent: 0.01000000 is 0.01, 10.0 is 10."""
    number = Decimal(str(value)).normalize()
    return number.quantize(Decimal(1)) if number.as_tuple().exponent > 0 else number  # type: ignore[operator]


def on_wire(number: Decimal) -> str:
    """Exact, never in scientific notation."""
    return format(plain(number), "f")


NO_STOP_LIMIT = 1_000_000


def rules_of(market: Mapping[str, Any]) -> MarketRules:
    """One entry of exchangeInfo's `symbols`, with its raw filters."""
    filters = {entry["filterType"]: entry for entry in market["filters"]}
    price, lot = filters.get("PRICE_FILTER", {}), filters.get("LOT_SIZE", {})
    market_lot = filters.get("MARKET_LOT_SIZE", {})
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or {}
    band = filters.get("PERCENT_PRICE_BY_SIDE") or {}
    both = filters.get("PERCENT_PRICE") or {}
    up, down = both.get("multiplierUp", "5"), both.get("multiplierDown", "0.2")
    stops = filters.get("MAX_NUM_ALGO_ORDERS", {}).get("maxNumAlgoOrders")
    types = market.get("orderTypes", ())
    base_step = Decimal(1).scaleb(-int(market.get("baseAssetPrecision", 8)))
    quote_step = Decimal(1).scaleb(-int(market.get("quoteAssetPrecision", 8)))
    return MarketRules(
        tick_size=plain(price.get("tickSize", 0)) or quote_step,
        lot_size=plain(lot.get("stepSize", 0)) or base_step,
        minimum_amount=plain(lot.get("minQty", 0)),
        maximum_amount=plain(lot.get("maxQty", 0)) or NO_LIMIT,
        minimum_notional=plain(notional.get("minNotional", 0)),
        minimum_price=plain(price.get("minPrice", 0)),
        maximum_price=plain(price.get("maxPrice", 0)) or NO_LIMIT,
        market_lot_size=plain(market_lot.get("stepSize", 0)),
        market_maximum_amount=plain(market_lot.get("maxQty", 0)) or NO_LIMIT,
        bid_price_up=plain(band.get("bidMultiplierUp", up)),
        bid_price_down=plain(band.get("bidMultiplierDown", down)),
        ask_price_up=plain(band.get("askMultiplierUp", up)),
        ask_price_down=plain(band.get("askMultiplierDown", down)),
        max_stop_orders=int(stops) if stops is not None else NO_STOP_LIMIT,
        is_trading=market.get("status") == "TRADING"
        and bool(market.get("isSpotTradingAllowed", True)),
        has_oco=bool(market.get("ocoAllowed", False)),
        has_stop_loss="STOP_LOSS" in types,
    )


def weight_limit_of(exchange_info: Mapping[str, Any]) -> int | None:
    """Request weight a minute that the exchange grants this address."""
    for limit in exchange_info.get("rateLimits", ()):
        if limit["rateLimitType"] == "REQUEST_WEIGHT" and limit["interval"] == "MINUTE":
            return int(limit["limit"]) // max(1, int(limit.get("intervalNum", 1)))
    return None


def unknown_symbol(symbol: str, listed: Iterable[str]) -> UnknownSymbol:
    """`listed` are BASE/QUOTE names; the nearest are named."""
    near = difflib.get_close_matches(symbol, list(listed), n=3, cutoff=0.5)
    advice = f"did you mean {', '.join(near)}?" if near else "look at the exchange's list of pairs"
    return UnknownSymbol(f"expected a pair that the exchange lists, was {symbol}, {advice}")


class MarketDirectory:
    """What both sides of a connection know of the markets: names, rules, fees."""

    def __init__(self) -> None:
        self._rules: dict[str, MarketRules] = {}
        self._fees: dict[str, tuple[Decimal, Decimal]] = {}
        self._symbol_by_id: dict[str, str] = {}

    def learn(self, market: Mapping[str, Any]) -> str:
        """Take one raw market in; returns its symbol."""
        symbol = f"{market['baseAsset']}/{market['quoteAsset']}"
        self._symbol_by_id[market["symbol"]] = symbol
        self._rules[symbol] = rules_of(market)
        return symbol

    def learn_fees(self, symbol: str, maker: Decimal, taker: Decimal) -> None:
        self._fees[symbol] = (maker, taker)

    def know(self, symbols: Iterable[str]) -> None:
        """Names alone, so that events can be translated before any rules were asked for."""
        for symbol in symbols:
            self._symbol_by_id.setdefault(market_id(symbol), symbol)

    def keep_rules(self, rules: Mapping[str, MarketRules]) -> None:
        """Rules that somebody else has read already."""
        self._rules.update(rules)

    def symbol(self, identifier: str) -> str | None:
        return self._symbol_by_id.get(identifier)

    def rules(self, symbol: str) -> MarketRules | None:
        rules = self._rules.get(symbol)
        fees = self._fees.get(symbol)
        if rules is None or fees is None:
            return rules
        return replace(rules, maker_fee=fees[0], taker_fee=fees[1])


def fault_of(command: PlaceOrder | PlaceOrderList, rules: MarketRules) -> str | None:
    """A sentence when the exchange's filters would refuse this; None when they would not.

    The order was rounded by the domain already; this looks once more before it leaves.
    """
    if isinstance(command, PlaceOrderList):
        prices = [command.target_price, command.stop_price]
        if command.stop_limit_price is not None:
            prices.append(command.stop_limit_price)
        return _amount_fault(command.amount, rules) or _prices_fault(prices, command.amount, rules)
    prices = [price for price in (command.price, command.stop_price) if price is not None]
    is_market = command.type in (OrderType.MARKET, OrderType.STOP_LOSS)
    return (
        _amount_fault(command.amount, rules)
        or (_market_amount_fault(command.amount, rules) if is_market else None)
        or _prices_fault(prices, command.amount, rules)
    )


def _amount_fault(amount: Decimal, rules: MarketRules) -> str | None:
    if amount <= ZERO or amount % rules.lot_size:
        return f"expected an amount in steps of {rules.lot_size}, was {amount}, round it down"
    if not rules.minimum_amount <= amount <= rules.maximum_amount:
        return (
            f"expected an amount from {rules.minimum_amount} to {rules.maximum_amount}, "
            f"was {amount}, change the size"
        )
    return None


def _market_amount_fault(amount: Decimal, rules: MarketRules) -> str | None:
    if rules.market_lot_size and amount % rules.market_lot_size:
        return f"expected a market amount in steps of {rules.market_lot_size}, was {amount}, round"
    if amount > rules.market_maximum_amount:
        return f"expected at most {rules.market_maximum_amount} at market, was {amount}, split it"
    return None


def _prices_fault(prices: Sequence[Decimal], amount: Decimal, rules: MarketRules) -> str | None:
    for price in prices:
        if price <= ZERO or price % rules.tick_size:
            return f"expected a price in ticks of {rules.tick_size}, was {price}, round it"
        if not rules.minimum_price <= price <= rules.maximum_price:
            return (
                f"expected a price from {rules.minimum_price} to {rules.maximum_price}, "
                f"was {price}, look at the market"
            )
        if price * amount < rules.minimum_notional:
            return (
                f"expected a notional of at least {rules.minimum_notional}, "
                f"was {price * amount}, take a larger amount"
            )
    return None
