"""The rules of one parameter set as the kernel's integers, or why the kernel cannot take it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from autotrade.domain.entities.candle import TIMEFRAME_MS
from autotrade.domain.entities.currency_pair import CurrencyPair
from autotrade.domain.settings import DomainSettings
from autotrade.domain.strategies.macd_orderbook import MacdOrderbook
from autotrade.infrastructure.backtest import kernel_layout as at
from autotrade.infrastructure.backtest.pair_market import PairMarket
from autotrade.infrastructure.backtest.settings import BacktestSettings

WORD_MAX = 1 << 62
COINS = Decimal("1E-8")
"""The smallest unit of any asset on the exchange."""
ROOM = 16
"""Figures may grow so many times beyond the first deal's before anything overflows."""
SMALLER_SIZE = Decimal("0.7")


@dataclass(frozen=True, slots=True)
class Combination:
    """One parameter set: settings of the domain, and the pair with its limits."""

    settings: DomainSettings
    pair: CurrencyPair


@dataclass(frozen=True, slots=True)
class Units:
    """What the kernel's integers are worth."""

    quote: Decimal
    """Of cash and profit: fine enough for every tick times lot and every coin."""
    turnover: Decimal
    fine: Decimal
    """Of a base fee valued at a price: a tick times a coin."""

    @classmethod
    def of(cls, market: PairMarket) -> Units:
        turnover = market.tick * market.lot
        exponent = turnover.normalize().as_tuple().exponent
        assert isinstance(exponent, int)
        return cls(Decimal(1).scaleb(min(-8, exponent)), turnover, market.tick * COINS)


class NotCovered(Exception):
    """The kernel cannot compute this exactly; the text says why."""


def uncovered(combination: Combination, assumptions: BacktestSettings) -> str | None:
    """Why the engine must run this one, in words, or None. Only what settings tell."""
    settings = combination.settings
    if settings.strategy.name != MacdOrderbook.name:
        return f"the kernel knows macd_orderbook alone, not {settings.strategy.name}"
    if settings.stop_loss_monitor.limit_exit_first:
        return "the kernel sells at market, not with stop_loss_monitor.limit_exit_first"
    if assumptions.spread_bp >= 20_000:
        return "the kernel needs a spread below 200 %"
    if settings.orderbook_analyzer.max_book_age_seconds < 0.001:
        return "the kernel's book is a millisecond old, older than max_book_age_seconds allows"
    if sum([1e16, 1.0, -1e16]) != 0.0:
        return "this Python adds floats in another way than the kernel does"
    return None


def rules_of(
    combination: Combination, market: PairMarket, assumptions: BacktestSettings
) -> NDArray[np.int64]:
    """The first part of a walk's array. Raises NotCovered."""
    reason = uncovered(combination, assumptions)
    if reason is not None:
        raise NotCovered(reason)
    rules = np.zeros(at.RULE_FIELDS, dtype=np.int64)
    _add_market(rules, market, assumptions, combination)
    _add_deal(rules, combination, market)
    _add_monitors(rules, combination.settings, combination.pair)
    _require_room(rules, market, assumptions)
    return rules


def _whole(value: Decimal | Fraction, what: str) -> int:
    exact = Fraction(value)
    if exact.denominator != 1 or not 0 <= exact.numerator < WORD_MAX:
        raise NotCovered(f"{what} does not fit the kernel's whole numbers")
    return exact.numerator


def _add_market(
    rules: NDArray[np.int64],
    market: PairMarket,
    assumptions: BacktestSettings,
    combination: Combination,
) -> None:
    units, filters = Units.of(market), market.market
    length = TIMEFRAME_MS[combination.settings.strategy.timeframe]
    rules[at.LATENCY] = assumptions.latency_ms
    rules[at.SPREAD_BP], rules[at.STEP_BP] = assumptions.spread_bp, assumptions.level_step_bp
    rules[at.LEVEL_PERCENT] = assumptions.level_volume_percent
    rules[at.LOT_UNITS] = _whole(market.lot / COINS, f"the lot {market.lot}")
    rules[at.TURNOVER_UNITS] = _whole(units.turnover / units.quote, "a tick times a lot")
    rules[at.MONEY_UNITS] = _whole(COINS / units.quote, "a coin of quote currency")
    money = Fraction(units.turnover) / Fraction(COINS)
    rules[at.TURNOVER_MONEY] = money.numerator
    rules[at.TURNOVER_MONEY_DIVISOR] = money.denominator
    rules[at.BUDGET_FINE_UNITS] = _whole(
        Fraction(units.quote) / Fraction(units.fine), f"the tick {market.tick}"
    )
    maker, taker = Fraction(assumptions.maker_fee), Fraction(assumptions.taker_fee)
    divisor = math.lcm(maker.denominator, taker.denominator)
    rules[at.FEE_DIVISOR] = _whole(Fraction(divisor), "the fee")
    rules[at.MAKER_FEE], rules[at.TAKER_FEE] = int(maker * divisor), int(taker * divisor)
    rules[at.LOTS_MIN] = max(1, math.ceil(Fraction(filters.minimum_amount) / Fraction(market.lot)))
    rules[at.LOTS_MAX] = int(filters.maximum_amount / market.lot)
    rules[at.MARKET_LOTS_MAX] = int(filters.market_maximum_amount / market.lot)
    least = Fraction(filters.minimum_notional) / Fraction(units.turnover)
    rules[at.TURNOVER_MIN] = math.ceil(least)
    rules[at.PRICE_MAX] = int(filters.maximum_price / market.tick)
    third = length // 3
    rules[at.OFFSET_FIRST], rules[at.OFFSET_SECOND] = third, 2 * third
    rules[at.OFFSET_CLOSE], rules[at.CANDLE_MS] = length - 1, length
    rules[at.NOTIONAL_MIN], rules[at.NOTIONAL_DIVISOR] = least.numerator, least.denominator


def _add_deal(
    rules: NDArray[np.int64],
    combination: Combination,
    market: PairMarket,
) -> None:
    settings, pair, units = combination.settings, combination.pair, Units.of(market)
    trading, cooldown = settings.trading, settings.signal_cooldown
    stops = market.market.max_algo_orders
    deals = min(pair.deal_count, trading.max_open_deals, stops)
    if deals > at.ROWS_MAX:
        raise NotCovered(f"the kernel follows at most {at.ROWS_MAX} deals at once, not {deals}")
    rules[at.DEALS_MAX] = deals
    rules[at.QUOTA] = _whole(pair.deal_quota / units.quote, f"deal_quota {pair.deal_quota}")
    rules[at.SMALL_QUOTA] = _whole(
        pair.deal_quota * SMALLER_SIZE / units.quote, f"deal_quota {pair.deal_quota}"
    )
    markup = Fraction(1 + pair.profit_markup / 100)
    rules[at.MARKUP], rules[at.MARKUP_DIVISOR] = markup.numerator, markup.denominator
    rules[at.IS_ENTRY_AT_ASK] = (
        trading.enable_orderbook_validation and settings.orderbook_analyzer.enabled
    )
    rules[at.AFTER_SIGNAL_MS] = _least_ms(cooldown.after_signal_seconds)
    rules[at.AFTER_LOSS_MS] = _least_ms(cooldown.after_loss_seconds)
    distance = Fraction(cooldown.min_entry_distance_percent) / 100
    rules[at.DISTANCE], rules[at.DISTANCE_DIVISOR] = distance.numerator, distance.denominator
    net = Fraction(trading.min_net_profit_percent)
    rules[at.NET_PERCENT_MIN], rules[at.NET_PERCENT_DIVISOR] = net.numerator, net.denominator


def _add_monitors(rules: NDArray[np.int64], settings: DomainSettings, pair: CurrencyPair) -> None:
    loss, buys = settings.stop_loss_monitor, settings.buy_order_monitor
    percents = {
        at.WARNING_LEVEL: loss.warning_percent,
        at.ORDERBOOK_LEVEL: loss.orderbook_percent,
        at.EMERGENCY_LEVEL: loss.emergency_percent,
        at.EXCHANGE_LEVEL: loss.exchange_stop_percent,
        at.DEVIATION_LEVEL: buys.max_price_deviation_percent,
    }
    left = {place: 1 - Fraction(percent) / 100 for place, percent in percents.items()}
    divisor = math.lcm(*[share.denominator for share in left.values()])
    rules[at.LEVEL_DIVISOR] = _whole(Fraction(divisor), "a loss level")
    for place, share in left.items():
        rules[place] = int(share * divisor)
    rules[at.IS_LOSS_WATCHED], rules[at.IS_BUY_WATCHED] = loss.enabled, buys.enabled
    minutes = min(buys.max_age_minutes, Decimal(pair.order_life_time))
    rules[at.BUY_AGE_MS] = int(minutes * 60_000)
    rules[at.CHECK_MS] = _whole_ms(buys.check_interval_seconds, "check_interval_seconds")
    rules[at.GRACE_MS] = _whole_ms(buys.partial_fill_grace_seconds, "partial_fill_grace_seconds")
    rules[at.IS_RECREATING] = buys.auto_recreate_orders
    wait = buys.min_time_between_recreations_minutes * 60_000
    rules[at.RECREATION_WAIT_MS] = int(wait.to_integral_value(ROUND_CEILING))
    rules[at.RECREATIONS_MAX] = min(buys.max_recreations, 1 << 40)


def _least_ms(seconds: float) -> int:
    """The fewest milliseconds whose 1000th part the cooldown counts as enough."""
    found = max(0, math.floor(seconds * 1000) - 1)
    while found / 1000.0 < seconds:
        found += 1
    return found


def _whole_ms(seconds: float, name: str) -> int:
    found = seconds * 1000
    if not float(found).is_integer():
        raise NotCovered(f"the kernel counts whole milliseconds, {name} {seconds} is none")
    return int(found)


def _require_room(
    rules: NDArray[np.int64], market: PairMarket, assumptions: BacktestSettings
) -> None:
    """No product of the walk may leave 63 bits, with room for prices that multiply."""
    units = Units.of(market)
    value = {name: int(rules[place]) for name, place in _ROOMY.items()}
    price = int(market.high.max())
    turnover = value["quota"] // value["turnover"] + price
    lots = turnover // max(1, int(market.low.min())) + 1
    fees = max(value["maker"], value["taker"], 1)
    biggest = max(
        int(assumptions.balance / units.quote),
        value["quota"] * value["fee_divisor"],
        value["quota"] * value["fine"],
        price * value["turnover"] * (value["fee_divisor"] + value["taker"]),
        price * value["lot"] * (value["fee_divisor"] + value["taker"]),
        turnover * value["money"] * fees,
        value["money_divisor"] * value["fee_divisor"],
        lots * value["lot"] * fees,
        lots * value["level_divisor"],
        lots * value["markup_divisor"],
        lots * value["lot"] * value["coins"],
        price * value["level_divisor"],
        price * value["markup"],
        price * value["distance_divisor"],
    )
    if biggest * ROOM >= WORD_MAX:
        raise NotCovered(
            f"prices of {market.symbol} and a quota of {value['quota'] * units.quote:f} do not fit "
            "the kernel's 63 bits"
        )


_ROOMY = {
    "quota": at.QUOTA,
    "turnover": at.TURNOVER_UNITS,
    "maker": at.MAKER_FEE,
    "taker": at.TAKER_FEE,
    "fee_divisor": at.FEE_DIVISOR,
    "fine": at.BUDGET_FINE_UNITS,
    "lot": at.LOT_UNITS,
    "money": at.TURNOVER_MONEY,
    "money_divisor": at.TURNOVER_MONEY_DIVISOR,
    "coins": at.MONEY_UNITS,
    "level_divisor": at.LEVEL_DIVISOR,
    "markup": at.MARKUP,
    "markup_divisor": at.MARKUP_DIVISOR,
    "distance_divisor": at.DISTANCE_DIVISOR,
}


def fresh_pair(pair: CurrencyPair) -> CurrencyPair:
    """The pair as a run may change it: the engine puts the exchange's filters in."""
    return replace(pair, rules=None)
